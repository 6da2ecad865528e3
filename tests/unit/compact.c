/* SPDX-License-Identifier: MIT */
/* What shmfs_compact() wins, and that nothing is lost by it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../rig.h"
#include "frames.h"

#define KEYS 60000
#define SIZE 500
#define BIG (UINT64_C(3) << 20)

static void put(struct shmfs *s, int i)
{
	unsigned char value[SIZE];
	char key[16];

	snprintf(key, sizeof(key), "%d", i);
	value_fill(value, sizeof(value), (uint64_t)i);
	CU_ASSERT_EQUAL(shmfs_put(s, key, strlen(key), value, sizeof(value), SHMFS_BYTES, NULL), 0);
}

static void del(struct shmfs *s, int i)
{
	char key[16];

	snprintf(key, sizeof(key), "%d", i);
	CU_ASSERT_EQUAL(shmfs_del(s, key, strlen(key), 0, NULL), 0);
}

static int has(struct shmfs *s, int i)
{
	unsigned char value[SIZE];
	size_t size = SIZE;
	char key[16];

	snprintf(key, sizeof(key), "%d", i);
	return shmfs_get(s, key, strlen(key), value, &size, NULL) == 0 && size == SIZE &&
	       value_is(value, SIZE, (uint64_t)i);
}

static void put_big(struct shmfs *s, const char *key)
{
	unsigned char *big = malloc(BIG);

	value_fill(big, BIG, 9);
	CU_ASSERT_EQUAL(shmfs_put(s, key, strlen(key), big, BIG, SHMFS_BYTES, NULL), 0);
	free(big);
}

static int has_big(struct shmfs *s, const char *key)
{
	unsigned char *big = malloc(BIG);
	size_t size = BIG;
	int ok = shmfs_get(s, key, strlen(key), big, &size, NULL) == 0 && size == BIG && value_is(big, BIG, 9);

	free(big);
	return ok;
}

static uint64_t length(const char *path)
{
	struct stat st = {0};

	CU_ASSERT_EQUAL(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* Of every four keys one stays; big values between them, at the end too. */
static void shrinks(uint32_t flags, const char *name)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .flags = flags};
	const char *path = store_path(name);
	uint64_t before, live = (KEYS / 4) * (SIZE + 48) + 2 * BIG;
	struct shmfs *s;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	put_big(s, "first");
	for (int i = 0; i < KEYS; i++)
		put(s, i);
	put_big(s, "last");
	frame_append(s, 1, 100);
	for (int i = 0; i < KEYS; i++)
		if (i % 4)
			del(s, i);
	store_close(s); /* and nobody holds the log's segment */
	s = store_open(path, SHMFS_RDWR);
	before = length(path);
	CU_ASSERT_EQUAL(shmfs_compact(s, NULL, NULL), 0);
	store_good(s);
	CU_ASSERT(store_stat(s).file_allocated < before);
	store_close(s);
	/* what is alive, the log's segment, what is in use half, the spares */
	CU_ASSERT(length(path) < live * 11 / 10 + (UINT64_C(27) << 20));
	CU_ASSERT(length(path) < before);
	s = store_open(path, SHMFS_RDWR);
	for (int i = 0; i < KEYS; i += 4)
		if (!has(s, i))
			CU_FAIL("a key after compaction");
	CU_ASSERT_EQUAL(store_stat(s).keys, KEYS / 4 + 2);
	CU_ASSERT(has_big(s, "first") && has_big(s, "last"));
	CU_ASSERT_EQUAL(frame_bounds(s).frames, 1);
	store_good(s);
	store_close(s);
}

static void durable(void)
{
	shrinks(0, "durable");
}

static void unsynced(void)
{
	shrinks(SHMFS_OPT_NO_SYNC, "volatile");
}

static void tight(void)
{
	const char *path = store_path("tight");
	struct shmfs *s = store_new(path);
	uint64_t live = (KEYS / 8) * UINT64_C(544);

	for (int i = 0; i < KEYS; i++)
		put(s, i);
	for (int i = 0; i < KEYS; i++)
		if (i % 8)
			del(s, i);
	CU_ASSERT_EQUAL(shmfs_compact(s, NULL, NULL), 0);
	store_close(s);
	CU_ASSERT(length(path) <= live * 11 / 10 + (UINT64_C(8) << 20));
}

static void pinned(void)
{
	struct shmfs *s = store_new(store_path("pinned")), *snap;

	CU_ASSERT_EQUAL_FATAL(shmfs_snapshot(s, &snap), 0);
	CU_ASSERT_EQUAL(shmfs_compact(s, NULL, NULL), -EBUSY);
	shmfs_close(snap);
	CU_ASSERT_EQUAL(shmfs_compact(s, NULL, NULL), 0);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a durable store shrinks to what is alive, and keeps it", durable},
	{"a volatile store shrinks to what is alive, and keeps it", unsynced},
	{"after compaction a map of small values takes at most a tenth more than they do", tight},
	{"a pin makes compaction useless, and it says so", pinned},
};

HARNESS_MAIN("compact", tests)
