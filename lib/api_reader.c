/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_reader_open, next, next_batch, view, prev, seek, position, wait, close. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "logread.h"

#define STEP_NS 2000000   /* who cannot ask for a wake, or waits for a reserved frame, looks this often */
#define SLEEP_NS 100000000 /* and nobody sleeps longer than this */

struct shmfs_reader {
	struct sfs_place place;
};

static int usable(const struct shmfs_reader *r)
{
	return r ? sfs_handle_usable(r->place.s) : -EINVAL;
}

int shmfs_reader_open(struct shmfs *s, struct shmfs_reader **out, uint64_t position)
{
	int rc = sfs_handle_usable(s);

	if (rc || !out)
		return rc ? rc : -EINVAL;
	rc = sfs_handle_result(s, sfs_log_resolve(s, &position));
	if (rc)
		return rc;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->place.s = s;
	(*out)->place.position = position;
	return 0;
}

void shmfs_reader_close(struct shmfs_reader *r)
{
	free(r);
}

uint64_t shmfs_reader_position(const struct shmfs_reader *r)
{
	return r ? r->place.position : 0;
}

/* ---- copies ------------------------------------------------------------------------------- */

typedef int look_fn(struct sfs_place *p, struct sfs_frame *f);

/* Copy the frame that `look` finds; *frame says where it is. */
static inline int copy(struct sfs_place *p, look_fn *look, void *buf, size_t *size, struct sfs_frame *frame)
{
	size_t room = *size;
	int tries = 0, rc;

	for (;;) {
		rc = look(p, frame);
		if (sfs_unlikely(rc))
			return rc;
		*size = frame->size;
		if (sfs_unlikely(frame->size > room))
			rc = -EMSGSIZE;
		else
			sfs_copy_out(buf, frame->payload, frame->size);
		if (sfs_likely(sfs_place_intact(p)))
			return rc;
		if (!sfs_moment_again(p->s, &tries, &rc))
			return rc;
	}
}

int shmfs_reader_next(struct shmfs_reader *r, void *buf, size_t *size, uint64_t *position)
{
	struct sfs_frame frame;
	struct shmfs_frame plain;
	ssize_t copied;
	int rc = usable(r);

	if (sfs_unlikely(rc || !size || (!buf && *size)))
		return rc ? rc : -EINVAL;
	copied = sfs_place_copy(&r->place, &plain, 1, buf, *size);
	if (sfs_likely(copied > 0)) {
		*size = plain.size;
		if (position)
			*position = plain.position;
	}
	if (sfs_likely(copied))
		return sfs_handle_result(r->place.s, copied < 0 ? (int)copied : 0);
	rc = copy(&r->place, sfs_place_look, buf, size, &frame);
	if (sfs_likely(rc == 0)) {
		r->place.position = frame.next;
		if (position)
			*position = frame.position;
	}
	return sfs_handle_result(r->place.s, rc);
}

int shmfs_reader_prev(struct shmfs_reader *r, void *buf, size_t *size, uint64_t *position)
{
	struct sfs_frame frame;
	int rc = usable(r);

	if (rc || !size || (!buf && *size))
		return rc ? rc : -EINVAL;
	rc = copy(&r->place, sfs_place_look_back, buf, size, &frame);
	if (rc == 0) {
		r->place.position = frame.position;
		if (position)
			*position = frame.position;
	}
	return sfs_handle_result(r->place.s, rc);
}

int shmfs_reader_next_batch(struct shmfs_reader *r, struct shmfs_frame *frames, size_t max_frames,
                            void *buf, size_t size, size_t *n)
{
	const size_t total = size;
	uint8_t *at = buf;
	int rc = usable(r);

	if (rc || !n || !frames || !max_frames || (!buf && size))
		return rc ? rc : -EINVAL;
	for (*n = 0; *n < max_frames; ++*n) {
		struct sfs_frame frame;
		ssize_t copied = sfs_place_copy(&r->place, frames + *n, max_frames - *n, at, size);
		size_t got;

		if (copied < 0) {
			rc = (int)copied;
			break;
		}
		if (copied) {
			*n += (size_t)copied;
			size -= (size_t)((const uint8_t *)frames[*n - 1].data - at) + frames[*n - 1].size;
			at = (uint8_t *)buf + total - size;
		}
		if (*n == max_frames)
			break;
		got = size;
		rc = copy(&r->place, sfs_place_look, at, &got, &frame);
		if (rc)
			break;
		frames[*n] = (struct shmfs_frame){at, got, frame.position};
		r->place.position = frame.next;
		at += got;
		size -= got;
	}
	return sfs_handle_result(r->place.s, *n ? 0 : rc);
}

/* ---- views -------------------------------------------------------------------------------- */

int shmfs_reader_view(struct shmfs_reader *r, struct shmfs_frame_view *view)
{
	struct sfs_frame frame;
	int tries = 0, rc = usable(r);

	if (rc || !view)
		return rc ? rc : -EINVAL;
	/* intact now, or the stamp would be that of a moment long gone, and the view never valid */
	do
		rc = sfs_place_look(&r->place, &frame);
	while (rc == 0 && !sfs_place_intact(&r->place) && sfs_moment_again(r->place.s, &tries, &rc));
	if (rc == 0) {
		*view = (struct shmfs_frame_view){
			.data = frame.payload,
			.size = frame.size,
			.position = frame.position,
			.stamp = {r->place.moment.stamp, r->place.moment.checkpoint},
		};
		r->place.position = frame.next;
	}
	return sfs_handle_result(r->place.s, rc);
}

int shmfs_reader_view_valid(struct shmfs_reader *r, const struct shmfs_frame_view *view)
{
	struct sfs_moment m;
	int rc = usable(r);

	if (rc || !view)
		return rc ? rc : -EINVAL;
	m = (struct sfs_moment){.stamp = view->stamp[0], .checkpoint = view->stamp[1]};
	rc = sfs_moment_intact(r->place.s, &m) ? 0 : -ESTALE;
	return sfs_handle_result(r->place.s, sfs_handle_blank(r->place.s) ? -EIO : rc);
}

/* ---- seeking ------------------------------------------------------------------------------ */

int shmfs_reader_seek(struct shmfs_reader *r, int how, int64_t to)
{
	struct sfs_place p;
	uint64_t position = (uint64_t)to;
	int rc = usable(r);

	if (rc)
		return rc;
	p = r->place;
	switch (how) {
	case SHMFS_SEEK_POSITION:
		rc = sfs_log_resolve(p.s, &position);
		p.position = position;
		break;
	case SHMFS_SEEK_FRAMES:
		rc = sfs_place_step(&p, to);
		break;
	case SHMFS_SEEK_BYTES:
		rc = to < 0 ? -EINVAL : sfs_place_find_byte(&p, (uint64_t)to);
		break;
	default:
		rc = -EINVAL;
	}
	if (rc == 0)
		r->place = p;
	return sfs_handle_result(p.s, rc);
}

/* ---- waiting ------------------------------------------------------------------------------ */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Sleep on the log's wake counter for at most ns. */
static int sleep_on(struct sfs_logpage *log, uint32_t wake, int64_t ns)
{
	const struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	if (syscall(SYS_futex, (uint32_t *)(void *)&log->wake, FUTEX_WAIT, wake, &limit, NULL, 0) < 0 &&
	    errno == EINTR)
		return -EINTR;
	return 0;
}

int shmfs_reader_wait(struct shmfs_reader *r, int timeout_ms)
{
	struct sfs_logpage *log;
	int64_t end;
	int rc = usable(r);

	if (rc)
		return rc;
	log = sfs_log(r->place.s);
	end = timeout_ms < 0 ? INT64_MAX : now_ns() + (int64_t)timeout_ms * 1000000;
	for (bool asked = false;; asked = r->place.s->writable) {
		uint32_t wake = sfs_acquire(&log->wake);
		struct sfs_frame f;
		int64_t left;

		if (sfs_handle_blank(r->place.s))
			return -EIO;
		/* ask to be woken, then look: an appender commits, then looks whether it was asked */
		if (asked) {
			sfs_set(&log->waiters, 1);
			atomic_thread_fence(memory_order_seq_cst);
		}
		rc = sfs_place_look(&r->place, &f);
		if (rc != -ENODATA || r->place.s->parent)
			return sfs_handle_result(r->place.s, rc);
		if (!asked && r->place.s->writable)
			continue; /* the first look is free */
		left = end - now_ns();
		if (left <= 0)
			return -ETIMEDOUT;
		/* a reserved frame ahead may be its dead owner's last */
		if (!asked || sfs_acquire(&log->tail) > r->place.position)
			left = (int64_t)sfs_min((uint64_t)left, STEP_NS);
		rc = sleep_on(log, wake, (int64_t)sfs_min((uint64_t)left, SLEEP_NS));
		if (rc == 0)
			rc = usable(r);
		if (rc)
			return rc;
	}
}
