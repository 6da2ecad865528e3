/* SPDX-License-Identifier: MIT */
/*
 * The power-loss simulation's parts.
 *
 *	cut.c       rounds, and what must be true of a disk after a cut
 *	cutdisk.c   the shadow disk: what of the file would be there after a cut
 *	cuthooks.c  where the library is listened to (linked in by --wrap)
 *	cutwork.c   a random life of a store, and the model of what it holds
 *	cutmatch.c  does a store show exactly what a model says?
 */
#ifndef SHMFS_TESTS_CUT_H
#define SHMFS_TESTS_CUT_H

#include <shmfs.h>

#include "rig.h"

/* ---- the model */

#define KEYS 2500
#define KEY_ROOM 64
#define CURSORS 20
#define VALUE_TOP (2u << 20)

struct fact {
	uint64_t seed; /* of value_fill(); of a number, its bits */
	uint32_t size;
	uint32_t type;
	bool there;
};

struct appended {
	uint64_t position, seed;
	uint32_t size;
};

struct state {
	struct fact keys[KEYS];
	bool cursor_there[CURSORS];
	uint64_t cursors[CURSORS];
	struct appended *frames; /* all there ever were, trimmed ones too */
	size_t n, room;
	uint64_t head, end;
};

void state_copy(struct state *to, const struct state *from);
size_t state_key(uint32_t i, unsigned char key[KEY_ROOM]);

/* NULL if the store shows exactly this state, through every kind of read; otherwise the
 * first difference. */
const char *state_differs(struct shmfs *s, const struct state *st);

/* ---- the shadow disk */

#define DISK_PAGE 4096u
#define DISK_SECTOR 512u

struct disk_change; /* of length, or a hole: not yet in the journal */

struct disk {
	int fd;          /* the store's file; -1: nothing is simulated */
	uint8_t *shadow; /* what is on the disk */
	uint8_t *used;   /* per page: may be other than zeros */
	uint64_t length; /* on the disk */
	uint64_t file_length;
	struct disk_change *changes; /* in order; they reach the disk in this order too */
	size_t n;
	struct rng *rng;
};

/* Begin to simulate; all that is in the file is on the disk. */
void disk_begin(struct disk *d, const char *path, struct rng *rng);
void disk_end(struct disk *d);
/* The file's length may have changed, perhaps by a write; or this part of it became a hole. */
void disk_note_length(struct disk *d, bool written);
void disk_note_punch(struct disk *d, uint64_t at, uint64_t n);
/* The kernel writes something back, as it likes. */
void disk_write_back(struct disk *d);
/* The meta at `at` while it is being stored: some of the new words, and a wrong sum. */
void disk_tear(struct disk *d, uint64_t at, const void *new, size_t n);
/* All of these bytes' pages that were dirty when this was called, in random order; `between` is
 * called after every page, with its number and how many there are. */
void disk_flush(struct disk *d, uint64_t at, uint64_t n, void (*between)(void *arg, size_t i, size_t n),
                void *arg);
/* Now the power is cut: this is what is left. */
void disk_image(const struct disk *d, const char *path);

/* ---- a store and its life */

enum phase { IDLE, BEGUN, FIRST, BETWEEN, SECOND };
enum doing { WORKING, CREATING, CLOSING, RECOVERING };

struct stream {
	struct shmfs_put *put;
	unsigned handle;
	uint64_t seed;
	uint32_t size, written;
};

struct world {
	char path[4096];
	struct disk disk;
	struct rng rng;
	unsigned depth;       /* cuts that lie behind it, ... */
	const char *cut;      /* and where the last one was */
	struct state now;     /* what the store holds */
	struct state synced;  /* at the end of the last sync */
	struct state flying;  /* of the sync in flight */
	bool absent;          /* before the first sync: no store at all is right too */
	enum phase phase;     /* of the sync in flight */
	bool one_flush;       /* it needs no first one */
	enum doing doing;
	bool asked;           /* it was asked for by us, so others may work meanwhile */
	bool full;            /* no disk space is left */
	bool calm;            /* little is done between two syncs */
	uint64_t log_limit;
	struct shmfs *handles[2];
	struct stream streams[2];
	struct shmfs_batch *batch;
	unsigned batch_handle;
	uint64_t batch_seed;
	uint32_t batch_size;
	uint64_t version; /* the largest given */
	unsigned steps;
	unsigned char *blob;  /* VALUE_TOP bytes for the operation at hand */
};

/* The one the hooks are about; NULL: none. */
extern struct world *world;

/* Runs of segments that are in use, but lead to nothing. */
uint64_t lost_runs(struct shmfs *s);

struct world *world_new(const char *path, uint64_t seed);
void world_free(struct world *w);
void work_open(struct world *w, int flags, const struct shmfs_options *o);
/* Commit or abort what is open, and close. */
void work_close(struct world *w);
void work_sync(struct world *w);
/* One random operation; with sync, close and full disks only if `all`. */
void work_step(struct world *w, bool all);
/* Other threads get their turn, while one is inside a sync. */
void work_meanwhile(struct world *w);
/* The batch that is open, if any, is finished. */
void work_end_batch(struct world *w);
/* The log goes on to another segment. */
void work_pass_segment(struct world *w);
/* Note where the log begins and ends. */
void work_note_log(struct world *w, struct shmfs *s);

/* ---- the cut */

/* Pull the plug here, and look at what is left. */
void cut_here(struct world *w);

/* The end of the test: the seed, where we are, and why. */
_Noreturn void wrong(const struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
