/* SPDX-License-Identifier: MIT */
/*
 * import --format=files: every file of a directory is a key.
 *
 * Invariant	no symbolic link is followed, so nothing outside of the directory is read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"

#define PART_SIZE ((size_t)1 << 20)

struct tree {
	struct import *im;
	bool recursive, decode;
	char key[SHMFS_KEY_MAX + 1]; /* the path below the directory, and its NUL */
	char *part;		     /* of a file's bytes */
};

static int bad(const struct tree *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad(const struct tree *t, const char *format, ...)
{
	size_t size = strlen(t->im->name) + strlen(t->key) + 2;
	char *path = malloc(size), text[200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (path)
		snprintf(path, size, "%s/%s", t->im->name, t->key);
	ctl_trouble(path ? path : t->key, "%s", text);
	free(path);
	return CTL_TROUBLE;
}

static int failed(const struct tree *t, int rc)
{
	char *quoted = ctl_quote(t->key, strlen(t->key));

	ctl_trouble(t->im->args->operand[0], "%s; at the file %s of %s", shmfs_strerror(rc),
		    quoted ? quoted : "", t->im->name);
	free(quoted);
	return CTL_TROUBLE;
}

/* ---- one file -------------------------------------------------------------------------- */

/* As much as there is, up to a part.  -1: errno tells. */
static ssize_t read_part(int fd, char *part)
{
	size_t used = 0;
	ssize_t n = 1;

	while (n && used < PART_SIZE) {
		n = read(fd, part + used, PART_SIZE - used);
		if (n < 0 && (errno != EINTR || ctl_stopped()))
			return -1;
		used += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)used;
}

/* A file that may not fit in memory; its first part is read. */
static int put_parts(struct tree *t, int fd, const void *key, size_t key_size)
{
	struct shmfs_put *put = NULL;
	uint64_t done = 0;
	ssize_t n = (ssize_t)PART_SIZE;
	int rc = shmfs_put_begin(t->im->s, &put, 0);

	while (!rc && n > 0 && !ctl_stopped()) {
		rc = shmfs_put_write(put, done, t->part, (size_t)n);
		done += (uint64_t)n;
		if (!rc)
			n = read_part(fd, t->part);
	}
	if (!rc && !n && !ctl_stopped()) {
		rc = shmfs_put_commit(put, key, key_size,
				      SHMFS_BYTES | (t->im->merge ? 0 : SHMFS_IF_ABSENT), NULL);
		if (!ctl_stream_ours(rc))
			put = NULL;
		t->im->count++;
	}
	shmfs_put_abort(put);
	if (ctl_stopped())
		return CTL_TROUBLE; /* the verb says it */
	if (n < 0)
		return bad(t, "cannot be read: %s", strerror(errno));
	return rc ? failed(t, rc) : CTL_YES;
}

static int put_file(struct tree *t, int fd, const void *key, size_t key_size)
{
	ssize_t n = read_part(fd, t->part);
	int rc;

	if (n < 0)
		return ctl_stopped() ? CTL_TROUBLE : bad(t, "cannot be read: %s", strerror(errno));
	if ((size_t)n == PART_SIZE)
		return put_parts(t, fd, key, key_size);
	rc = import_key(t->im, key, key_size, t->part, (size_t)n, SHMFS_BYTES);
	return rc ? failed(t, rc) : CTL_YES;
}

static bool same(const struct stat *a, const char *path)
{
	struct stat b;

	return !stat(path, &b) && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

static int one_file(struct tree *t, int dir, const char *name, const struct stat *st)
{
	const void *key = t->key;
	size_t key_size = strlen(t->key);
	char decoded[SHMFS_NAME_SIZE];
	int fd, status;

	if (same(st, t->im->path))
		return bad(t, "is the store itself");
	if (t->decode && shmfs_name_decode(name, strlen(name), decoded, &key_size))
		return bad(t, "is not the name of a key, or has a hash in it");
	if (t->decode)
		key = decoded;
	if (!t->im->s) {
		t->im->count++;
		return faccessat(dir, name, R_OK, AT_EACCESS)
			       ? bad(t, "cannot be read: %s", strerror(errno))
			       : CTL_YES;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return bad(t, "cannot be read: %s", strerror(errno));
	status = put_file(t, fd, key, key_size);
	close(fd);
	return status;
}

/* ---- directories ------------------------------------------------------------------------- */

static int directory(struct tree *t, int fd);

static int one(struct tree *t, int dir, const char *name)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return bad(t, "cannot be looked at: %s", strerror(errno));
	if (S_ISREG(st.st_mode))
		return one_file(t, dir, name, &st);
	if (!S_ISDIR(st.st_mode))
		return bad(t, "is neither a file nor a directory");
	if (!t->recursive)
		return bad(t, "is a directory; --recursive takes what is in it too");
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? bad(t, "cannot be read: %s", strerror(errno)) : directory(t, fd);
}

/* Add a name to the path.  False: it has more bytes than a key. */
static bool add_name(struct tree *t, size_t base, const char *name)
{
	size_t size = strlen(name), slash = base > 0;

	if (base + slash + size > SHMFS_KEY_MAX)
		return false;
	if (slash)
		t->key[base] = '/';
	memcpy(t->key + base + slash, name, size + 1);
	return true;
}

/* Closes fd. */
static int directory(struct tree *t, int fd)
{
	size_t base = strlen(t->key);
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	int status = CTL_YES;

	if (!dir) {
		close(fd);
		return bad(t, "cannot be read: %s", strerror(errno));
	}
	while (!status && (errno = 0, e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!add_name(t, base, e->d_name))
			status = bad(t, "holds a path that is longer than a key may be");
		else
			status = one(t, dirfd(dir), e->d_name);
		if (!status && ctl_progress(&t->im->progress, t->im->count, 0))
			status = CTL_TROUBLE;
		t->key[base] = '\0';
	}
	if (!status && errno)
		status = bad(t, "cannot be read: %s", strerror(errno));
	closedir(dir);
	return status;
}

int import_files(struct import *im)
{
	struct tree *t = malloc(sizeof(*t));
	int fd = openat(im->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;

	if (t && fd >= 0) {
		*t = (struct tree){
			.im = im,
			.recursive = ctl_given(im->args, OPT_RECURSIVE),
			.decode = ctl_given(im->args, OPT_NAME),
			.part = malloc(PART_SIZE),
		};
		status = t->part ? directory(t, fd) : ctl_trouble(NULL, "out of memory");
		free(t->part);
	} else {
		status = ctl_trouble(im->name, "cannot be read: %s", strerror(errno));
	}
	free(t);
	return status;
}
