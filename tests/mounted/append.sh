#!/bin/sh
# Appends to one key lose nothing, whoever else appends.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
calls=$top_builddir/tests/mounted/calls
mount_store s.db m
mount_store s.db m2
k=m/keys/k

echo one >$k
echo two >>$k
check ">> adds to the end" eq "$(cat $k)" "one
two"
echo first >>m/keys/new
check ">> makes a key that is not there" eq "$(cat m/keys/new)" first
: >>m/keys/empty
check ">> of nothing makes an empty key" eq "$(stat -c %s m/keys/empty)" 0
check "which nobody sees empty before" eq \
	"$("$calls" open 3 m/keys/made w,creat,append fstat 3 size sh "\"$SHMFSCTL\" get s.db made" \
		write 3 text sh "\"$SHMFSCTL\" get s.db made" 2>/dev/null)" "0
sh failed
text"
check "an append is visible at the write" eq \
	"$("$calls" open 3 $k w,append write 3 three sh "\"$SHMFSCTL\" get s.db k")" "one
two
three"
check "pwrite changes the bytes it names" eq \
	"$("$calls" open 3 m/keys/new rw pwrite 3 1 RS sh "cat m/keys/new")" "fRSst"
check "pwrite behind the end leaves zeros" eq \
	"$("$calls" open 3 m/keys/new w pwrite 3 8 x close 3 sh "od -An -c m/keys/new")" \
	'   f   R   S   s   t  \n  \0  \0   x'

rm m/keys/*
append() {
	n=0
	while [ $n -lt 100 ]; do
		echo "$2 $n" >>"$1/keys/log"
		n=$((n + 1))
	done
}
workers=
for worker in 1 2 3 4 5 6; do
	dir=m
	[ $worker -gt 3 ] && dir=m2
	append $dir $worker &
	workers="$workers $!"
done
wait $workers
check "six processes on two mounts append 600 lines to a new key, and all are there" eq \
	"$(sort -u m/keys/log | wc -l) $(wc -l <m/keys/log)" "600 600"

# Above 256 KiB the value is staged, and still nothing is lost.
head -c 300000 /dev/zero >m/keys/log
workers=
for worker in 1 2 3 4; do
	dir=m
	[ $worker -gt 2 ] && dir=m2
	append $dir $worker &
	workers="$workers $!"
done
wait $workers
check "nor of 400 appended to a long one" eq "$(tail -c +300001 m/keys/log | sort -u | wc -l)" 400
check "appends by two open files of one mount are both there" eq \
	"$("$calls" open 3 m/keys/log w,append open 4 m/keys/log w,append write 3 one write 4 two \
		close 3 close 4 sh "tail -c 6 m/keys/log")" onetwo
check "a long value appended to is published after a second" eq \
	"$("$calls" open 3 m/keys/log w,append write 3 soon sleep 1500 \
		sh "\"$SHMFSCTL\" get s.db log | tail -c 4")" soon
check "an append through the other mount meanwhile is kept" eq \
	"$("$calls" open 3 m/keys/log w,append write 3 here sh "printf there >>m2/keys/log" close 3 \
		sh "tail -c 9 m/keys/log")" therehere
check "and bytes written in place are put over it" eq \
	"$("$calls" open 3 m/keys/log w pwrite 3 0 HEAD sh "printf there >>m2/keys/log" close 3 \
		sh "head -c 4 m/keys/log; tail -c 5 m/keys/log")" HEADthere

# Linear: four times the appends take about four times as long, not sixteen.
measure() {
	rm -f m/keys/big
	start=$(date +%s%N)
	"$calls" open 3 m/keys/big w,creat,append write 3 x close 3
	dd if=/dev/zero of=m/keys/big bs=64k count=$1 oflag=append conv=notrunc 2>/dev/null
	end=$(date +%s%N)
	echo $(((end - start) / 1000000))
}
measure 64 >/dev/null
small=$(measure 256)
large=$(measure 1024)
echo "# 256 appends of 64 KiB: $small ms, 1024: $large ms"
check "building a value by appends is linear" [ "$large" -lt $((small * 10 + 500)) ]
check "and it is all there" eq "$(stat -c %s m/keys/big)" 67108865
