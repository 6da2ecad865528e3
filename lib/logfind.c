/* SPDX-License-Identifier: MIT */
/* floor 3: the bounds of the log, and places in it (logread.h). */
#include "logread.h"

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

/* Frames and payload from one position to another. */
static int sum(struct shmfs *s, uint64_t from, uint64_t to, uint64_t *frames, uint64_t *bytes)
{
	struct sfs_place p = {.s = s};
	struct sfs_mark before = {0}, last = {0};
	int rc = sfs_log_before(s, from, &before);

	*frames = *bytes = 0;
	for (uint64_t n = from >> SFS_LOG_SHIFT; rc == 0 && n << SFS_LOG_SHIFT < to; n++) {
		uint64_t more_frames = 0, more_bytes = 0;

		if ((n + 1) << SFS_LOG_SHIFT > to) {
			rc = sfs_log_before(s, to, &last);
			more_frames = last.frames;
			more_bytes = last.bytes;
		} else {
			rc = sfs_place_enter(&p, n << SFS_LOG_SHIFT);
			if (rc == 0)
				rc = sfs_log_totals(s, p.at, &more_bytes, &more_frames);
			if (rc == -ENOENT || !sfs_place_intact(&p))
				rc = -EAGAIN;
		}
		*frames += rc ? 0 : more_frames;
		*bytes += rc ? 0 : more_bytes;
	}
	if (rc)
		return rc == -EINVAL ? -EUCLEAN : rc;
	*frames -= before.frames;
	*bytes -= before.bytes;
	return 0;
}

int sfs_log_bounds(struct shmfs *s, struct shmfs_log_bounds *b)
{
	int tries = 0, rc;

	do {
		head_and_trimmed(s, b);
		b->end = sfs_max(sfs_log_end(s), b->head);
		rc = sum(s, b->head, b->end, &b->frames, &b->bytes);
	} while (rc == -EAGAIN && sfs_moment_again(s, &tries, &rc));
	return rc;
}

int sfs_log_resolve(struct shmfs *s, uint64_t *position)
{
	if (*position == SHMFS_LOG_BEGIN)
		*position = sfs_log_head(s);
	else if (*position == SHMFS_LOG_END)
		*position = sfs_log_end(s);
	else
		return sfs_log_check(s, *position);
	return 0;
}

int sfs_log_lag(struct shmfs *s, uint64_t position, struct shmfs_log_lag *lag)
{
	int tries = 0, rc;

	do {
		uint64_t from = position;

		lag->lost = 0;
		rc = sfs_log_resolve(s, &from);
		if (rc == -ESTALE) {
			from = sfs_log_head(s);
			lag->lost = from - position;
		} else if (rc) {
			return rc;
		}
		rc = sum(s, from, sfs_max(sfs_log_end(s), from), &lag->frames, &lag->bytes);
	} while (rc == -EAGAIN && sfs_moment_again(s, &tries, &rc));
	return rc;
}

/* ---- going elsewhere -------------------------------------------------------------------- */

/* Frames and bytes of segment n, if all of it can be skipped. */
static bool skippable(struct sfs_place *p, uint64_t n, uint64_t end, uint64_t *bytes, uint64_t *frames)
{
	return n << SFS_LOG_SHIFT >= sfs_log_head(p->s) && (n + 1) << SFS_LOG_SHIFT <= end &&
	       sfs_place_enter(p, n << SFS_LOG_SHIFT) == 0 &&
	       sfs_log_totals(p->s, p->at, bytes, frames) == 0 && sfs_place_intact(p);
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
