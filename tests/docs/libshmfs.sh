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
check "libshmfs(3) has programs" test "$(wc -l <programs)" -ge 9
while read -r program; do
	part program "$program" >"$program.c"
	check "the example $program compiles without a warning" compile "$program"
done <programs
sed -n 's/^\.\\" output //p' "$page" >outputs
check "and says what they print, but for stream" eq "$(grep -vxF -f outputs programs)" stream
while read -r program; do
	part output "$program" >wanted
	check "$program prints what the manual says" eq "$("./$program" 2>"$program.err")" "$(cat wanted)"
done <outputs
check "care tells on standard error how far it is" grep -q '^[0-9]* of [0-9]* bytes$' care.err
check "and the copy it makes is a store" eq "$(shmfsctl get copy.db key)" value
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

# Each error that the header names at a function: "function error".
awk '
	/^\/\*/ { comment = 1; errors = "" }
	comment {
		for (rest = $0; match(rest, /-E[A-Z0-9]+|SHMFS_E_[A-Z_]+/); rest = substr(rest, RSTART + RLENGTH))
			errors = errors " " substr(rest, RSTART, RLENGTH)
	}
	/\*\// { comment = 0; next }
	!comment && !/^typedef/ && match($0, /shmfs_[a-z_]+\(/) {
		n = split(errors, error)
		for (i = 1; i <= n; i++) {
			sub(/^(-|SHMFS_E_)/, "", error[i])
			print substr($0, RSTART, RLENGTH - 1), error[i]
		}
	}
	/^$/ { errors = "" }
' "$top_srcdir/lib/shmfs.h" | sort -u >errors
check "the header names errors of its functions" test "$(wc -l <errors)" -gt 60

# said_at FUNCTION: what the manual says of it, and of those whose errors it has "as of" them
said_at() {
	sed -n "/^\.It Fn $1\$/,/^\.\(It Fn\|S[sh]\) /p" "$page" | sed '1d;$d' >said
	cat said
	for other in $(sed -n '/^\(.* as of\|As\)$/{n;s/^\.Fn \(shmfs_[a-z_]*\).*/\1/p;}' said); do
		sed -n "/^\.It Fn $other\$/,/^\.\(It Fn\|S[sh]\) /p" "$page"
	done
}
while read -r function error; do
	check "$function: the manual has $error" sh -c 'grep -qE "(^|[^A-Z])$1([^A-Z]|$)"' - "$error" <<-END
	$(said_at "$function")
	END
done <errors

# The other way: what the manual names at a function is there in the header, or in that of another
# that the header refers to, or among those that any call may return.
awk '
	/^\/\*/ && FNR > 2 { comment = 1; text = "" }
	/^ \*/ && !comment { any = any " " $0 }
	comment { text = text " " $0 }
	/\*\// { comment = 0; next }
	!comment && !/^typedef/ && match($0, /^[a-z].*shmfs_[a-z_]+\(/) {
		sub(/\(.*/, "")
		sub(/.*[ *]/, "")
		print $0, text
	}
	/^$/ { text = "" }
	END { print "any", any }
' "$top_srcdir/lib/shmfs.h" >comments
# allowed FUNCTION: the comments that count
allowed() {
	sed -n "s/^any //p; s/^$1 //p" comments
	for other in $(sed -n "s/^$1 //p" comments | grep -oE '(as|As) (shmfs_[a-z_]+|set|create)|as open' |
		sed 's/.* //; s/^\(set\|create\)$/shmfs_cursor_&/'); do
		[ "$other" = "$1" ] || allowed "$other"
	done
}
while read -r function; do
	sed -n "/^\.It Fn $function\$/,/^\.\(It Fn\|S[sh]\) /p" "$page" |
		sed -n 's/^\.\(It \)\{0,1\}Er //p' | grep -oE '\<E[A-Z0-9]{3,}' | sort -u >named
	allowed "$function" >allowed
	check "$function: the header has what the manual names" \
		eq "$(while read -r error; do
			case $function:$error in
			shmfs_log_begin:EDEADLK | shmfs_log_trim:ESTALE) ;; # what other calls get by it
			*) grep -qw -e "$error" allowed || echo "$error" ;;
			esac
		done <named)" ""
done <exported

# And each comes, or it is said why that is hard to show.
while read -r function error; do
	check "$function: $error is shown by a test" grep -qE \
		"(GIVES|REFUSES|HARD)\($function, (.*, )?(-|SHMFS_E_)$error(, \"|\))" \
		"$top_srcdir/tests/unit/errors.c" "$top_srcdir/tests/unit/errorslog.c"
done <errors

for word in $(sed -n 's/^	\(SHMFS_[A-Z_]*\) = .*/\1/p; s/^#define \(SHMFS_[A-Z_]*\) .*/\1/p' \
	"$top_srcdir/lib/shmfs.h"); do
	short=${word#SHMFS_E_}
	check "the manual has $word" grep -qE "Dv .*($word|_$short)\b" "$page"
done
# Members of the public structures, but for what is private or reserved: "structure member".
awk '
	/^struct [a-z_]* \{/ { structure = $2 }
	/^\}/ { structure = "" }
	structure && /^\t[a-z].*;/ && !/private/ {
		sub(/;.*/, "")
		sub(/\[[0-9]*\]$/, "")
		n = split($0, word, /[ *\t]+/)
		if (word[n] != "reserved")
			print structure, word[n]
	}
' "$top_srcdir/lib/shmfs.h" >members
check "the header has structures" test "$(wc -l <members)" -gt 80
# The types as the header has them, a line each.
sed 's|/\*.*\*/||; s/[[:blank:]]*$//' "$top_srcdir/lib/shmfs.h" >declared
sed -n '/^\.Ss Types$/,/^\.Ed$/p' "$page" | grep '^	[a-z].*;$' >types
check "the manual has types" test "$(wc -l <types)" -gt 45
check "and they are those of the header" eq "$(grep -vxF -f declared types | grep -v '^	.*)')" ""
tr -d '\n' <declared | tr -s '\t ' ' ' | grep -o 'typedef [^;]*;' >typedefs
sed -n '/^\.Ss Types$/,/^\.Ed$/p' "$page" | tr '\n' ' ' | tr -s '\t ' ' ' | grep -o 'typedef [^;]*;' >explained
check "and of its callbacks" eq "$(cat explained)" "$(cat typedefs)"
while read -r structure member; do
	check "the manual has $member of $structure" grep -qE "^\.(It )?V[at] .*\b$member\b" "$page"
done <members
