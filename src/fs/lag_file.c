/* SPDX-License-Identifier: MIT */
/*
 * lag_file: how far a cursor is behind the end of the log.
 */
#include "cursor.h"
#include "text_file.h"

#include <inttypes.h>
#include <stdio.h>

static int make_text(struct fs *fs, struct fs_inode *inode, struct fs_text *t)
{
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	uint64_t position;
	int rc = fs_cursor_position(fs, inode, NULL, &position);

	if (!rc)
		rc = position < SHMFS_LOG_BEGIN ? shmfs_log_lag(fs->store, position, &lag) : -ERANGE;
	if (!rc)
		t->size = (size_t)snprintf(t->text, sizeof(t->text),
		                           "frames %" PRIu64 "\nbytes %" PRIu64 "\nlost %" PRIu64 "\n",
		                           lag.frames, lag.bytes, lag.lost);
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
	.attr = fs_cursor_attr,
	.open = lag_open,
	.release = fs_text_release,
	.read = fs_text_read,
};
