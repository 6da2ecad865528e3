/* SPDX-License-Identifier: MIT */
/* What the writers of the full disk torture share with their parent. */
#ifndef SHMFS_TESTS_FULLFILL_H
#define SHMFS_TESTS_FULLFILL_H

#include "appender.h"

#define FULL_KEYS 65536u
#define FULL_VALUE_TOP (3u << 20)

/* What a key, a 32-bit number, should hold. */
struct fullstate {
	uint64_t seed;
	uint32_t size;
	bool there;
};

struct fullbooks {
	struct fullstate states[FULL_KEYS];
	atomic_uint doing; /* 1 + the key being changed, 0 = none */
	struct fullstate after;
	struct logbook log;
};

/* Put and append until not even the smallest thing goes; then exit, with 0. */
_Noreturn void full_fill(const char *path, struct fullbooks *books, uint64_t seed);

#endif
