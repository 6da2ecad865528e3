#!/bin/sh
# rename: a value gets another key, in one step.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys

echo a >$k/a
"$SHMFSCTL" put --type=string s.db b bee
check "mv gives a value another key" mv $k/a $k/c
check "it is there" eq "$(cat $k/c)" a
check "and no more under the old one" not [ -e $k/a ]
check "mv over a key replaces it" mv $k/b $k/c
check "and takes the type along" eq "$(getfattr --only-values -n user.shmfs.type $k/c 2>/dev/null)" string
check "NOREPLACE refuses a name that is there" eq \
	"$("$calls" open 3 $k/d w,creat close 3 rename $k/d $k/c 1)" EEXIST
check "and takes one that is not" eq "$("$calls" rename $k/d $k/e 1 stat $k/e size)" 0
check "EXCHANGE is EINVAL" eq "$("$calls" rename $k/e $k/c 2)" EINVAL
check "a key that is not there is ENOENT" eq "$("$calls" rename $k/none $k/c 0)" ENOENT
check "renaming out of keys is EPERM" eq "$("$calls" rename $k/e m/e 0)" EPERM
check "a key renamed over its own name stays" eq "$("$calls" rename $k/c $k/c 0 sh "cat $k/c")" bee
echo one >$k/r1
check "an open file follows its key" eq \
	"$("$calls" open 3 $k/r1 rw,append rename $k/r1 $k/r2 0 write 3 two close 3 sh "cat $k/r2")" "one
two"
check "one that has staged a value, too" eq \
	"$("$calls" open 3 $k/r2 w,trunc write 3 new sh "mv $k/r2 $k/r3" close 3 sh "cat $k/r3; ls $k")" \
	"newc
e
r3"
check "one renamed over keeps what its key held" eq \
	"$("$calls" open 3 $k/r3 r open 4 $k/c r rename $k/c $k/r3 0 fstat 3 nlink fstat 4 nlink \
		read 3 99 read 4 99)" "0
1
new
bee"
check "what is staged for a key renamed over is not published" eq \
	"$("$calls" open 3 $k/x w,creat write 3 x close 3 open 3 $k/e w,trunc write 3 gone \
		rename $k/x $k/e 0 close 3 sh "cat $k/e")" x
check "mv from elsewhere copies" eq "$(echo far >far && mv far $k/far && cat $k/far && ls far 2>&1 | wc -l)" \
	"far
1"
