/* SPDX-License-Identifier: MIT */
/*
 * floor 3: a reader's moment: the tree it reads, and whether a writer has overtaken it.
 *
 *	do {
 *		sfs_moment_begin(s, &m);
 *		... follow m.root, copy bytes out ...
 *	} while (!sfs_moment_intact(s, &m) && ++tries < SFS_TRIES);
 *
 * What was read counts only if the moment was still intact after it: also a result such
 * as -EUCLEAN, which a recycled page may look like.
 * A read-only handle on a store of another session reads the newest checkpoint instead,
 * until a writer recovers the store; its moment is intact as long as that has not happened.
 * A snapshot's is intact for ever: what it reads is pinned.
 */
#ifndef SFS_MOMENT_H
#define SFS_MOMENT_H

#include "index.h"

#define SFS_TRIES 1000

struct sfs_moment {
	uint64_t root;
	uint64_t stamp;
	bool checkpoint;
};

static inline void sfs_moment_begin(struct shmfs *s, struct sfs_moment *m)
{
	m->checkpoint = false;
	if (sfs_unlikely(sfs_relaxed(&s->checkpoint))) {
		if (sfs_reads_meta(s)) {
			*m = (struct sfs_moment){s->meta.root_word, s->meta.freed, true};
			return;
		}
		sfs_set(&s->checkpoint, false);
		sfs_handle_plainly(s);
	}
	m->stamp = sfs_acquire(&s->live->freed);
	m->root = sfs_acquire(&s->live->root.word);
}

static inline bool sfs_moment_intact(struct shmfs *s, const struct sfs_moment *m)
{
	if (sfs_unlikely(m->checkpoint)) {
		atomic_thread_fence(memory_order_acquire);
		return sfs_reads_meta(s);
	}
	return sfs_valid(s, m->stamp);
}

/* A writer was faster. */
static inline void sfs_moment_overtaken(struct shmfs *s)
{
	atomic_fetch_add_explicit(&s->retries, 1, memory_order_relaxed);
}

/* Count a retry.  False: enough of them, and *rc says why. */
static inline bool sfs_moment_again(struct shmfs *s, int *tries, int *rc)
{
	uint64_t reused = sfs_acquire(&s->live->reused);

	sfs_moment_overtaken(s);
	/* No moment will ever be intact; at once, since those who ask may be nested. */
	if (sfs_unlikely(reused > sfs_acquire(&s->live->freed))) {
		*rc = -EUCLEAN;
		return false;
	}
	if (++*tries < SFS_TRIES)
		return true;
	*rc = -EAGAIN;
	return false;
}

#endif
