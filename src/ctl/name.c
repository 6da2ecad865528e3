/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl name: keys to file names and back, as a mount has them.  Needs no store.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_NUL, '0', "null", NULL, "keys end with a NUL byte, and may be many"},
	{OPT_JSON, 0, "json", NULL, "both key and name, one JSON object a line"},
	{0},
};

static void print_json(const void *key, size_t size, const char *name, size_t name_size)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	json_bytes(&j, "key", key, size);
	json_name(&j, "name");
	json_text(&j, name, name_size);
	json_end(&j);
}

static int encode(const struct ctl_args *args, const void *key, size_t size)
{
	char name[SHMFS_NAME_SIZE];

	if (size > SHMFS_KEY_MAX)
		return ctl_trouble("name", "the key is too long; %u bytes are allowed",
		                   SHMFS_KEY_MAX);
	shmfs_name_encode(key, size, name);
	if (ctl_given(args, OPT_JSON))
		print_json(key, size, name, strlen(name));
	else
		puts(name);
	return CTL_YES;
}

static int decode(const struct ctl_args *args, const char *name, size_t name_size)
{
	char key[SHMFS_NAME_SIZE];
	size_t size;
	int rc = shmfs_name_decode(name, name_size, key, &size);

	if (rc) {
		char *quoted = ctl_quote(name, name_size < 300 ? name_size : 300);

		ctl_trouble("name", "%s %s", quoted,
		            rc == -ENAMETOOLONG
		                    ? "has a hash for a key; only a store can tell which"
		                    : "is not the name of a key");
		free(quoted);
		return CTL_TROUBLE;
	}
	if (ctl_given(args, OPT_JSON)) {
		print_json(key, size, name, name_size);
		return CTL_YES;
	}
	fwrite(key, 1, size, stdout);
	if (ctl_given(args, OPT_NUL))
		putchar('\0');
	return CTL_YES;
}

static int one(const struct ctl_args *args, bool encoding, const char *text, size_t size)
{
	return encoding ? encode(args, text, size) : decode(args, text, size);
}

/* Items of stdin: keys up to a NUL or all of it, names up to a newline. */
static int read_stdin(const struct ctl_args *args, bool encoding)
{
	bool many = ctl_given(args, OPT_NUL);
	int end = encoding ? '\0' : '\n';
	char *line = NULL;
	size_t room = 0;
	int status = CTL_YES;
	int count = 0;
	ssize_t n;

	if (encoding && !many) {
		/* One key, whatever it holds; one byte more than allowed tells it is too long. */
		char *key = malloc(SHMFS_KEY_MAX + 1);
		size_t size = key ? fread(key, 1, SHMFS_KEY_MAX + 1, stdin) : 0;

		status = !key || ferror(stdin) ? CTL_YES : encode(args, key, size);
		free(key);
		count = 1;
	} else {
		while (status == CTL_YES && (many || !count) &&
		       (n = getdelim(&line, &room, end, stdin)) >= 0) {
			if (n && line[n - 1] == end)
				n--;
			status = one(args, encoding, line, (size_t)n);
			count++;
		}
		free(line);
	}
	if (ferror(stdin))
		return ctl_trouble(NULL, "cannot read stdin: %s", strerror(errno));
	if (status == CTL_YES && !many && (!count || getc(stdin) != EOF))
		return ctl_trouble("name", "one %s is wanted on stdin; for any number use -0",
		                   encoding ? "key" : "name");
	return status;
}

static int run(const struct ctl_args *args)
{
	bool encoding = !strcmp(args->operand[0], "encode");
	int status = CTL_YES;
	int i;

	if (!encoding && strcmp(args->operand[0], "decode") != 0)
		return ctl_trouble("name", "say encode or decode");
	if (args->operands == 1)
		return read_stdin(args, encoding);
	if (!encoding && args->operands > 2 && !ctl_given(args, OPT_NUL) &&
	    !ctl_given(args, OPT_JSON))
		return ctl_trouble("name", "decode one NAME at a time, or use -0 or --json");
	for (i = 1; i < args->operands && status == CTL_YES; i++)
		status = one(args, encoding, args->operand[i], strlen(args->operand[i]));
	return status;
}

const struct ctl_verb ctl_verb_name = {
	.name = "name",
	.operands = "encode|decode [KEY|NAME...]",
	.summary = "turn keys into file names of a mount, and back",
	.details =
		"encode prints the file name of each KEY, one a line; decode writes the key of a\n"
		"NAME, exactly and with nothing added.  Without operands stdin is the key or the\n"
		"name; with -0 it is many: keys ended by NUL bytes, or lines of names.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = INT_MAX,
	.run = run,
};
