/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the store a verb works on.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

/* Reading the store into itself would not end, printing into it would destroy it. */
static bool is_store(int fd, const struct stat *store)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_dev == store->st_dev &&
	       st.st_ino == store->st_ino;
}

int ctl_store_doubt(const struct ctl_args *args)
{
	if (!ctl_args_store_doubtful(args) || !access(args->operand[0], F_OK))
		return 0;
	return ctl_trouble(args->operand[0],
	                   "no such store, and SHMFS_STORE is set: write @ in front for that one, or "
	                   "`shmfsctl create` this one first");
}

int ctl_open_with(const struct ctl_args *args, int flags, struct shmfs_options *options,
                  struct shmfs **out)
{
	const char *path = args->operand[0];
	char message[512] = "";
	struct stat st;
	int rc;

	if (ctl_store_doubt(args))
		return CTL_TROUBLE;
	if (!stat(path, &st) && (is_store(STDIN_FILENO, &st) || is_store(STDOUT_FILENO, &st)))
		return ctl_trouble(path, "standard input or output is the store itself");
	options->struct_size = sizeof(*options);
	options->message = message;
	options->message_size = sizeof(message);
	rc = shmfs_open(out, path, flags, options);
	if (!rc)
		return 0;
	if (message[0])
		return ctl_trouble(path, "%s", message);
	if (rc == -ENOENT && (flags & SHMFS_CREATE))
		return ctl_trouble(path, "the directory it would be in does not exist; make it first");
	return ctl_failed(args, rc);
}

int ctl_open(const struct ctl_args *args, int flags, struct shmfs **out)
{
	struct shmfs_options options = {0};

	return ctl_open_with(args, flags, &options, out);
}

int ctl_moment_open(const struct ctl_args *args, int flags, struct shmfs **out)
{
	bool writable = !access(args->operand[0], W_OK);

	return ctl_open(args, flags | (writable ? SHMFS_RDWR : SHMFS_RDONLY), out);
}

int ctl_moment_failed(const struct ctl_args *args, int rc)
{
	if (rc == -EAGAIN)
		return ctl_trouble(args->operand[0],
		                   "it is open elsewhere and has no checkpoint; who may write it can "
		                   "do this");
	return ctl_failed(args, rc);
}

void ctl_moment_tell(const struct ctl_args *args, struct shmfs *s)
{
	struct shmfs_stat now = {.struct_size = sizeof(now)}, then = {.struct_size = sizeof(then)};
	struct shmfs *moment;

	if (!access(args->operand[0], W_OK) || shmfs_snapshot(s, &moment))
		return;
	if (!shmfs_stat(s, &now) && !shmfs_stat(moment, &then) &&
	    (now.puts != then.puts || now.log_end != then.log_end))
		ctl_no(args->operand[0], "as of its last sync; who may write it sees what is newer too");
	shmfs_close(moment);
}

int ctl_close(const struct ctl_args *args, struct shmfs *s, int status)
{
	int rc = shmfs_close(s);

	if (rc && status != CTL_TROUBLE)
		return ctl_failed(args, rc);
	return status;
}
