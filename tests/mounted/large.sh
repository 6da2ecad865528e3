#!/bin/sh
# Large values.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k

head -c 30000000 /dev/urandom >file
check "cp in" cp file $k
check "is the same" cmp file $k
check "cp out is, too" sh -c "cp $k copy && cmp file copy"
check "shmfsctl gets the same" sh -c "\"$SHMFSCTL\" get s.db k | cmp - file"
check "dd by 1 MiB" sh -c "dd if=file of=$k bs=1M 2>/dev/null && cmp file $k"
check "dd by odd sizes" sh -c "dd if=file of=$k bs=77777 2>/dev/null && cmp file $k"
check "tail reads the end" eq "$(tail -c 1000 $k | cksum)" "$(tail -c 1000 file | cksum)"
check "writing in the middle" sh -c "
	printf MIDDLE | dd of=$k bs=1 seek=15000000 conv=notrunc 2>/dev/null &&
	printf MIDDLE | dd of=file bs=1 seek=15000000 conv=notrunc 2>/dev/null && cmp file $k"
check "a write of 5 MiB at once" eq \
	"$(head -c 5242880 /dev/zero | dd of=$k bs=5M iflag=fullblock 2>/dev/null; stat -c %s $k)" 5242880
check "a value written backwards" eq \
	"$("$calls" open 3 $k w,trunc pwrite 3 2000000 C pwrite 3 1000000 B pwrite 3 0 A close 3 \
		open 3 $k r pread 3 0 1 pread 3 1000000 1 pread 3 2000000 1 pread 3 500000 1 stat $k size |
		tr -d '\000')" "A
B
C

2000001"
rm file copy $k
# What a checkpoint reaches is not used again before the next one: without one in between,
# how much the file grows does not depend on when it comes.
unmount m
mount_store s.db m -o sync_interval=0
again() {
	i=0
	while [ $i -lt 12 ]; do
		head -c 20000000 /dev/zero >m/keys/again
		i=$((i + 1))
	done
	stat -c %s s.db
}
first=$(again)
check "the space of replaced values is used again" [ "$(again)" -lt $((first + 50000000)) ]
