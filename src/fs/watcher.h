/* SPDX-License-Identifier: MIT */
/*
 * watcher: the thread that has the kernel forget what changed.
 */
#ifndef FS_WATCHER_H
#define FS_WATCHER_H

#include "fs.h"

/* Start the thread, if anything is cached: after fork(). */
int fs_watcher_start(struct fs *fs);

/* It is to end, and has: while requests are still being answered, for it may wait in the kernel for
 * who waits for an answer. */
bool fs_watcher_end(struct fs *fs);

/* Wait until it has; then, when nobody asks any more, free it. */
void fs_watcher_join(struct fs *fs);
void fs_watcher_close(struct fs *fs);

#endif
