/* SPDX-License-Identifier: MIT */
#ifndef SHMFS_TESTS_SCRIPTS_H
#define SHMFS_TESTS_SCRIPTS_H

#include <shmfs.h>

#include "../rig.h"

/* A script is prepared, then its operations run one after the other: each one atomic. */
struct script {
	const char *name;
	unsigned steps;
	void (*prepare)(struct shmfs *s);
	void (*step)(struct shmfs *s, unsigned i);
};

extern const struct script scripts[]; /* the last has no name */

#endif
