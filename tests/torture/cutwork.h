/* SPDX-License-Identifier: MIT */
/* What cutwork.c and cutlog.c share. */
#ifndef SHMFS_TESTS_CUTWORK_H
#define SHMFS_TESTS_CUTWORK_H

#include "cut.h"

/* 0, or the end of the test. */
void must(struct world *w, int rc, const char *what);
/* False if the disk was full. */
bool took(struct world *w, int rc, const char *what);
struct shmfs *any_handle(struct world *w, unsigned *which);
/* A value, until the next call. */
const void *bytes(struct world *w, size_t size, uint64_t seed);

void work_append(struct world *w);
void work_append_many(struct world *w);
void work_batch(struct world *w);
void work_trim(struct world *w);
void work_cursor(struct world *w);

#endif
