/* SPDX-License-Identifier: MIT */
/*
 * floor 2: pins.  A pin at stamp s is a read lock on byte PIN + s.  Whoever is about to
 * reuse a segment freed with stamp t asks the kernel for a pin at or below t.
 *
 * Order	the pin is taken, then lookups start: what is reachable from then on is freed with
 *	a stamp >= s, and stays.  fcntl() is a full barrier on both sides.
 *	A kill drops the lock with the descriptor.
 * Locks	pin_mutex; the kernel does not report a handle's own locks to it, so those are listed.
 */
#ifndef SFS_PIN_H
#define SFS_PIN_H

#include "handle.h"

struct sfs_pinned {
	struct sfs_pinned *next;
	uint64_t stamp;
	unsigned count;
};

/* *stamp: what was pinned.  -ENOLCK, -ENOMEM */
SFS_HIDDEN int sfs_pin(struct shmfs *s, uint64_t *stamp);
SFS_HIDDEN int sfs_pin_at(struct shmfs *s, uint64_t stamp);
SFS_HIDDEN void sfs_unpin(struct shmfs *s, uint64_t stamp);

/* Distinct stamps that this handle pins. */
SFS_HIDDEN uint64_t sfs_pin_count(struct shmfs *s);

/* Does a pin, of anybody, hold what was freed with this stamp? */
SFS_HIDDEN bool sfs_pinned(struct shmfs *s, uint64_t stamp);

#endif
