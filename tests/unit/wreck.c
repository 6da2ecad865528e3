/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../rig.h"
#include "wreck.h"

#define OLDER 1000000 /* seed of the values that were overwritten */

unsigned char wreck_room[WRECK_ROOM];
static unsigned told, stale; /* values that were overwritten, and are back */

/* ---- a store that knows what it should be ------------------------------------------------------ */

static size_t size_of(unsigned i)
{
	return i % 1000 == 7 ? 300000 + i * 100 : i % 50 == 1 ? 5000 : i % 120;
}

int wreck_put(struct shmfs *s, unsigned i, uint64_t seed)
{
	value_fill(wreck_room, size_of(i), seed);
	return shmfs_put(s, &i, sizeof(i), wreck_room, size_of(i), SHMFS_BYTES, NULL);
}

static bool has(struct shmfs *s, unsigned i)
{
	size_t size = sizeof(wreck_room);
	int got = shmfs_get(s, &i, sizeof(i), wreck_room, &size, NULL);

	if (got == 0 && size == size_of(i) && value_is(wreck_room, size, i))
		return true;
	if (got == 0 && size == size_of(i) && value_is(wreck_room, size, i + OLDER)) {
		stale++;
	} else if (got == 0) {
		printf("# key %u has a wrong value\n", i);
		CU_FAIL("a wrong value");
	}
	return got == 0;
}

/* Keys are overwritten once; every eleventh is deleted; frames are of odd sizes; two cursors. */
static void fill(struct shmfs *s)
{
	for (unsigned i = 0; i < WRECK_KEYS; i++)
		CU_ASSERT_EQUAL(wreck_put(s, i, i + OLDER), 0);
	for (unsigned i = 0; i < WRECK_KEYS; i++)
		CU_ASSERT_EQUAL(wreck_put(s, i, i), 0);
	for (unsigned i = 0; i < WRECK_KEYS; i += 11)
		CU_ASSERT_EQUAL(shmfs_del(s, &i, sizeof(i), 0, NULL), 0);
	for (unsigned i = 0; i < WRECK_FRAMES; i++)
		frame_append(s, i, i * 13 % 700);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "begin", 5, SHMFS_LOG_BEGIN), 0);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "end", 3, SHMFS_LOG_END), 0);
}

bool wreck_deleted(unsigned i)
{
	return i % 11 == 0;
}

const char *wreck_made(const char *name, bool durable)
{
	const char *path = store_path(name);
	struct shmfs *s = durable ? store_open(path, SHMFS_RDWR | SHMFS_CREATE) : store_new(path);

	fill(s);
	store_close(s);
	return path;
}

/* ---- damage --------------------------------------------------------------------------------------- */

void wreck_poke(const char *path, uint64_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	CU_ASSERT_EQUAL(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
	close(fd);
}

void wreck_flip(const char *path, uint64_t at, unsigned char with)
{
	int fd = open(path, O_RDWR);
	unsigned char c;

	CU_ASSERT_EQUAL(pread(fd, &c, 1, (off_t)at), 1);
	c ^= with;
	CU_ASSERT_EQUAL(pwrite(fd, &c, 1, (off_t)at), 1);
	close(fd);
}

void wreck_wipe(const char *path, uint64_t at, size_t n, int with)
{
	unsigned char *bytes = malloc(n);

	memset(bytes, with, n);
	wreck_poke(path, at, bytes, n);
	free(bytes);
}

/* The file as it was; holes stay holes. */
void wreck_restore(const char *path, const struct bytes *b)
{
	static const unsigned char zeros[4096];
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, (off_t)b->size))
		CU_FAIL_FATAL("cannot restore");
	for (size_t at = 0; at < b->size; at += sizeof(zeros))
		if (memcmp(b->data + at, zeros, sizeof(zeros)) &&
		    pwrite(fd, b->data + at, sizeof(zeros), (off_t)at) != (ssize_t)sizeof(zeros))
			CU_FAIL_FATAL("cannot restore");
	close(fd);
}

struct wreck_where wreck_find(const char *path, unsigned i)
{
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	struct sfs_key key = sfs_key(s, SFS_USER, &i, sizeof(i));
	uint64_t root = sfs_relaxed(&s->live->root.word);
	struct wreck_where w = {.root = sfs_word_page(root), .super = *s->super};
	struct sfs_hit hit;

	CU_ASSERT_EQUAL(sfs_index_find(s, root, &key, &hit), 0);
	w.record = hit.ref;
	w.slot = sfs_offset(s, hit.slot);
	w.bucket = w.slot & ~(SFS_PAGE - 1);
	CU_ASSERT_EQUAL(sfs_log_find(s, root, 0, &w.log), 0);
	store_close(s);
	return w;
}

/* ---- repair, and what must be true afterwards --------------------------------------------------- */

void wreck_tell(void *arg, uint64_t offset, const char *text)
{
	(void)arg;
	told++;
	if (getenv("REPAIR_VERBOSE"))
		printf("# %#llx: %s\n", (unsigned long long)offset, text);
}

struct shmfs_check_result wreck_repair(const char *path)
{
	struct shmfs_check_result r = {.struct_size = sizeof(r)}, again = {.struct_size = sizeof(again)};
	int got;

	told = 0;
	got = shmfs_repair(path, &r, wreck_tell, NULL);
	if (got)
		printf("# repair: %s\n", shmfs_strerror(got));
	CU_ASSERT_EQUAL(got, 0);
	CU_ASSERT_EQUAL(told, r.problems);
	CU_ASSERT_EQUAL(shmfs_repair(path, &again, wreck_tell, NULL), 0);
	CU_ASSERT_EQUAL(again.problems, 0);
	CU_ASSERT_EQUAL(again.keys, r.keys);
	return r;
}

/* How many keys of those that were never deleted are missing; revived: deleted ones that are there. */
unsigned wreck_missing(const char *path, unsigned *revived)
{
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	unsigned n = 0;

	*revived = stale = 0;
	store_good(s);
	for (unsigned i = 0; i < WRECK_KEYS; i++) {
		bool there = has(s, i);

		n += !wreck_deleted(i) && !there;
		*revived += wreck_deleted(i) && there;
	}
	store_close(s);
	return n;
}

/* Frames that are there, in order, with the right bytes. */
unsigned wreck_frames(const char *path)
{
	struct shmfs *s = store_open(path, SHMFS_RDONLY);
	struct shmfs_reader *r = frame_reader(s, SHMFS_LOG_BEGIN);
	unsigned n = 0, next = 0;
	uint64_t size;

	while (size = sizeof(wreck_room), shmfs_reader_next(r, wreck_room, &size, NULL) == 0) {
		while (next < WRECK_FRAMES && (size != next * 13 % 700 || !value_is(wreck_room, size, next)))
			next++;
		CU_ASSERT(next++ < WRECK_FRAMES);
		n++;
	}
	shmfs_reader_close(r);
	store_close(s);
	return n;
}

void wreck_writable(const char *path)
{
	struct shmfs *s = store_open(path, SHMFS_RDWR);
	uint64_t position;

	for (unsigned i = WRECK_KEYS; i < WRECK_KEYS + 3000; i++)
		CU_ASSERT_EQUAL(wreck_put(s, i, i), 0);
	position = frame_append(s, 5, 100);
	CU_ASSERT_EQUAL(shmfs_cursor_create(s, "new", 3, position), 0);
	CU_ASSERT_EQUAL(shmfs_sync(s), 0);
	store_good(s);
	store_close(s);
}

/* Nothing but this many keys is lost, nothing comes back, and the store works. */
struct shmfs_check_result wreck_expect(const char *path, unsigned lost, unsigned revived_most)
{
	struct shmfs_check_result r = wreck_repair(path);
	unsigned revived, n = wreck_missing(path, &revived);

	CU_ASSERT(r.problems > 0);
	if (n != lost || revived > revived_most)
		printf("# %u keys are missing, not %u; %u are back, not %u\n", n, lost, revived, revived_most);
	CU_ASSERT_EQUAL(n, lost);
	CU_ASSERT(revived <= revived_most);
	CU_ASSERT_EQUAL(stale, 0);
	return r;
}

void wreck_expect_all(const char *path, unsigned lost, unsigned revived_most)
{
	wreck_expect(path, lost, revived_most);
	CU_ASSERT_EQUAL(wreck_frames(path), WRECK_FRAMES);
	wreck_writable(path);
}
