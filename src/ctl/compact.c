/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl compact: give the space of what is dead back to the file system.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_JSON, 0, "json", NULL, "one JSON object"},
	{0},
};

static void print(const struct ctl_args *args, uint64_t before, uint64_t after)
{
	struct json j = {.file = stdout};

	if (!ctl_given(args, OPT_JSON)) {
		printf("before %" PRIu64 "\nafter %" PRIu64 "\n", before, after);
		return;
	}
	json_open(&j, '{');
	json_name(&j, "before");
	json_u64(&j, before);
	json_name(&j, "after");
	json_u64(&j, after);
	json_end(&j);
}

/* As du(1) counts. */
static int space(const struct ctl_args *args, uint64_t *bytes)
{
	struct stat st;

	if (stat(args->operand[0], &st))
		return ctl_failed(args, -errno);
	*bytes = (uint64_t)st.st_blocks * 512;
	return 0;
}

static int compact(const struct ctl_args *args, struct shmfs *s)
{
	struct ctl_progress progress;
	int rc;

	ctl_progress_start(&progress, "compact");
	rc = shmfs_compact(s, ctl_progress, &progress);
	ctl_progress_end(&progress);
	if (rc == -EBUSY)
		return ctl_trouble(args->operand[0],
		                   "somebody reads it as of a moment (dump, copy, a long get) or holds a "
		                   "pin; try again when that is done");
	if (rc == -ECANCELED)
		return CTL_TROUBLE; /* run() tells */
	return rc ? ctl_failed(args, rc) : CTL_YES;
}

static int run(const struct ctl_args *args)
{
	uint64_t before, after;
	struct shmfs *s;
	int status;

	ctl_signals_catch();
	status = ctl_open(args, SHMFS_RDWR, &s);
	if (status)
		return status;
	status = space(args, &before);
	if (!status)
		status = compact(args, s);
	/* The close cuts the file, if it is the last. */
	status = ctl_close(args, s, status);
	if (!status)
		status = space(args, &after);
	if (!status)
		print(args, before, after);
	return ctl_stopped() && status
	               ? ctl_interrupted(args->operand[0], "what was won so far stays won")
	               : status;
}

const struct ctl_verb ctl_verb_compact = {
	.name = "compact",
	.operands = "STORE",
	.summary = "give unused space back to the file system",
	.details = "Moves what is alive together and gives the rest back, while others read and\n"
		   "write.  The file becomes shorter when nobody has it open for writing any more.\n"
		   "Prints how many bytes of the disk it took before and takes after.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
