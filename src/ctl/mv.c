/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl mv: give a value another key.
 */
#include <errno.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_NO_REPLACE, 0, "no-replace", NULL, "only if there is no key TO"},
	{0},
};

static int move(const struct ctl_args *args, struct shmfs *s, struct ctl_key *from,
                struct ctl_key *to)
{
	uint32_t flags = ctl_given(args, OPT_NO_REPLACE) ? SHMFS_IF_ABSENT : 0;
	int status = ctl_key_find(args, s, from);
	int rc;

	if (status == CTL_NO)
		ctl_no(args->operand[0], "no such key: %s", from->long_name);
	if (!status)
		status = ctl_key_find_or_refuse(args, s, to);
	if (status)
		return status;
	rc = shmfs_rename(s, from->data, from->size, to->data, to->size, flags);
	if (rc == -ENOENT)
		return ctl_no_such_key(args, s, from);
	if (rc == -EEXIST)
		return ctl_key_answer(args, "the key is there", to->data, to->size);
	return rc ? ctl_failed(args, rc) : CTL_YES;
}

static int run(const struct ctl_args *args)
{
	struct ctl_key from, to;
	struct shmfs *s;
	int status;

	if (ctl_given(args, OPT_KEY_FILE) && !strcmp(args->operand[1], "-") &&
	    !strcmp(args->operand[2], "-"))
		return ctl_trouble("mv", "FROM and TO cannot both come from stdin");
	if (ctl_key_read(args, args->operand[1], &from))
		return CTL_TROUBLE;
	status = ctl_key_read(args, args->operand[2], &to);
	if (!status) {
		status = ctl_open(args, SHMFS_RDWR, &s);
		if (!status)
			status = ctl_close(args, s, move(args, s, &from, &to));
		ctl_key_free(&to);
	}
	ctl_key_free(&from);
	return status;
}

const struct ctl_verb ctl_verb_mv = {
	.name = "mv",
	.operands = "STORE FROM TO",
	.summary = "give a value another key",
	.details = "Renames the key FROM to TO in one step, replacing what is there.\n"
		   "Exit status 1: there is no key FROM, or with --no-replace there is a key TO.\n",
	.options = options,
	.min_operands = 3,
	.max_operands = 3,
	.run = run,
};
