/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the lock word, shared by processes.
 *
 *	bits 15..0 owner's lease | bit 16 waiters | bits 63..17 generation
 *
 * Owns	live->lock and live->sync_lock.
 * Invariant	an owner != 0 holds its lease byte, or is dead.
 * Order	taking is an acquire, releasing a release: the word publishes everything under it.
 * Distrust	the owner: who waits 2 ms asks the kernel whether the lease is still held, and
 *	takes the lock by compare-and-swap of the very word it saw, so one thief wins and an
 *	owner that came back under the same lease (generation) is not robbed.
 *	A kill leaves the word as it is; it is stolen, or inherited with the lease.
 */
#ifndef SFS_LOCK_H
#define SFS_LOCK_H

#include "handle.h"

#if defined(__x86_64__)
#define sfs_relax() __builtin_ia32_pause()
#else
#define sfs_relax() __asm__ volatile("yield" ::: "memory")
#endif

enum { SFS_LOCK_CLEAN = 0, SFS_LOCK_STOLEN = 1 };

/* Blocks until the word is ours.  SFS_LOCK_STOLEN: its owner died under it. */
SFS_HIDDEN int sfs_lock_take(struct shmfs *s, a64 *word);

/* Did somebody sleep for it?  They are awake now, but who takes it first has it. */
SFS_HIDDEN bool sfs_lock_drop(a64 *word);

/* The word's owner was the dead holder of the lease we just took: make it ours.
 * False if somebody stole it first, or it was not held by that lease. */
SFS_HIDDEN bool sfs_lock_inherit(struct shmfs *s, a64 *word);

/* Take the first free lease byte.  SHMFS_E_LEASES */
SFS_HIDDEN int sfs_lease_take(struct shmfs *s);

/* Whose the lock is now; 0: nobody's. */
static inline unsigned sfs_lock_owner(const a64 *word)
{
	return sfs_relaxed(word) & 0xffff;
}

/* Does nobody hold this lease?  (Not to be asked of our own.) */
SFS_HIDDEN bool sfs_lease_free(struct shmfs *s, unsigned lease);

/* Does another handle hold the store open for writing? */
SFS_HIDDEN bool sfs_writer_present(struct shmfs *s);

#endif
