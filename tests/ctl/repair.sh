#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq

i=0
while [ $i -lt 200 ]; do
	printf 'bytes\tkey%d\tvalue %d\n' $i $i
	i=$((i + 1))
done | { echo 'shmfs-dump 1' && cat; } | shmfsctl load --edited s.db
seq 1000 1999 | shmfsctl append s.db
shmfsctl cursor s.db create c +500
shmfsctl dump s.db good
total() { sed -n "s/^$1 //p" found; }
wild() { # FILE OFFSET BYTES
	head -c "$3" /dev/urandom | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

check "a good store is exit 0" shmfsctl check --repair s.db
check "and left as it is" eq "$(shmfsctl dump s.db | cksum)" "$(cksum <good)"
check "--json says that nothing was found" \
	eq "$(shmfsctl check --repair --json s.db | jq -c '[(.found | length), .problems, .keys, .dropped]')" \
	"[0,0,200,0]"

# A value.
cp s.db bad.db
at=$(grep -abo 'value 133' bad.db | tail -n 1 | cut -d: -f 1)
printf X | dd of=bad.db bs=1 seek="$at" conv=notrunc 2>/dev/null
check "a store that was repaired is exit 1" sh -c 'shmfsctl check --repair bad.db >found; [ $? = 1 ]'
check "with an offset and a text for what was wrong" grep -qE '^[0-9]+: .+' found
check "and counts" test "$(total problems)" -gt 0 -a "$(total keys)" = 199
check "it is sound then" shmfsctl check --lock bad.db
check "again there is nothing to repair" shmfsctl check --repair bad.db
check "the damaged key is gone" exits 1 shmfsctl get bad.db key133
check "the others are there" eq "$(shmfsctl dump bad.db | grep -v '^end')" "$(grep -v '^end\|key133' good)"

# A frame.
cp s.db bad.db
at=$(grep -abo 1777 bad.db | head -n 1 | cut -d: -f 1)
printf 9 | dd of=bad.db bs=1 seek="$at" conv=notrunc 2>/dev/null
check "a damaged frame is exit 1" exits 1 shmfsctl check --repair bad.db
check "it is skipped, the others stay" eq "$(shmfsctl tail bad.db | cksum)" \
	"$(seq 1000 1999 | grep -v 1777 | cksum)"
check "the cursor stays before its frame" eq "$(shmfsctl tail --count=1 --from=cursor:c bad.db)" 1500
check "the store is sound" shmfsctl check --lock bad.db

# Wherever it is.
for at in 64 4096 8192 12288 16384 65536 131072 3145728 4194304 5242880; do
	cp s.db bad.db
	wild bad.db $at 2048
	shmfsctl check --repair bad.db >found 2>said
	status=$?
	case $status in
	0 | 1)
		check "2048 wild bytes at $at: repaired is sound" shmfsctl check --lock bad.db
		shmfsctl ls bad.db | while read -r key; do
			eq "$(shmfsctl get bad.db "$key")" "value ${key#key}"
		done >wrong
		check "... and has no wrong value" eq "$(cat wrong)" ""
		;;
	2) check "2048 wild bytes at $at: said why not" test -s said ;;
	*) fail "2048 wild bytes at $at: exit status 0, 1 or 2" "it is $status" ;;
	esac
done

# What cannot be.
shmfsctl create o.db
shmfsctl append o.db first
shmfsctl tail --follow o.db >/dev/null &
reader=$!
sleep 0.5
check "a store that is open is refused" fails_with "somebody has it open" shmfsctl check --repair o.db
kill $reader
wait $reader
check "later it is not" shmfsctl check --repair o.db
echo text >file
check "what is no store is exit 2" exits 2 shmfsctl check --repair file
check "and stays" eq "$(cat file)" text
check "a missing one is exit 2" exits 2 shmfsctl check --repair none.db
