/* SPDX-License-Identifier: MIT */
/* The stores that are damaged. */
#include <errno.h>
#include <fcntl.h>
#include <shmfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mangle.h"

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

void mangle_take(struct mangle_image *im, const char *what, const char *path, bool in_place)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", path, strerror(errno));
	*im = (struct mangle_image){what, in_place, malloc((size_t)st.st_size), (size_t)st.st_size};
	if (!im->bytes || read(fd, im->bytes, im->size) != (ssize_t)im->size)
		die("cannot read %s", path);
	close(fd);
}

void mangle_images(struct mangle_image images[3], const char *home)
{
	char disk[4096];
	struct shmfs *s;

	scratch(disk, sizeof(disk), disk_dir(), "mangle-disk");

	must(shmfs_open(&s, disk, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	use_fill(s, MANGLE_KEYS);
	use_fill_log(s, MANGLE_KEYS / 10);
	must(shmfs_sync(s), "sync");
	use_fill(s, MANGLE_KEYS);
	mangle_take(&images[2], "synced, then copied while open", disk, false);
	must(shmfs_close(s), "close");
	unlink(disk);

	must(shmfs_open(&s, home, SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	use_fill(s, MANGLE_KEYS);
	use_fill_log(s, MANGLE_KEYS / 10);
	mangle_take(&images[1], "killed", home, true);
	must(shmfs_close(s), "close");
	mangle_take(&images[0], "closed", home, false);
}

void mangle_write(const char *path, const unsigned char *bytes, size_t size)
{
	static const unsigned char zeros[MANGLE_PAGE];
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, 0) || ftruncate(fd, (off_t)size))
		die("%s: %s", path, strerror(errno));
	for (size_t at = 0; at < size; at += MANGLE_PAGE) {
		size_t n = size - at < MANGLE_PAGE ? size - at : MANGLE_PAGE;

		if (memcmp(bytes + at, zeros, n) && pwrite(fd, bytes + at, n, (off_t)at) != (ssize_t)n)
			die("%s: %s", path, strerror(errno));
	}
	close(fd);
}

bool mangle_same(const char *path, const unsigned char *bytes, size_t size)
{
	static unsigned char room[1 << 18];
	int fd = open(path, O_RDONLY);
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) > 0) {
		if (at + (size_t)n > size || memcmp(bytes + at, room, (size_t)n))
			break;
		at += (size_t)n;
	}
	close(fd);
	return n == 0 && at == size;
}
