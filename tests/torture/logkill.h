/* SPDX-License-Identifier: MIT */
/* What the log torture's parent and children share: the books, and what a frame says of itself. */
#ifndef SHMFS_TESTS_LOGKILL_H
#define SHMFS_TESTS_LOGKILL_H

#include <shmfs.h>
#include <stdatomic.h>

#include "rig.h"

#define LOG_WRITERS 4
#define LOG_FRAME_TOP 70000

/* Begins every frame; value_fill(number ^ writer) follows. */
struct logframe {
	uint64_t number; /* of the writer's frames */
	uint32_t writer;
	uint16_t index, of; /* in its batch */
};

/* A pair is what was acknowledged, and what is being done; both the same in between. */
struct logbook {
	atomic_ulong acked; /* frames */
	atomic_ulong cursor[2], put[2];
};

struct logbooks {
	struct logbook writer[LOG_WRITERS];
	atomic_ulong reads, worst_us;
};

/* They run until killed. */
_Noreturn void logwriter_run(const char *path, struct logbooks *books, unsigned writer, uint64_t first,
                             uint64_t seed);
_Noreturn void logreader_run(const char *path, struct logbooks *books);

#endif
