#!/bin/sh
# Files that are open when their key goes away.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k
del="\"$SHMFSCTL\" del s.db k"

echo value >$k
check "an unlinked file keeps its last value, with no links" eq \
	"$("$calls" open 3 $k r unlink $k fstat 3 nlink fstat 3 size read 3 99 stat $k size)" "0
6
value
ENOENT"
echo value >$k
check "it can be written and read on" eq \
	"$("$calls" open 3 $k rw,append unlink $k write 3 more pread 3 0 99 fstat 3 size ftruncate 3 3 \
		pread 3 0 99 close 3 stat $k size)" "value
more
10
val
ENOENT"
check "the key may be made again, and is another file" eq \
	"$("$calls" open 3 $k rw,creat write 3 old fsync 3 unlink $k open 4 $k rw,creat write 4 new \
		fsync 4 pread 3 0 9 pread 4 0 9)" "old
new"
check "what was staged for an unlinked key is not published" eq \
	"$("$calls" open 3 $k w,trunc write 3 gone sh "rm $k" close 3 stat $k size)" ENOENT
echo value >$k
check "deleted by somebody else it is ESTALE to read" eq "$("$calls" open 3 $k r sh "$del" read 3 9)" ESTALE
echo value >$k
check "also in the middle" eq "$("$calls" open 3 $k r read 3 2 sh "$del" read 3 9)" "va
ESTALE"
echo value >$k
check "and to append to" eq "$("$calls" open 3 $k w,append sh "$del" write 3 more sh "sleep 1" stat $k size)" "ESTALE
ENOENT"
echo value >$k
check "and to fstat, once the kernel was told" eq "$("$calls" open 3 $k r sh "$del; sleep 1" fstat 3 size)" ESTALE
"$calls" open 3 $k w,creat,trunc fill 3 3000000 x close 3
check "a long one is kept too" eq \
	"$("$calls" open 3 $k r unlink $k sh "head -c 9000000 /dev/zero >m/keys/other" same 3 4096)" \
	"3000000 same x"
check "its pin goes with the file" eq "$(sleep 0.2; awk '$1 == "pins" { print $2 }' m/stat)" 0
"$calls" open 3 $k w,creat,trunc fill 3 3000000 x close 3
check "a long one can be written on" eq \
	"$("$calls" open 3 $k rw unlink $k pwrite 3 3000000 x pwrite 3 5 x seek 3 0 same 3 65536)" \
	"3000001 same x"
check "an empty one too" eq "$("$calls" open 3 $k rw,creat fsync 3 unlink $k pwrite 3 0 x pread 3 0 9)" x
