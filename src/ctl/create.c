/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl create: a new, empty store with options.
 */
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_SIZE, 0, "size", "SIZE", "allocate this much of the disk now"},
	{OPT_KEYS, 0, "keys", "N", "make room in the index for N keys now"},
	{OPT_MAX_SIZE, 0, "max-size", "SIZE", "never let the file grow beyond this"},
	{OPT_GARBAGE, 0, "garbage", "SHARE",
         "clean once this share of the space is dead,\n0.1 to 0.9; default 0.4"},
	{OPT_LOG_LIMIT, 0, "log-limit", "SIZE", "keep this much of the log; default all"},
	{OPT_LOG_FULL, 0, "log-full", "trim|refuse",
         "what a full log does: drop its oldest part, or\nrefuse appends; default trim"},
	{OPT_ALWAYS_WAKE, 0, "always-wake", NULL, "appends always wake waiting read-only clients"},
	{OPT_NO_SYNC, 0, "no-sync", NULL, "never flush: survives kills, not a reboot"},
	{0},
};

static int read_options(const struct ctl_args *args, struct shmfs_options *o)
{
	const char *garbage = args->value[OPT_GARBAGE];
	const char *full = args->value[OPT_LOG_FULL];

	if (ctl_option_size(args, OPT_SIZE, &o->size) ||
	    ctl_option_size(args, OPT_KEYS, &o->keys) ||
	    ctl_option_size(args, OPT_MAX_SIZE, &o->max_size) ||
	    ctl_option_size(args, OPT_LOG_LIMIT, &o->log_limit))
		return CTL_TROUBLE;
	if (garbage && (!ctl_parse_number(garbage, strlen(garbage), &o->garbage) ||
	                !(o->garbage >= 0.1 && o->garbage <= 0.9)))
		return ctl_trouble("create", "--garbage is a share from 0.1 to 0.9");
	if (full && !strcmp(full, "refuse"))
		o->flags |= SHMFS_OPT_LOG_REFUSE;
	else if (full && strcmp(full, "trim") != 0)
		return ctl_trouble("create", "--log-full is trim or refuse");
	if (ctl_given(args, OPT_ALWAYS_WAKE))
		o->flags |= SHMFS_OPT_ALWAYS_WAKE;
	if (ctl_given(args, OPT_NO_SYNC))
		o->flags |= SHMFS_OPT_NO_SYNC;
	return 0;
}

static int run(const struct ctl_args *args)
{
	struct shmfs_options o = {0};
	struct shmfs *s;

	if (read_options(args, &o))
		return CTL_TROUBLE;
	if (ctl_open_with(args, SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, &o, &s))
		return CTL_TROUBLE;
	return ctl_close(args, s, CTL_YES);
}

const struct ctl_verb ctl_verb_create = {
	.name = "create",
	.operands = "STORE",
	.summary = "make a new store",
	.details = "Makes STORE, which must not exist or be an empty file.  The options stay with\n"
		   "the store.  `put`, `add` and `append` make a missing one too, with the\n"
		   "defaults.\n"
		   "SIZE is a number of bytes; K, M, G and T behind it stand for powers of 1024.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
