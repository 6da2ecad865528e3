/* SPDX-License-Identifier: MIT */
/*
 * floor 4: watching: shmfs_watch_open, set, add, add_set, wait, wake, key, close.
 *
 * Owns	a slot of the watch region (watch.h), and a place in one of its rings; who polls has neither,
 *	and looks at the live page alone.
 * Locks	the writer lock, to come and go; while it waits only if the lock's owner is dead, or to
 *	look for dead watchers if nobody has it: a stopped writer keeps no watcher from ending.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

#include "index.h"
#include "lock.h"
#include "watch.h"
#include "writer.h"

#define POLL_NS 10000000
#define REAP_NS INT64_C(60000000000)

/* What a poller compares.  A commit counts itself only behind its stores, and a killed one never
 * does: so how far the op line has come is part of it. */
struct glance {
	uint64_t changes;
	uint64_t hash; /* of the op line, if it is armed */
	unsigned stored;
	bool checkpoint;
};

struct shmfs_watch {
	struct shmfs *store;
	uint32_t flags;
	unsigned slot;
	enum sfs_ring ring;
	uint64_t place;
	_Atomic bool woken;
	int64_t looked, reaped; /* when: after a dead writer, for dead watchers */
	struct glance seen;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool polls(const struct shmfs_watch *w)
{
	return w->flags & SHMFS_WATCH_POLL;
}

static int usable(const struct shmfs_watch *w)
{
	int rc;

	if (!w)
		return -EINVAL;
	rc = polls(w) ? sfs_handle_usable(w->store) : sfs_handle_writable(w->store);
	return rc == 0 && sfs_handle_blank(w->store) ? -EIO : rc;
}

/* ---- polling ------------------------------------------------------------------------ */

static struct glance glance(struct shmfs *s)
{
	struct sfs_live *live = s->live;
	struct glance g = {.checkpoint = sfs_reads_meta(s)};

	if (g.checkpoint)
		return g;
	g.changes = sfs_acquire(&live->changes);
	if (sfs_acquire(&live->op.kind) == SFS_OP_NONE)
		return g;
	g.hash = sfs_relaxed(&live->op.hash);
	for (int i = 0; i < 2; i++) {
		uint64_t at = sfs_relaxed(&live->op.slot[i]);

		if (at >= SFS_SEG && at % 8 == 0 && sfs_file_inside(&s->file, at, 8))
			g.stored += sfs_acquire((a64 *)sfs_at(s, at)) == sfs_relaxed(&live->op.word[i]);
	}
	return g;
}

static size_t look_polling(struct shmfs_watch *w, struct shmfs_watch_event *events)
{
	struct glance g = glance(w->store);

	if (g.changes == w->seen.changes && g.hash == w->seen.hash && g.stored == w->seen.stored &&
	    g.checkpoint == w->seen.checkpoint)
		return 0;
	w->seen = g;
	*events = (struct shmfs_watch_event){.kind = SHMFS_WATCH_EVERYTHING};
	return 1;
}

static int sleep_polling(int64_t ns)
{
	const struct timespec step = {.tv_nsec = (long)sfs_min((uint64_t)ns, POLL_NS)};

	return nanosleep(&step, NULL) < 0 ? -errno : 0;
}

/* ---- being told --------------------------------------------------------------------- */

static struct shmfs_watch_event event_of(const struct sfs_change *c)
{
	if (c->kind < SHMFS_WATCH_CHANGED || c->kind > SHMFS_WATCH_DELETED) /* a damaged file */
		return (struct shmfs_watch_event){.kind = SHMFS_WATCH_EVERYTHING};
	return (struct shmfs_watch_event){
		.kind = c->kind,
		.set = sfs_set_of(c->hash),
		.key = (c->asked & SFS_ASKED_KEY) != 0,
		.names = (c->asked & SFS_ASKED_NAMES) != 0,
		.hash = c->hash,
		.where = c->ref,
	};
}

static size_t look(struct shmfs_watch *w, struct shmfs_watch_event *events, size_t max)
{
	struct sfs_change c;
	size_t n = 0;

	while (n < max) {
		int rc = sfs_watch_next(w->store, w->ring, &w->place, &c);

		if (rc == 0)
			break;
		if (rc < 0)
			c.kind = SHMFS_WATCH_EVERYTHING;
		events[n++] = event_of(&c);
	}
	return n;
}

/* Every SFS_WATCH_NAP_NS: if the lock's owner is dead, it may be that it was killed before it told, and
 * that we are the only one to find out.  Who takes the lock finishes what it was doing. */
static void look_after(struct shmfs_watch *w, int64_t now)
{
	struct shmfs *s = w->store;
	unsigned owner = sfs_lock_owner(&s->live->lock);

	w->looked = now;
	if (owner && owner != s->lease && sfs_lease_free(s, owner)) {
		sfs_writer_lock(s);
		sfs_writer_unlock(s);
	} else if (!owner && now - w->reaped >= REAP_NS) {
		w->reaped = now;
		sfs_writer_lock(s);
		sfs_watch_reap(s);
		sfs_writer_unlock(s);
	}
}

/* ---- the calls ---------------------------------------------------------------------- */

int shmfs_watch_open(struct shmfs *s, struct shmfs_watch **out, uint32_t flags)
{
	struct shmfs_watch *w;
	int rc = flags & SHMFS_WATCH_POLL ? sfs_handle_usable(s) : sfs_handle_writable(s);

	if (rc)
		return rc;
	if (!out || (flags & ~(uint32_t)(SHMFS_WATCH_ALL | SHMFS_WATCH_POLL)))
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->store = s;
	w->flags = flags;
	w->ring = flags & SHMFS_WATCH_ALL ? SFS_RING_ALL : SFS_RING_ASKED;
	w->looked = w->reaped = now_ns();
	if (polls(w)) {
		w->seen = glance(s);
	} else {
		sfs_writer_lock(s);
		rc = sfs_watch_join(s, flags & SHMFS_WATCH_ALL, &w->slot);
		w->place = sfs_watch_head(s, w->ring);
		sfs_writer_unlock(s);
	}
	rc = sfs_handle_result(s, rc);
	if (rc)
		free(w);
	else
		*out = w;
	return rc;
}

uint32_t shmfs_watch_set(const struct shmfs *s, const void *key, size_t key_size)
{
	return s ? sfs_set_of(sfs_hash(s->seed, SFS_USER, key, key_size)) : 0;
}

int shmfs_watch_add_set(struct shmfs_watch *w, uint32_t set)
{
	int rc = usable(w);

	if (rc || set >= SFS_SETS)
		return rc ? rc : -EINVAL;
	/* who is told of everything, or asks, need not be told of this */
	if (!w->flags)
		sfs_watch_want(w->store, set);
	return sfs_handle_result(w->store, 0);
}

int shmfs_watch_add(struct shmfs_watch *w, const void *key, size_t key_size, uint32_t *set)
{
	uint32_t mine;

	if (!w || (!key && key_size))
		return -EINVAL;
	mine = shmfs_watch_set(w->store, key, key_size);
	if (set)
		*set = mine;
	return shmfs_watch_add_set(w, mine);
}

int shmfs_watch_wait(struct shmfs_watch *w, int timeout_ms, struct shmfs_watch_event *events, size_t max,
                     size_t *n)
{
	int64_t now = now_ns(), end = timeout_ms < 0 ? INT64_MAX : now + (int64_t)timeout_ms * 1000000;

	if (!events || !max || !n)
		return -EINVAL;
	for (;; now = now_ns()) {
		int rc = usable(w);

		*n = 0;
		if (rc)
			return rc;
		*n = polls(w) ? look_polling(w, events) : look(w, events, max);
		if (*n)
			return sfs_handle_result(w->store, 0);
		if (atomic_exchange(&w->woken, false))
			return -ECANCELED;
		if (!polls(w) && now - w->looked >= SFS_WATCH_NAP_NS) {
			look_after(w, now);
			continue;
		}
		if (now >= end)
			return -ETIMEDOUT;
		rc = polls(w) ? sleep_polling(end - now)
		              : sfs_watch_sleep(w->store, w->ring, w->place, &w->woken, end - now);
		if (rc)
			return rc;
	}
}

void shmfs_watch_wake(struct shmfs_watch *w)
{
	if (!w)
		return;
	atomic_store(&w->woken, true);
	if (usable(w) == 0 && !polls(w))
		sfs_watch_rouse(w->store, w->ring);
}

/* ---- names -------------------------------------------------------------------------- */

/* The key of the record that was there at the event.  It may have been overwritten since: then what is
 * there hashes to something else. */
static int key_there(struct shmfs *s, const struct shmfs_watch_event *event, void *key, size_t *size)
{
	const struct sfs_record *r;
	uint8_t copy[UINT16_MAX];
	size_t n;

	if (event->where < SFS_SEG || !sfs_file_inside(&s->file, event->where, sizeof(*r)))
		return -ENOENT;
	r = sfs_at(s, event->where);
	n = sfs_relaxed((const a16 *)&r->klen);
	if (!sfs_file_inside(&s->file, event->where, sizeof(*r) + n))
		return -ENOENT;
	sfs_copy_out(copy, sfs_record_key(r), n);
	if (sfs_hash(s->seed, SFS_USER, copy, n) != event->hash)
		return -ENOENT;
	if (n <= *size)
		memcpy(key, copy, n);
	return (int)n;
}

/* The key of this hash that is stored now. */
static int key_now(struct shmfs *s, uint64_t hash, void *key, size_t *size)
{
	struct shmfs_entry entry;
	struct shmfs_iter *it;
	int rc = shmfs_iter_open(s, &it, hash);

	if (rc)
		return rc;
	rc = shmfs_iter_next(it, &entry);
	if (rc == 0 && sfs_hash(s->seed, SFS_USER, entry.key, entry.key_size) != hash)
		rc = -ENOENT;
	if (rc == 0) {
		rc = (int)entry.key_size;
		if (entry.key_size <= *size)
			memcpy(key, entry.key, entry.key_size);
	}
	shmfs_iter_close(it);
	return rc;
}

int shmfs_watch_key(struct shmfs_watch *w, const struct shmfs_watch_event *event, void *key, size_t *size)
{
	int rc = usable(w);

	if (rc || !event || !size || (!key && *size))
		return rc ? rc : -EINVAL;
	if (event->kind == SHMFS_WATCH_EVERYTHING)
		return -ENOENT;
	rc = key_there(w->store, event, key, size);
	if (rc == -ENOENT)
		rc = key_now(w->store, event->hash, key, size);
	if (rc >= 0) {
		size_t room = *size;

		*size = (size_t)rc;
		rc = *size > room ? -EMSGSIZE : 0;
	}
	return sfs_handle_result(w->store, rc);
}

void shmfs_watch_close(struct shmfs_watch *w)
{
	if (!w)
		return;
	if (!polls(w) && sfs_handle_writable(w->store) == 0) {
		sfs_writer_lock(w->store);
		sfs_watch_leave(w->store, w->slot);
		sfs_writer_unlock(w->store);
	}
	free(w);
}
