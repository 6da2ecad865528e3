#!/bin/sh
# wait: one frame, waiting for it.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
mkdir m/cursors/w
w=m/cursors/w
printf one >>m/log
printf two >>m/log

check "it is the one frame at the position" eq "$(timeout 5 cat $w/wait)" one
check "and moves nothing" eq "$(cat $w/position)" 0
check "in parts for a small buffer, then the end" eq \
	"$("$calls" open 3 $w/wait r read 3 2 read 3 2 read 3 2 read 3 2 sh 'echo .')" "on
e


."
check "O_DIRECT gets frame after frame" eq "$("$calls" open 3 $w/wait r,direct read 3 9 read 3 9)" "one
two"
check "one that does not fit is EMSGSIZE, and stays" eq \
	"$("$calls" open 3 $w/wait r,direct read 3 2 read 3 3)" "EMSGSIZE
one"
echo end >$w/position
check "it waits for a frame" eq "$( (sleep 0.5; printf three >>m/log) & timeout 10 cat $w/wait)" three
check "O_NONBLOCK does not: EAGAIN" eq \
	"$(echo end >$w/position; "$calls" open 3 $w/wait r,nonblock read 3 9)" EAGAIN
check "a signal ends it: EINTR" eq "$("$calls" open 3 $w/wait r alarm 1 read 3 9)" EINTR
check "the next read waits again" eq \
	"$( (sleep 2; printf four >>m/log) & "$calls" open 3 $w/wait r alarm 1 read 3 9 read 3 9)" "EINTR
four"
echo end >$w/position
timeout -s KILL 1 cat $w/wait
check "kill -9 ends it" eq $? 137
check "moving the cursor back hands out a frame" eq \
	"$( (sleep 0.5; echo -1 >$w/position) & timeout 10 cat $w/wait)" four
echo end >$w/position
mount_store s.db m2
check "a mount beside is seen" eq \
	"$( (sleep 0.5; printf five >>m2/log) & timeout 10 cat $w/wait)" five
unmount m2
echo end >$w/position
check "removing the cursor ends it: ESTALE" eq \
	"$( (sleep 0.5; rmdir $w) & timeout 10 "$calls" open 3 $w/wait r read 3 9)" ESTALE
mkdir $w
echo end >$w/position
check "poll waits too" eq \
	"$( (sleep 0.5; printf six >>m/log) & "$calls" open 3 $w/wait r poll 3 0 poll 3 9000 read 3 9)" "nothing
in
six"
check "the end of one that was handed out is ready" eq \
	"$("$calls" open 3 $w/wait r read 3 9 poll 3 0 same 3 9)" "six
in
0 same -"

# A hundred who wait hold up nobody, and all get the frame.
echo end >$w/position
i=0
while [ $i -lt 100 ]; do
	i=$((i + 1))
	timeout 60 cat $w/wait >got.$i &
done
sleep 1
check "others are served meanwhile" sh -c 'timeout 10 sh -c "echo v >m/keys/k; cat m/keys/k; ls m/keys"'
printf seven >>m/log
eventually sh -c '[ "$(cat got.* | wc -c)" = 500 ]'
check "a hundred who wait all get it" eq "$(cat got.* | wc -c)" 500

# The daemon ends: so do they.
echo end >$w/position
"$calls" open 3 $w/wait r read 3 9 >got.end &
user=$!
sleep 0.5
pid=$(daemon_of m)
kill -TERM "$pid"
wait $user
check "when the daemon ends, waiting ends: ESHUTDOWN" eq "$(cat got.end)" ESHUTDOWN
check "and it unmounts" eventually not mounted m
eventually not test -e "/proc/$pid"
check "the store is well" "$SHMFSCTL" check s.db
mount_store s.db m -o ro
mount_store s.db m2
check "with ro a frame is waited for, too" eq \
	"$( (sleep 0.5; printf eight >>m2/log) & timeout 10 cat $w/wait)" eight
