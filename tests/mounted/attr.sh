#!/bin/sh
# stat(2) and statfs(2).
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
umask 022
mount_store s.db m
k=m/keys/k

echo one >$k
ino=$(stat -c %i $k)
check "a key has one link" eq "$(stat -c %h $k)" 1
check "blocks are of 512 bytes, rounded up" eq \
	"$("$calls" open 3 $k w,trunc fill 3 513 x close 3 stat $k blocks)" 2
before=$("$calls" stat $k mtime)
echo two >$k
check "its number stays" eq "$(stat -c %i $k)" "$ino"
after=$("$calls" stat $k mtime)
check "its time is that of the put and grows" [ "$after" -gt "$before" ]
check "the time is now" [ $(($(date +%s) - after / 1000000000)) -le 2 ]
n=0
while [ $n -lt 20 ]; do
	echo $n >$k
	next=$("$calls" stat $k mtime)
	[ "$next" -gt "$after" ] || break
	after=$next
	n=$((n + 1))
done
check "it grows with every put" eq $n 20
check "ctime is mtime" eq "$(stat -c %.Z $k)" "$(stat -c %.Y $k)"
unmount m
mount_store s.db m
check "the number is the same in the next mount" eq "$(stat -c %i $k)" "$ino"
check "ls -i says the same" eq "$(ls -i m/keys | awk '{ print $1 }')" "$ino"
check "mode comes from the store file" eq "$(stat -c %a $k)" 644
check "directories can be entered by who can read" eq "$(stat -c '%a %a' m m/keys)" "755 755
755 755"
check "stat is read-only" eq "$(stat -c %a m/stat)" 444

check "statfs has names of 255 bytes" eq "$(stat -f -c %l m)" 255
check "statfs counts free blocks" [ "$(stat -f -c %a m)" -gt 0 ]
check "and keys" eq "$(stat -f -c '%c %d' m | awk '{ print $1 - $2 }')" 1
head -c 20000000 /dev/zero >m/keys/big
check "a long value takes its room" [ "$(df --output=used -B1 m | tail -n 1)" -ge 20000000 ]
unmount m
mount_store s.db m -o uid=12,gid=34,mode=660,umask=007
check "uid, gid, mode and umask say otherwise" eq "$(stat -c '%u %g %a' $k)" "12 34 660"
check "directories follow" eq "$(stat -c '%u %g %a' m/keys)" "12 34 770"
