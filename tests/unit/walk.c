/* SPDX-License-Identifier: MIT */
/* Walks over every key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/format.h"
#include "../rig.h"
#include "store.h"

/* Keys are 8-byte numbers below this many. */
static void put_numbers(struct shmfs *s, uint64_t from, uint64_t to)
{
	enum { BATCH = 256 };
	struct shmfs_item items[BATCH];
	uint64_t keys[BATCH];

	while (from < to) {
		size_t n = 0;

		for (; n < BATCH && from < to; n++) {
			keys[n] = from++;
			items[n] = (struct shmfs_item){.key = &keys[n], .key_size = 8};
			items[n].value = &keys[n];
			items[n].size = keys[n] % 9;
		}
		CU_ASSERT_EQUAL_FATAL(shmfs_put_many(s, items, n), 0);
	}
}

static struct shmfs_iter *start(struct shmfs *s, uint64_t cursor)
{
	struct shmfs_iter *it = NULL;

	CU_ASSERT_EQUAL_FATAL(shmfs_iter_open(s, &it, cursor), 0);
	return it;
}

/* The number met, or `wrong` if the entry is not what put_numbers() made. */
static uint64_t number(const struct shmfs_entry *e, uint64_t wrong)
{
	uint64_t i;

	if (e->key_size != 8)
		return wrong;
	memcpy(&i, e->key, 8);
	if (i >= wrong || e->view.info.size != i % 9 || memcmp(e->view.data, &i, i % 9))
		return wrong;
	return i;
}

/* Walk from a cursor, counting how often each number below n is met, by ascending hash. */
static void count(struct shmfs *s, uint64_t cursor, unsigned char *met, uint64_t n)
{
	struct shmfs_iter *it = start(s, cursor);
	struct shmfs_entry e;
	bool ascends = true;
	int got;

	while (!(got = shmfs_iter_next(it, &e))) {
		met[number(&e, n)]++;
		ascends &= e.cursor > cursor;
		cursor = e.cursor;
	}
	CU_ASSERT(ascends);
	CU_ASSERT_EQUAL(got, -ENOENT);
	shmfs_iter_close(it);
}

static int all_are(const unsigned char *met, uint64_t n, int times)
{
	for (uint64_t i = 0; i < n; i++)
		if (met[i] != times)
			return 0;
	return met[n] == 0; /* where the wrong ones went */
}

static void nothing(void)
{
	struct shmfs *s = store_new(store_path("nothing"));
	struct shmfs_iter *it = start(s, 0);
	struct shmfs_entry e;

	CU_ASSERT_EQUAL(shmfs_iter_next(it, &e), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_iter_next(it, &e), -ENOENT);
	shmfs_iter_close(it);
	shmfs_iter_close(NULL);
	store_close(s);
}

static void million(void)
{
	enum { N = 1000000 };
	const char *path = store_path("million");
	struct shmfs *s = store_new(path);
	unsigned char *met = calloc(1, N + 1);

	put_numbers(s, 0, N);
	count(s, 0, met, N);
	CU_ASSERT(all_are(met, N, 1));
	CU_ASSERT_EQUAL(store_stat(s).keys, N);
	store_good(s);
	store_close(s);
	s = store_open(path, SHMFS_RDONLY);
	count(s, 0, met, N);
	CU_ASSERT(all_are(met, N, 2));
	store_close(s);
	free(met);
}

static void two_at_once(void)
{
	enum { N = 5000 };
	struct shmfs *s = store_new(store_path("two"));
	unsigned char met[2][N + 1] = {{0}};
	struct shmfs_iter *it[2];
	struct shmfs_entry e;

	put_numbers(s, 0, N);
	it[0] = start(s, 0);
	it[1] = start(s, 0);
	for (int i = 0; i < 3 * N; i++) {
		int which = i % 3 == 0;

		if (!shmfs_iter_next(it[which], &e))
			met[which][number(&e, N)]++;
	}
	while (!shmfs_iter_next(it[1], &e))
		met[1][number(&e, N)]++;
	CU_ASSERT(all_are(met[0], N, 1));
	CU_ASSERT(all_are(met[1], N, 1));
	shmfs_iter_close(it[0]);
	shmfs_iter_close(it[1]);
	store_close(s);
}

/* Present from the first to the last moment, whatever happens meanwhile. */
static void during_splits(void)
{
	enum { N = 2000, MORE = 300000 };
	struct shmfs *s = store_new(store_path("splits"));
	unsigned char *met = calloc(1, MORE + 1);
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t next = N, gone = MORE;

	put_numbers(s, 0, N);
	it = start(s, 0);
	while (!shmfs_iter_next(it, &e)) {
		uint64_t i = number(&e, MORE);

		met[i]++;
		if (i >= N)
			continue;
		put_numbers(s, next, next + 100);
		next += 100;
		put_numbers(s, i, i + 1); /* overwritten, not deleted */
		gone = next - 50;
		CU_ASSERT_EQUAL(shmfs_del(s, &gone, 8, 0, NULL), 0);
	}
	for (uint64_t i = 0; i < N; i++)
		CU_ASSERT_EQUAL(met[i], 1);
	for (uint64_t i = N; i < MORE; i++)
		if (met[i] > 1)
			CU_FAIL("a new key was met twice");
	CU_ASSERT_EQUAL(met[MORE], 0);
	shmfs_iter_close(it);
	store_good(s);
	free(met);
	store_close(s);
}

/* All are put again, until other bytes are where the walk is: also such as look like records that
 * are nobody's business. */
static void recycle(void)
{
	enum { N = 3000, ROUNDS = 50 };
	static const struct sfs_record record = {.klen = 1, .space = SFS_CURSOR, .vlen = 8};
	uint64_t records[512];
	struct shmfs *s = store_new(store_path("recycled"));
	struct shmfs_iter *it = start(s, 0);
	unsigned char met[N + 1] = {0};
	struct shmfs_entry e;
	uint64_t last = 0;

	for (unsigned i = 0; i < 512; i++)
		memcpy(records + i, (const char *)&record + i % 2 * 8, 8);
	put_numbers(s, 0, N);
	for (unsigned done = 0; !shmfs_iter_next(it, &e); done++) {
		if (e.key_size == 8)
			met[number(&e, N)]++;
		CU_ASSERT(e.cursor > last);
		last = e.cursor;
		for (unsigned i = 0; done % 500 < 3 && i < ROUNDS; i++) {
			put_numbers(s, 0, N);
			for (unsigned j = 0; j < 100; j++)
				CU_ASSERT_EQUAL(shmfs_put(s, "r", 1, records, sizeof(records), SHMFS_BYTES, NULL), 0);
		}
	}
	CU_ASSERT(all_are(met, N, 1));
	shmfs_iter_close(it);
	store_close(s);
}

/* What lies where is another thing in each store: a walk that believes it may be lucky in one. */
static void while_recycled(void)
{
	for (int i = 0; i < 3; i++)
		recycle();
}

static void from_any_cursor(void)
{
	enum { N = 3000 };
	struct shmfs *s = store_new(store_path("cursor"));
	unsigned char met[N + 1] = {0}, rest[N + 1];
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t done = 0;

	put_numbers(s, 0, N);
	it = start(s, 0);
	while (!shmfs_iter_next(it, &e)) {
		met[number(&e, N)]++;
		if (done++ % 100 != 7)
			continue;
		memcpy(rest, met, sizeof(rest));
		count(s, e.cursor, rest, N);
		CU_ASSERT(all_are(rest, N, 1));
	}
	shmfs_iter_close(it);
	it = start(s, e.cursor); /* of the last one */
	CU_ASSERT_EQUAL(shmfs_iter_next(it, &e), -ENOENT);
	shmfs_iter_close(it);
	store_close(s);
}

static void delete_all(void)
{
	enum { N = 50000 };
	struct shmfs *s = store_new(store_path("delete"));
	struct shmfs_iter *it;
	struct shmfs_entry e;
	unsigned char key[8];

	put_numbers(s, 0, N);
	it = start(s, 0);
	while (!shmfs_iter_next(it, &e)) {
		memcpy(key, e.key, 8);
		CU_ASSERT_EQUAL(shmfs_del(s, key, 8, 0, NULL), 0);
		/* The entry is ours until the next call. */
		CU_ASSERT_EQUAL(memcmp(key, e.key, 8), 0);
	}
	shmfs_iter_close(it);
	CU_ASSERT_EQUAL(store_stat(s).keys, 0);
	it = start(s, 0);
	CU_ASSERT_EQUAL(shmfs_iter_next(it, &e), -ENOENT);
	shmfs_iter_close(it);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a walk over nothing ends at once", nothing},
	{"a walk meets each of a million keys once", million},
	{"two walks on one handle do not disturb each other", two_at_once},
	{"keys present throughout are met once while the index splits", during_splits},
	{"and once, by ascending hash, while all that is walked over is recycled", while_recycled},
	{"a walk goes on from any entry's cursor", from_any_cursor},
	{"deleting what a walk meets empties the store", delete_all},
};

HARNESS_MAIN("walk", tests)
