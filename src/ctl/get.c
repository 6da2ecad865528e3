/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl get: a value to stdout, byte for byte.
 *
 * A small value is copied.  A larger one is written straight from the mapping, under a
 * pin so that it stays whole however slow the other end of the pipe is.  A pin holds
 * back all reuse of space in the store, so small values do without.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define COPY_MAX ((size_t)1 << 20)

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_JSON, 0, "json", NULL, "what ls --json tells, and the value"},
	{0},
};

static double number_of(const void *value)
{
	double number;
	uint64_t bits;

	memcpy(&bits, value, sizeof(bits));
	bits = le64toh(bits);
	memcpy(&number, &bits, sizeof(number));
	return number;
}

static int print_json(const struct ctl_key *key, const void *value, const struct shmfs_info *info)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	ctl_entry_json(&j, key->data, key->size, info);
	if (info->type == SHMFS_NUMBER && info->size == sizeof(double)) {
		json_name(&j, "value");
		json_number(&j, number_of(value));
	} else {
		json_bytes(&j, "value", value, info->size);
	}
	json_end(&j);
	return CTL_YES;
}

static int print(const void *value, uint64_t size)
{
	if (ctl_out_write(value, size))
		return CTL_YES;
	/* The kernel says EFAULT where the file has lost its end under the mapping. */
	return ctl_trouble(NULL, "cannot write the output: %s",
	                   errno == EFAULT ? "the store was truncated meanwhile" : strerror(errno));
}

static int print_number(const void *value)
{
	char text[CTL_NUMBER_SIZE + 1];

	ctl_format_number(text, number_of(value));
	strcat(text, "\n");
	return print(text, strlen(text));
}

static int get_pinned(const struct ctl_args *args, struct shmfs *s, const struct ctl_key *key)
{
	struct shmfs_view view;
	struct shmfs_pin *pin;
	int status, rc;

	rc = shmfs_pin(s, &pin);
	if (rc)
		return ctl_failed(args, rc);
	rc = shmfs_view(s, key->data, key->size, &view);
	if (rc == -ENOENT)
		status = ctl_no_such_key(args, s, key);
	else if (rc)
		status = ctl_failed(args, rc);
	else if (ctl_given(args, OPT_JSON))
		status = print_json(key, view.data, &view.info);
	else
		status = print(view.data, view.info.size);
	shmfs_unpin(pin);
	return status;
}

static int get(const struct ctl_args *args, struct shmfs *s, const struct ctl_key *key)
{
	struct shmfs_info info;
	size_t size = COPY_MAX;
	char *buffer = malloc(COPY_MAX);
	int status, rc;

	if (!buffer)
		return ctl_trouble(NULL, "out of memory");
	rc = shmfs_get(s, key->data, key->size, buffer, &size, &info);
	if (rc == -ENOENT)
		status = ctl_no_such_key(args, s, key);
	else if (rc == -EMSGSIZE || rc == -EAGAIN)
		status = get_pinned(args, s, key);
	else if (rc)
		status = ctl_failed(args, rc);
	else if (ctl_given(args, OPT_JSON))
		status = print_json(key, buffer, &info);
	else if (info.type == SHMFS_NUMBER && size == sizeof(double))
		status = print_number(buffer);
	else
		status = print(buffer, size);
	free(buffer);
	return status;
}

static int run(const struct ctl_args *args)
{
	struct ctl_key key;
	struct shmfs *s;
	int status;

	if (ctl_key_read(args, args->operand[1], &key))
		return CTL_TROUBLE;
	status = ctl_open(args, SHMFS_RDONLY, &s);
	if (!status) {
		status = ctl_key_find(args, s, &key);
		if (status == CTL_YES)
			status = get(args, s, &key);
		else if (status == CTL_NO)
			ctl_no(args->operand[0], "no such key: %s", key.long_name);
		status = ctl_close(args, s, status);
	}
	ctl_key_free(&key);
	return status;
}

const struct ctl_verb ctl_verb_get = {
	.name = "get",
	.operands = "STORE KEY",
	.summary = "print a value",
	.details = "Writes the value to stdout, exactly and with nothing added.  A value of type\n"
		   "number is written in decimal, with a newline.\n"
		   "Exit status 1: there is no such key.\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
