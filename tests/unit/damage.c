/* SPDX-License-Identifier: MIT */
/* Files that are no store, or were one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/crc32c.h"
#include "../../lib/format.h"
#include "store.h"

static const int ways[] = {SHMFS_RDONLY, SHMFS_RDWR, SHMFS_RDWR | SHMFS_CREATE};

static int try_open(const char *path, int flags)
{
	struct shmfs *s = NULL;
	int got = shmfs_open(&s, path, flags, NULL);

	if (got == 0)
		store_close(s);
	return got;
}

/* Every way to open it gives this code and changes no byte. */
static int only(const char *path, int wanted)
{
	int good = 1;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct bytes before = file_read(path);
		int got = try_open(path, ways[i]);

		if (got != wanted || !file_is(path, before)) {
			printf("# %s, flags %d: %s\n", path, ways[i], shmfs_strerror(got));
			good = 0;
		}
	}
	return good;
}

static void foreign(void)
{
	static const char text[] = "# a shell script\nexit 0\n";
	static unsigned char mostly_zeros[3 << 20];
	const char *path = store_path("foreign");

	file_write(path, text, sizeof(text) - 1);
	CU_ASSERT(only(path, SHMFS_E_NOT_STORE));
	file_write(path, "x", 1);
	CU_ASSERT(only(path, SHMFS_E_NOT_STORE));
	file_write(path, "shmfs\r\n", 7);
	CU_ASSERT(only(path, SHMFS_E_NOT_STORE));
	memcpy(mostly_zeros + (2 << 20), text, sizeof(text));
	file_write(path, mostly_zeros, sizeof(mostly_zeros));
	CU_ASSERT(only(path, SHMFS_E_NOT_STORE));
	memset(mostly_zeros, 0xff, sizeof(mostly_zeros));
	file_write(path, mostly_zeros, sizeof(mostly_zeros));
	CU_ASSERT(only(path, SHMFS_E_NOT_STORE));
}

/* A closed store with a few hundred keys, some of them large. */
static const char *made(const char *name)
{
	const char *path = store_path(name);
	struct shmfs *s = store_new(path);
	static char value[400000];

	for (int i = 0; i < 500; i++) {
		memset(value, i, sizeof(value));
		shmfs_put(s, &i, sizeof(i), value, i % 100 == 99 ? sizeof(value) : (size_t)i * 7, 0, NULL);
	}
	store_close(s);
	return path;
}

static void poke(const char *path, uint64_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	CU_ASSERT_EQUAL(pwrite(fd, bytes, n, (off_t)at), (ssize_t)n);
	close(fd);
}

static void version(void)
{
	const char *path = made("version");
	struct bytes b = file_read(path);
	struct sfs_super super;

	memcpy(&super, b.data, sizeof(super));
	free(b.data);
	super.version = SFS_FORMAT_VERSION + 1;
	poke(path, 0, &super, sizeof(super)); /* whatever that version makes of the checksum */
	CU_ASSERT(only(path, SHMFS_E_VERSION));
	super.crc = sfs_crc32c(0, &super, offsetof(struct sfs_super, crc));
	poke(path, 0, &super, sizeof(super));
	CU_ASSERT(only(path, SHMFS_E_VERSION));
}

static void superblock(void)
{
	const char *path = made("super");
	struct bytes b = file_read(path);

	for (size_t at = 12; at < offsetof(struct sfs_super, crc) + 4; at++) {
		unsigned char c = b.data[at] ^ 0x10;

		poke(path, at, &c, 1);
		if (!only(path, -EUCLEAN))
			CU_FAIL("a damaged superblock");
		poke(path, at, b.data + at, 1);
	}
	CU_ASSERT_EQUAL(try_open(path, SHMFS_RDWR), 0);
	free(b.data);
}

/* A copy must be recovered from a checkpoint, so without one it cannot be opened. */
static void checkpoints(void)
{
	const char *path = store_path("meta"), *copy = store_path("meta-copy");
	struct shmfs *s = store_open(path, SHMFS_RDWR | SHMFS_CREATE);
	int wanted = store_stat(s).is_volatile ? SHMFS_E_NOT_CLOSED : -EUCLEAN;
	struct bytes b;

	store_put(s, "k", "v");
	store_close(s);
	b = file_read(path);
	memset(b.data + SFS_AT_META, 0xa5, 100);
	memset(b.data + SFS_AT_META + SFS_PAGE, 0xa5, 100);
	file_write(copy, b.data, b.size);
	free(b.data);
	CU_ASSERT(only(copy, wanted));
}

static void truncated(const char *path, const unsigned char *data, size_t size, bool copy)
{
	size_t lengths[] = {
		1, 7, 75, 4095, 4096, 4097, 5000, 0x3000, 0x5000, 0x20000, 0x40000, 1 << 20,
		(1 << 20) + 1, (1 << 20) + 4096, 3 << 20, (3 << 20) + 64, size / 2, size - (1 << 20),
		size - 4096, size - 1,
	};

	int bad = 0;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		for (int w = 0; w < 3; w++) {
			struct bytes cut;
			int got;

			if (copy)
				file_write(path, data, lengths[i]);
			else
				CU_ASSERT_EQUAL(truncate(path, (off_t)lengths[i]), 0);
			cut = file_read(path);
			got = try_open(path, ways[w]);
			if ((got != -EUCLEAN && got != SHMFS_E_NOT_STORE) || !file_is(path, cut)) {
				printf("# cut to %zu of %zu, flags %d: %s\n", lengths[i], size, ways[w],
				       shmfs_strerror(got));
				bad++;
			}
			if (!copy) {
				poke(path, 0, data, size); /* the same inode as before */
				CU_ASSERT_EQUAL(try_open(path, SHMFS_RDONLY), 0);
			}
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void truncated_copies(void)
{
	const char *path = made("cut"), *copy = store_path("cut-copy");
	struct bytes b = file_read(path);

	truncated(copy, b.data, b.size, true);
	free(b.data);
}

static void truncated_in_place(void)
{
	const char *path = made("cut-in-place");
	struct bytes b = file_read(path);

	truncated(path, b.data, b.size, false);
	free(b.data);
}

/* The file is cut while it is mapped: errors, never a signal. */
static void truncated_below(void)
{
	const char *path = made("below");
	struct shmfs *s = store_open(path, SHMFS_RDWR), *r = store_open(path, SHMFS_RDONLY);
	static char value[400000];
	int errors = 0;

	CU_ASSERT_EQUAL(truncate(path, 0x6000), 0);
	for (int i = 0; i < 500; i++) {
		size_t size = sizeof(value);
		int got = shmfs_get(r, &i, sizeof(i), value, &size, NULL);

		errors += got != 0;
		if (got != 0 && got != -EIO && got != -EUCLEAN && got != -ENOENT)
			CU_FAIL("get of a cut file");
		got = shmfs_put(s, &i, sizeof(i), value, 10, 0, NULL);
		errors += got != 0;
	}
	CU_ASSERT(errors > 0);
	shmfs_close(r);
	shmfs_close(s);
}

static const struct harness_test tests[] = {
	{"a file that is not a store is left as it is", foreign},
	{"a store of a newer format is left as it is", version},
	{"a damaged superblock is told, the file left as it is", superblock},
	{"a copy without a checkpoint is told, the file left as it is", checkpoints},
	{"a truncated copy is told, the file left as it is", truncated_copies},
	{"a store truncated in place is told, the file left as it is", truncated_in_place},
	{"a file cut under its readers and writers gives errors, not signals", truncated_below},
};

HARNESS_MAIN("damage", tests)
