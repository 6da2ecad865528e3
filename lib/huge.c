/* SPDX-License-Identifier: MIT */
/* floor 1: huge pages for a store on tmpfs (huge.h). */
#define _GNU_SOURCE
#include "huge.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define FROM (UINT64_C(16) << 20) /* allocated already, so that a block is an eighth of it at most */
#define SLOW_NS 1000000           /* 512 small pages take about as long */
#define PAUSE_MOST 10             /* as a shift */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool wanted(struct sfs_file *f, uint64_t block)
{
	struct stat st;

	return f->volatile_fs && f->base && fstat(f->fd, &st) == 0 && (uint64_t)st.st_blocks * 512 >= FROM &&
	       block + SFS_HUGE <= (uint64_t)st.st_size && sfs_file_blank(f, block, SFS_HUGE);
}

/* Where it does not work, or only slowly, it is tried again ever more rarely. */
static bool make(struct sfs_file *f, uint64_t block)
{
	uint64_t start = clock_ns();
	/* the kernel makes no page of a block without any */
	int rc = posix_fallocate(f->fd, (off_t)block, 4096);

	if (rc == 0)
		rc = madvise(f->base + block, SFS_HUGE, MADV_COLLAPSE);
	if (rc == 0 && clock_ns() - start < SLOW_NS) {
		f->huge_failed = 0;
	} else {
		f->huge_pause = 1u << f->huge_failed;
		f->huge_failed += f->huge_failed < PAUSE_MOST;
	}
	return rc == 0;
}

/* Is the block one huge page now? */
static bool try_block(struct sfs_file *f, uint64_t block)
{
	if (!wanted(f, block))
		return false;
	if (!f->huge_pause)
		return make(f, block);
	f->huge_pause--;
	return false;
}

int64_t sfs_huge_back(struct sfs_file *f, uint64_t at, uint64_t n, uint64_t most)
{
	for (uint64_t done = 0; done < n;) {
		uint64_t block = (at + done) & ~(SFS_HUGE - 1), rest = block + SFS_HUGE - (at + done);
		uint64_t part = sfs_min(n - done, rest);
		int rc = 0;

		if (try_block(f, block))
			part = sfs_min(rest, most - done);
		else
			rc = sfs_file_back(f, at + done, part);
		if (rc)
			return rc;
		done += part;
		n = sfs_max(n, done);
	}
	return (int64_t)n;
}
