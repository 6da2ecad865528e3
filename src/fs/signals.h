/* SPDX-License-Identifier: MIT */
/*
 * signals: SIGTERM, SIGINT and SIGHUP end the daemon; a second one ends it at once.
 */
#ifndef FS_SIGNALS_H
#define FS_SIGNALS_H

#include "fs.h"

/* Before the first thread: from now on only the thread below gets them. */
void fs_signals_block(void);

/* Call from the thread that runs the loop. */
int fs_signals_start(struct fs *fs);

/* The loop has ended, it need not be woken any more. */
void fs_signals_looped(struct fs *fs);
void fs_signals_stop(struct fs *fs);

#endif
