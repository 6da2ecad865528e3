/* SPDX-License-Identifier: MIT */
/* Huge pages of a store on tmpfs: they are made, and change nothing but that. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../../lib/huge.h"
#include "../rig.h"
#include "store.h"

#define MIB (UINT64_C(1) << 20)
#define SHM "/dev/shm"

enum { SIZE = 1000, FILLED = 48 /* MiB */ };

static unsigned char value[SIZE];

/* A file there that is not.  NULL: no tmpfs here. */
static const char *on_tmpfs(void)
{
	static char path[64];
	struct statfs fs;

	if (statfs(SHM, &fs) < 0 || fs.f_type != TMPFS_MAGIC || access(SHM, W_OK) < 0)
		return NULL;
	scratch(path, sizeof(path), SHM, "shmfs-huge");
	return path;
}

/* Does this kernel make one of a block as the store would ask for it? */
static bool kernel_makes_them(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	uint8_t *room = mmap(NULL, 2 * SFS_HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at = room + (-(uintptr_t)room & (SFS_HUGE - 1));
	bool made = fd >= 0 && ftruncate(fd, SFS_HUGE) == 0 && posix_fallocate(fd, 0, 4096) == 0 &&
	            mmap(at, SFS_HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == at &&
	            madvise(at, SFS_HUGE, 25 /* MADV_COLLAPSE */) == 0;

	munmap(room, 2 * SFS_HUGE);
	close(fd);
	unlink(path);
	return made;
}

/* MiB of huge pages in our mapping of the file. */
static uint64_t mapped_huge(const char *path)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long long kib, sum = 0;
	bool ours = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') && strchr(line, '-') < strchr(line, ' '))
			ours = strstr(line, path) != NULL;
		else if (ours && sscanf(line, "ShmemPmdMapped: %llu", &kib) == 1)
			sum += kib;
	}
	if (f)
		fclose(f);
	return sum >> 10;
}

static void fill(struct shmfs *s, uint64_t mib)
{
	for (uint64_t i = 0; i < mib * MIB / SIZE; i++) {
		value_fill(value, SIZE, i);
		if (shmfs_put(s, &i, sizeof(i), value, SIZE, SHMFS_BYTES, NULL))
			CU_FAIL_FATAL("put");
	}
}

static bool filled(struct shmfs *s, uint64_t mib)
{
	for (uint64_t i = 0; i < mib * MIB / SIZE; i++) {
		size_t size = SIZE;

		if (shmfs_get(s, &i, sizeof(i), value, &size, NULL) || size != SIZE || !value_is(value, SIZE, i))
			return false;
	}
	return true;
}

static void map_grows(void)
{
	const char *path = on_tmpfs();
	struct shmfs *s, *reader;

	if (!path || !kernel_makes_them(path))
		return harness_skip("the kernel makes no huge pages on a tmpfs at " SHM);
	s = store_new(path);
	fill(s, FILLED);
	CU_ASSERT(mapped_huge(path) >= 2); /* more where the kernel is quick about it */
	CU_ASSERT(filled(s, FILLED));
	store_good(s);
	reader = store_open(path, SHMFS_RDONLY);
	CU_ASSERT(filled(reader, FILLED));
	store_close(reader);
	store_close(s);
	/* the cut may have gone through one */
	s = store_open(path, SHMFS_RDWR);
	CU_ASSERT(filled(s, FILLED));
	store_good(s);
	store_close(s);
	unlink(path);
}

static void log_grows(void)
{
	const char *path = on_tmpfs();
	struct shmfs_reader *r = NULL;
	struct shmfs *s;
	uint64_t n = 0;
	size_t size = SIZE;

	if (!path || !kernel_makes_them(path))
		return harness_skip("the kernel makes no huge pages on a tmpfs at " SHM);
	s = store_new(path);
	for (uint64_t i = 0; i < FILLED * MIB / SIZE; i++) {
		value_fill(value, SIZE, i);
		if (shmfs_log_append(s, value, SIZE, NULL))
			CU_FAIL_FATAL("append");
	}
	CU_ASSERT(mapped_huge(path) >= 2); /* more where the kernel is quick about it */
	CU_ASSERT_EQUAL_FATAL(shmfs_reader_open(s, &r, 0), 0);
	while (shmfs_reader_next(r, value, &size, NULL) == 0 && size == SIZE && value_is(value, SIZE, n))
		n++;
	CU_ASSERT_EQUAL(n, FILLED * MIB / SIZE);
	shmfs_reader_close(r);
	store_good(s);
	store_close(s);
	unlink(path);
}

static void small_store(void)
{
	const char *path = on_tmpfs();
	struct shmfs *s;

	if (!path)
		return harness_skip("no tmpfs at " SHM);
	s = store_new(path);
	fill(s, 4);
	CU_ASSERT(store_stat(s).file_allocated < 8 * MIB);
	CU_ASSERT_EQUAL(mapped_huge(path), 0);
	store_close(s);
	unlink(path);
}

/* As on a kernel that has none, or has none left. */
static int grow_without(void *path)
{
	struct shmfs *s = store_new(path);
	int good;

	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		return 77;
	fill(s, FILLED);
	good = filled(s, FILLED) && mapped_huge(path) == 0;
	store_good(s);
	store_close(s);
	return good ? 0 : 1;
}

static void without(void)
{
	const char *path = on_tmpfs();
	int rc = path ? in_child(grow_without, (void *)path) : 77;

	if (path)
		unlink(path);
	if (rc == 77)
		return harness_skip("no tmpfs at " SHM ", or prctl(2) does not know PR_SET_THP_DISABLE");
	CU_ASSERT_EQUAL(rc, 0);
}

static const struct harness_test tests[] = {
	{"a map on tmpfs grows by huge pages", map_grows},
	{"a log on tmpfs grows by huge pages, and reads as it was written", log_grows},
	{"a small store takes none", small_store},
	{"where there are none a store grows by small pages", without},
};

HARNESS_MAIN("huge", tests)
