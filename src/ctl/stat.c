/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl stat: counters and figures, by the names of struct shmfs_stat.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "figures.h"

static const struct ctl_option options[] = {
	{OPT_JSON, 0, "json", NULL, "one JSON object"},
	{OPT_PROMETHEUS, 0, "prometheus", NULL, "metrics in the text format of Prometheus"},
	{0},
};

#define FIGURE(member, ...)                                                                        \
	{                                                                                          \
#member, offsetof(struct shmfs_stat, member), __VA_ARGS__                          \
	}

/* Without a metric: what is always the same, or is of this process and not of the store. */
/* clang-format off */
static const struct figure figures[] = {
	FIGURE(format_version, false, "format_version", "Version of the file format.", 1),
	FIGURE(file_bytes, false, "file_bytes", "Length of the file.", 1),
	FIGURE(file_allocated, false, "file_allocated_bytes",
	       "Bytes of the disk that the file takes.", 1),
	FIGURE(max_bytes, false, "max_bytes", "How long the file may become.", 1),
	FIGURE(free_bytes, false, "free_bytes",
	       "Bytes inside the file that can be used again, an estimate.", 1),
	FIGURE(live_bytes, false, "live_bytes",
	       "Bytes of records and index pages in use, an upper bound.", 1),
	FIGURE(keys, false, "keys", "Keys in the store.", 1),
	FIGURE(index_buckets, false, "index_buckets", "Buckets of the index.", 1),
	FIGURE(index_buckets_max, false, NULL, NULL, 1),
	FIGURE(load_factor, true, "index_load_ratio", "Used slots of the index by all slots.", 1),
	FIGURE(load_factor_max, true, NULL, NULL, 1),
	FIGURE(epoch, false, "epoch", "Epoch of the live tree.", 1),
	FIGURE(epoch_durable, false, "epoch_durable", "Epoch of the last checkpoint on disk.", 1),
	FIGURE(puts, false, "puts_total", "Puts, deletes and renames.", 1),
	FIGURE(gets_retried, false, NULL, NULL, 1),
	FIGURE(cleaned_bytes, false, "cleaned_bytes_total",
	       "Bytes the cleaner has moved since the last recovery.", 1),
	FIGURE(log_head, false, "log_head", "Position of the oldest frame.", 1),
	FIGURE(log_end, false, "log_end", "Position behind the newest frame.", 1),
	FIGURE(log_frames, false, "log_frames", "Frames in the log.", 1),
	FIGURE(log_bytes, false, "log_bytes", "Bytes of payload in the log.", 1),
	FIGURE(log_limit, false, "log_limit_bytes", "How much of the log is kept; 0 is all.", 1),
	FIGURE(writers, false, "writers", "Handles that are open for writing.", 1),
	FIGURE(readers_present, false, "readers_present", "1 if a read-only handle is open.", 1),
	FIGURE(watchers, false, "watchers", "Who waits for changes.", 1),
	FIGURE(pins, false, "pins", "Moments pinned, which hold back all reuse of space.", 1),
	FIGURE(sync_age_ms, false, "sync_age_seconds", "Since the last checkpoint.", 0.001),
	FIGURE(io_error, false, "io_error", "1 after a failed flush.", 1),
	FIGURE(is_volatile, false, "volatile", "1 if there is no checkpoint while it is open.", 1),
	FIGURE(garbage, true, "garbage_limit_ratio",
	       "Share of dead space at which cleaning starts.", 1),
	FIGURE(window_bytes, false, NULL, NULL, 1),
	{0},
};
/* clang-format on */

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
	for (i = 0; figures[i].name; i++) {
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
		json_end(&j);
	}
	return status;
}

static int run(const struct ctl_args *args)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs *s;
	int status, rc;

	if (ctl_given(args, OPT_JSON) && ctl_given(args, OPT_PROMETHEUS))
		return ctl_trouble("stat", "--json and --prometheus exclude each other");
	if (ctl_open(args, SHMFS_RDONLY, &s))
		return CTL_TROUBLE;
	rc = shmfs_stat(s, &st);
	if (rc)
		status = ctl_failed(args, rc);
	else if (ctl_given(args, OPT_PROMETHEUS))
		status = prometheus_print(args, s, &st, figures);
	else
		status = print(args, s, &st);
	return ctl_close(args, s, status);
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
