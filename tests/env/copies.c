/* SPDX-License-Identifier: MIT */
/* Copies, of a store closed, open or killed; and copies put in its place. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "env.h"

/* Keys 0 to n-1, each of this value, and as many frames as they are in all. */
static int puts_of(struct shmfs *s, int n, const char *value)
{
	char key[16];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%d", i);
		if (store_put(s, key, value))
			return -1;
	}
	return 0;
}

static int holds(struct shmfs *s, int n, const char *value)
{
	char key[16];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%d", i);
		if (!store_has(s, key, value))
			return 0;
	}
	return 1;
}

/* Read, then written, then read again. */
static void opens_as(const char *path, int n, const char *value, int64_t frames)
{
	struct shmfs *s = store_open(path, SHMFS_RDONLY);

	CU_ASSERT(holds(s, n, value));
	CU_ASSERT_EQUAL(store_stat(s).keys, (uint64_t)n);
	CU_ASSERT_EQUAL(frames_in(s), frames);
	store_good(s);
	store_close(s);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(holds(s, n, value));
	CU_ASSERT_EQUAL(store_stat(s).keys, (uint64_t)n);
	CU_ASSERT_EQUAL(frame_put(s, (uint64_t)frames), 0);
	CU_ASSERT_EQUAL(frames_in(s), frames + 1);
	CU_ASSERT_EQUAL(store_put(s, "more", "works"), 0);
	CU_ASSERT_EQUAL(shmfs_del(s, "more", 4, 0, NULL), 0);
	store_good(s);
	store_close(s);
}

static struct shmfs *some(const char *path, bool durable)
{
	struct shmfs *s = durable ? store_durable(path) : store_new(path);

	if (!s)
		return NULL;
	CU_ASSERT_EQUAL(puts_of(s, 3000, "old"), 0);
	for (uint64_t n = 0; n < 100; n++)
		CU_ASSERT_EQUAL(frame_put(s, n), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	return s;
}

static void change(struct shmfs *s)
{
	CU_ASSERT_EQUAL(puts_of(s, 5000, "new"), 0);
	for (uint64_t n = (uint64_t)frames_in(s); n < 300; n++)
		CU_ASSERT_EQUAL(frame_put(s, n), 0);
}

/* ---- copies ---------------------------------------------------------------------------- */

static void of_closed(bool durable)
{
	const char *path = store_path("closed"), *copy = store_path("copy");
	struct shmfs *s = some(path, durable);

	if (!s)
		return;
	change(s);
	store_close(s);
	copy_file(path, copy);
	opens_as(copy, 5000, "new", 300);
	opens_as(path, 5000, "new", 300);
}

static void of_closed_durable(void)
{
	of_closed(true);
}

static void of_closed_volatile(void)
{
	of_closed(false);
}

static void of_open_durable(void)
{
	const char *path = store_path("open"), *copy = store_path("copy");
	struct shmfs *s = some(path, true);

	if (!s)
		return;
	change(s);
	copy_file(path, copy);
	opens_as(copy, 3000, "old", 100);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	copy_file(path, copy);
	opens_as(copy, 5000, "new", 300);
	store_close(s);
}

static int writes_and_waits(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);

	if (puts_of(s, 5000, "new"))
		return 1;
	child_wait(c);
	return 0;
}

static void of_killed(bool durable)
{
	const char *path = store_path("killed"), *copy = store_path("copy");
	struct shmfs *s = some(path, durable);
	struct child c;

	if (!s)
		return;
	store_close(s);
	c = child_start(writes_and_waits, path, 0);
	CU_ASSERT(child_at(&c, 1));
	child_kill(&c, SIGKILL);
	copy_file(path, copy);
	if (durable) {
		opens_as(copy, 3000, "old", 100);
	} else {
		CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDONLY), SHMFS_E_NOT_CLOSED);
		CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDWR), SHMFS_E_NOT_CLOSED);
		CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDWR | SHMFS_CREATE), SHMFS_E_NOT_CLOSED);
	}
	opens_as(path, 5000, "new", 100); /* itself it lost nothing */
}

static void of_killed_durable(void)
{
	of_killed(true);
}

static void of_killed_volatile(void)
{
	of_killed(false);
}

/* ---- in the place of the store ------------------------------------------------------------ */

static void renamed_over(void)
{
	const char *path = store_path("place"), *copy = store_path("backup");
	struct shmfs *s = some(path, false), *r;

	store_close(s);
	copy_file(path, copy);
	s = store_open(path, SHMFS_RDWR);
	change(s);
	r = store_open(path, SHMFS_RDONLY);
	store_close(s);
	CU_ASSERT_EQUAL(rename(copy, path), 0);
	opens_as(path, 3000, "old", 100);
	/* who has the file of before open goes on reading that */
	CU_ASSERT(holds(r, 5000, "new") && frames_in(r) == 300);
	store_close(r);
}

/* The inode, and so the session, are those of the store: the live page of the copy is trusted, and
 * it is of the same moment as all the rest. */
static void copied_over(bool durable)
{
	const char *path = store_path("over"), *copy = store_path("backup");
	struct shmfs *s = some(path, durable);

	if (!s)
		return;
	store_close(s);
	copy_file(path, copy);
	s = store_open(path, SHMFS_RDWR);
	change(s);
	store_close(s);
	copy_file(copy, path);
	opens_as(path, 3000, "old", 100);
	s = store_open(path, SHMFS_RDWR);
	change(s);
	store_good(s);
	store_close(s);
	opens_as(path, 5000, "new", 300);
}

static void copied_over_durable(void)
{
	copied_over(true);
}

static void copied_over_volatile(void)
{
	copied_over(false);
}

/* After the store was cut to nothing and grew again, cp leaves holes where there was space. */
static void copied_over_with_holes(void)
{
	const char *path = store_path("holes"), *copy = store_path("backup");
	struct shmfs *s = some(path, false);
	char command[10000];

	store_close(s);
	snprintf(command, sizeof(command), "cp --sparse=always '%s' '%s' && cp --sparse=always '%s' '%s'", path,
	         copy, copy, path);
	CU_ASSERT_EQUAL(system(command), 0);
	opens_as(path, 3000, "old", 100);
	s = store_open(path, SHMFS_RDWR);
	change(s);
	store_good(s);
	store_close(s);
}

/* A copy of the open store, made within this boot, on the inode of the store: the same session,
 * and pages that no process had mapped at one moment.  Here nobody wrote during the copy. */
static void open_copied_over(void)
{
	const char *path = store_path("same"), *copy = store_path("backup");
	struct shmfs *s = some(path, false);

	copy_file(path, copy); /* volatile and open: of no checkpoint */
	change(s);
	store_close(s);
	CU_ASSERT_EQUAL(try_open(copy, SHMFS_RDWR), SHMFS_E_NOT_CLOSED);
	copy_file(copy, path);
	opens_as(path, 3000, "old", 100);
}

/* The same, but the copy is a mixture: first half of one moment, second half of another. */
static void mixture(void)
{
	const char *path = store_path("mixture");
	struct shmfs *s = store_new(path);
	struct shmfs_check_result r = {.struct_size = sizeof(r)};
	struct bytes first, second;

	CU_ASSERT_EQUAL(puts_of(s, 20000, "a value of some length, so that there is more than one segment"), 0);
	first = file_read(path);
	for (int round = 0; round < 4; round++)
		CU_ASSERT_EQUAL(puts_of(s, 30000, "another one, which goes to another place in the file"), 0);
	second = file_read(path);
	store_close(s);
	memset(first.data + (3 << 20), 0, first.size - (3 << 20));
	file_write(path, second.data, second.size);
	poke(path, 0, first.data, 3 << 20); /* tables and live page of before, data of after */
	free(first.data);
	free(second.data);
	if (shmfs_open(&s, path, SHMFS_RDWR, NULL))
		return; /* told at once */
	CU_ASSERT(shmfs_check(s, &r, NULL, NULL) != 0 || r.problems > 0);
	shmfs_close(s);
}

/* ---- over a store that is open -------------------------------------------------------------- */

static int uses_it(struct child *c)
{
	struct shmfs *s = store_open(c->path, c->what ? SHMFS_RDWR : SHMFS_RDONLY);
	char key[16];
	int got;

	WANT(holds(s, 3000, "old"));
	child_wait(c);
	for (int i = 0; i < 5000; i++) {
		size_t size = sizeof(key);

		snprintf(key, sizeof(key), "%d", i);
		got = shmfs_get(s, key, strlen(key), key, &size, NULL);
		WANT(got == 0 || got == -ENOENT || got == -EIO || got == -EUCLEAN || got == -EAGAIN);
		if (!c->what)
			continue;
		got = store_put(s, key, "after");
		WANT(got == 0 || got == -EIO || got == -EUCLEAN || got == -ENOSPC);
		got = frame_put(s, 1);
		WANT(got == 0 || got == -EIO || got == -EUCLEAN || got == -ENOSPC);
	}
	got = shmfs_close(s);
	WANT(got == 0 || got == -EIO || got == -EUCLEAN);
	return 0;
}

/* What cp does to the file of an open store is to cut it and to write another one into it.  One of
 * another boot is noticed by who writes; one of this boot is not. */
static void over_an_open_one(void)
{
	const char *path = store_path("used"), *copy = store_path("backup");

	for (int i = 0; i < 4; i++) {
		bool writes = i & 1, other_boot = i & 2;
		struct shmfs *s;
		struct child c;

		unlink(path);
		s = some(path, false);
		store_close(s);
		copy_file(path, copy);
		if (other_boot)
			reboot(copy);
		c = child_start(uses_it, path, writes);
		CU_ASSERT(child_at(&c, 1));
		copy_file(copy, path);
		child_go(&c);
		CU_ASSERT_EQUAL(child_end(&c), 0);
		if (other_boot)
			opens_as(path, 3000, "old", 100); /* nothing was written to it */
	}
}

static const struct harness_test tests[] = {
	{"a copy of a closed durable store is complete", of_closed_durable},
	{"a copy of a closed volatile store is complete", of_closed_volatile},
	{"a copy of an open durable store is as of the last sync, and nothing after it", of_open_durable},
	{"a copy of a killed durable store is as of its last sync, itself it lost nothing", of_killed_durable},
	{"a copy of a killed volatile store is refused, itself it lost nothing", of_killed_volatile},
	{"a backup renamed to the place of the store is complete, and readers keep the old one", renamed_over},
	{"a backup copied over the closed durable store is complete", copied_over_durable},
	{"a backup copied over the closed volatile store is complete", copied_over_volatile},
	{"a backup with holes copied over the closed store is complete", copied_over_with_holes},
	{"a copy of an idle open store put over it is as of the copy", open_copied_over},
	{"a mixture of two moments put over the store is refused, or found by check", mixture},
	{"a backup copied over an open store is error or data, no signal", over_an_open_one},
};

HARNESS_MAIN("copies", tests)
