/* SPDX-License-Identifier: MIT */
/*
 * Every call, on a store that may be anything.  No result matters, but that it is a code
 * that has a name, and that what is handed out lies inside the file.
 */
#ifndef SHMFS_TESTS_USE_H
#define SHMFS_TESTS_USE_H

#include <shmfs.h>

#include "rig.h"

/* A bit of everything: small and large values, deletes, renames, several buckets. */
void use_fill(struct shmfs *s, uint64_t keys);
/* Frames of several sizes, and cursors. */
void use_fill_log(struct shmfs *s, uint64_t frames);

/* n times a few of the calls that ... */
void use_get(struct shmfs *s, struct rng *r, uint64_t keys, int n);
void use_put(struct shmfs *s, struct rng *r, uint64_t keys, int n);
void use_stream(struct shmfs *s, struct rng *r);
void use_log_read(struct shmfs *s, struct rng *r, int n);
void use_log_write(struct shmfs *s, struct rng *r, int n);
/* The whole store; from a cursor in it. */
void use_walk(struct shmfs *s, uint64_t *cursor);
void use_check(struct shmfs *s);
void use_stat(struct shmfs *s);

/* The code itself; dies if shmfs_strerror() does not know it. */
int use_code(int rc);
/* Dies unless every byte of it is in the file. */
void use_inside(struct shmfs *s, const void *data, uint64_t size);

#endif
