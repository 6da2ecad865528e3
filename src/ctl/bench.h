/* SPDX-License-Identifier: MIT */
/*
 * A quick figure of this machine and file system: benchrun.c does the work, bench.c is the verb and
 * prints.
 */
#ifndef SHMFSCTL_BENCH_H
#define SHMFSCTL_BENCH_H

#include "ctl.h"

#define BENCH_KEY_BYTES 8

struct bench {
	const struct ctl_args *args;
	const char *path; /* of the temporary store */
	struct shmfs *s;
	uint64_t keys;  /* wanted; behind `insert` those that are there */
	size_t size;    /* of a value and of a frame */
	uint64_t work_ns; /* each work may take this long */
	unsigned char *value;
	uint64_t random;
	bool failed; /* and said so */
};

struct bench_result {
	const char *name;
	uint64_t operations, ns;
};

enum { BENCH_RESULTS = 7 }; /* the last two are of memory alone */

/* Fill result `which`.  False: it failed, or a signal came. */
bool bench_run(struct bench *b, int which, struct bench_result *result);

/* Wait until the disk has it.  False as above. */
bool bench_sync(struct bench *b, uint64_t *ns);

#endif
