/* SPDX-License-Identifier: MIT */
/*
 * frames: reading frames from a cursor on: what `next` and `wait` have in common.
 */
#ifndef FS_FRAMES_H
#define FS_FRAMES_H

#include "inode.h"

/* An open file. */
struct fs_frames {
	struct fs_inode *inode;
	bool waits;

	pthread_mutex_t lock;        /* guards these */
	struct shmfs_reader *reader; /* NULL: none yet, or the last one was overtaken */
	uint64_t from;               /* where it began ... */
	bool moved;                  /* ... and has handed out something since */
	bool done;                   /* `wait`: its one frame */
	char *part;                  /* what is left of a frame that did not fit */
	size_t part_at, part_size;

	struct fs_frames *next, **at; /* of all, under the waiter's lock; so is ... */
	struct fuse_pollhandle *poll; /* ... who is to be told when there is a frame */
};

/* What a read(2) gets; free data. */
struct fs_bytes {
	char *data;
	size_t size;
};

void fs_frames_begin(struct fs_frames *f, struct fs_inode *inode, bool waits);
void fs_frames_end(struct fs_frames *f);

/*
 * One read(2) of this many bytes by a file with these flags.  Never waits.
 *	-ENODATA   there is no frame to wait for (not of `next`: that is its end)
 *	-EMSGSIZE  O_DIRECT, and the frame is longer: nothing is consumed
 *	-ESTALE    the cursor was overtaken by trimming, or is gone
 */
int fs_frames_read(struct fs *fs, struct fs_frames *f, size_t size, int flags,
                   struct fs_bytes *out);

/* Would a read(2) return something now?  0, -ENODATA or its error. */
int fs_frames_ready(struct fs *fs, struct fs_frames *f);

#endif
