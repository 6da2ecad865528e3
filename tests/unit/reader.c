/* SPDX-License-Identifier: MIT */
/* Reading: forward, backward, in batches, by view; seeking, waiting, verifying. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../rig.h"
#include "frames.h"

enum { N = 5000 };

static uint64_t at[N + 1];
static size_t sizes[N];

/* N frames over several segments, with pads between them. */
static struct shmfs *filled(const char *path)
{
	struct shmfs *s = store_new(path);
	struct rng r = {5};
	struct shmfs_batch *b;

	for (uint64_t i = 0; i < N; i++) {
		sizes[i] = rng_once_in(&r, 50) ? rng_below(&r, 900000) : rng_size(&r, 3000);
		at[i] = frame_append(s, i, sizes[i]);
		if (rng_once_in(&r, 50) && shmfs_log_begin(s, &b, 200, 2) == 0)
			shmfs_log_abort(b);
	}
	at[N] = frame_bounds(s).end;
	CU_ASSERT(at[N] > 2 * SEGMENT);
	return s;
}

static void both_ways(void)
{
	const char *path = store_path("ways");
	struct shmfs *s = filled(path), *ro = store_open(path, SHMFS_RDONLY);
	struct shmfs *handles[] = {s, ro};

	for (int h = 0; h < 2; h++) {
		struct shmfs_reader *r = frame_reader(handles[h], SHMFS_LOG_BEGIN);
		uint64_t i = 0;

		for (i = 0; i < N; i++)
			if (!frame_next(r, i, sizes[i]))
				CU_FAIL("next");
		CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
		for (i = N; i-- > 0;)
			if (!frame_prev(r, i, sizes[i]) || shmfs_reader_position(r) != at[i])
				CU_FAIL("prev");
		CU_ASSERT_EQUAL(shmfs_reader_prev(r, NULL, &(size_t){0}, NULL), -ENODATA);
		CU_ASSERT(frame_next(r, 0, sizes[0]));
		shmfs_reader_close(r);
	}
	store_close(ro);
	store_close(s);
}

static void too_small(void)
{
	struct shmfs *s = store_new(store_path("small"));
	struct shmfs_reader *r = frame_reader(s, 0);
	unsigned char buf[100];
	size_t size = 99;

	frame_append(s, 1, 100);
	CU_ASSERT_EQUAL(shmfs_reader_next(r, buf, &size, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 100);
	CU_ASSERT_EQUAL(shmfs_reader_position(r), 0);
	CU_ASSERT_EQUAL(shmfs_reader_next(r, buf, &size, NULL), 0);
	CU_ASSERT(value_is(buf, 100, 1));
	size = 0;
	CU_ASSERT_EQUAL(shmfs_reader_prev(r, NULL, &size, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(size, 100);
	CU_ASSERT(frame_prev(r, 1, 100));
	shmfs_reader_close(r);
	store_close(s);
}

/* Everything, in batches of any room; then one byte too little. */
static void batches(void)
{
	struct shmfs *s = filled(store_path("batches"));
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	static struct shmfs_frame f[N];
	unsigned char *buf = malloc(4 << 20);
	struct rng rng = {6};
	size_t n, i = 0, sum = 0;
	int got;

	while (i < N) {
		size_t room = 900000 + rng_below(&rng, 3 << 20), most = 1 + rng_below(&rng, 300), used = 0;

		CU_ASSERT_EQUAL_FATAL(shmfs_reader_next_batch(r, f, most, buf, room, &n), 0);
		CU_ASSERT(n >= 1 && n <= most);
		for (size_t k = 0; k < n; k++, i++) {
			if (f[k].size != sizes[i] || f[k].position != at[i] || !value_is(f[k].data, f[k].size, i))
				CU_FAIL("a frame of a batch");
			CU_ASSERT_PTR_EQUAL(f[k].data, buf + used);
			used += f[k].size;
		}
		CU_ASSERT(used <= room);
		CU_ASSERT(i == N || n == most || used + sizes[i] > room);
	}
	CU_ASSERT_EQUAL(shmfs_reader_next_batch(r, f, 5, buf, 4 << 20, &n), -ENODATA);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, 0), 0);
	for (i = 0; i < 20; i++)
		sum += sizes[i];
	CU_ASSERT_EQUAL(shmfs_reader_next_batch(r, f, N, buf, sum - 1, &n), 0);
	CU_ASSERT_EQUAL(n, 19);
	got = shmfs_reader_next_batch(r, f, N, buf, sizes[19] - 1, &n);
	CU_ASSERT(got == -EMSGSIZE && n == 0);
	CU_ASSERT(frame_next(r, 19, sizes[19]));
	free(buf);
	shmfs_reader_close(r);
	store_close(s);
}

static void seeks(void)
{
	struct shmfs *s = filled(store_path("seek"));
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	uint64_t byte = 0, trimmed = 0;
	struct rng rng = {7};

	for (uint64_t i = 0; i < N; i++) {
		uint64_t k = rng_below(&rng, N);

		if (shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)at[k]) || !frame_next(r, k, sizes[k]))
			CU_FAIL("by position");
		if (shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, (int64_t)i - (int64_t)k - 1) || !frame_next(r, i, sizes[i]))
			CU_FAIL("by frames");
		if (sizes[i] && (i % 16 == 0 || sizes[i] > 100000))
			if (shmfs_reader_seek(r, SHMFS_SEEK_BYTES, (int64_t)(byte + rng_below(&rng, sizes[i]))) ||
			    !frame_next(r, i, sizes[i]))
				CU_FAIL("by bytes");
		byte += sizes[i];
	}
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_BYTES, (int64_t)byte), 0);
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)at[7]), 0);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_BYTES, (int64_t)byte + 1), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_BYTES, -1), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, -8), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, N - 6), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, INT64_MIN), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)at[8] + 16), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)at[N] + 16), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, 77, 0), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_reader_position(r), at[7]);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, N - 7), 0);
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, -N), 0);
	CU_ASSERT(frame_next(r, 0, sizes[0]));
	/* and with the first segment gone */
	CU_ASSERT_EQUAL(shmfs_log_trim(s, SEGMENT + 1), 0);
	CU_ASSERT_EQUAL(frame_none(r), -ESTALE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)at[1]), -ESTALE);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_BYTES, 5), -ESTALE);
	for (uint64_t i = 0; i < N; trimmed += sizes[i++])
		if (i % 50 == 0 && at[i] >= SEGMENT && sizes[i])
			if (shmfs_reader_seek(r, SHMFS_SEEK_BYTES, (int64_t)trimmed) || !frame_next(r, i, sizes[i]))
				CU_FAIL("by bytes, trimmed");
	shmfs_reader_close(r);
	store_close(s);
}

static void views(void)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .log_limit = 2 * SEGMENT, .flags = SHMFS_OPT_NO_SYNC};
	const char *path = store_path("views");
	struct shmfs_frame_view v[100];
	struct shmfs_pin *pin;
	struct shmfs_reader *r;
	struct shmfs *s, *ro;

	CU_ASSERT_EQUAL_FATAL(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, &o), 0);
	ro = store_open(path, SHMFS_RDONLY);
	for (uint64_t i = 0; i < 100; i++)
		frame_append(s, i, 1000);
	CU_ASSERT_EQUAL(shmfs_pin(ro, &pin), 0);
	r = frame_reader(ro, SHMFS_LOG_BEGIN);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(shmfs_reader_view(r, &v[i]), 0);
	CU_ASSERT_EQUAL(shmfs_reader_view(r, &v[0]), -ENODATA);
	for (int i = 0; i < 100; i++)
		frame_append(s, 0, 1 << 20);
	CU_ASSERT(frame_bounds(s).head >= 4 * SEGMENT);
	for (uint64_t i = 1; i < 100; i++)
		CU_ASSERT(shmfs_reader_view_valid(r, &v[i]) == 0 && value_is(v[i].data, v[i].size, i));
	CU_ASSERT_EQUAL(frame_none(r), -ESTALE);
	shmfs_unpin(pin);
	for (int i = 0; i < 100; i++)
		frame_append(s, 0, 1 << 20);
	CU_ASSERT_EQUAL(shmfs_reader_view_valid(r, &v[1]), -ESTALE);
	CU_ASSERT(store_stat(s).file_bytes < 12 * SEGMENT); /* the space goes round */
	shmfs_reader_close(r);
	store_good(s);
	store_close(ro);
	store_close(s);
}

static void *append_later(void *arg)
{
	usleep(50000);
	frame_append(arg, 1, 10);
	return NULL;
}

static void waits(void)
{
	const char *path = store_path("wait");
	struct shmfs *s = store_new(path), *ro = store_open(path, SHMFS_RDONLY), *w = store_open(path, SHMFS_RDWR);
	struct shmfs *handles[] = {s, w, ro};

	for (int h = 0; h < 3; h++) {
		struct shmfs_reader *r = frame_reader(handles[h], SHMFS_LOG_END);
		uint64_t start = clock_us();
		pthread_t t;

		CU_ASSERT_EQUAL(shmfs_reader_wait(r, 0), -ETIMEDOUT);
		CU_ASSERT_EQUAL(shmfs_reader_wait(r, 30), -ETIMEDOUT);
		CU_ASSERT(clock_us() - start >= 30000);
		CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, append_later, s), 0);
		CU_ASSERT_EQUAL(shmfs_reader_wait(r, -1), 0);
		CU_ASSERT(frame_next(r, 1, 10));
		pthread_join(t, NULL);
		CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, -1), 0);
		CU_ASSERT_EQUAL(shmfs_reader_wait(r, 0), 0);
		shmfs_reader_close(r);
	}
	store_close(w);
	store_close(ro);
	store_close(s);
}

static void verified(void)
{
	const char *path = store_path("verify");
	struct shmfs *s = store_new(path), *careful;
	struct shmfs_frame_view v;
	struct shmfs_reader *r;
	struct shmfs_frame f[3];
	unsigned char buf[600];
	size_t n, size = sizeof(buf);

	for (uint64_t i = 0; i < 3; i++)
		frame_append(s, i, 200);
	careful = store_open(path, SHMFS_RDWR | SHMFS_VERIFY);
	r = frame_reader(careful, SHMFS_LOG_BEGIN);
	CU_ASSERT_EQUAL(shmfs_reader_next_batch(r, f, 3, buf, sizeof(buf), &n), 0);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, 0), 0);
	CU_ASSERT(frame_next(r, 0, 200));
	CU_ASSERT_EQUAL(shmfs_reader_view(r, &v), 0);
	((unsigned char *)(uintptr_t)v.data)[100] ^= 1; /* of a writable handle */
	CU_ASSERT_EQUAL(shmfs_reader_prev(r, buf, &size, NULL), -EUCLEAN);
	CU_ASSERT_EQUAL(shmfs_reader_seek(r, SHMFS_SEEK_POSITION, 0), 0);
	CU_ASSERT_EQUAL(shmfs_reader_next_batch(r, f, 3, buf, sizeof(buf), &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(shmfs_reader_next_batch(r, f, 3, buf, sizeof(buf), &n), -EUCLEAN);
	CU_ASSERT_EQUAL(shmfs_reader_view(r, &v), -EUCLEAN);
	shmfs_reader_close(r);
	store_close(careful);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"frames are met forward and backward, over segments and paddings", both_ways},
	{"a buffer too small is told the size, and the reader stays", too_small},
	{"a batch is as many whole frames as fit", batches},
	{"a seek by position, frames or bytes finds the frame or says why not", seeks},
	{"views under a pin outlive the trim of their segments", views},
	{"a reader waits until a frame comes or time is up", waits},
	{"verifying, a flipped bit is found", verified},
};

HARNESS_MAIN("reader", tests)
