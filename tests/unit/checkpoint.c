/* SPDX-License-Identifier: MIT */
/*
 * What a checkpoint holds stays, whatever is written after it, until the next one is
 * complete: looked at in copies of the file, taken where the machine might stop.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../lib/handle.h"
#include "../rig.h"
#include "frames.h"
#include "store.h"

enum { KEYS = 400, SIZE = 2000, FRAMES = 10, ROUNDS = 60, SYNCS = 4 };

static struct shmfs *other; /* who writes while a sync flushes */
static const char *path;
static uint64_t durable, in_flight; /* what the last and the present sync are to hold */
static uint64_t frames, durable_frames, flight_frames;
static unsigned flushes;
static bool syncing;

static void put_all(struct shmfs *s, uint64_t generation)
{
	unsigned char value[SIZE];

	for (uint64_t key = 0; key < KEYS; key++) {
		value_fill(value, SIZE, generation * KEYS + key);
		CU_ASSERT_EQUAL_FATAL(shmfs_put(s, &key, 8, value, SIZE, SHMFS_BYTES, NULL), 0);
	}
}

/* Write until every segment that may be reused was. */
static void churn(struct shmfs *s)
{
	for (uint64_t i = 0; i < ROUNDS; i++)
		put_all(s, 1000 + i);
	frame_append(s, frames++, 100);
}

static int holds(struct shmfs *s, uint64_t generation)
{
	int whole = 1;

	for (uint64_t key = 0; key < KEYS; key++) {
		unsigned char value[SIZE];
		size_t size = SIZE;

		whole &= !shmfs_get(s, &key, sizeof(key), value, &size, NULL) && size == SIZE &&
		         value_is(value, SIZE, generation * KEYS + key);
	}
	return whole;
}

static int log_holds(struct shmfs *s, uint64_t n)
{
	struct shmfs_reader *r = frame_reader(s, 0);
	int whole = 1;

	for (uint64_t i = 0; i < n; i++)
		whole &= frame_next(r, i, 100);
	whole &= frame_none(r) == -ENODATA;
	shmfs_reader_close(r);
	return whole;
}

/* The store as it would come up: by the newest checkpoint, or, if its page was not written
 * yet, by the one before. */
static void comes_up(uint64_t generation, uint64_t n, bool newest)
{
	const char *image = store_path("image");
	struct bytes all = file_read(path);
	struct shmfs *s;
	struct shmfs_stat st;

	if (!newest) {
		struct sfs_meta *m[2] = {(void *)(all.data + SFS_AT_META),
		                         (void *)(all.data + SFS_AT_META + SFS_PAGE)};

		m[m[1]->turn > m[0]->turn]->turn = 0;
	}
	file_write(image, all.data, all.size);
	free(all.data);
	s = store_open(image, SHMFS_RDONLY);
	CU_ASSERT(holds(s, generation));
	CU_ASSERT(log_holds(s, n));
	store_close(s);
	s = store_open(image, SHMFS_RDWR);
	CU_ASSERT(holds(s, generation));
	CU_ASSERT(log_holds(s, n));
	/* only what the checkpoint uses is in use: it fits into two segments of data, one of index */
	CU_ASSERT(sfs_relaxed(&s->live->used) <= 3);
	for (uint64_t i = KEYS; i < 10 * KEYS; i++)
		CU_ASSERT_EQUAL(shmfs_put(s, &i, sizeof(i), &i, sizeof(i), SHMFS_BYTES, NULL), 0);
	CU_ASSERT(holds(s, generation));
	store_good(s);
	st = store_stat(s);
	CU_ASSERT_EQUAL(st.keys, 10 * KEYS);
	store_close(s);
}

/* In the place of the disk: what was written is on it, or not, before this returns. */
static int flush(void)
{
	if (!syncing)
		return 0;
	syncing = false; /* not again from below */
	flushes++;
	churn(other);
	if (flushes == 1) {
		if (durable)
			comes_up(durable, durable_frames, true);
	} else {
		comes_up(in_flight, flight_frames, true);
		if (durable)
			comes_up(durable, durable_frames, false);
	}
	syncing = true;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return flush();
}

int msync(void *at, size_t n, int flags)
{
	(void)at, (void)n, (void)flags;
	return flush();
}

/* A durable store, on whatever file system the tests are. */
static void flush_for_real(struct shmfs *s)
{
	s->file.volatile_fs = false;
	atomic_fetch_and(&s->live->state, ~(uint64_t)SFS_STATE_VOLATILE);
}

static void stays(void)
{
	struct shmfs *s;

	path = store_path("stays");
	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL), 0);
	other = store_open(path, SHMFS_RDWR);
	flush_for_real(s);
	flush_for_real(other);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	for (in_flight = 1; in_flight <= SYNCS; in_flight++) {
		put_all(s, in_flight);
		for (int i = 0; i < FRAMES; i++)
			frame_append(s, frames++, 100);
		flight_frames = frames;
		flushes = 0;
		syncing = true;
		CU_ASSERT_EQUAL(shmfs_sync(s), 0);
		syncing = false;
		CU_ASSERT_EQUAL(flushes, 2);
		durable = in_flight;
		durable_frames = flight_frames;
		churn(s);
		comes_up(durable, durable_frames, true);
	}
	store_good(s);
	store_close(other);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a checkpoint stays as it was, whatever is written beside and after it", stays},
};

HARNESS_MAIN("checkpoint", tests)
