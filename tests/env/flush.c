/* SPDX-License-Identifier: MIT */
/* A disk that fails: what sync and close return, what stays, and for how long. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env.h"

/* In the place of libc's: fail the nth call from now. */
static int calls, fail_at;
enum { TOGETHER = 12 };
static atomic_int waiting;
static atomic_bool held; /* no flush comes back */

static bool fails(void)
{
	calls++;
	while (atomic_load(&held))
		usleep(1000);
	if (fail_at == 0 || --fail_at > 0)
		return false;
	errno = EIO;
	return true;
}

int fdatasync(int fd)
{
	return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int msync(void *at, size_t n, int flags)
{
	return fails() ? -1 : (int)syscall(SYS_msync, at, n, flags);
}

static struct shmfs *synced(const char *path)
{
	struct shmfs *s;

	fail_at = 0;
	s = store_durable(path);
	if (!s)
		return NULL;
	CU_ASSERT_EQUAL(store_put(s, "k", "synced"), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	CU_ASSERT_EQUAL(store_stat(s).io_error, 0);
	CU_ASSERT_EQUAL(store_put(s, "k", "lost"), 0);
	return s;
}

static void sticks(void)
{
	const char *path = store_path("sticks");
	struct shmfs *s = synced(path), *other, *r;

	if (!s)
		return;
	other = store_open(path, SHMFS_RDWR);
	r = store_open(path, SHMFS_RDONLY);
	fail_at = 1;
	CU_ASSERT_EQUAL(shmfs_sync(s), -EIO);
	CU_ASSERT_EQUAL(fail_at, 0); /* the disk works again, but what was lost is lost */
	CU_ASSERT_EQUAL(shmfs_sync(s), -EIO);
	CU_ASSERT_EQUAL(shmfs_sync(other), -EIO);
	CU_ASSERT_EQUAL(store_stat(s).io_error, 1);
	CU_ASSERT_EQUAL(store_stat(r).io_error, 1);
	CU_ASSERT(store_has(r, "k", "lost"));
	CU_ASSERT_EQUAL(store_put(other, "k", "goes on"), 0);
	CU_ASSERT_EQUAL(frame_put(other, 0), 0);
	CU_ASSERT(store_has(r, "k", "goes on") && frames_in(r) == 1);
	store_good(s);
	CU_ASSERT_EQUAL(shmfs_close(other), 0); /* not the last: nothing to write */
	store_close(r);
	CU_ASSERT_EQUAL(shmfs_close(s), -EIO);
}

/* In this boot the store has all; a failed flush is not forgotten.  A reboot ends it. */
static void until_a_reboot(void)
{
	const char *path = store_path("until"), *copy = store_path("until-copy");
	struct shmfs *s = synced(path);

	if (!s)
		return;
	fail_at = 1;
	CU_ASSERT_EQUAL(shmfs_sync(s), -EIO);
	CU_ASSERT_EQUAL(shmfs_close(s), -EIO);
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(store_has(s, "k", "lost"));
	CU_ASSERT_EQUAL(store_stat(s).io_error, 1);
	CU_ASSERT_EQUAL(shmfs_sync(s), -EIO);
	CU_ASSERT_EQUAL(shmfs_close(s), -EIO);
	copy_file(path, copy);
	reboot(path);
	for (int i = 0; i < 2; i++) {
		s = store_open(i ? copy : path, SHMFS_RDWR);
		/* or all of the one that failed, if what it brought along is there */
		CU_ASSERT(store_has(s, "k", "synced") || store_has(s, "k", "lost"));
		CU_ASSERT_EQUAL(store_stat(s).io_error, 0);
		CU_ASSERT_EQUAL(store_put(s, "k", "again"), 0);
		CU_ASSERT_EQUAL(shmfs_sync(s), 0);
		store_good(s);
		store_close(s);
	}
}

/* Wherever in a sync or a close it fails, a reboot finds this sync or the one before. */
static void anywhere(void)
{
	enum { SMALL, LARGE, CLOSE, KINDS };
	static const char large[300000];
	const char *path = store_path("anywhere");
	struct shmfs *s;
	int got, failed = 0;

	for (int kind = 0; kind < KINDS; kind++) {
		for (int at = 1; at <= 4; at++) {
			unlink(path);
			s = synced(path);
			if (!s)
				return;
			if (kind == LARGE)
				CU_ASSERT_EQUAL(shmfs_put(s, "large", 5, large, sizeof(large), SHMFS_BYTES, NULL), 0);
			fail_at = at;
			if (kind != CLOSE) {
				got = shmfs_sync(s);
				CU_ASSERT_EQUAL(got, fail_at ? 0 : -EIO);
				fail_at = 0;
				CU_ASSERT_EQUAL(shmfs_close(s), got);
			} else {
				got = shmfs_close(s);
				CU_ASSERT_EQUAL(got, fail_at ? 0 : -EIO);
			}
			failed += got != 0;
			reboot(path);
			s = store_open(path, SHMFS_RDWR);
			CU_ASSERT(store_has(s, "k", "lost") || (got && store_has(s, "k", "synced")));
			fail_at = 0;
			CU_ASSERT_EQUAL(shmfs_sync(s), 0);
			store_good(s);
			store_close(s);
		}
	}
	CU_ASSERT_EQUAL(failed, 1 + 2 + 2); /* flushes */
}

/* Not even the creation leaves a file behind. */
static void creation(void)
{
	const char *path = store_path("creation");
	struct shmfs *s = synced(store_path("probe"));
	int got, at;

	if (!s)
		return;
	store_close(s);
	for (at = 1; at < 10; at++) {
		fail_at = at;
		got = try_open(path, SHMFS_RDWR | SHMFS_CREATE);
		if (fail_at)
			break;
		if (got) { /* else it was the close that failed, not the creation */
			CU_ASSERT_EQUAL(got, -EIO);
			CU_ASSERT_EQUAL(access(path, F_OK), -1);
		}
		unlink(path);
	}
	fail_at = 0;
	CU_ASSERT(at > 2);
}

static void nothing_new(void)
{
	struct shmfs *s = synced(store_path("free"));

	if (!s)
		return;
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	calls = 0;
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	CU_ASSERT_EQUAL(calls, 0);
	CU_ASSERT_EQUAL(frame_put(s, 0), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	CU_ASSERT_EQUAL(calls, 2);
	store_close(s);
}

static void *put_and_sync(void *store)
{
	char key[20];

	snprintf(key, sizeof(key), "%lx", (unsigned long)pthread_self());
	CU_ASSERT_EQUAL(store_put(store, key, "v"), 0);
	CU_ASSERT_EQUAL(frame_put(store, 0), 0);
	atomic_fetch_add(&waiting, 1);
	CU_ASSERT_EQUAL(shmfs_sync(store), 0);
	return NULL;
}

/* The first is in its flush when the others come: it has not what they did, one more has it all. */
static void together(void)
{
	struct shmfs *s = synced(store_path("together"));
	pthread_t thread[TOGETHER];

	if (!s)
		return;
	frame_put(s, 0); /* the log's first segment is no small thing */
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	calls = 0;
	atomic_store(&waiting, 0);
	atomic_store(&held, true);
	for (int i = 0; i < TOGETHER; i++) {
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, put_and_sync, s), 0);
		while (atomic_load(&waiting) <= i)
			usleep(1000);
		usleep(i ? 0 : 50000); /* into its flush */
	}
	usleep(50000);
	atomic_store(&held, false);
	for (int i = 0; i < TOGETHER; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT(calls <= 4);
	store_good(s);
	store_close(s);
}

static void volatile_store(void)
{
	struct shmfs *s = store_new(store_path("volatile"));

	CU_ASSERT_EQUAL(store_put(s, "k", "v"), 0);
	calls = 0;
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	CU_ASSERT_EQUAL(calls, 0);
	store_close(s);
}

static const struct harness_test tests[] = {
	{"a failed flush is EIO for every later sync, and reads and puts go on", sticks},
	{"a failed flush stays until a reboot or a copy, as of the last sync or this one", until_a_reboot},
	{"wherever a flush fails, a reboot finds this sync or the one before", anywhere},
	{"a creation whose flush fails leaves no file", creation},
	{"a sync with nothing new flushes nothing", nothing_new},
	{"nor does one of a volatile store", volatile_store},
	{"many who ask at the same time share a checkpoint", together},
};

HARNESS_MAIN("flush", tests)
