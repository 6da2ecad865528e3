/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the watch region: who wants to know, of which keys, and what changed.
 *
 * An interest bit stands for a set of keys, neighbours by hash; bit SHMFS_WATCH_NAMES for the
 * existence of all.  It is one-shot: whoever changes a key of the set clears the bit and tells of it
 * in a ring, which all watchers read; later changes go untold until somebody sets the bit
 * again.  So a writer that nobody follows tells little, however much it writes.  Followers, who
 * want every change, have a ring of their own, or they would overrun the others'.
 *
 * Owns	live->watchers and `followers`, the watch page, the interest bits, both rings, bytes SFS_BYTE_WATCH.
 * Invariant	a bit of `watchers` is set iff its watcher holds the lock byte of the same number, or
 *	is dead.  A set interest bit, seen by a watcher, is either still set or its clearing is told of
 *	behind the place where that watcher reads.
 * Order	watcher: placeholder in its cache; set the bit; fence; read the key; fill the placeholder,
 *	unless what it was told meanwhile killed that.
 *	writer: COMMIT; fence; clear the bit; if it was set, tell.  Never tell before the clear: a watcher
 *	could set the bit in between, which is set still, and lose it.
 *	The two fences: either the watcher reads what was committed, or the writer sees the bit.
 *	Where there is no watcher the writer needs no fence: watchers come and go under its lock.
 *	a place of a ring: turn = 0, fence, body, turn (release), head.
 *	a sleeper: k = wake; sleepers = 1; fence; look at head; sleep while wake = k.
 *	a writer: head; fence; sleepers = 0 if it was not; wake + 1; wake all.
 *	A kill between COMMIT and the telling leaves the op line (commit.h): who takes the lock next
 *	tells.  If nobody does, a watcher does, who looks every SFS_WATCH_NAP_NS.
 * Locks	the writer lock, but for sfs_watch_want(), _next(), _sleep() and _rouse().
 * Distrust	head and places: whatever they hold, a watcher is at worst told that everything changed.
 */
#ifndef SFS_WATCH_H
#define SFS_WATCH_H

#include "handle.h"

#define SFS_WATCH_NAP_NS 100000000

/* Of one change, read from a ring. */
struct sfs_change {
	uint64_t hash;
	uint64_t ref;   /* of the record, 0 = not known; it may be reused by now */
	unsigned kind;  /* SHMFS_WATCH_* */
	unsigned asked; /* SFS_ASKED_*: the bits that were cleared */
};

/* Is there a watcher?  Under the writer lock. */
static inline bool sfs_watched(const struct shmfs *s)
{
	return sfs_relaxed(&s->live->watchers) != 0;
}

/* Tell that the key of this hash was changed, if somebody wants to know. */
SFS_HIDDEN void sfs_watch_tell(struct shmfs *s, uint64_t hash, unsigned kind, uint64_t ref);

/* Tell it in any case: the bits may have been cleared by one who was killed before telling. */
SFS_HIDDEN void sfs_watch_tell_again(struct shmfs *s, uint64_t hash, unsigned kind, uint64_t ref);

/* Become a watcher; *slot is which.  -EUSERS: there are SFS_WATCHERS */
SFS_HIDDEN int sfs_watch_join(struct shmfs *s, bool follow, unsigned *slot);
SFS_HIDDEN void sfs_watch_leave(struct shmfs *s, unsigned slot);

/* Forget the watchers that are dead. */
SFS_HIDDEN void sfs_watch_reap(struct shmfs *s);

/* Set an interest bit; what is read afterwards is at least as new as what is not told of. */
SFS_HIDDEN void sfs_watch_want(struct shmfs *s, unsigned set);

/* Where a watcher who comes now begins to read. */
SFS_HIDDEN uint64_t sfs_watch_head(const struct shmfs *s, enum sfs_ring ring);

/* The change at *place, and step behind it: 1; 0: nothing yet; -ESTALE: overrun, now behind the last. */
SFS_HIDDEN int sfs_watch_next(struct shmfs *s, enum sfs_ring ring, uint64_t *place, struct sfs_change *c);

/* Sleep until something is told at `place`, or *stop; at most ns, at most SFS_WATCH_NAP_NS.
 * 0, whatever ended it, but -EINTR: a signal. */
SFS_HIDDEN int sfs_watch_sleep(struct shmfs *s, enum sfs_ring ring, uint64_t place,
                               const _Atomic bool *stop, int64_t ns);

/* Wake all who sleep at this ring.  Async-signal-safe. */
SFS_HIDDEN void sfs_watch_rouse(struct shmfs *s, enum sfs_ring ring);

#endif
