#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# A store cut at any length: an error or the truth, no crash, no hang.

i=0
while [ $i -lt 40 ]; do
	shmfsctl put s.db "key$i" "value $i"
	i=$((i + 1))
done
head -c 2500000 /dev/urandom >big
shmfsctl put s.db big <big
size=$(stat -c %s s.db)

# try LENGTH: says what is wrong, or nothing.
try() {
	for verb in "get cut.db key7" "get cut.db big" "ls cut.db" "stat cut.db" "check cut.db" \
		"exists cut.db key7" "put cut.db new x" "del cut.db key8" "add cut.db n 1" \
		"check --lock cut.db"; do
		head -c "$1" s.db >cut.db
		# shellcheck disable=SC2086
		timeout 20 shmfsctl $verb >out 2>err
		status=$?
		[ $status -le 2 ] || echo "$verb at $1: status $status $(cat err)"
		[ $status != 2 ] || [ "$(wc -l <err)" = 1 ] || echo "$verb at $1: $(cat err)"
		case "$verb $status" in
		"get cut.db key7 0") [ "$(cat out)" = "value 7" ] || echo "$verb at $1: wrong value" ;;
		"get cut.db big 0") cmp -s out big || echo "$verb at $1: wrong value" ;;
		"ls cut.db 0") [ "$(wc -l <out)" = 41 ] || echo "$verb at $1: wrong keys" ;;
		esac
	done
}
for length in 1 7 8 9 63 64 100 511 512 4095 4096 4097 8192 12288 20000 32768 65536 131072 262143 \
	262144 262145 524288 1048575 1048576 1048577 1500000 2097152 3145728 4194304 5242880 \
	6291456 7340031 $((size / 2)) $((size - 1048576)) $((size - 4096)) $((size - 1)); do
	[ $length -lt "$size" ] && [ $length -gt 0 ] || continue
	check "cut to $length bytes: errors, and no wrong value" eq "$(try $length)" ""
done
check "not cut, all is well" eq "$(try "$size")" ""
