#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"

check "create makes a store" shmfsctl create s.db
check "it is empty" eq "$(shmfsctl ls s.db)" ""
shmfsctl put s.db a 1
check "create refuses an existing store" exits 2 shmfsctl create s.db
check "and says so" fails_with "s.db: " shmfsctl create s.db
check "and leaves it alone" eq "$(shmfsctl get s.db a)" 1

: >empty.db
check "create takes an empty file" shmfsctl create empty.db
check "which is a store then" eq "$(shmfsctl ls empty.db)" ""

echo "no store" >other
sum=$(cksum <other)
check "create refuses a file that is no store" exits 2 shmfsctl create other
check "and leaves it alone" eq "$(cksum <other)" "$sum"

stat_of() { shmfsctl stat "$1" | sed -n "s/^$2 //p"; }

shmfsctl create --size=64M --max-size=256M --garbage=0.25 --log-limit=32M big.db
check "--max-size is kept" eq "$(stat_of big.db max_bytes)" $((256 << 20))
check "--garbage is kept" eq "$(stat_of big.db garbage)" 0.25
check "--log-limit is kept" eq "$(stat_of big.db log_limit)" $((32 << 20))

shmfsctl create --keys=100000 keys.db
check "--keys makes the index larger" \
	test "$(stat_of keys.db index_buckets)" -gt "$(stat_of s.db index_buckets)"

check "--no-sync makes a volatile store" shmfsctl create --no-sync v.db
check "which is usable" shmfsctl put v.db a 1
check "--always-wake is an option" shmfsctl create --always-wake w.db
check "--log-full=refuse is an option" shmfsctl create --log-full=refuse r.db
check "--log-full=trim is an option" shmfsctl create --log-full=trim t.db

for bad in --size= --size=x --size=-1 --size=1X --size=1KK --size=1.5G --size=' 1' \
	--size=20000000000000000000 --size=99999999T --keys=many --max-size=M \
	--garbage=0 --garbage=0.05 --garbage=0.95 --garbage=nan --garbage=x \
	--log-full=maybe --log-limit=- --unknown; do
	check "create refuses $bad" exits 2 shmfsctl create bad.db "$bad"
	check "and makes no store" not test -e bad.db
done
check "create wants a STORE" exits 2 shmfsctl create
check "and only one" exits 2 shmfsctl create a.db b.db
check "a missing directory is an error" fails_with "none/s.db: " shmfsctl create none/s.db
