#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq

i=0
while [ $i -lt 50 ]; do
	shmfsctl put s.db "key$i" "value $i"
	i=$((i + 1))
done
head -c 3000000 /dev/urandom | shmfsctl put s.db big
check "a sound store is exit 0" shmfsctl check s.db
check "and has no problems" eq "$(shmfsctl check s.db | sed -n 's/^problems //p')" 0
check "it counts keys" eq "$(shmfsctl check s.db | sed -n 's/^keys //p')" 51
check "--lock too" shmfsctl check --lock s.db
check "--json is one object" \
	eq "$(shmfsctl check --json s.db | jq -c '[(.found | length), .problems, .keys]')" "[0,0,51]"
sum=$(cksum <s.db)
shmfsctl check s.db >/dev/null
check "check changes nothing" eq "$(cksum <s.db)" "$sum"

# Damage a value.
offset=$(grep -abo 'value 33' s.db | tail -n1 | cut -d: -f1)
cp s.db bad.db
printf X | dd of=bad.db bs=1 seek="$offset" conv=notrunc 2>/dev/null
check "a changed byte of a value is exit 1" exits 1 shmfsctl check bad.db
shmfsctl check bad.db >found
check "with an offset and a text" grep -qE '^[0-9]+: .+' found
check "and a count" grep -qE '^problems [1-9]' found
check "on stdout alone" eq "$(shmfsctl check bad.db 2>&1 >/dev/null)" ""
check "--json says the same" \
	eq "$(shmfsctl check --json bad.db | jq -c '.problems == (.found | length)')" true
check "with status 1" exits 1 shmfsctl check --json bad.db

# Damage the superblock behind the magic.
for at in 16 64 256 1024 4096; do
	cp s.db bad.db
	head -c 2048 /dev/urandom | dd of=bad.db bs=1 seek=$at conv=notrunc 2>/dev/null
	shmfsctl check bad.db >/dev/null 2>&1
	check "2048 wild bytes at $at: check ends with 0, 1 or 2" test $? -le 2
	shmfsctl check --json bad.db >json 2>/dev/null
	[ ! -s json ] || check "and what it prints is JSON" jq -e . json
done

check "a file that is no store is exit 2" exits 2 shmfsctl check found
check "a missing one is exit 2" exits 2 shmfsctl check none.db
check "a full disk at stdout is exit 2" \
	exits 2 sh -c '[ -w /dev/full ] || exit 2; shmfsctl check s.db >/dev/full'

# One byte of one frame of the log.
seq 1000 2000 | shmfsctl append log.db
check "a log that is whole has no problems" shmfsctl check log.db
at=$(grep -abo 1777 log.db | head -n 1 | cut -d: -f1)
printf 9 | dd of=log.db bs=1 seek="$at" conv=notrunc 2>/dev/null
check "a damaged frame is found, and where" \
	sh -c 'shmfsctl check log.db | grep -qE "^[0-9]+: the frame at position [0-9]+ is damaged"'
