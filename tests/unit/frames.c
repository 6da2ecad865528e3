/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include <stdio.h>

#include "../rig.h"

static unsigned char room[SHMFS_FRAME_MAX];

uint64_t frame_room(uint64_t size)
{
	return (size + 31) & ~UINT64_C(15);
}

uint64_t frame_append(struct shmfs *s, uint64_t seed, size_t size)
{
	uint64_t position = 0;
	int got;

	value_fill(room, size, seed);
	got = shmfs_log_append(s, room, size, &position);
	if (got)
		printf("# append of %zu bytes: %s\n", size, shmfs_strerror(got));
	CU_ASSERT_EQUAL(got, 0);
	return position;
}

void frame_fill_to(struct shmfs *s, uint64_t position)
{
	uint64_t end;

	while ((end = frame_bounds(s).end) < position) {
		uint64_t left = position - end, most = SEGMENT - end % SEGMENT;

		frame_append(s, 0, (left < most ? left : most) - 16);
	}
	CU_ASSERT_EQUAL_FATAL(end, position);
}

static int same(int got, size_t got_size, uint64_t seed, size_t size)
{
	if (got || got_size != size)
		printf("# a frame of %zu bytes: %s, %zu bytes\n", size, shmfs_strerror(got), got_size);
	return got == 0 && got_size == size && value_is(room, size, seed);
}

int frame_next(struct shmfs_reader *r, uint64_t seed, size_t size)
{
	size_t got_size = sizeof(room);
	int got = shmfs_reader_next(r, room, &got_size, NULL);

	return same(got, got_size, seed, size);
}

int frame_prev(struct shmfs_reader *r, uint64_t seed, size_t size)
{
	size_t got_size = sizeof(room);
	int got = shmfs_reader_prev(r, room, &got_size, NULL);

	return same(got, got_size, seed, size);
}

int frame_none(struct shmfs_reader *r)
{
	size_t size = sizeof(room);

	return shmfs_reader_next(r, room, &size, NULL);
}

struct shmfs_reader *frame_reader(struct shmfs *s, uint64_t position)
{
	struct shmfs_reader *r = NULL;

	CU_ASSERT_EQUAL_FATAL(shmfs_reader_open(s, &r, position), 0);
	return r;
}

struct shmfs_log_bounds frame_bounds(struct shmfs *s)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};

	CU_ASSERT_EQUAL(shmfs_log_bounds(s, &b), 0);
	return b;
}
