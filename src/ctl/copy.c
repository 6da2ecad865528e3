/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl copy: a consistent copy of a store that others read and write meanwhile.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_JSON, 0, "json", NULL, "print what the copy takes, as a JSON object"},
	{0},
};

/* As du(1) counts. */
static int print_json(const char *path)
{
	struct json j = {.file = stdout};
	struct stat st;

	if (stat(path, &st))
		return ctl_trouble(path, "is gone again: %s", strerror(errno));
	json_open(&j, '{');
	json_name(&j, "bytes");
	json_u64(&j, (uint64_t)st.st_blocks * 512);
	json_end(&j);
	return CTL_YES;
}

static int copy(const struct ctl_args *args, struct shmfs *s)
{
	const char *to = args->operand[1];
	struct ctl_progress progress;
	int rc;

	ctl_progress_start(&progress, "copy");
	progress.bytes = true;
	rc = shmfs_copy(s, to, ctl_progress, &progress);
	ctl_progress_end(&progress);
	switch (rc) {
	case 0:
		ctl_moment_tell(args, s);
		return ctl_given(args, OPT_JSON) ? print_json(to) : CTL_YES;
	case -ECANCELED: /* run() tells */
		return CTL_TROUBLE;
	case -EAGAIN:
		return ctl_moment_failed(args, rc);
	case -EEXIST:
		return ctl_trouble(to, "is there already; a copy is a new file");
	case -ENOENT:
		return ctl_trouble(to, "the directory it would be in does not exist; make it first");
	case -EUCLEAN:
		return ctl_failed(args, rc);
	default:
		return ctl_trouble(to, "%s; the copy was removed", shmfs_strerror(rc));
	}
}

static int run(const struct ctl_args *args)
{
	struct shmfs *s;
	int status;

	ctl_signals_catch();
	status = ctl_moment_open(args, 0, &s);
	if (status)
		return status;
	status = ctl_close(args, s, copy(args, s));
	return ctl_stopped() && status ? ctl_interrupted(args->operand[1], "no copy was made") : status;
}

const struct ctl_verb ctl_verb_copy = {
	.name = "copy",
	.operands = "STORE DEST",
	.summary = "copy the store as it is at one moment",
	.details =
		"Makes DEST, which must not exist, a store with what STORE holds at one moment,\n"
		"versions, times, log positions and cursors too, while others read and write.\n"
		"Returns when it is on disk.  A copy that failed, or that a signal ended, is\n"
		"removed.\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
