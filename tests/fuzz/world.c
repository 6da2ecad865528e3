/* SPDX-License-Identifier: MIT */
/*
 * The library's own calls of getrandom(), clock_gettime() and fstatfs() come here, since the
 * program's definitions go before those of libc.
 */
#define _GNU_SOURCE
#include <linux/magic.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

static bool is_frozen, is_disk;
static uint64_t now;

void fuzz_freeze(bool frozen)
{
	is_frozen = frozen;
}

void fuzz_disk(bool disk)
{
	is_disk = disk;
}

ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
	if (!is_frozen)
		return syscall(SYS_getrandom, buf, n, flags);
	memset(buf, 0x5a, n);
	return (ssize_t)n;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (!is_frozen)
		return (int)syscall(SYS_clock_gettime, clock, t);
	now += 1000;
	*t = (struct timespec){1700000000 + (time_t)(now / 1000000000), (long)(now % 1000000000)};
	return 0;
}

int fstatfs(int fd, struct statfs *fs)
{
	int rc = (int)syscall(SYS_fstatfs, fd, fs);

	if (rc == 0)
		fs->f_type = is_disk ? EXT4_SUPER_MAGIC : TMPFS_MAGIC;
	return rc;
}
