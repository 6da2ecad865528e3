/* SPDX-License-Identifier: MIT */
/*
 * staged: a handle's own draft, and publishing what a handle wrote.
 */
#ifndef FS_STAGED_H
#define FS_STAGED_H

#include "handle.h"

/* All of these: h->lock is held. */

int fs_staged_write(struct fs *fs, struct fs_handle *h, const struct fs_write *w);
int fs_staged_resize(struct fs_handle *h, uint64_t size, bool only_extend);

/* Make visible what the handle has written, in its own draft or the shared one, and what it
 * promised by being opened: the key, or its emptiness. */
int fs_staged_publish(struct fs *fs, struct fs_handle *h);

/* Make the key, empty, if nobody has. */
int fs_staged_make_empty(struct fs *fs, struct fs_handle *h);

#endif
