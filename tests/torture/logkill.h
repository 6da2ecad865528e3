/* SPDX-License-Identifier: MIT */
/* What the log torture's parent and children share. */
#ifndef SHMFS_TESTS_LOGKILL_H
#define SHMFS_TESTS_LOGKILL_H

#include "appender.h"

struct logbooks {
	struct logbook writer[LOG_WRITERS];
	atomic_ulong put[LOG_WRITERS][2]; /* a key's value: acknowledged, being done */
	atomic_ulong reads, worst_us;
};

/* They run until killed. */
_Noreturn void logwriter_run(const char *path, struct logbooks *books, unsigned writer, uint64_t seed);
_Noreturn void logreader_run(const char *path, struct logbooks *books);

#endif
