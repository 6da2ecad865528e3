/* SPDX-License-Identifier: MIT */
/* Files in memory, restored page by page. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "format.h"
#include "fuzz.h"
#include "session.h"

static struct fuzz_arena arenas[FUZZ_IMAGES], empty;
static const unsigned char zeros[FUZZ_PAGE];

static void make(struct fuzz_arena *a)
{
	a->fd = memfd_create("store", MFD_CLOEXEC);
	if (a->fd < 0)
		die("memfd_create: %s", strerror(errno));
	snprintf(a->path, sizeof(a->path), "/proc/self/fd/%d", a->fd);
	a->map = mmap(NULL, FUZZ_MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->fd, 0);
	if (a->map == MAP_FAILED || sfs_session_id(a->fd, a->session))
		die("mmap: %s", strerror(errno));
}

void fuzz_resize(struct fuzz_arena *a, uint64_t size)
{
	if (ftruncate(a->fd, (off_t)size))
		die("ftruncate: %s", strerror(errno));
	a->size = size;
}

/* The next run of pages that have memory, from `at` on. */
static bool next_extent(const struct fuzz_arena *a, uint64_t *at, uint64_t *end)
{
	off_t data = lseek(a->fd, (off_t)*at, SEEK_DATA), hole;

	if (data < 0)
		return false;
	hole = lseek(a->fd, data, SEEK_HOLE);
	*at = (uint64_t)data;
	*end = (uint64_t)hole;
	return true;
}

/* Pages that the image does not have become holes. */
static void punch_others(struct fuzz_arena *a)
{
	const struct fuzz_image *im = a->image;
	uint64_t at = 0, end;
	unsigned k = 0;

	for (; next_extent(a, &at, &end); at = end)
		while (at < end) {
			uint64_t stop;

			while (k < im->npages && (uint64_t)im->pages[k] * FUZZ_PAGE < at)
				k++;
			stop = k < im->npages ? (uint64_t)im->pages[k] * FUZZ_PAGE : end;
			stop = stop < end ? stop : end;
			if (stop > at)
				fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
				          (off_t)(stop - at));
			at = stop < end ? stop + FUZZ_PAGE : end;
		}
}

struct fuzz_arena *fuzz_arena(unsigned image)
{
	struct fuzz_arena *a = &arenas[image];
	const struct fuzz_image *im = &fuzz_images[image];

	if (!a->map)
		make(a);
	a->image = im;
	fuzz_resize(a, im->size);
	punch_others(a);
	for (unsigned i = 0; i < im->npages; i++) {
		size_t at = (size_t)im->pages[i] * FUZZ_PAGE;

		if (memcmp(a->map + at, im->bytes + at, FUZZ_PAGE) != 0)
			memcpy(a->map + at, im->bytes + at, FUZZ_PAGE);
	}
	return a;
}

struct fuzz_arena *fuzz_arena_empty(void)
{
	if (!empty.map)
		make(&empty);
	fuzz_resize(&empty, 0);
	return &empty;
}

uint64_t fuzz_sum(struct fuzz_arena *a)
{
	uint64_t at = 0, end;
	struct stat st;
	uint32_t crc = 0;

	if (fstat(a->fd, &st))
		die("fstat: %s", strerror(errno));
	for (; next_extent(a, &at, &end); at = end)
		for (; at < end; at += FUZZ_PAGE)
			if (memcmp(a->map + at, zeros, FUZZ_PAGE) != 0)
				crc = sfs_crc32c(sfs_crc32c(crc, &at, sizeof(at)), a->map + at, FUZZ_PAGE);
	return (uint64_t)st.st_size << 32 ^ crc;
}
