/* SPDX-License-Identifier: MIT */
/*
 * floor 1: the SIGBUS guard.
 *
 * Touching a mapped page beyond the end of a file that somebody cut, or that a
 * copy-on-write file system cannot store, raises SIGBUS.  The handler puts a page of
 * zeros there and sets the file's `gone`; the call in progress then returns -EIO.  A SIGBUS
 * outside our windows goes to the handler that was there before.
 */
#ifndef SFS_GUARD_H
#define SFS_GUARD_H

#include "file.h"

/* Watch over f's window, from now until sfs_guard_leave().  -EMFILE: too many windows. */
SFS_HIDDEN int sfs_guard_enter(struct sfs_file *f);
SFS_HIDDEN void sfs_guard_leave(struct sfs_file *f);

/* How many windows there are. */
SFS_HIDDEN unsigned sfs_guard_count(void);

/* Hold the list still, across fork(). */
SFS_HIDDEN void sfs_guard_lock(void);
SFS_HIDDEN void sfs_guard_unlock(void);

#endif
