/* SPDX-License-Identifier: MIT */
/*
 * Memory alone: as many records as the others have, in a mapped file, at the place the key says,
 * without a look at whose they are.
 *
 * memcpy	copies the value in and out.  The places are known beforehand, so copies overlap.
 * load	reads a word, and where is known only when the one before has come: a dependent load.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer.h"

enum { RECORD = KEY_SIZE + VALUE_SIZE + 4, BIG_PLACES = 16 };

struct memory {
	uint8_t *at;     /* the big values, then the records */
	uint64_t keys;
	uint64_t filled; /* a new store is filled from its beginning, as a log */
	uint64_t last;   /* what was loaded: 0, but the processor does not know */
	size_t size;
};

static void *open_store(const char *path, uint64_t keys, int flags)
{
	int fd = open(path, O_RDWR | (flags & PEER_CREATE ? O_CREAT | O_TRUNC : 0), 0600);
	struct memory *m = need(sizeof(*m));

	*m = (struct memory){.keys = keys, .size = BIG_PLACES * BIG_SIZE + keys * RECORD};
	if (fd < 0 || ftruncate(fd, (off_t)m->size))
		err(1, "%s", path);
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->at == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return m;
}

static void close_store(void *store)
{
	struct memory *m = store;

	munmap(m->at, m->size);
	free(m);
}

static uint8_t *record(const struct memory *m, uint64_t i)
{
	return m->at + BIG_PLACES * BIG_SIZE + i * RECORD;
}

static uint8_t *place(const struct memory *m, const void *key, size_t size, uint64_t last)
{
	uint64_t word;

	memcpy(&word, key, sizeof(word));
	word += last;
	if (size > VALUE_SIZE)
		return m->at + word % BIG_PLACES * BIG_SIZE;
	return record(m, (uint64_t)((unsigned __int128)word * m->keys >> 64));
}

static void put(void *store, const void *key, size_t klen, const void *value, size_t size)
{
	struct memory *m = store;

	(void)klen;
	memcpy(m->filled < m->keys ? record(m, m->filled++) : place(m, key, size, 0), value, size);
}

/* The callers want the value of the key: its first byte is. */
static bool get(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	(void)klen;
	memcpy(buf, place(store, key, room, 0), room);
	__asm__ volatile("" ::"r"(buf) : "memory");
	*(uint8_t *)buf = *(const uint8_t *)key;
	return true;
}

static uint64_t walk(void *store, uint64_t *sum)
{
	const struct memory *m = store;

	for (uint64_t i = 0; i < m->keys; i++)
		*sum += record(m, i)[0] + record(m, i)[KEY_SIZE];
	return m->keys;
}

/* Every page is there: nothing is put. */
static void *open_filled(const char *path, uint64_t keys, int flags)
{
	struct memory *m = open_store(path, keys, flags);

	memset(m->at, 0, m->size);
	return m;
}

static bool load(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	struct memory *m = store;
	uint64_t word;

	(void)klen;
	memcpy(&word, place(m, key, room, m->last), sizeof(word));
	__asm__ volatile("and $0, %0" : "+r"(word)); /* still waits for the word */
	m->last = word;
	*(uint8_t *)buf = *(const uint8_t *)key;
	return true;
}

const struct peer peer_memcpy = {
	.name = "memcpy",
	.writes = 1,
	.reads = 1,
	.blind = true,
	.open = open_store,
	.close = close_store,
	.put = put,
	.get = get,
	.walk = walk,
};

const struct peer peer_load = {
	.name = "load",
	.writes = 1,
	.reads = 1,
	.blind = true,
	.open = open_filled,
	.close = close_store,
	.get = load,
};
