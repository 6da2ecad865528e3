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

# Anybody can then see for himself what a tarball was made of.
packs() { # UMASK NAME: a tarball NAME, as make dist makes it
	(umask "$1" && make -s -C "$top_builddir" dist-gzip distdir="$tmp/shmfs") >said 2>&1 || cat said
	mv shmfs.tar.gz "$2"
}
if tar --version 2>/dev/null | grep -q GNU; then
	packs 022 one
	sleep 1
	packs 077 two
	check "the same commit gives the same bytes, at any time and by any umask" cmp one two
else
	skip "the same commit gives the same bytes" "needs GNU tar"
fi
