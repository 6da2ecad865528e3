#!/bin/sh
# next: the frames from a cursor on; lag: how many.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
mkdir m/cursors/w
w=m/cursors/w

check "nothing is the end" eq "$(cat $w/next)" ""
check "there is no lag" eq "$(cat $w/lag)" "frames 0
bytes 0
lost 0"
for i in 1 2 3 4 5; do printf "frame $i " >>m/log; done
check "it is the frames from the position on" eq "$(cat $w/next)" "frame 1 frame 2 frame 3 frame 4 frame 5 "
check "reading moves nothing" eq "$(cat $w/position)" 0
check "lag counts them" eq "$(cat $w/lag)" "frames 5
bytes 40
lost 0"
check "a read gets whole frames" eq "$("$calls" open 3 $w/next r read 3 20 read 3 23 read 3 99)" \
	"frame 1 frame 2 
frame 3 frame 4 
frame 5 "
check "an open file goes on when there is more" eq \
	"$("$calls" open 3 $w/next r read 3 99 read 3 99 sh 'printf more >>m/log' read 3 99)" \
	"frame 1 frame 2 frame 3 frame 4 frame 5 

more"
check "a frame that does not fit comes in parts" eq \
	"$("$calls" open 3 $w/next r read 3 5 read 3 5 read 3 8)" "frame
 1 
frame 2 "
echo +4 >$w/position
check "from the position on" eq "$(cat $w/next)" "frame 5 more"
check "lag from there" eq "$(cat $w/lag)" "frames 2
bytes 12
lost 0"
check "moving the position moves who has not read yet" eq \
	"$("$calls" open 3 $w/next r sh "echo -1 >$w/position" read 3 8)" "frame 4 "
check "and not who has" eq \
	"$("$calls" open 3 $w/next r read 3 8 sh "echo begin >$w/position" read 3 8)" "frame 4 
frame 5 "
check "O_DIRECT gets one frame with each read" eq \
	"$("$calls" open 3 $w/next r,direct read 3 99 read 3 99 read 3 8)" "frame 1 
frame 2 
frame 3 "
check "one that does not fit is EMSGSIZE, and stays" eq \
	"$("$calls" open 3 $w/next r,direct read 3 7 read 3 8)" "EMSGSIZE
frame 1 "
echo end >$w/position
check "and the end is the end" eq "$("$calls" open 3 $w/next r,direct read 3 9)" ""
head -c 1000000 /dev/urandom >big
dd if=big of=m/log bs=1000000 oflag=append conv=notrunc 2>/dev/null
head -c 700000 /dev/urandom >big2
dd if=big2 of=m/log bs=700000 oflag=append conv=notrunc 2>/dev/null
cat big big2 >both
for block in 1000 65536 1000000 2000000; do
	check "long frames are whole in blocks of $block" sh -c \
		"dd if=$w/next bs=$block 2>/dev/null | cmp - both"
done
check "poll says whether there is a frame" eq \
	"$("$calls" open 3 $w/next r poll 3 0 sh "echo end >$w/position" poll 3 0)" "in
nothing"
check "it wakes when one comes" eq \
	"$(calls=$calls; (sleep 1; echo wake >>m/log) & "$calls" open 3 $w/next r poll 3 0 poll 3 8000 read 3 9; wait)" "nothing
in
wake"
check "and when the position is moved back" eq \
	"$(echo end >$w/position; (sleep 1; echo -1 >$w/position) & "$calls" open 3 $w/next r poll 3 8000 read 3 9; wait)" "in
wake"
