#!/bin/sh
# A full disk.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse root
calls=$top_builddir/tests/mounted/calls
mkdir disk
cleanup "umount disk"
mount -t tmpfs -o size=24M tmpfs disk || skip_all "cannot mount a tmpfs"
mount_store disk/s.db m
k=m/keys

echo kept >$k/kept
check "a long value that does not fit is ENOSPC at the write" eq \
	"$("$calls" open 3 $k/big w,creat fill 3 60000000 x | head -n 1)" ENOSPC
rm -f $k/big
i=0
while [ $i -lt 300 ] && head -c 200000 /dev/zero >$k/k$i; do i=$((i + 1)); done 2>.err
check "many short ones fill it, too" [ $i -lt 300 ]
check "and say so" grep -q "No space left" .err
check "what was there is there" eq "$(cat $k/kept)" kept
check "deleting works" rm $k/k0 $k/k1 $k/k2 $k/k3 $k/k4 $k/k5 $k/k6 $k/k7 $k/k8 $k/k9
check "and makes room" eventually sh -c "echo new >$k/new"
check "the mount is as before" eq "$(cat $k/new)" new
unmount m
check "the store is well" "$SHMFSCTL" check disk/s.db
