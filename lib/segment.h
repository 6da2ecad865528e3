/* SPDX-License-Identifier: MIT */
/*
 * floor 2: segments: taking and freeing 1 MiB at a time.
 *
 * Owns	the segment tables, `freed`, `reused`, `nseg`, `idle`, `used`, `spare`.
 * Invariant	live[seg] >= bytes reachable in it (I3).  A segment is taken back only if it died,
 *	no checkpoint that is or may become durable needs it, and no pin holds it (I4).
 *	Two SPARE segments, fully allocated, wait for the day the disk is full.
 * Order	free: stamp, died, then `freed`.  Take: raise `reused`, fence, ask for pins, then mark
 *	the entries, the head of a run last, its kind last.
 *	A kill before the mark leaves a raised `reused` (a reader retries) and nothing else;
 *	after it, a segment with live 0 that the cleaner frees, or, of a run or a spare, what
 *	`taking` names until it is in a chain or listed: the next owner of the lock frees it.
 * Locks	the writer lock.
 * Distrust	stamps, runs and hints read from the tables: a wrong one costs space or an error.
 */
#ifndef SFS_SEGMENT_H
#define SFS_SEGMENT_H

#include "handle.h"

/* May the allocation use the spares?  Deleting may use one and cleaning both: they give
 * space back.  (The last one is the cleaner's: what it empties becomes the next spare.) */
enum sfs_purpose { SFS_TO_STORE, SFS_TO_FREE, SFS_TO_CLEAN };

/* n segments in a row for this kind; *first is the first.  A run stays noted as being taken, until
 * sfs_seg_taken().  -ENOSPC, -EFBIG, -EUCLEAN */
SFS_HIDDEN int sfs_seg_alloc(struct shmfs *s, uint64_t n, enum sfs_kind kind,
                             enum sfs_purpose purpose, uint64_t *first);

/* What was being taken is in somebody's hands. */
SFS_HIDDEN void sfs_seg_taken(struct shmfs *s);

/* Free what a killed writer was taking. */
SFS_HIDDEN void sfs_seg_redo(struct shmfs *s);

/* Make the run that starts at n `want` segments long, where it is.  -EAGAIN: what follows it is in use; -EFBIG, -ENOSPC */
SFS_HIDDEN int sfs_seg_extend(struct shmfs *s, uint64_t n, uint64_t want);

/* Free a segment, or the run it heads. */
SFS_HIDDEN void sfs_seg_free(struct shmfs *s, uint64_t n);

/* Give back the disk space of idle segments that have some, but not all of theirs: together
 * it makes whole ones.  For a full disk.  whole: of all idle segments. */
SFS_HIDDEN void sfs_seg_punch(struct shmfs *s, bool whole);

/* Forget the spares at or behind this segment: the next allocation takes others. */
SFS_HIDDEN void sfs_seg_drop_spares(struct shmfs *s, uint64_t from);

/*
 * Refill the spares.  Space they miss comes before space to store in: who is about to take disk
 * space to store in it asks this first.  -ENOSPC, -EFBIG
 */
SFS_HIDDEN int sfs_seg_keep_spares(struct shmfs *s);

/* Allocate disk space so that everything below `end`, in this segment, can be touched. */
SFS_HIDDEN int sfs_seg_back(struct shmfs *s, uint64_t n, uint64_t end);

/* A block of this size at this offset became reachable, or is about to. */
SFS_HIDDEN void sfs_seg_add(struct shmfs *s, uint64_t offset, uint64_t size);

/* A block was unpublished.  Frees its segment with the last one. */
SFS_HIDDEN void sfs_seg_drop(struct shmfs *s, uint64_t offset, uint64_t size);

/* Largest number of segments the store may have, by its max_size and our window. */
SFS_HIDDEN uint64_t sfs_seg_limit(const struct shmfs *s);

/* An entry of the tables is about to say something else of what recovery asks it: delta.h. */
static inline void sfs_seg_moves(struct shmfs *s)
{
	sfs_commit(&s->live->moves, sfs_relaxed(&s->live->moves) + 1);
}

static inline uint64_t sfs_seg_of(uint64_t offset)
{
	return offset >> SFS_SEG_SHIFT;
}

static inline bool sfs_seg_reserved(uint64_t n)
{
	return (n & (SFS_GROUP_SEGS - 1)) < SFS_GROUP_RESERVED;
}

/* Is it the segment a head appends to? */
static inline bool sfs_seg_active(const struct shmfs *s, uint64_t n)
{
	return n == sfs_seg_of(sfs_relaxed(&s->live->head[SFS_DATA_HEAD]) - 1) ||
	       n == sfs_seg_of(sfs_relaxed(&s->live->head[SFS_INDEX_HEAD]) - 1);
}

#endif
