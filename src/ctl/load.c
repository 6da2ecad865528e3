/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl load: a store out of its text, shmfs-dump(5).
 *
 * The store is made beside its name and gets it when the last line was read and was right,
 * so that there is a whole store or none.  Into a store that is there (--merge) nothing can
 * be done like that: a dump that can be read twice is, and the first time nothing is stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump.h"

static const struct ctl_option options[] = {
	{OPT_MERGE, 0, "merge", NULL, "add to a store that is there"},
	{OPT_EDITED, 0, "edited", NULL,
	 "do not compare counts and checksum: somebody changed\nthe dump on purpose"},
	{OPT_NEW_SEED, 0, "new-seed", NULL,
	 "do not take the dump's: for dumps of strangers,\nwho may have chosen keys that collide"},
	{OPT_JSON, 0, "json", NULL, "print counts of what was loaded, as a JSON object"},
	{0},
};

struct load {
	const struct ctl_args *args;
	const char *name; /* of the text */
	int fd;
	struct stat st;
	off_t start;
	struct dump_counts counts; /* loaded */
};

/* Read the text once. */
static int pass(const struct load *l, struct load_put *p)
{
	struct ctl_progress progress;
	struct load_in in;
	int status;

	if (load_in_start(&in, l->fd, l->name)) {
		p->args = l->args;
		p->in = &in;
		ctl_progress_start(&progress, p->dry ? "look through" : "load");
		progress.bytes = true;
		status = load_text(&in, p, ctl_given(l->args, OPT_EDITED), &progress,
		                   l->start < 0 ? 0 : (uint64_t)(l->st.st_size - l->start));
		ctl_progress_end(&progress);
		shmfs_put_abort(p->stream);
	} else {
		status = ctl_trouble(NULL, "out of memory");
	}
	load_in_free(&in);
	return status;
}

static int merge(struct load *l)
{
	struct load_put check = {.dry = true, .merge = true}, p = {.merge = true};
	int status;

	status = ctl_open(l->args, SHMFS_RDWR, &p.s);
	if (status)
		return status;
	if (l->start >= 0) {
		status = pass(l, &check);
		if (!status && lseek(l->fd, l->start, SEEK_SET) < 0)
			status = ctl_trouble(l->name, "cannot be read again: %s", strerror(errno));
	}
	if (!status)
		status = pass(l, &p);
	l->counts = p.counts;
	return ctl_close(l->args, p.s, status);
}

/* A log with a limit may have dropped what the text did not come with. */
static int all_kept(const struct load *l, const struct load_put *p)
{
	struct shmfs_log_bounds b = {.struct_size = sizeof(b)};
	int rc = shmfs_log_bounds(p->s, &b);

	if (rc)
		return ctl_failed(l->args, rc);
	if (b.frames == p->counts.frames)
		return CTL_YES;
	return ctl_trouble(l->args->operand[0],
	                   "%" PRIu64 " of %" PRIu64 " frames are more than log_limit keeps; "
	                   "the option is at the head of the dump",
	                   p->counts.frames - b.frames, p->counts.frames);
}

static int make(struct load *l)
{
	const char *path = l->args->operand[0];
	mode_t mode = S_ISREG(l->st.st_mode) ? l->st.st_mode & 0666 : 0666;
	struct load_put p = {.new_seed = ctl_given(l->args, OPT_NEW_SEED)};
	struct ctl_newfile file;
	struct stat st;
	bool there = !stat(path, &st);
	int status;

	if (ctl_store_doubt(l->args))
		return CTL_TROUBLE;
	if (there && (!S_ISREG(st.st_mode) || st.st_size))
		return ctl_trouble(path, "is there already; load --merge adds to a store");
	if (ctl_newfile_open(&file, path))
		return CTL_TROUBLE;
	p.path = file.temp;
	status = pass(l, &p);
	l->counts = p.counts;
	if (!status)
		status = all_kept(l, &p);
	if (p.s)
		status = ctl_close(l->args, p.s, status);
	if (!status)
		return ctl_newfile_commit(&file, mode, there);
	ctl_newfile_abort(&file);
	return status;
}

static int run(const struct ctl_args *args)
{
	const char *path = args->operands > 1 ? args->operand[1] : "-";
	bool is_stdin = !strcmp(path, "-"), merging = ctl_given(args, OPT_MERGE);
	struct load l = {.args = args, .name = is_stdin ? "standard input" : path};
	int status;

	if (merging && ctl_given(args, OPT_NEW_SEED))
		return ctl_trouble("load", "--merge and --new-seed exclude each other");
	l.fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (l.fd < 0 || fstat(l.fd, &l.st))
		return ctl_trouble(path, "cannot be read: %s", strerror(errno));
	l.start = S_ISREG(l.st.st_mode) ? lseek(l.fd, 0, SEEK_CUR) : -1;
	ctl_signals_catch();
	status = merging ? merge(&l) : make(&l);
	if (!is_stdin)
		close(l.fd);
	if (!status && ctl_given(args, OPT_JSON))
		dump_counts_json(&l.counts);
	if (ctl_stopped() && status)
		return ctl_interrupted(args->operand[0], merging ? "a part of the dump is in the store"
		                                                 : "no store was made");
	return status;
}

const struct ctl_verb ctl_verb_load = {
	.name = "load",
	.operands = "STORE [FILE]",
	.summary = "make a store of what dump wrote",
	.details =
		"Makes STORE, which must not exist or be an empty file, of a dump in FILE or on\n"
		"stdin (also -), with the options it had.  STORE appears when all of the dump was\n"
		"read and found right; a bad line is exit status 2, with its number.\n"
		"--merge adds to a store: keys of the dump replace those of the same name, frames\n"
		"are appended, cursors that are there stay where they are.  A FILE is looked\n"
		"through first; of a pipe the lines before a bad one are stored.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
