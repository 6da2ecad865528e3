/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the two heaps.  Records are appended to the active DATA segment, index pages to the
 * active INDEX segment.
 *
 * Invariant	nothing at or beyond a head is reachable; nothing below it is ever modified,
 *	but for index pages of the live epoch.
 * Order	write the bytes, then sfs_heap_keep(): live += size, then the head.  A kill before
 *	leaves bytes that the next append overwrites; after, dead bytes for the cleaner.
 * Locks	the writer lock.
 */
#ifndef SFS_HEAP_H
#define SFS_HEAP_H

#include "segment.h"

/* Room for `size` bytes at *offset, allocated on disk, not yet kept.
 * -ENOSPC, -EFBIG, -EUCLEAN; nothing changed but the active segment. */
SFS_HIDDEN int sfs_heap_room(struct shmfs *s, int head, uint64_t size, enum sfs_purpose purpose,
                             uint64_t *offset);

/* The bytes at `offset` are written. */
SFS_HIDDEN void sfs_heap_keep(struct shmfs *s, int head, uint64_t offset, uint64_t size);

/* Go on in another segment, whatever room there is. */
SFS_HIDDEN int sfs_heap_next(struct shmfs *s, int head, enum sfs_purpose purpose);

#endif
