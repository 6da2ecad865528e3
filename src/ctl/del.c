/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl del: delete keys.
 */
#include <errno.h>
#include <limits.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_IF_VERSION, 0, "if-version", "N", "only if its version is N"},
	{0},
};

static int del(const struct ctl_args *args, struct shmfs *s, const char *operand, uint64_t version)
{
	uint32_t flags = ctl_given(args, OPT_IF_VERSION) ? SHMFS_IF_VERSION : 0;
	struct ctl_key key;
	char what[80];
	int status, rc;

	if (ctl_key_read(args, operand, &key))
		return CTL_TROUBLE;
	status = ctl_key_find(args, s, &key);
	if (status == CTL_NO)
		ctl_no(args->operand[0], "no such key: %s", key.long_name);
	if (status != CTL_YES)
		goto out;
	rc = shmfs_del(s, key.data, key.size, flags, &version);
	snprintf(what, sizeof(what), "the key has version %llu", (unsigned long long)version);
	if (rc == -ENOENT || (rc == -ESTALE && !version))
		status = ctl_no_such_key(args, s, &key);
	else if (rc == -ESTALE)
		status = ctl_key_answer(args, what, key.data, key.size);
	else if (rc)
		status = ctl_failed(args, rc);
out:
	ctl_key_free(&key);
	return status;
}

static int run(const struct ctl_args *args)
{
	uint64_t version;
	struct shmfs *s;
	int status = CTL_YES;
	int i;

	if (ctl_option_version(args, &version))
		return CTL_TROUBLE;
	if (ctl_given(args, OPT_IF_VERSION) && args->operands > 2)
		return ctl_trouble("del", "--if-version takes one KEY");
	if (ctl_open(args, SHMFS_RDWR, &s))
		return CTL_TROUBLE;
	/* One missing key does not save the others. */
	for (i = 1; i < args->operands && status != CTL_TROUBLE; i++) {
		int one = del(args, s, args->operand[i], version);

		status = one > status ? one : status;
	}
	return ctl_close(args, s, status);
}

const struct ctl_verb ctl_verb_del = {
	.name = "del",
	.operands = "STORE KEY...",
	.summary = "delete keys",
	.details = "Deletes each KEY; works on a full disk too.\n"
		   "Exit status 1: one of them was not there, or had another version; the others\n"
		   "were deleted.\n",
	.options = options,
	.min_operands = 2,
	.max_operands = INT_MAX,
	.run = run,
};
