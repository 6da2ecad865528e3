#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# A disk that fills up: an error, the old value, and deletes still work.
requires root
mkdir disk
mount -t tmpfs -o size=24M none disk 2>/dev/null || skip_all "cannot mount tmpfs here"
cleanup "umount '$tmp/disk'"

check "a store fits" shmfsctl put disk/s.db a 1
head -c 4000000 /dev/urandom >some
shmfsctl put disk/s.db some <some
head -c 40000000 /dev/urandom >toomuch
check "a value that does not fit is exit 2" exits 2 shmfsctl put disk/s.db toomuch <toomuch
check "and says so" fails_with "space" shmfsctl put disk/s.db toomuch <toomuch
check "also from a pipe" exits 2 sh -c 'cat toomuch | shmfsctl put disk/s.db some'
check "it is not there" exits 1 shmfsctl exists disk/s.db toomuch
check "a value that was to be replaced is as it was" sh -c 'shmfsctl get disk/s.db some | cmp - some'
i=0
while [ $i -lt 40 ] && head -c 900000 /dev/zero | shmfsctl put disk/s.db "fill$i" 2>err; do
	i=$((i + 1))
done
check "the disk fills up" test $i -lt 40
check "every value that was put is there" \
	eq "$(shmfsctl ls --prefix=fill disk/s.db | wc -l)" $i
check "a full disk can be read" eq "$(shmfsctl get disk/s.db a)" 1
check "del works on it" shmfsctl del disk/s.db some
check "and makes room" shmfsctl put disk/s.db small 1
check "the store is sound" shmfsctl check disk/s.db

mkdir tiny
mount -t tmpfs -o size=64k none tiny
cleanup "umount '$tmp/tiny'"
check "a store that does not fit is not made" exits 2 shmfsctl create tiny/s.db
check "put says why" fails_with "space" shmfsctl put tiny/t.db a 1

shmfsctl create --max-size=8M max.db
head -c 20000000 /dev/zero >large
check "a value beyond max_size is exit 2" exits 2 shmfsctl put max.db a <large
check "a smaller one fits" shmfsctl put max.db a 1
