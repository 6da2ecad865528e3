/* SPDX-License-Identifier: MIT */
/* The text of a dump, or of lines of JSON, and its damage. */
#ifndef SHMFS_TESTS_DUMPTEXT_H
#define SHMFS_TESTS_DUMPTEXT_H

#include "rig.h"

struct text {
	char *data;
	size_t size, room;
};

void text_read(struct text *t, const char *path);
void text_write(const struct text *t, const char *path);
void text_copy(struct text *to, const struct text *from);
bool text_same(const struct text *a, const struct text *b);
bool text_same_lines(const struct text *a, const struct text *b); /* in any order */

/* Put bytes where others were. */
void text_splice(struct text *t, size_t at, size_t out, const char *in, size_t size);

/* A few changes: to bytes, to numbers, to whole lines; or its end is cut off. */
void text_mutate(struct text *t, struct rng *r);

#endif
