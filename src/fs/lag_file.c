/* SPDX-License-Identifier: MIT */
/*
 * lag_file: how far a cursor is behind the end of the log.
 *
 * Owns: the text, made at open(2): it takes a walk over the frames in between.
 */
#include "cursor.h"
#include "log_size.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT 96u

struct text {
	size_t size;
	char text[TEXT];
};

struct lag {
	uint64_t frames, bytes, lost;
};

static int measure(struct fs *fs, uint64_t position, struct lag *lag)
{
	struct shmfs_reader *r;
	uint64_t size, head;
	int rc = fs_log_head(fs, &head);

	if (rc)
		return rc;
	*lag = (struct lag){.lost = position < head ? head - position : 0};
	rc = fs_log_reader(fs, position < head ? head : position, &r);
	if (rc)
		return rc;
	while ((rc = fs_log_step(r, &size)) == 0) {
		lag->frames++;
		lag->bytes += size;
	}
	shmfs_reader_close(r);
	return rc == -ENODATA ? 0 : rc;
}

static int make_text(struct fs *fs, struct fs_inode *inode, struct text *t)
{
	struct lag lag;
	uint64_t position;
	int rc;

	do { /* until it is not trimmed meanwhile */
		rc = fs_cursor_position(fs, inode, NULL, &position);
		if (rc)
			return rc;
		rc = measure(fs, position, &lag);
	} while (rc == -ESTALE);
	if (!rc)
		t->size = (size_t)snprintf(t->text, TEXT,
		                           "frames %" PRIu64 "\nbytes %" PRIu64 "\nlost %" PRIu64 "\n",
		                           lag.frames, lag.bytes, lag.lost);
	return rc;
}

/* Its size is 0, as that of files in /proc: to tell it is all the work. */
static int lag_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                    struct stat *st)
{
	uint64_t position;
	int rc = fs_cursor_position(fs, inode, NULL, &position);

	fs_attr_fill(fs, inode, st);
	st->st_mode &= ~(mode_t)0222;
	return rc;
}

static int lag_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                    struct fuse_file_info *fi)
{
	struct text *t = malloc(sizeof(*t));
	int rc = t ? make_text(fs, inode, t) : -ENOMEM;

	if (rc) {
		free(t);
		return rc;
	}
	fi->fh = (uintptr_t)t;
	fi->direct_io = 1;
#ifdef FS_HAVE_NOFLUSH
	fi->noflush = 1;
#endif
	if (fuse_reply_open(req, fi) == -ENOENT)
		free(t);
	return 0;
}

static void lag_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	free((struct text *)(uintptr_t)fi->fh);
}

static int lag_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                    uint64_t offset, struct fuse_file_info *fi)
{
	const struct text *t = (const struct text *)(uintptr_t)fi->fh;

	fs_reply_text(req, t->text, t->size, size, offset);
	return 0;
}

const struct fs_kind fs_lag_kind = {
	.type = S_IFREG,
	.space = FS_SPACE_LAG,
	.attr = lag_attr,
	.open = lag_open,
	.release = lag_release,
	.read = lag_read,
};
