#!/bin/sh
# Reading the log anywhere.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m -o log_limit=32M

# Frames of many lengths, and a copy to compare with.
i=0
while [ $i -lt 300 ]; do
	i=$((i + 1))
	head -c $((i * 37 % 1000 + 1)) /dev/urandom >frame
	cat frame >>m/log
	cat frame >>copy
done
check "all of it is all that was appended" cmp m/log copy
check "its size too" eq "$(stat -c %s m/log)" "$(stat -c %s copy)"
for block in 1 7 100 4096 65536 1000000; do
	check "read in blocks of $block it is the same" sh -c \
		"[ $block = 1 ] && head -c 3000 m/log | dd bs=1 2>/dev/null | cmp -n 3000 - copy ||
		dd if=m/log bs=$block 2>/dev/null | cmp -n \$([ $block = 1 ] && echo 3000 || stat -c %s copy) - copy"
done
for offset in 0 1 999 1000 5000 77777 100001; do
	check "from byte $offset on" sh -c \
		"tail -c +$((offset + 1)) m/log | head -c 2000 >a; tail -c +$((offset + 1)) copy | head -c 2000 | cmp - a"
done
check "backwards" eq "$(tac m/log | cksum)" "$(tac copy | cksum)"
size=$(stat -c %s copy)
check "behind the end there is nothing" eq \
	"$("$calls" open 3 m/log r pread 3 "$size" 9 pread 3 $((size + 1000)) 9 pread 3 $((1 << 62)) 9 sh 'echo .')" "


."
check "lseek finds the end" eq "$("$calls" open 3 m/log r end 3)" "$size"
check "an open file goes on when more is appended" eq \
	"$("$calls" open 3 m/log r seek 3 "$size" read 3 9 sh 'echo new >>m/log' read 3 9)" "
new"
echo new >>copy
check "cp copies it" sh -c 'cp m/log out && cmp out copy'
check "grep -r does" eq "$(grep -rac new m | grep -c log:1)" 1

# An open file whose head is trimmed keeps its offsets.
fill() { dd if=/dev/zero of=m/log bs=1000000 count=$1 oflag=append conv=notrunc 2>/dev/null; }
kept_from() { awk '$1 == "log_head" { print $2 }' m/stat; }
rm -f copy out
"$calls" open 3 m/log r pread 3 0 1 sh 'for i in $(seq 60); do head -c 1000000 /dev/zero; done |
	dd of=m/log bs=1000000 iflag=fullblock oflag=append conv=notrunc 2>/dev/null' \
	pread 3 0 1 fstat 3 size sh 'echo END >>m/log' end 3 pread 3 $((size + 4 + 60000000)) 9 >out 2>&1
check "the head was trimmed" [ "$(kept_from)" -gt 0 ]
check "a read below it is ESTALE" eq "$(sed -n 2p out)" ESTALE
check "the size has not shrunk" eq "$(sed -n 3p out)" $((size + 4 + 60000000))
check "what is kept has its old offset" eq "$(sed -n 5p out)" END
check "opened again, the log begins at the oldest frame" eq "$(dd if=m/log bs=1 count=1 2>/dev/null | tr '\0' 0)" 0
check "its size is that of what is kept" eq "$(stat -c %s m/log)" \
	"$(awk '$1 == "log_bytes" { print $2 }' m/stat)"
check "and so much can be read" eq "$(wc -c <m/log) $(cat m/log | wc -c)" "$(stat -c %s m/log) $(stat -c %s m/log)"
check "also while another appends for long" eq "$( (exec 3>>m/log; fill 40; dd if=m/log bs=1 count=1 2>/dev/null | tr '\0' 0) )" 0
# Finding a place takes time with the segments, not with the frames.
unmount m
mount_store many.db m2
paths() {
	start=$(date +%s%N)
	"$calls" $(yes stat m2/keys nlink | head -n 500) >/dev/null
	end=$(date +%s%N)
	echo $(((end - start) / 1000))
}
paths >/dev/null
short=$(paths)
echo "# appending half a million frames"
yes 0123456789012345678901234567890123456789012345678901234567890123 | head -n 500000 |
	dd of=m2/log bs=65 iflag=fullblock oflag=append conv=notrunc 2>/dev/null
start=$(date +%s%N)
"$calls" open 3 m2/log r pread 3 $((65 * 400000)) 4 pread 3 $((65 * 10 + 5)) 4 pread 3 $((65 * 250000)) 4 >out
end=$(date +%s%N)
check "any place among half a million frames is found" eq "$(cat out)" "0123
5678
0123"
echo "# three places: $(((end - start) / 1000)) us"
check "soon" [ $(((end - start) / 1000000)) -lt 2000 ]
long=$(paths)
echo "# 500 paths: $short us, $long us beside a long log"
check "no path takes longer because of the log" [ "$long" -lt $((short * 10 + 100000)) ]
