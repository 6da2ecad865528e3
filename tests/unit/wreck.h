/* SPDX-License-Identifier: MIT */
/* Stores that know what they should be, damaged at chosen places, and judged after their repair. */
#ifndef SHMFS_TESTS_WRECK_H
#define SHMFS_TESTS_WRECK_H

#include <stdbool.h>

#include "../../lib/log.h"
#include "frames.h"

#define WRECK_KEYS 4000
#define WRECK_FRAMES 300
#define WRECK_ROOM 2000000

extern unsigned char wreck_room[WRECK_ROOM];

/* Key i, with the value of this seed. */
int wreck_put(struct shmfs *s, unsigned i, uint64_t seed);
/* Was it deleted again? */
bool wreck_deleted(unsigned i);
/* A closed store: keys overwritten once, some deleted, frames, two cursors. */
const char *wreck_made(const char *name, bool durable);

void wreck_poke(const char *path, uint64_t at, const void *bytes, size_t n);
void wreck_flip(const char *path, uint64_t at, unsigned char with);
void wreck_wipe(const char *path, uint64_t at, size_t n, int with);
/* The file as it was; holes stay holes. */
void wreck_restore(const char *path, const struct bytes *b);

/* Where things are in a good store. */
struct wreck_where {
	uint64_t record, slot, bucket, root, log; /* log: the first frame */
	struct sfs_super super;
};
struct wreck_where wreck_find(const char *path, unsigned i);

/* Counts what a repair tells; REPAIR_VERBOSE prints it. */
void wreck_tell(void *arg, uint64_t offset, const char *text);
/* Repair it; a second repair finds nothing. */
struct shmfs_check_result wreck_repair(const char *path);
/* How many keys of those that were never deleted are missing; revived: deleted ones that are there. */
unsigned wreck_missing(const char *path, unsigned *revived);
/* Frames that are there, in order, with the right bytes. */
unsigned wreck_frames(const char *path);
/* It takes keys, frames and cursors. */
void wreck_writable(const char *path);
/* Repair it: so many keys are lost, no more come back. */
struct shmfs_check_result wreck_expect(const char *path, unsigned lost, unsigned revived_most);
/* And no frame is, and it can be written. */
void wreck_expect_all(const char *path, unsigned lost, unsigned revived_most);

#endif
