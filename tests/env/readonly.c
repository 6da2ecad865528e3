/* SPDX-License-Identifier: MIT */
/* Files that may only be read, or not even that; and readers, who never write. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"

#define NOBODY 65534

static const char *made(const char *name)
{
	const char *path = store_path(name);
	struct shmfs *s = store_new(path);

	for (uint64_t key = 0; key < 1000; key++)
		CU_ASSERT_EQUAL(shmfs_put(s, &key, sizeof(key), "value", 5, 0, NULL), 0);
	for (uint64_t n = 0; n < 100; n++)
		CU_ASSERT_EQUAL(frame_put(s, n), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "c", 1, 0), 0);
	store_close(s);
	return path;
}

/* All that a read-only handle can do. */
static int all_of_reading(const char *path, int64_t frames)
{
	struct shmfs_check_result check = {.struct_size = sizeof(check)};
	struct shmfs_log_bounds bounds = {.struct_size = sizeof(bounds)};
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs *s;
	struct shmfs_reader *r;
	struct shmfs_iter *it;
	struct shmfs_entry e;
	struct shmfs_pin *pin;
	struct shmfs_view view;
	uint64_t key = 7, at;
	char room[16];
	size_t size = sizeof(room);
	int n = 0;

	WANT(shmfs_open(&s, path, SHMFS_RDONLY, NULL) == 0);
	WANT(shmfs_get(s, &key, sizeof(key), room, &size, NULL) == 0);
	WANT(shmfs_pin(s, &pin) == 0);
	WANT(shmfs_view(s, &key, sizeof(key), &view) == 0 && shmfs_view_valid(s, &view) == 0);
	WANT(shmfs_iter_open(s, &it, 0) == 0);
	while (shmfs_iter_next(it, &e) == 0)
		n++;
	WANT(n == 1000);
	shmfs_iter_close(it);
	shmfs_unpin(pin);
	WANT(frames_in(s) == frames);
	WANT(shmfs_reader_open(s, &r, SHMFS_LOG_END) == 0);
	WANT(shmfs_reader_wait(r, 30) == -ETIMEDOUT);
	size = sizeof(room);
	WANT(shmfs_reader_prev(r, room, &size, NULL) == 0);
	WANT(shmfs_reader_seek(r, SHMFS_SEEK_FRAMES, -5) == 0);
	shmfs_reader_close(r);
	WANT(shmfs_log_bounds(s, &bounds) == 0 && bounds.frames == (uint64_t)frames);
	WANT(shmfs_cursor_get(s, "c", 1, &at) == 0);
	WANT(shmfs_stat(s, &st) == 0 && st.keys == 1000);
	WANT(shmfs_check(s, &check, NULL, NULL) == 0 && check.problems == 0);
	WANT(shmfs_put(s, "k", 1, "v", 1, 0, NULL) == -EROFS);
	WANT(shmfs_del(s, &key, sizeof(key), 0, NULL) == -EROFS);
	WANT(shmfs_log_append(s, "v", 1, NULL) == -EROFS);
	WANT(shmfs_log_trim(s, 0) == -EROFS);
	WANT(shmfs_cursor_set(s, "c", 1, 0) == -EROFS);
	WANT(shmfs_sync(s) == -EROFS);
	WANT(shmfs_close(s) == 0);
	return 0;
}

static int on_read_only_mount(void *arg)
{
	const char *path = arg, *dir = harness_dir();
	char missing[5000];
	int flags[] = {SHMFS_RDWR, SHMFS_RDWR | SHMFS_CREATE};

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(dir, dir, NULL, MS_BIND, NULL) ||
	    mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL))
		return 77;
	WANT(all_of_reading(path, 100) == 0);
	for (int i = 0; i < 2; i++)
		WANT(try_open(path, flags[i]) == -EROFS);
	snprintf(missing, sizeof(missing), "%s/missing", dir);
	WANT(try_open(missing, SHMFS_RDWR) == -ENOENT);
	WANT(try_open(missing, SHMFS_RDWR | SHMFS_CREATE) == -EROFS);
	return 0;
}

static void read_only_mount(void)
{
	const char *path = made("mounted");
	struct bytes before = file_read(path);
	int got = in_child(on_read_only_mount, (void *)path);

	if (got == 77)
		harness_skip("needs root, for a mount namespace");
	else
		CU_ASSERT_EQUAL(got, 0);
	CU_ASSERT(file_is(path, before));
}

static int become_nobody(void)
{
	return setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY);
}

static int by_nobody(void *arg)
{
	const char *path = arg;
	char missing[5000];

	if (become_nobody())
		return 77;
	WANT(chmod(path, 0600) < 0);
	WANT(all_of_reading(path, 100) == 0);
	WANT(try_open(path, SHMFS_RDWR) == -EACCES);
	WANT(try_open(path, SHMFS_RDWR | SHMFS_CREATE) == -EACCES);
	WANT(try_open(path, SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL) == -EACCES);
	snprintf(missing, sizeof(missing), "%s/missing", harness_dir());
	WANT(try_open(missing, SHMFS_RDWR | SHMFS_CREATE) == -EACCES);
	return 0;
}

static int shut_out(void *arg)
{
	int flags[] = {SHMFS_RDONLY, SHMFS_RDWR, SHMFS_RDWR | SHMFS_CREATE};

	if (become_nobody())
		return 77;
	for (int i = 0; i < 3; i++)
		WANT(try_open(arg, flags[i]) == -EACCES);
	return 0;
}

static void as_nobody(int (*run)(void *), const char *path, mode_t file, mode_t dir)
{
	struct bytes before = file_read(path);
	int got;

	CU_ASSERT(chmod(path, file) == 0 && chmod(harness_dir(), dir) == 0);
	got = in_child(run, (void *)path);
	chmod(harness_dir(), 0700);
	if (got == 77)
		harness_skip("needs root, to become nobody");
	else
		CU_ASSERT_EQUAL(got, 0);
	CU_ASSERT(file_is(path, before));
}

static void file_read_only(void)
{
	as_nobody(by_nobody, made("readable"), 0444, 0755);
}

static void file_unreadable(void)
{
	as_nobody(shut_out, made("unreadable"), 0600, 0755);
}

static void directory_shut(void)
{
	as_nobody(shut_out, made("shut"), 0666, 0700);
}

/* ---- readers never write ----------------------------------------------------------------------- */

static int leaves_much(struct child *c)
{
	struct shmfs *s = store_open(c->path, SHMFS_RDWR);
	struct shmfs_batch *b;

	WANT(shmfs_log_begin(s, &b, 100, 1) == 0); /* a reserved frame, and the hints behind it */
	for (uint64_t n = 100; n < 200; n++)
		WANT(frame_put(s, n) == 0);
	child_wait(c);
	return 0;
}

static void never_writes(void)
{
	const char *path = made("untouched");
	struct child c;

	for (int way = 0; way < 3; way++) {
		struct bytes before;

		if (way == 1) { /* a writer killed in the middle */
			c = child_start(leaves_much, path, 0);
			CU_ASSERT(child_at(&c, 1));
			child_kill(&c, SIGKILL);
		}
		if (way == 2) { /* closed again, and rebooted: the checkpoint */
			CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR), 0);
			reboot(path);
		}
		before = file_read(path);
		CU_ASSERT_EQUAL(all_of_reading(path, way ? 200 : 100), 0);
		CU_ASSERT(file_is(path, before));
	}
}

static const struct harness_test tests[] = {
	{"on a read-only file system a store is read, and EROFS to write", read_only_mount},
	{"a file one may only read is read, and EACCES to write", file_read_only},
	{"a file one may not read is EACCES", file_unreadable},
	{"a directory one may not enter is EACCES", directory_shut},
	{"whatever a reader does, closed, after a kill, after a reboot, no byte changes", never_writes},
};

HARNESS_MAIN("readonly", tests)
