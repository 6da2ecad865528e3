/* SPDX-License-Identifier: MIT */
/* floor 2: the watch region (watch.h). */
#define _GNU_SOURCE
#include "watch.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "oflock.h"

static struct sfs_watchpage *page(const struct shmfs *s)
{
	return sfs_at(s, SFS_AT_WATCH);
}

static struct sfs_told *place_of(const struct shmfs *s, enum sfs_ring ring, uint64_t n)
{
	struct sfs_told *first = sfs_at(s, ring == SFS_RING_ALL ? SFS_AT_RING_ALL : SFS_AT_RING);

	return first + n % SFS_RING_PLACES;
}

static a64 *interest(const struct shmfs *s, unsigned set)
{
	return (a64 *)sfs_at(s, SFS_AT_INTEREST) + set % SFS_SETS / 64;
}

static uint64_t bit(unsigned n)
{
	return UINT64_C(1) << n % 64;
}

/* ---- telling ------------------------------------------------------------------------ */

/* Was the bit set?  It is not any more. */
static bool withdraw(struct shmfs *s, unsigned set)
{
	a64 *word = interest(s, set);

	return (sfs_relaxed(word) & bit(set)) &&
	       (atomic_fetch_and_explicit(word, ~bit(set), memory_order_seq_cst) & bit(set));
}

void sfs_watch_rouse(struct shmfs *s, enum sfs_ring ring)
{
	a32 *wake = &page(s)->ring[ring].wake;

	atomic_fetch_add_explicit(wake, 1, memory_order_seq_cst);
	syscall(SYS_futex, (uint32_t *)(void *)wake, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void append(struct shmfs *s, enum sfs_ring ring, uint64_t hash, uint64_t what)
{
	struct sfs_watchpage *p = page(s);
	uint64_t n = sfs_relaxed(&p->ring[ring].head);
	struct sfs_told *t = place_of(s, ring, n);

	sfs_commit(&t->turn, 0);
	atomic_thread_fence(memory_order_release);
	sfs_set(&t->hash, hash);
	sfs_set(&t->what, what);
	sfs_commit(&t->turn, n + 1);
	sfs_commit(&p->ring[ring].head, n + 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (sfs_relaxed(&p->ring[ring].sleepers)) {
		sfs_set(&p->ring[ring].sleepers, 0);
		sfs_watch_rouse(s, ring);
	}
}

static void tell(struct shmfs *s, uint64_t hash, unsigned kind, uint64_t ref, unsigned asked)
{
	uint64_t what = ref >> 3 << 8 | (kind & 15);

	if (asked)
		append(s, SFS_RING_ASKED, hash, what | asked << 4);
	if (sfs_relaxed(&s->live->followers))
		append(s, SFS_RING_ALL, hash, what);
}

void sfs_watch_tell(struct shmfs *s, uint64_t hash, unsigned kind, uint64_t ref)
{
	unsigned asked = 0;

	atomic_thread_fence(memory_order_seq_cst);
	if (withdraw(s, sfs_set_of(hash)))
		asked |= SFS_ASKED_KEY;
	if (kind != SHMFS_WATCH_CHANGED && withdraw(s, SHMFS_WATCH_NAMES))
		asked |= SFS_ASKED_NAMES;
	tell(s, hash, kind, ref, asked);
}

void sfs_watch_tell_again(struct shmfs *s, uint64_t hash, unsigned kind, uint64_t ref)
{
	atomic_thread_fence(memory_order_seq_cst);
	withdraw(s, sfs_set_of(hash));
	if (kind != SHMFS_WATCH_CHANGED)
		withdraw(s, SHMFS_WATCH_NAMES);
	tell(s, hash, kind, ref, SFS_ASKED_KEY | (kind != SHMFS_WATCH_CHANGED ? SFS_ASKED_NAMES : 0));
}

/* ---- watchers ----------------------------------------------------------------------- */

int sfs_watch_join(struct shmfs *s, bool follow, unsigned *slot)
{
	struct sfs_live *live = s->live;

	for (unsigned i = 0; i < SFS_WATCHERS; i++) {
		int rc;

		if (s->watching & bit(i)) /* a lock does not keep its own holder out */
			continue;
		rc = sfs_oflock_set(s->file.fd, F_WRLCK, SFS_BYTE_WATCH + i, 1, false);
		if (rc == -EAGAIN)
			continue;
		if (rc)
			return rc;
		s->watching |= bit(i);
		/* who was here before may have been a follower */
		sfs_set(&live->followers, (sfs_relaxed(&live->followers) & ~bit(i)) | (follow ? bit(i) : 0));
		sfs_commit(&live->watchers, sfs_relaxed(&live->watchers) | bit(i));
		*slot = i;
		return 0;
	}
	return -EUSERS;
}

static void forget(struct shmfs *s, unsigned slot)
{
	sfs_set(&s->live->watchers, sfs_relaxed(&s->live->watchers) & ~bit(slot));
	sfs_set(&s->live->followers, sfs_relaxed(&s->live->followers) & ~bit(slot));
}

void sfs_watch_leave(struct shmfs *s, unsigned slot)
{
	forget(s, slot);
	s->watching &= ~bit(slot);
	(void)sfs_oflock_set(s->file.fd, F_UNLCK, SFS_BYTE_WATCH + slot, 1, false);
}

void sfs_watch_reap(struct shmfs *s)
{
	uint64_t others = sfs_relaxed(&s->live->watchers) & ~s->watching;

	for (unsigned i = 0; i < SFS_WATCHERS; i++)
		/* a read lock, which anybody may have, keeps nobody alive */
		if ((others & bit(i)) && sfs_oflock_holder(s->file.fd, F_RDLCK, SFS_BYTE_WATCH + i, 1) < 0)
			forget(s, i);
}

/* ---- watching ----------------------------------------------------------------------- */

void sfs_watch_want(struct shmfs *s, unsigned set)
{
	a64 *word = interest(s, set);

	/* Seen set, it is cleared after this, if ever, and told of: as good as set by us. */
	if (!(sfs_relaxed(word) & bit(set)))
		atomic_fetch_or_explicit(word, bit(set), memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
}

uint64_t sfs_watch_head(const struct shmfs *s, enum sfs_ring ring)
{
	return sfs_acquire(&page(s)->ring[ring].head);
}

int sfs_watch_next(struct shmfs *s, enum sfs_ring ring, uint64_t *place, struct sfs_change *c)
{
	uint64_t turn, what;
	struct sfs_told *t = place_of(s, ring, *place);

	if (sfs_watch_head(s, ring) == *place)
		return 0;
	turn = sfs_acquire(&t->turn);
	c->hash = sfs_relaxed(&t->hash);
	what = sfs_relaxed(&t->what);
	atomic_thread_fence(memory_order_acquire);
	if (turn != *place + 1 || sfs_relaxed(&t->turn) != turn) {
		*place = sfs_watch_head(s, ring);
		return -ESTALE;
	}
	++*place;
	c->ref = what >> 8 << 3;
	c->kind = what & 15;
	c->asked = what >> 4 & 15;
	return 1;
}

int sfs_watch_sleep(struct shmfs *s, enum sfs_ring ring, uint64_t place, const _Atomic bool *stop, int64_t ns)
{
	struct sfs_watchpage *p = page(s);
	uint32_t k = sfs_acquire(&p->ring[ring].wake);
	const struct timespec limit = {.tv_nsec = (long)sfs_min((uint64_t)ns, SFS_WATCH_NAP_NS)};

	sfs_set(&p->ring[ring].sleepers, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (sfs_watch_head(s, ring) != place || sfs_acquire(stop))
		return 0;
	if (syscall(SYS_futex, (uint32_t *)(void *)&p->ring[ring].wake, FUTEX_WAIT, k, &limit, NULL, 0) < 0 &&
	    errno == EINTR)
		return -EINTR;
	return 0;
}
