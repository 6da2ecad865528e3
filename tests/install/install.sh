#!/bin/sh
# What a package would do, and what its user would do then.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires make pkg-config nm readelf

root=$tmp/root
prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
make_it() { make -s -C "$top_builddir" DESTDIR="$root" "$@"; }

check "make install" make_it install
lib=$(dirname "$(find "$root" -name shmfs.pc)")/..
export LD_LIBRARY_PATH="$lib" PKG_CONFIG_PATH="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"

for program in "$root$prefix"/bin/*; do
	check "${program##*/} does not look for libraries where it was built" \
		eq "$(readelf -d "$program" | grep -E 'R(UN)?PATH' | grep -F "$abs_top_builddir")" ""
done
check "the installed tool runs" "$root$prefix/bin/shmfsctl" --version

# shellcheck disable=SC2046,SC2086
compile() { $CC $CFLAGS $SAN_FLAGS -Wall -Wextra -Werror $(pkg-config --cflags shmfs) "$@"; }
# shellcheck disable=SC2046
check "a program builds as pkg-config says" \
	compile "$top_srcdir/contrib/examples/get.c" -o get $(pkg-config --libs shmfs)
check "it runs, and fails on a store that is not there" fails_with "get: " ./get none key
cp "$top_srcdir/contrib/examples/get.c" header.c
check "the header is strict C99" compile -std=c99 -pedantic -fsyntax-only header.c
if echo | $CC -x c++ -fsyntax-only - 2>/dev/null; then
	check "the header is C++" compile -x c++ -std=c++11 -pedantic -fsyntax-only header.c
else
	skip "the header is C++" "no C++ compiler"
fi

if make_it installcheck >installcheck 2>&1; then
	grep -E '^(ok|skip) - ' installcheck # its cases are cases of this test
else
	cat installcheck
	fail "make installcheck"
fi

# And it finds what is wrong with the installed files.
installcheck_fails_after() { # EDIT FILE
	cp "$2" kept
	sed -i "$1" "$2"
	not make_it installcheck >/dev/null 2>&1
	status=$?
	cp kept "$2"
	return $status
}
check "(installcheck fails if pkg-config names another library)" \
	installcheck_fails_after 's/-lshmfs/-lshmfz/' "$lib/pkgconfig/shmfs.pc"
check "(and another version)" installcheck_fails_after 's/^Version: /&9/' "$lib/pkgconfig/shmfs.pc"
check "(and if the header lacks a function)" \
	installcheck_fails_after 's/^int shmfs_get(/int shmfs_gets(/' "$root$prefix/include/shmfs.h"

# What is declared and what is exported are the same set.
sed '/^typedef/d' "$root$prefix/include/shmfs.h" | tr '\n' ' ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' |
	grep -o '\<shmfs_[a-z_]* *(' | tr -d ' (' | sort -u >declared
nm -D --defined-only "$lib/libshmfs.so" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' |
	grep -v '^_' | sort -u >exported
check "the library exports what the header declares and nothing else" diff declared exported

# Of the Debian packages, as make deb would have it: what dh_missing ends a build with.
debian=$top_srcdir/contrib/debian
zsh=$(sed -n 's/.*ZSH_COMPLETION_DIR=//p' "$debian/rules")
(cd "$root" && find . ! -type d) | sed -e "s|^\.$prefix/|usr/|" -e 's|^\./||' -e 's|^usr/lib/systemd|lib/systemd|' \
	-e 's,^usr/lib/\(libshmfs\|pkgconfig\),usr/lib/x/\1,' -e "s|^usr/share/zsh/site-functions|${zsh#/}|" >installed
sed 's|\${DEB_HOST_MULTIARCH}|*|' "$debian"/*.install "$debian/not-installed" >patterns
while read -r file; do
	while read -r pattern; do
		# shellcheck disable=SC2254
		case $file in $pattern | $pattern/*) echo "$file" ;; esac
	done <patterns
done <installed >packed
check "each file is of one Debian package" eq "$(sort packed)" "$(sort installed)"
sed -n 's/^\(SHMFS_[0-9.]*\) {/\1/p' "$top_srcdir/lib/libshmfs.map" >sections
check "whose symbols file has each section of libshmfs.map" \
	eq "$(sed -n 's/^ (symver)\(SHMFS_[0-9.]*\) .*/\1/p' "$debian/libshmfs0.symbols")" "$(cat sections)"

check "make uninstall" make_it uninstall
check "nothing is left behind" eq "$(find "$root" ! -type d)" ""
