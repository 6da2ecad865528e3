#!/bin/sh
# Cutting and extending.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k
printf 0123456789 >$k

check "truncate cuts" eq "$("$calls" truncate $k 4 sh "cat $k")" 0123
check "truncate extends by zeros" eq "$("$calls" truncate $k 6 sh "od -An -c $k")" \
	'   0   1   2   3  \0  \0'
check "ftruncate is visible at once" eq "$("$calls" open 3 $k rw ftruncate 3 2 sh "cat $k")" 01
check "truncating to the same size does nothing" eq "$("$calls" truncate $k 2 sh "cat $k")" 01
check "to nothing leaves an empty key" eq "$("$calls" truncate $k 0 stat $k size)" 0
check "a key that is not there is ENOENT" eq "$("$calls" truncate m/keys/none 0)" ENOENT
check "past the largest value is EFBIG" eq "$("$calls" truncate $k 70000000000)" EFBIG
check "writing there too" eq "$("$calls" open 3 $k w pwrite 3 70000000000 x)" EFBIG
check "the value is what it was" eq "$("$calls" stat $k size)" 0
check "fallocate extends" eq "$("$calls" open 3 $k rw fallocate 3 0 0 100 fstat 3 size)" 100
check "and never cuts" eq "$("$calls" open 3 $k rw fallocate 3 0 0 10 fstat 3 size)" 100
check "truncate(1) makes a key" eq "$(truncate -s 5 m/keys/t && stat -c %s m/keys/t)" 5
check "a long value is cut" eq \
	"$("$calls" open 3 $k w,trunc fill 3 2000000 a close 3 truncate $k 1500000 open 3 $k r same 3 65536)" \
	"1500000 same a"
check "and extended" eq "$("$calls" truncate $k 1500001 stat $k size)" 1500001
check "a staged file can be cut before it is closed" eq \
	"$("$calls" open 3 $k w,trunc write 3 abcdef ftruncate 3 3 close 3 sh "cat $k")" abc

unmount m
"$SHMFS" small.db m -o max_size=16M
k=m/keys/k
printf ok >$k
check "a value that does not fit into max_size is EFBIG" fails_with "File too large" \
	dd if=/dev/zero of=$k bs=1M count=40
check "what was there is there still, or its beginning" [ -e $k ]
check "a small one still fits" eq "$(echo small >m/keys/s && cat m/keys/s)" small
check "and deleting works" rm $k
