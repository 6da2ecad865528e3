/* SPDX-License-Identifier: MIT */
/* floor 3: the bounds of the log, and places in it (logread.h). */
#define _GNU_SOURCE
#include "logread.h"

#include <time.h>

#include "logwrite.h"

#define STUCK_MOST 20   /* looks at an end that nobody moves: the log is damaged there */
#define WINDOW_SHIFT 18 /* a boundary is kept for each 256 KiB of a segment */

_Static_assert(SFS_BOUNDARIES << WINDOW_SHIFT == SFS_LOG_SEG, "boundaries of one segment");

uint64_t sfs_log_end(struct shmfs *s)
{
	struct sfs_place p = {.s = s};
	struct sfs_frame f;

	if (sfs_log_frozen(s))
		return s->meta.log_tail;
	/* the hint first, then what is settled behind it */
	p.position = sfs_max(sfs_acquire(&sfs_log(s)->commit), sfs_log_head(s));
	while (sfs_place_look(&p, &f) == 0)
		p.position = f.next;
	return p.position;
}

/* ---- is it a position? ------------------------------------------------------------------ */

/* What once was the position of a frame is so for ever. */
static a64 *boundary_of(struct shmfs *s, uint64_t position)
{
	return &s->boundary[position >> WINDOW_SHIFT & (SFS_BOUNDARIES - 1)];
}

/* The last position known in the segment, up to this one. */
static uint64_t known_before(struct shmfs *s, uint64_t position)
{
	uint64_t start = position & ~(SFS_LOG_SEG - 1);

	for (uint64_t at = position;; at -= UINT64_C(1) << WINDOW_SHIFT) {
		uint64_t known = sfs_relaxed(boundary_of(s, at));

		if (known >= start && known <= position)
			return known;
		if (at < start + (UINT64_C(1) << WINDOW_SHIFT))
			return start;
	}
}

/* By the words from one before it on: payload can look like anything. */
static int walk_to(struct shmfs *s, uint64_t position)
{
	struct sfs_place p = {.s = s};
	uint64_t at = known_before(s, position);

	while (at < position) {
		int rc = sfs_place_enter(&p, at);
		uint64_t w;

		if (rc)
			return rc == -ENOENT ? -EAGAIN : rc;
		w = sfs_place_word(&p, at);
		if (!sfs_place_intact(&p))
			return -EAGAIN;
		if (sfs_frame_state(w) < SFS_FRAME_DONE || sfs_frame_span(w) > SFS_LOG_SEG - sfs_log_in(at))
			return -EUCLEAN;
		if (sfs_relaxed(boundary_of(s, at)) >> WINDOW_SHIFT != at >> WINDOW_SHIFT)
			sfs_set(boundary_of(s, at), at);
		at += sfs_frame_span(w);
	}
	if (at > position)
		return -EINVAL;
	sfs_set(boundary_of(s, at), at);
	return 0;
}

/* Behind the end as readers see it, there may be frames that wait for one reserved before them: whoever
 * appended such a one knows its position. */
static int wait_for(struct shmfs *s, uint64_t position)
{
	const struct timespec step = {.tv_nsec = 100000};
	uint64_t end, before = UINT64_MAX;

	if (sfs_log_frozen(s))
		return position > s->meta.log_tail ? -ERANGE : 0;
	if (sfs_likely(position <= sfs_acquire(&sfs_log(s)->commit)))
		return 0;
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
	int tries = 0, rc;

	do {
		if (position < sfs_log_head(s))
			return -ESTALE;
		rc = wait_for(s, position);
		if (rc)
			return rc;
		if (position % 16)
			return -EINVAL;
		rc = walk_to(s, position);
	} while (rc == -EAGAIN && sfs_moment_again(s, &tries, &rc));
	return rc;
}

/* ---- bounds ----------------------------------------------------------------------------- */

/* Head and what was trimmed before it, of one moment. */
static void head_and_trimmed(struct shmfs *s, struct shmfs_log_bounds *b)
{
	struct sfs_logpage *log = sfs_log(s);
	uint64_t cut;

	if (sfs_log_frozen(s)) {
		b->head = s->meta.log_head;
		b->trimmed_bytes = s->meta.trimmed_bytes;
		b->trimmed_frames = s->meta.trimmed_frames;
		return;
	}
	do {
		b->head = sfs_acquire(&log->head);
		cut = sfs_acquire(&log->cut_to);
		/* a trim under way, perhaps by somebody dead: as it will be */
		b->trimmed_bytes = sfs_relaxed(cut ? &log->cut_bytes : &log->trimmed_bytes);
		b->trimmed_frames = sfs_relaxed(cut ? &log->cut_frames : &log->trimmed_frames);
		atomic_thread_fence(memory_order_acquire);
	} while (sfs_relaxed(&log->cut_to) != cut || sfs_relaxed(&log->head) != b->head);
	b->head = sfs_max(b->head, cut);
}

static int sum(struct shmfs *s, struct shmfs_log_bounds *b)
{
	struct sfs_place p = {.s = s};

	b->bytes = b->frames = 0;
	for (uint64_t n = b->head >> SFS_LOG_SHIFT; n << SFS_LOG_SHIFT < b->end; n++) {
		uint64_t bytes = 0, frames = 0;
		int rc = sfs_place_enter(&p, n << SFS_LOG_SHIFT);

		if (rc == 0)
			rc = sfs_log_totals(s, p.at, n, b->end, &bytes, &frames);
		if (rc == -ENOENT || !sfs_place_intact(&p))
			return -EAGAIN;
		if (rc)
			return rc;
		b->bytes += bytes;
		b->frames += frames;
	}
	return 0;
}

int sfs_log_bounds(struct shmfs *s, struct shmfs_log_bounds *b)
{
	int tries = 0, rc;

	do {
		head_and_trimmed(s, b);
		b->end = sfs_max(sfs_log_end(s), b->head);
		rc = sum(s, b);
	} while (rc == -EAGAIN && sfs_moment_again(s, &tries, &rc));
	return rc;
}

/* ---- going elsewhere -------------------------------------------------------------------- */

/* Frames and bytes of segment n, if all of it can be skipped. */
static bool skippable(struct sfs_place *p, uint64_t n, uint64_t end, uint64_t *bytes, uint64_t *frames)
{
	return n << SFS_LOG_SHIFT >= sfs_log_head(p->s) && (n + 1) << SFS_LOG_SHIFT <= end &&
	       sfs_place_enter(p, n << SFS_LOG_SHIFT) == 0 &&
	       sfs_log_totals(p->s, p->at, n, end, bytes, frames) == 0 && sfs_place_intact(p);
}

int sfs_place_step(struct sfs_place *p, int64_t frames)
{
	uint64_t end = sfs_log_end(p->s), left = frames < 0 ? -(uint64_t)frames : (uint64_t)frames, bytes, n;
	struct sfs_frame f;
	int rc = 0;

	while (rc == 0 && left) {
		bool back = frames < 0, start = sfs_log_in(p->position) == 0;
		uint64_t segment = (p->position >> SFS_LOG_SHIFT) - back;

		if (start && skippable(p, segment, end, &bytes, &n) && n <= left) {
			p->position = (segment + !back) << SFS_LOG_SHIFT;
			left -= n;
			continue;
		}
		rc = back ? sfs_place_look_back(p, &f) : sfs_place_look(p, &f);
		if (rc == 0)
			p->position = back ? f.position : f.next;
		left--;
	}
	return rc == -ENODATA ? -ERANGE : rc;
}

int sfs_place_find_byte(struct sfs_place *p, uint64_t byte)
{
	struct shmfs_log_bounds b;
	uint64_t skipped, bytes, frames;
	struct sfs_frame f;
	int rc;

	head_and_trimmed(p->s, &b);
	b.end = sfs_log_end(p->s);
	skipped = b.trimmed_bytes;
	if (byte < skipped)
		return -ESTALE;
	p->position = b.head;
	for (;;) {
		if (sfs_log_in(p->position) == 0 &&
		    skippable(p, p->position >> SFS_LOG_SHIFT, b.end, &bytes, &frames) && byte >= skipped + bytes) {
			skipped += bytes;
			p->position += SFS_LOG_SEG;
			continue;
		}
		rc = sfs_place_look(p, &f);
		if (rc)
			break;
		if (byte < skipped + f.size)
			return 0;
		skipped += f.size;
		p->position = f.next;
	}
	return rc == -ENODATA ? (byte == skipped ? 0 : -ERANGE) : rc;
}
