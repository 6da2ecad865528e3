#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires jq cmp od mkfifo seq

largest=16777200 # 16 MiB - 16

# frames: how many the log has, and their bytes
frames() { shmfsctl stat --json s.db | jq -c '[.log_frames, .log_bytes]'; }

# ---- what goes in comes out ------------------------------------------------------

check "append makes a missing store" shmfsctl append s.db hello
check "and says nothing" eq "$(shmfsctl append s.db hello 2>&1)" ""
check "the argument is a frame, with nothing added" eq "$(frames)" "[2,10]"
check "an empty one too" shmfsctl append s.db ''
check "it is a frame" eq "$(frames)" "[3,10]"
check "a frame that starts with - goes after --" shmfsctl append s.db -- --raw
check "or is a negative number" shmfsctl append s.db -1
check "what is in it is kept" eq "$(shmfsctl tail --from=-2 --format=raw s.db)" "--raw-1"
check "two FRAMEs are too many" exits 2 shmfsctl append s.db a b

rm s.db
printf 'one\ntwo\n\n three ' >lines
check "lines of stdin are frames" shmfsctl append s.db <lines
check "with their newlines" eq "$(shmfsctl tail --format=json s.db | jq -c .data | tr '\n' ' ')" \
	'"one\n" "two\n" "\n" " three " '
check "all of them is what was read" sh -c 'shmfsctl tail --format=raw s.db | cmp - lines'
check "no input is no frame" sh -c 'shmfsctl append s.db </dev/null && shmfsctl tail s.db | wc -l | grep -qx 4'
check "--raw makes one frame of it" shmfsctl append --raw s.db <lines
check "as it is" sh -c 'shmfsctl tail --from=-1 --format=raw s.db | cmp - lines'
check "--raw of nothing is an empty frame" shmfsctl append --raw s.db </dev/null
check "(it is)" eq "$(shmfsctl tail --from=-1 --format=json s.db | jq -c .data)" '""'
check "--raw and a FRAME exclude each other" exits 2 shmfsctl append --raw s.db x

# Every byte value, and every length around what blocks, batches and segments are made of.
i=0
while [ $i -lt 256 ]; do
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $i)"
	i=$((i + 1))
done >bytes
while [ "$(wc -c <bytes)" -lt $largest ]; do
	cat bytes bytes >twice
	mv twice bytes
done
rm s.db
for size in 0 1 7 8 15 16 17 255 65531 65532 65533 70000 1048575 1048577 $largest; do
	head -c $size bytes >frame
	check "a frame of $size bytes goes in" shmfsctl append --raw s.db <frame
	shmfsctl tail --from=-1 --format=raw s.db >got
	check "and comes out" cmp got frame
	{ tr '\n' x <frame | head -c $((size > 0 ? size - 1 : 0)); echo; } >line # 0: 1
	check "a line of $size bytes does" shmfsctl append s.db <line
	shmfsctl tail --from=-1 --format=raw s.db >got
	check "and comes out too" cmp got line
done
before=$(frames)
{ cat line; printf x; } >toolong
check "one byte more is exit 2" exits 2 shmfsctl append --raw s.db <toolong
check "and says how many there may be" fails_with "$largest bytes" shmfsctl append --raw s.db <toolong
head -c $((largest + 1)) /dev/zero >toolong
check "also without a newline" fails_with "line 1: longer than $largest" shmfsctl append s.db <toolong
check "also from a pipe" exits 2 sh -c 'cat toolong | shmfsctl append s.db'
{ head -c $largest /dev/zero; echo; } >toolong
check "also with one" exits 2 shmfsctl append s.db <toolong
check "nothing of it is in the log" eq "$(frames)" "$before"
{ echo first; echo second; cat toolong; echo last; } >mixed
check "an error names the line" fails_with "line 3: " shmfsctl append s.db <mixed
check "those before it are in the log" eq "$(shmfsctl tail --from=-2 s.db | tr '\n' ' ')" "first second "
check "the store is sound" shmfsctl check s.db

# ---- many ------------------------------------------------------------------------

rm s.db
seq 300000 >many
check "many lines go in" shmfsctl append s.db <many
check "also from a pipe" sh -c 'cat many | shmfsctl append s.db'
check "each is a frame" eq "$(frames | jq .[0])" 600000
check "in order" sh -c 'shmfsctl tail s.db | cmp - "$1"' sh "$(cat many many >twice; echo twice)"
tr -dc '\n' <many | head -c 200000 >newlines
check "so do empty ones" shmfsctl append s.db <newlines
check "(all of them)" eq "$(frames | jq .[0])" 800000

# ---- a line is there as soon as it was written ---------------------------------------

rm s.db
mkfifo pipe
shmfsctl append s.db <pipe &
writer=$!
exec 4>pipe
has() { eq "$(shmfsctl tail s.db 2>/dev/null)" "$1"; }
printf 'a\nb' >&4
check "a line is in the log before the next one came" eventually has a
printf 'c\n' >&4
check "what had no newline waits for it" eventually has "a
bc"
printf 'd' >&4
exec 4>&-
wait $writer
check "the end of input is the end of the last line" has "a
bc
d"

# ---- several at once -------------------------------------------------------------------

for w in 1 2 3; do
	seq 20000 | sed "s/^/$w /" | shmfsctl append s.db &
done
wait
shmfsctl tail --from=+3 s.db >got
for w in 1 2 3; do
	check "of several writers each keeps its order ($w)" \
		eq "$(sed -n "s/^$w //p" got | cksum)" "$(seq 20000 | cksum)"
done

# ---- trouble ------------------------------------------------------------------------------

check "the store as stdin is an error" exits 2 sh -c 'shmfsctl append s.db <s.db'
check "an unreadable stdin is" fails_with "cannot read stdin" shmfsctl append s.db <.
check "a closed one too" exits 2 sh -c 'shmfsctl append s.db <&-'
echo text >file
check "no store is no store" exits 2 shmfsctl append file x
check "the store is sound" shmfsctl check s.db
