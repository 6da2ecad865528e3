/* SPDX-License-Identifier: MIT */
/*
 * What the test programs share: a seeded generator, values that know what they should be,
 * scratch files, and giving up loudly.
 */
#ifndef SHMFS_TESTS_RIG_H
#define SHMFS_TESTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* 0 <= result < n; n = 0 gives 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* True once in n. */
bool rng_once_in(struct rng *r, uint64_t n);
/* 0 to top inclusive, every power of two as likely as the next. */
uint64_t rng_size(struct rng *r, uint64_t top);

/* A value that says of itself what its bytes are: the first 8 are the seed, the rest
 * follow from it and from their place. */
void value_fill(void *buf, size_t size, uint64_t seed);
bool value_is(const void *buf, size_t size, uint64_t seed);
/* As value_is(), with the seed the value carries.  Below 8 bytes always true. */
bool value_whole(const void *buf, size_t size);

/* Monotonic. */
uint64_t clock_us(void);

uint64_t env_number(const char *name, uint64_t otherwise);
/* MODEL_SEED and friends: the variable if set, else something new every time. */
uint64_t env_seed(const char *name);
/*
 * How long one of `parts` parts of a torture goes on: as many rounds as the variable says,
 * else TORTURE_SECONDS, else `otherwise` rounds, of all parts together.
 */
struct budget {
	uint64_t rounds, end_us;
};

struct budget env_budget(const char *name, uint64_t otherwise, unsigned parts);
bool budget_lasts(const struct budget *b, uint64_t done);

/* fork(), or die(); the child is killed when its parent ends. */
pid_t fork_child(void);

/* Where the disk tests go: $SHMFS_TEST_DIR, else the current directory. */
const char *disk_dir(void);
/* "DIR/NAME.PID", and no such file. */
void scratch(char *path, size_t size, const char *dir, const char *name);

/* "ok - SENTENCE", for make check. */
void passed(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "skip - SENTENCE: WHY" */
void skipped(const char *sentence, const char *why);
/* "not ok - PROGRAM: WHY", and exit 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
