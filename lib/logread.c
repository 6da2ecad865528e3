/* SPDX-License-Identifier: MIT */
/* floor 3: reading the log (logread.h). */
#include "logread.h"

#include "crc32c.h"
#include "lock.h"

#define PATIENCE 40 /* looks at a reservation before its owner is asked for: that is a system call */

uint64_t sfs_log_head(struct shmfs *s)
{
	return sfs_log_frozen(s) ? s->meta.log_head : sfs_acquire(&sfs_log(s)->head);
}

/* Nothing at or behind this may be touched. */
static uint64_t bound(struct shmfs *s)
{
	return sfs_log_frozen(s) ? s->meta.log_tail : sfs_acquire(&sfs_log(s)->backed);
}

bool sfs_place_intact(struct sfs_place *p)
{
	if (sfs_likely(sfs_moment_intact(p->s, &p->moment)))
		return true;
	p->segment = 0;
	return false;
}

int sfs_place_enter(struct sfs_place *p, uint64_t position)
{
	uint64_t n = position >> SFS_LOG_SHIFT;
	int tries = 0, rc;

	if (sfs_likely(p->segment == n + 1))
		return 0;
	do {
		sfs_moment_begin(p->s, &p->moment);
		rc = sfs_log_find(p->s, p->moment.root, n, &p->at);
		if (sfs_moment_intact(p->s, &p->moment))
			break;
	} while (sfs_moment_again(p->s, &tries, &rc));
	p->segment = rc ? 0 : n + 1;
	return rc;
}

/* A head word; who is about to finish the frame is given the time to.  Not at once another look: it
 * would take the line from under the owner's stores. */
static inline uint64_t patiently(a64 *word)
{
	uint64_t w = sfs_acquire(word);

	for (unsigned i = 0; sfs_unlikely(sfs_frame_state(w) == SFS_FRAME_RESERVED) && i < PATIENCE; i++) {
		sfs_relax();
		w = sfs_acquire(word);
	}
	return w;
}

uint64_t sfs_place_word(struct sfs_place *p, uint64_t position)
{
	a64 *word = sfs_at(p->s, p->at + sfs_log_in(position));
	uint64_t w = patiently(word), total = w & UINT32_MAX;

	if (sfs_likely(sfs_frame_state(w) != SFS_FRAME_RESERVED))
		return w;
	/* the owner may have finished, and then died */
	if (total < 16 || (w >> 40 & 0xffff) == p->s->lease || !sfs_lease_free(p->s, w >> 40 & 0xffff) ||
	    sfs_acquire(word) != w)
		return sfs_acquire(word);
	return sfs_frame_word(total - 16, SFS_FRAME_PAD, 0);
}

/* One look, which counts if the place is intact afterwards. */
static int look(struct sfs_place *p, struct sfs_frame *f)
{
	for (;;) {
		uint64_t position = p->position, in = sfs_log_in(position), w;
		int rc;

		if (position < sfs_log_head(p->s))
			return -ESTALE;
		if (position >= bound(p->s))
			return -ENODATA;
		rc = sfs_place_enter(p, position);
		if (rc)
			return rc == -ENOENT ? -ENODATA : rc;
		w = sfs_place_word(p, position);
		if (sfs_frame_state(w) < SFS_FRAME_DONE)
			return -ENODATA;
		if (sfs_unlikely(sfs_frame_span(w) > SFS_LOG_SEG - in))
			return -EUCLEAN;
		if (sfs_likely(sfs_frame_state(w) == SFS_FRAME_DONE)) {
			f->size = w & UINT32_MAX;
			f->payload = (const uint8_t *)sfs_at(p->s, p->at + in) + 8;
			f->position = position;
			f->next = position + sfs_frame_span(w);
			return 0;
		}
		if (!sfs_place_intact(p))
			return -EAGAIN;
		p->position = position + sfs_frame_span(w);
	}
}

static int verify(const struct sfs_place *p, const struct sfs_frame *f)
{
	uint64_t tail;

	if (sfs_likely(!p->s->verify && !p->verify))
		return 0;
	tail = sfs_relaxed((const a64 *)(f->payload - 16 + (f->next - f->position)));
	return (tail & UINT32_MAX) == f->size &&
	                       tail >> 32 == sfs_crc32c((uint32_t)f->position, f->payload, f->size)
	               ? 0
	               : -EUCLEAN;
}

/* Until nobody overtook it, or it was trimmed. */
static int until_intact(struct sfs_place *p, struct sfs_frame *f,
                        int (*once)(struct sfs_place *, struct sfs_frame *))
{
	int tries = 0, rc;

	do {
		rc = once(p, f);
		if (rc == 0)
			rc = verify(p, f);
		if (rc == 0 || rc == -ESTALE)
			return rc;
		if (rc == -ENODATA && (!p->segment || sfs_place_intact(p)))
			return rc;
		if (rc != -EAGAIN && sfs_place_intact(p))
			return p->position < sfs_log_head(p->s) ? -ESTALE : rc;
		p->segment = 0;
	} while (sfs_moment_again(p->s, &tries, &rc));
	return rc;
}

int sfs_place_look(struct sfs_place *p, struct sfs_frame *f)
{
	return until_intact(p, f, look);
}

/* Everything before this is settled, with tail words. */
static uint64_t settled(struct shmfs *s, uint64_t position)
{
	uint64_t commit;

	if (sfs_log_frozen(s))
		return s->meta.log_tail;
	commit = sfs_acquire(&sfs_log(s)->commit);
	return commit < position && s->writable ? sfs_log_settle(s, position, SFS_DEAD_STOP) : commit;
}

/* Find what ends at `position`, from a frame before it on.  -ENOENT: nothing but paddings */
static int scan_back(struct sfs_place *p, uint64_t from, uint64_t position, struct sfs_frame *f)
{
	struct sfs_place q = *p;
	int rc;

	q.position = from;
	for (f->size = UINT64_MAX;;) {
		struct sfs_frame g;

		rc = look(&q, &g);
		if (rc || g.position >= position)
			break;
		*f = g;
		q.position = g.next;
	}
	p->segment = q.segment;
	p->at = q.at;
	p->moment = q.moment;
	if (rc && rc != -ENODATA)
		return rc;
	return f->size == UINT64_MAX ? -ENOENT : 0;
}

/* Step back over paddings to a frame. */
static int look_back(struct sfs_place *p, struct sfs_frame *f)
{
	uint64_t position = p->position;

	for (;;) {
		uint64_t first = (position - 1) & ~(SFS_LOG_SEG - 1), head = sfs_log_head(p->s);
		uint64_t sure, tail, total, w = 0;
		int rc;

		if (position <= head)
			return position == head ? -ENODATA : -ESTALE;
		sure = settled(p->s, position);
		if (sure < position) {
			rc = scan_back(p, sfs_max(sure, first), position, f);
			if (rc != -ENOENT)
				return rc;
			/* a hint may lead far beyond the log: there is nothing to step over */
			rc = sfs_place_enter(p, first);
			if (rc)
				return rc == -ENOENT ? -EUCLEAN : rc;
			position = sfs_max(sure, first);
			continue;
		}
		rc = sfs_place_enter(p, position - 1);
		if (rc)
			return rc == -ENOENT ? -ESTALE : rc;
		tail = sfs_acquire((a64 *)sfs_at(p->s, p->at + sfs_log_in(position - 8)));
		total = sfs_frame_total(tail & UINT32_MAX);
		if (total <= position - first)
			w = sfs_acquire((a64 *)sfs_at(p->s, p->at + sfs_log_in(position - total)));
		if (sfs_frame_state(w) < SFS_FRAME_DONE || (w & UINT32_MAX) != (tail & UINT32_MAX))
			return -EUCLEAN;
		position -= total;
		if (sfs_frame_state(w) == SFS_FRAME_DONE) {
			f->size = w & UINT32_MAX;
			f->payload = (const uint8_t *)sfs_at(p->s, p->at + sfs_log_in(position)) + 8;
			f->position = position;
			f->next = position + total;
			return 0;
		}
	}
}

int sfs_place_look_back(struct sfs_place *p, struct sfs_frame *f)
{
	return until_intact(p, f, look_back);
}

/* In whole steps where there is room for them: what follows the payload in a frame fills the last. */
static inline void copy_payload(uint8_t *to, const uint8_t *from, uint64_t size, uint64_t room)
{
	if (SFS_TSAN || size > 256 || ((size + 15) & ~UINT64_C(15)) > room)
		sfs_copy_out(to, from, size);
	else
		for (uint64_t i = 0; i < size; i += 16)
			memcpy(to + i, from + i, 16);
}

ssize_t sfs_place_copy(struct sfs_place *p, struct shmfs_frame *frames, size_t most, uint8_t *buf, uint64_t room)
{
	uint64_t position = p->position, end = (position | (SFS_LOG_SEG - 1)) + 1, w = 0;
	uint8_t *start;
	size_t n = 0;

	if (p->s->verify || position < sfs_log_head(p->s) || position >= bound(p->s) ||
	    sfs_place_enter(p, position))
		return 0;
	end = sfs_min(end, bound(p->s));
	start = sfs_at(p->s, p->at);
	while (position < end && n < most) {
		uint8_t *frame = start + sfs_log_in(position);
		uint64_t size;

		w = sfs_acquire((a64 *)(void *)frame);
		if (sfs_unlikely(sfs_frame_state(w) == SFS_FRAME_RESERVED && n == 0))
			w = patiently((a64 *)(void *)frame);
		size = w & UINT32_MAX;
		if (sfs_unlikely(sfs_frame_state(w) < SFS_FRAME_DONE || sfs_frame_total(size) > end - position))
			break;
		if (sfs_likely(sfs_frame_state(w) == SFS_FRAME_DONE)) {
			if (sfs_unlikely(size > room))
				break;
			copy_payload(buf, frame + 8, size, room);
			frames[n++] = (struct shmfs_frame){buf, size, position};
			buf += size;
			room -= size;
		}
		position += sfs_frame_total(size);
	}
	if (!sfs_place_intact(p))
		return 0;
	p->position = position;
	if (n == 0 && w == 0)
		return -ENODATA;
	return (ssize_t)n;
}
