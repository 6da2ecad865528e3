/* SPDX-License-Identifier: MIT */
/* Many writers of one key, lock files, listings, and cursors that come and go. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soak.h"

/* ---- appending to one key ------------------------------------------------------------ */

struct record {
	uint64_t magic, generation;
	uint32_t who, number;
};

enum { RECORDS = 60 };

static void shared_name(uint64_t generation, char *name)
{
	sprintf(name, "shared-%" PRIu64, generation);
}

static int shared_put(struct self *self, const char *name, const struct record *record)
{
	struct shmfs *s = self->route.store;
	struct shmfs_info info;
	size_t size;
	int rc;

	do {
		size = ROOM;
		rc = shmfs_get(s, name, strlen(name), self->buf, &size, &info);
		if (rc)
			return rc;
		memcpy(self->buf + size, record, sizeof(*record));
		rc = shmfs_put(s, name, strlen(name), self->buf, size + sizeof(*record), SHMFS_IF_VERSION,
		               &info.version);
	} while (rc == -ESTALE);
	return rc;
}

/* A mount may say for a while that it is not there. */
static int shared_open(struct self *self, const char *name)
{
	uint64_t end = clock_us() + ledger->bound_us;
	char path[PATH_MAX];
	int fd;

	path_of(self, name, path);
	while ((fd = open(path, O_WRONLY | O_APPEND)) < 0)
		if (errno != ENOENT || clock_us() > end)
			failed(self, "opening", name, -errno);
	return fd;
}

static bool shared_whole(const char *buf, size_t size, uint64_t generation)
{
	uint32_t next[SHARERS] = {0};
	struct record r;

	for (size_t at = 0; at + sizeof(r) <= size; at += sizeof(r)) {
		memcpy(&r, buf + at, sizeof(r));
		if (r.magic != ledger->seed || r.generation != generation || r.who >= SHARERS ||
		    r.number != next[r.who]++)
			return false;
	}
	return size == SHARERS * RECORDS * sizeof(r);
}

/* The last one looks at what all have appended, and begins another. */
static void shared_judge(struct self *self, const char *name, uint64_t generation)
{
	uint64_t end = clock_us() + (self->route.dir ? ledger->bound_us : 0);
	char next[NAME_MAX];
	size_t size;
	int rc;

	do {
		size = ROOM;
		rc = io_read(self, name, self->buf, &size);
	} while ((rc || !shared_whole(self->buf, size, generation)) && clock_us() < end);
	if (rc || !shared_whole(self->buf, size, generation))
		wrong(self, LOST, "%s: %d, %zu bytes of %zu", name, rc, size,
		      SHARERS * RECORDS * sizeof(struct record));
	rc = io_unlink(self, name);
	if (rc)
		failed(self, "removing", name, rc);
	shared_name(generation + 1, next);
	if (self->route.dir) {
		char path[PATH_MAX];
		int fd;

		path_of(self, next, path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
		rc = fd < 0 ? -errno : close(fd);
	} else {
		rc = shmfs_put(self->route.store, next, strlen(next), "", 0, SHMFS_IF_ABSENT, NULL);
	}
	if (rc)
		failed(self, "making", next, rc);
	ledger->arrived = 0;
	ledger->generation = generation + 1;
}

void run_sharer(struct self *self)
{
	while (!ledger->stop) {
		uint64_t generation = ledger->generation;
		int fd = -1, rc = 0;
		char name[NAME_MAX];

		shared_name(generation, name);
		if (self->route.dir)
			fd = shared_open(self, name);
		for (uint32_t i = 0; i < RECORDS; i++) {
			struct record r = {ledger->seed, generation, self->index, i};

			if (fd < 0)
				rc = shared_put(self, name, &r);
			else
				rc = write(fd, &r, sizeof(r)) == sizeof(r) ? 0 : -errno;
			if (rc)
				failed(self, "appending to", name, rc);
			goes_on(self);
		}
		if (fd >= 0)
			close(fd);
		if (++ledger->arrived == SHARERS)
			shared_judge(self, name, generation);
		while (ledger->generation == generation && !ledger->stop)
			usleep(500);
	}
}

/* ---- a lock file --------------------------------------------------------------------- */

static int lock_take(struct self *self)
{
	char path[PATH_MAX];
	int fd;

	if (!self->route.dir)
		return shmfs_put(self->route.store, "lock", 4, "", 0, SHMFS_IF_ABSENT, NULL);
	path_of(self, "lock", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	return fd < 0 ? -errno : close(fd);
}

void run_locker(struct self *self)
{
	while (goes_on(self)) {
		int rc = lock_take(self);

		if (rc == -EEXIST)
			continue;
		if (rc)
			failed(self, "making", "lock", rc);
		if (ledger->inside++)
			wrong(self, EXCLUSION, "there was another");
		usleep((useconds_t)rng_below(&self->rng, 200));
		ledger->inside--;
		rc = io_unlink(self, "lock");
		if (rc)
			failed(self, "removing", "lock", rc);
	}
}

/* ---- listings ------------------------------------------------------------------------ */

static void listed(const char *name, size_t size, uint8_t *times)
{
	unsigned n;

	if (size < 32 && sscanf(name, "stable-%3u", &n) == 1 && n < STABLE)
		times[n]++;
}

static int list_directory(struct self *self, uint8_t *times)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	path_of(self, "", path);
	dir = opendir(path);
	if (!dir)
		return -errno;
	errno = 0;
	while ((e = readdir(dir)))
		listed(e->d_name, strlen(e->d_name), times);
	closedir(dir);
	return -errno;
}

static int list_store(struct self *self, uint8_t *times)
{
	struct shmfs_entry e;
	struct shmfs_iter *it;
	char name[32];
	int rc = shmfs_iter_open(self->route.store, &it, 0);

	while (rc == 0 && (rc = shmfs_iter_next(it, &e)) == 0) {
		snprintf(name, sizeof(name), "%.*s", (int)e.key_size, (const char *)e.key);
		listed(name, e.key_size, times);
	}
	shmfs_iter_close(it);
	return rc == -ENOENT ? 0 : rc;
}

void run_lister(struct self *self)
{
	while (goes_on(self)) {
		uint8_t times[STABLE] = {0};
		int rc = self->route.dir ? list_directory(self, times) : list_store(self, times);
		char name[NAME_MAX];
		uint64_t size;

		if (rc)
			failed(self, "listing", "keys", rc);
		for (unsigned i = 0; i < STABLE; i++)
			if (times[i] != 1)
				wrong(self, LISTING, "stable-%03u was listed %u times", i, times[i]);
		sprintf(name, "stable-%03u", (unsigned)rng_below(&self->rng, STABLE));
		rc = io_size(self, name, &size);
		if (rc || size != strlen(name))
			wrong(self, LISTING, "%s: %d, %" PRIu64 " bytes", name, rc, size);
		usleep(5000);
	}
}

/* ---- cursors ------------------------------------------------------------------------- */

/* The text of a file of a cursor; -1: not there. */
static int text_of(struct self *self, const char *cursor, const char *file, char *text)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/cursors/%s/%s", self->route.dir, cursor, file);
	fd = open(path, O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		return -1;
	n = fd < 0 ? -1 : read(fd, text, 99);
	if (n < 0)
		failed(self, "reading", path, -errno);
	close(fd);
	text[n] = 0;
	return 0;
}

void run_cursors(struct self *self)
{
	for (uint64_t n = 0; goes_on(self); n++) {
		char path[PATH_MAX], moved[PATH_MAX], name[NAME_MAX], text[100];
		uint64_t position, after;

		snprintf(name, sizeof(name), "comes-%u-%" PRIu64, self->index, n);
		snprintf(path, sizeof(path), "%s/cursors/%s", self->route.dir, name);
		snprintf(moved, sizeof(moved), "%.*s.moved", PATH_MAX - 8, path);
		if (mkdir(path, 0777))
			failed(self, "making", path, -errno);
		if (text_of(self, name, "position", text))
			wrong(self, CURSORS, "%s is not there", name);
		position = strtoull(text, NULL, 10);
		if (text_of(self, name, "lag", text) || strncmp(text, "frames ", 7))
			wrong(self, CURSORS, "%s: lag says '%.50s'", name, text);
		if (rename(path, moved))
			failed(self, "renaming", path, -errno);
		if (text_of(self, name, "position", text) == 0)
			wrong(self, CURSORS, "%s is still there", name);
		strcat(name, ".moved");
		if (text_of(self, name, "position", text))
			wrong(self, CURSORS, "%s is not there", name);
		after = strtoull(text, NULL, 10);
		if (after != position)
			wrong(self, CURSORS, "%s stood at %" PRIu64 ", now at %" PRIu64, name, position, after);
		if (rmdir(moved))
			failed(self, "removing", moved, -errno);
		if (text_of(self, name, "position", text) == 0)
			wrong(self, CURSORS, "%s is still there", name);
		usleep(2000);
	}
}
