/* SPDX-License-Identifier: MIT */
/*
 * inode: the files the kernel holds a reference to.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "cache.h"

struct fs_inode {
	const struct fs_kind *kind;
	uint64_t number; /* st_ino */

	/* of a key, the first three of what belongs to a cursor; under `lock` unless said otherwise */
	pthread_mutex_t lock;
	unsigned char *key;
	size_t key_size;
	bool detached;             /* unlinked or renamed over: the key is no longer ours */
	struct fs_handle *handles; /* open files */
	struct fs_shared *shared;  /* a large value some of them write together */
	struct fs_last *last;      /* when detached, what it held */
	atomic_int unsettled;      /* handles between FLUSH and WRITE or RELEASE ... */
	_Atomic uint64_t settle_until; /* ... waited for until then */
	atomic_uint parking;       /* handles that will publish soon, and readers wait for: park.h */
	struct fs_parked *parked;
	uint64_t parked_us;        /* when one of them last began */
	_Atomic uint64_t read_us;  /* when one who reads it from pages last asked for something */
	struct fs_snap *snap;      /* what the kernel's pages are filled from */
	struct fs_cached cached;

	/* under the table's lock */
	uint64_t lookups; /* the kernel's */
	uint64_t users;   /* ours: handles, and calls in flight */
	uint64_t hash;
	struct fs_inode *next;
	bool listed;
};

int fs_inodes_open(struct fs *fs);
void fs_inodes_close(struct fs *fs);

/* The inode of a node number in a request.  Never NULL: the kernel only knows ours. */
struct fs_inode *fs_inode_of(struct fs *fs, fuse_ino_t node);
fuse_ino_t fs_inode_node(struct fs *fs, const struct fs_inode *inode);

/* The inode of a key, or of what else has a name, with one more user; made if `make`.
 * NULL: not there, or no memory. */
struct fs_inode *fs_inode_get(struct fs *fs, const struct fs_kind *kind, const void *key,
                              size_t key_size, bool make);
void fs_inode_use(struct fs *fs, struct fs_inode *inode);
void fs_inode_put(struct fs *fs, struct fs_inode *inode);

/* References of the kernel: before an entry is replied, and when it forgets them. */
void fs_inode_lookup(struct fs *fs, struct fs_inode *inode);
void fs_inode_forget(struct fs *fs, struct fs_inode *inode, uint64_t lookups);

/* Count the kernel's reference, then reply; take it back if the reply did not get there. */
void fs_inode_reply(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                    struct fuse_entry_param *e);

/* Under inode->lock: it no longer stands for its key, or from now on for this one. */
void fs_inode_unlist(struct fs *fs, struct fs_inode *inode);
int fs_inode_rekey(struct fs *fs, struct fs_inode *inode, const void *key, size_t key_size);

/* st_ino of a key, or of what else has a name. */
uint64_t fs_inode_number(const struct fs_kind *kind, const void *key, size_t key_size);

#endif
