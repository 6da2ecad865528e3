#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq
# --json where a verb reports something; ls, stat, check, cursor, tail have tests of their own.

check "put tells the version" eq "$(shmfsctl put --json s.db a 1)" '{"version":1}'
check "of the newest put" eq "$(shmfsctl put --json s.db a 2 | jq .version)" \
	"$(shmfsctl exists --json s.db a | jq .version)"
check "of a streamed one too" \
	eq "$(head -c 3000000 /dev/zero | shmfsctl put --json s.db big | jq .version)" \
	"$(shmfsctl exists --json s.db big | jq .version)"
check "a condition that does not hold prints nothing" \
	eq "$(shmfsctl put --json --if-absent s.db a 3 2>/dev/null; echo $?)" 1
check "add tells sum and version" eq "$(shmfsctl add --json s.db n 1.5 | jq -c '[.value, .version > 2]')" '[1.5,true]'

check "get tells what ls does" eq "$(shmfsctl get --json s.db a | jq -c 'del(.value)')" \
	"$(shmfsctl ls --json --prefix=a s.db | jq -c .)"
check "and the value" eq "$(shmfsctl get --json s.db a | jq -r .value)" 2
check "a number is a number" eq "$(shmfsctl get --json s.db n | jq .value)" 1.5
check "one line ends it" eq "$(shmfsctl get --json s.db a | wc -l)" 1
printf 'a\377\000b' | shmfsctl put s.db bin
check "what is not UTF-8 is base64" eq "$(shmfsctl get --json s.db bin | jq -c '[.value, .value_base64]')" \
	'[null,"Yf8AYg=="]'
head -c 2500000 /dev/urandom >big
shmfsctl put s.db big <big
check "a large value too" sh -c 'shmfsctl get --json s.db big | jq -r .value_base64 | base64 -d | cmp - big'
check "no such key prints nothing" eq "$(shmfsctl get --json s.db none 2>/dev/null; echo $?)" 1

check "append tells how many and where" eq "$(shmfsctl append --json s.db frame)" '{"frames":1,"first":0,"last":0}'
seq 5000 | shmfsctl append --json s.db >appended
check "of lines the first and the last" eq \
	"$(jq -c '[.frames, .first, .last]' appended)" \
	"[5000,$(shmfsctl tail --count=1 --from=+1 --format=%p s.db),$(shmfsctl tail -r -n 1 --format=%p s.db)]"
check "of none no positions" eq "$(shmfsctl append --json s.db </dev/null)" '{"frames":0}'

check "dump to a file tells its counts" eq "$(shmfsctl dump --json s.db d)" '{"keys":4,"frames":5001,"cursors":0}'
check "to stdout it cannot" fails_with "needs a FILE" shmfsctl dump --json s.db
check "load tells the same" eq "$(shmfsctl load --json new.db d)" '{"keys":4,"frames":5001,"cursors":0}'
check "also when it merges" eq "$(shmfsctl load --merge --json new.db d)" '{"keys":4,"frames":5001,"cursors":0}'
check "a bad dump prints nothing" eq "$(head -n 3 d | shmfsctl load --json x.db 2>/dev/null; echo $?)" 2
check "copy tells the bytes it takes" \
	eq "$(shmfsctl copy --json s.db copy.db | jq .bytes)" "$(($(stat -c '%b * %B' copy.db)))"
check "compact tells before and after" \
	jq -en "$(shmfsctl compact --json copy.db) | [.before, .after] | all(. > 0)"
check "name tells both" eq "$(shmfsctl name encode --json a/b)" '{"key":"a/b","name":"a%2Fb"}'
check "and back, of any number" eq "$(shmfsctl name decode --json a%2Fb %_ %FF)" \
	'{"key":"a/b","name":"a%2Fb"}
{"key":"","name":"%_"}
{"key":null,"key_base64":"/w==","name":"%FF"}'
