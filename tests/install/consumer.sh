#!/bin/sh
# make installcheck: programs in C and C++ built by pkg-config against the installed files, and run.
# The build tree is no help: its programs are taken out of PATH, its headers are named nowhere.
. "${top_srcdir:?run me by make installcheck}/tests/lib.sh"
: "${DESTDIR=}" "${bindir:?run me by make installcheck}" "${pkgconfigdir:?}" "${libdir:?}" "${includedir:?}"
requires pkg-config

PATH=${PATH#"$top_builddir/src/fs:$top_builddir/src/ctl:"}
shmfsctl() { "$DESTDIR$bindir/shmfsctl" "$@"; }
export LD_LIBRARY_PATH="$DESTDIR$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PKG_CONFIG_PATH="$DESTDIR$pkgconfigdir" PKG_CONFIG_SYSROOT_DIR="$DESTDIR"
cp "$top_srcdir"/tests/install/consumer.c "$top_srcdir"/tests/install/cxx.cc \
	"$top_srcdir"/contrib/examples/get.c* .

check "pkg-config knows shmfs" pkg-config --exists shmfs
check "of the version that the tool is" eq "shmfsctl $(pkg-config --modversion shmfs)" "$(shmfsctl --version | head -n 1)"
# shellcheck disable=SC2046,SC2086
build() { # COMPILER NAME SOURCE FLAG...
	compiler=$1 program=$2 source=$3
	shift 3
	$compiler $CFLAGS $SAN_FLAGS -Wall -Wextra -Werror "$@" $(pkg-config --cflags shmfs) "$source" \
		-o "$program" $(pkg-config --libs shmfs)
}

check "a C program builds by pkg-config" build "$CC" consumer consumer.c -std=c99 -pedantic
check "with the installed library" sh -c "ldd consumer | grep -q ' $DESTDIR$libdir/'"
check "it runs, and all is as it should be" ./consumer s.db
check "the installed tool reads the store it made" eq "$(shmfsctl get s.db answer)" 42
check "and finds no fault in it" shmfsctl check s.db
check "the example in C builds" build "$CC" get get.c
check "and reads it too" eq "$(./get s.db answer)" 42

# The shared library is the one that is taken unless the static one is asked for.
static() {
	# shellcheck disable=SC2046,SC2086
	$CC $CFLAGS -Wall -Wextra -Werror $(pkg-config --cflags shmfs) consumer.c -o consumer-static \
		-static $(pkg-config --static --libs shmfs)
}
echo 'int main(void) { return 0; }' >empty.c
if [ ! -e "$DESTDIR$libdir/libshmfs.a" ]; then
	skip "the static library" "configured without --enable-static"
elif [ -n "${SAN_FLAGS:-}" ] || ! $CC -static empty.c -o empty -lm -pthread 2>/dev/null; then
	skip "the static library" "no static libc, or a sanitizer"
else
	check "a C program builds with the static library" static
	check "it needs no shared one" sh -c "! ldd consumer-static 2>/dev/null | grep libshmfs"
	check "and does the same" ./consumer-static static.db
fi

if [ -z "${CXX:-}" ] || ! echo 'int main() {}' | $CXX -std=c++17 -x c++ -fsyntax-only - 2>/dev/null; then
	skip "the C++ program" "no C++17 compiler"
	exit
fi
mkdir cxx
check "a C++ program builds by pkg-config" build "$CXX" consumer++ cxx.cc -std=c++17 -pedantic
check "it runs, and all is as it should be" sh -c './consumer++ cxx >out || { cat out; false; }'
check "the example in C++ builds" build "$CXX" get++ get.cc -std=c++17
check "and reads the store that C made" eq "$(./get++ s.db answer)" 42
check "and says why it cannot" fails_with "none: No such file" ./get++ none answer
