#!/bin/sh
. "${top_srcdir:?run me through tests/run.sh}/tests/lib.sh"
requires python3 jq cmp mkfifo awk
reader=$top_srcdir/contrib/reader/shmfs_reader.py
export PYTHONDONTWRITEBYTECODE=1

read_store() { python3 "$reader" "$@"; }

# ---- a program that fills a store, and holds it open until its standard input ends -----

cat >fill.c <<'EOF'
#include <shmfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct shmfs *s;
static char value[3 << 20];

/* Keys of many lengths; short ones hold NULs. */
static size_t make_key(char *key, unsigned i)
{
	memset(key, 0, 400);
	return (size_t)sprintf(key, "key %u", i) + i % 300;
}

static void put(const void *key, size_t key_size, size_t size, uint32_t type)
{
	static unsigned salt;

	for (size_t i = 0; i < size; i++)
		value[i] = (char)(i * 31 + (i >> 8) + salt);
	salt++;
	if (shmfs_put(s, key, key_size, value, size, type, NULL))
		exit(2);
}

/* Frames over several segments: empty ones, odd ones, batches, one reserved and given up, some trimmed;
 * a cursor that lost frames, one in the middle, one at the end. */
static int fill_log(unsigned many)
{
	struct shmfs_frame three[3] = {{"one", 3, 0}, {"", 0, 0}, {"three", 5, 0}};
	struct shmfs_batch *b;
	uint64_t position = 0;

	if (shmfs_cursor_create(s, "lost", 4, SHMFS_LOG_BEGIN))
		return 1;
	for (unsigned i = 0; i < many; i++)
		if (shmfs_log_append(s, value, i % 1000 ? i % 50 : sizeof(value), &position) ||
		    (i % 100 == 0 && shmfs_log_append_many(s, three, 3)) ||
		    (i == many / 3 && shmfs_log_trim(s, position)) ||
		    (i == many / 2 && shmfs_cursor_create(s, "half\n", 5, position)))
			return 1;
	if (shmfs_log_begin(s, &b, 1000, 7))
		return 1;
	shmfs_log_abort(b);
	return shmfs_cursor_create(s, "b", 1, SHMFS_LOG_END) || shmfs_cursor_create(s, "a", 1, SHMFS_LOG_END);
}

int main(int argc, char **argv)
{
	struct shmfs_options o = {.struct_size = sizeof(o)};
	static char key[65535];
	unsigned many = argc > 2 ? 1000 : 3500;
	size_t n;

	o.keys = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	o.flags = argc > 3 ? SHMFS_OPT_NO_SYNC : 0;
	if (shmfs_open(&s, argv[1], SHMFS_RDWR | SHMFS_CREATE, &o))
		return 1;
	for (unsigned i = 0; i < many; i++) {
		n = make_key(key, i);
		put(key, n, i % 400, i % 2 ? SHMFS_STRING : SHMFS_BYTES);
	}
	for (unsigned i = 0; i < many; i++) { /* overwrite some, delete some, move some */
		n = make_key(key, i);
		if (i % 3 == 0)
			put(key, n, i % 500, SHMFS_BYTES);
		if (i % 5 == 0 && shmfs_del(s, key, n, 0, NULL))
			return 2;
		if (i % 31 == 1 && i % 5 && shmfs_rename(s, key, n, &i, sizeof(i), 0))
			return 2;
	}
	put("", 0, 10, SHMFS_BYTES);
	put("\0\n\xff%/", 5, 0, SHMFS_BYTES);
	put("gr\xc3\xbc\xc3\x9f", 6, 5, SHMFS_STRING);
	memset(key, 'k', sizeof(key));
	put(key, 65535, 1000, SHMFS_BYTES);
	put(key, 65534, 400000, SHMFS_BYTES);
	put("big", 3, sizeof(value), SHMFS_BYTES);
	put("largest small", 13, (256 << 10) - 32 - 16, SHMFS_BYTES);
	put("smallest big", 12, (256 << 10) - 32 - 15, SHMFS_BYTES);
	if (shmfs_add(s, "number", 6, -0.125, NULL, NULL) || fill_log(many))
		return 2;
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return shmfs_close(s) != 0;
}
EOF
# shellcheck disable=SC2086
check "the program that fills a store compiles" "$LIBTOOL" --quiet --tag=CC --mode=link \
	"$CC" $CFLAGS $SAN_FLAGS -I"$top_srcdir/lib" fill.c -o fill "$top_builddir/lib/libshmfs.la"

# hold STORE [KEYS [no_sync]]: fill it, and keep it open
hold() {
	rm -f hold ready
	mkfifo hold
	./fill "$@" <hold >ready &
	holder=$!
	exec 4>hold
	check "$1 is filled" eventually grep -q ready ready
}

release() {
	exec 4>&-
	wait "$holder"
}

# ---- what the library says, and what the reader says --------------------------------------

# of library and reader: key, type, size and version of each key
list_library() {
	shmfsctl ls --json "$1" |
		jq -c '{key: (.key_base64 // (.key | @base64)), type, size, version}' | sort >library
}

list_reader() {
	read_store ls "$1" |
		jq -c '{key: (.key_base64 // (.key | @base64)), type, size, version}' | sort >reader
}

# agree STORE SENTENCE
agree() {
	list_library "$1"
	list_reader "$1"
	check "$2" cmp library reader
}

# agree_on_all STORE SENTENCE: the same text of keys, values, frames and cursors
agree_on_all() {
	shmfsctl dump "$1" >library
	read_store dump "$1" >reader
	check "$2" cmp library reader
	check "(of $(tail -n 1 library | cut -f 2-4 | tr '\t' ' '))" test "$(wc -l <library)" -gt 1000
}

# ---- a store that is open -------------------------------------------------------------------

hold s.db
check "with a writer present the live page is read" \
	sh -c "python3 '$reader' info s.db | grep -q 'live page, 2... keys'"
agree s.db "the reader lists what the library lists"
check "which is thousands of keys" test "$(wc -l <reader)" -gt 2500
agree_on_all s.db "its values, frames and cursors are the same, to the last byte of a dump"
shmfsctl get s.db big >big
check "get finds a key by its hash" sh -c "python3 '$reader' get s.db big | cmp - big"
check "and a number reads as text" eq "$(read_store get s.db number)" "$(shmfsctl get s.db number)"
check "and does not find what is not there" exits 1 read_store get s.db nothing
check "which it says" fails_with "no such key: nothing" read_store get s.db nothing
shmfsctl cursor --json s.db list | jq -c '[.name // .name_base64, .position]' | sort >library
read_store cursors s.db | jq -c '[.name // .name_base64, .position]' | sort >reader
check "the cursors stand where the library says" cmp library reader
check "(all four)" test "$(wc -l <reader)" -eq 4

# ---- after a kill, after a close, as a copy ---------------------------------------------------

kill -9 "$holder"
release 2>/dev/null
check "in the same session the live page is read" \
	sh -c "python3 '$reader' info s.db | grep -q 'live page'"
agree s.db "after a kill the reader lists what the library lists"

shmfsctl put s.db later 1
cp s.db copy.db
check "a copy is read by its checkpoint" \
	sh -c "python3 '$reader' info copy.db | grep -q 'checkpoint'"
agree copy.db "the reader lists the copy as the library does"
agree_on_all copy.db "and dumps it"
cp library was
read_store dump s.db >reader
check "which is what the store held" cmp was reader
shmfsctl put copy.db later 2
check "once it was written the copy has a session of its own" \
	sh -c "python3 '$reader' info copy.db | grep -q 'live page'"
agree copy.db "and is listed as the library does"
check "the store is sound" shmfsctl check --lock s.db

# ---- a deep tree, and one that is volatile ------------------------------------------------------

hold deep.db 100000
agree deep.db "the reader walks a tree of many levels"
release
cp deep.db deepcopy.db
agree deepcopy.db "and its copy"

hold volatile.db 0 no_sync
cp volatile.db open.db
agree volatile.db "the reader lists a volatile store"
check "a copy of it while it is open is refused, as by the library" \
	fails_with "no checkpoint" read_store ls open.db
check "(which does)" fails_with "no checkpoint" shmfsctl ls open.db
release
cp volatile.db closed.db
agree closed.db "one made after it was closed is read"

# ---- many keys and frames: READER_KEYS=1000000 takes minutes ----------------------------------------

keys=${READER_KEYS:-10000}
awk -v keys="$keys" 'BEGIN {
	print "shmfs-dump 1"
	for (i = 0; i < keys; i++) printf "string\tkey:%d\tvalue of key %d\n", i, i
	for (i = 0; i < keys; i++) printf "frame\tthe frame number %d\n", i
}' | shmfsctl load --edited many.db
agree_on_all many.db "$keys keys and as many frames, written by the library, are dumped the same"

# ---- what is no store ---------------------------------------------------------------------------

# wrong SENTENCE TEXT OPERAND...: it says TEXT, ends with 2, and shows nothing of its inside
wrong() {
	sentence=$1
	text=$2
	shift 2
	status=0
	read_store "$@" >said 2>&1 || status=$?
	check "$sentence" eq "$status $(grep -c -e "$text" said) $(grep -c -e Traceback -e Errno said)" "2 1 0"
}

shmfsctl put hurt.db hurt 'this value is hurt'
at=$(grep -abo 'this value' hurt.db | cut -d : -f 1)
printf T | dd of=hurt.db bs=1 seek="$at" conv=notrunc 2>/dev/null
wrong "a checksum that is wrong is told by ls" "checksum does not match" ls hurt.db
wrong "and by get" "checksum does not match" get hurt.db hurt
: >empty
wrong "an empty file has nothing in it" "its creation did not end" ls empty
printf 'shmfs\r\n\0' >unborn
truncate -s 5M unborn
wrong "nor has one whose creation did not end" "its creation did not end" dump unborn
head -c "$(($(wc -c <closed.db) - 1048576))" closed.db >cut
wrong "one that was cut is told" "shorter than it was" log cut
wrong "a missing one, too" "^shmfs_reader: missing: No such file or directory$" ls missing
wrong "a verb that there is not is a wrong usage" "STORE KEY" frob copy.db
wrong "as is a key too few" "STORE KEY" get copy.db
check "--help is no error" sh -c "python3 '$reader' --help >help"
check "and fits on a terminal" sh -c "grep -q 'STORE KEY' help && ! grep -q '.\{81\}' help"
read_store ls many.db 2>said | head -n 1 >/dev/null
check "who reads one line and goes gets no complaint" test ! -s said

seq 100000 >text 2>/dev/null || cat big >text
check "a foreign file is refused" fails_with "not a shmfs store" read_store ls text
head -c 1000000 copy.db >short
check "a short one too" fails_with "damaged" read_store ls short

# ---- what the page says, with numbers ----------------------------------------------------------

PYTHONPATH=$top_srcdir/contrib/reader python3 - >sums <<'X'
from crc32c import crc32c
from xxh3 import xxh3_64, xxh3_128
print('0x%08x' % crc32c(b'123456789'))
for seed in 0, 1:
    print('0x%016x' % xxh3_64(b'123456789', seed))
for half in xxh3_128(bytes(80)):
    print('0x%016x' % half)
X
check "there are five sums to try another reader's with" test "$(wc -l <sums)" -eq 5
while read -r sum; do
	check "shmfs(5) has $sum" grep -q "$sum" "$top_srcdir/man/shmfs.5"
done <sums
check "what reads the format, hash and checksum apart, is less than 300 lines" \
	test "$(wc -l <"$top_srcdir/contrib/reader/shmfs_store.py")" -lt 300
