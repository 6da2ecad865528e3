/* SPDX-License-Identifier: MIT */
/*
 * keeper: the threads that do what is due: the periodic sync, publishing what has waited
 * for a second, letting go of pins.
 */
#ifndef FS_KEEPER_H
#define FS_KEEPER_H

#include "fs.h"

/* Part of the thing it is about; zero it before use. */
struct fs_due {
	struct fs_due *next;
	void (*run)(struct fs *fs, struct fs_due *due); /* without any lock held */
	uint64_t when_ms;
	bool armed;
};

int fs_keeper_open(struct fs *fs);

/* Start the threads: after fork(). */
int fs_keeper_start(struct fs *fs);
void fs_keeper_stop(struct fs *fs);
void fs_keeper_close(struct fs *fs);

/* Run it in this many milliseconds, unless it is armed already. */
void fs_keeper_arm(struct fs *fs, struct fs_due *due, uint64_t in_ms);

/* Not any more.  It may be running just now: `run` must see for itself that it is late. */
void fs_keeper_disarm(struct fs *fs, struct fs_due *due);

/* Not any more, and wait until it does not run.  Hold no lock that `run` takes. */
void fs_keeper_cancel(struct fs *fs, struct fs_due *due);

#endif
