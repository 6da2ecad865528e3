#!/bin/sh
# A cursor that was overtaken by trimming.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m -o log_limit=32M
mkdir m/cursors/w m/cursors/v
w=m/cursors/w
fill() { dd if=/dev/zero of=m/log bs=1000000 count=$1 oflag=append conv=notrunc 2>/dev/null; }
printf first >>m/log
printf second >>m/log
echo +1 >m/cursors/v/position
"$calls" open 3 $w/next r open 4 $w/next r read 3 5 sleep 100 sh '
	dd if=/dev/zero of=m/log bs=1000000 count=50 oflag=append conv=notrunc 2>/dev/null' \
	read 3 9 read 4 9 sh "echo end >$w/position; echo new >>m/log" read 3 9 read 4 9 >out
check "a file that is open when it happens reads ESTALE" eq "$(sed -n 2,3p out)" "ESTALE
ESTALE"
check "and goes on when the position was written" eq "$(sed -n 4,5p out)" "new
new"
w=m/cursors/v
head=$(awk '$1 == "log_head" { print $2 }' m/stat)
check "every read is ESTALE" eq \
	"$("$calls" open 3 $w/next r read 3 9 read 3 9 open 4 $w/next r,direct read 4 9 open 5 $w/wait r read 5 9 \
		open 6 $w/wait r,nonblock read 6 9 open 7 $w/wait r,direct read 7 9)" "ESTALE
ESTALE
ESTALE
ESTALE
ESTALE
ESTALE"
check "poll wakes who would get that" eq "$("$calls" open 3 $w/wait r poll 3 1000)" "in err"
check "position says where it stood" eq "$(cat $w/position)" 32
check "lag says what is lost" eq "$(sed -n 3p $w/lag)" "lost $((head - 32))"
check "and what is left" eq "$(sed -n 1p $w/lag)" "frames $(awk '$1 == "log_frames" { print $2 }' m/stat)"
says() {
	printf '%s' "$("$calls" open 3 $w/position w write 3 "$1")"
}
check "a step from there is ESTALE" eq "$(says +1) $(says -1)" "ESTALE ESTALE"
check "a trimmed position is ESTALE" eq "$(says 0) $(says 32) $(says "32>0")" "ESTALE ESTALE ESTALE"
check "it has not moved" eq "$(cat $w/position)" 32
check "begin is the oldest frame kept" eq "$(says begin)$(cat $w/position)" "$head"
check "before the head is ERANGE" eq "$(says -1)$(cat $w/position)" "ERANGE$head"
check "it reads again" eq "$(head -c 1 $w/next | tr '\0' 0)" 0
check "nothing is lost any more" eq "$(sed -n 3p $w/lag)" "lost 0"

# Overtaken while it waits to be read, with a part handed out.
echo begin >$w/position
"$calls" open 3 $w/wait r read 3 1 sh 'dd if=/dev/zero of=m/log bs=1000000 count=50 oflag=append conv=notrunc 2>/dev/null' \
	same 3 65536 >out
check "a frame handed out in part is handed out whole" eq "$(tail -n 1 out | tr '\0' 0)" "999999 same 0"
mkdir m/cursors/z
check "a new cursor begins at the oldest frame" eq "$(cat m/cursors/z/position)" \
	"$(awk '$1 == "log_head" { print $2 }' m/stat)"
