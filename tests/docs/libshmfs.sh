#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
page=$top_srcdir/man/libshmfs.3

# part WHAT NAME: the text of the .Bd behind a line .\" WHAT NAME
part() {
	sed -n "/^\\.\\\\\" $1 $2\$/,/^\\.Ed\$/p" "$page" |
		sed -e '/^\./d' -e 's/\\e/\\/g' -e 's/\\&//g'
}

# compile NAME: NAME.c, against this build, with warnings
compile() {
	# shellcheck disable=SC2086
	"$LIBTOOL" --quiet --tag=CC --mode=link "$CC" $CFLAGS $SAN_FLAGS -Wall -Wextra -Werror \
		-I"$top_srcdir/lib" "$1.c" -o "$1" "$top_builddir/lib/libshmfs.la"
}

# ---- the programs of the manual ----------------------------------------------------------

sed -n 's/^\.\\" program //p' "$page" >programs
check "libshmfs(3) has programs" test "$(wc -l <programs)" -ge 3
while read -r program; do
	part program "$program" >"$program.c"
	check "the example $program compiles without a warning" compile "$program"
done <programs
for program in tutorial version setting consumer; do
	part output $program >wanted
	check "$program prints what the manual says" eq "$(./$program)" "$(cat wanted)"
done
check "the tutorial counts on" eq "$(./tutorial | head -n 1)" "visit 2"
head -c 300000 /dev/zero | tr '\0' x >input
check "stream takes standard input" eq "$(./stream <input)" "300000 bytes"
check "and the key has it" sh -c "shmfsctl get stream.db stdin | cmp - input"

# ---- the header --------------------------------------------------------------------------

# The first lines of the opening comment that are code.
{
	printf '#include <shmfs.h>\n#include <stdio.h>\n\nint main(void)\n{\n'
	sed -n '/^ \*	struct shmfs \*s;/,/^ \*	shmfs_close/s/^ \*//p' "$top_srcdir/lib/shmfs.h"
	printf '\tprintf("%%.*s\\n", (int)size, value);\n}\n'
} >header.c
check "the header's example compiles" compile header
check "and gets what it put" eq "$(./header)" 42
check "of the store it made" eq "$(shmfsctl get store.db answer)" 42

# ---- nothing is left out -------------------------------------------------------------------

sed -n 's/^	\(shmfs_[a-z_]*\);$/\1/p' "$top_srcdir/lib/libshmfs.map" >exported
check "the library exports functions" test "$(wc -l <exported)" -gt 30
while read -r function; do
	check "$function is in the synopsis and explained" test \
		"$(grep -c "^\.\(It \)\?F[no] $function\( \|\$\)" "$page")" -ge 2
done <exported
for word in $(sed -n 's/^	\(SHMFS_[A-Z_]*\) = .*/\1/p' "$top_srcdir/lib/shmfs.h"); do
	short=${word#SHMFS_E_}
	check "the manual has $word" grep -qE "Dv .*($word|_$short)\b" "$page"
done
sed -n '/^struct shmfs_stat {/,/^}/s/^	[a-z0-9_]* \([a-z_]*\);.*/\1/p' "$top_srcdir/lib/shmfs.h" >members
while read -r member; do
	check "the manual has $member" grep -qE "^\.(It )?Va .*\b$member\b" "$page"
done <members
