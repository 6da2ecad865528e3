/* SPDX-License-Identifier: MIT */
/*
 * Stopped after every store.
 *
 * While it is armed, the library's mapping of the file may only be read: a store faults, is let
 * through alone (its page writable, the processor's trap flag set), and then reported.  So are the
 * system calls that change the file or its locks, which stand in here for the C library's.
 * What other processes see of the file is the same between two reports: whenever this process is
 * killed, one of them says what it leaves.  A copy by one repeated instruction reports
 * every repetition.
 */
#ifndef SHMFS_TESTS_TRAP_H
#define SHMFS_TESTS_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TRAP_WORKS 1
#else
#define TRAP_WORKS 0 /* the trap flag; and a sanitizer's stores are not the library's */
#endif

enum trap_why { TRAP_STORE, TRAP_CALL };

/* [at, at + n) of the file may have changed, and its length.  What the function does itself is
 * not reported. */
typedef void trap_fn(enum trap_why why, uint64_t at, uint64_t n);

/* Before anything else: may start the program again. */
void trap_prepare(char **argv);

/* From now on; the store has this mapping, or none yet. */
void trap_arm(trap_fn *fn, void *base, size_t window);
void trap_disarm(void);

/* Files that are opened are taken to be on a disk: tmpfs flushes as well, and faster. */
extern bool trap_on_disk;

/* Randomness that the library asks for from now on; and the same again. */
void trap_seed(uint64_t seed);
void trap_seed_again(void);

/* Hold this lease of a file for a process that dies as soon as another one has taken the next:
 * who opens the file now finds a writer, and later its locks held by the dead. */
void trap_dying_holder(const char *path, unsigned lease);

#endif
