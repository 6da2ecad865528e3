/* SPDX-License-Identifier: MIT */
/* Cursors: names for positions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../rig.h"
#include "frames.h"

#define NAME(text) text, sizeof(text) - 1

static uint64_t stands(struct shmfs *s, const char *name)
{
	uint64_t at = 0;

	CU_ASSERT_EQUAL(shmfs_cursor_get(s, name, strlen(name), &at), 0);
	return at;
}

static void made_moved_deleted(void)
{
	const char *path = store_path("life");
	struct shmfs *s = store_new(path), *r = store_open(path, SHMFS_RDONLY);
	uint64_t first = frame_append(s, 1, 100), second = frame_append(s, 2, 100), at;

	CU_ASSERT_EQUAL(shmfs_cursor_get(s, NAME("a"), &at), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), first), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_cursor_del(s, NAME("a")), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), first), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), first), -EEXIST);
	CU_ASSERT_EQUAL(stands(s, "a"), first);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), second), 0);
	CU_ASSERT_EQUAL(stands(r, "a"), second);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), SHMFS_LOG_END), 0);
	CU_ASSERT_EQUAL(stands(r, "a"), frame_bounds(s).end);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), SHMFS_LOG_BEGIN), 0);
	CU_ASSERT_EQUAL(stands(r, "a"), first);
	CU_ASSERT_EQUAL(shmfs_cursor_set(r, NAME("a"), first), -EROFS);
	CU_ASSERT_EQUAL(shmfs_cursor_del(s, NAME("a")), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_get(r, NAME("a"), &at), -ENOENT);
	store_close(r);
	store_good(s);
	store_close(s);
}

static void only_frames(void)
{
	struct shmfs *s = store_new(store_path("only"));
	uint64_t at = frame_append(s, 1, 100), end = at + frame_room(100);

	frame_fill_to(s, 2 * SEGMENT);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), at + 16), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), at + 5), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), 2 * SEGMENT + 16), -ERANGE);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), 2 * SEGMENT), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), end), 0);
	CU_ASSERT_EQUAL(shmfs_log_trim(s, SEGMENT), 0);
	CU_ASSERT_EQUAL(stands(s, "a"), end); /* left behind, and still readable */
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), end), -ESTALE);
	CU_ASSERT_EQUAL(shmfs_cursor_set(s, NAME("a"), SEGMENT), 0);
	store_close(s);
}

/* Beside a reader that asks in any order, positions are told from the middle of frames. */
static void every_position(void)
{
	enum { N = 4000 };
	struct shmfs *s = store_new(store_path("every"));
	static uint64_t at[N];
	struct rng r = {3};

	for (uint64_t i = 0; i < N; i++)
		at[i] = frame_append(s, i, rng_size(&r, 20000));
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), 0), 0);
	for (int i = 0; i < 3 * N; i++) {
		uint64_t n = rng_below(&r, N - 1);
		bool pad = at[n + 1] % SEGMENT == 0;

		if (shmfs_cursor_set(s, NAME("a"), at[n]) || stands(s, "a") != at[n])
			CU_FAIL("a frame's position");
		if (!pad && at[n + 1] - at[n] > 16 &&
		    shmfs_cursor_set(s, NAME("a"), at[n] + 16 * (1 + rng_below(&r, (at[n + 1] - at[n]) / 16 - 1))) != -EINVAL)
			CU_FAIL("the middle of a frame");
	}
	store_close(s);
}

static void by_comparison(void)
{
	struct shmfs *s = store_new(store_path("cas"));
	uint64_t first = frame_append(s, 1, 10), second = frame_append(s, 2, 10), expected = second;

	CU_ASSERT_EQUAL(shmfs_cursor_cas(s, NAME("a"), &expected, first), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), first), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_cas(s, NAME("a"), &expected, second), -EAGAIN);
	CU_ASSERT_EQUAL(expected, first);
	CU_ASSERT_EQUAL(shmfs_cursor_cas(s, NAME("a"), &expected, second), 0);
	CU_ASSERT_EQUAL(stands(s, "a"), second);
	store_close(s);
}

static int add_up(void *arg, const void *name, size_t n, uint64_t position)
{
	uint64_t *sum = arg;

	(void)name;
	sum[0] += n;
	sum[1] += position;
	return ++sum[2] == sum[3];
}

static void walked_and_renamed(void)
{
	struct shmfs *s = store_new(store_path("walk"));
	uint64_t sum[4] = {0}, at = 0, total = 0, size = 0;
	char name[300];

	CU_ASSERT_EQUAL(shmfs_cursor_walk(s, add_up, sum), 0);
	CU_ASSERT_EQUAL(sum[2], 0);
	for (int i = 1; i <= 255; i++) {
		memset(name, i, (size_t)i);
		at = frame_append(s, 1, (size_t)i);
		CU_ASSERT_EQUAL(shmfs_cursor_create(s, name, (size_t)i, at), 0);
		total += at;
		size += (uint64_t)i;
	}
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, name, 256, at), -E2BIG);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, name, 0, at), -EINVAL);
	CU_ASSERT_EQUAL(shmfs_cursor_walk(s, add_up, sum), 0);
	CU_ASSERT(sum[0] == size && sum[1] == total && sum[2] == 255);
	sum[3] = 300;
	CU_ASSERT_EQUAL(shmfs_cursor_walk(s, add_up, sum), 1);
	/* name is 255 times 255 */
	CU_ASSERT_EQUAL(shmfs_cursor_rename(s, name, 255, "\1", 1), -EEXIST);
	CU_ASSERT_EQUAL(shmfs_cursor_rename(s, NAME("none"), NAME("new")), -ENOENT);
	CU_ASSERT_EQUAL(shmfs_cursor_rename(s, name, 255, NAME("new")), 0);
	CU_ASSERT_EQUAL(stands(s, "new"), at);
	CU_ASSERT_EQUAL(shmfs_cursor_get(s, name, 255, &at), -ENOENT);
	memset(sum, 0, sizeof(sum));
	CU_ASSERT_EQUAL(shmfs_cursor_walk(s, add_up, sum), 0);
	CU_ASSERT(sum[0] == size - 255 + 3 && sum[1] == total && sum[2] == 255);
	store_good(s);
	store_close(s);
}

static void kept(void)
{
	const char *path = store_path("kept");
	struct shmfs *s = store_new(path);
	uint64_t at = frame_append(s, 1, 10), keys = store_stat(s).keys;

	at = frame_append(s, 2, 10);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, NAME("a"), at), 0);
	CU_ASSERT_EQUAL(store_stat(s).keys, keys); /* not one of the user's keys */
	CU_ASSERT(store_has(s, "a", NULL));
	for (int i = 0; i < 20000; i++) /* so that the cleaner meets it */
		CU_ASSERT_EQUAL(shmfs_put(s, "k", 1, path, 300, 0, NULL), 0);
	CU_ASSERT_EQUAL(stands(s, "a"), at);
	store_close(s);
	s = store_open(path, SHMFS_RDONLY);
	CU_ASSERT_EQUAL(stands(s, "a"), at);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT_EQUAL(stands(s, "a"), at);
	store_good(s);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a cursor is made, moved and deleted, and read by others", made_moved_deleted},
	{"a cursor stands at a frame that is kept, or at the end", only_frames},
	{"every frame's position is told from the middle of one", every_position},
	{"a cursor moves only if it stands where it is thought to", by_comparison},
	{"every cursor is met in a walk, under its last name", walked_and_renamed},
	{"cursors outlive a close and the cleaner, and are no keys", kept},
};

HARNESS_MAIN("cursor", tests)
