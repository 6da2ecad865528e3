/* SPDX-License-Identifier: MIT */
/*
 * A store to measure, behind one table of functions.  An operation that fails ends the
 * program; get and del say whether the key was there.  What a peer cannot do is NULL.
 */
#ifndef SHMFS_BENCH_PEER_H
#define SHMFS_BENCH_PEER_H

#include "bench.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PEER_CREATE = 1, PEER_DISK = 2, PEER_GROWS = 4, FEW_KEYS = 100000 };

struct peer {
	const char *name;
	unsigned writes; /* it does one write where the fastest do this many, ... */
	unsigned reads;  /* ... and one read: the slow ones are not given all day */
	bool few;        /* so slow that it is given FEW_KEYS at most */
	bool blind;      /* it keeps no keys: memory alone, to compare with */
	bool alone;      /* one process at a time */

	/* PEER_CREATE: a new store for about this many keys; else one that is there.
	 * PEER_DISK: sync will be used.  PEER_GROWS: without knowing how many keys will come. */
	void *(*open)(const char *path, uint64_t keys, int flags);
	void (*close)(void *store);

	/* In one step for every reader. */
	void (*put)(void *store, const void *key, size_t klen, const void *value, size_t size);
	bool (*del)(void *store, const void *key, size_t klen);
	/* Copy the value out. */
	bool (*get)(void *store, const void *key, size_t klen, void *buf, size_t room);
	/* Copy out n values, `room` bytes apart; returns how many keys were there. */
	size_t (*get_many)(void *store, const bench_key *keys, size_t n, void *buf, size_t room);
	/* The first byte of the value, read in place; -1 if the key is absent. */
	int (*look)(void *store, const void *key, size_t klen);
	/* Visit every entry, reading a byte of key and value in place; returns how many. */
	uint64_t (*walk)(void *store, uint64_t *sum);
	/* Make what was put survive a power cut. */
	void (*sync)(void *store);
	/* Give back the space of what was deleted. */
	void (*compact)(void *store);
	/* How many gets of this handle were done again because of a writer, so far. */
	uint64_t (*retries)(void *store);
};

#ifndef BENCH_LMDB
#define BENCH_LMDB 0
#endif
#ifndef BENCH_BOOST
#define BENCH_BOOST 0
#endif
#ifndef BENCH_TKRZW
#define BENCH_TKRZW 0
#endif
#ifndef BENCH_SQLITE
#define BENCH_SQLITE 0
#endif

extern const struct peer peer_shmfs, peer_floor, peer_files, peer_memcpy, peer_load;
#if BENCH_LMDB
extern const struct peer peer_lmdb;
#endif
#if BENCH_BOOST
extern const struct peer peer_boost;
#endif
#if BENCH_TKRZW
extern const struct peer peer_tkrzw, peer_tiny;
#endif
#if BENCH_SQLITE
extern const struct peer peer_sqlite;
#endif

enum { PEERS = 16 }; /* more than there are */

/* Those built in and asked for; the last is NULL.  Says once who is absent. */
const struct peer *const *peers(void);

enum { KEY_ROOM = 256 }; /* bytes of memory for a key and all that belongs to it, about */

/* How many keys it is given; 0, and says so, if there is no room for them beside as many of others. */
uint64_t peer_keys(const struct peer *peer, const char *dir, uint64_t others);

/* "DIR/shmfs-bench.PID.NAME", and nothing is there. */
const char *peer_path(const char *dir, const struct peer *peer);
void peer_remove(const char *path);
/* What the file system has given its files; 0 for a directory. */
uint64_t peer_bytes(const char *path);

#ifdef __cplusplus
}
#endif

#endif
