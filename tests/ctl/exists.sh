#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq

shmfsctl put --type=string s.db a hello
check "exists is exit 0 for a key that is there" exits 0 shmfsctl exists s.db a
check "exit 1 for one that is not" exits 1 shmfsctl exists s.db b
check "in silence" eq "$(shmfsctl exists s.db a 2>&1; shmfsctl exists s.db b 2>&1)" ""
check "exit 2 without a store" exits 2 shmfsctl exists none.db a
check "which is not made" not test -e none.db
check "-l says type and size" \
	eq "$(shmfsctl exists -l s.db a | awk '{ print $1, $2, NF, $NF }')" "string 5 5 a"
check "--json says the same" \
	eq "$(shmfsctl exists --json s.db a | jq -r '"\(.type) \(.size) \(.key) \(.version > 0)"')" \
	"string 5 a true"
shmfsctl exists --json s.db a | jq -r '.time[:19] + "Z" | fromdate' >time
now=$(date +%s)
check "its time is now" test $((now - $(cat time))) -lt 100 -a $((now - $(cat time))) -ge 0
v1=$(shmfsctl exists --json s.db a | jq .version)
shmfsctl put s.db a hello
check "its version grows" test "$(shmfsctl exists --json s.db a | jq .version)" -gt "$v1"
