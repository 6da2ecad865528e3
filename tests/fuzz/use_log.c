/* SPDX-License-Identifier: MIT */
/* The log's part of use.h. */
#include "use.h"

#include <errno.h>
#include <string.h>

#define ROOM (1u << 20)

static unsigned char room[ROOM];

static size_t size_of(uint64_t i)
{
	return i % 64 == 5 ? 20000 : i * 7 % 90;
}

void use_fill_log(struct shmfs *s, uint64_t frames)
{
	struct shmfs_frame many[3] = {{"one", 3, 0}, {"", 0, 0}, {"three", 5, 0}};
	struct shmfs_batch *b;
	uint64_t position = 0;
	void *data;

	for (uint64_t i = 0; i < frames; i++) {
		value_fill(room, size_of(i), i);
		if (shmfs_log_append(s, room, size_of(i), &position))
			die("append");
		if (i == frames / 3 && shmfs_cursor_create(s, "third", 5, position))
			die("cursor");
	}
	if (shmfs_log_append_many(s, many, 3) || shmfs_cursor_create(s, "end", 3, SHMFS_LOG_END))
		die("append many");
	/* padded behind its one frame */
	if (shmfs_log_begin(s, &b, 200, 4) || shmfs_log_frame(b, 10, &data))
		die("begin");
	memset(data, 'b', 10);
	if (shmfs_log_commit(b, NULL))
		die("commit");
}

static int meet(void *arg, const void *name, size_t size, uint64_t position)
{
	uint64_t *last = arg;

	*last ^= position + size + (size ? *(const unsigned char *)name : 0);
	return 0;
}

static void view_some(struct shmfs *s, struct shmfs_reader *reader, int n)
{
	struct shmfs_frame_view view;
	uint64_t sum = 0;

	while (n-- && !use_code(shmfs_reader_view(reader, &view))) {
		use_inside(s, view.data, view.size);
		for (uint64_t at = 0; at < view.size; at += 512)
			sum += ((const unsigned char *)view.data)[at];
		use_code(shmfs_reader_view_valid(reader, &view));
	}
	room[0] = (unsigned char)sum;
}

static void seek_some(struct shmfs_reader *reader, struct rng *r)
{
	int64_t to = (int64_t)rng_size(r, 100000);

	switch (rng_below(r, 4)) {
	case 0:
		use_code(shmfs_reader_seek(reader, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_BEGIN));
		break;
	case 1:
		use_code(shmfs_reader_seek(reader, SHMFS_SEEK_POSITION, to & ~INT64_C(15)));
		break;
	case 2:
		use_code(shmfs_reader_seek(reader, SHMFS_SEEK_BYTES, to));
		break;
	default:
		use_code(shmfs_reader_seek(reader, SHMFS_SEEK_FRAMES, to % 50 * (to & 1 ? 1 : -1)));
	}
}

static void read_frames(struct shmfs *s, struct shmfs_reader *reader, struct rng *r, int n)
{
	struct shmfs_frame frames[8];
	size_t size, got;

	for (int i = 0; i < n; i++) {
		size = rng_once_in(r, 4) ? rng_below(r, 100) : ROOM;
		switch (rng_below(r, 6)) {
		case 0:
			use_code(shmfs_reader_next_batch(reader, frames, 8, room, size, &got));
			break;
		case 1:
			use_code(shmfs_reader_prev(reader, room, &size, NULL));
			break;
		case 2:
			view_some(s, reader, 3);
			break;
		case 3:
			seek_some(reader, r);
			break;
		default:
			use_code(shmfs_reader_next(reader, room, &size, NULL));
		}
	}
}

void use_log_read(struct shmfs *s, struct rng *r, int n)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	struct shmfs_reader *reader;
	uint64_t position = SHMFS_LOG_BEGIN;

	use_code(shmfs_log_bounds(s, &b));
	use_code(shmfs_log_lag(s, SHMFS_LOG_BEGIN, &lag));
	use_code(shmfs_cursor_walk(s, meet, &position));
	position = rng_once_in(r, 2) ? SHMFS_LOG_BEGIN : SHMFS_LOG_END;
	if (rng_once_in(r, 3))
		use_code(shmfs_cursor_get(s, "third", 5, &position));
	use_code(shmfs_log_lag(s, position, &lag));
	if (use_code(shmfs_reader_open(s, &reader, position)))
		return;
	read_frames(s, reader, r, n);
	use_code(shmfs_reader_wait(reader, 0));
	use_code(shmfs_reader_seek(reader, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_BEGIN));
	view_some(s, reader, n * 8);
	shmfs_reader_close(reader);
}

static void batch(struct shmfs *s, struct rng *r)
{
	struct shmfs_batch *b;
	void *data;

	if (use_code(shmfs_log_begin(s, &b, 1000, 8)))
		return;
	for (uint64_t n = rng_below(r, 9); n; n--) {
		size_t size = rng_below(r, 200);

		if (!use_code(shmfs_log_frame(b, size, &data))) {
			use_inside(s, data, size);
			memset(data, 'f', size);
		}
	}
	if (rng_once_in(r, 2))
		use_code(shmfs_log_commit(b, NULL));
	else
		shmfs_log_abort(b);
}

static void cursors(struct shmfs *s, struct rng *r)
{
	char name = (char)('a' + rng_below(r, 3));
	uint64_t position = 0;

	use_code(shmfs_cursor_create(s, &name, 1, SHMFS_LOG_END));
	use_code(shmfs_cursor_get(s, "third", 5, &position));
	use_code(shmfs_cursor_cas(s, &name, 1, &position, SHMFS_LOG_BEGIN));
	use_code(shmfs_cursor_set(s, "third", 5, position));
	if (rng_once_in(r, 2))
		use_code(shmfs_cursor_rename(s, &name, 1, "other", 5));
	else
		use_code(shmfs_cursor_del(s, &name, 1));
}

void use_log_write(struct shmfs *s, struct rng *r, int n)
{
	struct shmfs_frame many[3] = {{"one", 3, 0}, {"", 0, 0}, {"three", 5, 0}};

	for (int i = 0; i < n; i++)
		switch (rng_below(r, 8)) {
		case 0:
			use_code(shmfs_log_append_many(s, many, 3));
			break;
		case 1:
			batch(s, r);
			break;
		case 2:
			cursors(s, r);
			break;
		case 3:
			use_code(shmfs_log_trim(s, rng_size(r, UINT64_C(1) << 26)));
			break;
		default:
			use_code(shmfs_log_append(s, room, rng_size(r, i == 3 ? ROOM : 500), NULL));
		}
}
