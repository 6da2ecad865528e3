#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

version=$(sed -n 's/^AC_INIT(\[shmfs\], \[\([0-9.]*\)\].*/\1/p' "$top_srcdir/configure.ac")
check "configure.ac names a version" test -n "$version"
check "the library says the same" eq "$("$SHMFSCTL" --version)" "shmfsctl $version"
check "NEWS.md begins with it" \
	eq "$(sed -n 's/^## \([0-9.]*\).*/\1/p' "$top_srcdir/NEWS.md" | head -n 1)" "$version"
check "the Debian package is of that version" eq \
	"$(sed -n 's/^shmfs (\([0-9.]*\)-[0-9]*).*/\1/p;1q' "$top_srcdir/contrib/debian/changelog")" "$version"
