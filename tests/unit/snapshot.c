/* SPDX-License-Identifier: MIT */
/*
 * What a snapshot promises: the map, the log and the cursors of one moment, whatever is written
 * after it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"
#include "frames.h"

#define KEYS 3000

static void fill(struct shmfs *s, const char *value)
{
	char key[16];

	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CU_ASSERT_EQUAL(store_put(s, key, value), 0);
	}
}

/* Every key has this value, and there is no other: by get, and by a walk. */
static void all_are(struct shmfs *s, const char *value)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	char key[16];
	int n = 0;

	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		if (!store_has(s, key, value))
			CU_FAIL("a key of the snapshot");
	}
	CU_ASSERT_EQUAL_FATAL(shmfs_iter_open(s, &it, 0), 0);
	for (; shmfs_iter_next(it, &e) == 0; n++)
		if (e.view.info.size != strlen(value) || memcmp(e.view.data, value, strlen(value)) != 0)
			CU_FAIL("an entry of the snapshot");
	shmfs_iter_close(it);
	CU_ASSERT_EQUAL(n, KEYS);
	CU_ASSERT_EQUAL(store_stat(s).keys, KEYS);
}

/* Change everything, so often that what was freed would be used again. */
static void churn(struct shmfs *s)
{
	char key[16], value[600] = "new";

	for (int i = 0; i < 40 * KEYS; i++) {
		snprintf(key, sizeof(key), "%d", i % (2 * KEYS));
		shmfs_put(s, key, strlen(key), value, sizeof(value), SHMFS_BYTES, NULL);
		if (i % 7 == 0)
			shmfs_del(s, key, strlen(key), 0, NULL);
		if (i % (10 * KEYS) == 0)
			shmfs_sync(s);
	}
}

static void stays(uint32_t flags, const char *name)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .flags = flags};
	struct shmfs *s, *snap, *again;
	uint64_t at;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, store_path(name), SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	fill(s, "old");
	at = frame_append(s, 1, 100);
	frame_append(s, 2, 200);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "c", 1, at), 0);
	CU_ASSERT_EQUAL_FATAL(shmfs_snapshot(s, &snap), 0);
	churn(s);
	frame_append(s, 3, 300);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, "c", 1, SHMFS_LOG_END), 0);

	all_are(snap, "old");
	CU_ASSERT_EQUAL(frame_bounds(snap).frames, 2);
	CU_ASSERT_EQUAL(shmfs_cursor_get(snap, "c", 1, &at), 0);
	{
		struct shmfs_reader *r = frame_reader(snap, at);

		CU_ASSERT(frame_next(r, 1, 100) && frame_next(r, 2, 200));
		CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
		CU_ASSERT_EQUAL(shmfs_reader_wait(r, -1), -ENODATA);
		shmfs_reader_close(r);
	}
	CU_ASSERT_EQUAL(store_put(snap, "k", "v"), -EROFS);
	store_good(snap);
	CU_ASSERT_EQUAL_FATAL(shmfs_snapshot(snap, &again), 0);
	CU_ASSERT_EQUAL(shmfs_close(snap), 0);
	all_are(again, "old");
	CU_ASSERT_EQUAL(shmfs_close(again), 0);
	CU_ASSERT_EQUAL(store_stat(s).pins, 0);
	store_good(s);
	store_close(s);
}

static void durable(void)
{
	stays(0, "durable");
}

static void unsynced(void)
{
	stays(SHMFS_OPT_NO_SYNC, "volatile");
}

/* ---- one moment ----------------------------------------------------------------------- */

struct steps {
	struct shmfs *s;
	_Atomic bool stop;
};

/* Counts, in an order that a cut must respect: the log, a key, a cursor. */
static void *count_up(void *arg)
{
	struct steps *w = arg;

	for (uint64_t i = 1; !w->stop; i++) {
		uint64_t at;

		if (shmfs_log_append(w->s, &i, sizeof(i), &at) ||
		    shmfs_put(w->s, "n", 1, &i, sizeof(i), SHMFS_BYTES, NULL) ||
		    shmfs_cursor_set(w->s, "c", 1, at))
			break;
	}
	return NULL;
}

static void one_moment(void)
{
	struct shmfs *s = store_new(store_path("moment")), *snap;
	struct steps w = {.s = s};
	uint64_t none = 0, last = 0;
	pthread_t writer;

	frame_append(s, 0, 8);
	shmfs_put(s, "n", 1, &none, sizeof(none), SHMFS_BYTES, NULL);
	shmfs_cursor_create(s, "c", 1, 0);
	pthread_create(&writer, NULL, count_up, &w);
	for (int i = 0; i < 60 || (last == 0 && i < 100000); i++) { /* the writer may come late */
		uint64_t n = 0, at = 0, frame = 0, frames;
		size_t size = sizeof(n);
		struct shmfs_reader *r;

		CU_ASSERT_EQUAL_FATAL(shmfs_snapshot(s, &snap), 0);
		frames = frame_bounds(snap).frames - 1;
		CU_ASSERT_EQUAL(shmfs_get(snap, "n", 1, &n, &size, NULL), 0);
		CU_ASSERT_EQUAL(shmfs_cursor_get(snap, "c", 1, &at), 0);
		size = sizeof(frame);
		if (n > 1) {
			r = frame_reader(snap, at);
			CU_ASSERT_EQUAL(shmfs_reader_next(r, &frame, &size, NULL), 0);
			shmfs_reader_close(r);
			CU_ASSERT(frames >= n && frames <= n + 1);
			CU_ASSERT(n >= frame && n <= frame + 1);
		}
		CU_ASSERT(n >= last);
		last = n;
		shmfs_close(snap);
	}
	w.stop = true;
	pthread_join(writer, NULL);
	CU_ASSERT(last > 0);
	store_close(s);
}

/* ---- of read-only handles ----------------------------------------------------------------- */

static void read_only(void)
{
	const char *path = store_path("reading");
	struct shmfs *s = store_new(path), *r, *snap;

	fill(s, "old");
	r = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL(shmfs_snapshot(r, &snap), -EAGAIN); /* volatile, and open */
	store_close(s);
	CU_ASSERT_EQUAL_FATAL(shmfs_snapshot(r, &snap), 0);
	s = store_open(path, SHMFS_RDWR);
	churn(s);
	all_are(snap, "old");
	shmfs_close(snap);
	shmfs_close(r);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a snapshot of a durable store stays as it was", durable},
	{"a snapshot of a volatile store stays as it was", unsynced},
	{"map, log and cursors of a snapshot are of one moment", one_moment},
	{"a read-only handle takes a snapshot of the checkpoint", read_only},
};

HARNESS_MAIN("snapshot", tests)
