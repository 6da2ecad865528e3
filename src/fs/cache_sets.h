/* SPDX-License-Identifier: MIT */
/*
 * cache_sets: the sets of cache.h, for the two files that know them.
 */
#ifndef FS_CACHE_SETS_H
#define FS_CACHE_SETS_H

#include "cache.h"

#define FS_SET_LOCKS 256u

struct fs_set {
	struct fs_cached *first;
	_Atomic uint32_t told; /* so often */
};

struct fs_absent {
	struct fs_cached cached;
	unsigned char key[];
};

struct fs_cache {
	atomic_bool on;
	struct shmfs *writable;      /* of a mount that only reads: the store, for the watch alone */
	struct shmfs_watch *watch;
	bool names;                  /* the kernel keeps the directory's attributes; under the lock of set 0 */
	atomic_size_t absent;        /* names */
	atomic_bool suspected;       /* there may be suspects */
	_Atomic uint64_t suspects[FS_SETS / 64];
	pthread_mutex_t locks[FS_SET_LOCKS];
	struct fs_set sets[FS_SETS];
};

static inline pthread_mutex_t *fs_set_lock(struct fs_cache *c, uint32_t set)
{
	return &c->locks[set % FS_SET_LOCKS];
}

/* Under the set's lock. */
void fs_set_insert(struct fs_cache *c, struct fs_cached *cached, uint32_t set,
                   const unsigned char *key, size_t key_size);
void fs_set_remove(struct fs_cached *cached);
bool fs_set_fresh(const struct fs_cached *cached);
void fs_set_suspect(struct fs_cache *c, uint32_t set);

static inline struct fs_inode *fs_cached_inode(struct fs_cached *cached)
{
	return (struct fs_inode *)((char *)cached - offsetof(struct fs_inode, cached));
}

#endif
