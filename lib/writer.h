/* SPDX-License-Identifier: MIT */
/*
 * floor 2: being the one writer.
 *
 * Locks	writer mutex (threads of this handle), then live->lock.  sync_lock, where both are
 *	needed, comes before.
 * Who steals or inherits the lock first finishes what its owner was doing (redo).
 */
#ifndef SFS_WRITER_H
#define SFS_WRITER_H

#include "lock.h"

SFS_HIDDEN void sfs_writer_lock(struct shmfs *s);
SFS_HIDDEN void sfs_writer_unlock(struct shmfs *s);

/* Finish whatever the last owner of the lock left half done. */
SFS_HIDDEN void sfs_writer_redo(struct shmfs *s);

#endif
