#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
readme=$top_srcdir/README.md

# The C program, against this build, with warnings.
markdown_blocks "$readme" c >program.c
check "README.md has a C program" test -s program.c
check "of twelve lines, besides an empty one" eq "$(grep -c . program.c)" 12
# shellcheck disable=SC2086
check "which compiles without a warning" "$LIBTOOL" --quiet --tag=CC --mode=link \
	"$CC" $CFLAGS $SAN_FLAGS -Wall -Wextra -Werror -I"$top_srcdir/lib" program.c -o program \
	"$top_builddir/lib/libshmfs.la"
check "and prints 42" eq "$(./program)" "42"
check "of the store it made" eq "$(shmfsctl get store.db answer)" 42
rm -f store.db

# What it names is there.
grep -oE '\]\([^)]+\)' "$readme" | sed 's/^](//; s/)$//' >links
check "README.md shows pictures" test "$(grep -c '\.svg$' links)" -ge 4
while read -r link; do
	check "$link, which README.md shows, is in the source" test -f "$top_srcdir/$link"
done <links
for picture in "$top_srcdir"/docs/*.svg; do
	check "docs/${picture##*/} is shown" grep -qx "docs/${picture##*/}" links
	check "it can be read on light and dark" grep -q "prefers-color-scheme:dark" "$picture"
	check "and is small" test "$(wc -c <"$picture")" -lt 20000
done
grep -oE '(shmfs_[a-z_]+)\(' "$readme" | tr -d '(' | sort -u >named
check "README.md names functions" test "$(wc -l <named)" -gt 20
sed -n 's/^	\(shmfs_[a-z_]*\);$/\1/p' "$top_srcdir/lib/libshmfs.map" | sort >exported
check "all of which the library has" eq "$(comm -23 named exported)" ""
sed -n '/^## Coming/,$p' "$readme" | grep -oE '`[a-z]+(_[a-z]+)+`' | tr -d '`' | sort -u >members
check "and options and figures" test "$(wc -l <members)" -ge 5
while read -r member; do
	check "shmfs.h has $member" grep -qw "$member" "$top_srcdir/lib/shmfs.h"
done <members
for command in ./quickstart ./run-tests; do
	check "README.md tells of $command" grep -q "^    $command " "$readme"
	check "and it can be run" test -x "$top_srcdir/$command"
done
packages=$(sed -n 's/^packages_build="\(.*\)"$/\1/p' "$top_srcdir/build-aux/setup.sh")
check "README.md has the packages that quickstart installs" eq "$packages" \
	"$(sed -n '/apt-get install/{N;s/\\\n//;s/.*install //;s/  */ /g;p;}' "$readme")"
check "README.md has the figures of a run" sh -c \
	"sed -n '/<!-- figures -->/,/<!-- end of figures -->/p' '$readme' | grep -q '^| get | '"

# The shell sessions, which go on with one store.
markdown_blocks "$readme" sh >session
check "README.md has sessions" test "$(grep -c '^\$ ' session)" -gt 15
requires fuse
cleanup "unmount '$tmp/mnt'"
run_session session

# The store that is left is the one of the picture.
sed -n 's/.*class="name">\([a-z0-9]*\).*/\1/p' "$top_srcdir/docs/tree.svg" | sort >drawn
mount_store store.db mnt
{
	find mnt -printf '%f\n'
	[ ! -e mnt/cursors/w1/wait ] || echo wait # which is not listed
} | sort >there
check "docs/tree.svg has what is in a mount" eq "$(cat drawn)" "$(cat there)"
