/* SPDX-License-Identifier: MIT */
/*
 * export --format=files: a file for each key, by the name it has in a mount.
 *
 * A new directory is filled under another name beside it, and gets its own when it is complete.
 * In one that is there each file is complete when it appears.
 *
 * Invariant	nothing is written outside of the directory: shmfs_name_encode() writes no /, no .
 *		and no .. of its own, and no symbolic link is followed.
 */
#define _GNU_SOURCE /* asprintf, syncfs */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"

#define UNFINISHED "%unfinished" /* no key has such a name */

struct out {
	struct export *ex;
	const char *path; /* as it was given */
	int dir;
	bool there;	 /* others may be in it */
	uint64_t hashed; /* names that do not tell the key */
};

static int failed(const struct out *o, const char *name, const char *what)
{
	return ctl_trouble(o->path, "%s cannot be %s: %s", name, what, strerror(errno));
}

/* errno tells. */
static bool write_all(int fd, const void *data, size_t size)
{
	const char *from = data;
	ssize_t n;

	while (size && !ctl_stopped()) {
		n = write(fd, from, size < (1 << 20) ? size : 1 << 20);
		if (n < 0 && errno != EINTR)
			return false;
		from += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return !size;
}

/* What `get` prints. */
static bool write_value(int fd, const struct shmfs_view *value)
{
	char text[CTL_NUMBER_SIZE + 1];
	double number;

	if (value->info.type != SHMFS_NUMBER || !export_number(value, &number))
		return write_all(fd, value->data, value->info.size);
	ctl_format_number(text, number);
	strcat(text, "\n");
	return write_all(fd, text, strlen(text));
}

static int write_file(struct out *o, const char *name, const struct shmfs_view *value)
{
	const char *first = o->there ? UNFINISHED : name;
	int fd, status = CTL_YES;
	bool good;

	if (o->there && unlinkat(o->dir, first, 0) && errno != ENOENT)
		return failed(o, first, "removed");
	fd = openat(o->dir, first, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    o->ex->options.mode & 0666);
	if (fd < 0)
		return failed(o, name, "made");
	good = write_value(fd, value);
	if (!good && !ctl_stopped())
		status = failed(o, name, "written");
	if (close(fd) && !status)
		status = failed(o, name, "written");
	if (good && !status && o->there && renameat(o->dir, first, o->dir, name))
		status = failed(o, name, "replaced");
	if ((!good || status) && o->there)
		unlinkat(o->dir, first, 0);
	return good ? status : CTL_TROUBLE;
}

static int take(void *arg, const struct shmfs_entry *e)
{
	struct out *o = arg;
	char name[SHMFS_NAME_SIZE];

	o->hashed += shmfs_name_encode(e->key, e->key_size, name) == 1;
	return write_file(o, name, &e->view);
}

/* ---- the directory ------------------------------------------------------------------------ */

/* Empty?  Closes fd. */
static bool is_empty(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e = NULL;

	if (!dir) {
		close(fd);
		return false;
	}
	while ((e = readdir(dir)) && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")))
		;
	closedir(dir);
	return !e;
}

static int fill_there(struct out *o)
{
	int status;

	o->there = true;
	o->dir = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->dir < 0)
		return ctl_trouble(o->path, "cannot be opened: %s", strerror(errno));
	if (!ctl_given(o->ex->args, OPT_MERGE) &&
	    !is_empty(openat(o->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
		status = ctl_trouble(o->path, "is not empty; export --merge adds to what is in it");
	else
		status = export_keys(o->ex, take, o);
	close(o->dir);
	return status;
}

static void remove_files(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(fd, e->d_name, 0);
	if (dir)
		closedir(dir);
	else
		close(fd);
}

/* Who may not list the keys of the store may not list the directory. */
static mode_t directory_mode(mode_t mode)
{
	mode_t mask = umask(0);

	umask(mask);
	return (0700 | (mode & 0066) | (mode & 0044) >> 2) & ~mask;
}

static int fill_new(struct out *o)
{
	size_t size = strlen(o->path);
	char *temp = NULL;
	int status;

	while (size > 1 && o->path[size - 1] == '/')
		size--;
	if (asprintf(&temp, "%.*s.tmp-XXXXXX", (int)size, o->path) < 0)
		return ctl_trouble(NULL, "out of memory");
	if (!mkdtemp(temp)) {
		status = ctl_trouble(o->path, "cannot make a directory beside it: %s",
				     strerror(errno));
		free(temp);
		return status;
	}
	o->dir = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = o->dir < 0 ? failed(o, temp, "opened") : export_keys(o->ex, take, o);
	if (!status && (fchmod(o->dir, directory_mode(o->ex->options.mode)) || syncfs(o->dir) ||
			rename(temp, o->path)))
		status = ctl_trouble(o->path, "cannot be made: %s", strerror(errno));
	if (!status) {
		close(o->dir);
	} else {
		if (o->dir >= 0)
			remove_files(o->dir);
		rmdir(temp);
	}
	free(temp);
	return status;
}

int export_files(struct export *ex, const char *path)
{
	struct out o = {.ex = ex, .path = path};
	struct stat st;
	int status = lstat(path, &st) ? fill_new(&o) : fill_there(&o);

	if (!status && o.hashed)
		ctl_no(path,
		       "keys too long for a name of their own: %" PRIu64
		       "; a hash stands for the end of each",
		       o.hashed);
	return status;
}
