/* SPDX-License-Identifier: MIT */
/*
 * reading: one open file being read.
 */
#ifndef FS_READING_H
#define FS_READING_H

#include "inode.h"
#include "keeper.h"
#include "value.h"

struct fs_reading {
	bool active;           /* a pass is under way ... */
	bool ended;            /* ... and has been told that this was all */
	uint64_t next;         /* where it goes on */
	bool gone;             /* it reads inode->last */
	struct fs_value value; /* of the version it reads */
	unsigned char *copy;   /* of it, up to FS_KEPT bytes; longer: */
	struct shmfs_view view;
	struct shmfs_pin *pin; /* for FS_PIN_MS */
	struct fs_due due;
	pthread_mutex_t *lock; /* the handle's, which guards all this */
};

/*
 * Answer a READ.  The handle's lock and the inode's are held; the inode's is let go
 * before the reply.  Replies itself when it returns 0.
 *	-ESTALE  the key, or the version this pass reads, is gone
 */
int fs_reading_reply(struct fs *fs, fuse_req_t req, struct fs_inode *inode, struct fs_reading *r,
                     size_t size, uint64_t offset);

/* The next READ begins a pass.  The handle's lock is held. */
void fs_reading_again(struct fs_reading *r);

/* No lock is held. */
void fs_reading_close(struct fs *fs, struct fs_reading *r);

#endif
