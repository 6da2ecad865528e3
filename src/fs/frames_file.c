/* SPDX-License-Identifier: MIT */
/*
 * frames_file: `next`, the frames from a cursor's position on, and `wait`, one frame and
 * waiting for it.  Reading moves no cursor.
 */
#include "cursor.h"
#include "waiter.h"

#include <fcntl.h>
#include <poll.h>

static struct fs_frames *frames_of(const struct fuse_file_info *fi)
{
	return (struct fs_frames *)(uintptr_t)fi->fh;
}

static void frames_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	struct fs_frames *f = frames_of(fi);

	fs_waiter_remove(fs, f);
	fs_frames_end(f);
	fs_inode_put(fs, f->inode);
	free(f);
}

static int frames_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                       struct fuse_file_info *fi)
{
	struct fs_frames *f;
	uint64_t position;
	int rc = fs_cursor_position(fs, inode, NULL, &position);

	if (rc)
		return rc;
	f = malloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	fs_inode_use(fs, inode);
	fs_frames_begin(f, inode, inode->kind == &fs_wait_kind);
	fs_waiter_add(fs, f);
	fi->fh = (uintptr_t)f;
	fi->direct_io = 1;
#ifdef FS_HAVE_NOFLUSH
	fi->noflush = 1;
#endif
	if (fuse_reply_open(req, fi) == -ENOENT)
		frames_release(fs, inode, fi);
	return 0;
}

static int frames_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                       uint64_t offset, struct fuse_file_info *fi)
{
	struct fs_frames *f = frames_of(fi);
	struct fs_bytes out;
	int rc = fs_frames_read(fs, f, size, fi->flags, &out);

	if (!rc) {
		fuse_reply_buf(req, out.data, out.size);
		free(out.data);
	} else if (rc == -ENODATA) {
		rc = fi->flags & O_NONBLOCK ? -EAGAIN : fs_waiter_park(fs, req, f, size, fi->flags);
	}
	return rc;
}

static int frames_poll(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                       struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct fs_frames *f = frames_of(fi);
	int rc;

	/* Registered first: a frame after the look is told of. */
	if (ph)
		fs_waiter_poll(fs, f, ph);
	rc = fs_frames_ready(fs, f);
	fuse_reply_poll(req, rc == -ENODATA ? 0
	                     : rc           ? POLLIN | POLLRDNORM | POLLERR
	                                    : POLLIN | POLLRDNORM);
	return 0;
}

const struct fs_kind fs_next_kind = {
	.type = S_IFREG,
	.space = FS_SPACE_NEXT,
	.attr = fs_cursor_attr,
	.open = frames_open,
	.release = frames_release,
	.read = frames_read,
	.poll = frames_poll,
};

const struct fs_kind fs_wait_kind = {
	.type = S_IFREG,
	.space = FS_SPACE_WAIT,
	.attr = fs_cursor_attr,
	.open = frames_open,
	.release = frames_release,
	.read = frames_read,
	.poll = frames_poll,
};
