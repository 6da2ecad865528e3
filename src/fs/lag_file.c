/* SPDX-License-Identifier: MIT */
/*
 * lag_file: how far a cursor is behind the end of the log.
 * Telling takes a walk over the frames in between.
 */
#include "cursor.h"
#include "log_size.h"
#include "text_file.h"

#include <inttypes.h>
#include <stdio.h>

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

static int make_text(struct fs *fs, struct fs_inode *inode, struct fs_text *t)
{
	struct lag lag = {0};
	uint64_t position;
	int rc;

	do { /* until it is not trimmed meanwhile */
		rc = fs_cursor_position(fs, inode, NULL, &position);
		if (rc)
			return rc;
		rc = measure(fs, position, &lag);
	} while (rc == -ESTALE);
	if (!rc)
		t->size = (size_t)snprintf(t->text, sizeof(t->text),
		                           "frames %" PRIu64 "\nbytes %" PRIu64 "\nlost %" PRIu64 "\n",
		                           lag.frames, lag.bytes, lag.lost);
	return rc;
}

/* Its size is 0, as that of files in /proc: to tell it is all the work. */
static int lag_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                    struct stat *st, double *keep)
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
	return fs_text_open(fs, req, inode, fi, make_text);
}

const struct fs_kind fs_lag_kind = {
	.type = S_IFREG,
	.space = FS_SPACE_LAG,
	.attr = lag_attr,
	.open = lag_open,
	.release = fs_text_release,
	.read = fs_text_read,
};
