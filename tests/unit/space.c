/* SPDX-License-Identifier: MIT */
/* Space: reuse, bounds, and the store's own limit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../rig.h"
#include "store.h"

#define MIB (UINT64_C(1) << 20)

static unsigned char room[4 << 20];

static int put(struct shmfs *s, uint64_t key, size_t size)
{
	value_fill(room, size, key);
	return shmfs_put(s, &key, sizeof(key), room, size, SHMFS_BYTES, NULL);
}

static int whole(struct shmfs *s, uint64_t key)
{
	size_t size = sizeof(room);

	return shmfs_get(s, &key, sizeof(key), room, &size, NULL) == 0 && value_is(room, size, key);
}

static struct shmfs *store_with(const char *path, double garbage)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .flags = SHMFS_OPT_NO_SYNC, .garbage = garbage};
	struct shmfs *s = NULL;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	return s;
}

/* Records and index, as shmfs(5) lays them out. */
static uint64_t live_bytes(struct shmfs *s, uint64_t keys, uint64_t value_size)
{
	return keys * (32 + 8 + ((value_size + 7) & ~7ull)) + store_stat(s).index_buckets * 4096;
}

static void overwriting(void)
{
	enum { KEYS = 20000, SIZE = 1000 };
	static const double bounds[] = {0.2, 0.4, 0.6};

	for (int b = 0; b < 3; b++) {
		struct shmfs *s = store_with(store_path("churn"), bounds[b]);
		struct rng r = {3};
		uint64_t bound;

		for (uint64_t i = 0; i < KEYS * 10; i++)
			if (put(s, i < KEYS ? i : rng_below(&r, KEYS), SIZE))
				CU_FAIL_FATAL("put");
		bound = (uint64_t)((double)live_bytes(s, KEYS, SIZE) / (1 - bounds[b])) + 8 * MIB;
		if (store_stat(s).file_bytes > bound) {
			printf("# garbage %.1f: %llu bytes, bound %llu\n", bounds[b],
			       (unsigned long long)store_stat(s).file_bytes, (unsigned long long)bound);
			CU_FAIL("the file is too large");
		}
		for (uint64_t i = 0; i < KEYS; i++)
			if (!whole(s, i))
				CU_FAIL("a value");
		store_good(s);
		store_close(s);
	}
}

static void deleting(void)
{
	enum { KEYS = 40000, SIZE = 1000 };
	struct shmfs *s = store_with(store_path("delete"), 0);
	uint64_t once = 0;

	for (int round = 0; round < 5; round++) {
		for (uint64_t i = 0; i < KEYS; i++)
			CU_ASSERT_EQUAL(put(s, i + (uint64_t)round * KEYS, SIZE), 0);
		if (round == 0)
			once = store_stat(s).file_bytes;
		for (uint64_t i = 0; i < KEYS; i++) {
			uint64_t key = i + (uint64_t)round * KEYS;

			CU_ASSERT_EQUAL(shmfs_del(s, &key, sizeof(key), 0, NULL), 0);
		}
	}
	CU_ASSERT(store_stat(s).file_bytes <= once + once / 2 + 8 * MIB);
	CU_ASSERT_EQUAL(store_stat(s).keys, 0);
	store_good(s);
	store_close(s);
}

/* New keys in the place of old ones: the index stays as it is. */
static void slots(void)
{
	enum { KEYS = 150, ROUNDS = 50000 };
	struct shmfs *s = store_with(store_path("slots"), 0);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t old = i - KEYS;

		CU_ASSERT_EQUAL(put(s, i, 8), 0);
		if (i >= KEYS)
			CU_ASSERT_EQUAL(shmfs_del(s, &old, sizeof(old), 0, NULL), 0);
	}
	CU_ASSERT_EQUAL(store_stat(s).keys, KEYS);
	CU_ASSERT_EQUAL(store_stat(s).index_buckets, 1);
	store_good(s);
	store_close(s);
}

static void large_values(void)
{
	struct shmfs *s = store_with(store_path("large"), 0);
	struct rng r = {8};

	for (int i = 0; i < 600; i++)
		CU_ASSERT_EQUAL(put(s, rng_below(&r, 4), 200000 + rng_below(&r, sizeof(room) - 200000)), 0);
	for (uint64_t i = 0; i < 4; i++)
		CU_ASSERT(whole(s, i));
	CU_ASSERT(store_stat(s).file_bytes <= 64 * MIB);
	store_good(s);
	store_close(s);
}

static void tail_given_back(void)
{
	const char *path = store_path("tail");
	struct shmfs *s = store_with(path, 0);
	struct stat st;

	for (uint64_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(put(s, i, sizeof(room)), 0);
	CU_ASSERT(store_stat(s).file_bytes > 120 * MIB);
	for (uint64_t i = 1; i < 30; i++)
		CU_ASSERT_EQUAL(shmfs_del(s, &i, sizeof(i), 0, NULL), 0);
	store_close(s);
	CU_ASSERT(stat(path, &st) == 0 && st.st_size <= 20 << 20);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(whole(s, 0));
	store_good(s);
	for (uint64_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(put(s, i, sizeof(room)), 0);
	store_good(s);
	store_close(s);
}

static void max_size(void)
{
	const char *path = store_path("max");
	struct shmfs_options o = {
		.struct_size = sizeof(o), .max_size = 24 * MIB, .flags = SHMFS_OPT_NO_SYNC,
	};
	struct shmfs *s = NULL;
	uint64_t i, n;
	int got = 0;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	for (int round = 0; round < 3; round++) {
		for (n = 0; !(got = put(s, n, 10000)); n++)
			if (n > 10000)
				CU_FAIL_FATAL("no limit");
		CU_ASSERT_EQUAL(got, -EFBIG);
		CU_ASSERT(n > 1200); /* 12 of the 24 MiB */
		CU_ASSERT_EQUAL(put(s, 99999, sizeof(room)), -EFBIG);
		CU_ASSERT(store_stat(s).file_bytes <= 24 * MIB);
		for (i = 0; i < n; i++)
			if (!whole(s, i))
				CU_FAIL("a value");
		store_good(s);
		for (i = 0; i < n; i++)
			CU_ASSERT_EQUAL(shmfs_del(s, &i, sizeof(i), 0, NULL), 0);
	}
	store_good(s);
	store_close(s);
}

/* A rename of a large value needs room for its copy. */
static void rename_full(void)
{
	struct shmfs_options o = {
		.struct_size = sizeof(o), .max_size = 12 * MIB, .flags = SHMFS_OPT_NO_SYNC,
	};
	struct shmfs *s = NULL;
	uint64_t n = 0, to = 77777;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, store_path("renamefull"), SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	while (put(s, n, sizeof(room)) == 0)
		if (n++ > 100)
			CU_FAIL_FATAL("no limit");
	CU_ASSERT_FATAL(n > 0);
	for (uint64_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(shmfs_rename(s, &i, sizeof(i), &to, sizeof(to), 0), -EFBIG);
		CU_ASSERT(whole(s, i));
	}
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"overwriting keeps the file within live / (1 - garbage) + 8 MiB", overwriting},
	{"what deletes leave is used again", deleting},
	{"slots that deletes leave are used again", slots},
	{"what large values leave is used again", large_values},
	{"the last close gives back the end of the file", tail_given_back},
	{"a store stops at max_size, where deletes work", max_size},
	{"a large value that cannot be renamed stays, and the store works", rename_full},
};

HARNESS_MAIN("space", tests)
