/* SPDX-License-Identifier: MIT */
/*
 * floor 3: reading the log: a place in it, and the frame that stands there.
 *
 * Invariant	what was read from a frame counts only if afterwards the segment was not reused
 *	(the moment in which it was found is intact) and the position is not before the head.
 *	What stands before `commit` is settled, and has its tail word: only there frames are found
 *	backwards by it.  Behind, a reservation may end in frames of a batch never committed.
 * Order	the head word is loaded with acquire, then the payload; then the moment and the head.
 * Distrust	lengths: a frame must end within its segment.  A reservation whose owner is dead is
 *	skipped: to pad it could mean to wait.
 */
#ifndef SFS_LOGREAD_H
#define SFS_LOGREAD_H

#include "log.h"
#include "moment.h"

struct sfs_place {
	struct shmfs *s;
	uint64_t position;
	uint64_t segment; /* 1 + the one looked up last; 0 = none */
	uint64_t at;      /* where its frames begin */
	struct sfs_moment moment;
	bool verify;      /* check both ends and the sum of every frame */
};

/* A frame, found. */
struct sfs_frame {
	const uint8_t *payload;
	uint64_t size;
	uint64_t position;
	uint64_t next; /* behind it */
};

/* First position kept. */
SFS_HIDDEN uint64_t sfs_log_head(struct shmfs *s);

/* Does the handle read a checkpoint?  Then the log is what that says. */
static inline bool sfs_log_frozen(struct shmfs *s)
{
	return sfs_reads_meta(s);
}

/*
 * The frame at the place, or the first behind paddings; moves the place over those.
 * -ENODATA nothing there yet, -ESTALE trimmed, -EINVAL not a frame, -EUCLEAN.
 * The caller uses the payload, then asks sfs_place_intact().
 */
SFS_HIDDEN int sfs_place_look(struct sfs_place *p, struct sfs_frame *f);

/* The frame before the place.  -ENODATA at the head. */
SFS_HIDDEN int sfs_place_look_back(struct sfs_place *p, struct sfs_frame *f);

/* Was the last frame looked at intact until now?  If not the next look finds it afresh. */
SFS_HIDDEN bool sfs_place_intact(struct sfs_place *p);

/* Copy frames, as they stand one behind the other in a segment, and step behind them; how many.
 * -ENODATA: nothing there yet.
 * 0: there is none that fits, or something is in the way that sfs_place_look() deals with. */
SFS_HIDDEN ssize_t sfs_place_copy(struct sfs_place *p, struct shmfs_frame *frames, size_t most, uint8_t *buf,
                                 uint64_t room);

/* Make the place's segment the one of this position. */
SFS_HIDDEN int sfs_place_enter(struct sfs_place *p, uint64_t position);

/* The head word there, in the segment at hand; a dead owner's reservation as a PAD. */
SFS_HIDDEN uint64_t sfs_place_word(struct sfs_place *p, uint64_t position);

/* ---- logmark.c */

/* A position, and what is before it in its segment. */
struct sfs_mark {
	uint64_t position;
	uint32_t frames, bytes;
};

/* The mark of a position at or before the end.  -EINVAL: it is none; -EAGAIN: trimmed meanwhile, or the
 * end went back; -EUCLEAN */
SFS_HIDDEN int sfs_log_before(struct shmfs *s, uint64_t position, struct sfs_mark *m);

/* Is this the position of a frame, or the end?  0, -EINVAL, -ESTALE, -ERANGE, -EUCLEAN */
SFS_HIDDEN int sfs_log_check(struct shmfs *s, uint64_t position);

/* ---- logfind.c */

/* Behind the last frame that can be read now. */
SFS_HIDDEN uint64_t sfs_log_end(struct shmfs *s);

/* Make SHMFS_LOG_BEGIN and SHMFS_LOG_END positions; others are checked. */
SFS_HIDDEN int sfs_log_resolve(struct shmfs *s, uint64_t *position);

/* What the log holds, all of one moment. */
SFS_HIDDEN int sfs_log_bounds(struct shmfs *s, struct shmfs_log_bounds *b);

/* How far a position is behind the end.  -EINVAL -ERANGE -EUCLEAN */
SFS_HIDDEN int sfs_log_lag(struct shmfs *s, uint64_t position, struct shmfs_log_lag *lag);

/* Step over so many frames, or back.  -ERANGE */
SFS_HIDDEN int sfs_place_step(struct sfs_place *p, int64_t frames);

/* Go to the frame that holds this byte of all payload, trimmed or not.  -ESTALE -ERANGE */
SFS_HIDDEN int sfs_place_find_byte(struct sfs_place *p, uint64_t byte);

#endif
