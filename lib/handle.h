/* SPDX-License-Identifier: MIT */
/*
 * floor 1: the handle behind `struct shmfs`: what one shmfs_open() owns.
 *
 * Every module above works on it.  Pointers into the mapping are computed from offsets
 * here and nowhere else.
 */
#ifndef SFS_HANDLE_H
#define SFS_HANDLE_H

#include <errno.h>
#include <pthread.h>

#include "file.h"
#include "format.h"
#include "shmfs.h"

struct sfs_pinned;     /* a stamp this handle pins (pin.h) */
struct sfs_open_batch; /* frames being written in place (logwrite.h) */
struct sfs_mark;       /* a known position of the log (logread.h) */

/* Frames of one segment, one behind the other, that we appended and that are done: who settles or
 * counts them need not look.  Guarded by `appender`. */
struct sfs_own {
	uint64_t to, from;
	uint64_t counts; /* bytes, and frames << 32 */
};

struct shmfs {
	struct sfs_file file;
	const struct sfs_super *super;
	struct sfs_live *live;
	uint64_t seed;
	bool writable;
	bool verify;
	bool grow_only;      /* repair: every segment in use or not stays as it is (segment.c) */
	_Atomic bool forked; /* this is the child's copy */
	uint16_t lease;      /* 1 .. SFS_LEASES; 0 on a read-only handle */
	uint64_t session[2];

	/* A read-only handle on a store nobody has opened in this session reads the newest
	 * checkpoint, until somebody does; a snapshot always reads what it was taken of. */
	_Atomic bool checkpoint;
	struct sfs_meta meta;
	struct shmfs *parent; /* of a snapshot: the handle that pins it */

	pthread_mutex_t writer;    /* the threads that share our lease, before live->lock */
	pthread_mutex_t syncer;    /* ..., before live->sync_lock */
	pthread_mutex_t pin_mutex; /* guards `pins` */
	struct sfs_pinned *pins;
	a64 retries;

	pthread_mutex_t batch_mutex;    /* guards `batches` */
	struct sfs_open_batch *batches; /* begun, not committed */
	uint64_t watching;              /* slots of our watchers (watch.h); under the writer lock */
	struct shmfs *next, *prev; /* all handles of the process (fork.c) */

	pthread_mutex_t mark_mutex; /* guards `marks` */
	struct sfs_mark *marks;     /* NULL: none yet (logmark.c) */

	/* Appending changes these, and nothing else that a reader looks at. */
	uint8_t pad_before[64];
	_Atomic bool appender; /* a lock: reservations in the log, before the writer's (logwrite.c) */
	a64 log_segment;       /* 1 + the segment held for appending (log.h); 0 = none */
	uint64_t log_at;       /* where its frames begin */
	struct sfs_own own;
	uint8_t pad_after[64];
};

/* A handle without a file; NULL: no memory. */
SFS_HIDDEN struct shmfs *sfs_handle_new(void);

/* Close the file, if there is one, and free the handle. */
SFS_HIDDEN void sfs_handle_free(struct shmfs *s);

static inline void *sfs_at(const struct shmfs *s, uint64_t offset)
{
	return s->file.base + offset;
}

static inline uint64_t sfs_offset(const struct shmfs *s, const void *p)
{
	return (uint64_t)((const uint8_t *)p - s->file.base);
}

static inline struct sfs_seg *sfs_seg(const struct shmfs *s, uint64_t n)
{
	uint64_t group = n >> SFS_GROUP_SHIFT, at = n & (SFS_GROUP_SEGS - 1);

	return (struct sfs_seg *)sfs_at(s, (group << SFS_GROUP_SHIFT << SFS_SEG_SHIFT) + SFS_SEG) + at;
}

/* Is n a segment that can hold blocks, and inside the file? */
static inline bool sfs_seg_ok(struct shmfs *s, uint64_t n)
{
	return (n & (SFS_GROUP_SEGS - 1)) >= SFS_GROUP_RESERVED &&
	       n < (UINT64_C(1) << (48 - SFS_SEG_SHIFT)) &&
	       sfs_file_inside(&s->file, n << SFS_SEG_SHIFT, SFS_SEG);
}

/* Segments of the store, as far as the file has them. */
static inline uint64_t sfs_segments(struct shmfs *s)
{
	uint64_t n = sfs_relaxed(&s->live->nseg), most = UINT64_C(1) << (48 - SFS_SEG_SHIFT);

	if (sfs_likely(n <= most && sfs_file_inside(&s->file, 0, n << SFS_SEG_SHIFT)))
		return n;
	return sfs_relaxed(&s->file.size) >> SFS_SEG_SHIFT;
}

/* 0 if the handle may be used; the reason otherwise. */
static inline int sfs_handle_usable(const struct shmfs *s)
{
	if (sfs_unlikely(!s))
		return -EINVAL;
	if (sfs_unlikely(sfs_relaxed(&s->forked)))
		return SHMFS_E_FORKED;
	return sfs_unlikely(sfs_relaxed(&s->file.gone)) ? -EIO : 0;
}

/* What a call returns at its end: if the file was cut meanwhile, nothing it saw counts; nor is it
 * damaged, if we can see but a part. */
static inline int sfs_handle_result(const struct shmfs *s, int rc)
{
	if (sfs_unlikely(rc == -EUCLEAN) && sfs_file_outgrown(&s->file))
		rc = -ENOMEM;
	return sfs_unlikely(sfs_relaxed(&s->file.gone)) ? -EIO : rc;
}

/* Is the live page the truth for us? */
static inline bool sfs_same_session(const struct shmfs *s)
{
	return sfs_acquire(&s->live->boot[0]) == s->session[0] &&
	       sfs_relaxed(&s->live->boot[1]) == s->session[1];
}

/* Does it read `meta` instead of the live page? */
static inline bool sfs_reads_meta(const struct shmfs *s)
{
	return sfs_unlikely(sfs_relaxed(&s->checkpoint)) && (s->parent || !sfs_same_session(s));
}

/* 0 if the handle may write.  While we hold a lease the session does not change: where it has, the
 * file was cut and made long again, or another was copied over it, and is not ours to write to. */
static inline int sfs_handle_writable(const struct shmfs *s)
{
	int rc = sfs_handle_usable(s);

	if (sfs_unlikely(rc))
		return rc;
	if (sfs_unlikely(!s->writable))
		return -EROFS;
	return sfs_likely(sfs_same_session(s)) ? 0 : -EIO;
}

/* Zeros for a superblock: the file was cut and made long again.  Then what is read may look
 * plausible, and no fault told us. */
static inline bool sfs_handle_blank(const struct shmfs *s)
{
	return sfs_relaxed((const a64 *)(const void *)s->super->magic) == 0;
}

/* A get may take the short way (plain.h) in the live tree, if nothing is to be verified. */
static inline void sfs_handle_plainly(struct shmfs *s)
{
	sfs_file_plainly(&s->file, !s->verify && !sfs_relaxed(&s->checkpoint) && !sfs_relaxed(&s->forked));
}

static inline uint64_t sfs_epoch(const struct shmfs *s)
{
	return sfs_relaxed(&s->live->epoch);
}

static inline bool sfs_is_volatile(const struct shmfs *s)
{
	return sfs_relaxed(&s->live->state) & SFS_STATE_VOLATILE;
}

#endif
