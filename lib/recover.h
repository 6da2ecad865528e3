/* SPDX-License-Identifier: MIT */
/*
 * floor 3: recovery: the first open for writing in a new session (after a reboot, or of a copy).
 *
 * Owns	everything: the caller holds GATE and no other handle writes.
 * Order	tables and live page are rebuilt from the newest meta; the session id is stored last.
 *	A kill before that repeats everything at the next open: the meta is not touched.
 * Distrust	the live page and the live counts of the tables, which may be of any age.
 */
#ifndef SFS_RECOVER_H
#define SFS_RECOVER_H

#include "handle.h"

/* SHMFS_E_NOT_CLOSED, -EUCLEAN, -ENOSPC */
SFS_HIDDEN int sfs_recover(struct shmfs *s);

/* Say that the live page is the truth of this session from now on. */
SFS_HIDDEN void sfs_session_begin(struct shmfs *s);

/* The kernel's answer and the store's own option: is there no checkpoint while it is open? */
SFS_HIDDEN bool sfs_should_be_volatile(const struct shmfs *s);

/* A volatile store is being opened by its first writer: from here it has no checkpoint. */
SFS_HIDDEN int sfs_volatile_begin(struct shmfs *s);

#endif
