/* SPDX-License-Identifier: MIT */
/* floor 2: appending to the log (log.h). */
#ifndef SFS_LOGWRITE_H
#define SFS_LOGWRITE_H

#include "log.h"

/* A batch being written in place, in its handle's list. */
struct sfs_open_batch {
	struct sfs_open_batch *next;
	pthread_t thread; /* who began it */
};

/* Has this thread a batch open?  Then it must not wait for the log to settle. */
SFS_HIDDEN bool sfs_log_batch_open(struct shmfs *s);

/* Bytes of the log that are ours to write, until they are done. */
struct sfs_reservation {
	uint64_t total;
	uint8_t *at;     /* in the mapping */
	uint64_t counts; /* of payload bytes, and frames << 32; 0: not known yet */
	uint64_t position;
};

static inline uint64_t sfs_log_counts(uint64_t bytes, uint64_t frames)
{
	return bytes | frames << 32;
}

/* Reserve r->total bytes, a multiple of 16, in one segment.  -EMSGSIZE and as sfs_log_enter() */
SFS_HIDDEN int sfs_log_reserve(struct shmfs *s, struct sfs_reservation *r);

/* ---- logfill.c */

/* The tail word of a frame. */
static inline void sfs_log_end_frame(uint8_t *frame, uint64_t total, uint64_t len, uint32_t crc)
{
	sfs_set((a64 *)(void *)(frame + total - 8), len | (uint64_t)crc << 32);
}

/* Write the frame at `in`, all but its head word.  The word. */
SFS_HIDDEN uint64_t sfs_log_fill(const struct sfs_reservation *r, uint64_t in, const void *payload,
                                 uint64_t len);

/* The same where the payload is there already. */
SFS_HIDDEN uint64_t sfs_log_sum(const struct sfs_reservation *r, uint64_t in, uint64_t len);

/* Write n frames, all but the head word of the first, and say where they are.  The word. */
SFS_HIDDEN uint64_t sfs_log_fill_all(const struct sfs_reservation *r, struct shmfs_frame *frames, size_t n);

/* A frame of a batch but the first: it is done, and hidden by the first's RESERVED. */
SFS_HIDDEN void sfs_log_inner(const struct sfs_reservation *r, uint64_t in, uint64_t word);

/* Turn the rest of a reservation, from `in` on, into a PAD. */
SFS_HIDDEN void sfs_log_pad(const struct sfs_reservation *r, uint64_t in);

/* ---- logwrite.c */

/* COMMIT: the head word of the first frame. */
SFS_HIDDEN void sfs_log_done(struct shmfs *s, const struct sfs_reservation *r, uint64_t word);

#endif
