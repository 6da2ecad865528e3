#!/bin/sh
# The disk fails under a mount: fsync says so once to each open file, and the rest goes on.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
. "$top_srcdir/tests/env/preload.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
value() { awk -v name="$1" '$1 == name { print $2 }' m/stat; }

cat >flush.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int fails(void)
{
	errno = EIO;
	return access(getenv("FAILS"), F_OK) == 0;
}
int fdatasync(int fd)
{
	return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}
int msync(void *at, size_t n, int flags)
{
	return fails() ? -1 : (int)syscall(SYS_msync, at, n, flags);
}
END
export FAILS="$tmp/fails"
mount_on_disk "a failing disk" sync_interval=0
echo synced >m/keys/k
check "fsync succeeds" sync m/keys/k
echo lost >m/keys/k
touch fails
check "when the disk fails fsync is EIO" eq "$("$calls" open 3 m/keys/k w,append fsync 3)" EIO
rm fails
check "stat says so" eq "$(value io_error)" 1
check "the next fsync, of a working disk, is EIO too" eq "$("$calls" open 3 m/keys/k w,append fsync 3)" EIO
check "that of the log" eq "$("$calls" open 3 m/log w,append write 3 x fsync 3)" "EIO"
check "reading goes on" eq "$(cat m/keys/k)" lost
check "so does writing" eq "$(echo new >m/keys/n && cat m/keys/n)" new
check "it unmounts" fusermount3 -u m
wait $pid
check "and ends with 2, for what is not on disk" eq $? 2
check "which it says" grep -q "s.db: .*error" said
check "in this boot the store has all of it" eq "$("$SHMFSCTL" get s.db k 2>/dev/null)" lost
cp s.db copy.db
# The sync that failed may have left its checkpoint, which counts if all it brought along is there.
check "a copy is as of the last sync, or all of the one that failed" \
	test "$("$SHMFSCTL" get copy.db k)" = synced -o "$("$SHMFSCTL" get copy.db k)" = lost
check "and is well" "$SHMFSCTL" check copy.db
