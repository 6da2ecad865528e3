#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# Verbs that read work without permission to write, and never write.
requires nobody

ctl() { nobody "$SHMFSCTL" "$@"; }

shmfsctl put s.db a 1
head -c 3000000 /dev/urandom >big
shmfsctl put s.db big <big
chmod 444 s.db
[ "$(ctl exists s.db a; echo $?)" = 0 ] || skip_all "needs a directory that everybody may read"
sum=$(cksum <s.db)

check "get works on a read-only file" eq "$(ctl get s.db a)" 1
ctl get s.db big >got
check "and on a large value" cmp big got
check "exists works" ctl exists s.db a
check "ls works" eq "$(ctl ls s.db | sort | tr '\n' ' ')" "a big "
check "stat works" eq "$(ctl stat s.db | grep '^keys ')" "keys 2"
check "check works" ctl check s.db
for verb in "put s.db a 2" "del s.db a" "mv s.db a b" "add s.db n 1" "sync s.db" "create s.db" \
	"put new.db a 1" "create new.db"; do
	# shellcheck disable=SC2086
	check "$verb is exit 2" exits 2 ctl $verb
done
check "a file nobody may write to says so" fails_with "s.db: " ctl put s.db a 2
check "no store was made in a directory nobody may write to" not test -e new.db
check "the file is as it was" eq "$(cksum <s.db)" "$sum"
chmod 000 s.db
check "a file nobody may read is exit 2" exits 2 ctl get s.db a
check "and says so" fails_with "ermission denied" ctl get s.db a
chmod 644 s.db

mkdir ro
cp s.db ro/
if mount -t tmpfs none ro 2>/dev/null; then
	cleanup "umount '$tmp/ro'"
	shmfsctl put ro/s.db a 1
	mount -o remount,ro ro
	check "get works on a read-only file system" eq "$(shmfsctl get ro/s.db a)" 1
	check "ls works" eq "$(shmfsctl ls ro/s.db)" a
	check "check works" shmfsctl check ro/s.db
	check "put is exit 2" exits 2 shmfsctl put ro/s.db a 2
	check "put to a new store is exit 2" exits 2 shmfsctl put ro/new.db a 2
else
	skip "a read-only file system" "cannot mount tmpfs here"
fi
