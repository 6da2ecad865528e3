/* SPDX-License-Identifier: MIT */
/*
 * The shadow disk: what of the file would be there after a power cut.
 *
 * The kernel may write any dirty page back at any time, in any order, and the disk stores
 * sector by sector: a page may be there in part.  Changes of the file's length and its
 * holes go through a journal: they arrive at any time too, but in the order they were
 * made; and the journal has them before any page that lies in what they made.  After a
 * flush all pages that were dirty before it, and all such changes, are there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut.h"

#define SHADOW_TOP (UINT64_C(1) << 30)
#define PAGES (SHADOW_TOP / DISK_PAGE)
#define SECTORS (DISK_PAGE / DISK_SECTOR)
#define SEGMENT_PAGES 256
#define CHUNK 64 /* pages read at once */

struct disk_change {
	bool hole;
	bool written; /* longer by a write: the length follows the data */
	uint64_t at, n; /* a hole; otherwise the new length is `at` */
	uint64_t from, to; /* pages in there depend on it */
};

static void *reserve(uint64_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return p;
}

static uint64_t length_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("fstat: %s", strerror(errno));
	if ((uint64_t)st.st_size > SHADOW_TOP)
		die("the store outgrew the shadow disk");
	return (uint64_t)st.st_size;
}

/* n bytes of the file; beyond its end zeros. */
static void read_file(int fd, uint64_t at, void *buf, size_t n)
{
	ssize_t got = pread(fd, buf, n, (off_t)at);

	if (got < 0)
		die("pread: %s", strerror(errno));
	memset((char *)buf + got, 0, n - (size_t)got);
}

static bool zeros(const uint8_t *p)
{
	return p[0] == 0 && !memcmp(p, p + 1, DISK_PAGE - 1);
}

/* ---- the journal */

static void erase(struct disk *d, uint64_t at, uint64_t end)
{
	for (uint64_t page = at / DISK_PAGE; page * DISK_PAGE < end; page++) {
		uint64_t start = page * DISK_PAGE < at ? at : page * DISK_PAGE;
		uint64_t stop = (page + 1) * DISK_PAGE < end ? (page + 1) * DISK_PAGE : end;

		if (d->used[page])
			memset(d->shadow + start, 0, stop - start);
	}
}

static void copy(struct disk *d, uint64_t page, unsigned sectors)
{
	uint8_t buf[DISK_PAGE], *to = d->shadow + page * DISK_PAGE;

	read_file(d->fd, page * DISK_PAGE, buf, sizeof(buf));
	if (!d->used[page] && zeros(buf))
		return;
	d->used[page] = 1;
	for (unsigned i = 0; i < SECTORS; i++)
		if (sectors >> i & 1)
			memcpy(to + i * DISK_SECTOR, buf + i * DISK_SECTOR, DISK_SECTOR);
}

/* The first n changes reach the disk. */
static void commit(struct disk *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct disk_change *c = &d->changes[i];

		if (c->hole) {
			erase(d, c->at, c->at + c->n);
			continue;
		}
		if (c->at < d->length)
			erase(d, c->at, d->length);
		d->length = c->at;
		for (uint64_t page = c->from / DISK_PAGE; c->written && page * DISK_PAGE < c->at; page++)
			copy(d, page, ~0u);
	}
	d->n -= n;
	memmove(d->changes, d->changes + n, d->n * sizeof(*d->changes));
}

static void note(struct disk *d, struct disk_change c)
{
	d->changes = realloc(d->changes, (d->n + 1) * sizeof(c));
	if (!d->changes)
		die("out of memory");
	d->changes[d->n++] = c;
}

void disk_note_length(struct disk *d, bool written)
{
	uint64_t now;

	if (d->fd < 0)
		return;
	now = length_of(d->fd);
	/* a length that was set does not wait for data written before */
	for (size_t i = 0; now != d->file_length && !written && i < d->n; i++)
		d->changes[i].written = false;
	if (now != d->file_length)
		note(d, (struct disk_change){.at = now,
		                             .from = now < d->file_length ? now : d->file_length,
		                             .to = UINT64_MAX,
		                             .written = written});
	d->file_length = now;
}

void disk_note_punch(struct disk *d, uint64_t at, uint64_t n)
{
	if (d->fd >= 0)
		note(d, (struct disk_change){.hole = true, .at = at, .n = n, .from = at, .to = at + n});
}

/* Changes that must be on the disk before this page can be. */
static size_t changes_before(const struct disk *d, uint64_t page)
{
	for (size_t n = d->n; n > 0; n--)
		if (d->changes[n - 1].from < (page + 1) * DISK_PAGE && d->changes[n - 1].to > page * DISK_PAGE)
			return n;
	return 0;
}

/* ---- pages */

static void store(struct disk *d, uint64_t page, unsigned sectors)
{
	commit(d, changes_before(d, page));
	if (page * DISK_PAGE < d->length)
		copy(d, page, sectors);
}

struct pages {
	uint64_t *page;
	size_t n, room;
};

static void add_page(struct pages *p, uint64_t page)
{
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 1024;
		p->page = realloc(p->page, p->room * sizeof(*p->page));
		if (!p->page)
			die("out of memory");
	}
	p->page[p->n++] = page;
}

/* The dirty pages of [first, end). */
static void find_dirty(struct disk *d, uint64_t first, uint64_t end, struct pages *p)
{
	static uint8_t buf[CHUNK * DISK_PAGE];
	off_t at = (off_t)(first * DISK_PAGE), stop = (off_t)(end * DISK_PAGE);

	while ((at = lseek(d->fd, at, SEEK_DATA)) >= 0 && at < stop) {
		off_t hole = lseek(d->fd, at, SEEK_HOLE);

		for (hole = hole < 0 || hole > stop ? stop : hole; at < hole; at += (off_t)sizeof(buf)) {
			read_file(d->fd, (uint64_t)at, buf, sizeof(buf));
			for (unsigned i = 0; i < CHUNK && at + (off_t)i * DISK_PAGE < hole; i++) {
				uint64_t page = (uint64_t)at / DISK_PAGE + i;
				const uint8_t *now = buf + i * DISK_PAGE;

				if (d->used[page] ? memcmp(now, d->shadow + page * DISK_PAGE, DISK_PAGE) != 0
				                  : !zeros(now))
					add_page(p, page);
			}
		}
		at = hole;
	}
}

static void shuffle(struct disk *d, struct pages *p)
{
	for (size_t i = p->n; i > 1; i--) {
		size_t j = rng_below(d->rng, i);
		uint64_t page = p->page[j];

		p->page[j] = p->page[i - 1];
		p->page[i - 1] = page;
	}
}

/* A page, or what of it is through when the power goes. */
static unsigned some_sectors(struct disk *d)
{
	return rng_once_in(d->rng, 4) ? (unsigned)rng_next(d->rng) : ~0u;
}

/* ---- what the kernel does */

void disk_write_back(struct disk *d)
{
	struct pages p = {0};
	uint64_t pages = d->file_length / DISK_PAGE, first;

	if (d->fd < 0 || !pages)
		return;
	switch (rng_below(d->rng, 8)) {
	case 0:
		commit(d, rng_below(d->rng, d->n + 1));
		break;
	case 1:
	case 2: /* some of the segment tables, or of any segment */
		first = rng_once_in(d->rng, 2) ? SEGMENT_PAGES : rng_below(d->rng, pages) & ~(SEGMENT_PAGES - 1u);
		find_dirty(d, first, first + SEGMENT_PAGES, &p);
		shuffle(d, &p);
		p.n = rng_below(d->rng, p.n + 1);
		for (size_t i = 0; i < p.n; i++)
			store(d, p.page[i], some_sectors(d));
		free(p.page);
		break;
	default: /* one of the first: they change with everything */
		store(d, rng_below(d->rng, 6), some_sectors(d));
	}
}

void disk_flush(struct disk *d, uint64_t at, uint64_t n, void (*between)(void *arg, size_t i, size_t n),
                void *arg)
{
	struct pages p = {0}, late = {0};
	size_t journal;

	if (d->fd < 0)
		return;
	if (n > d->file_length - at)
		n = d->file_length - at;
	find_dirty(d, at / DISK_PAGE, (at + n + DISK_PAGE - 1) / DISK_PAGE, &p);
	shuffle(d, &p);
	/* the journal comes when it comes; until then what depends on it is as good as not there */
	journal = rng_below(d->rng, p.n + 1);
	for (size_t i = 0; i < p.n; i++) {
		if (i == journal)
			commit(d, d->n);
		if (i < journal && changes_before(d, p.page[i])) {
			add_page(&late, p.page[i]);
			continue;
		}
		if (rng_once_in(d->rng, 8))
			store(d, p.page[i], some_sectors(d));
		between(arg, i, p.n + 1);
		store(d, p.page[i], ~0u);
	}
	commit(d, d->n);
	for (size_t i = 0; i < late.n; i++)
		store(d, late.page[i], ~0u);
	between(arg, p.n, p.n + 1);
	free(p.page);
	free(late.page);
}

void disk_tear(struct disk *d, uint64_t at, const void *new, size_t n)
{
	size_t most = n / 8 - 1, through = rng_below(d->rng, most);
	uint8_t *to = d->shadow + at;

	if (d->fd < 0 || at + n > d->length)
		return;
	d->used[at / DISK_PAGE] = 1;
	memcpy(to, new, through * 8);
	for (size_t i = n - 4; i < n; i++) /* the sum is the last word; it is wrong first */
		to[i] = (uint8_t)~((const uint8_t *)new)[i];
}

void disk_begin(struct disk *d, const char *path, struct rng *rng)
{
	struct pages p = {0};

	*d = (struct disk){.rng = rng, .shadow = reserve(SHADOW_TOP), .used = reserve(PAGES)};
	d->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (d->fd < 0)
		die("%s: %s", path, strerror(errno));
	d->length = d->file_length = length_of(d->fd);
	find_dirty(d, 0, (d->length + DISK_PAGE - 1) / DISK_PAGE, &p);
	for (size_t i = 0; i < p.n; i++)
		store(d, p.page[i], ~0u);
	free(p.page);
}

void disk_end(struct disk *d)
{
	if (d->fd < 0)
		return;
	close(d->fd);
	munmap(d->shadow, SHADOW_TOP);
	munmap(d->used, PAGES);
	free(d->changes);
	*d = (struct disk){.fd = -1};
}

void disk_image(const struct disk *d, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	for (uint64_t at = 0; at < d->length; at += DISK_PAGE) {
		uint64_t n = d->length - at < DISK_PAGE ? d->length - at : DISK_PAGE;

		if (d->used[at / DISK_PAGE] && pwrite(fd, d->shadow + at, n, (off_t)at) != (ssize_t)n)
			die("%s: %s", path, strerror(errno));
	}
	if (ftruncate(fd, (off_t)d->length) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}
