/* SPDX-License-Identifier: MIT */
/*
 * waiter: the thread that answers who waits for a frame.
 */
#ifndef FS_WAITER_H
#define FS_WAITER_H

#include "frames.h"

int fs_waiter_open(struct fs *fs);

/* Start the thread: after fork(). */
int fs_waiter_start(struct fs *fs);

/* Nobody waits any more: ESHUTDOWN.  No request may be under way. */
void fs_waiter_stop(struct fs *fs);
void fs_waiter_close(struct fs *fs);

/* An open file comes, and goes. */
void fs_waiter_add(struct fs *fs, struct fs_frames *f);
void fs_waiter_remove(struct fs *fs, struct fs_frames *f);

/* Answer this READ when there is a frame, or the kernel does not want it any more. */
int fs_waiter_park(struct fs *fs, fuse_req_t req, struct fs_frames *f, size_t size, int flags);

/* Tell the kernel, once, when there is a frame.  Owns ph. */
void fs_waiter_poll(struct fs *fs, struct fs_frames *f, struct fuse_pollhandle *ph);

/* A cursor was moved or removed: look. */
void fs_waiter_look(struct fs *fs);

#endif
