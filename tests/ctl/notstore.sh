#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires mkfifo cksum
# Whatever is given as STORE: an error, status 2, one line, and the file as it was.

printf 'hello\n' >text
printf x >short
head -c 8000000 /dev/zero >zeros
head -c 8000000 /dev/urandom >random
printf '#!/bin/sh\nexit 0\n' >script
mkdir dir
mkfifo fifo
ln -s nowhere dangling
ln -s loop loop
set -- text short zeros random script dir fifo loop /dev/null text/below
sums() { cksum text short zeros random script; ls -l text short zeros random script | awk '{print $5, $6, $7, $8}'; }
before=$(sums)

run_all() {
	for verb in "get $1 k" "exists $1 k" "ls $1" "ls --json $1" "stat $1" "check $1" "check --lock $1" \
		"put $1 k v" "del $1 k" "mv $1 k l" "add $1 k 1" "sync $1" "create $1"; do
		# shellcheck disable=SC2086
		timeout 10 shmfsctl $verb >out 2>err
		status=$?
		if [ $status != 2 ] || [ "$(wc -l <err)" != 1 ] || [ -s out ] ||
			! grep -q "^shmfsctl: $1: ." err; then
			echo "shmfsctl $verb: status $status, said: $(cat out err)"
		fi
	done
}
for store; do
	check "$store as STORE is an error for every verb" eq "$(run_all "$store")" ""
done
check "and all are as they were" eq "$(sums)" "$before"

check "a link to nowhere is no store to read" exits 2 shmfsctl get dangling k
check "and put makes what it points to" shmfsctl put dangling k v
check "(it did)" eq "$(shmfsctl get nowhere k)" v
: >empty
check "an empty file is no store to read" exits 2 shmfsctl get empty k
check "and stays empty" eq "$(wc -c <empty)" 0
check "put makes it one" shmfsctl put empty k v
check "an empty name is an error" exits 2 shmfsctl get '' k
check "a newline in a name makes no second line" eq "$(shmfsctl get 'a
b' k 2>&1 | wc -l)" 1
check "/dev/null is what it was" test -c /dev/null

# In a chroot without /proc it is not the store that is missing.
no_proc() { unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$@"; }
if no_proc true 2>/dev/null; then
	check "without /proc a store is not made, and the reason is given" \
		fails_with "new: /proc is not mounted" no_proc shmfsctl create new
	check "nor left half made" not test -e new
else
	skip "without /proc there is no store" "no mount namespace"
fi
