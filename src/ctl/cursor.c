/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl cursor: the names under which the store keeps how far each consumer has come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_NAME, 0, "name", NULL, "NAME is encoded, as `shmfsctl name` does"},
	{OPT_JSON, 0, "json", NULL, "list, show: one JSON object a line"},
	{0},
};

struct job {
	const struct ctl_args *args;
	struct shmfs *s;
	struct ctl_key name;
	struct ctl_place place;
};

static int answer(const struct job *job, int rc)
{
	switch (rc) {
	case 0:
		return CTL_YES;
	case -ENOENT:
		return ctl_no_such_cursor(job->args, job->s, job->name.data, job->name.size);
	case -EEXIST:
		return ctl_key_answer(job->args, "the cursor is there", job->name.data,
				      job->name.size);
	case -E2BIG:
		return ctl_trouble(job->args->operand[0],
				   "too many cursors: their names together pass 256 KiB");
	default:
		return ctl_failed(job->args, rc);
	}
}

static int list(struct job *job)
{
	struct json j = {.file = stdout};

	return ctl_cursors_print(job->args, job->s, ctl_given(job->args, OPT_JSON) ? &j : NULL, "",
				 true);
}

static int show(struct job *job)
{
	struct json j = {.file = stdout};
	bool as_json = ctl_given(job->args, OPT_JSON);
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	uint64_t position;
	int rc = shmfs_cursor_get(job->s, job->name.data, job->name.size, &position);

	if (!rc)
		rc = shmfs_log_lag(job->s, position, &lag);
	if (rc)
		return answer(job, rc);
	ctl_cursor_print(as_json ? &j : NULL, job->name.data, job->name.size, position, &lag);
	if (as_json)
		putchar('\n');
	return CTL_YES;
}

/* The position of the place, seen from `from`. */
static int resolve(struct job *job, uint64_t from, uint64_t *position)
{
	struct shmfs_reader *r;
	int status = ctl_place_open(job->args, job->s, &job->place, from, false, &r);

	if (status)
		return status;
	*position = shmfs_reader_position(r);
	shmfs_reader_close(r);
	return CTL_YES;
}

static int create(struct job *job)
{
	uint64_t position;
	int status = resolve(job, CTL_FROM_EITHER_END, &position);

	return status ? status
		      : answer(job, shmfs_cursor_create(job->s, job->name.data, job->name.size,
							position));
}

static int set(struct job *job)
{
	uint64_t stands, position;
	int status, rc;

	do {
		rc = shmfs_cursor_get(job->s, job->name.data, job->name.size, &stands);
		if (rc)
			return answer(job, rc);
		status = resolve(job, stands, &position);
		if (status)
			return status;
		if (job->place.kind != CTL_STEP)
			return answer(job, shmfs_cursor_set(job->s, job->name.data, job->name.size,
							    position));
		/* Steps are from where it stands: of two who step at once both count. */
		rc = shmfs_cursor_cas(job->s, job->name.data, job->name.size, &stands, position);
	} while (rc == -EAGAIN);
	return answer(job, rc);
}

static int rm(struct job *job)
{
	return answer(job, shmfs_cursor_del(job->s, job->name.data, job->name.size));
}

struct command {
	const char *name;
	int (*run)(struct job *job);
	int min_operands; /* behind it */
	int max_operands;
	int flags;
};

static const struct command commands[] = {
	{"list", list, 0, 0, SHMFS_RDONLY},   {"show", show, 1, 1, SHMFS_RDONLY},
	{"create", create, 1, 2, SHMFS_RDWR}, {"set", set, 2, 2, SHMFS_RDWR},
	{"rm", rm, 1, 1, SHMFS_RDWR},
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int read_name(struct job *job)
{
	if (ctl_key_read(job->args, job->args->operand[2], &job->name))
		return CTL_TROUBLE;
	if (job->name.size && job->name.size <= 255 && !job->name.long_name)
		return 0;
	ctl_key_free(&job->name);
	return ctl_trouble("cursor", "the name of a cursor has 1 to 255 bytes");
}

static int no_such_command(const char *typed)
{
	struct ctl_suggest near;
	size_t i;

	ctl_suggest_start(&near, typed, strlen(typed));
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		ctl_suggest_try(&near, commands[i].name, strlen(commands[i].name));
	if (near.found)
		return ctl_trouble("cursor", "no such command; did you mean %s?", near.word);
	return ctl_trouble("cursor", "say list, show, create, set or rm behind STORE");
}

static int run(const struct ctl_args *given)
{
	struct ctl_args with = *given;
	const struct ctl_args *args = &with;
	const struct command *command = find_command(args->operand[1]);
	struct job job = {.args = args};
	int operands, status;

	/* `cursor show NAME` has as many words as `cursor STORE list`. */
	if (!command && (command = find_command(args->operand[0])) && !ctl_args_default_store(&with))
		return ctl_trouble("cursor", "the STORE comes before %s", command->name);
	operands = args->operands - 2;
	if (!command)
		return no_such_command(args->operand[1]);
	if (operands < command->min_operands || operands > command->max_operands)
		return ctl_trouble("cursor", "too %s operands; see `shmfsctl help cursor`",
				   operands < command->min_operands ? "few" : "many");
	if (ctl_place_read(args, operands > 1 ? args->operand[3] : "begin", &job.place))
		return CTL_TROUBLE;
	if (operands && read_name(&job))
		return CTL_TROUBLE;
	status = ctl_open(args, command->flags, &job.s);
	if (!status)
		status = ctl_close(args, job.s, command->run(&job));
	ctl_key_free(&job.name);
	return status;
}

const struct ctl_verb ctl_verb_cursor = {
	.name = "cursor",
	.operands = "STORE list|show|create|set|rm [NAME [PLACE]]",
	.summary = "show and move cursors, the places consumers of the log have come to",
	.details =
		"list and show print POSITION FRAMES BYTES LOST NAME: where the cursor stands,\n"
		"the frames and their bytes from there to the end, and the bytes of the log that\n"
		"were trimmed in front of it.  NAME is quoted for the shell where needed.\n"
		"create makes one at PLACE, without it at the oldest frame; set moves it.  PLACE\n"
		"is a position, begin, end, cursor:NAME, or +K or -K: K frames from where the\n"
		"cursor stands; for create, behind the first K or before the last K frames.\n"
		"Exit status 1: there is no such cursor, or one already, or no frame at PLACE.\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 4,
	.run = run,
};
