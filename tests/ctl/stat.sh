#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq

shmfsctl put s.db a 1
shmfsctl put s.db b 2
shmfsctl stat s.db >stat
check "stat prints a name and a value per line" eq "$(grep -vcE '^[a-z_]+ -?[0-9.e+-]+$' stat)" 0
check "it counts keys" grep -qx "keys 2" stat
check "it knows the length of the file" grep -qx "file_bytes $(stat -c %s s.db)" stat
check "--json is one object" eq "$(shmfsctl stat --json s.db | jq -r type)" object
check "with the same names in the same order" \
	eq "$(shmfsctl stat --json s.db | jq -r 'del(.cursors) | keys_unsorted[]')" "$(cut -d' ' -f1 stat)"
shmfsctl stat --json s.db | jq -r 'del(.cursors) | to_entries[] | select(.key | test("keys|buckets|log|max_bytes|garbage")) | "\(.key) \(.value)"' >json
grep -E '^[a-z_]*(keys|buckets|log|max_bytes|garbage)' stat >text
check "and the same values" eq "$(grep -v buckets_max json)" "$(grep -v buckets_max text)"
check "and no cursors" eq "$(shmfsctl stat --json s.db | jq -c .cursors)" "[]"
shmfsctl append s.db hello
shmfsctl append s.db ''
shmfsctl cursor s.db create w
shmfsctl cursor s.db create 'a b' -1
shmfsctl stat s.db >stat
check "it counts frames" grep -qx "log_frames 2" stat
check "and their bytes" grep -qx "log_bytes 5" stat
check "cursors follow with their lag" eq "$(grep ^cursor stat | sort)" "cursor 0 2 5 0 w
cursor 32 1 0 0 'a b'"
check "also in --json" eq "$(shmfsctl stat --json s.db | jq -c '.cursors | sort_by(.name)[]')" \
	"$(shmfsctl cursor s.db list --json | jq -sc 'sort_by(.name)[]')"
check "stat of no store is exit 2" exits 2 shmfsctl stat none.db
check "which is not made" not test -e none.db

check "sync says nothing" eq "$(shmfsctl sync s.db 2>&1)" ""
check "sync is exit 0" shmfsctl sync s.db
check "sync makes no store" exits 2 shmfsctl sync none.db
check "(none was made)" not test -e none.db
