#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/docs/session.sh"
readme=$top_srcdir/README.md

# The C program, against this build, with warnings.
markdown_blocks "$readme" c >program.c
check "README.md has a C program" test -s program.c
# shellcheck disable=SC2086
check "which compiles without a warning" "$LIBTOOL" --quiet --tag=CC --mode=link \
	"$CC" $CFLAGS $SAN_FLAGS -Wall -Wextra -Werror -I"$top_srcdir/lib" program.c -o program \
	"$top_builddir/lib/libshmfs.la"
check "and prints 42 and a frame" eq "$(./program)" "42, a frame"
check "of the store it made" eq "$(shmfsctl get store.db answer)" 42
rm -f store.db

# The shell session; what is not about the mount runs without one too.
markdown_blocks "$readme" sh >session
check "README.md has a session" test -s session
requires fuse
mkdir mnt
cleanup "unmount '$tmp/mnt'"
run_session session
