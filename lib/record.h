/* SPDX-License-Identifier: MIT */
/* floor 2: writing records, and checking their sums. */
#ifndef SFS_RECORD_H
#define SFS_RECORD_H

#include "index.h"

/* What a record will hold.  The sum of the value is taken before the lock is. */
struct sfs_draft {
	struct sfs_key key;
	const void *value; /* NULL: it is in place already */
	uint64_t vlen;
	uint32_t value_crc;
	uint8_t type;
};

/* Give the put its version and its time. */
SFS_HIDDEN void sfs_record_stamp(struct shmfs *s, uint64_t *seq, uint64_t *time_ns);

/* Write it at this offset, which is not yet reachable. */
SFS_HIDDEN void sfs_record_write(struct shmfs *s, uint64_t at, const struct sfs_draft *d, uint64_t seq,
                                 uint64_t time_ns);

/* Does the checksum of a record that was bounds-checked match? */
SFS_HIDDEN bool sfs_record_intact(const struct sfs_hit *hit);

#endif
