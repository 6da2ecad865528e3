/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl sync: make what is in the store survive a power cut.
 */
#include "ctl.h"

static int run(const struct ctl_args *args)
{
	struct shmfs *s;
	int rc;

	if (ctl_open(args, SHMFS_RDWR, &s))
		return CTL_TROUBLE;
	rc = shmfs_sync(s);
	return ctl_close(args, s, rc ? ctl_failed(args, rc) : CTL_YES);
}

const struct ctl_verb ctl_verb_sync = {
	.name = "sync",
	.operands = "STORE",
	.summary = "make everything stored so far survive a power cut",
	.details = "Returns when the disk has it.  On tmpfs, and for a store made with --no-sync,\n"
		   "there is nothing to do.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
