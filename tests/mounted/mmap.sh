#!/bin/sh
# Mapping a key.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k
echo mapped >$k

check "MAP_PRIVATE shows the value" eq "$("$calls" open 3 $k r map 3 p mapped)" mapped
check "what is written to it stays private" eq \
	"$("$calls" open 3 $k rw map 3 pw poke 0 M mapped munmap close 3 sh "cat $k")" "Mapped
mapped"
if [ "$("$calls" open 3 $k r map 3 s)" = ENODEV ]; then
	skip "MAP_SHARED" "the kernel or libfuse has no FUSE_DIRECT_IO_ALLOW_MMAP"
	exit
fi
check "MAP_SHARED shows the value" eq "$("$calls" open 3 $k r map 3 s mapped)" mapped
check "what is written to it is published by msync" eq \
	"$("$calls" open 3 $k rw map 3 sw poke 0 M msync sh "\"$SHMFSCTL\" get s.db k")" Mapped
check "a page is of the newest version, whatever was read from the file before" eq \
	"$("$calls" open 3 $k w,trunc fill 3 8192 a close 3 open 3 $k rw open 4 $k rw map 3 s mapped \
		pread 3 0 4096 pwrite 4 4096 new mapped | tr -s a)" "a
a
anewa"
echo Mapped >$k
check "or by unmapping and closing" eq \
	"$("$calls" open 3 $k rw map 3 sw poke 1 A munmap close 3 sh "\"$SHMFSCTL\" get s.db k")" MApped
