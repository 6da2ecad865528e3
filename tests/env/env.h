/* SPDX-License-Identifier: MIT */
/* What the tests of the environment share: children that are told when to go on, stores
 * on a disk or not, copies, and the day after a reboot. */
#ifndef SHMFS_TESTS_ENV_H
#define SHMFS_TESTS_ENV_H

#include <stdio.h>
#include <sys/types.h>

#include "../rig.h"
#include "../unit/store.h"

/* Memory that children share. */
struct stage {
	volatile int ready; /* steps the child has done */
	volatile int go;    /* steps it may do */
	volatile uint64_t count;
};

struct child {
	pid_t pid;
	struct stage *stage;
	const char *path;
	int what; /* for the child to know */
};

/* Fork; the child runs this and exits with what it returns.  Ends with the test. */
struct child child_start(int (*run)(struct child *c), const char *path, int what);
/* In the child: one more step is done, and wait until the parent lets go on. */
void child_wait(struct child *c);
/* In the parent: until the child has done so many steps, 10 seconds at most. */
int child_at(struct child *c, int steps);
void child_go(struct child *c);
/* The exit status; -1 if a signal ended it (and a line says which). */
int child_end(struct child *c);
void child_kill(struct child *c, int sig);

int try_open(const char *path, int flags);
/* As cp(1): to a file of this name, or over what is there, the inode kept. */
void copy_file(const char *from, const char *to);
/* As after a reboot: the session of the live page is another. */
void reboot(const char *path);
void poke(const char *path, uint64_t at, const void *bytes, size_t n);

/* Append frame number n; read the next one: its number, or a negative code. */
int frame_put(struct shmfs *s, uint64_t n);
int64_t frame_next(struct shmfs_reader *r);
/* Open, read everything: how many frames the log has, -1 if they are not 0, 1, 2, ... */
int64_t frames_in(struct shmfs *s);

#endif
