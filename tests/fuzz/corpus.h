/* SPDX-License-Identifier: MIT */
/*
 * Inputs kept: corpus/TARGET.txt, a line of hex digits each, white space ignored.  Lines that
 * begin with # say what the next one has found.
 */
#ifndef SHMFS_TESTS_CORPUS_H
#define SHMFS_TESTS_CORPUS_H

#include "fuzz.h"

struct fuzz_input {
	size_t size;
	uint8_t *data;
};

struct fuzz_corpus {
	struct fuzz_input *input;
	size_t n;
};

struct fuzz_corpus corpus_load(const struct fuzz_target *t);
void corpus_free(struct fuzz_corpus *c);
/* Print an input as a line. */
void corpus_print(const uint8_t *data, size_t size);
struct fuzz_input corpus_read_file(const char *path);
/* Write all of them as files DIR/TARGET/N. */
void corpus_unpack(const char *dir);

/* ---- mutate.c: a new input in buf, of at most `room` bytes; its size */
size_t corpus_mutate(const struct fuzz_corpus *c, const struct fuzz_target *t, struct rng *r, uint8_t *buf,
                     size_t room);

#endif
