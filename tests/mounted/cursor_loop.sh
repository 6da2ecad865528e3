#!/bin/sh
# A consumer in three words of shell.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
cd m || exit 99

handle() {
	[ "$1" != poison ] || [ -e "$tmp/cured" ] || return 1
	echo "$1" >>"$tmp/handled"
	[ "$1" != last ]
}
consume() {
	mkdir cursors/w1 2>/dev/null
	while f=$(cat cursors/w1/wait) && handle "$f" && echo +1 >cursors/w1/position; do :; done
}
consume &
pid=$!
cleanup "kill $pid 2>/dev/null"
i=0
while [ $i -lt 200 ]; do
	i=$((i + 1))
	echo "job $i" >>log
done
echo poison >>log
echo after >>log
wait $pid
check "each frame is handled once, in order" eq "$(cat "$tmp/handled")" "$(seq 200 | sed 's/^/job /')"
check "one that fails ends the loop" eq "$(cat cursors/w1/next)" "poison
after"
: >"$tmp/cured"
consume &
pid=$!
eventually sh -c "tail -n 1 '$tmp/handled' | grep -q after"
check "and is handed out again" eq "$(tail -n 2 "$tmp/handled")" "poison
after"
echo last >>log
wait $pid
check "the loop waits for more" eq "$(tail -n 1 "$tmp/handled")" last
check "what is not acknowledged is still there" eq "$(cat cursors/w1/next)" last
cd ..
