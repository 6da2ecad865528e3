/* SPDX-License-Identifier: MIT */
/* The store under test, by its public interface. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "shmfs.h"

static int ok(int rc, const char *what)
{
	if (rc)
		errx(1, "shmfs: %s: %s", what, shmfs_strerror(rc));
	return rc;
}

static void *open_store(const char *path, uint64_t keys, int flags)
{
	struct shmfs *s;

	(void)keys; /* it grows */
	ok(shmfs_open(&s, path, SHMFS_RDWR | (flags & PEER_CREATE ? SHMFS_CREATE : 0), NULL), "open");
	return s;
}

static void close_store(void *store)
{
	ok(shmfs_close(store), "close");
}

static void put(void *store, const void *key, size_t klen, const void *value, size_t size)
{
	int rc = shmfs_put(store, key, klen, value, size, SHMFS_BYTES, NULL);

	if (rc)
		ok(rc, "put");
}

static bool del(void *store, const void *key, size_t klen)
{
	return shmfs_del(store, key, klen, 0, NULL) == 0;
}

static bool get(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	return shmfs_get(store, key, klen, buf, &room, NULL) == 0;
}

static size_t get_many(void *store, const bench_key *keys, size_t n, void *buf, size_t room)
{
	struct shmfs_item item[MANY];
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		item[i].key = keys[i];
		item[i].key_size = KEY_SIZE;
		item[i].value = (char *)buf + i * room;
		item[i].size = room;
	}
	shmfs_get_many(store, item, n);
	for (size_t i = 0; i < n; i++)
		found += item[i].status == 0;
	return found;
}

static int look(void *store, const void *key, size_t klen)
{
	struct shmfs_view view;
	int byte;

	do {
		if (shmfs_view(store, key, klen, &view))
			return -1;
		byte = *(const uint8_t *)view.data;
	} while (shmfs_view_valid(store, &view));
	return byte;
}

static uint64_t walk(void *store, uint64_t *sum)
{
	struct shmfs_iter *it;
	struct shmfs_entry entry;
	uint64_t n = 0;

	ok(shmfs_iter_open(store, &it, 0), "iterate");
	for (; shmfs_iter_next(it, &entry) == 0; n++)
		*sum += *(const uint8_t *)entry.key + *(const uint8_t *)entry.view.data;
	shmfs_iter_close(it);
	return n;
}

static void sync_store(void *store)
{
	ok(shmfs_sync(store), "sync");
}

static void compact(void *store)
{
	ok(shmfs_compact(store, NULL, NULL), "compact");
}

static uint64_t retries(void *store)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	ok(shmfs_stat(store, &st), "stat");
	return st.gets_retried;
}

const struct peer peer_shmfs = {
	.name = "shmfs",
	.writes = 1,
	.reads = 1,
	.open = open_store,
	.close = close_store,
	.put = put,
	.del = del,
	.get = get,
	.get_many = get_many,
	.look = look,
	.walk = walk,
	.sync = sync_store,
	.compact = compact,
	.retries = retries,
};
