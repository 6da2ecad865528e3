/* SPDX-License-Identifier: MIT */
/*
 * cache: what the kernel keeps of keys, and whether that is still so.
 *
 * The kernel keeps names, names that are absent, attributes and pages for an hour, and direct
 * clients change keys under it.  The library tells of changes by sets of keys
 * (shmfs_watch_*), the watcher passes it on.
 *
 * A handler, before it tells the kernel something to keep:
 *
 *	fs_cache_ask()     notes how often the set was told of, and asks to be told of it
 *	... reads the key ...
 *	fs_cache_keep_*()  notes that the kernel keeps it, unless the set was told of meanwhile; says
 *	                   for how long the kernel may, which is 0 then
 *	... replies ...
 *
 * The watcher, when a set is told of: counts that, asks again, compares what the kernel keeps of
 * each key of the set with what the store has, and has the kernel forget what is no longer so:
 * doomed, so that nothing is kept until the kernel has, then forgotten here.  So what was
 * read before a change is either not kept, or known to the watcher when it looks.
 * An answer that is still on its way to the kernel then is its business: it drops attributes
 * asked for before a notification, and does not look for pages and names that are locked by who
 * waits for an answer.
 *
 * Own writes come back as changes like any other's.  The kernel forgets by itself what it
 * writes; the handler says so (fs_cache_wrote()), and the comparison then finds nothing to do.
 *
 * What never happens: a notification from a handler, or with any lock held, but of attributes alone
 * (park.c), which waits for nobody; a handler that waits for the watcher.  Each of these deadlocks
 * in the kernel.
 *
 * Owns	the sets; the absent names the kernel keeps, at most FS_ABSENT_MOST.
 * Invariant	what the kernel keeps is noted in its set, the set is asked for, or about to be looked at.
 *	All it keeps of a key, attributes and pages, is of one version.
 * Locks	a set's, taken last, for a look; cached.set of an inode is under the inode's.
 * Distrust	numbers of sets.
 */
#ifndef FS_CACHE_H
#define FS_CACHE_H

#include "fs.h"

#define FS_SETS         65536u
#define FS_ABSENT_MOST  65536u  /* names that the kernel may know to be absent */

struct fs_handle;

/* Of what the kernel keeps: part of the inode of a key, or of an absent name.  Under the set's lock. */
struct fs_cached {
	struct fs_cached *next, **at; /* in its set; at: NULL, in none */
	const unsigned char *key;     /* while it is in one */
	size_t key_size;
	uint32_t set;
	bool is_absent;
	bool entry;                   /* it keeps the name */
	bool pages;                   /* it may have pages of the version */
	bool doomed;                  /* it is to forget all of it ... */
	bool again;                   /* ... and got pages meanwhile: once more */
	bool outdated;                /* this mount has put a newer version than the pages' */
	uint64_t version;             /* it keeps attributes or pages of this; 0: none */
	struct fs_handle *readers;    /* open files that it fills from pages */
	unsigned int writers;         /* that may write: nothing is kept meanwhile */
};

struct fs_ask {
	bool on;
	uint32_t set;
	uint32_t told; /* so often */
};

int fs_cache_open(struct fs *fs);
void fs_cache_close(struct fs *fs);

/* Is anything cached at all? */
bool fs_cache_on(const struct fs *fs);

/* The set a key is in; 0 if nothing is cached. */
uint32_t fs_cache_set(const struct fs *fs, const void *key, size_t key_size);

/* Then look: at a key of this set; SHMFS_WATCH_NAMES: at which keys there are. */
void fs_cache_ask(struct fs *fs, uint32_t set, struct fs_ask *ask);

/*
 * It was looked at.  For how many seconds may the kernel keep it: the attributes of this version of
 * the inode's key, its name, that a key is absent, the attributes of the directory.
 * Of the first two the inode's lock is held.
 */
double fs_cache_keep_attr(struct fs *fs, const struct fs_ask *ask, struct fs_inode *inode,
                          uint64_t version);
double fs_cache_keep_entry(struct fs *fs, const struct fs_ask *ask, struct fs_inode *inode);
double fs_cache_keep_absent(struct fs *fs, const struct fs_ask *ask, const void *key,
                            size_t key_size);
double fs_cache_keep_names(struct fs *fs, const struct fs_ask *ask);

/* The kernel has made the name itself: it does not know it to be absent any more. */
void fs_cache_not_absent(struct fs *fs, const void *key, size_t key_size);

/* ---- pages, and who writes; the inode's lock is held --------------------------------------------- */

/* May the kernel fill this open file from pages of this version?  *keep: from those it has, too. */
bool fs_cache_reader(struct fs *fs, const struct fs_ask *ask, struct fs_handle *h, uint64_t version,
                     bool *keep);
void fs_cache_reader_gone(struct fs *fs, struct fs_handle *h);

/* The version whose pages the kernel is to have; 0: any, say which; suspect: perhaps not the newest. */
uint64_t fs_cache_version(struct fs *fs, struct fs_inode *inode);
void fs_cache_keep_pages(struct fs *fs, const struct fs_ask *ask, struct fs_inode *inode,
                         uint64_t version, bool suspect);

/* Somebody opens it to write. */
void fs_cache_writer(struct fs *fs, struct fs_inode *inode);
void fs_cache_writer_gone(struct fs *fs, struct fs_inode *inode);

/* And truncates it: the kernel forgets all it has when it is told that this succeeded. */
void fs_cache_truncated(struct fs *fs, struct fs_inode *inode);

/* It was written through the kernel, which forgets the attributes by itself. */
void fs_cache_wrote(struct fs *fs, struct fs_inode *inode);

/* We are about to put a newer version than the one the kernel has pages of; have we? */
void fs_cache_outdate(struct fs *fs, struct fs_inode *inode);
bool fs_cache_outdated(struct fs *fs, struct fs_inode *inode);

/* Has it been opened FS_FRESH_MS ago or less by somebody who may still read it? */
bool fs_cache_fresh(struct fs *fs, struct fs_inode *inode);

/* ---- inodes that change; the inode's lock is held -------------------------------------------------- */

/* It does not stand for its key any more: the kernel is to forget what it keeps. */
void fs_cache_doom(struct fs *fs, struct fs_inode *inode);

/* It is about to get another key, and has: the kernel has renamed the entry. */
void fs_cache_leave(struct fs *fs, struct fs_inode *inode);
void fs_cache_join(struct fs *fs, struct fs_inode *inode);

/* It is about to be freed; no lock is held, nobody uses it. */
void fs_cache_forget(struct fs *fs, struct fs_inode *inode);

/* ---- the watcher's ----------------------------------------------------------------------------- */

/* shmfs_watch_wait() and _wake(); ask to be told of the set again: can we? */
int fs_cache_wait(struct fs *fs, int timeout_ms, struct shmfs_watch_event *events, size_t max,
                  size_t *n);
void fs_cache_wake(struct fs *fs);
bool fs_cache_want(struct fs *fs, uint32_t set);

/* From now on the kernel may keep nothing any more. */
void fs_cache_off(struct fs *fs);

/* What the kernel keeps, as it was noted when the set was last told of. */
struct fs_held {
	struct fs_cached *cached; /* to compare only: it may be gone */
	fuse_ino_t node;          /* 0: an absent name */
	bool entry, doomed;
	uint64_t version;
	size_t key, key_size;     /* where in the list's bytes */
};

struct fs_held_list {
	struct fs_held *held;
	size_t count, room;
	unsigned char *bytes;
	size_t used, bytes_room;
};

/* The set was told of: count that, and list what the kernel keeps.  -ENOMEM */
int fs_cache_told(struct fs *fs, uint32_t set, struct fs_held_list *list);

/* Names too: the kernel kept the directory's attributes. */
bool fs_cache_names_told(struct fs *fs);

/* Begin, and end, to have the kernel forget it.  Begin returns false if there is nothing left to forget,
 * or if it is being read for the first time just now: then the set is to be looked at again. */
bool fs_cache_begin_forget(struct fs *fs, uint32_t set, const struct fs_held *held,
                           const unsigned char *key);
void fs_cache_end_forget(struct fs *fs, uint32_t set, const struct fs_held *held,
                         const unsigned char *key, bool entry);

/* Sets that are to be looked at again, without being told of: is there one?  The first from `from` on,
 * which is none any more; FS_SETS: no more. */
bool fs_cache_suspects(const struct fs *fs);
uint32_t fs_cache_next_suspect(struct fs *fs, uint32_t from);

/* Are there so many absent names that some are to be forgotten? */
bool fs_cache_crowded(const struct fs *fs);
bool fs_cache_roomy(const struct fs *fs);
bool fs_cache_has_absent(struct fs *fs, uint32_t set);

#endif
