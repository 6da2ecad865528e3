/* SPDX-License-Identifier: MIT */
/* Full disks: file systems of our own, in a mount namespace of our own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

static const char *full_dir;

static int mount_small(const char *options)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	return mount("shmfs-test", full_dir, "tmpfs", 0, options);
}

/* Take what is left, to the last byte. */
static void fill_up(const char *name)
{
	static char zeros[4096];
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	close(fd);
}

static int on_tmpfs(void)
{
	return mount_small("size=24m");
}

/* One where a sync makes page copies necessary. */
static int on_ext4(void)
{
	char command[5000];

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	snprintf(command, sizeof(command),
	         "i=/dev/shm/shmfs-full.%d; truncate -s 28M $i && mkfs.ext4 -q -O ^has_journal $i && "
	         "mount -o loop $i %s; s=$?; rm -f $i; exit $s", (int)getpid(), full_dir);
	return system(command);
}

struct full {
	int (*make)(void);
	size_t size;       /* of a value */
	uint64_t interval; /* deletes between syncs */
};

static int fill_disk(void *arg)
{
	const struct full *f = arg;
	size_t size = f->size;
	char path[5000], ballast[5000];
	uint64_t n, i;
	struct shmfs *s;
	int got = 0;

	if (f->make())
		return 77;
	snprintf(path, sizeof(path), "%s/s", full_dir);
	snprintf(ballast, sizeof(ballast), "%s/ballast", full_dir);
	WANT(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL) == 0);
	for (n = 0; n < 1000000 && !(got = store_number(s, n, size)); n++)
		;
	WANT(got == -ENOSPC);
	WANT(n * size > 8 << 20);
	fill_up(ballast);
	WANT(store_number(s, n, size) == -ENOSPC);
	for (i = 0; i < n; i++)
		WANT(store_has_number(s, i, size));
	WANT(store_sound(s));
	/* Every delete works, with not a byte left, in whatever order. */
	for (i = 0; i < n; i++) {
		uint64_t key = i * 7919 % n;

		got = shmfs_del(s, &key, sizeof(key), 0, NULL);
		WANT(got == 0 || got == -ENOENT);
		WANT(i % f->interval || shmfs_sync(s) == 0);
	}
	for (i = 0; i < n; i++) {
		got = shmfs_del(s, &i, sizeof(i), 0, NULL);
		WANT(got == 0 || got == -ENOENT);
	}
	WANT(store_sound(s));
	/* What was deleted is room for as much again, give or take the spares. */
	for (i = 0; i < n / 2; i++)
		WANT(store_number(s, i, size) == 0);
	for (i = 0; i < n / 2; i++)
		WANT(store_has_number(s, i, size));
	WANT(store_sound(s));
	WANT(shmfs_close(s) == 0);
	WANT(shmfs_open(&s, path, SHMFS_RDWR, NULL) == 0);
	for (i = 0; i < n / 2; i++)
		WANT(store_has_number(s, i, size));
	WANT(store_sound(s));
	return shmfs_close(s) != 0;
}

static int create_on_full(void *arg)
{
	struct shmfs *s;
	char path[5000];

	(void)arg;
	for (int kib = 4; kib <= 8192; kib *= 2) {
		char options[32];
		int got;

		snprintf(options, sizeof(options), "size=%dk", kib);
		WANT(mount_small(options) == 0);
		snprintf(path, sizeof(path), "%s/s", full_dir);
		got = shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL);
		WANT(got == 0 || got == -ENOSPC);
		if (!got) {
			got = store_number(s, 1, 100);
			WANT(got == 0 || got == -ENOSPC);
			WANT(shmfs_close(s) == 0);
		} else {
			/* Room again: the half-made file is in nobody's way. */
			WANT(mount(NULL, full_dir, NULL, MS_REMOUNT, "size=32m") == 0);
			WANT(shmfs_open(&s, path, SHMFS_RDWR | SHMFS_CREATE, NULL) == 0);
			WANT(store_number(s, 1, 100) == 0 && store_has_number(s, 1, 100));
			WANT(shmfs_close(s) == 0);
		}
		WANT(umount(full_dir) == 0);
	}
	return 0;
}

static int may_mount(void)
{
	full_dir = full_dir ? full_dir : store_path("full");
	if (geteuid() != 0 || (mkdir(full_dir, 0700) && errno != EEXIST)) {
		harness_skip("needs root, to mount a small file system");
		return 0;
	}
	return 1;
}

static void fill(int (*make)(void), size_t size, uint64_t interval)
{
	struct full f = {make, size, interval};
	int got;

	if (!may_mount())
		return;
	got = in_child(fill_disk, &f);
	if (got == 77)
		harness_skip("cannot mount a small file system");
	else
		CU_ASSERT_EQUAL(got, 0);
}

static void tmpfs_of_small(void)
{
	fill(on_tmpfs, 500, 1000);
}

static void tmpfs_of_medium(void)
{
	fill(on_tmpfs, 300000, 1);
}

static void tmpfs_of_large(void)
{
	fill(on_tmpfs, 900000, 1);
}

static void disk_of_small(void)
{
	fill(on_ext4, 500, 30);
}

static void disk_of_pages(void)
{
	fill(on_ext4, 5000, 1);
}

static void disk_of_medium(void)
{
	fill(on_ext4, 300000, 1);
}

static void born_on_full(void)
{
	if (may_mount())
		CU_ASSERT_EQUAL(in_child(create_on_full, NULL), 0);
}

static const struct harness_test tests[] = {
	{"a tmpfs full of small values: all there, and deletes make room", tmpfs_of_small},
	{"a tmpfs full of values of 300 KB: all there, and deletes make room", tmpfs_of_medium},
	{"a tmpfs full of large values: all there, and deletes make room", tmpfs_of_large},
	{"a disk full of small values: all there, and deletes make room", disk_of_small},
	{"a disk full of values of 5 KB: all there, and deletes make room", disk_of_pages},
	{"a disk full of values of 300 KB: all there, and deletes make room", disk_of_medium},
	{"a store is created or not on a disk almost full, and later for sure", born_on_full},
};

HARNESS_MAIN("full", tests)
