/* SPDX-License-Identifier: MIT */
/*
 * floor 3: sync: a checkpoint of the live tree.
 *
 * Owns	`epoch`, `frozen`, `durable`, the metas.
 * Order	freeze: note root and heads, frozen = E, E + 1: from here nothing the note reaches is
 *	modified, and nothing it reaches is reused (I4).  Flush.  Write the note into the older
 *	meta.  Flush that: what is changed meanwhile would take as long again.  durable = the note's
 *	epoch.  Whatever order pages reach the disk in, the newest valid meta describes an untouched
 *	tree.  A small checkpoint needs no first flush (delta.h).
 *	A kill leaves: frozen behind (the next sync goes on); a torn meta (the other is valid); a
 *	whole meta not known to be durable (the next sync flushes and adopts it).
 *	A snapshot freezes too, in memory only: its pin keeps what it reaches from being reused, and
 *	a kill drops the pin.
 * Locks	syncer mutex, sync_lock; the writer lock only to note and to finish.
 */
#ifndef SFS_SYNC_H
#define SFS_SYNC_H

#include "handle.h"

/* Checkpoint, if there is anything new.  -EIO, sticky */
SFS_HIDDEN int sfs_sync(struct shmfs *s);

/* Note what the live tree is now, one consistent cut, and pin it: from here nothing it reaches is
 * modified or reused.  table: NULL, or where to allocate a copy of the m->nseg segment entries as of
 * this moment.  The handle may write.  -ENOMEM -EDEADLK -EIO -ENOLCK */
SFS_HIDDEN int sfs_sync_freeze(struct shmfs *s, struct sfs_meta *m, struct sfs_seg **table);

/* The last checkpoint before the store is closed: `nseg` is what the file is about to be cut
 * to.  The caller is alone (GATE). */
SFS_HIDDEN int sfs_sync_last(struct shmfs *s, uint64_t nseg);

#endif
