#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq

works="insert put get append read memory_random memory_ordered"
mkdir d
check "bench --json is one object" eq "$(shmfsctl bench --json --seconds=0.2 d | tee b.json | jq -r type)" object
check "with each work, in order" eq "$(jq -r '.results[].name' b.json | tr '\n' ' ')" "$works "
check "each was done, and took time" \
	jq -e '.results | all(.operations > 0 and .seconds > 0 and .ns > 0)' b.json
check "per_second is operations by seconds" \
	jq -e '.results | all((.operations / .seconds / .per_second - 1) | fabs < 0.001)' b.json
check "it says what of" jq -e '.key_bytes == 8 and .value_bytes == 100 and .threads == 1' b.json
check "and where" eq "$(jq -r .directory b.json)" "$(realpath d)"
check "as many keys are in it as were inserted" jq -e '.keys == .results[0].operations' b.json
check "nothing is left of its store" eq "$(ls -A d)" ""
shmfsctl bench --seconds=0.1 --size=1000 --keys=10 d >text
check "as text it is a table of the same works" \
	eq "$(awk 'NR > 2 && NF == 4 && $2 + 0 > 0 { printf "%s ", $1 }' text)" "$works "
check "which says its sizes" grep -q "one thread, values and frames of 1000 bytes" text
check "and how many keys" grep -q "^10 keys of 8 bytes" text
check "no line is longer than 80 columns" eq "$(awk 'length > 80' text | grep -v "^$(realpath d) ")" ""

shmfsctl put d/s.db a 1
sum=$(cksum <d/s.db)
check "beside a file it measures in its directory" \
	eq "$(shmfsctl bench --json --seconds=0.05 d/s.db | jq -r .directory)" "$(realpath d)"
check "and leaves the file alone" eq "$(cksum <d/s.db)" "$sum"
check "a directory that is not there is exit 2" fails_with "name a directory" shmfsctl bench nowhere
check "so is a size of nothing" exits 2 shmfsctl bench --size=0 d
check "and one beyond a megabyte" exits 2 shmfsctl bench --size=2M d
check "and no time" exits 2 shmfsctl bench --seconds=0 d

# A signal that comes in the middle.
shmfsctl bench --seconds=60 d >out 2>err &
bench=$!
check "its store has no name while it works" eventually grep -q "^put" out
check "(nothing is in the directory)" eq "$(ls -A d)" s.db
kill -TERM $bench
check "a signal ends it" exits 143 wait $bench
check "saying so" grep -q "interrupted; its store is removed" err
