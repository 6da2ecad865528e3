/* SPDX-License-Identifier: MIT */
/* The file as a kill leaves it (image.h). */
#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/format.h"
#include "../../lib/session.h"
#include "../rig.h"

#define PAGES_MOST UINT64_C(65536)
#define SEEN_SHIFT 21 /* images told apart, as a shift, and not too full */
#define RUN_MOST 256  /* pages written at once */

char image_live[4096], image_path[4096];

static unsigned char *shadow;            /* the live file's bytes */
static uint64_t pages[PAGES_MOST];       /* a hash of each page; 0: it is zeros */
static uint64_t size, sum;               /* its length; of all hashes */
static uint64_t top;                     /* behind the last page that is not zeros */
static uint64_t session[2][2];           /* the live file's, the image's */
static int live = -1;
static uint64_t *seen, nseen;

static _Noreturn void failed(const char *path)
{
	die("%s: %s", path, strerror(errno));
}

void image_place(const char *dir)
{
	scratch(image_live, sizeof(image_live), dir, "step");
	scratch(image_path, sizeof(image_path), dir, "step-image");
	shadow = mmap(NULL, PAGES_MOST * SFS_PAGE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	seen = calloc(UINT64_C(1) << SEEN_SHIFT, sizeof(*seen));
	if (shadow == MAP_FAILED || !seen)
		die("no memory");
}

static uint64_t hash_page(uint64_t number, const unsigned char *bytes)
{
	uint64_t h = number + 1, any = 0, w;

	for (size_t i = 0; i < SFS_PAGE; i += 8) {
		memcpy(&w, bytes + i, 8);
		any |= w;
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return any ? h | 1 : 0;
}

static bool set_page(uint64_t number, const unsigned char *bytes)
{
	unsigned char *to = shadow + number * SFS_PAGE;
	uint64_t h;

	if (!memcmp(to, bytes, SFS_PAGE))
		return false;
	memcpy(to, bytes, SFS_PAGE);
	h = hash_page(number, bytes);
	sum += h - pages[number];
	pages[number] = h;
	if (h && number >= top)
		top = number + 1;
	return true;
}

/* As far as the file has no holes: those read as zeros, which is what the shadow holds. */
static bool read_pages(uint64_t at, uint64_t end)
{
	unsigned char page[SFS_PAGE];
	bool any = false;

	for (at &= ~(SFS_PAGE - 1); at < end; at += SFS_PAGE) {
		ssize_t n = pread(live, page, sizeof(page), (off_t)at);

		if (n < 0 || at >= PAGES_MOST * SFS_PAGE)
			failed(image_live);
		memset(page + n, 0, sizeof(page) - (size_t)n);
		any |= set_page(at / SFS_PAGE, page);
	}
	return any;
}

/* The live file's length; 0 while there is none. */
static uint64_t look(void)
{
	struct stat st = {0};

	if (live < 0) {
		live = open(image_live, O_RDONLY | O_CLOEXEC);
		if (live < 0 && errno == ENOENT)
			return 0;
		if (live < 0 || sfs_session_id(live, session[0]))
			failed(image_live);
	}
	if (fstat(live, &st))
		failed(image_live);
	return (uint64_t)st.st_size;
}

void image_begin(void)
{
	off_t data = 0, hole;

	if (live >= 0)
		close(live);
	live = -1;
	madvise(shadow, PAGES_MOST * SFS_PAGE, MADV_DONTNEED);
	memset(pages, 0, sizeof(pages));
	memset(seen, 0, sizeof(*seen) << SEEN_SHIFT);
	top = sum = nseen = 0;
	size = look();
	if (live < 0)
		size = UINT64_MAX; /* an empty file is a change */
	for (; live >= 0 && (data = lseek(live, data, SEEK_DATA)) >= 0; data = hole) {
		hole = lseek(live, data, SEEK_HOLE);
		read_pages((uint64_t)data, (uint64_t)hole);
	}
}

bool image_update(uint64_t at, uint64_t n)
{
	static const unsigned char zeros[SFS_PAGE];
	uint64_t length = look(), old = size;
	bool any = read_pages(at, at + n < length ? at + n : length);

	for (uint64_t i = (length + SFS_PAGE - 1) / SFS_PAGE; i < top; i++)
		any |= set_page(i, zeros);
	size = length;
	return any || size != old;
}

bool image_new(void)
{
	uint64_t mask = (UINT64_C(1) << SEEN_SHIFT) - 1, key = (sum ^ size << 20) | 1, i;

	for (i = key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SEEN_SHIFT); seen[i]; i = (i + 1) & mask)
		if (seen[i] == key)
			return false;
	if (nseen++ > mask / 2)
		die("more images than expected");
	seen[i] = key;
	return true;
}

/* The session word that the live file has is, in the image, the image's. */
static void patch_session(int fd)
{
	uint64_t at = SFS_AT_LIVE + offsetof(struct sfs_live, boot), now[2];

	if (!session[1][0] && sfs_session_id(fd, session[1]))
		failed(image_path);
	memcpy(now, shadow + at, sizeof(now));
	for (int i = 0; i < 2; i++)
		if (now[i] == session[0][i] && pwrite(fd, &session[1][i], 8, (off_t)at + i * 8) != 8)
			failed(image_path);
}

void image_write(bool same_session)
{
	int fd = open(image_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t n;

	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, (off_t)size))
		failed(image_path);
	for (uint64_t i = 0; i < top; i += n) {
		for (n = 0; i + n < top && pages[i + n] && n < RUN_MOST; n++)
			;
		if (n && pwrite(fd, shadow + i * SFS_PAGE, n * SFS_PAGE, (off_t)(i * SFS_PAGE)) < 0)
			failed(image_path);
		n += n == 0;
	}
	if (ftruncate(fd, (off_t)size)) /* the last page may be longer */
		failed(image_path);
	if (same_session && size >= SFS_METADATA_BYTES)
		patch_session(fd);
	close(fd);
}

const char *image_copy(void)
{
	static char path[sizeof(image_path) + 5];
	static unsigned char buf[RUN_MOST * SFS_PAGE];
	int from = open(image_path, O_RDONLY | O_CLOEXEC), to;
	struct stat st;
	off_t at = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s.copy", image_path);
	to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (from < 0 || to < 0 || fstat(from, &st) || ftruncate(to, st.st_size))
		failed(path);
	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		n = lseek(from, at, SEEK_HOLE) - at;
		n = pread(from, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf), at);
		if (n <= 0 || pwrite(to, buf, (size_t)n, at) != n)
			failed(path);
		at += n;
	}
	close(from);
	close(to);
	return path;
}
