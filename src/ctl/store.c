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

int ctl_open_with(const struct ctl_args *args, int flags, struct shmfs_options *options,
                  struct shmfs **out)
{
	const char *path = args->operand[0];
	char message[512] = "";
	struct stat st;
	int rc;

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

int ctl_close(const struct ctl_args *args, struct shmfs *s, int status)
{
	int rc = shmfs_close(s);

	if (rc && status != CTL_TROUBLE)
		return ctl_failed(args, rc);
	return status;
}
