/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_log_append, append_many, begin, frame, commit, abort, trim, bounds, lag. */
#include <stdlib.h>

#include "logread.h"
#include "logwrite.h"
#include "room.h"
#include "segment.h"
#include "writer.h"

struct shmfs_batch {
	struct sfs_open_batch open;
	struct shmfs *store;
	struct sfs_reservation reserved;
	uint64_t in;         /* bytes used */
	uint64_t last;       /* where the frame at hand begins */
	uint64_t last_size;
	uint64_t first_word; /* stored last of all */
	size_t frames, frames_most;
};

/*
 * Reserve, with the perseverance of a put.  On a full tmpfs idle segments are no room yet: the one
 * at hand needs pages, and those of trimmed ones must be given back first.  (Whoever looks
 * at a trimmed frame without a pin, and the disk full again, loses his handle: room.c avoids
 * that, but here the log would stand still for ever.)
 */
static int persevere(struct shmfs *s, struct sfs_reservation *r, int rc)
{
	for (unsigned round = 0; sfs_make_room(s, rc, round, SFS_TO_STORE); round++)
		if ((rc = sfs_log_reserve(s, r)) == 0)
			return 0;
	if (rc != -ENOSPC || !sfs_is_volatile(s))
		return rc;
	sfs_writer_lock(s);
	sfs_seg_punch(s, false);
	sfs_writer_unlock(s);
	return sfs_log_reserve(s, r);
}

static inline int reserve(struct shmfs *s, struct sfs_reservation *r)
{
	int rc = sfs_log_reserve(s, r);

	return sfs_likely(rc == 0) ? 0 : persevere(s, r, rc);
}

int shmfs_log_append(struct shmfs *s, const void *data, size_t size, uint64_t *position)
{
	struct sfs_reservation r = {.total = sfs_frame_total(size), .counts = sfs_log_counts(size, 1)};
	int rc = sfs_handle_writable(s);

	if (sfs_unlikely(rc || (!data && size)))
		return rc ? rc : -EINVAL;
	if (sfs_unlikely(size > SHMFS_FRAME_MAX))
		return -EMSGSIZE;
	rc = reserve(s, &r);
	if (sfs_unlikely(rc))
		return sfs_handle_result(s, rc);
	sfs_log_done(s, &r, sfs_log_fill(&r, 0, data, size));
	if (position)
		*position = r.position;
	return sfs_handle_result(s, 0);
}

int shmfs_log_append_many(struct shmfs *s, struct shmfs_frame *frames, size_t n)
{
	struct sfs_reservation r = {0};
	int rc = sfs_handle_writable(s);

	if (rc || (!frames && n))
		return rc ? rc : -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!frames[i].data && frames[i].size)
			return -EINVAL;
		if (frames[i].size > SHMFS_FRAME_MAX || r.total > SFS_LOG_SEG)
			return -EMSGSIZE;
		r.total += sfs_frame_total(frames[i].size);
		r.counts += sfs_log_counts(frames[i].size, 1);
	}
	if (n == 0)
		return 0;
	rc = reserve(s, &r);
	if (rc)
		return sfs_handle_result(s, rc);
	sfs_log_done(s, &r, sfs_log_fill_all(&r, frames, n));
	return sfs_handle_result(s, 0);
}

/* ---- in place --------------------------------------------------------------------------- */

int shmfs_log_begin(struct shmfs *s, struct shmfs_batch **out, size_t max_bytes, size_t max_frames)
{
	struct shmfs_batch *b;
	int rc = sfs_handle_writable(s);

	if (rc || !out || !max_frames)
		return rc ? rc : -EINVAL;
	if (max_bytes > SHMFS_FRAME_MAX || max_frames > SFS_LOG_SEG / 16)
		return -EMSGSIZE;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	/* 31: a frame's words, and what rounding takes at most; the whole is a multiple of 16 */
	b->reserved.total = (max_bytes + (max_frames == 1 ? 31 : max_frames * 31)) & ~UINT64_C(15);
	rc = reserve(s, &b->reserved);
	if (rc) {
		free(b);
		return sfs_handle_result(s, rc);
	}
	b->store = s;
	b->frames_most = max_frames;
	b->open.thread = pthread_self();
	pthread_mutex_lock(&s->batch_mutex);
	b->open.next = s->batches;
	s->batches = &b->open;
	pthread_mutex_unlock(&s->batch_mutex);
	*out = b;
	return 0;
}

/* The frame at hand is complete. */
static void finish(struct shmfs_batch *b)
{
	uint64_t word;

	if (!b->frames)
		return;
	word = sfs_log_sum(&b->reserved, b->last, b->last_size);
	if (b->last)
		sfs_log_inner(&b->reserved, b->last, word);
	else
		b->first_word = word;
}

int shmfs_log_frame(struct shmfs_batch *b, size_t size, void **data)
{
	int rc;

	if (!b || !data)
		return -EINVAL;
	rc = sfs_handle_writable(b->store);
	if (rc)
		return rc;
	if (b->frames == b->frames_most || size > SHMFS_FRAME_MAX ||
	    sfs_frame_total(size) > b->reserved.total - b->in)
		return -EMSGSIZE;
	finish(b);
	b->last = b->in;
	b->last_size = size;
	b->in += sfs_frame_total(size);
	b->frames++;
	*data = b->reserved.at + b->last + 8;
	return 0;
}

static void end(struct shmfs_batch *b)
{
	struct shmfs *s = b->store;
	struct sfs_open_batch **at = &s->batches;

	pthread_mutex_lock(&s->batch_mutex);
	while (*at != &b->open)
		at = &(*at)->next;
	*at = b->open.next;
	pthread_mutex_unlock(&s->batch_mutex);
	free(b);
}

int shmfs_log_commit(struct shmfs_batch *b, uint64_t *position)
{
	struct shmfs *s;
	int rc;

	if (!b)
		return -EINVAL;
	s = b->store;
	rc = sfs_handle_writable(s);
	if (rc || b->frames == 0) {
		shmfs_log_abort(b);
		return rc;
	}
	finish(b);
	sfs_log_pad(&b->reserved, b->in);
	sfs_log_done(s, &b->reserved, b->first_word);
	if (position)
		*position = b->reserved.position;
	end(b);
	return sfs_handle_result(s, 0);
}

void shmfs_log_abort(struct shmfs_batch *b)
{
	if (!b)
		return;
	if (sfs_handle_writable(b->store) == 0) {
		sfs_log_pad(&b->reserved, 0);
		sfs_log_wake(b->store); /* who waits may be waiting for this frame */
	}
	end(b);
}

/* ---- bounds and trimming -------------------------------------------------------------------- */

int shmfs_log_bounds(struct shmfs *s, struct shmfs_log_bounds *bounds)
{
	int rc = sfs_handle_usable(s);

	if (rc || !bounds || bounds->struct_size != sizeof(*bounds))
		return rc ? rc : -EINVAL;
	return sfs_handle_result(s, sfs_log_bounds(s, bounds));
}

int shmfs_log_lag(struct shmfs *s, uint64_t position, struct shmfs_log_lag *lag)
{
	int rc = sfs_handle_usable(s);

	if (rc || !lag || lag->struct_size != sizeof(*lag))
		return rc ? rc : -EINVAL;
	return sfs_handle_result(s, sfs_log_lag(s, position, lag));
}

int shmfs_log_trim(struct shmfs *s, uint64_t position)
{
	int rc = sfs_handle_writable(s);

	if (rc)
		return rc;
	if (position > sfs_log_end(s))
		return -ERANGE;
	sfs_writer_lock(s);
	rc = sfs_log_cut(s, position);
	sfs_writer_unlock(s);
	if (rc == 0)
		sfs_log_wake(s);
	return sfs_handle_result(s, rc);
}
