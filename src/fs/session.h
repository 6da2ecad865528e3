/* SPDX-License-Identifier: MIT */
/*
 * session: one mount from open to close.
 */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "options.h"

/* Open the store and mount it.  0, or an exit code after a message. */
int fs_session_open(struct fs *fs, const struct fs_options *options);

/* Start the threads that are not libfuse's.  0, or an exit code after a message. */
int fs_session_start(struct fs *fs);

/* Answer requests until unmounted or told to stop, publish, sync, unmount.  An exit code. */
int fs_session_run(struct fs *fs);

/* Free everything, after a failure too; `code` unless closing fails. */
int fs_session_close(struct fs *fs, int code);

#endif
