/* SPDX-License-Identifier: MIT */
/* floor 2: the lock word and the leases (lock.h). */
#define _GNU_SOURCE
#include "lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "oflock.h"

#define OWNER UINT64_C(0xffff)
#define WAITERS UINT64_C(0x10000)
#define GENERATION UINT64_C(0x20000)
#define SPINS 200
#define PROBE_NS 2000000

/* Who takes it from the dead wakes, when done, those who slept behind them. */
static uint64_t ours(const struct shmfs *s, uint64_t word)
{
	return ((word & ~OWNER) + GENERATION) | s->lease;
}

static void sleep_while(a64 *word, uint64_t value)
{
	const struct timespec limit = {.tv_nsec = PROBE_NS};

	/* little-endian: the low half holds owner, waiters and part of the generation */
	syscall(SYS_futex, (uint32_t *)(void *)word, FUTEX_WAIT, (uint32_t)value, &limit, NULL, 0);
}

bool sfs_lease_free(struct shmfs *s, unsigned lease)
{
	/* a read lock conflicts with the holder's write lock only */
	return sfs_oflock_holder(s->file.fd, F_RDLCK, SFS_BYTE_LEASE + lease, 1) < 0;
}

bool sfs_writer_present(struct shmfs *s)
{
	return sfs_oflock_holder(s->file.fd, F_RDLCK, SFS_BYTE_LEASE + 1, SFS_LEASES) >= 0;
}

int sfs_lease_take(struct shmfs *s)
{
	for (unsigned i = 1; i <= SFS_LEASES; i++) {
		int rc = sfs_oflock_set(s->file.fd, F_WRLCK, SFS_BYTE_LEASE + i, 1, false);

		if (rc == 0)
			s->lease = (uint16_t)i;
		if (rc != -EAGAIN)
			return rc;
	}
	return SHMFS_E_LEASES;
}

int sfs_lock_take(struct shmfs *s, a64 *word)
{
	uint64_t w = sfs_relaxed(word);

	for (int spins = 0;;) {
		if ((w & OWNER) == 0) {
			if (atomic_compare_exchange_weak_explicit(word, &w, ours(s, w), memory_order_acquire,
			                                          memory_order_relaxed))
				return SFS_LOCK_CLEAN;
			continue;
		}
		if (spins++ < SPINS) {
			sfs_relax();
			w = sfs_relaxed(word);
			continue;
		}
		if (!(w & WAITERS)) {
			if (!atomic_compare_exchange_weak_explicit(word, &w, w | WAITERS, memory_order_relaxed,
			                                           memory_order_relaxed))
				continue;
			w |= WAITERS;
		}
		sleep_while(word, w);
		if (sfs_relaxed(word) == w && sfs_lease_free(s, w & OWNER) &&
		    atomic_compare_exchange_strong_explicit(word, &w, ours(s, w), memory_order_acquire,
		                                            memory_order_relaxed))
			return SFS_LOCK_STOLEN;
		w = sfs_relaxed(word);
	}
}

bool sfs_lock_drop(a64 *word)
{
	uint64_t was = atomic_fetch_and_explicit(word, ~(OWNER | WAITERS), memory_order_release);

	if (sfs_unlikely(was & WAITERS))
		syscall(SYS_futex, (uint32_t *)(void *)word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	return was & WAITERS;
}

bool sfs_lock_inherit(struct shmfs *s, a64 *word)
{
	uint64_t w = sfs_relaxed(word);

	/* by compare-and-swap: a thief may be faster */
	while ((w & OWNER) == s->lease)
		if (atomic_compare_exchange_weak_explicit(word, &w, ours(s, w), memory_order_acquire,
		                                          memory_order_relaxed))
			return true;
	return false;
}
