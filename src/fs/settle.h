/* SPDX-License-Identifier: MIT */
/*
 * settle: waiting for an end that is under way.
 *
 * close(2) returns before RELEASE reaches us.  `: > key; cat key` would still find the old
 * value, since only RELEASE publishes emptiness: FLUSH may be that of a shell about to
 * write.  So whoever looks at the key waits a moment for its open end: WRITE or RELEASE.
 */
#ifndef FS_SETTLE_H
#define FS_SETTLE_H

#include "handle.h"

int fs_settle_open(struct fs *fs);
void fs_settle_close(struct fs *fs);

/* Under h->lock: the next thing is WRITE or RELEASE, and soon; it came. */
void fs_settle_expect(struct fs *fs, struct fs_handle *h);
void fs_settle_done(struct fs *fs, struct fs_handle *h);

/* Wait: for this inode, for a key that may have none, for all.  Hold no lock. */
void fs_settle_inode(struct fs *fs, struct fs_inode *inode);
void fs_settle_key(struct fs *fs, const void *key, size_t key_size);
void fs_settle_all(struct fs *fs);

#endif
