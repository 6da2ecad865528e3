/* SPDX-License-Identifier: MIT */
#ifndef SHMFS_TESTS_SCRIPTS_H
#define SHMFS_TESTS_SCRIPTS_H

#include <shmfs.h>

#include "../rig.h"

enum {
	ON_DISK = 1,         /* else volatile: no checkpoint while open */
	FROM_DISK = 2,       /* it was, before the first operation */
	NO_STORE = 4,        /* there is none before the first operation */
	ALONE = 8,           /* it opens or closes: nobody else has it open */
	SYNCED = 16,         /* every operation ends with a checkpoint of what it did */
	NO_LOG = 32,         /* no room for one */
	TRIMS = 64,          /* the log's segments go before their records do */
	OPENS_SEGMENT = 128, /* of the log, before the frame is there */
	CLEANS = 256,        /* something is moved by the cleaner */
	MANY_STORES = 512,   /* into pages that nothing leads to yet */
	SLOW = 1024,         /* each look takes tens of milliseconds */
};

/*
 * Operations that run one after the other, each one atomic; or of `parts` parts, each atomic, that
 * are seen in this order.
 */
struct script {
	const char *name;
	unsigned flags;
	unsigned steps, parts; /* parts: 0 is 1 */
	struct shmfs_options options;
	/* What was there before; NULL: nothing. */
	void (*prepare)(struct shmfs *s);
	/* *s is NULL where the store is not open. */
	void (*step)(struct shmfs **s, unsigned i);
	/* What a part does, as an operation of its own. */
	void (*part)(struct shmfs *s, unsigned i, unsigned part);
	/* A rename: readers may for a moment see the old name beside the new one. */
	unsigned (*renamed)(unsigned i);
	/* Between prepare() and the first operation: closed, or moved.  NULL: it stays open. */
	void (*leave)(struct shmfs **s);
};

extern const char *store_path;

/* By what they are about; the last of each has no name. */
extern const struct script map_scripts[], space_scripts[], log_scripts[], life_scripts[];

/* What they share (scripts.c). */
void must(int got, const char *what);
void put(struct shmfs *s, unsigned key, size_t size, uint64_t seed); /* above 1,000 bytes: zeros */
void del(struct shmfs *s, unsigned key);
void append(struct shmfs *s, size_t size, uint64_t seed);
void prepare_some(struct shmfs *s);

#endif
