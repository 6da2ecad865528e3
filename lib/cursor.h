/* SPDX-License-Identifier: MIT */
/*
 * floor 2: cursors: records of space CURSOR, name -> u64 position; and the roll, one record of space
 * STOREDATA that lists their names, each with a length byte before it, so that they can be
 * told without walking the whole index.
 *
 * Invariant	every cursor is on the roll.  A name on the roll may have no cursor: its maker or
 *	remover was killed between the two commits, or the disk was full.
 * Order	create: roll, then cursor; delete: cursor, then roll.
 * Locks	the writer lock to change; none to read.
 */
#ifndef SFS_CURSOR_H
#define SFS_CURSOR_H

#include "commit.h"

#define SFS_CURSOR_NAME_MAX 255

/* Is any cursor before this position?  The writer lock is held. */
SFS_HIDDEN bool sfs_cursor_behind(struct shmfs *s, uint64_t position);

/* The value of a cursor, under the writer lock.  -ENOENT, -EUCLEAN */
SFS_HIDDEN int sfs_cursor_find(struct shmfs *s, const void *name, size_t n, uint64_t *position);

/* Store a cursor; condition: IF_ABSENT, IF_PRESENT or 0.  The writer lock is held. */
SFS_HIDDEN int sfs_cursor_store(struct shmfs *s, const void *name, size_t n, uint64_t position,
                                uint32_t condition);

/* Remove it.  -ENOENT */
SFS_HIDDEN int sfs_cursor_remove(struct shmfs *s, const void *name, size_t n);

/* The roll's key, for who reads it without a lock. */
SFS_HIDDEN struct sfs_key sfs_cursor_roll(const struct shmfs *s);

/* Write the roll anew; repair only. */
SFS_HIDDEN int sfs_cursor_write(struct shmfs *s, const void *list, size_t size);

#endif
