#!/bin/sh
# Starting: exit codes, messages, options.
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires fuse
mkdir m

for words in "" "s.db" "s.db m extra" "s.db m -o nosuch" "s.db m -o nosuch=1" "s.db m -x" \
	"s.db m -o size=big" "s.db m -o size=" "s.db m -o keys=1Q" "s.db m -o sync_interval=x" \
	"s.db m -o root=log" "s.db m -o cache=some" "s.db m -o uid=me" "s.db m -o mode=9" \
	"s.db m -o umask=x" "s.db m -o garbage=2" "s.db m -o log_full=maybe" \
	"s.db m -o max_size=99999999999T"; do
	check "shmfs $words: exit 1" exits 1 "$SHMFS" $words
	check "with a line that says why" eq "$("$SHMFS" $words 2>&1 >/dev/null | wc -l)" 1
done
check "none of them made a store" not [ -e s.db ]
check "an unknown option is named" fails_with "nosuch" "$SHMFS" s.db m -o nosuch
check "a bad value is named" fails_with "size=big" "$SHMFS" s.db m -o size=big
check "-h exits 0" exits 0 "$SHMFS" -h
check "and shows how" sh -c '"$SHMFS" -h | grep -q "^usage: shmfs STORE DIR"'
check "-V exits 0" exits 0 "$SHMFS" -V

check "a missing directory: exit 32" exits 32 "$SHMFS" s.db none
check "is named" fails_with "none: No such file or directory" "$SHMFS" s.db none
check "and no store is made" not [ -e s.db ]
echo text >file
check "a file instead of the directory: exit 32" exits 32 "$SHMFS" s.db file
check "a file that is not a store: exit 2" exits 2 "$SHMFS" file m
check "is named" fails_with "/file: " "$SHMFS" file m
check "and left alone" eq "$(cat file)" text
check "nocreate without a store: exit 2" exits 2 "$SHMFS" s.db m -o nocreate
check "ro without a store: exit 2" exits 2 "$SHMFS" s.db m -o ro
check "a store in a missing directory: exit 2" exits 2 "$SHMFS" none/s.db m
check "every failure is one line" eq \
	"$("$SHMFS" s.db none 2>&1; "$SHMFS" file m 2>&1; "$SHMFS" s.db m -o ro 2>&1)" \
	"$({ "$SHMFS" s.db none; "$SHMFS" file m; "$SHMFS" s.db m -o ro; } 2>&1 | grep '^shmfs: ')"

check "options of a new store" mount_store s.db m -o size=20M,keys=1000,max_size=1G,garbage=0.5
check "are kept" eq "$(awk '$1 == "max_bytes" || $1 == "garbage" { print $2 }' m/stat)" "1073741824
0.5"
check "size is allocated" [ "$(stat -c %s s.db)" -ge 20971520 ]
check "a directory that a store is mounted on: exit 32" exits 32 "$SHMFS" s.db m
check "says what to do" fails_with "/m: a store is mounted here already; unmount it first: fusermount3 -u " "$SHMFS" new.db m
check "and no store is made" not [ -e new.db ]
unmount m
check "it is free again" not mounted m
check "others later are an error: exit 2" exits 2 "$SHMFS" s.db m -o max_size=2G
check "that names both" eq \
	"$("$SHMFS" s.db m -o max_size=2G 2>&1 | grep -c '2147483648.*1073741824\|1073741824.*2147483648')" 1
check "the same again are fine" mount_store s.db m -o max_size=1G
unmount m
check "options of mount(8) are taken" mount_store s.db m -o rw,nosuid,nodev,noatime,nofail,x-systemd.automount
unmount m
check "verify is taken" mount_store s.db m -o verify,sync_interval=0.5,cache=strict
echo checked >m/keys/k
check "and reads" eq "$(cat m/keys/k)" checked
unmount m
check "relative paths work, and from elsewhere" eq \
	"$(mkdir sub && cd sub && "$SHMFS" ../s.db ../m && cat ../m/keys/k)" checked
unmount m

"$SHMFS" s.db "$tmp/m" -f &
pid=$!
check "-f stays in the foreground" eventually mounted m
check "and is the process itself" eq "$(daemon_of m)" "$pid"
check "unmounting ends it" sh -c "fusermount3 -u m"
wait $pid
check "with exit 0" eq $? 0
if command -v python3 >/dev/null; then
	check "READY=1 is sent to systemd" python3 -c '
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("notify"); s.settimeout(10)
os.environ["NOTIFY_SOCKET"] = os.path.abspath("notify")
subprocess.check_call([os.environ["SHMFS"], "s.db", "m"])
assert b"READY=1" in s.recv(999)
subprocess.check_call(["fusermount3", "-u", "m"])
assert b"STOPPING=1" in s.recv(999)
'
fi
