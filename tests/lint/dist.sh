#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires git make
# Only in a checkout, where git knows what should be there.
[ -e "$top_srcdir/.git" ] || skip_all "needs a git checkout"
git -c safe.directory='*' -C "$top_srcdir" ls-files >tracked || skip_all "needs a git checkout"

not_for_the_tarball='^(\.gitignore|\.gitattributes|\.ci/.*)$'

make -s -C "$top_builddir" list-dist | sort -u >packed
grep -Ev "$not_for_the_tarball" tracked | sort >wanted
comm -23 wanted packed >missing
check "every tracked file is in the tarball" eq "$(cat missing)" ""
