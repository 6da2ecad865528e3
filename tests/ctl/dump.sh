#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
# What dump writes, and that load makes the same store of it: bytes, types, frames, cursors.

tab=$(printf '\t')
number() { shmfsctl put s.db --type=number -- "$1" "$1"; }

# ---- the text ----------------------------------------------------------------------

shmfsctl create s.db --log-limit=64M --garbage=0.25 --log-full=refuse
shmfsctl dump s.db >empty
check "an empty store is options and an end" eq "$(cut -d "$tab" -f 1 empty | tr '\n' ' ')" \
	"shmfs-dump 1 option option option option option option option option end "
check "with what it was made with" grep -qx "option${tab}garbage${tab}0.25" empty
check "and how a full log behaves" grep -qx "option${tab}log_full${tab}refuse" empty
shmfsctl put s.db plain 'a value with spaces'
shmfsctl put s.db --type=string "$(printf 'k\303\251y')" "$(printf 'na\303\257ve \342\202\254')"
printf 'a\0b\tc\nd\re\\f\033\177\200\302\205\377' | shmfsctl put s.db bytes
printf 'a\tb\nc' | shmfsctl put s.db --key-file - v
shmfsctl put s.db '' ''
number -0
number 4.9406564584124654e-324
number 1.7976931348623157e308
number 0.1
shmfsctl append s.db ''
shmfsctl cursor s.db create second +1
shmfsctl append s.db 'frame one'
shmfsctl cursor s.db create zz end
shmfsctl cursor s.db create "$(printf 'a b\t')" end
shmfsctl cursor s.db create first begin
shmfsctl dump s.db >text
has() { check "$1" grep -qxF -e "$2" text; }
has "a value is its line" "bytes${tab}plain${tab}a value with spaces"
has "UTF-8 stays readable" "$(printf 'string\tk\303\251y\tna\303\257ve \342\202\254')"
has "all else is escaped" \
	"bytes${tab}bytes${tab}"'a\x00b\tc\nd\re\\f\x1b\x7f\x80\xc2\x85\xff'
has "also in a key" 'bytes'"$tab"'a\tb\nc'"$tab"v
has "the empty key has the empty value" "bytes$tab$tab"
has "-0 keeps its sign" "number${tab}-0${tab}-0"
has "the smallest number is whole" "number${tab}4.9406564584124654e-324${tab}5e-324"
has "the largest too" "number${tab}1.7976931348623157e308${tab}1.7976931348623157e+308"
has "0.1 is short" "number${tab}0.1${tab}0.1"
sed -n "/^frame\|^cursor/p" text >log
printf 'cursor\tfirst\t0\nframe\t\ncursor\tsecond\t1\nframe\tframe one\ncursor\ta b\\t\t2\ncursor\tzz\t2\n' >wanted
check "frames are in order, cursors where they stand, by name" cmp log wanted
check "the end counts" grep -q "^end${tab}keys=9${tab}frames=2${tab}cursors=4${tab}xxh128=[0-9a-f]\{32\}$" text
if command -v xxh128sum >/dev/null; then
	check "the sum is that of xxh128sum" eq "$(tail -n 1 text | sed 's/.*xxh128=//')" \
		"$(head -n -1 text | xxh128sum | cut -d ' ' -f 1)"
else
	skip "the sum is that of xxh128sum" "needs xxh128sum"
fi

# ---- and back -----------------------------------------------------------------------

same_again() { # SENTENCE STORE
	rm -f again.db
	shmfsctl dump "$2" one.txt && shmfsctl load again.db one.txt && shmfsctl dump again.db two.txt
	check "$1" cmp one.txt two.txt
	check "... and the store is sound" shmfsctl check again.db
	shmfsctl ls --name "$2" | while IFS= read -r key; do
		shmfsctl get --name "$2" "$key" >value
		shmfsctl get --name again.db "$key" | cmp - value || echo "$key"
	done >differ 2>&1
	check "... and its values are the same" eq "$(cat differ)" ""
}
same_again "what was loaded dumps the same" s.db
check "the options came along" eq "$(head -n 9 two.txt)" "$(head -n 9 text)"
shmfsctl load empty.db <empty
check "an empty store comes back" eq "$(shmfsctl dump empty.db)" "$(cat empty)"

head -c 65535 /dev/urandom | shmfsctl put l.db --key-file - 'long key'
head -c 65535 /dev/zero | shmfsctl put l.db --key-file - 'long key of zeros'
yes 'a line of a long value' | head -c 104857600 | shmfsctl put l.db text
head -c 3000001 /dev/urandom | shmfsctl put l.db random
for size in 65500 65535 65536 65537 131072 1048575 1048576 1048577; do
	head -c $size /dev/zero | tr '\0' x | shmfsctl put l.db $size
	printf '%s\377' "$(head -c $size /dev/zero | tr '\0' y)" | shmfsctl put l.db $size.odd
done
for size in 0 1 1048576 15728640 16777200; do
	head -c $size /dev/urandom | shmfsctl append --raw l.db
done
shmfsctl cursor l.db create middle -2
same_again "long keys, values and frames dump the same" l.db
check "no line is longer than 65536 bytes" \
	eq "$(LC_ALL=C awk 'length($0) > 65535' one.txt | wc -l)" 0
check "no line ends within an escape" eq \
	"$(LC_ALL=C grep -cvaP '^(?:[^\\]++|\\[\\tnr]|\\x[0-9a-f]{2})*+$' one.txt)" 0
check "nor within a character" sh -c 'iconv -f utf-8 -t utf-8 one.txt >/dev/null'

# Every byte beside every other, as a value, keys and frames.
LC_ALL=C awk 'BEGIN { for (i = 0; i < 256; i++) for (j = 0; j < 256; j++)
	printf "%c%c", i, j }' >pairs
check "(all pairs of bytes are there)" eq "$(wc -c <pairs)" 131072
shmfsctl put b.db pairs <pairs
head -c 65535 pairs | shmfsctl put b.db --key-file - a
tail -c 65535 pairs | shmfsctl put b.db --key-file - b
shmfsctl append --raw b.db <pairs
same_again "every byte comes back" b.db
shmfsctl dump b.db | sed -e :a -e '$!N;s/\n+//;ta' -e 'P;D' | cut -f 1 | sort | uniq -c >records
check "joined by the + a line is a record" eq "$(tr -s ' ' <records | grep -E 'bytes|frame')" " 3 bytes
 1 frame"

i=0
while [ $i -lt 2000 ]; do
	echo "$i of some text that is long enough to be a frame"
	i=$((i + 1))
done | shmfsctl append b.db
for k in 0 1 999 1999 2000; do shmfsctl cursor b.db create at$k +$k; done
same_again "cursors stand where they stood" b.db
shmfsctl cursor b.db list | cut -d ' ' -f 2- | sort >cursors
check "with as many frames before them" \
	eq "$(shmfsctl cursor again.db list | cut -d ' ' -f 2- | sort)" "$(cat cursors)"

# ---- a log that was trimmed ------------------------------------------------------------

shmfsctl create t.db --log-limit=32M
shmfsctl append t.db oldest
shmfsctl cursor t.db create left-behind
i=0
while [ $i -lt 9 ]; do
	head -c 7000000 /dev/urandom | shmfsctl append --raw t.db
	i=$((i + 1))
done
shmfsctl cursor t.db create kept -1
shmfsctl dump t.db t.txt
check "a cursor that was overtaken is stale" grep -qx "cursor${tab}left-behind${tab}stale" t.txt
shmfsctl load t2.db t.txt 2>said
check "load says where it stands now" grep -q "cursor left-behind had missed frames" said
check "it is the oldest frame" eq "$(shmfsctl cursor t2.db show left-behind | cut -d ' ' -f 1,4)" "0 0"
check "the frames are those that were kept" \
	eq "$(shmfsctl tail --format=raw t2.db | cksum)" "$(shmfsctl tail --format=raw t.db | cksum)"
check "the other cursor stands at its own" \
	eq "$(shmfsctl cursor t2.db show kept | cut -d ' ' -f 2,3)" "1 7000000"

# ---- where it goes --------------------------------------------------------------------

chmod 640 s.db
umask 022
echo old >out
shmfsctl dump s.db out
check "FILE is replaced by the whole dump" cmp out text
check "who may not read the store may not read its dump" eq "$(stat -c %a out)" 640
shmfsctl load private.db out
check "nor a store made of it" eq "$(stat -c %a private.db)" 640
check "- is stdout" eq "$(shmfsctl dump s.db - | cksum)" "$(cksum <text)"
ln -s target link
shmfsctl dump s.db target && shmfsctl dump s.db link
check "a symbolic link stays one" test -L link
mkfifo fifo
cat fifo >fifo.out &
shmfsctl dump s.db fifo
wait $!
check "a fifo is written to" cmp fifo.out text
check "a full disk is exit 2" sh -c '[ -w /dev/full ] || exit 0; shmfsctl dump s.db /dev/full; [ $? = 2 ]'
check "onto the store itself is refused" fails_with "is the store itself" shmfsctl dump s.db s.db
check "a missing directory is exit 2" exits 2 shmfsctl dump s.db none/out
check "a missing store leaves the file" sh -c '! shmfsctl dump none.db out 2>/dev/null && cmp out text'
cp s.db damaged.db
at=$(grep -abo 'a value with spaces' damaged.db | tail -n 1 | cut -d: -f 1)
printf X | dd of=damaged.db bs=1 seek="$at" conv=notrunc 2>/dev/null
check "a damaged value is exit 2" exits 2 shmfsctl dump damaged.db out
check "and leaves an older dump as it was" cmp out text
check "no temporary file is left" eq "$(find . -name '*.tmp-*')" ""
(exec shmfsctl dump l.db interrupted) &
dumper=$!
eventually sh -c 'ls interrupted.tmp-* >/dev/null 2>&1'
kill -TERM $dumper
wait $dumper
check "a dump that a signal stopped dies of it" eq $? 143
check "and leaves nothing" eq "$(ls interrupted* 2>/dev/null)" ""
