#!/bin/sh
# What can be written to a cursor's position.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
mkdir m/cursors/w m/cursors/v
p=m/cursors/w/position
for i in 1 2 3 4 5; do echo "frame $i" >>m/log; done # 8 bytes each, 32 in the log

# says COMMAND: what the write says, and where the cursor stands then
says() {
	printf '%s%s' "$("$calls" open 3 $p w write 3 "$1")" "$(cat $p)"
}
check "it begins at 0" eq "$(cat $p)" 0
check "+1 is one frame on" eq "$(says +1)" 32
check "a newline behind it is fine" eq "$(says '+1
')" 64
check "-1 is one back" eq "$(says -1)" 32
check "+0 stays" eq "$(says +0)" 32
check "end is behind the newest" eq "$(says end)" 160
check "begin is the oldest" eq "$(says begin)" 0
check "a position is a position" eq "$(says 96)" 96
check "the end's too" eq "$(says 160)" 160
check "0 is one" eq "$(says 0)" 0
check "what is no boundary is EINVAL" eq "$(says 16) $(says 33)" "EINVAL0 EINVAL0"
check "past the end is ERANGE" eq "$(says 161) $(says 192) $(says 18446744073709551615)" \
	"ERANGE0 ERANGE0 ERANGE0"
check "a number nobody can hold too" eq "$(says 99999999999999999999)" ERANGE0
check "one step too far is ERANGE, and none is made" eq "$(says +6)" ERANGE0
check "as many as there are are fine" eq "$(says +5)" 160
check "back too" eq "$(says -6) $(says -5)" "ERANGE160 0"
check "if it stands there, it is moved" eq "$(says '0>32')" 32
check "if not, it is EAGAIN" eq "$(says '0>64')" EAGAIN32
check "also by frames" eq "$(says '32>+2') $(says '32>+1')" "96 EAGAIN96"
check "also to the end" eq "$(says '96>end') $(says '160>begin')" "160 0"
check "a guarded step too far is ERANGE" eq "$(says '0>+9')" ERANGE0
for bad in x ' 1' '1 ' '+' '-' '++1' '>' '>1' '1>' '1>>2' 1.0 0x20 End 'end
end' '1

' '
' "$(printf '%0100d' 0)"; do
	check "EINVAL: $(printf %.12s "$bad" | tr '\n' '|')" eq "$(says "$bad")" EINVAL0
done
check "a shell's > is all it takes" sh -c "echo 32 >$p && [ \$(cat $p) = 32 ]"
check ">> too" sh -c "echo +1 >>$p && [ \$(cat $p) = 64 ]"
check "a place is cloned by cat" sh -c "cat $p >m/cursors/v/position && [ \$(cat m/cursors/v/position) = 64 ]"
check "two commands are two writes" eq "$("$calls" open 3 $p w write 3 begin write 3 +2 write 3 -1; cat $p)" 32
check "a descriptor reads where it stands now" eq \
	"$("$calls" open 3 $p rw pread 3 0 9 write 3 end pread 3 0 9)" "32
160"
check "its size is that of the text" eq "$(stat -c %s $p)" 4

# Steps of many at once all count.
i=0
while [ $i -lt 100 ]; do i=$((i + 1)); echo x; done | while read -r x; do echo "$x" >>m/log; done
echo begin >$p
writers=
for one in 1 2 3 4 5; do
	(i=0; while [ $i -lt 20 ]; do i=$((i + 1)); echo +1 >$p; done) &
	writers="$writers $!"
done
# shellcheck disable=SC2086
wait $writers
check "a hundred steps of five processes are a hundred" eq "$(cat m/cursors/w/lag)" "frames 5
bytes 10
lost 0"
