/* SPDX-License-Identifier: MIT */
/*
 * log_file: the log as a file: the payload of its frames, nothing added.  One write(2) is
 * one frame.
 *
 * Owns: per open file a reader, which goes on where the last read ended.
 * Invariant: where `known`, `start` is all payload before the frame the reader stands at,
 * and the last read ended in that frame, at `next`.
 * Locks: the open file's.
 * Distrust: frames may be trimmed while they are copied: looked at again, then.
 */
#include "inode.h"
#include "log_size.h"
#include "options.h"

#include <fcntl.h>

struct open_log {
	pthread_mutex_t lock;
	struct shmfs_reader *reader; /* NULL: opened for appending alone */
	uint64_t base;
	bool known;
	uint64_t start, next;
};

static int log_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                    struct stat *st, double *keep)
{
	struct fs_log_size log;
	int rc = fs_log_measure(fs, &log);

	if (rc)
		return rc;
	fs_attr_fill(fs, inode, st);
	st->st_size = (off_t)log.size;
	st->st_blocks = (blkcnt_t)((log.size + 511) / 512);
	st->st_mtim = st->st_ctim = st->st_atim = log.changed;
	return 0;
}

static void log_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	struct open_log *l = (struct open_log *)(uintptr_t)fi->fh;

	/* Who answered the last request may not have let go yet. */
	pthread_mutex_lock(&l->lock);
	pthread_mutex_unlock(&l->lock);
	if (l->reader) {
		shmfs_reader_close(l->reader);
		fs_log_drop(fs);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static int log_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                    struct fuse_file_info *fi)
{
	bool reads = (fi->flags & O_ACCMODE) != O_WRONLY, writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct open_log *l;
	int rc = 0;

	if (fi->flags & O_TRUNC || (writes && !(fi->flags & O_APPEND)))
		return -EPERM;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	if (reads) {
		rc = shmfs_reader_open(fs->store, &l->reader, SHMFS_LOG_END);
		if (!rc) {
			rc = fs_log_hold(fs, &l->base);
			if (rc)
				shmfs_reader_close(l->reader);
		}
	}
	if (rc) {
		free(l);
		return rc;
	}
	pthread_mutex_init(&l->lock, NULL);
	fi->fh = (uintptr_t)l;
	fi->direct_io = 1;
#ifdef FS_HAVE_NOFLUSH
	fi->noflush = 1;
#endif
	if (fuse_reply_open(req, fi) == -ENOENT)
		log_release(fs, inode, fi);
	return 0;
}

/* Appending ignores the offset: where the end is is not known before the frame is there. */
static int log_write(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *buf,
                     size_t size, uint64_t offset, struct fuse_file_info *fi)
{
	int rc;

	if (fi->writepage || !(fi->flags & O_APPEND)) /* a mapping; or F_SETFL took it away */
		return -EPERM;
	/* The kernel splits what is longer, and this may be its first part. */
	if (size > FS_FRAME_MAX)
		return -EMSGSIZE;
	rc = shmfs_log_append(fs->store, buf, size, NULL);
	if (!rc && fi->flags & (O_SYNC | O_DSYNC))
		rc = fs_sync(fs);
	if (!rc)
		fuse_reply_write(req, size);
	return rc;
}

/* ---- reading, under the open file's lock ------------------------------------------------------ */

/* How many bytes of payload are before the frame at hand, which holds the byte `at`?  The
 * library finds the frame of a byte; so, the first byte that finds this one. */
static int find_start(struct open_log *l, uint64_t at, uint64_t size)
{
	uint64_t position = shmfs_reader_position(l->reader), low = at - (at < size ? at : size - 1);

	while (low < at) {
		uint64_t middle = low + (at - low) / 2;
		int rc = shmfs_reader_seek(l->reader, SHMFS_SEEK_BYTES, (int64_t)middle);

		if (rc && rc != -ESTALE)
			return rc;
		if (!rc && shmfs_reader_position(l->reader) == position)
			at = middle;
		else
			low = middle + 1;
	}
	l->start = at;
	return shmfs_reader_seek(l->reader, SHMFS_SEEK_BYTES, (int64_t)at);
}

/* Let the reader stand at the frame that holds this byte of all payload. */
static int locate(struct open_log *l, uint64_t at)
{
	uint64_t size;
	int rc;

	if (l->known && l->next == at)
		return 0;
	l->known = false;
	rc = shmfs_reader_seek(l->reader, SHMFS_SEEK_BYTES, (int64_t)at);
	if (rc)
		return rc == -ERANGE ? -ENODATA : rc;
	rc = fs_log_step(l->reader, &size);
	if (!rc) {
		rc = shmfs_reader_seek(l->reader, SHMFS_SEEK_FRAMES, -1);
		if (!rc)
			rc = find_start(l, at, size ? size : 1);
		if (rc == -ERANGE)
			rc = -ESTALE; /* trimmed since */
	} else if (rc == -ENODATA) {
		l->start = at; /* the end */
		rc = 0;
	}
	l->known = !rc;
	l->next = at;
	return rc;
}

/* Copy of one frame what there is room for.  -ENODATA: there is none.  -EAGAIN: overtaken. */
static int copy(struct open_log *l, char *buf, size_t room, size_t *copied)
{
	struct shmfs_frame_view view;
	uint64_t within, n;
	int rc = shmfs_reader_view(l->reader, &view);

	if (rc) {
		l->known = rc == -ENODATA;
		return rc;
	}
	within = l->next - l->start;
	n = view.size > within ? view.size - within : 0;
	n = n < room ? n : room;
	memcpy(buf, (const char *)view.data + within, n);
	l->known = false;
	if (shmfs_reader_view_valid(l->reader, &view))
		return -EAGAIN;
	l->next += n;
	*copied = n;
	if (within + n == view.size) {
		l->start += view.size;
		l->known = true;
	} else {
		/* If it cannot, the next read looks for the place by its offset. */
		l->known = !shmfs_reader_seek(l->reader, SHMFS_SEEK_FRAMES, -1);
	}
	return 0;
}

static int fill(struct open_log *l, uint64_t at, char *buf, size_t size, size_t *used)
{
	int rc = 0;

	*used = 0;
	while (!rc && *used < size) {
		size_t n = 0;

		rc = locate(l, at + *used);
		if (!rc)
			rc = copy(l, buf + *used, size - *used, &n);
		*used += n;
		if (rc == -EAGAIN)
			rc = 0;
	}
	return rc == -ENODATA || *used ? 0 : rc;
}

static int log_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                    uint64_t offset, struct fuse_file_info *fi)
{
	struct open_log *l = (struct open_log *)(uintptr_t)fi->fh;
	size_t used = 0;
	uint64_t at;
	char *buf;
	int rc;

	if (__builtin_add_overflow(l->base, offset, &at) || at > INT64_MAX - size)
		return -EINVAL;
	buf = malloc(size ? size : 1);
	if (!buf)
		return -ENOMEM;
	pthread_mutex_lock(&l->lock);
	rc = fill(l, at, buf, size, &used);
	pthread_mutex_unlock(&l->lock);
	if (!rc)
		fuse_reply_buf(req, buf, used);
	free(buf);
	return rc;
}

const struct fs_kind fs_log_kind = {
	.type = S_IFREG,
	.attr = log_attr,
	.open = log_open,
	.release = log_release,
	.read = log_read,
	.write = log_write,
};
