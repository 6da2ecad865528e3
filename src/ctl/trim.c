/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl trim: forget the oldest part of the log.
 */
#include <errno.h>

#include "ctl.h"

static int trim(const struct ctl_args *args, struct shmfs *s, const struct ctl_place *place)
{
	uint64_t position = place->position;
	struct shmfs_reader *r;
	int status, rc;

	/* A number need not be that of a frame: whole segments go. */
	if (place->kind != CTL_AT) {
		status = ctl_place_open(args, s, place, CTL_FROM_EITHER_END, false, &r);
		if (status)
			return status;
		position = shmfs_reader_position(r);
		shmfs_reader_close(r);
	}
	rc = shmfs_log_trim(s, position);
	if (rc == -ERANGE)
		return ctl_no(args->operand[0], "%s is beyond the end of the log", place->text);
	return rc ? ctl_failed(args, rc) : CTL_YES;
}

static int run(const struct ctl_args *args)
{
	struct ctl_place place;
	struct shmfs *s;

	if (ctl_place_read(args, args->operand[1], &place))
		return CTL_TROUBLE;
	if (ctl_open(args, SHMFS_RDWR, &s))
		return CTL_TROUBLE;
	return ctl_close(args, s, trim(args, s, &place));
}

const struct ctl_verb ctl_verb_trim = {
	.name = "trim",
	.operands = "STORE PLACE",
	.summary = "forget the oldest part of the log",
	.details =
		"Forgets whole segments of 16 MiB before PLACE, whatever cursors stand there; the\n"
		"frames at and behind PLACE stay.  PLACE is a position, end, cursor:NAME, +K:\n"
		"behind the first K frames, or -K: before the last K.\n"
		"Exit status 1: PLACE is not in the log, or there is no such cursor.\n",
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
