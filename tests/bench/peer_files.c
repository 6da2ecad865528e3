/* SPDX-License-Identifier: MIT */
/* One file for each key in a directory on tmpfs: what many programs do today. */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"

static void *open_store(const char *path, uint64_t keys, int flags)
{
	int *dir = need(sizeof(*dir));

	(void)keys;
	if ((flags & PEER_CREATE) && mkdir(path, 0700))
		err(1, "%s", path);
	*dir = open(path, O_RDONLY | O_DIRECTORY);
	if (*dir < 0)
		err(1, "%s", path);
	return dir;
}

static void close_store(void *store)
{
	close(*(int *)store);
	free(store);
}

static const char *name(const void *key, size_t klen)
{
	static char text[2 * KEY_SIZE + 1];

	for (size_t i = 0; i < klen; i++) {
		unsigned byte = ((const uint8_t *)key)[i];

		text[2 * i] = "0123456789abcdef"[byte >> 4];
		text[2 * i + 1] = "0123456789abcdef"[byte & 15];
	}
	return text;
}

/* In place, not in one step: a rename would be that, and cost more. */
static void put(void *store, const void *key, size_t klen, const void *value, size_t size)
{
	int fd = openat(*(int *)store, name(key, klen), O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, value, size) != (ssize_t)size)
		err(1, "files: put");
	close(fd);
}

static bool del(void *store, const void *key, size_t klen)
{
	return unlinkat(*(int *)store, name(key, klen), 0) == 0;
}

static bool get(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	int fd = openat(*(int *)store, name(key, klen), O_RDONLY);

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || read(fd, buf, room) < 0)
		err(1, "files: get");
	close(fd);
	return true;
}

static uint64_t walk(void *store, uint64_t *sum)
{
	int fd = openat(*(int *)store, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	uint64_t n = 0;
	char byte;

	if (!dir)
		err(1, "files: walk");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		fd = openat(*(int *)store, entry->d_name, O_RDONLY);
		if (fd < 0 || read(fd, &byte, 1) != 1)
			err(1, "files: walk");
		close(fd);
		*sum += (uint8_t)byte + (uint8_t)entry->d_name[0];
		n++;
	}
	closedir(dir);
	return n;
}

const struct peer peer_files = {
	.name = "files",
	.writes = 20,
	.reads = 10,
	.few = true,
	.open = open_store,
	.close = close_store,
	.put = put,
	.del = del,
	.get = get,
	.walk = walk,
};
