/* SPDX-License-Identifier: MIT */
/*
 * A child that runs as far as the test wants it to: instruction by instruction, or from one
 * system call to the next.  What it shares with the parent is the file of the store.
 */
#ifndef SHMFS_TESTS_TRACE_H
#define SHMFS_TESTS_TRACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "store.h"

/* A child with a handle of its own for this store, stopped before run(). */
pid_t trace_start(const char *path, int flags, void (*run)(struct shmfs *s, void *arg), void *arg);

/* One instruction, or n.  False: it has ended. */
bool trace_step(pid_t pid);
bool trace_steps(pid_t pid, unsigned n);

/* Up to the next raise(SIGSTOP) in run().  False: it has ended. */
bool trace_go(pid_t pid);

/* Up to just before, or just after, its next system call of this number. */
bool trace_call(pid_t pid, long number, bool after);

/* To its end.  Its exit status: 0, or what went wrong. */
int trace_end(pid_t pid);

/* SIGKILL, where it stands. */
void trace_kill(pid_t pid);

#endif
