/* SPDX-License-Identifier: MIT */
/* What a store shows, and what an image must. */
#ifndef SHMFS_TESTS_VERIFY_H
#define SHMFS_TESTS_VERIFY_H

#include <shmfs.h>
#include <stdbool.h>
#include <stdint.h>

struct state {
	uint64_t keys, cursors, frames; /* each a sum over what there is, of bytes and places */
	uint64_t head, trimmed_frames, trimmed_bytes;
};

struct state state_of(struct shmfs *s);
/* What one key adds to `keys`; 0 if it is not there. */
uint64_t state_of_key(struct shmfs *s, const void *key, size_t size);
bool state_is(const struct state *a, const struct state *b);

/* Segments that runs, and parts of runs, occupy. */
uint64_t runs_of(struct shmfs *s);

/* The results of looking at an image are reported here, if they are bad. */
__attribute__((format(printf, 1, 2))) void problem(const char *format, ...);

/* Open the image to read, as far as that goes.  0, -ENODATA: it was never finished. */
int verify_reading(struct state *state);

enum {
	AS_SURVIVOR = 1, /* who was there when the other one was killed */
	USE_LOG = 2,     /* use its log, too */
	CREATE_IT = 4,   /* or finish it */
	TRIM_AGAIN = 8,  /* what was trimmed already, which frees what a kill has left of it */
};

/* Open the image as the next writer.  Check it, use it, put it back, close it, and open it once
 * more.  *state and *runs are what it held when it was opened. */
int verify_writing(unsigned how, struct state *state, uint64_t *runs);

/* Open the image as a copy of the file, or after a reboot.  SHMFS_E_NOT_CLOSED: refused. */
int verify_copy(struct state *state);

/* The same of what the image is once the next writer has changed it, and not synced. */
int verify_copy_of_changed(struct state *state);

#endif
