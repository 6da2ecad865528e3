/* SPDX-License-Identifier: MIT */
/*
 * priority: how soon a thread runs on a machine that is busy.
 *
 * The daemon's threads are many, and most of them serve one process each.  For some everybody waits.
 * Where raising a priority is not allowed these do nothing.
 */
#ifndef FS_PRIORITY_H
#define FS_PRIORITY_H

enum fs_priority {
	FS_AS_OTHERS,
	FS_SOON,  /* before the others of this program; may take long */
	FS_FIRST, /* before everybody's; for a moment */
};

/* Of the calling thread, from now on, and beside what the program was started with: nice(1), chrt(1). */
void fs_priority(enum fs_priority priority);

#endif
