/* SPDX-License-Identifier: MIT */
/*
 * What a sync promises: a copy taken any time later, of the file as a reboot finds it,
 * opens as of that sync.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"
#include "store.h"

static struct shmfs *open_copy(const char *path, const char *name)
{
	return store_open(store_copy(path, name), SHMFS_RDWR);
}

static void as_of_the_last(void)
{
	const char *path = store_path("last");
	struct shmfs *s = store_durable(path), *c;
	char key[16];

	if (!s)
		return;
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		store_put(s, key, "old");
	}
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "%d", i % 7000);
		if (i % 3)
			store_put(s, key, "new");
		else
			shmfs_del(s, key, strlen(key), 0, NULL);
	}
	c = open_copy(path, "last-copy");
	CU_ASSERT_EQUAL(store_stat(c).keys, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		if (!store_has(c, key, "old"))
			CU_FAIL("a synced key");
	}
	store_good(c);
	CU_ASSERT_EQUAL(store_put(c, "more", "works"), 0);
	store_close(c);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	c = open_copy(path, "last-copy-2");
	CU_ASSERT_EQUAL(store_stat(c).keys, store_stat(s).keys);
	store_close(c);
	store_good(s);
	store_close(s);
}

/* Versions given out after the last sync are not given out again by who recovers. */
static void versions_do_not_repeat(void)
{
	const char *path = store_path("repeat");
	struct shmfs *s = store_durable(path), *c;
	uint64_t last = 0, first = 0;

	if (!s)
		return;
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	for (int i = 0; i < 1000; i++)
		shmfs_put(s, "k", 1, "v", 1, 0, &last);
	c = open_copy(path, "repeat-copy");
	CU_ASSERT_EQUAL(shmfs_put(c, "k", 1, "v", 1, 0, &first), 0);
	CU_ASSERT(first > last);
	store_close(c);
	store_close(s);
}

/* Many syncs, each copied somewhere on the way to the next. */
static void every_cut(void)
{
	const char *path = store_path("cuts");
	struct shmfs *s = store_durable(path), *c;
	static unsigned char value[300000];
	struct rng r = {11};
	uint64_t synced = 0, got;
	size_t size;

	if (!s)
		return;
	for (uint64_t i = 1; i < 600; i++) {
		uint64_t key = rng_below(&r, 40);

		value_fill(value, sizeof(value), i);
		CU_ASSERT_EQUAL(shmfs_put(s, &key, sizeof(key), value, rng_size(&r, sizeof(value)), 0, NULL), 0);
		CU_ASSERT_EQUAL(shmfs_put(s, "last", 4, &i, sizeof(i), 0, NULL), 0);
		if (i % 10 == 0) {
			CU_ASSERT_EQUAL(shmfs_sync(s), 0);
			synced = i;
		}
		if (i % 37 || !synced)
			continue;
		c = open_copy(path, "cut");
		size = sizeof(got);
		CU_ASSERT_EQUAL(shmfs_get(c, "last", 4, &got, &size, NULL), 0);
		CU_ASSERT_EQUAL(got, synced);
		for (key = 0; key < 40; key++) {
			size = sizeof(value);
			if (!shmfs_get(c, &key, sizeof(key), value, &size, NULL))
				CU_ASSERT(value_whole(value, size));
		}
		store_good(c);
		store_close(c);
	}
	store_close(s);
}

static void epochs(void)
{
	struct shmfs *s = store_durable(store_path("epochs"));
	struct shmfs_stat before, after;

	if (!s)
		return;
	store_put(s, "k", "v");
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	before = store_stat(s);
	CU_ASSERT_EQUAL(before.is_volatile, 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0); /* nothing new */
	after = store_stat(s);
	CU_ASSERT_EQUAL(before.epoch, after.epoch);
	store_put(s, "k", "w");
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	after = store_stat(s);
	CU_ASSERT(after.epoch_durable > before.epoch_durable);
	store_close(s);
}

static void volatile_store(void)
{
	struct shmfs *s = store_new(store_path("volatile"));
	uint64_t epoch = store_stat(s).epoch;

	CU_ASSERT_EQUAL(store_stat(s).is_volatile, 1);
	store_put(s, "k", "v");
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	CU_ASSERT_EQUAL(store_stat(s).epoch, epoch);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a copy of an open store is as of its last sync", as_of_the_last},
	{"versions lost by a recovery are not given out again", versions_do_not_repeat},
	{"wherever it is cut off, what a sync covered is there", every_cut},
	{"a sync with nothing new does nothing", epochs},
	{"a volatile store has nothing to sync", volatile_store},
};

HARNESS_MAIN("sync", tests)
