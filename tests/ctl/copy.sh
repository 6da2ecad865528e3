#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# Copies and dumps are of one moment, also beside writers.

writers=
writer() {
	"$top_builddir/tests/ctl/ordered" "$@" >writer.out 2>&1 &
	writers="$writers $!"
}
# shellcheck disable=SC2086
rest() {
	kill $writers 2>/dev/null
	for w in $writers; do wait "$w" || fail "a writer works all the time" "exit status $?"; done
	writers=
}

shmfsctl put s.db key value
shmfsctl put s.db --type=number n 1.5
seq 100 | shmfsctl append s.db
shmfsctl cursor s.db create c +50
head -c 5000000 /dev/urandom | shmfsctl put s.db big
chmod 640 s.db
umask 022
check "a store is copied" shmfsctl copy s.db c.db
check "the copy is sound" shmfsctl check c.db
check "and holds the same" eq "$(shmfsctl dump c.db | cksum)" "$(shmfsctl dump s.db | cksum)"
check "versions and times too" eq "$(shmfsctl ls -l c.db | sort)" "$(shmfsctl ls -l s.db | sort)"
check "and the permissions" eq "$(stat -c %a c.db)" 640
check "it can be written" shmfsctl put c.db key other
check "which the first does not see" eq "$(shmfsctl get s.db key)" value
sum=$(cksum <c.db)
check "what is there is not replaced" fails_with "c.db: is there already" shmfsctl copy s.db c.db
check "it stays as it is" eq "$(cksum <c.db)" "$sum"
check "nor is an empty file" sh -c ': >empty; ! shmfsctl copy s.db empty 2>/dev/null && [ ! -s empty ]'
check "nor the store itself" exits 2 shmfsctl copy s.db s.db
check "a missing directory is named" fails_with "make it first" shmfsctl copy s.db none/c.db
check "a missing store is exit 2 and no file" \
	sh -c 'shmfsctl copy none.db new.db 2>/dev/null; [ $? = 2 ] && [ ! -e new.db ]'
if has_nobody; then
	chmod 755 . && chmod 644 s.db && mkdir -m 777 theirs
	check "read permission is enough for a closed store" \
		nobody shmfsctl copy s.db theirs/c.db
	check "and says nothing of a last sync" \
		eq "$(nobody shmfsctl dump s.db 2>&1 >/dev/null)" ""
else
	skip "read permission is enough for a closed store" "needs root and setpriv"
fi

# ---- beside two writers ---------------------------------------------------------------

cut() { # SENTENCE DUMP
	awk -f "$top_srcdir/tests/ctl/ordered.awk" "$2" >found
	check "$1" eq "$(grep -v '^rounds' found)" ""
	rounds=$(sed -n 's/^rounds //p' found)
}

beside() { # STORE
	writer "$1" one
	writer "$1" two
	sleep 0.3
	before=0
	i=0
	until=$(($(date +%s) + ${TORTURE_SECONDS:-3}))
	while [ $i -lt 3 ] || [ "$(date +%s)" -lt $until ]; do
		rm -f c.db
		shmfsctl copy "$1" c.db || fail "copy $i is made"
		shmfsctl check --lock c.db >problems || fail "copy $i is sound" "$(cat problems)"
		shmfsctl dump c.db >copied && shmfsctl dump "$1" >dumped
		cut "copy $i is of one moment" copied
		[ "$rounds" -gt $before ] || fail "copy $i is of now" "$rounds rounds, $before before"
		before=$rounds
		cut "dump $i is of one moment" dumped
		[ "$rounds" -ge $before ] || fail "dump $i is of now" "$rounds rounds, $before before"
		before=$rounds
		shmfsctl load l.db dumped && shmfsctl dump l.db | cmp - dumped ||
			fail "dump $i is loaded and dumped the same"
		rm -f l.db
		i=$((i + 1))
	done
	rest
	check "the store was not harmed" shmfsctl check "$1"
	shmfsctl dump "$1" >dumped
	cut "its last state is whole" dumped
}
shmfsctl create volatile.db --no-sync
beside volatile.db
shmfsctl create durable.db
beside durable.db

# ---- cut short ------------------------------------------------------------------------

head -c 400000000 /dev/zero | shmfsctl put s.db huge
copy_stopped() { # SIGNAL
	shmfsctl copy s.db half.db &
	copier=$!
	eventually test -e half.db
	kill "-$1" $copier
	wait $copier
	echo $?
}
status=$(copy_stopped TERM 2>/dev/null)
if [ "$status" = 0 ]; then
	skip "a signal ends a copy" "it was faster"
else
	check "a signal ends a copy" eq "$status" 143
	check "and it is removed" not test -e half.db
fi
rm -f half.db
if [ "$(copy_stopped KILL 2>/dev/null)" = 0 ]; then
	skip "half a copy is no store" "it was faster"
else
	check "half a copy is no store" exits 2 shmfsctl get half.db key
fi
