/* SPDX-License-Identifier: MIT */
/*
 * The floor: what nothing shared can beat.  A mapped file, a preallocated open-addressed table of
 * {hash, place}, records behind it, striped seqlocks, copy out.  It does not grow, it
 * survives no kill, and it trusts every byte it reads.
 */
#define _GNU_SOURCE
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"

#define STRIPES 1024
#define DEAD 1 /* bit 0 of a place: deleted; the record waits for the key to return */

struct record {
	uint32_t klen;
	uint32_t vlen;
	uint8_t bytes[];
};

struct slot {
	_Atomic uint64_t hash;
	_Atomic uint64_t place; /* 0: never used */
};

struct header {
	uint64_t shift, size;
	_Atomic uint64_t next; /* free byte behind the last record */
	struct {
		_Alignas(64) _Atomic uint64_t seq;
	} stripe[STRIPES];
	struct slot table[];
};

struct floor {
	struct header *h;
	size_t size;
};

static void *open_store(const char *path, uint64_t keys, int flags)
{
	struct floor *f = need(sizeof(*f));
	int fd = open(path, O_RDWR | (flags & PEER_CREATE ? O_CREAT | O_TRUNC : 0), 0600);
	uint64_t bits = 1;
	struct stat st;

	while (UINT64_C(1) << bits < 2 * keys)
		bits++;
	f->size = sizeof(struct header) + (sizeof(struct slot) << bits) + (keys + keys / 8) * 136 + 64 * (BIG_SIZE + 64);
	if (fd < 0 || ((flags & PEER_CREATE) && ftruncate(fd, (off_t)f->size)) || fstat(fd, &st))
		err(1, "%s", path);
	f->size = (size_t)st.st_size;
	f->h = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (f->h == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	if (flags & PEER_CREATE) {
		f->h->shift = 64 - bits;
		f->h->size = f->size;
		f->h->next = sizeof(struct header) + (sizeof(struct slot) << bits);
	}
	return f;
}

static void close_store(void *store)
{
	struct floor *f = store;

	munmap(f->h, f->size);
	free(f);
}

static uint64_t hash_of(const void *key, size_t klen)
{
	return XXH3_64bits_withSeed(key, klen, 0x9e3779b97f4a7c15u);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t x, y;

	if (n < 8)
		return memcmp(a, b, n) == 0;
	for (size_t i = 0; i + 8 < n; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			return false;
	}
	memcpy(&x, a + n - 8, 8);
	memcpy(&y, b + n - 8, 8);
	return x == y;
}

static struct record *record_at(struct header *h, uint64_t place)
{
	return (struct record *)((uint8_t *)h + (place & ~(uint64_t)DEAD));
}

/* The key's slot, or the virgin one where it would go. */
static inline struct slot *find(struct header *h, uint64_t hash, const void *key, size_t klen)
{
	uint64_t mask = (UINT64_C(1) << (64 - h->shift)) - 1;

	for (uint64_t i = hash >> h->shift;; i = (i + 1) & mask) {
		struct slot *t = &h->table[i];
		uint64_t place = atomic_load_explicit(&t->place, memory_order_acquire);

		if (!place)
			return t;
		if (atomic_load_explicit(&t->hash, memory_order_relaxed) == hash) {
			struct record *r = record_at(h, place);

			if (r->klen == klen && same(r->bytes, key, klen))
				return t;
		}
	}
}

static _Atomic uint64_t *lock(struct header *h, uint64_t hash)
{
	_Atomic uint64_t *seq = &h->stripe[hash % STRIPES].seq;
	uint64_t even = atomic_load_explicit(seq, memory_order_relaxed) & ~UINT64_C(1);

	while (!atomic_compare_exchange_weak_explicit(seq, &even, even + 1, memory_order_acquire,
	                                              memory_order_relaxed))
		even &= ~UINT64_C(1);
	atomic_thread_fence(memory_order_release);
	return seq;
}

static void unlock(_Atomic uint64_t *seq)
{
	atomic_store_explicit(seq, atomic_load_explicit(seq, memory_order_relaxed) + 1, memory_order_release);
}

static void put(void *store, const void *key, size_t klen, const void *value, size_t size)
{
	struct header *h = ((struct floor *)store)->h;
	uint64_t hash = hash_of(key, klen), bytes = (sizeof(struct record) + klen + size + 7) & ~UINT64_C(7);
	_Atomic uint64_t *seq = lock(h, hash);
	struct slot *t = find(h, hash, key, klen);
	struct record *r = record_at(h, t->place);
	uint64_t place = t->place & ~(uint64_t)DEAD;

	if (!place || r->vlen < size) {
		place = atomic_fetch_add_explicit(&h->next, bytes, memory_order_relaxed);
		if (place + bytes > h->size)
			errx(1, "floor: full");
		r = record_at(h, place);
		r->klen = (uint32_t)klen;
		memcpy(r->bytes, key, klen);
	}
	r->vlen = (uint32_t)size;
	memcpy(r->bytes + klen, value, size);
	atomic_store_explicit(&t->hash, hash, memory_order_relaxed);
	atomic_store_explicit(&t->place, place, memory_order_release);
	unlock(seq);
}

static bool del(void *store, const void *key, size_t klen)
{
	struct header *h = ((struct floor *)store)->h;
	uint64_t hash = hash_of(key, klen);
	_Atomic uint64_t *seq = lock(h, hash);
	struct slot *t = find(h, hash, key, klen);
	bool there = t->place && !(t->place & DEAD);

	if (there)
		atomic_store_explicit(&t->place, t->place | DEAD, memory_order_release);
	unlock(seq);
	return there;
}

static inline bool get_hashed(struct header *h, uint64_t hash, const void *key, size_t klen, void *buf, size_t room)
{
	_Atomic uint64_t *stripe = &h->stripe[hash % STRIPES].seq;

	for (;;) {
		uint64_t seq = atomic_load_explicit(stripe, memory_order_acquire);
		struct slot *t = find(h, hash, key, klen);
		uint64_t place = atomic_load_explicit(&t->place, memory_order_relaxed);
		bool there = place && !(place & DEAD);

		if (there) {
			const struct record *r = record_at(h, place);

			memcpy(buf, r->bytes + klen, r->vlen < room ? r->vlen : room);
		}
		atomic_thread_fence(memory_order_acquire);
		if (!(seq & 1) && atomic_load_explicit(stripe, memory_order_relaxed) == seq)
			return there;
	}
}

static bool get(void *store, const void *key, size_t klen, void *buf, size_t room)
{
	return get_hashed(((struct floor *)store)->h, hash_of(key, klen), key, klen, buf, room);
}

static size_t get_many(void *store, const bench_key *keys, size_t n, void *buf, size_t room)
{
	struct header *h = ((struct floor *)store)->h;
	uint64_t hash[MANY];
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		hash[i] = hash_of(keys[i], KEY_SIZE);
		__builtin_prefetch(&h->table[hash[i] >> h->shift]);
	}
	for (size_t i = 0; i < n; i++) {
		const char *r = (const char *)record_at(h, h->table[hash[i] >> h->shift].place);

		__builtin_prefetch(r);
		__builtin_prefetch(r + 64);
	}
	for (size_t i = 0; i < n; i++)
		found += get_hashed(h, hash[i], keys[i], KEY_SIZE, (char *)buf + i * room, room);
	return found;
}

static int look(void *store, const void *key, size_t klen)
{
	struct header *h = ((struct floor *)store)->h;
	struct slot *t = find(h, hash_of(key, klen), key, klen);

	return t->place && !(t->place & DEAD) ? record_at(h, t->place)->bytes[klen] : -1;
}

static uint64_t walk(void *store, uint64_t *sum)
{
	struct header *h = ((struct floor *)store)->h;
	uint64_t n = 0;

	for (uint64_t i = 0; i < UINT64_C(1) << (64 - h->shift); i++) {
		uint64_t place = h->table[i].place;

		if (!place || place & DEAD)
			continue;
		*sum += record_at(h, place)->bytes[0] + record_at(h, place)->bytes[KEY_SIZE];
		n++;
	}
	return n;
}

const struct peer peer_floor = {
	.name = "floor",
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
};
