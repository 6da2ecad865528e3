#!/bin/sh
# When a write becomes visible.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
k=m/keys/k
put() { "$SHMFSCTL" put s.db k "$1"; }
get="\"$SHMFSCTL\" get s.db k"

put old
check "a truncated key keeps its value until the new one is closed" eq \
	"$("$calls" open 3 $k w,trunc sh "$get" write 3 new sh "$get" close 3 sh "$get")" "oldoldnew"
put old
check "closing a duplicate before the first write publishes nothing" eq \
	"$("$calls" open 3 $k w,trunc dup 3 4 close 3 sh "$get" write 4 new close 4 sh "$get")" "oldnew"
put old
check "a child that only inherited the descriptor publishes nothing" eq \
	"$("$calls" open 3 $k w,trunc write 3 half child sh "$get" write 3 +half close 3 sh "$get")" \
	"oldhalf+half"
put old
check "closing a duplicate after a write publishes it" eq \
	"$("$calls" open 3 $k w,trunc write 3 new dup 3 4 close 4 sh "$get")" "new"
check "fsync publishes" eq "$("$calls" open 3 $k w,trunc write 3 synced fsync 3 sh "$get")" "synced"
put old
check "fsync publishes emptiness too" eq "$("$calls" open 3 $k w,trunc fsync 3 sh "$get")" ""
check "a handle goes on after fsync" eq \
	"$("$calls" open 3 $k w,trunc write 3 one fsync 3 write 3 two sh "$get" close 3 sh "$get")" \
	"onetwoonetwo"
check "a handle reads back what it has staged" eq \
	"$("$calls" open 3 $k rw,trunc write 3 staged pread 3 0 99 pread 3 2 3 pread 3 9 9)" "staged
age"
check "another handle reads the old value meanwhile" eq \
	"$("$calls" open 3 $k rw,trunc write 3 other open 4 $k r read 4 99 close 4)" staged
check "the writer sees the size of what it has staged" eq \
	"$("$calls" open 3 $k w,trunc write 3 12345678 fstat 3 size end 3)" "8
8"
check "a process that ends without closing has published" eq "$(cat $k)" "12345678"

: >$k
check ": > key empties it, for whoever looks next" eq "$(cat $k)" ""
put old
n=0
while [ $n -lt 50 ] && echo full >$k && : >$k && [ ! -s $k ] && [ "$(ls -l $k | awk '{print $5}')" = 0 ]; do
	n=$((n + 1))
done
check "so it is fifty times in a row" eq $n 50
n=0
while [ $n -lt 50 ] && : >m/keys/touched$n && [ -e m/keys/touched$n ]; do n=$((n + 1)); done
check "a key that is touched is there" eq $n 50
check "ls lists a key just touched" eq "$(touch m/keys/zz && ls m/keys | tail -n 1)" zz
rm m/keys/touched* m/keys/zz

check "a new key is not there before it is closed" eq \
	"$("$calls" open 3 m/keys/new w,creat write 3 value sh "[ ! -e m/keys/new ] && echo absent" \
		close 3 sh "cat m/keys/new")" "absent
value"
check "its maker may rename it before closing" eq \
	"$("$calls" open 3 m/keys/tmp w,creat write 3 moved rename m/keys/tmp m/keys/final 0 \
		sh "cat m/keys/final" write 3 +more close 3 sh "cat m/keys/final; ls m/keys")" \
	"movedmoved+morefinal
k
new"
check "its maker may remove it before closing" eq \
	"$("$calls" open 3 m/keys/tmp rw,creat write 3 x unlink m/keys/tmp pread 3 0 9 close 3 \
		sh "ls m/keys")" "x
final
k
new"
{ echo one && echo two && cat m/keys/new && echo three; } >$k
check "a group of commands writes one value" eq "$(cat $k)" "one
two
valuethree"
exec 5>$k
echo a >&5
echo b >&5
check "a shell's open descriptor publishes after each command" eq "$("$SHMFSCTL" get s.db k)" "a
b"
exec 5>&-
check "O_SYNC publishes at the write" eq "$("$calls" open 3 $k w,trunc,sync write 3 now sh "$get")" now
put old
check "a key that somebody else wrote meanwhile is replaced whole" eq \
	"$("$calls" open 3 $k w,trunc write 3 mine sh "\"$SHMFSCTL\" put s.db k theirs" close 3 sh "$get")" mine
check "touching a key that somebody else made meanwhile leaves its value" eq \
	"$("$calls" open 3 m/keys/race w,creat sh "\"$SHMFSCTL\" put s.db race theirs" close 3 \
		sh "cat m/keys/race")" theirs

# Open it or make it, to read and to write: a database, a file of locks.
k=m/keys/base
check "two that make a file to share it meet in one value" eq \
	"$("$calls" open 3 $k rw,creat open 4 $k rw,creat pread 4 0 9 pwrite 3 0 one pread 4 0 9 \
		pwrite 4 3 two pread 3 0 9 close 3 close 4 sh "cat $k")" "
one
onetwo
onetwo"
check "and who was given the descriptor can ask how long it is" eq \
	"$(sh -c "exec 3>m/keys/given; stat -L -c %s /dev/fd/3 >&2; echo x >&3" 2>&1; cat m/keys/given)" "0
x"
check "what was made longer by fallocate is, for its maker" eq \
	"$("$calls" open 3 m/keys/longer w,creat fallocate 3 0 0 5000 fstat 3 size stat m/keys/longer size)" "5000
5000"
