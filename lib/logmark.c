/* SPDX-License-Identifier: MIT */
/*
 * floor 3: is it a position, and what is before it in its segment (logread.h).
 *
 * Payload can look like anything: that a frame begins somewhere is known by the words from one before
 * it on.  Not from the segment's first each time: the handle keeps marks.
 *
 * Owns	the handle's marks: positions, each with the frames and bytes before it in its segment.
 *	Of 64 MiB of the log there is room for one in every 16 KiB, of 1 GiB for one in every 256
 *	KiB; windows farther apart share theirs.
 * Invariant	a mark is true for ever, also of what is trimmed: before a position that was found
 *	nothing is reserved, but by the dead, and a frame stays as it is.
 * Locks	mark_mutex, around a look at the marks, or a store; nobody walks with it.
 * Distrust	the words: a mark is made after the place was found intact.
 */
#define _GNU_SOURCE
#include "logread.h"

#include <stdlib.h>
#include <time.h>

#include "logwrite.h"

#define STUCK_MOST 20 /* looks at an end that nobody moves: the log is damaged there */
#define LEVELS 2
#define MARKS 4096u   /* of each level */
#define AHEAD 2048    /* bytes: walking waits for memory, and the words that follow are about there */

/* ---- marks ------------------------------------------------------------------------------ */

/* Windows of each level; a search is over those of one in one of the next. */
static const uint8_t shift[LEVELS + 1] = {14, 18, SFS_LOG_SHIFT};

static struct sfs_mark *mark_of(struct shmfs *s, unsigned level, uint64_t window)
{
	return &s->marks[level * MARKS + window % MARKS];
}

/* The last one known in the segment, up to this position. */
static struct sfs_mark known_before(struct shmfs *s, uint64_t position)
{
	for (unsigned l = 0; s->marks && l < LEVELS; l++) {
		uint64_t window = position >> shift[l];
		uint64_t first = position >> shift[l + 1] << (shift[l + 1] - shift[l]);

		do {
			const struct sfs_mark *m = mark_of(s, l, window);

			if (m->position >> shift[l] == window && m->position <= position)
				return *m;
		} while (window-- > first);
	}
	return (struct sfs_mark){.position = position & ~(SFS_LOG_SEG - 1)};
}

static struct sfs_mark mark_before(struct shmfs *s, uint64_t position)
{
	struct sfs_mark m;

	pthread_mutex_lock(&s->mark_mutex);
	m = known_before(s, position);
	pthread_mutex_unlock(&s->mark_mutex);
	return m;
}

/* The first one in a window; but who asks for a position asks for the next one next. */
static void keep(struct shmfs *s, const struct sfs_mark *mark, bool asked_for)
{
	pthread_mutex_lock(&s->mark_mutex);
	if (!s->marks)
		s->marks = calloc(LEVELS * MARKS, sizeof(*s->marks)); /* NULL: then we walk */
	for (unsigned l = 0; s->marks && l < LEVELS; l++) {
		uint64_t window = mark->position >> shift[l];
		struct sfs_mark *m = mark_of(s, l, window);

		if (m->position >> shift[l] != window || m->position > mark->position || (asked_for && l == 0))
			*m = *mark;
	}
	pthread_mutex_unlock(&s->mark_mutex);
}

/* Everything before this is settled. */
static uint64_t settled(struct shmfs *s)
{
	return sfs_log_frozen(s) ? s->meta.log_tail : sfs_acquire(&sfs_log(s)->commit);
}

/* Step over the frame at the mark; nothing before `sure` is reserved. */
static inline int step_over(struct sfs_place *p, struct sfs_mark *m, uint64_t sure)
{
	uint64_t w = sfs_place_word(p, m->position), in = sfs_log_in(m->position);

	__builtin_prefetch((const uint8_t *)sfs_at(p->s, p->at + in) + AHEAD);
	/* reserved: its owner was dead when the end was found behind it, and who has the lease now has not
	 * padded it yet */
	if (sfs_unlikely(sfs_frame_state(w) == SFS_FRAME_RESERVED && m->position >= sure))
		return -EAGAIN;
	if (sfs_unlikely(sfs_frame_state(w) < SFS_FRAME_DONE || sfs_frame_span(w) > SFS_LOG_SEG - in))
		return -EUCLEAN;
	if (sfs_likely(sfs_frame_state(w) == SFS_FRAME_DONE)) {
		m->frames++;
		m->bytes += w & UINT32_MAX;
	}
	m->position += sfs_frame_span(w);
	return 0;
}

/* Step on until there, or behind it, in one segment. */
static int walk(struct sfs_place *p, struct sfs_mark *m, uint64_t to, uint64_t sure)
{
	int rc = sfs_place_enter(p, m->position);

	while (rc == 0 && m->position < to)
		rc = step_over(p, m, sure);
	return rc == -ENOENT || !sfs_place_intact(p) ? -EAGAIN : rc;
}

int sfs_log_before(struct shmfs *s, uint64_t position, struct sfs_mark *m)
{
	const uint64_t window = UINT64_C(1) << *shift;
	struct sfs_place p = {.s = s};
	uint64_t sure = settled(s);

	if (!sfs_log_position_ok(position))
		return -EINVAL;
	*m = mark_before(s, position);
	while (m->position < position) {
		int rc = walk(&p, m, sfs_min(position, (m->position | (window - 1)) + 1), sure);

		if (rc)
			return rc;
		if (m->position <= position)
			keep(s, m, m->position == position);
	}
	return m->position == position ? 0 : -EINVAL;
}

/* ---- is it a position? ------------------------------------------------------------------ */

/* Behind the end as readers see it, there may be frames that wait for one reserved before them: whoever
 * appended such a one knows its position. */
static int wait_for(struct shmfs *s, uint64_t position)
{
	const struct timespec step = {.tv_nsec = 100000};
	uint64_t end, before = UINT64_MAX;

	if (sfs_likely(position <= settled(s)))
		return 0;
	if (sfs_log_frozen(s))
		return -ERANGE;
	for (int stuck = 0; position > (end = sfs_log_end(s)); before = end) {
		stuck = end != before || sfs_log_owned(s, end) ? 0 : stuck + 1;
		if (position > sfs_log_tail(s) || stuck == STUCK_MOST)
			return -ERANGE;
		if (s->writable && sfs_log_batch_open(s))
			return -EDEADLK;
		if (sfs_handle_usable(s))
			return -EIO;
		nanosleep(&step, NULL);
	}
	return 0;
}

int sfs_log_check(struct shmfs *s, uint64_t position)
{
	struct sfs_mark m;
	int tries = 0, rc;

	do {
		if (position < sfs_log_head(s))
			return -ESTALE;
		rc = wait_for(s, position);
		if (rc)
			return rc;
		rc = sfs_log_before(s, position, &m);
	} while (rc == -EAGAIN && sfs_moment_again(s, &tries, &rc));
	return rc;
}
