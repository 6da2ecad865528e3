/* SPDX-License-Identifier: MIT */
/* What shmfs_copy() makes: a whole store, as of one moment, of everything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../rig.h"
#include "frames.h"

#define KEYS 5000
#define BIG (UINT64_C(5) << 20)

/* Keys small and big, deleted ones, a log of more than one segment, cursors. */
static void work(struct shmfs *s)
{
	unsigned char *big = malloc(BIG);
	char key[16];

	for (int i = 0; i < 2 * KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CU_ASSERT_EQUAL(store_put(s, key, key), 0);
	}
	for (int i = KEYS; i < 2 * KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CU_ASSERT_EQUAL(shmfs_del(s, key, strlen(key), 0, NULL), 0);
	}
	value_fill(big, BIG, 7);
	CU_ASSERT_EQUAL(shmfs_put(s, "big", 3, big, BIG, SHMFS_BYTES, NULL), 0);
	free(big);
	frame_append(s, 1, 100);
	frame_fill_to(s, SEGMENT);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "c", 1, frame_append(s, 2, 1000)), 0);
}

/* The same as work() left. */
static void same(struct shmfs *s)
{
	unsigned char *big = malloc(BIG);
	size_t size = BIG;
	struct shmfs_reader *r;
	uint64_t at;
	char key[16];

	CU_ASSERT_EQUAL(store_stat(s).keys, KEYS + 1);
	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		if (!store_has(s, key, key))
			CU_FAIL("a key of the copy");
	}
	CU_ASSERT_EQUAL(shmfs_get(s, "big", 3, big, &size, NULL), 0);
	CU_ASSERT(size == BIG && value_is(big, BIG, 7));
	free(big);
	CU_ASSERT_EQUAL(shmfs_cursor_get(s, "c", 1, &at), 0);
	CU_ASSERT_EQUAL(at, SEGMENT);
	r = frame_reader(s, at);
	CU_ASSERT(frame_next(r, 2, 1000));
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	shmfs_reader_close(r);
	store_good(s);
}

static int steps;

static int step(void *arg, uint64_t done, uint64_t total)
{
	CU_ASSERT(done <= total);
	return ++steps == *(int *)arg;
}

static void whole(uint32_t flags, const char *name, const char *copy)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .flags = flags};
	const char *to = store_path(copy);
	struct shmfs_info a, b;
	struct shmfs *s, *c;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, store_path(name), SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	work(s);
	CU_ASSERT_EQUAL_FATAL(shmfs_copy(s, to, NULL, NULL), 0);
	frame_append(s, 3, 10);
	store_put(s, "1", "later");
	CU_ASSERT_EQUAL(shmfs_copy(s, to, NULL, NULL), -EEXIST);
	c = store_open(to, SHMFS_RDONLY);
	same(c);
	CU_ASSERT_EQUAL(shmfs_exists(s, "big", 3, &a), 0);
	CU_ASSERT_EQUAL(shmfs_exists(c, "big", 3, &b), 0);
	CU_ASSERT(a.version == b.version && a.time_ns == b.time_ns);
	shmfs_close(c);
	c = store_open(to, SHMFS_RDWR);
	same(c);
	CU_ASSERT_EQUAL(store_put(c, "more", "works"), 0);
	frame_append(c, 4, 50);
	store_close(c);
	c = store_open(to, SHMFS_RDWR);
	CU_ASSERT(store_has(c, "more", "works"));
	store_good(c);
	store_close(c);
	store_close(s);
}

static void durable(void)
{
	whole(0, "durable", "durable-copy");
}

static void unsynced(void)
{
	whole(SHMFS_OPT_NO_SYNC, "volatile", "volatile-copy");
}

static void of_a_reader(void)
{
	const char *path = store_path("closed"), *to = store_path("closed-copy");
	struct shmfs *s = store_new(path), *c;

	work(s);
	store_close(s);
	s = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL_FATAL(shmfs_copy(s, to, NULL, NULL), 0);
	shmfs_close(s);
	c = store_open(to, SHMFS_RDWR);
	same(c);
	store_close(c);
}

static void stopped(void)
{
	const char *to = store_path("stopped");
	struct shmfs *s = store_new(store_path("stop"));
	struct stat st;
	int at = 3;

	work(s);
	steps = 0;
	CU_ASSERT_EQUAL(shmfs_copy(s, to, step, &at), -ECANCELED);
	CU_ASSERT_EQUAL(steps, 3);
	CU_ASSERT_NOT_EQUAL(stat(to, &st), 0);
	CU_ASSERT_EQUAL(store_stat(s).pins, 0);
	at = 0;
	CU_ASSERT_EQUAL(shmfs_copy(s, to, step, &at), 0);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a copy of a durable store holds all of it, and goes on as a store", durable},
	{"a copy of a volatile store holds all of it, and goes on as a store", unsynced},
	{"a read-only handle copies a closed store", of_a_reader},
	{"a copy that is stopped is removed", stopped},
};

HARNESS_MAIN("copy", tests)
