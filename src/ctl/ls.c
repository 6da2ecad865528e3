/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl ls: the keys, as the store has them: in the order of their hashes, and without
 * holding them in memory, so that it works at any size.  sort(1) sorts.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_PREFIX, 0, "prefix", "PREFIX", "only keys that start with these bytes"},
	{OPT_LONG, 'l', "long", NULL, "type, size, version and time before each key"},
	{OPT_NAME, 0, "name", NULL, "print keys as their file names in a mount"},
	{OPT_NUL, '0', "null", NULL, "end each key with a NUL byte, for xargs -0"},
	{OPT_JSON, 0, "json", NULL, "one JSON object a line"},
	{OPT_FORMAT, 0, "format", "TEMPLATE",
	 "print this for each key, as find -printf does:\n"
	 "%k key, %q key quoted, %n its name in a mount,\n"
	 "%t type, %s size, %v version, %T time, %@ seconds\n"
	 "since 1970, %V value, %% a percent sign; escapes\n"
	 "are \\n \\t \\r \\\\ \\NNN (octal) and those of C"},
	{0},
};

static bool is_wanted(const struct ctl_args *args, const struct shmfs_entry *entry)
{
	const char *prefix = args->value[OPT_PREFIX];
	size_t size = prefix ? strlen(prefix) : 0;

	return !size || (entry->key_size >= size && !memcmp(entry->key, prefix, size));
}

static bool print(const struct ctl_args *args, const struct shmfs_entry *entry)
{
	const char *format = args->value[OPT_FORMAT];

	if (!format)
		return ctl_entry_print(args, entry->key, entry->key_size, &entry->view.info);
	ctl_entry_format(args, format, entry);
	return true;
}

static int ls(const struct ctl_args *args, struct shmfs *s)
{
	struct shmfs_entry entry;
	struct shmfs_iter *it;
	uint64_t refused = 0;
	int rc;

	rc = shmfs_iter_open(s, &it, 0);
	if (rc)
		return ctl_failed(args, rc);
	/* Nobody reads on after a write error: do not walk a terabyte for nothing. */
	while (!ferror(stdout) && !(rc = shmfs_iter_next(it, &entry)))
		if (is_wanted(args, &entry))
			refused += !print(args, &entry);
	shmfs_iter_close(it);
	if (rc && rc != -ENOENT)
		return ctl_failed(args, rc);
	if (refused)
		return ctl_trouble(args->operand[0],
		                   "keys left out because they hold a %s: %" PRIu64
		                   "; use --name or --json",
		                   ctl_given(args, OPT_NUL) ? "NUL byte" : "newline", refused);
	return CTL_YES;
}

/* A value must stay what it is while it is printed. */
static int ls_values(const struct ctl_args *args, struct shmfs *s)
{
	struct shmfs_pin *pin;
	int status, rc = shmfs_pin(s, &pin);

	if (rc)
		return ctl_failed(args, rc);
	status = ls(args, s);
	shmfs_unpin(pin);
	return status;
}

static bool has_values(const char *format)
{
	for (; *format; format++)
		if (*format == '%' && *++format == 'V')
			return true;
	return false;
}

static int run(const struct ctl_args *args)
{
	const char *format = args->value[OPT_FORMAT];
	struct shmfs *s;

	if (ctl_given(args, OPT_JSON) &&
	    (ctl_given(args, OPT_NUL) || ctl_given(args, OPT_LONG) || ctl_given(args, OPT_NAME)))
		return ctl_trouble("ls", "--json has everything: give no -l, -0 or --name with it");
	if (format && (ctl_given(args, OPT_JSON) || ctl_given(args, OPT_NUL) ||
	               ctl_given(args, OPT_LONG) || ctl_given(args, OPT_NAME)))
		return ctl_trouble("ls", "--format says it all: give no -l, -0, --name or --json with it");
	if (format && ctl_template_check(args, format, CTL_ENTRY_DIRECTIVES))
		return CTL_TROUBLE;
	if (ctl_open(args, SHMFS_RDONLY, &s))
		return CTL_TROUBLE;
	return ctl_close(args, s, format && has_values(format) ? ls_values(args, s) : ls(args, s));
}

const struct ctl_verb ctl_verb_ls = {
	.name = "ls",
	.operands = "STORE",
	.summary = "list keys",
	.details =
		"Prints each key on a line of its own, in no order.  On a terminal keys are\n"
		"quoted for the shell where needed.  Elsewhere they are printed as they are; a\n"
		"key that holds a newline (with -0: a NUL byte) is left out, with exit status 2.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
