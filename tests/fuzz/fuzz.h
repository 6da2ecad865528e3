/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets.  A store has megabytes, so an input is a *script*: eight bytes that say which
 * of the stores built at the start is used and how, then operations of sixteen bytes that
 * damage it, the places that matter first.  Inputs of the targets `file` and `name` are plain bytes.
 *
 * Two programs run them: `fuzzer`, with libFuzzer (configure --enable-fuzzers), and `replay`,
 * in make check.
 */
#ifndef SHMFS_TESTS_FUZZ_H
#define SHMFS_TESTS_FUZZ_H

#include <stdbool.h>

#include "rig.h"

struct shmfs;

/* ---- the script; little-endian, as the store */

struct fuzz_head {
	uint8_t image; /* modulo FUZZ_IMAGES */
	uint8_t flags; /* FUZZ_* */
	uint8_t how;   /* what the target does with it */
	uint8_t reserved;
	uint32_t seed; /* of which keys, sizes and positions are used */
};

enum {
	FUZZ_RAW_SUPER = 1, /* leave the superblock's checksum as it is, ... */
	FUZZ_RAW_METAS = 2, /* ... those of the checkpoints, ... */
	FUZZ_ELSEWHERE = 4, /* the store is a copy, of another session */
	FUZZ_VERIFY = 8,
	FUZZ_SUM = 16,      /* compare the whole file afterwards, where nothing may change it */
	FUZZ_WRITABLE = 32, /* read through a handle that may write */
};

struct fuzz_op {
	uint8_t area;
	uint8_t what;
	uint16_t which;
	uint16_t word;
	uint16_t length;
	uint64_t value;
};

/* ---- images.c's siblings: base.c, objects.c */

enum fuzz_which {
	FUZZ_EMPTY,
	FUZZ_SMALL,
	FUZZ_TREE,    /* splits, several segments */
	FUZZ_BIG,     /* values in runs of their own */
	FUZZ_LOG,
	FUZZ_KILLED,  /* locked, in the middle of a swing, a commit, a put and an append */
	FUZZ_CLOSED,  /* a copy: recovered from its checkpoint */
	FUZZ_DURABLE, /* of a disk, open, with a checkpoint behind it */
	FUZZ_IMAGES,
};

#define FUZZ_PAGE 4096u
#define FUZZ_OBJECTS 256

struct fuzz_list {
	unsigned n;
	uint64_t at[FUZZ_OBJECTS];
};

struct fuzz_image {
	uint64_t keys; /* of use_fill() */
	bool durable;
	bool elsewhere; /* always */
	uint64_t size;
	unsigned char *bytes;
	unsigned *pages; /* numbers of those that are not all zero */
	unsigned npages;
	struct fuzz_list index, records, frames, runs;
};

extern struct fuzz_image fuzz_images[FUZZ_IMAGES];

/* The same ones every time. */
void fuzz_make_images(void);
void fuzz_find_objects(struct fuzz_image *im);

/* ---- world.c: the system calls that would make two runs differ */

/* Random bytes and clock as they always are, until called with false. */
void fuzz_freeze(bool frozen);
/* What is opened lies on a disk, or in memory. */
void fuzz_disk(bool disk);

/* ---- arena.c: the file that is damaged */

struct fuzz_arena {
	int fd;
	char path[64];
	unsigned char *map;
	uint64_t size;
	const struct fuzz_image *image;
	uint64_t session[2];
};

#define FUZZ_MOST (UINT64_C(96) << 20) /* no file grows larger */

/* A file as the image is; only what the one before changed is restored. */
struct fuzz_arena *fuzz_arena(unsigned image);
/* An empty one. */
struct fuzz_arena *fuzz_arena_empty(void);
void fuzz_resize(struct fuzz_arena *a, uint64_t size);
/* Of content and length. */
uint64_t fuzz_sum(struct fuzz_arena *a);

/* ---- patch.c */

void fuzz_patch(struct fuzz_arena *a, const struct fuzz_head *head, const uint8_t *ops, size_t size);

/* ---- targets.c */

struct fuzz_target {
	const char *name;
	void (*run)(const uint8_t *data, size_t size);
	bool script;
};

extern const struct fuzz_target fuzz_targets[];

const struct fuzz_target *fuzz_target(const char *name);
/* Once per process, before the first run. */
void fuzz_begin(void);
/* One input: dies if it breaks a promise. */
void fuzz_run(const struct fuzz_target *t, const uint8_t *data, size_t size);

#endif
