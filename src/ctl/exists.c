/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl exists: is the key there, and what is known of it?
 */
#include <errno.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_LONG, 'l', "long", NULL, "print type, size, version, time and key"},
	{OPT_JSON, 0, "json", NULL, "print them as JSON"},
	{0},
};

static int exists(const struct ctl_args *args, struct shmfs *s, struct ctl_key *key)
{
	struct shmfs_info info;
	int status = ctl_key_find(args, s, key);
	int rc;

	if (status != CTL_YES)
		return status;
	rc = shmfs_exists(s, key->data, key->size, &info);
	if (rc == -ENOENT)
		return CTL_NO;
	if (rc)
		return ctl_failed(args, rc);
	if ((ctl_given(args, OPT_LONG) || ctl_given(args, OPT_JSON)) &&
	    !ctl_entry_print(args, key->data, key->size, &info))
		return ctl_trouble(args->operand[0], "the key holds a newline; use --json");
	return CTL_YES;
}

static int run(const struct ctl_args *args)
{
	struct ctl_key key;
	struct shmfs *s;
	int status;

	if (ctl_key_read(args, args->operand[1], &key))
		return CTL_TROUBLE;
	status = ctl_open(args, SHMFS_RDONLY, &s);
	if (!status)
		status = ctl_close(args, s, exists(args, s, &key));
	ctl_key_free(&key);
	return status;
}

const struct ctl_verb ctl_verb_exists = {
	.name = "exists",
	.operands = "STORE KEY",
	.summary = "tell whether a key is there",
	.details = "Says nothing unless asked to.  Exit status 0: it is there, 1: it is not.\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
