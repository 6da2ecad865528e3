#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# What load refuses, and where; what it takes that dump does not write; --merge, --edited.

tab=$(printf '\t')
nothing_left() { eq "$(ls -A | grep -c '^new')" 0; }

# refuses SENTENCE LINE TEXT [OPTION...]: `bad` is refused at that line, and no store is made.
refuses() {
	sentence=$1 number=$2 text=$3
	shift 3
	shmfsctl load "$@" new.db bad 2>said
	check "$sentence" eq "$? $(grep -c "^shmfsctl: bad: line $number: .*$text" said) $(wc -l <said)" "2 1 1"
	check "... and no store is made" nothing_left
}

shmfsctl put s.db name value
shmfsctl put s.db --type=number n 1.5
head -c 200000 /dev/zero | tr '\0' x | shmfsctl put s.db long
seq 3 | shmfsctl append s.db
shmfsctl cursor s.db create c +1
shmfsctl dump s.db good
lines=$(wc -l <good)

# ---- cut off --------------------------------------------------------------------------

: >bad
refuses "nothing at all is no dump" 1 "it is empty"
i=1
while [ $i -lt "$lines" ]; do
	head -n $i good >bad
	refuses "cut behind line $i" $((i + 1)) "cut off"
	i=$((i + 1))
done
i=1
size=$(wc -c <good)
while [ $i -lt 60 ]; do
	head -c -$i good >bad
	case $i in
	1) refuses "cut before the last newline" "$lines" "cut off in this line" ;;
	*) shmfsctl load new.db bad 2>/dev/null && fail "cut $i bytes before the end is refused" ;;
	esac
	i=$((i + 7))
done
check "no cut made a store" nothing_left
head -c $((size / 2)) good | shmfsctl load new.db 2>said
check "a pipe that ends too early is refused" eq "$? $(grep -c 'standard input: line .*cut off' said)" "2 1"

# ---- damaged --------------------------------------------------------------------------

i=1
while [ $i -le "$lines" ]; do
	sed "${i}d" good >bad
	shmfsctl load new.db bad 2>said
	check "without line $i it is refused" eq "$? $(grep -c ': line ' said)" "2 1"
	sed "${i}p" good >bad
	shmfsctl load new.db bad 2>said
	check "with line $i twice too" eq "$? $(grep -c ': line ' said)" "2 1"
	i=$((i + 1))
done
offset=0
while [ $offset -lt "$size" ]; do
	# One bit of one byte.
	cp good bad
	byte=$(od -An -tu1 -j $offset -N 1 good | tr -d ' ')
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o' $((byte ^ (1 << (offset % 7)))))" |
		dd of=bad bs=1 seek=$offset conv=notrunc 2>/dev/null
	shmfsctl load new.db bad 2>said
	[ "$? $(grep -c ': line ' said)" = "2 1" ] || fail "a changed bit at $offset is refused" "$(cat said)"
	offset=$((offset + 1 + size / 50))
done
check "a changed bit is refused, wherever it is" nothing_left

# A good text with lines before the first record; the message is about the first of them.
first=$(($(grep -c ^option good) + 2))
insert() { # TEXT: printf's
	# shellcheck disable=SC2059
	{ head -n $((first - 1)) good && printf "$1\n" && tail -n +$first good; } >bad
}
insert 'bites\tkey\tvalue' && refuses "an unknown kind of line" "$first" "does not start with"
insert 'bytes key value' && refuses "a line without TAB" "$first" "does not start with"
insert '' && refuses "an empty line" "$first" "does not start with"
insert 'Bytes\tkey\tvalue' && refuses "a kind in capitals" "$first" "does not start with"
insert 'bytes\tkey' && refuses "a key without value" "$first" "no TAB and value"
insert 'bytes\tkey\tvalue\tmore' && refuses "a field too many" "$first" "a TAB behind the value"
insert 'frame\tone\ttwo' && refuses "a frame of two fields" "$first" "a TAB behind the frame"
insert 'bytes\tkey\tval\\que' && refuses "an unknown escape" "$first" "a backslash without"
insert 'bytes\tkey\tval\\' && refuses "a backslash at the end" "$first" "a backslash without"
insert 'bytes\tkey\t\\x4' && refuses "half an escape" "$first" "a backslash without"
insert 'bytes\tkey\t\\xg0' && refuses "an escape that is not hexadecimal" "$first" "a backslash without"
insert 'bytes\tkey\tval\\\n+x41' && refuses "an escape over two lines" "$first" "a backslash without"
insert 'bytes\tkey\tv\001' && refuses "a control character" "$first" 'should be .x01'
insert 'bytes\tkey\tv\177' && refuses "DEL" "$first" 'should be .x7f'
insert 'bytes\tke\000y\tv' && refuses "a NUL byte" "$first" 'should be .x00'
insert 'bytes\tkey\tv\r' && refuses "a line with CR" "$first" "CR LF"
insert 'number\tkey\tx' && refuses "a number that is none" "$first" "x is not a number"
insert 'number\tkey\tinf' && refuses "an infinite one by name" "$first" "inf is not a number"
insert 'number\tkey\t' && refuses "an empty number" "$first" "is not a number"
insert 'number\tkey\t0x7ff' && refuses "too few bits" "$first" "is not a number"
insert 'number\tkey\t1\\x002' && refuses "a NUL byte in a number" "$first" "NUL byte"
insert 'cursor\tnew\tx' && refuses "a place that is none" "$first" "x is not the place"
insert 'cursor\tnew\t7' && refuses "a place that is elsewhere" "$first" "at frame 7, but 0"
insert 'cursor\t\t0' && refuses "a cursor without name" "$first" "without a name"
insert "cursor\t$(head -c 256 /dev/zero | tr '\0' n)\t0" && refuses "a name too long" "$first" "more than 255"
insert "bytes\t$(head -c 65400 /dev/zero | tr '\0' k)\n+$(head -c 136 /dev/zero | tr '\0' k)\tv" &&
	refuses "a key too long" $((first + 1)) "key of more than 65535"
insert "bytes\tk\t$(head -c 65530 /dev/zero | tr '\0' v)" && refuses "a line too long" "$first" "longer than 65536"
insert 'bytes\tdouble\tx\nstring\tdouble\t' && refuses "a key twice" $((first + 1)) "was there before"
insert 'cursor\tdouble\t0\ncursor\tdouble\t0' && refuses "a cursor twice" $((first + 1)) "was there before"
insert 'option\tseed\t1\nbytes\ta\tb\noption\tsize\t0' && refuses "an option too late" $((first + 2)) "an option behind"
insert 'option\tcolour\t1' && refuses "an unknown option" "$first" "no option colour"
insert 'option\tlog_limit\t-1' && refuses "a value of none" "$first" "no value for log_limit"
insert 'option\tgarbage\t0.95' && refuses "a share of too much" "$first" "no value for garbage"
insert 'option\tlog_full\tmaybe' && refuses "a choice of neither" "$first" "no value for log_full"
insert 'option\tno_sync\t2' && refuses "a flag of two" "$first" "no value for no_sync"
{ head -n 1 good && echo "+more" && tail -n +2 good; } >bad
refuses "a continuation of nothing" 2 "continues nothing"
{ echo bytes && cat good; } >bad
refuses "another first line" 1 "not a dump"
sed '1s/1/2/' good >bad
refuses "a later version" 1 "version 2; this program reads version 1"
sed 's/$/\r/' good >bad
refuses "CR LF everywhere" 1 "CR LF"
{ cat good && echo; } >bad
refuses "an empty line behind the end" $((lines + 1)) "behind the end"
cat good good >bad
refuses "two dumps in a row" $((lines + 1)) "behind the end"
sed "${lines}s/keys=3/keys=4/" good >bad
refuses "a wrong count" "$lines" "the counts are not"
sed "${lines}s/.$/g/" good >bad
refuses "a wrong sum" "$lines" "the checksum"
sed "${lines}s/$/ /" good >bad
refuses "a sum and more" "$lines" "the checksum"
sed 's/value/valve/' good >bad
refuses "another letter" "$lines" "some byte has changed"
head -c 100000 /dev/urandom | tr -d '\r' >bad # which has its own answer
refuses "anything" 1 "not a dump"
printf 'shmfs-dump 1\noption\tmax_size\t8388608\n' >bad
head -c 20000000 /dev/zero | tr '\0' x | fold -w 60000 | sed '1s/^/bytes\tk\t/;1!s/^/+/' >>bad
check "a store that gets too large is exit 2" exits 2 shmfsctl load --edited new.db bad
check "and says at which line" sh -c 'shmfsctl load --edited new.db bad 2>&1 | grep -q "at line 3 of bad"'
check "and is not left" nothing_left
printf 'shmfs-dump 1\noption\tlog_limit\t33554432\n' >bad
i=0
while [ $i -lt 4 ]; do
	printf 'frame\t%s\n' "$(head -c 65000 /dev/zero | tr '\0' x)" >>bad
	head -c 12000000 /dev/zero | tr '\0' x | fold -w 60000 | sed 's/^/+/' >>bad
	echo >>bad
	i=$((i + 1))
done
check "frames that log_limit cannot keep are told" \
	fails_with "more than log_limit keeps" shmfsctl load --edited new.db bad
check "and no store is made" nothing_left

# ---- what is there -----------------------------------------------------------------------

shmfsctl put there.db a b
sum=$(cksum <there.db)
check "a store that is there is refused" fails_with "is there already" shmfsctl load there.db good
echo text >file
check "so is any file" fails_with "is there already" shmfsctl load file good
check "both stay" eq "$(cksum <there.db) $(cat file)" "$sum text"
: >empty
check "an empty file becomes a store" shmfsctl load empty good
check "which holds the dump" eq "$(shmfsctl dump empty | cksum)" "$(cksum <good)"
check "a missing dump is exit 2" exits 2 shmfsctl load new.db none
check "so is a missing directory" exits 2 shmfsctl load none/new.db good
check "the dump may come from a pipe" sh -c 'cat good | shmfsctl load piped.db -'
check "and is the same" eq "$(shmfsctl dump piped.db | cksum)" "$(cksum <good)"
mkfifo fifo
(exec shmfsctl load new.db fifo 2>/dev/null) &
loader=$!
exec 3>fifo
head -n 12 good >&3
eventually sh -c 'ls new.db.tmp-* >/dev/null 2>&1'
check "while it is read there is no store" not test -e new.db
kill -TERM $loader
wait $loader
check "a load that a signal stopped dies of it" eq $? 143
exec 3>&-
check "and leaves nothing" nothing_left

# ---- --edited, --new-seed -----------------------------------------------------------------

sed '/^end/d; s/^bytes.name.value/&s/' good >edited
check "an edited dump is refused" exits 2 shmfsctl load new.db edited
check "unless that is said" shmfsctl load --edited e.db edited
check "then it is as edited" eq "$(shmfsctl get e.db name)" values
printf 'shmfs-dump 1\nstring\tby hand\t\\X41\n' >bad
refuses "escapes are as documented also then" 2 "a backslash without" --edited
printf 'shmfs-dump 1\ncursor\tc\t17\nstring\tby hand\t\\x41\\x6aB\\xC3\\xa9\n+\\x21\nnumber\tn\t1e3\nframe\tf\n' >hand
check "one by hand needs no options and no end" shmfsctl load --edited hand.db hand
check "and may escape what it likes" eq "$(shmfsctl get hand.db 'by hand')" "$(printf 'AjB\303\251!')"
check "a number is any decimal" eq "$(shmfsctl get hand.db n)" 1000
check "a cursor stands where its line does" eq "$(shmfsctl cursor hand.db show c)" "0 1 1 0 c"
for bits in 7ff0000000000000 fff0000000000000 7ff8000000000001 8000000000000000; do
	printf 'shmfs-dump 1\nnumber\tn\t0x%s\n' $bits | shmfsctl load --edited $bits.db
	shmfsctl dump $bits.db >bits
	shmfsctl load $bits.again bits
	check "the number of bits $bits comes back" eq "$(shmfsctl dump $bits.again | cksum)" "$(cksum <bits)"
done
check "and is bits only where it is not finite" grep -q "^number${tab}n${tab}-0\$" bits
shmfsctl load --new-seed seed.db good
check "--new-seed takes another" eq "$(shmfsctl dump seed.db | sort | grep -v 'seed\|^end')" \
	"$(sort good | grep -v 'seed\|^end')"
check "than the dump's" not eq "$(shmfsctl dump seed.db | grep seed)" "$(grep seed good)"

# ---- --merge -------------------------------------------------------------------------------

shmfsctl put m.db name old
shmfsctl put m.db own mine
shmfsctl append m.db first
shmfsctl cursor m.db create c end
shmfsctl load --merge m.db good 2>said
check "--merge adds to a store" eq $? 0
check "and says which cursors stay" grep -q "cursor c is there, and stays" said
check "keys of the dump replace" eq "$(shmfsctl get m.db name)" value
check "others stay" eq "$(shmfsctl get m.db own)" mine
check "frames are appended" eq "$(shmfsctl tail m.db | tr '\n' ' ')" "first 1 2 3 "
check "a cursor stays" eq "$(shmfsctl cursor m.db show c | cut -d ' ' -f 2)" 3
shmfsctl cursor m.db rm c
shmfsctl load --merge m.db good
check "a new one is before its frame" eq "$(shmfsctl tail --from=cursor:c m.db | tr '\n' ' ')" "2 3 "
shmfsctl dump m.db before
sed 's/value/valve/' good >bad
check "a bad file changes nothing" exits 2 shmfsctl load --merge m.db bad
check "at all" eq "$(shmfsctl dump m.db | cksum)" "$(cksum <before)"
check "the store has to be there" exits 2 shmfsctl load --merge new.db good
check "and keeps its seed" exits 2 shmfsctl load --merge --new-seed m.db good
