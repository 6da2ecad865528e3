/* SPDX-License-Identifier: MIT */
/* What is kept of the log: bounds, trimming, limits, syncs, copies, full disks. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../rig.h"
#include "frames.h"

static struct shmfs *with_limit(const char *path, uint64_t limit, uint32_t flags)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .log_limit = limit};
	struct shmfs *s = NULL;

	o.flags = flags | SHMFS_OPT_NO_SYNC;
	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	return s;
}

/* Against sums of our own, by every kind of handle. */
static void bounds(void)
{
	enum { N = 3000 };
	const char *path = store_path("bounds");
	struct shmfs *s = store_new(path), *ro = store_open(path, SHMFS_RDONLY);
	static uint64_t at[N], before[N + 1];
	struct rng r = {8};
	uint64_t n = 0;

	for (uint64_t i = 0; i < N; i++) {
		size_t size = rng_below(&r, 60000);

		at[i] = frame_append(s, i, size);
		before[i + 1] = before[i] + size;
		if (rng_once_in(&r, 300)) {
			CU_ASSERT_EQUAL(shmfs_log_trim(s, at[rng_below(&r, i + 1)]), 0);
			for (n = 0; at[n] < frame_bounds(s).head; n++)
				;
		}
		if (rng_once_in(&r, 50) || i == N - 1) {
			struct shmfs_log_bounds b = frame_bounds(rng_once_in(&r, 2) ? s : ro);

			CU_ASSERT_EQUAL(b.head % SEGMENT, 0);
			CU_ASSERT_EQUAL(b.end, at[i] + frame_room(size));
			CU_ASSERT_EQUAL(b.frames, i + 1 - n);
			CU_ASSERT_EQUAL(b.bytes, before[i + 1] - before[n]);
			CU_ASSERT_EQUAL(b.trimmed_frames, n);
			CU_ASSERT_EQUAL(b.trimmed_bytes, before[n]);
		}
	}
	CU_ASSERT(n > 0);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, at[N - 1] + (1 << 20)), -ERANGE);
	store_close(ro);
	store_good(s);
	store_close(s);
}

static void limit_trims(void)
{
	const char *path = store_path("trims");
	struct shmfs *s = with_limit(path, 3 * SEGMENT - 5, 0), *second = store_open(path, SHMFS_RDWR);
	uint64_t size = 0;

	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "slow", 4, frame_append(s, 1, 10)), 0);
	for (uint64_t i = 0; i < 400; i++) {
		struct shmfs_log_bounds b;

		/* by turns, so that one handle's segment may be trimmed by the other */
		frame_append(i / 60 % 2 ? s : second, i, 500000);
		b = frame_bounds(s);
		CU_ASSERT(b.end - b.head <= 3 * SEGMENT);
		CU_ASSERT(i < 100 || b.end - b.head > 2 * SEGMENT);
		CU_ASSERT_EQUAL(b.frames + b.trimmed_frames, i + 2);
		if (i == 200)
			size = store_stat(s).file_bytes;
	}
	CU_ASSERT(store_stat(s).file_bytes <= size + SEGMENT);
	store_good(s);
	store_close(second);
	store_close(s);
}

static void limit_refuses(void)
{
	const char *path = store_path("refuses");
	struct shmfs *s = with_limit(path, 2 * SEGMENT, SHMFS_OPT_LOG_REFUSE);
	unsigned char *half = calloc(1, SEGMENT / 2);
	uint64_t first = frame_append(s, 1, 10);

	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "slow", 4, first), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "fast", 4, first), 0);
	frame_fill_to(s, 2 * SEGMENT);
	CU_ASSERT_EQUAL(shmfs_log_append(s, half, SEGMENT / 2, NULL), SHMFS_E_LOG_FULL);
	CU_ASSERT_EQUAL(shmfs_log_append(s, "x", 1, NULL), SHMFS_E_LOG_FULL);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, "fast", 4, SEGMENT), 0);
	CU_ASSERT_EQUAL(shmfs_log_append(s, "x", 1, NULL), SHMFS_E_LOG_FULL);
	CU_ASSERT_EQUAL(frame_bounds(s).head, 0);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, "slow", 4, SHMFS_LOG_END), 0);
	CU_ASSERT_EQUAL(frame_append(s, 2, 100), 2 * SEGMENT);
	CU_ASSERT_EQUAL(frame_bounds(s).head, SEGMENT);
	frame_fill_to(s, 3 * SEGMENT);
	CU_ASSERT_EQUAL(shmfs_log_append(s, "x", 1, NULL), SHMFS_E_LOG_FULL);
	CU_ASSERT_EQUAL(shmfs_cursor_del(s, "fast", 4), 0);
	CU_ASSERT_EQUAL(frame_append(s, 3, 100), 3 * SEGMENT);
	store_good(s);
	store_close(s);
	free(half);
}

/* ---- syncs */

static atomic_int synced;

static void *sync_it(void *s)
{
	atomic_store(&synced, shmfs_sync(s) ? -1 : 1);
	return NULL;
}

static void sync_with_a_batch(void)
{
	struct shmfs *s = store_durable(store_path("batch"));
	struct shmfs_batch *b, *c;
	pthread_t t;

	if (!s)
		return;
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 10, 1), 0);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &c, 10, 1), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), -EDEADLK);
	CU_ASSERT_EQUAL(shmfs_log_commit(c, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), -EDEADLK);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, sync_it, s), 0);
	usleep(50000);
	CU_ASSERT_EQUAL(atomic_load(&synced), 0);
	CU_ASSERT_EQUAL(store_put(s, "writers", "go on"), 0);
	shmfs_log_abort(b);
	pthread_join(t, NULL);
	CU_ASSERT_EQUAL(atomic_load(&synced), 1);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	store_close(s);
}

/* The copy has the frames of the sync, no others, and goes on from there. */
static void lost_but_synced(void)
{
	static const uint64_t ends[] = {0, 40000, SEGMENT - 16, SEGMENT, SEGMENT + 70000, 2 * SEGMENT};
	const char *copy;
	struct shmfs *s, *c;
	struct shmfs_log_bounds then, now;
	struct shmfs_reader *r;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *path = store_path("lost");

		s = store_durable(path);
		if (!s)
			return;
		frame_fill_to(s, ends[i]);
		CU_ASSERT_EQUAL(shmfs_sync(s), 0);
		then = frame_bounds(s);
		frame_append(s, 1000 + i, 33);
		for (int k = 0; k < 3; k++)
			frame_append(s, 5, i % 2 ? 9000000 : 900);
		copy = store_copy(path, "lost-copy");
		for (int how = SHMFS_RDONLY; how <= SHMFS_RDWR; how++) {
			c = store_open(copy, how);
			now = frame_bounds(c);
			CU_ASSERT(memcmp(&now, &then, sizeof(now)) == 0);
			r = frame_reader(c, SHMFS_LOG_END);
			CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
			if (then.frames)
				CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, -(int64_t)then.frames), 0);
			store_good(c);
			if (how == SHMFS_RDWR) {
				CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, -1), 0);
				for (uint64_t k = 0; k < 30; k++)
					frame_append(c, k, 1 << 20);
				for (uint64_t k = 0; k < 30; k++)
					CU_ASSERT(frame_next(r, k, 1 << 20));
				CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
				CU_ASSERT_EQUAL(frame_bounds(c).frames, then.frames + 30);
			}
			shmfs_reader_close(r);
			store_close(c);
		}
		store_close(s);
	}
}

static void copy_of_closed(void)
{
	const char *path = store_path("closed");
	struct shmfs *s = store_new(path);
	struct shmfs_log_bounds then, now;

	for (uint64_t i = 0; i < 1000; i++)
		frame_append(s, i, 40000);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, SEGMENT), 0);
	then = frame_bounds(s);
	store_close(s);
	path = store_copy(path, "closed-copy");
	for (int how = SHMFS_RDONLY; how <= SHMFS_RDWR; how++) {
		s = store_open(path, how);
		now = frame_bounds(s);
		CU_ASSERT(memcmp(&now, &then, sizeof(now)) == 0);
		store_good(s);
		if (how == SHMFS_RDWR)
			CU_ASSERT_EQUAL(frame_append(s, 1, 1), then.end);
		store_close(s);
	}
}

/* ---- a full disk */

static const char *dir;

static int full(void *arg)
{
	unsigned char *half = calloc(1, SEGMENT / 2);
	struct shmfs_frame f[] = {{half, SEGMENT / 2 - 100, 0}, {half, 3000000, 0}};
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	struct shmfs_check_result r = {.struct_size = sizeof(r)};
	char path[5000];
	struct shmfs *s;
	uint64_t n = 0;

	(void)arg;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("shmfs-test", dir, "tmpfs", 0, "size=60m"))
		return 77;
	snprintf(path, sizeof(path), "%s/s", dir);
	if (shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL))
		return 1;
	while (n < 100 && shmfs_log_append_many(s, f, 2) == 0)
		n++;
	if (n < 2 || n > 10 || shmfs_log_append_many(s, f, 2) != -ENOSPC)
		return 2;
	while (n < 1000 && shmfs_log_append(s, half, 100000, NULL) == 0)
		n++;
	if (shmfs_log_bounds(s, &b) || b.frames < n || shmfs_check(s, &r, NULL, NULL) || r.problems)
		return 3;
	/* to trim is to delete, and makes room */
	if (shmfs_log_trim(s, b.end) || shmfs_log_append_many(s, f, 2))
		return 4;
	if (shmfs_check(s, &r, NULL, NULL) || r.problems || shmfs_close(s))
		return 5;
	return 0;
}

static void full_disk(void)
{
	int got;

	dir = store_path("full");
	if (geteuid() != 0 || mkdir(dir, 0700)) {
		harness_skip("needs root, to mount a small file system");
		return;
	}
	got = in_child(full, NULL);
	if (got == 77)
		harness_skip("cannot mount a small file system");
	else
		CU_ASSERT_EQUAL(got, 0);
}

static const struct harness_test tests[] = {
	{"bounds and totals agree with sums of our own", bounds},
	{"a log with a limit keeps its newest segments, in space that goes round", limit_trims},
	{"a log that refuses waits for its slowest cursor", limit_refuses},
	{"a sync by who has a batch open is refused, by others it waits", sync_with_a_batch},
	{"after a loss the log ends where the last sync found it settled", lost_but_synced},
	{"a copy of a closed store has all of the log", copy_of_closed},
	{"on a full disk a batch is refused whole, and a trim makes room", full_disk},
};

HARNESS_MAIN("logkept", tests)
