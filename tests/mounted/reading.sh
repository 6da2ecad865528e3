#!/bin/sh
# What an open file shows while its key changes.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k
put() { "$SHMFSCTL" put s.db k "$1"; }

put 0123456789
check "one that is read to the end shows one version" eq \
	"$("$calls" open 3 $k r read 3 4 sh "\"$SHMFSCTL\" put s.db k abcdefghijklmn" read 3 99 read 3 99)" \
	"0123
456789"
put 0123
check "reading from the start again shows the newest" eq \
	"$("$calls" open 3 $k r read 3 99 sh "\"$SHMFSCTL\" put s.db k abc" pread 3 0 99)" "0123
abc"
put 0123
check "so does reading on after the end was reached, as tail -f does" eq \
	"$("$calls" open 3 $k r read 3 99 read 3 99 sh "printf 45 >>$k" read 3 99)" "0123

45"
put 0123456789
check "so does reading elsewhere: who has waited for a lock sees what was written under it" eq \
	"$("$calls" open 3 $k rw pread 3 0 2 sh "\"$SHMFSCTL\" put s.db k abcdefghijklmn" pread 3 5 2 \
		pread 3 7 2)" \
	"01
fg
hi"
put 0123456789
check "and reading straight on in a file that is open to write too: a database's next transaction" eq \
	"$("$calls" open 3 $k rw pread 3 0 2 sh "\"$SHMFSCTL\" put s.db k abcdefghijklmn" pread 3 2 2)" \
	"01
cd"
check "a program sees what it has written itself, also when it reads straight on" eq \
	"$("$calls" open 3 $k rw read 3 2 pwrite 3 2 XY read 3 3)" "ab
XYe"
check "and what it has cut off" eq "$("$calls" open 3 $k rw read 3 2 ftruncate 3 3 read 3 3)" "ab
X"
put one
check "a descriptor opened before a change reads the newest" eq \
	"$("$calls" open 3 $k r sh "echo two >$k" read 3 99)" two
check "a change by a direct client is seen at once" eq \
	"$("$calls" stat $k size sh "\"$SHMFSCTL\" put s.db k 12345" stat $k size sh "cat $k")" "4
5
12345"
"$calls" open 3 $k w,trunc fill 3 900000 a close 3
check "a long one replaced in the middle is read to its end" eq \
	"$("$calls" open 3 $k r read 3 1 open 4 $k w,trunc fill 4 900000 b close 4 same 3 65536)" "a
899999 same a"
"$calls" open 3 $k w,trunc fill 3 5000000 a close 3
check "a longer one too" eq \
	"$("$calls" open 3 $k r read 3 1 open 4 $k w,trunc fill 4 5000000 b close 4 same 3 65536)" "a
4999999 same a"
check "a read of all of it gets it" eq "$("$calls" open 3 $k r same 3 20000000)" "5000000 same b"
check "reading has no effect on the store" eq "$(awk '$1 == "puts"' m/stat)" \
	"$(cat m/keys/* >/dev/null; awk '$1 == "puts"' m/stat)"
