/* SPDX-License-Identifier: MIT */
/*
 * A file that appears under its name when it is complete, and not at all if it never is.
 *
 * Until then it is a sibling, NAME.tmp-XXXXXX, that only its owner may read.  A kill leaves
 * the sibling behind, never half a file under the name.
 */
#define _GNU_SOURCE /* renameat2, asprintf */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

int ctl_newfile_open(struct ctl_newfile *n, const char *path)
{
	*n = (struct ctl_newfile){.fd = -1, .path = realpath(path, NULL)};
	/* A symbolic link stays one: what it points to is replaced. */
	if (!n->path)
		n->path = strdup(path);
	if (!n->path || asprintf(&n->temp, "%s.tmp-XXXXXX", n->path) < 0) {
		n->temp = NULL;
		ctl_newfile_abort(n);
		return ctl_trouble(NULL, "out of memory");
	}
	n->fd = mkostemp(n->temp, O_CLOEXEC);
	if (n->fd < 0) {
		int error = errno;

		free(n->temp);
		n->temp = NULL;
		ctl_newfile_abort(n);
		return ctl_trouble(path, "cannot make a file beside it: %s", strerror(error));
	}
	return 0;
}

void ctl_newfile_abort(struct ctl_newfile *n)
{
	if (n->temp)
		unlink(n->temp);
	if (n->fd >= 0)
		close(n->fd);
	free(n->temp);
	free(n->path);
	*n = (struct ctl_newfile){.fd = -1};
}

/* Unless the name is taken. */
static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Not every file system can; a hard link cannot replace either. */
	return link(from, to) ? -1 : unlink(from);
}

/* Make the new name survive a power cut.  What cannot be synced needs no sync. */
static void sync_directory(char *path)
{
	int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

int ctl_newfile_commit(struct ctl_newfile *n, mode_t mode, bool replace)
{
	mode_t mask = umask(0);
	int status = 0;

	umask(mask);
	if (fchmod(n->fd, mode & ~mask) || fsync(n->fd) ||
	    (replace ? rename(n->temp, n->path) : rename_new(n->temp, n->path)))
		status = ctl_trouble(n->path, "cannot be made: %s", strerror(errno));
	if (!status) {
		free(n->temp);
		n->temp = NULL;
		sync_directory(n->path);
	}
	ctl_newfile_abort(n);
	return status;
}

static bool same_file(const char *a, const struct stat *b)
{
	struct stat st;

	return !stat(a, &st) && st.st_dev == b->st_dev && st.st_ino == b->st_ino;
}

int ctl_newfile_write(const struct ctl_args *args, const char *path, mode_t mode,
                      int (*write_it)(void *arg, int fd), void *arg)
{
	struct ctl_newfile file;
	struct stat st;
	int status, fd;

	if (!strcmp(path, "-"))
		return write_it(arg, STDOUT_FILENO);
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return ctl_trouble(path, "cannot be opened: %s", strerror(errno));
		status = write_it(arg, fd);
		if (close(fd) && !status)
			status = ctl_trouble(path, "cannot be written: %s", strerror(errno));
		return status;
	}
	if (!stat(path, &st) && same_file(args->operand[0], &st))
		return ctl_trouble(path, "is the store itself");
	if (ctl_newfile_open(&file, path))
		return CTL_TROUBLE;
	status = write_it(arg, file.fd);
	if (!status)
		/* Who may not read the store may not read what is made of it. */
		status = ctl_newfile_commit(&file, mode & 0666, true);
	else
		ctl_newfile_abort(&file);
	return status;
}
