/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl add: count.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_JSON, 0, "json", NULL, "the sum and its version as a JSON object"},
	{0},
};

static int add(const struct ctl_args *args, struct shmfs *s, struct ctl_key *key, double delta)
{
	struct json j = {.file = stdout};
	char text[CTL_NUMBER_SIZE];
	uint64_t version;
	double value;
	int rc;

	rc = ctl_key_find_or_refuse(args, s, key);
	if (rc)
		return rc;
	rc = shmfs_add(s, key->data, key->size, delta, &value, &version);
	if (rc == -EINVAL)
		return ctl_trouble(args->operand[0], "the value is not of type number; "
		                                     "`shmfsctl put --type=number` makes one");
	if (rc == -ERANGE)
		return ctl_trouble(args->operand[0], "the sum is not finite, or whole and beyond "
		                                     "2^53; the value was not changed");
	if (rc)
		return ctl_failed(args, rc);
	if (ctl_given(args, OPT_JSON)) {
		json_open(&j, '{');
		json_name(&j, "value");
		json_number(&j, value);
		json_name(&j, "version");
		json_u64(&j, version);
		json_end(&j);
		return CTL_YES;
	}
	ctl_format_number(text, value);
	puts(text);
	return CTL_YES;
}

static int run(const struct ctl_args *args)
{
	const char *text = args->operand[2];
	struct ctl_key key;
	struct shmfs *s;
	double delta;
	int status;

	if (!ctl_parse_number(text, strlen(text), &delta)) {
		char *quoted = ctl_quote(text, strlen(text));

		ctl_trouble("add", "%s is not a number; write it as -12, 0.5 or 1e9", quoted);
		free(quoted);
		return CTL_TROUBLE;
	}
	if (ctl_key_read(args, args->operand[1], &key))
		return CTL_TROUBLE;
	status = ctl_open(args, SHMFS_RDWR | SHMFS_CREATE, &s);
	if (!status)
		status = ctl_close(args, s, add(args, s, &key, delta));
	ctl_key_free(&key);
	return status;
}

const struct ctl_verb ctl_verb_add = {
	.name = "add",
	.operands = "STORE KEY DELTA",
	.summary = "add to a number",
	.details =
		"Adds DELTA, which may be negative, to a value of type number in one step, and\n"
		"prints the sum.  A missing key counts as 0 and is made, as is a missing STORE.\n",
	.options = options,
	.min_operands = 3,
	.max_operands = 3,
	.run = run,
};
