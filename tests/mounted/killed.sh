#!/bin/sh
# A daemon that is killed: at rest, and under load.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mount_store s.db m
echo kept >m/keys/k
kill -9 "$(daemon_of m)"
dead() { ls m 2>&1 | grep -q "not connected"; }
check "leaves a mount point that says so" eventually dead
check "mounting again says how to clear it: exit 32" exits 32 "$SHMFS" s.db m
check "by fusermount3" fails_with "fusermount3 -u $tmp/m" "$SHMFS" s.db m
check "which clears it" fusermount3 -u m
check "the store has what was written" eq "$("$SHMFSCTL" get s.db k)" kept
check "and is well" "$SHMFSCTL" check s.db
check "it mounts again" mount_store s.db m
check "and shows it" eq "$(cat m/keys/k)" kept
unmount m

# ---- under load ----------------------------------------------------------------------------
#
# Three processes write through the mount, each a numbered key, a growing one, and the log, and note
# what was complete; two beside it do the same directly.  When the daemon dies the first end with an
# error and the others never notice.

writes_mount() { # NUMBER
	i=0
	while :; do
		i=$((i + 1))
		{ echo "$i value" >"m/keys/mount$1"; } 2>/dev/null || break
		{ echo "$i" >>"m/keys/grows$1"; } 2>/dev/null || break
		{ echo "mount$1 $i" >>m/log; } 2>/dev/null || break
		echo $i >"done.mount$1.new" && mv "done.mount$1.new" "done.mount$1"
	done
}

writes_direct() { # NUMBER
	i=0
	while [ ! -e stop ]; do
		i=$((i + 1))
		"$SHMFSCTL" put s.db "direct$1" "$i value" && "$SHMFSCTL" append s.db "direct$1 $i" &&
			echo $i >"done.direct$1.new" && mv "done.direct$1.new" "done.direct$1" || break
	done
	[ -e stop ] || echo "direct client $1 failed at $i" >>harmed
}

# Of writer $1 what was complete before $2 was told is there, or the one in flight.
one_of() {
	case $3 in
	"$2" | "$(($2 + 1))") ;;
	*) echo "$1: $3 where $2 was complete" >>lost ;;
	esac
}

judge() {
	for w in 1 2 3; do
		done=$(cat "done.mount$w" 2>/dev/null || echo 0)
		value=$("$SHMFSCTL" get s.db "mount$w")
		one_of "mount$w" "$done" "${value% value}"
		one_of "grows$w" "$done" "$("$SHMFSCTL" get s.db "grows$w" | tail -n 1)"
		"$SHMFSCTL" get s.db "grows$w" | awk '$1 != NR { exit 1 }' || echo "grows$w has a hole" >>lost
		grep "^mount$w " log | awk '$2 != NR { exit 1 }' || echo "the log of mount$w has a hole" >>lost
		one_of "log of mount$w" "$done" "$(grep -c "^mount$w " log)"
	done
	for w in 1 2; do
		grep "^direct$w " log | awk '$2 != NR { exit 1 }' || echo "the log of direct$w has a hole" >>lost
		one_of "direct$w" "$(cat "done.direct$w")" \
			"$(v=$("$SHMFSCTL" get s.db "direct$w") && echo "${v% value}")"
	done
}

: >lost
: >harmed
round=0
rounds=${KILLED_ROUNDS:-3}
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	rm -f stop killed caught.ready done.* s.db
	mount_store s.db m || fail "a store is mounted"
	touch m/keys/grows1
	writers=
	for w in 1 2 3; do
		writes_mount $w &
		writers="$writers $!"
	done
	directs=
	for w in 1 2; do
		writes_direct $w &
		directs="$directs $!"
	done
	all_at_work() { [ -s done.mount1 ] && [ -s done.mount2 ] && [ -s done.mount3 ] && [ -s done.direct1 ] &&
		[ -s done.direct2 ] && [ -e caught.ready ]; }
	# one that has files open when it happens
	"$top_builddir/tests/mounted/calls" open 3 m/log w,append open 4 m/keys/grows1 w,append write 3 caught \
		sh ': >caught.ready; until [ -e killed ]; do sleep 0.1; done' write 3 late write 4 late fsync 4 \
		open 5 m/keys/mount1 w,trunc unlink m/keys/mount2 opendir m/keys >caught 2>&1 &
	catcher=$!
	eventually all_at_work
	sleep "0.$((round * 3 % 10))"
	kill -9 "$(daemon_of m)"
	: >killed
	# shellcheck disable=SC2086
	wait $writers $catcher
	before=$(cat done.direct1)
	went_on() { [ "$(cat done.direct1)" -gt $((before + 3)) ]; }
	eventually went_on || echo "direct client 1 stands at $before" >>harmed
	: >stop
	# shellcheck disable=SC2086
	wait $directs
	tr '\n' ' ' <caught >>told
	fusermount3 -u m
	"$SHMFSCTL" check s.db >checked 2>&1 || cat checked >>lost
	"$SHMFSCTL" tail s.db >log 2>/dev/null
	judge
	mount_store s.db m || echo "does not mount again" >>lost
	[ "$(tr -d '\n' <log | cksum)" = "$(tr -d '\n' <m/log | cksum)" ] ||
		echo "the mount's log is another" >>lost
	[ "$(cat m/keys/mount1)" = "$("$SHMFSCTL" get s.db mount1)" ] ||
		echo "the mount shows another value" >>lost
	unmount m
done
check "killed under load $rounds times, it takes nothing with it that was complete" eq "$(cat lost)" ""
check "those who write beside it go on" eq "$(cat harmed)" ""
check "those who used it are told ENOTCONN" eq \
	"$(tr ' ' '\n' <told | sort | uniq -c | tr -s ' ')" " $((6 * rounds)) ENOTCONN"
echo "# in the last round: $(for f in done.*; do printf '%s %s ' "${f#done.}" "$(cat "$f")"; done)"
