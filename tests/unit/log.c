/* SPDX-License-Identifier: MIT */
/* Appending: frames, batches, frames written in place. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../rig.h"
#include "frames.h"

static void any_size(void)
{
	static const size_t sizes[] = {0, 1, 7, 8, 15, 16, 17, 65531, 65532, 70000, SHMFS_FRAME_MAX, 3};
	enum { N = sizeof(sizes) / sizeof(*sizes) };
	const char *path = store_path("sizes");
	struct shmfs *s = store_new(path), *ro;
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_END);
	uint64_t end = 0;

	for (size_t i = 0; i < N; i++) {
		uint64_t at = frame_append(s, i, sizes[i]);

		CU_ASSERT(at >= end);
		CU_ASSERT_EQUAL(at % 16, 0);
		end = at + frame_room(sizes[i]);
		CU_ASSERT(frame_next(r, i, sizes[i]));
	}
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	shmfs_reader_close(r);
	store_good(s);
	ro = store_open(path, SHMFS_RDONLY);
	r = frame_reader(ro, SHMFS_LOG_BEGIN);
	for (size_t i = 0; i < N; i++)
		CU_ASSERT(frame_next(r, i, sizes[i]));
	for (size_t i = N; i-- > 0;)
		CU_ASSERT(frame_prev(r, i, sizes[i]));
	shmfs_reader_close(r);
	CU_ASSERT_EQUAL(shmfs_log_append(ro, "x", 1, NULL), -EROFS);
	store_close(ro);
	store_close(s);
}

static void too_large(void)
{
	struct shmfs *s = store_new(store_path("large"));
	static char byte;
	struct shmfs_frame two[] = {{&byte, 1, 0}, {&byte, SHMFS_FRAME_MAX + 1, 0}};
	struct shmfs_batch *b = NULL;

	CU_ASSERT_EQUAL(shmfs_log_append(s, &byte, SHMFS_FRAME_MAX + 1, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_append_many(s, two, 2), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, SHMFS_FRAME_MAX + 1, 1), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, SHMFS_FRAME_MAX, 3), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_append(s, NULL, 1, NULL), -EINVAL);
	CU_ASSERT_EQUAL(frame_bounds(s).end, 0);
	store_close(s);
}

static unsigned char payload[64][1000];

static uint64_t many(struct shmfs *s, uint64_t seed, size_t n, size_t size)
{
	struct shmfs_frame f[64];

	for (size_t i = 0; i < n; i++) {
		value_fill(payload[i], size, seed + i);
		f[i] = (struct shmfs_frame){payload[i], size, 0};
	}
	CU_ASSERT_EQUAL(shmfs_log_append_many(s, f, n), 0);
	for (size_t i = 1; i < n; i++)
		CU_ASSERT_EQUAL(f[i].position, f[0].position + i * frame_room(size));
	return f[0].position;
}

/* Wherever in a segment's last bytes the batch begins. */
static void batch_over_the_end(void)
{
	struct shmfs *s = store_new(store_path("over"));
	uint64_t sum = 40 * frame_room(100), at;
	struct shmfs_reader *r;

	for (uint64_t i = 0; i < 5; i++) {
		static const uint64_t left[] = {16, 32, 4992, 0, 0};
		uint64_t stands = (i + 1) * SEGMENT - (i == 3 ? sum : i == 4 ? sum - 16 : left[i]);

		frame_fill_to(s, stands);
		r = frame_reader(s, SHMFS_LOG_END);
		at = many(s, 1000 * i, 40, 100);
		CU_ASSERT_EQUAL(at, i == 3 ? stands : (i + 1) * SEGMENT);
		for (uint64_t k = 0; k < 40; k++)
			CU_ASSERT(frame_next(r, 1000 * i + k, 100));
		CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
		for (uint64_t k = 40; k-- > 0;)
			CU_ASSERT(frame_prev(r, 1000 * i + k, 100));
		shmfs_reader_close(r);
	}
	store_good(s);
	store_close(s);
}

static void batch_too_large(void)
{
	struct shmfs *s = store_new(store_path("whole"));
	unsigned char *half = calloc(1, SEGMENT / 2);
	struct shmfs_frame f[] = {{half, SEGMENT / 2 - 16, 0}, {half, SEGMENT / 2 - 16, 0}, {NULL, 0, 0}};

	CU_ASSERT_EQUAL(shmfs_log_append_many(s, f, 3), -EMSGSIZE);
	CU_ASSERT_EQUAL(frame_bounds(s).frames, 0);
	CU_ASSERT_EQUAL(shmfs_log_append_many(s, f, 0), 0);
	CU_ASSERT_EQUAL(shmfs_log_append_many(s, f, 2), 0); /* exactly a segment */
	CU_ASSERT_EQUAL(frame_bounds(s).frames, 2);
	CU_ASSERT_EQUAL(frame_bounds(s).end, SEGMENT);
	frame_append(s, 1, 1);
	CU_ASSERT_EQUAL(shmfs_log_append_many(s, f, 2), 0);
	CU_ASSERT_EQUAL(f[0].position, 2 * SEGMENT);
	free(half);
	store_close(s);
}

static void in_place(void)
{
	struct shmfs *s = store_new(store_path("place"));
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	struct shmfs_batch *b;
	uint64_t at = 1;
	void *p;

	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 3000, 10), 0);
	for (uint64_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(shmfs_log_frame(b, i * 100, &p), 0);
		CU_ASSERT_EQUAL((uintptr_t)p % 8, 0);
		value_fill(p, i * 100, i);
	}
	/* others write on behind it, but nobody sees that before the commit */
	frame_append(s, 50, 50);
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	CU_ASSERT_EQUAL(frame_bounds(s).frames, 0);
	CU_ASSERT_EQUAL(shmfs_log_commit(b, &at), 0);
	CU_ASSERT_EQUAL(at, 0);
	for (uint64_t i = 0; i < 5; i++)
		CU_ASSERT(frame_next(r, i, i * 100));
	CU_ASSERT(frame_next(r, 50, 50));
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	CU_ASSERT(frame_prev(r, 50, 50));
	for (uint64_t i = 5; i-- > 0;)
		CU_ASSERT(frame_prev(r, i, i * 100));
	CU_ASSERT_EQUAL(frame_bounds(s).frames, 6);
	CU_ASSERT_EQUAL(frame_bounds(s).bytes, 1050);
	shmfs_reader_close(r);
	store_good(s);
	store_close(s);
}

static void beyond_the_reserved(void)
{
	struct shmfs *s = store_new(store_path("beyond"));
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	struct shmfs_batch *b;
	void *p;

	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 100, 2), 0);
	CU_ASSERT_EQUAL(shmfs_log_frame(b, 60, &p), 0);
	value_fill(p, 60, 1);
	CU_ASSERT_EQUAL(shmfs_log_frame(b, 1000, &p), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_frame(b, SIZE_MAX, &p), -EMSGSIZE);
	CU_ASSERT_EQUAL(shmfs_log_frame(b, 40, &p), 0);
	value_fill(p, 40, 2);
	CU_ASSERT_EQUAL(shmfs_log_frame(b, 0, &p), -EMSGSIZE); /* a third */
	CU_ASSERT_EQUAL(shmfs_log_commit(b, NULL), 0);
	CU_ASSERT(frame_next(r, 1, 60));
	CU_ASSERT(frame_next(r, 2, 40));
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	/* the largest there is */
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, SHMFS_FRAME_MAX, 1), 0);
	CU_ASSERT_EQUAL(shmfs_log_frame(b, SHMFS_FRAME_MAX, &p), 0);
	value_fill(p, SHMFS_FRAME_MAX, 3);
	CU_ASSERT_EQUAL(shmfs_log_commit(b, NULL), 0);
	CU_ASSERT(frame_next(r, 3, SHMFS_FRAME_MAX));
	shmfs_reader_close(r);
	store_close(s);
}

static void aborted(void)
{
	struct shmfs *s = store_new(store_path("aborted"));
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	struct shmfs_batch *b;
	void *p;

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(shmfs_log_begin(s, &b, 100, 3), 0);
		for (int k = 0; k < i; k++)
			CU_ASSERT_EQUAL(shmfs_log_frame(b, 10, &p), 0);
		frame_append(s, (uint64_t)i, 20);
		if (i)
			shmfs_log_abort(b);
		else
			CU_ASSERT_EQUAL(shmfs_log_commit(b, NULL), 0); /* of nothing */
	}
	shmfs_log_abort(NULL);
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT(frame_next(r, i, 20));
	CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
	for (uint64_t i = 3; i-- > 0;)
		CU_ASSERT(frame_prev(r, i, 20));
	CU_ASSERT_EQUAL(frame_bounds(s).frames, 3);
	shmfs_reader_close(r);
	store_good(s);
	store_close(s);
}

/* Who appended them knows that they are done, and need not look; but not what was reserved before. */
static void behind_an_open_batch(void)
{
	struct shmfs_log_bounds before = {.struct_size = sizeof(before)}, now = before;
	struct shmfs *s = store_new(store_path("behind"));
	struct shmfs_batch *batch;
	char bytes[64] = "";
	uint64_t at;
	void *data;

	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(shmfs_log_append(s, bytes, sizeof(bytes), &at), 0);
	CU_ASSERT_EQUAL(shmfs_log_bounds(s, &before), 0);
	CU_ASSERT_EQUAL(shmfs_log_begin(s, &batch, 64, 1), 0);
	for (int i = 0; i < 2000; i++)
		CU_ASSERT_EQUAL(shmfs_log_append(s, bytes, sizeof(bytes), &at), 0);
	CU_ASSERT_EQUAL(shmfs_log_bounds(s, &now), 0);
	CU_ASSERT_EQUAL(now.end, before.end);
	CU_ASSERT_EQUAL(now.frames, before.frames);
	CU_ASSERT_EQUAL(shmfs_log_frame(batch, 64, &data), 0);
	memset(data, 0, 64);
	CU_ASSERT_EQUAL(shmfs_log_commit(batch, &at), 0);
	CU_ASSERT_EQUAL(at, before.end);
	CU_ASSERT_EQUAL(shmfs_log_bounds(s, &now), 0);
	CU_ASSERT_EQUAL(now.frames, before.frames + 2001);
	store_good(s);
	store_close(s);
}

/* Killed between begin and commit, its frames all but complete. */
static int begin_and_die(void *path)
{
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	struct shmfs_batch *b;
	void *p;

	frame_append(s, 1, 100);
	if (shmfs_log_begin(s, &b, 300, 3))
		return 1;
	for (int i = 0; i < 3; i++) {
		if (shmfs_log_frame(b, 90, &p))
			return 1;
		value_fill(p, 90, 77);
	}
	frame_append(s, 2, 100);
	_Exit(0);
}

static void left_by_the_dead(void)
{
	static const int flags[] = {SHMFS_RDONLY, SHMFS_RDWR, SHMFS_RDONLY};
	const char *path = store_path("dead");
	struct shmfs *s = store_new(path), *beside = store_open(path, SHMFS_RDWR);

	CU_ASSERT_EQUAL(in_child(begin_and_die, (void *)path), 0);
	for (int i = 0; i < 3; i++) {
		struct shmfs *reader = i == 1 ? beside : store_open(path, flags[i]);
		struct shmfs_reader *r = frame_reader(reader, SHMFS_LOG_BEGIN);

		CU_ASSERT(frame_next(r, 1, 100));
		CU_ASSERT(frame_next(r, 2, 100));
		CU_ASSERT_EQUAL(frame_none(r), -ENODATA);
		CU_ASSERT(frame_prev(r, 2, 100));
		CU_ASSERT(frame_prev(r, 1, 100));
		CU_ASSERT_EQUAL(frame_bounds(reader).frames, 2);
		CU_ASSERT_EQUAL(frame_bounds(reader).bytes, 200);
		shmfs_reader_close(r);
		if (i != 1)
			store_close(reader);
	}
	store_good(s);
	store_close(beside);
	store_close(s);
}

/* Who asks often does not have the frames counted. */
static void stat_in_part(void)
{
	struct shmfs *s = store_new(store_path("part"));
	struct shmfs_stat all = {.struct_size = sizeof(all)}, part;

	memset(&part, 0xee, sizeof(part));
	part.struct_size = offsetof(struct shmfs_stat, log_head);
	store_put(s, "k", "v");
	CU_ASSERT_EQUAL(shmfs_log_append(s, "frame", 5, NULL), 0);
	CU_ASSERT_EQUAL(shmfs_stat(s, &part), 0);
	CU_ASSERT_EQUAL(shmfs_stat(s, &all), 0);
	CU_ASSERT_EQUAL(part.struct_size, offsetof(struct shmfs_stat, log_head));
	CU_ASSERT_EQUAL(part.keys, 1);
	CU_ASSERT_EQUAL(part.puts, all.puts);
	CU_ASSERT_EQUAL(all.log_frames, 1);
	CU_ASSERT_EQUAL(part.log_frames, UINT64_C(0xeeeeeeeeeeeeeeee));
	part.struct_size = sizeof(part) + 1;
	CU_ASSERT_EQUAL(shmfs_stat(s, &part), -EINVAL);
	part.struct_size = 0;
	CU_ASSERT_EQUAL(shmfs_stat(s, &part), -EINVAL);
	shmfs_close(s);
}

static const struct harness_test tests[] = {
	{"a frame of any size is read back as it was appended", any_size},
	{"what is too large is refused before a byte lands", too_large},
	{"a batch that does not fit into a segment goes whole into the next", batch_over_the_end},
	{"a batch larger than a segment is refused, one as large is not", batch_too_large},
	{"frames written in place appear at once, with the commit", in_place},
	{"a frame beyond what was reserved is refused, and the batch stays", beyond_the_reserved},
	{"an aborted batch never was", aborted},
	{"the end stays before a batch begun, whatever its writer appends behind it", behind_an_open_batch},
	{"a batch whose writer died never was, read forward or backward", left_by_the_dead},
	{"what is asked in part leaves out the log", stat_in_part},
};

HARNESS_MAIN("log", tests)
