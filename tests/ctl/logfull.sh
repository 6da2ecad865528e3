#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq
# A log with a limit: it drops its oldest part, or refuses while a cursor needs it.

head -c 4000000 /dev/urandom >block
fill() { # STORE N
	i=0
	while [ $i -lt "$2" ]; do
		shmfsctl append --raw "$1" <block || return
		i=$((i + 1))
	done
}
frames() { shmfsctl stat --json "$1" | jq .log_frames; }

check "a log that trims is made" shmfsctl create --log-limit=32M --log-full=trim t.db
fill t.db 4
shmfsctl cursor t.db create slow
check "it takes any number of frames" fill t.db 20
check "and keeps the last two segments" eq "$(frames t.db)" 8
check "the cursor is left behind" eq "$(shmfsctl cursor t.db show slow | cut -d' ' -f4)" $((4 * 16777216))
check "it reads nothing else than its frames" exits 1 shmfsctl tail --from=cursor:slow t.db
check "until it is moved" shmfsctl cursor t.db set slow begin
check "(it reads)" eq "$(shmfsctl tail --from=cursor:slow --format=raw t.db | wc -c)" 32000000

check "a log that refuses is made" shmfsctl create --log-limit=32M --log-full=refuse r.db
check "without a cursor it trims too" fill r.db 12
check "(two segments)" eq "$(frames r.db)" 8
shmfsctl cursor r.db create quick end
shmfsctl cursor r.db create 'the slow one' -8
check "a cursor at the oldest frame makes it refuse" exits 2 shmfsctl append --raw r.db <block
check "and the error names the slowest" fails_with "the cursor 'the slow one', at 16777216, needs its oldest part" \
	shmfsctl append --raw r.db <block
check "in one line" eq "$(shmfsctl append --raw r.db <block 2>&1 | wc -l)" 1
(cat block; echo) | tr '\n' x | fold -w 100000 >lines
check "and for lines which one" fails_with "line 1: the log is full" shmfsctl append r.db <lines
check "nothing was lost" eq "$(shmfsctl tail --from='cursor:the slow one' --format=raw r.db | wc -c)" 32000000
check "keys can be put meanwhile" shmfsctl put r.db a 1
check "steps within the segment do not help" sh -c 'shmfsctl cursor r.db set "the slow one" +3 && ! shmfsctl append --raw r.db <block 2>err'
check "out of it they do" shmfsctl cursor r.db set 'the slow one' +2
check "(it takes a segment)" fill r.db 4
check "and no more" exits 2 fill r.db 1
check "trim helps, whatever cursors stand there" shmfsctl trim r.db -1
check "(it takes frames)" fill r.db 1
check "the cursor reads that it is behind" exits 1 shmfsctl tail --from='cursor:the slow one' r.db
check "the store is sound" shmfsctl check r.db
check "that one too" shmfsctl check t.db
