/* SPDX-License-Identifier: MIT */
/* Frames for unit tests: value_fill(size, seed) each. */
#ifndef SHMFS_TESTS_FRAMES_H
#define SHMFS_TESTS_FRAMES_H

#include "store.h"

#define SEGMENT (UINT64_C(16) << 20)

/* Bytes of the log that a frame takes. */
uint64_t frame_room(uint64_t size);
/* Append it; its position. */
uint64_t frame_append(struct shmfs *s, uint64_t seed, size_t size);
/* Append frames until the log's end is at this position. */
void frame_fill_to(struct shmfs *s, uint64_t position);
/* Is it the next one of a reader, or the one before? */
int frame_next(struct shmfs_reader *r, uint64_t seed, size_t size);
int frame_prev(struct shmfs_reader *r, uint64_t seed, size_t size);
/* What next() says where it does not succeed. */
int frame_none(struct shmfs_reader *r);

struct shmfs_reader *frame_reader(struct shmfs *s, uint64_t position);
struct shmfs_log_bounds frame_bounds(struct shmfs *s);

#endif
