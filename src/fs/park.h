/* SPDX-License-Identifier: MIT */
/*
 * park: who holds a key open and reads it, while somebody opens it with O_TRUNC, writes and closes.
 *
 * The kernel has one size of a file for all who read it from pages.  Readers are to see the old value
 * until the new one is published; the kernel takes the size for 0 once it has our answer to the
 * OPEN, and again a little later, and for what was written after each WRITE, and none of
 * these waits for who is just reading.  An answer to GETATTR puts it right, but it is dropped if
 * it was asked for before one of them.  So:
 *
 *	before the answer to OPEN  the kernel is told to forget the size: who reads asks for it first
 *	until it is published      who asks is parked: its read begins when there is something to read
 *	published                  the size is that of the new value, as the kernel counted the writes, and
 *	                           the kernel has no page; who was parked is answered
 *
 * A writer that takes longer than FS_FRESH_MS leaves the readers waiting no longer: the kernel is given the
 * old size again, and they read the old value until its first WRITE, when all begins anew.
 *
 * What remains: a reader that is interrupted between its last question and its copy, and one that is
 * there at a second or later WRITE of a slow writer.
 */
#ifndef FS_PARK_H
#define FS_PARK_H

#include "handle.h"

/* No inode's lock is held, and OPEN with O_TRUNC, or a WRITE, is about to be answered. */
void fs_park_begin(struct fs *fs, struct fs_handle *h);

/* It is published, or never will be; no inode's lock is held. */
void fs_park_end(struct fs *fs, struct fs_handle *h);

/* GETATTR of this open file, which may be of another kind: is it to be answered later, by us? */
bool fs_park_reader(struct fs *fs, fuse_req_t req, struct fs_inode *inode, uint64_t fh);

/* The handle is about to be freed. */
void fs_park_close(struct fs *fs, struct fs_handle *h);

#endif
