#!/bin/sh
# What direct clients change, the mounts show, though the kernel caches it.
#
# RACE_ROUNDS=100000 RACE_CACHED=500000 for the whole; TORTURE_SECONDS=60 each part so long.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
race=$top_builddir/tests/mounted/race
calls=$top_builddir/tests/mounted/calls
guard_seconds=$((300 + 2 * ${TORTURE_SECONDS:-60} + ${RACE_CACHED:-0} / 500))
mount_store s.db m
mount_store s.db m2
put() { "$SHMFSCTL" put s.db "$@"; }
del() { "$SHMFSCTL" del s.db "$@"; }

shows() { # FILE TEXT
	[ "$(cat "$1" 2>&1)" = "$2" ]
}
size_is() { # FILE SIZE
	[ "$(stat -c %s "$1" 2>&1)" = "$2" ]
}
gone() {
	[ ! -e "$1" ]
}
there() {
	[ -e "$1" ]
}

put k one
stat m/keys/k m2/keys/k >/dev/null
sleep 1.1
cat m/keys/k m2/keys/k >/dev/null # from now on from pages
put k three
check "a put is seen by stat" eventually size_is m/keys/k 5
check "and by a reader" shows m/keys/k three
check "in the other mount too" eventually size_is m2/keys/k 5
check "and by a reader of that" shows m2/keys/k three
echo four+ >m/keys/k
check "what one mount writes the other shows" eventually size_is m2/keys/k 6
check "to a reader too" shows m2/keys/k four+

[ ! -e m/keys/new ] && [ ! -e m2/keys/new ] && put new 1
check "a key that was known to be absent appears" eventually there m/keys/new
check "and in the other mount" eventually there m2/keys/new
del new
check "a key that was deleted goes" eventually gone m/keys/new
check "and in the other mount" eventually gone m2/keys/new
[ -e m/keys/k ] && "$SHMFSCTL" mv s.db k moved
check "one renamed has its new name" eventually there m/keys/moved
check "and not its old one" eventually gone m/keys/k
before=$(stat -c %Y.%y m/keys)
sleep 0.02
put another 1
changed() {
	[ "$(stat -c %Y.%y m/keys)" != "$before" ]
}
check "the directory's time changes when a key comes" eventually changed

# Open files.
put held first
sleep 1.1
cat m/keys/held >/dev/null
ctl="\"$SHMFSCTL\""
check "who holds a file open reads what was put, and ESTALE once it is deleted" eq \
	"$("$calls" open 5 m/keys/held r pread 5 0 99 sh "$ctl put s.db held second+ && sleep 1" \
		pread 5 0 99 pread 5 3 99 sh "$ctl del s.db held && sleep 1" pread 5 0 99)" \
	"first
second+
ond+
ESTALE"

# Files that somebody read a while ago, and still has open: the kernel has pages of them.
n=0
readers=
set --
while [ $n -lt 60 ]; do
	printf old >m/keys/own$n
	set -- "$@" open 4 m/keys/own$n w,append write 4 +new stat m/keys/own$n size close 4 \
		stat m/keys/own$n size truncate m/keys/own$n 2 stat m/keys/own$n size
	n=$((n + 1))
done
sleep 1.1
while [ $n -gt 0 ]; do
	n=$((n - 1))
	(head -c 1 >/dev/null; exec sleep 60) <m/keys/own$n &
	readers="$readers $!"
done
sleep 0.5
check "what a mount writes it shows at once, whoever still reads what was there" eq \
	"$("$calls" "$@" | sort | uniq -c | tr -s ' ')" " 60 2
 120 7"
kill $readers

# With cache=strict there is nothing to wait for.
mount_store s.db strict -o cache=strict
n=0
while [ $n -lt 50 ] && put s $n && [ "$(cat strict/keys/s)" = $n ] && put s "$n+++" &&
	size_is strict/keys/s $((${#n} + 3)) && del s && gone strict/keys/s; do
	n=$((n + 1))
done
check "cache=strict is never behind" eq $n 50

try() { # SENTENCE ROUNDS CACHED HOW
	said=$(RACE_SECONDS=${TORTURE_SECONDS:-60} "$race" s.db $3 $2 $4 m/keys m2/keys)
	status=$?
	echo "# $said"
	check "$1" [ $status = 0 ]
}
try "no first lookup that raced a change is stale" "${RACE_ROUNDS:-2000}" "${RACE_CACHED:-2000}" first
try "nor is one of keys that are told of together" "${RACE_ROUNDS:-2000}" 0 set
