/* SPDX-License-Identifier: MIT */
/*
 * What the tortures append to the log, the books they keep of it, and reading it again.
 *
 * Every frame says whose it is, its number among that writer's, and its place in its batch.
 */
#ifndef SHMFS_TESTS_APPENDER_H
#define SHMFS_TESTS_APPENDER_H

#include <shmfs.h>
#include <stdatomic.h>

#include "rig.h"

#define LOG_WRITERS 4
#define LOG_MARKER LOG_WRITERS /* whose frames are the parent's */
#define LOG_FRAME_TOP 70000

/* Begins every frame; value_fill(number ^ writer) follows. */
struct logframe {
	uint64_t number; /* of the writer's frames */
	uint32_t writer;
	uint16_t index, of; /* in its batch */
};

bool logframe_is(const void *data, size_t size);

/* In memory that parent and children share.  A pair is what was acknowledged, and what is
 * being done; both the same in between. */
struct logbook {
	atomic_ulong acked; /* frames */
	atomic_uint doing;  /* frames being appended, 0 = none */
	atomic_ulong cursor[2];
};

/* ---- children */

struct appender {
	struct shmfs *s;
	struct logbook *book;
	struct rng rng;
	uint64_t last; /* position of the last frame, or its batch */
	unsigned writer;
	size_t usual; /* most frames are at most this long */
};

void append_one(struct appender *a);
void append_many(struct appender *a);
void append_in_place(struct appender *a);
/* Move the writer's cursor to its last frame. */
void append_cursor(struct appender *a);

/* ---- the parent */

struct follower {
	uint64_t position;             /* read up to here */
	uint64_t next[LOG_WRITERS + 1]; /* the number each writer's next frame has */
	unsigned left[LOG_WRITERS + 1]; /* frames to come of the batch at hand */
	uint64_t frames;
	bool limited; /* frames may be trimmed before they are read */
	bool gap;     /* they were */
};

/* Read on, to the end, or with a marker until that is met: every frame must be there once, in order
 * per writer, every batch whole. */
void follow(struct follower *f, struct shmfs *s);
void follow_to_marker(struct follower *f, struct shmfs *s);
/* A writer was killed: what it acknowledged is there, what was in flight is there whole or not at
 * all, and so with its cursor. */
void follow_settle(struct follower *f, struct shmfs *s, unsigned writer, struct logbook *book);

#endif
