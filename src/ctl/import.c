/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl import: keys or frames that came from elsewhere.
 *
 * The store is made beside its name and gets it when the source was read and was right, so that
 * there is a whole store or none.  Into a store that is there (--merge) nothing can be done like
 * that: a source that can be read twice is, and the first time nothing is stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"

static const struct ctl_option options[] = {
	{OPT_FORMAT, 0, "format", "json|shmio|files", "default json"},
	{OPT_MERGE, 0, "merge", NULL, "add to a store that is there"},
	{OPT_RECURSIVE, 0, "recursive", NULL,
	 "files: those in subdirectories too; / joins the\nnames"},
	{OPT_NAME, 0, "name", NULL,
	 "files: their names are those of a mount's keys/, as\nexport writes them"},
	{OPT_JSON, 0, "json", NULL, "print the count as a JSON object"},
	{0},
};

static int (*const readers[])(struct import *) = {
	[PORT_JSON] = import_json,
	[PORT_SHMIO] = import_shmio,
	[PORT_FILES] = import_files,
};

int import_key(struct import *im, const void *key, size_t key_size, const void *value, size_t size,
	       uint32_t type)
{
	int rc = 0;

	if (im->s)
		rc = shmfs_put(im->s, key, key_size, value, size,
			       type | (im->merge ? 0 : SHMFS_IF_ABSENT), NULL);
	im->count += !rc;
	return rc;
}

/* Read the source once. */
static int pass(struct import *im, enum port_format format)
{
	int status;

	im->count = 0;
	ctl_progress_start(&im->progress, im->s ? "import" : "look through");
	im->progress.bytes = format != PORT_FILES;
	status = readers[format](im);
	ctl_progress_end(&im->progress);
	return status;
}

static int merge(struct import *im, enum port_format format)
{
	off_t start = lseek(im->fd, 0, SEEK_CUR);
	struct shmfs *s;
	int status;

	im->merge = true;
	im->path = im->args->operand[0];
	status = ctl_open(im->args, SHMFS_RDWR, &s);
	if (status)
		return status;
	if (im->size || format == PORT_FILES) {
		status = pass(im, format);
		if (!status && format != PORT_FILES && lseek(im->fd, start, SEEK_SET) < 0)
			status = ctl_trouble(im->name, "cannot be read again: %s", strerror(errno));
	}
	im->s = s;
	if (!status)
		status = pass(im, format);
	return ctl_close(im->args, s, status);
}

static int open_new(struct import *im)
{
	char message[512] = "";
	struct shmfs_options o = {
		.struct_size = sizeof(o),
		.message = message,
		.message_size = sizeof(message),
	};
	int rc = shmfs_open(&im->s, im->path, SHMFS_RDWR | SHMFS_CREATE, &o);

	if (rc && message[0])
		return ctl_trouble(im->args->operand[0], "%s", message);
	return rc ? ctl_failed(im->args, rc) : CTL_YES;
}

static int make(struct import *im, enum port_format format, mode_t mode)
{
	const char *path = im->args->operand[0];
	struct ctl_newfile file;
	struct stat st;
	bool there = !stat(path, &st);
	int status;

	if (ctl_store_doubt(im->args))
		return CTL_TROUBLE;
	if (there && (!S_ISREG(st.st_mode) || st.st_size))
		return ctl_trouble(path, "is there already; import --merge adds to a store");
	if (ctl_newfile_open(&file, path))
		return CTL_TROUBLE;
	im->path = file.temp;
	status = open_new(im);
	if (!status)
		status = ctl_close(im->args, im->s, pass(im, format));
	if (!status)
		return ctl_newfile_commit(&file, mode, there);
	ctl_newfile_abort(&file);
	return status;
}

/* Open the source and find out what it is. */
static int open_source(struct import *im, enum port_format format, const char *path, mode_t *mode)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;

	*mode = 0666;
	im->name = is_stdin ? "standard input" : path;
	im->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (im->fd < 0 || fstat(im->fd, &st))
		return ctl_trouble(im->name, "cannot be read: %s", strerror(errno));
	if (S_ISDIR(st.st_mode) != (format == PORT_FILES))
		return ctl_trouble(im->name,
				   format == PORT_FILES
					   ? "is not a directory"
					   : "is a directory; --format=files takes its files");
	if (S_ISREG(st.st_mode)) {
		im->size = (uint64_t)st.st_size;
		*mode = st.st_mode & 0666;
	}
	return CTL_YES;
}

static int check_options(const struct ctl_args *args, enum port_format format)
{
	bool recursive = ctl_given(args, OPT_RECURSIVE), name = ctl_given(args, OPT_NAME);

	if (format != PORT_FILES && (recursive || name))
		return ctl_trouble("import", "--recursive and --name are for --format=files");
	if (recursive && name)
		return ctl_trouble("import", "--recursive and --name exclude each other");
	return 0;
}

static int run(const struct ctl_args *args)
{
	struct import im = {.args = args, .fd = -1};
	const char *path = args->operands > 1 ? args->operand[1] : "-";
	bool merging = ctl_given(args, OPT_MERGE);
	enum port_format format;
	mode_t mode;
	int status;

	if (port_format(args, &format) || check_options(args, format))
		return CTL_TROUBLE;
	ctl_signals_catch();
	status = open_source(&im, format, path, &mode);
	if (!status)
		status = merging ? merge(&im, format) : make(&im, format, mode);
	if (im.fd > STDERR_FILENO)
		close(im.fd);
	if (ctl_stopped() && status)
		return ctl_interrupted(args->operand[0], merging ? "a part may be in the store"
								 : "no store was made");
	if (!status)
		port_report(args, stdout, format, im.count);
	return status;
}

const struct ctl_verb ctl_verb_import = {
	.name = "import",
	.operands = "STORE [SOURCE]",
	.summary = "make a store of JSON lines, a log of shmio, or files",
	.details =
		"Makes STORE, which must not exist or be an empty file, of what SOURCE or stdin\n"
		"(also -) holds, and prints how many keys or frames that were:\n"
		"json   lines {\"key\":K,\"type\":T,\"value\":V}; key_base64 and value_base64 are "
		"for\n"
		"       bytes that are not UTF-8; without a type text is a string\n"
		"shmio  frames of a log file of the Node library shmio\n"
		"files  every file in the directory SOURCE is a key of its name\n"
		"STORE appears when all was read and found right; the first bad line, frame or\n"
		"file is exit status 2, and is named.\n"
		"--merge adds to a store: keys replace those of the same name, frames are\n"
		"appended.  What is no pipe is looked through first.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
