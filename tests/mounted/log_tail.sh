#!/bin/sh
# Following the log with the tools one has.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m -o log_limit=32M

echo early >>m/log
tail -n0 -s 0.1 -f m/log >all 2>all.err &
pid=$!
cleanup "kill $pid 2>/dev/null"
mkfifo followed
tail -n0 -s 0.1 -f m/log 2>/dev/null >followed & # no pipeline: this one is to be killed, not grep alone
cleanup "kill $! 2>/dev/null"
grep --line-buffered ERR <followed >errors &
eventually grep -q pos: "/proc/$pid/fdinfo/3"
sleep 0.5
echo "ERR one" >>m/log
echo "fine" >>m/log
"$SHMFSCTL" put s.db unrelated 1
echo "ERR two" >>m/log
check "tail -f | grep sees what is appended" eventually sh -c '[ "$(cat errors)" = "ERR one
ERR two" ]'
check "and nothing from before" not grep -q early all

# Through three trims: 16 MiB each.
line=$(printf '%0990d' 0)
i=0
while [ $i -lt 80 ]; do
	i=$((i + 1))
	j=0
	while [ $j -lt 1000 ]; do
		j=$((j + 1))
		echo "$i.$j $line"
	done >lines
	cat lines | dd of=m/log bs=1000 iflag=fullblock oflag=append conv=notrunc 2>/dev/null
	cut -d ' ' -f 1 lines >>wanted
done
echo last >>m/log
check "the head has moved past three segments" \
	[ "$(awk '$1 == "log_head" { print $2 }' m/stat)" -ge 50331648 ]
check "tail -f gets to the end" eventually sh -c 'tail -n 1 all | grep -q last'
cut -d ' ' -f 1 all | grep '^[0-9]*[.]' >got
check "every line was printed once, in order" cmp got wanted
check "tail never took the file for another" eq "$(cat all.err)" ""
kill $pid
