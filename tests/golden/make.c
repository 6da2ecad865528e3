/* SPDX-License-Identifier: MIT */
/*
 * Fill one of the golden stores: make closed|killed|volatile|open STORE, for tests/golden/make.sh.
 * What should be there is what the format can hold: every type, lengths at every boundary of hash, record
 * and segment, every kind of frame.  Only what is repetitive, so that it packs to a few KiB.
 */
#include <shmfs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call) \
	do { \
		int rc_ = (call); \
		if (rc_) { \
			fprintf(stderr, "make: line %d: %s\n", __LINE__, shmfs_strerror(rc_)); \
			exit(1); \
		} \
	} while (0)

static struct shmfs *s;
static char pattern[(16 << 20) + 65536];

/* Where in the pattern a value begins says whose it is. */
static const char *bytes(unsigned salt)
{
	return pattern + salt % 65536;
}

static void put(const char *key, size_t key_size, size_t size, uint32_t type)
{
	static unsigned salt;

	MUST(shmfs_put(s, key, key_size, bytes(salt++), size, type, NULL));
}

static void put_sized(const char *what, size_t size, uint32_t type)
{
	char key[64];

	put(key, (size_t)snprintf(key, sizeof(key), "%s %zu", what, size), size, type);
}

/* ---- keys and values -------------------------------------------------------------------- */

static void lengths(void)
{
	/* where XXH3 goes another way, where padding begins, where a page, a record or DATA ends */
	static const size_t keys[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129,
	                              239, 240, 241, 254, 255, 256, 1023, 1024, 1025, 4095, 4096, 65534, 65535};
	static const size_t values[] = {0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 4055, 4056, 4057, 4095, 4096, 4097,
	                                65535, 65536, 65537};
	static const size_t room = (256 << 10) - 32;
	static char key[65536];

	memset(key, 'k', sizeof(key));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		put(key, keys[i], i, i % 2 ? SHMFS_STRING : SHMFS_BYTES);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		put_sized("bytes", values[i], SHMFS_BYTES);
		put_sized("string", values[i], SHMFS_STRING);
	}
	put("largest small", 13, room - 16, SHMFS_BYTES); /* the key takes 16 */
	put("smallest big", 12, room - 15, SHMFS_BYTES);
	put("big", 3, (3 << 20) + 5, SHMFS_BYTES);
	put("one segment", 11, (1 << 20) - 0x11000, SHMFS_STRING);
	put("and a byte", 10, (1 << 20) - 0x11000 + 1, SHMFS_STRING);
}

static void names_and_numbers(void)
{
	static const struct {
		const char *key;
		size_t size;
	} keys[] = {{".", 1}, {"..", 2}, {"%", 1}, {"/", 1}, {"a/b", 3}, {"\0", 1}, {"nul\0key", 7}, {"\n\t\r\\", 4},
	            {"\xff\xfe", 2}, {"\xc2\x80", 2}, {"\xe2\x82", 2}, {"gr\xc3\xbc\xc3\x9f", 6},
	            {"\xf0\x9f\x90\x9a", 4}, {"~", 1}, {"-", 1}, {" ", 1}, {"\x7f", 1}};
	static const double numbers[] = {0.0, -0.0, 1, -1, 0.1, -0.125, 5e-324, 2.2250738585072014e-308, 9.1e15,
	                                 9007199254740992, 9007199254740994, 1e16, 1.7976931348623157e308};
	static const uint64_t bits[] = {UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000),
	                                UINT64_C(0x7ff8000000000000), UINT64_C(0x7ff0000000000001)};
	char key[32];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		put(keys[i].key, keys[i].size, i, SHMFS_BYTES);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		MUST(shmfs_put(s, key, (size_t)sprintf(key, "number %zu", i), &numbers[i], 8, SHMFS_NUMBER, NULL));
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		MUST(shmfs_put(s, key, (size_t)sprintf(key, "odd number %zu", i), &bits[i], 8, SHMFS_NUMBER, NULL));
	MUST(shmfs_add(s, "sum", 3, 0.5, NULL, NULL));
	MUST(shmfs_add(s, "sum", 3, 0.25, NULL, NULL));
}

/* Enough for buckets to split; then overwritten, deleted, renamed, put again. */
static void many(unsigned n)
{
	char key[32];
	size_t size;

	for (unsigned i = 0; i < n; i++)
		put(key, (size_t)sprintf(key, "many %u", i), i % 30, i % 2);
	for (unsigned i = 0; i < n; i++) {
		size = (size_t)sprintf(key, "many %u", i);
		if (i % 3 == 0)
			put(key, size, i % 40, SHMFS_BYTES);
		if (i % 5 == 0)
			MUST(shmfs_del(s, key, size, 0, NULL));
		if (i % 7 == 1 && i % 5)
			MUST(shmfs_rename(s, key, size, &i, sizeof(i), 0));
		if (i % 50 == 0)
			put(key, size, 50, SHMFS_STRING);
	}
}

/* ---- the log ------------------------------------------------------------------------------ */

static void frame(size_t size)
{
	static unsigned salt;

	MUST(shmfs_log_append(s, bytes(salt++), size, NULL));
}

/* largest: a segment that ends with a PAD, one that is a single frame, and the first is trimmed. */
static void frames(bool largest)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 4079, 4080, 4081, 65535, 65536};
	struct shmfs_frame batch[4] = {{"one", 3, 0}, {"", 0, 0}, {"three", 5, 0}, {"0123456789abcdef", 16, 0}};
	struct shmfs_batch *b;
	uint64_t position;
	void *data;

	MUST(shmfs_cursor_create(s, "lost", 4, SHMFS_LOG_BEGIN));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		frame(sizes[i]);
	MUST(shmfs_cursor_create(s, "middle", 6, SHMFS_LOG_END));
	MUST(shmfs_log_append_many(s, batch, 4));
	MUST(shmfs_log_begin(s, &b, 1000, 7)); /* more room than is used */
	MUST(shmfs_log_frame(b, 5, &data));
	memcpy(data, "place", 5);
	MUST(shmfs_log_commit(b, &position));
	MUST(shmfs_cursor_create(s, "\n\xff", 2, position));
	MUST(shmfs_log_begin(s, &b, 1000, 7));
	shmfs_log_abort(b);
	if (largest) {
		frame(SHMFS_FRAME_MAX);
		frame(100);
		MUST(shmfs_log_trim(s, UINT64_C(1) << 24)); /* from under "lost" and "middle" */
	}
	MUST(shmfs_cursor_create(s, "begin", 5, SHMFS_LOG_BEGIN));
	MUST(shmfs_cursor_create(s, "gone", 4, SHMFS_LOG_BEGIN));
	MUST(shmfs_cursor_del(s, "gone", 4));
	MUST(shmfs_cursor_create(s, "end b", 5, SHMFS_LOG_END));
	MUST(shmfs_cursor_create(s, "end a", 5, SHMFS_LOG_END));
}

/* What comes after the last sync: a copy does not have it, the session it was killed in does.  A value
 * that is being streamed in and frames that are reserved belong to nobody. */
static void more(void)
{
	struct shmfs_batch *b;
	struct shmfs_put *p;
	void *data;

	many(300);
	put("big", 3, 2 << 20, SHMFS_STRING);
	put("second big", 10, 1 << 20, SHMFS_BYTES);
	MUST(shmfs_del(s, "one segment", 11, 0, NULL));
	frame(12);
	MUST(shmfs_cursor_set(s, "end a", 5, SHMFS_LOG_END));
	MUST(shmfs_cursor_del(s, "middle", 6));
	MUST(shmfs_put_begin(s, &p, 1 << 20));
	MUST(shmfs_put_write(p, 0, pattern, 1 << 20));
	MUST(shmfs_log_begin(s, &b, 1000, 3));
	MUST(shmfs_log_frame(b, 5, &data));
	memcpy(data, "never", 5);
}

int main(int argc, char **argv)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .seed = 0x676f6c64656e, .garbage = 0.3};
	const char *kind = argc == 3 ? argv[1] : "";
	bool volatile_one = !strcmp(kind, "volatile") || !strcmp(kind, "open");
	bool killed = !strcmp(kind, "killed") || !strcmp(kind, "open");

	if (!killed && !volatile_one && strcmp(kind, "closed"))
		return 2;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i % 251 < 5 ? i % 251 * 60 : 'a' + i % 23 + (i >> 16) % 3);
	o.flags = volatile_one ? SHMFS_OPT_NO_SYNC | SHMFS_OPT_ALWAYS_WAKE | SHMFS_OPT_LOG_REFUSE : 0;
	o.keys = killed ? 0 : 1 << 17; /* a deep tree */
	o.max_size = UINT64_C(1) << 30;
	o.log_limit = volatile_one ? 64 << 20 : 0;
	MUST(shmfs_open(&s, argv[2], SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, &o));
	names_and_numbers();
	if (!volatile_one)
		lengths();
	many(volatile_one ? 100 : 1000);
	if (!volatile_one)
		frames(!killed);
	else
		frame(3);
	if (killed && !volatile_one) {
		MUST(shmfs_sync(s));
		put("small", 5, 10, SHMFS_BYTES); /* so little is new that one flush does for the second */
		frame(12);
		MUST(shmfs_sync(s));
		more();
	}
	if (killed)
		raise(SIGKILL);
	MUST(shmfs_close(s));
	return 0;
}
