/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl check: audit a store, and repair it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_option options[] = {
	{OPT_LOCK, 0, "lock", NULL, "keep writers out and check the accounting too"},
	{OPT_REPAIR, 0, "repair", NULL, "put right what is wrong; nobody else may have it open"},
	{OPT_JSON, 0, "json", NULL, "one JSON object"},
	{0},
};

struct report {
	struct json json;
	bool as_json;
	struct ctl_progress progress;
};

static void found(void *arg, uint64_t offset, const char *text)
{
	struct report *r = arg;

	if (!r->as_json) {
		ctl_progress_hide(); /* both may be on the same terminal */
		printf("%" PRIu64 ": %s\n", offset, text);
		return;
	}
	json_open(&r->json, '{');
	json_name(&r->json, "offset");
	json_u64(&r->json, offset);
	json_name(&r->json, "text");
	json_text(&r->json, text, strlen(text));
	json_close(&r->json, '}');
}

static void print_total(struct report *r, const char *name, uint64_t number)
{
	if (r->as_json) {
		json_name(&r->json, name);
		json_u64(&r->json, number);
	} else {
		printf("%s %" PRIu64 "\n", name, number);
	}
}

/* The one number that everybody looks for. */
static void print_problems(struct report *r, uint64_t number)
{
	if (r->as_json || !ctl_colours(stdout))
		print_total(r, "problems", number);
	else
		printf("\033[%smproblems %" PRIu64 "\033[m\n", number ? "1;31" : "32", number);
}

static void print_totals(struct report *r, const struct shmfs_check_result *result)
{
	print_problems(r, result->problems);
	print_total(r, "keys", result->keys);
	print_total(r, "index_pages", result->index_pages);
	print_total(r, "segments", result->segments);
	print_total(r, "bytes", result->bytes);
}

static int check(const struct ctl_args *args, struct shmfs *s, struct report *r)
{
	struct shmfs_check_result result = {
		.struct_size = sizeof(result),
		.progress = ctl_progress,
		.progress_arg = &r->progress,
	};
	int rc;

	ctl_progress_start(&r->progress, "check");
	r->progress.bytes = true;
	rc = shmfs_check(s, &result, found, r);
	ctl_progress_end(&r->progress);
	if (r->as_json)
		json_close(&r->json, ']');
	if (rc == -ECANCELED)
		return CTL_TROUBLE; /* run() tells */
	if (rc)
		return ctl_failed(args, rc);
	print_totals(r, &result);
	return result.problems ? CTL_NO : CTL_YES;
}

static int repair(const struct ctl_args *args, struct report *r)
{
	struct shmfs_check_result result = {
		.struct_size = sizeof(result),
		.progress = ctl_progress,
		.progress_arg = &r->progress,
	};
	int rc;

	ctl_signals_catch();
	if (r->as_json) {
		json_open(&r->json, '{');
		json_name(&r->json, "found");
		json_open(&r->json, '[');
	}
	ctl_progress_start(&r->progress, "repair");
	r->progress.bytes = true;
	rc = shmfs_repair(args->operand[0], &result, found, r);
	ctl_progress_end(&r->progress);
	if (r->as_json)
		json_close(&r->json, ']');
	if (!rc || rc == -EUCLEAN) {
		print_totals(r, &result);
		print_total(r, "dropped", result.dropped);
		print_total(r, "salvaged", result.salvaged);
	}
	if (r->as_json) {
		json_end(&r->json);
	}
	if (rc == -ECANCELED)
		return ctl_interrupted(args->operand[0], "nothing is lost by that; begin again");
	if (rc == -EUCLEAN)
		return ctl_trouble(args->operand[0], "it is not good again; the last lines say why");
	if (rc == -EBUSY)
		return ctl_trouble(args->operand[0], "somebody has it open; end mounts and programs first");
	if (rc)
		return ctl_failed(args, rc);
	return result.problems ? CTL_NO : CTL_YES;
}

static int run(const struct ctl_args *args)
{
	struct report r = {.json.file = stdout, .as_json = ctl_given(args, OPT_JSON)};
	char message[512] = "";
	struct shmfs_options o = {
		.struct_size = sizeof(o),
		.message = message,
		.message_size = sizeof(message),
	};
	struct shmfs *s;
	int status;
	int rc;

	if (ctl_given(args, OPT_REPAIR))
		return repair(args, &r);
	ctl_signals_catch();
	rc = shmfs_open(&s, args->operand[0], ctl_given(args, OPT_LOCK) ? SHMFS_RDWR : SHMFS_RDONLY,
	                &o);
	if (rc && rc != -EUCLEAN) {
		if (message[0])
			return ctl_trouble(args->operand[0], "%s", message);
		return ctl_failed(args, rc);
	}
	if (r.as_json) {
		json_open(&r.json, '{');
		json_name(&r.json, "found");
		json_open(&r.json, '[');
	}
	if (rc) {
		/* Too damaged to open: that is what the check found. */
		found(&r, 0,
		      message[0] ? message
		                 : "the superblock or both checkpoints are damaged, "
		                   "or the file was truncated");
		if (r.as_json)
			json_close(&r.json, ']');
		print_problems(&r, 1);
		status = CTL_NO;
	} else {
		status = check(args, s, &r);
		status = ctl_close(args, s, status);
	}
	if (r.as_json) {
		json_end(&r.json);
	}
	return ctl_stopped() && status == CTL_TROUBLE
	               ? ctl_interrupted(args->operand[0], "the rest was not looked at")
	               : status;
}

const struct ctl_verb ctl_verb_check = {
	.name = "check",
	.operands = "STORE",
	.summary = "audit the store: every page, record and checksum",
	.details =
		"Prints a line \"OFFSET: TEXT\" for each problem, then totals.  Changes nothing,\n"
		"and works beside writers.  Exit status 0: no problem, 1: problems were found.\n"
		"--repair makes the store good again, by what is found: a key whose record is\n"
		"damaged is gone.  Totals are those afterwards, then dropped: references that led\n"
		"to no good record, and salvaged: keys found in the file without an index, among\n"
		"which may be deleted ones.  Exit status 0: nothing was wrong, 1: what was is put\n"
		"right, 2: it is not.  Copy a precious file first.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
