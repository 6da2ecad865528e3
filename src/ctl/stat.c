/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl stat: counters and figures, by the names of struct shmfs_stat.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_JSON, 0, "json", NULL, "one JSON object"},
	{0},
};

struct figure {
	const char *name;
	size_t offset;
	bool is_double;
};

#define U64(member)                                                                                \
	{                                                                                          \
#member, offsetof(struct shmfs_stat, member), false                                \
	}
#define DOUBLE(member)                                                                             \
	{                                                                                          \
#member, offsetof(struct shmfs_stat, member), true                                 \
	}

static const struct figure figures[] = {
	U64(format_version),
	U64(file_bytes),
	U64(file_allocated),
	U64(max_bytes),
	U64(free_bytes),
	U64(live_bytes),
	U64(keys),
	U64(index_buckets),
	U64(index_buckets_max),
	DOUBLE(load_factor),
	DOUBLE(load_factor_max),
	U64(epoch),
	U64(epoch_durable),
	U64(puts),
	U64(gets_retried),
	U64(cleaned_bytes),
	U64(log_head),
	U64(log_end),
	U64(log_frames),
	U64(log_bytes),
	U64(log_limit),
	U64(writers),
	U64(readers_present),
	U64(watchers),
	U64(pins),
	U64(sync_age_ms),
	U64(io_error),
	U64(is_volatile),
	DOUBLE(garbage),
	U64(window_bytes),
};

static int print(const struct ctl_args *args, struct shmfs *s, const struct shmfs_stat *st)
{
	bool as_json = ctl_given(args, OPT_JSON);
	struct json j = {.file = stdout};
	char text[CTL_NUMBER_SIZE];
	uint64_t whole;
	double number;
	int status;
	size_t i;

	if (as_json)
		json_open(&j, '{');
	for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		const struct figure *f = &figures[i];
		const char *from = (const char *)st + f->offset;

		memcpy(&whole, from, sizeof(whole));
		memcpy(&number, from, sizeof(number));
		if (as_json) {
			json_name(&j, f->name);
			if (f->is_double)
				json_number(&j, number);
			else
				json_u64(&j, whole);
		} else if (f->is_double) {
			ctl_format_number(text, number);
			printf("%s %s\n", f->name, text);
		} else {
			printf("%s %" PRIu64 "\n", f->name, whole);
		}
	}
	if (as_json) {
		json_name(&j, "cursors");
		json_open(&j, '[');
	}
	status = ctl_cursors_print(args, s, as_json ? &j : NULL, "cursor ", false);
	if (as_json) {
		json_close(&j, ']');
		json_close(&j, '}');
		putchar('\n');
	}
	return status;
}

static int run(const struct ctl_args *args)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs *s;
	int rc;

	if (ctl_open(args, SHMFS_RDONLY, &s))
		return CTL_TROUBLE;
	rc = shmfs_stat(s, &st);
	return ctl_close(args, s, rc ? ctl_failed(args, rc) : print(args, s, &st));
}

const struct ctl_verb ctl_verb_stat = {
	.name = "stat",
	.operands = "STORE",
	.summary = "show counters and figures of the store",
	.details = "Prints a name and a value per line, as the file `stat` of a mount does.\n"
		   "For each cursor a line follows: cursor POSITION FRAMES BYTES LOST NAME, see\n"
		   "`shmfsctl help cursor`.  Counting those frames takes time.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
