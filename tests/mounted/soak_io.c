/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soak.h"

void path_of(const struct self *self, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/keys/%s", self->route.dir, name);
}

static int read_file(struct self *self, const char *name, char *buf, size_t *size)
{
	static const size_t pieces[] = {1000, 4096, 65536, ROOM, ROOM, ROOM};
	size_t piece = pieces[rng_below(&self->rng, 6)], done = 0;
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	path_of(self, name, path);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + done, piece < *size - done ? piece : *size - done);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0);
	n = n < 0 ? -errno : 0;
	close(fd);
	*size = done;
	return (int)n;
}

int io_read(struct self *self, const char *name, char *buf, size_t *size)
{
	if (self->route.dir)
		return read_file(self, name, buf, size);
	return shmfs_get(self->route.store, name, strlen(name), buf, size, NULL);
}

int io_size(struct self *self, const char *name, uint64_t *size)
{
	char path[PATH_MAX];
	struct shmfs_info info;
	struct stat st;
	int rc;

	if (!self->route.dir) {
		rc = shmfs_exists(self->route.store, name, strlen(name), &info);
		*size = info.size;
		return rc;
	}
	path_of(self, name, path);
	rc = stat(path, &st) ? -errno : 0;
	*size = (uint64_t)st.st_size;
	return rc;
}

/* In one piece or two; 0 or a negative errno, and closed. */
static int fill(int fd, const char *buf, size_t size, size_t first, bool sync)
{
	size_t done = 0;
	int rc = 0;

	if (fd < 0)
		return -errno;
	while (done < size && rc == 0) {
		ssize_t n = write(fd, buf + done, done < first ? first - done : size - done);

		if (n <= 0)
			rc = n < 0 ? -errno : -EIO;
		else
			done += (size_t)n;
	}
	if (rc == 0 && sync && fsync(fd))
		rc = -errno;
	if (close(fd) && rc == 0)
		rc = -errno;
	return rc;
}

static int write_file(struct self *self, const char *name, const char *buf, size_t size)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	bool moves = rng_once_in(&self->rng, 3), syncs = rng_once_in(&self->rng, 20);
	size_t first = rng_once_in(&self->rng, 3) ? rng_below(&self->rng, size) : size;
	int rc;

	path_of(self, name, path);
	snprintf(temporary, sizeof(temporary), "%.*s.new", PATH_MAX - 8, path);
	rc = fill(open(moves ? temporary : path, O_WRONLY | O_CREAT | O_TRUNC, 0666), buf, size, first,
	          syncs);
	if (rc == 0 && moves && rename(temporary, path))
		rc = -errno;
	return rc;
}

static int stream(struct shmfs *s, const char *name, const char *buf, size_t size, size_t first)
{
	struct shmfs_put *put;
	int rc = shmfs_put_begin(s, &put, first);

	if (rc)
		return rc;
	rc = shmfs_put_write(put, first, buf + first, size - first);
	if (rc == 0)
		rc = shmfs_put_write(put, 0, buf, first);
	if (rc == 0)
		return shmfs_put_commit(put, name, strlen(name), SHMFS_BYTES, NULL);
	shmfs_put_abort(put);
	return rc;
}

static int put(struct self *self, const char *name, const char *buf, size_t size)
{
	struct shmfs *s = self->route.store;
	char temporary[NAME_MAX];
	int rc;

	switch (rng_below(&self->rng, 4)) {
	case 0:
		return stream(s, name, buf, size, rng_below(&self->rng, size));
	case 1:
		snprintf(temporary, sizeof(temporary), "%.100s.new", name);
		rc = shmfs_put(s, temporary, strlen(temporary), buf, size, SHMFS_BYTES, NULL);
		return rc ? rc : shmfs_rename(s, temporary, strlen(temporary), name, strlen(name), 0);
	default:
		return shmfs_put(s, name, strlen(name), buf, size, SHMFS_BYTES, NULL);
	}
}

int io_write(struct self *self, const char *name, const char *buf, size_t size)
{
	return self->route.dir ? write_file(self, name, buf, size) : put(self, name, buf, size);
}

int io_append(struct self *self, const char *name, const char *buf, size_t size, size_t more)
{
	char path[PATH_MAX];

	if (!self->route.dir)
		return put(self, name, buf, size);
	path_of(self, name, path);
	return fill(open(path, O_WRONLY | O_CREAT | O_APPEND, 0666), buf + size - more, more, more, false);
}

int io_unlink(struct self *self, const char *name)
{
	char path[PATH_MAX];

	if (!self->route.dir)
		return shmfs_del(self->route.store, name, strlen(name), 0, NULL);
	path_of(self, name, path);
	return unlink(path) ? -errno : 0;
}

int io_rename(struct self *self, const char *from, const char *to)
{
	char path[PATH_MAX], other[PATH_MAX];

	if (!self->route.dir)
		return shmfs_rename(self->route.store, from, strlen(from), to, strlen(to), 0);
	path_of(self, from, path);
	path_of(self, to, other);
	return rename(path, other) ? -errno : 0;
}
