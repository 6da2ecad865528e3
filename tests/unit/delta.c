/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint of one flush counts only if every byte it brought along is there: looked at in copies of
 * the file, in which one is not.
 */
#include <stdlib.h>

#include "../../lib/delta.h"
#include "../../lib/meta.h"
#include "../rig.h"
#include "frames.h"
#include "store.h"

enum { KEYS = 300, BIG = 300000 };

static const char *path;

/* A durable store, on whatever file system the tests are. */
static struct shmfs *durable_store(const char *name)
{
	struct shmfs *s;

	path = store_path(name);
	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	s->file.volatile_fs = false;
	atomic_fetch_and(&s->live->state, ~(uint64_t)SFS_STATE_VOLATILE);
	for (uint64_t key = 0; key < KEYS; key++)
		CU_ASSERT_EQUAL_FATAL(shmfs_put(s, &key, 8, &key, 8, SHMFS_BYTES, NULL), 0);
	frame_append(s, 0, 100);
	CU_ASSERT_EQUAL_FATAL(shmfs_sync(s), 0);
	return s;
}

static void put(struct shmfs *s, uint64_t key, const void *value, size_t size)
{
	CU_ASSERT_EQUAL_FATAL(shmfs_put(s, &key, 8, value, size, SHMFS_BYTES, NULL), 0);
}

/* The newest checkpoint, after a sync. */
static struct sfs_meta synced(struct shmfs *s)
{
	struct sfs_meta m;

	CU_ASSERT_EQUAL_FATAL(shmfs_sync(s), 0);
	CU_ASSERT_TRUE_FATAL(sfs_meta_newest(s, &m));
	return m;
}

/* Keys of the store that comes up from this image, and whether it is a good one. */
static uint64_t comes_up(const struct bytes *image, bool good)
{
	const char *copy = store_path("image");
	struct shmfs *s;
	struct shmfs_stat st;

	file_write(copy, image->data, image->size);
	s = store_open(copy, SHMFS_RDWR); /* of no session, so it is recovered */
	if (good)
		store_good(s);
	st = store_stat(s);
	store_close(s);
	return st.keys;
}

static void every_byte_counts(void)
{
	struct shmfs *s = durable_store("delta");
	struct sfs_live *live;
	struct sfs_meta m;
	struct bytes image;

	put(s, KEYS, "new", 3);
	frame_append(s, 1, 100);
	m = synced(s);
	CU_ASSERT_TRUE_FATAL(sfs_delta_any(&m));
	image = file_read(path);
	live = (void *)(image.data + SFS_AT_LIVE);
	/* the power failed before the flush came back */
	sfs_set(&live->durable, m.epoch - 1);
	CU_ASSERT_EQUAL(comes_up(&image, true), KEYS + 1);
	for (int i = 0; i < SFS_DELTAS; i++) {
		CU_ASSERT_FATAL(m.delta[i].size != 0);
		for (uint64_t at = 0; at < m.delta[i].size; at += m.delta[i].size / 3) {
			uint8_t *byte = image.data + m.delta[i].at + at;

			*byte ^= 1;
			CU_ASSERT_EQUAL(comes_up(&image, true), KEYS);
			*byte ^= 1;
		}
	}
	/* known to be complete: then the one before is not kept any more, and must not come up */
	sfs_set(&live->durable, m.epoch);
	image.data[m.delta[0].at] ^= 1;
	CU_ASSERT_EQUAL(comes_up(&image, false), KEYS + 1);
	free(image.data);
	store_close(s);
}

static void what_it_cannot_show(void)
{
	struct shmfs *s = durable_store("moves");
	void *big = calloc(1, BIG);
	struct sfs_meta m;

	put(s, KEYS, big, BIG);
	m = synced(s);
	CU_ASSERT_FALSE(sfs_delta_any(&m)); /* a run was taken */
	put(s, KEYS + 1, "small", 5);
	m = synced(s);
	CU_ASSERT_TRUE(sfs_delta_any(&m));
	CU_ASSERT_EQUAL(shmfs_del(s, "none", 4, 0, NULL), -ENOENT);
	for (uint64_t i = KEYS; i < KEYS + 2; i++)
		CU_ASSERT_EQUAL(shmfs_del(s, &i, 8, 0, NULL), 0);
	m = synced(s);
	CU_ASSERT_FALSE(sfs_delta_any(&m)); /* that run was freed */
	/* into the place it left: no segment more, none freed */
	put(s, 0, "small", 5);
	m = synced(s);
	CU_ASSERT_TRUE(sfs_delta_any(&m));
	for (int i = 0; i < 3; i++) {
		put(s, KEYS + 10 + (uint64_t)i, big, BIG);
		m = synced(s);
		CU_ASSERT_FALSE(sfs_delta_any(&m));
	}
	for (uint64_t i = 0; i < 2000; i++)
		put(s, i, big, 1000);
	m = synced(s);
	CU_ASSERT_FALSE(sfs_delta_any(&m)); /* too much */
	free(big);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a checkpoint of one flush counts only if all its bytes are there", every_byte_counts},
	{"what one flush cannot show takes two", what_it_cannot_show},
};

HARNESS_MAIN("delta", tests)
