#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq cmp od mkfifo seq tac base64

nl='
'
check "tail makes no store" exits 2 shmfsctl tail none.db
check "(none is there)" not test -e none.db
shmfsctl create s.db
check "an empty log is no error" eq "$(shmfsctl tail s.db 2>&1; echo $?)" 0
check "nor is it backwards" eq "$(shmfsctl tail --reverse s.db 2>&1; echo $?)" 0
check "nor are its last frames" eq "$(shmfsctl tail --from=-5 s.db 2>&1; echo $?)" 0
check "reading writes nothing" eq "$(chmod a-w s.db; cksum <s.db; shmfsctl tail s.db; cksum <s.db)" \
	"$(cksum <s.db; cksum <s.db)"
chmod u+w s.db

# ---- formats -----------------------------------------------------------------------

printf 'a\nb' | shmfsctl append s.db
shmfsctl append s.db ''
printf 'c\0d\377' | shmfsctl append --raw s.db
hex() { od -An -c | tr -s ' \n' ' '; }
check "lines end in one newline each" eq "$(shmfsctl tail s.db | hex)" ' a \n b \n \n c \0 d 377 \n '
check "that is the default" eq "$(shmfsctl tail --format=lines s.db | cksum)" "$(shmfsctl tail s.db | cksum)"
check "raw adds nothing" eq "$(shmfsctl tail --format=raw s.db | hex)" ' a \n b c \0 d 377 '
check "nul ends each frame with one" eq "$(shmfsctl tail --format=nul s.db | hex)" ' a \n \0 b \0 \0 c \0 d 377 \0 '
shmfsctl tail --format=json s.db >json
check "json is an object a line" eq "$(jq -c . <json | wc -l) $(wc -l <json)" "4 4"
check "with positions" eq "$(jq -c .position <json | tr '\n' ' ')" "0 32 64 80 "
check "and the data" eq "$(jq -c .data <json | head -n 3 | tr '\n' ' ')" '"a\n" "b" "" '
check "which is null if it is not UTF-8" eq "$(tail -n 1 json | jq -c .data)" null
check "and base64 then" eq "$(tail -n 1 json | jq -r .data_base64 | base64 -d | hex)" ' c \0 d 377 '
check "another format is exit 2" exits 2 shmfsctl tail --format=xml s.db

# Every byte goes through json.
i=0
while [ $i -lt 128 ]; do
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $i)"
	i=$((i + 1))
done >ascii
shmfsctl append --raw s.db <ascii
check "json keeps every byte" sh -c 'shmfsctl tail --from=-1 --format=json s.db | jq -j .data | cmp - ascii'

# ---- places --------------------------------------------------------------------------

rm s.db
seq 1000 | shmfsctl append s.db
last() { shmfsctl tail "$@" s.db | tr '\n' ' '; }
check "--from=begin is the default" eq "$(last)" "$(last --from=begin)"
check "--from=end is behind them" eq "$(last --from=end)" ""
check "--from=-3 is the last three" eq "$(last --from=-3)" "998 999 1000 "
check "--from=-0 is none" eq "$(last --from=-0)" ""
check "more than there are is all" eq "$(last --from=-5000)" "$(last)"
check "--from=+997 leaves out as many" eq "$(last --from=+997)" "998 999 1000 "
check "--from=+5000 all" eq "$(last --from=+5000)" ""
check "--count counts" eq "$(last --count=2)" "1 2 "
check "from a place too" eq "$(last --count=2 --from=-3)" "998 999 "
check "--count=0 is none" eq "$(last --count=0)" ""
position=$(shmfsctl tail --format=json --from=-3 s.db | jq -s '.[1].position')
check "a position is one that json shows" eq "$(last --from="$position")" "999 1000 "
check "the end is a position" eq "$(last --from="$((position + 64))")" ""
check "beyond it is exit 1" exits 1 shmfsctl tail --from="$((position + 80))" s.db
check "so is one inside a frame" exits 1 shmfsctl tail --from="$((position + 16))" s.db
check "and says so" fails_with "no frame begins at 33" shmfsctl tail --from=33 s.db
check "what is no place is exit 2" exits 2 shmfsctl tail --from=here s.db
check "nor is --count=x a number" exits 2 shmfsctl tail --count=x s.db
check "-n are the last ones" eq "$(last -n 3)" "998 999 1000 "
check "--last too" eq "$(last --last=1)" "1000 "
check "more than there are is all of them" eq "$(last -n 5000)" "$(last)"
check "0 is none" eq "$(last -n 0)" ""
check "backwards the newest is the first" eq "$(last -r -n 2)" "1000 999 "
check "--count counts them too" eq "$(last -n 3 --count=2),$(last -r -n 2 --count=3)" "998 999 ,1000 999 "
check "-n is a number" exits 2 shmfsctl tail -n x s.db
check "+N, which is another thing to tail(1), is none" fails_with "--from=+K" shmfsctl tail -n +3 s.db
check "with --from it would mean two things" fails_with "--count=N" shmfsctl tail -n 2 --from=-3 s.db
check "where it takes the store for its number that is told" fails_with "--last took s.db" shmfsctl tail -n s.db
shmfsctl cursor s.db create c -1
check "a cursor is a place" eq "$(last --from=cursor:c)" "1000 "
check "reading does not move it" eq "$(last --from=cursor:c)" "1000 "
check "a missing one is exit 1" exits 1 shmfsctl tail --from=cursor:x s.db
check "and is named" fails_with "no such cursor: x" shmfsctl tail --from=cursor:x s.db

check "--reverse goes back" sh -c 'shmfsctl tail --reverse s.db | tac | cmp - "$1"' sh "$(seq 1000 >all; echo all)"
check "from the end" eq "$(last -r --count=2)" "1000 999 "
check "or from a place" eq "$(last -r --count=2 --from=-3)" "997 996 "
check "or from none" eq "$(last -r --from=begin)" ""
check "--reverse --follow is exit 2" exits 2 shmfsctl tail -r -f s.db

# ---- large ones, across segments --------------------------------------------------------

rm s.db
for size in 16777200 1 10000000 0 70000 16777199; do
	head -c $size /dev/urandom >"f$size"
	shmfsctl append --raw s.db <"f$size"
done
cat f16777200 f1 f10000000 f0 f70000 f16777199 >forth
cat f16777199 f70000 f0 f10000000 f1 f16777200 >back
check "large frames come out" sh -c 'shmfsctl tail --format=raw s.db | cmp - forth'
check "and backwards" sh -c 'shmfsctl tail -r --format=raw s.db | cmp - back'
check "and as base64" sh -c 'shmfsctl tail --count=1 --format=json s.db | jq -r .data_base64 | base64 -d | cmp - f16777200'

# ---- what can go wrong with the output ------------------------------------------------------

if [ -w /dev/full ]; then
	check "a full disk at stdout is exit 2" exits 2 sh -c "shmfsctl tail s.db >/dev/full"
	check "with --follow too" exits 2 sh -c "shmfsctl tail -f s.db >/dev/full"
fi
check "a closed stdout is exit 2" exits 2 sh -c "shmfsctl tail s.db >&-"
check "a reader that goes away ends it by SIGPIPE" \
	eq "$( (shmfsctl tail s.db; echo $? >status) | head -c 10 >/dev/null; cat status)" 141

# ---- following -----------------------------------------------------------------------------

rm s.db
shmfsctl append s.db "old$nl"
shmfsctl tail --follow s.db >out 2>err &
follower=$!
holds() { eq "$(cat out)" "$1"; }
check "--follow prints what is there" eventually holds old
shmfsctl append s.db new
check "and each frame when it comes" eventually holds "old${nl}new"
seq 5000 | shmfsctl append s.db
ends() { eventually sh -c "tail -n 1 out | grep -qx $1"; }
check "and many at once" ends 5000
check "all of them" eq "$(wc -l <out)" 5002
kill $follower
wait $follower
check "SIGTERM ends it with exit 0" eq $? 0
check "in silence" eq "$(cat err)" ""
if env --default-signal=INT true 2>/dev/null; then # a shell ignores it for what is behind &
	env --default-signal=INT shmfsctl tail -f --from=-1 s.db >out2 2>err &
	follower=$!
	check "(another one runs)" eventually test -s out2
	kill -INT $follower
	wait $follower
	check "so does SIGINT" eq $? 0
	check "in silence" eq "$(cat err)" ""
else
	skip "so does SIGINT" "needs env --default-signal"
fi

check "--follow --count=N ends after N" eq "$(shmfsctl tail -f --count=2 s.db | tr '\n' ' ')" "old new "
shmfsctl tail -n 2 -f --count=4 s.db >out &
follower=$!
check "-n N --follow begins with the last N" eventually holds "4999${nl}5000"
shmfsctl tail -n 0 -f --count=1 s.db >out2 &
follower2=$!
sleep 0.2
printf 'and\non\n' | shmfsctl append s.db
wait $follower
check "and goes on behind them" holds "4999${nl}5000${nl}and${nl}on"
wait $follower2
check "-n 0 --follow waits for what comes" eq "$(cat out2)" and
: >status
{
	shmfsctl tail -f --from=end s.db
	echo $? >status
} 2>err | true
check "--follow ends when its reader has gone, though nothing comes" eventually test -s status
check "with exit 0" eq "$(cat status)" 0
check "in silence" eq "$(cat err)" ""
{ shmfsctl tail -f s.db; echo $? >status; } 2>err | head -n 1 >out
check "also while it writes" eventually eq "$(cat status)" 0
check "in silence" eq "$(cat err)" ""

# A reader of the pipe sees every frame, in order, while a writer is at it.
rm s.db
shmfsctl create s.db
mkfifo pipe
shmfsctl tail -f --count=30000 s.db >pipe &
follower=$!
(seq 1 10000 | shmfsctl append s.db
	i=10001
	while [ $i -le 10050 ]; do
		shmfsctl append s.db "$i"
		i=$((i + 1))
	done
	seq 10051 30000 | shmfsctl append s.db) &
check "a pipe gets every frame of a concurrent writer" sh -c 'cmp - "$1" <pipe' sh "$(seq 30000 >all; echo all)"
wait

# Trimmed while it waits for its own reader: told, and on at the head.
rm s.db
head -c 1000000 /dev/zero | tr '\0' x >block
cat block block block block block block block block block block block block block block block block block >sixteen
tr x y <block | shmfsctl append --raw s.db
shmfsctl tail -f s.db >pipe 2>err &
follower=$!
exec 4<pipe
sleep 0.2
for i in 1 2 3; do shmfsctl append --raw s.db <block; done
for i in 1 2 3; do head -c 16000000 sixteen | shmfsctl append --raw s.db; done
shmfsctl append s.db "end$nl"
shmfsctl trim s.db end
head -c 1 <&4 >/dev/null
cat <&4 >out &
reader=$!
check "a follower that was overtaken goes on at the head" ends end
check "and says what it missed" eventually grep -q "was trimmed before it was read" err
check "once" eq "$(wc -l <err)" 1
exec 4<&-
kill $follower
wait $follower
check "and ends well" eq $? 0
wait $reader
check "the store is sound" shmfsctl check s.db
