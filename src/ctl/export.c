/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl export: keys or frames for others, as they are at one moment.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "import.h"

static const struct ctl_option options[] = {
	{OPT_FORMAT, 0, "format", "json|shmio|files", "default json"},
	{OPT_MERGE, 0, "merge", NULL, "files: add to a directory that is not empty"},
	{OPT_SIZE, 0, "size", "SIZE",
	 "shmio: make the file this large, for its writer to\ngrow into"},
	{OPT_JSON, 0, "json", NULL, "print the count as a JSON object"},
	{0},
};

bool export_number(const struct shmfs_view *value, double *out)
{
	uint64_t bits;

	if (value->info.size != sizeof(bits))
		return false;
	memcpy(&bits, value->data, sizeof(bits));
	bits = le64toh(bits);
	memcpy(out, &bits, sizeof(bits));
	return true;
}

static bool is_sound(const struct shmfs_entry *e)
{
	double number;

	return e->view.info.type <= SHMFS_NUMBER &&
	       (e->view.info.type != SHMFS_NUMBER || export_number(&e->view, &number));
}

int export_keys(struct export *ex, int (*take)(void *arg, const struct shmfs_entry *e), void *arg)
{
	struct shmfs_entry e;
	struct shmfs_iter *it;
	int status = CTL_YES;
	int rc = shmfs_iter_open(ex->s, &it, 0);

	if (rc)
		return ctl_failed(ex->args, rc);
	while (!status && !(rc = shmfs_iter_next(it, &e))) {
		if (!is_sound(&e)) {
			rc = -EUCLEAN;
			break;
		}
		status = take(arg, &e);
		ex->count += !status;
		if (!status && ex->count % PORT_STEP == 0 &&
		    ctl_progress(&ex->progress, ex->count, ex->total))
			status = CTL_TROUBLE;
	}
	shmfs_iter_close(it);
	return !status && rc != -ENOENT ? ctl_failed(ex->args, rc) : status;
}

static int write_it(struct export *ex, enum port_format format, const char *path)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	int status, rc = shmfs_options_get(ex->s, &ex->options);

	if (!rc)
		rc = shmfs_stat(ex->s, &st);
	if (rc)
		return ctl_failed(ex->args, rc);
	ex->total = format == PORT_SHMIO ? st.log_frames : st.keys;
	ctl_progress_start(&ex->progress, "export");
	if (format == PORT_FILES)
		status = export_files(ex, path);
	else
		status = ctl_newfile_write(ex->args, path, ex->options.mode,
					   format == PORT_JSON ? export_json : export_shmio, ex);
	ctl_progress_end(&ex->progress);
	return status;
}

static int check_options(const struct ctl_args *args, enum port_format format)
{
	if (ctl_given(args, OPT_MERGE) && format != PORT_FILES)
		return ctl_trouble("export", "--merge is for --format=files");
	if (ctl_given(args, OPT_SIZE) && format != PORT_SHMIO)
		return ctl_trouble("export", "--size is for --format=shmio");
	if (format == PORT_FILES && args->operands < 2)
		return ctl_trouble("export", "--format=files needs a directory to write to");
	return 0;
}

static int run(const struct ctl_args *args)
{
	struct export ex = {.args = args, .options.struct_size = sizeof(ex.options)};
	const char *path = args->operands > 1 ? args->operand[1] : "-";
	enum port_format format;
	struct shmfs *s;
	int status, rc;

	if (port_format(args, &format) || check_options(args, format))
		return CTL_TROUBLE;
	ctl_signals_catch();
	/* What was damaged must not go out unseen. */
	status = ctl_moment_open(args, SHMFS_VERIFY, &s);
	if (status)
		return status;
	rc = shmfs_snapshot(s, &ex.s);
	status = rc ? ctl_moment_failed(args, rc) : write_it(&ex, format, path);
	if (!status)
		ctl_moment_tell(args, s);
	shmfs_close(ex.s);
	status = ctl_close(args, s, status);
	if (ctl_stopped() && status)
		return ctl_interrupted(args->operand[0], "the export is not complete");
	if (!status)
		port_report(args, strcmp(path, "-") ? stdout : stderr, format, ex.count);
	return status;
}

const struct ctl_verb ctl_verb_export = {
	.name = "export",
	.operands = "STORE [DEST]",
	.summary = "write keys or frames as JSON, a log of shmio, or files",
	.details =
		"Writes what `import` reads, as it is at one moment, to DEST or stdout (also -),\n"
		"and prints how many keys or frames that were, for stdout on stderr:\n"
		"json   keys, types and values: a JSON object a line; bytes that are not UTF-8,\n"
		"       and numbers JSON cannot write, are in key_base64 and value_base64\n"
		"shmio  the frames of the log; none may have more than 65531 bytes\n"
		"files  each value in a file of the directory DEST, by the name it has in a mount\n"
		"DEST appears, and a file replaces an older one, when it is complete.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
