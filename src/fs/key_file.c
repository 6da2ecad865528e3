/* SPDX-License-Identifier: MIT */
/*
 * key_file: a key as a file.
 *
 * Some open files are read through the kernel's pages (pages.h), all others are direct_io: with
 * cache=strict all, so nothing of a value stays in the kernel, what is read is never stale and
 * never torn, and OPEN(O_TRUNC) may zero the kernel's idea of the size without any reader noticing.
 *
 * Locks: an inode's for its key; handle.c has the rest.
 */
#include "handle.h"
#include "last.h"
#include "pages.h"
#include "settle.h"
#include "xattr.h"

static struct fs_handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct fs_handle *)(uintptr_t)fi->fh;
}

static void set_times(struct stat *st, struct timespec t)
{
	st->st_mtim = st->st_ctim = st->st_atim = t;
}

/* What the store, or what was kept of it, says; *version is 0 for the latter.  The inode's lock is
 * held. */
static int stat_value(struct fs *fs, struct fs_inode *inode, struct stat *st,
                      const struct fs_ask *ask, bool reader, uint64_t *version)
{
	struct fs_value value = {0};
	int rc = 0;

	if (!inode->detached)
		rc = fs_pages_look(fs, inode, ask, reader, &value);
	else if (inode->last)
		value = inode->last->value;
	if (rc)
		return rc;
	if (!inode->detached)
		*version = value.version;
	st->st_size = (off_t)value.size;
	set_times(st, (struct timespec){(time_t)(value.time_ns / 1000000000),
	                                (long)(value.time_ns % 1000000000)});
	return 0;
}

static int key_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                    struct stat *st, double *keep)
{
	const struct fs_handle *h = (const struct fs_handle *)(uintptr_t)fh;
	struct timespec opened;
	uint64_t size, version = 0;
	struct fs_ask ask;
	int rc;

	fs_settle_inode(fs, inode);
	pthread_mutex_lock(&inode->lock);
	fs_attr_fill(fs, inode, st);
	st->st_nlink = !inode->detached;
	fs_cache_ask(fs, inode->cached.set, &ask);
	rc = stat_value(fs, inode, st, &ask, h && h->cached, &version);
	if (fs_handle_size(inode, h, thread, &size, &opened)) {
		if (rc == -ENOENT || !st->st_mtim.tv_sec)
			set_times(st, opened);
		st->st_size = (off_t)size;
		version = 0; /* only this one sees it so */
		rc = rc == -ENOENT ? 0 : rc;
	}
	/* Who asks for an inode has found it, or was given its descriptor: `sort >new` asks for that. */
	if (rc == -ENOENT && fs_handle_makes(inode, 0, &size, &opened)) {
		set_times(st, opened);
		st->st_size = (off_t)size;
		version = 0;
		rc = 0;
	}
	if (!rc && version)
		*keep = fs_cache_keep_attr(fs, &ask, inode, version);
	if (rc == -ENOENT)
		rc = -ESTALE; /* for a path the kernel looks the name up again */
	pthread_mutex_unlock(&inode->lock);
	st->st_blocks = (blkcnt_t)(((uint64_t)st->st_size + 511) / 512);
	return rc;
}

static int key_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                    struct fuse_file_info *fi)
{
	struct fs_handle *h;
	int rc;

	fs_settle_inode(fs, inode);
	rc = fs_handle_open(fs, inode, fi->flags, fuse_req_ctx(req)->pid, &h);
	if (rc)
		return rc == -ENOENT ? -ESTALE : rc; /* the kernel looks the name up again */
	fi->fh = (uintptr_t)h;
	fs_pages_open(fs, h, fi);
	if (fuse_reply_open(req, fi) == -ENOENT)
		fs_handle_release(fs, h); /* interrupted: there will be no RELEASE */
	return 0;
}

static void key_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	fs_handle_release(fs, handle_of(fi));
}

static int key_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                    uint64_t offset, struct fuse_file_info *fi)
{
	/* A page of a mapping is asked for on nobody's behalf. */
	return fs_handle_read(fs, req, handle_of(fi), size, offset, !fi->lock_owner);
}

static int key_write(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *buf,
                     size_t size, uint64_t offset, struct fuse_file_info *fi)
{
	/* A page of a mapping has its own place, however the file was opened. */
	struct fs_write w = {
		.buf = buf,
		.size = size,
		.offset = offset,
		.append = fi->flags & O_APPEND && !fi->writepage,
		.mapped = fi->writepage,
		.owner = fi->lock_owner,
		.thread = fuse_req_ctx(req)->pid,
	};
	int rc = fs_handle_write(fs, handle_of(fi), &w, fi->flags & (O_SYNC | O_DSYNC));

	if (!rc)
		fuse_reply_write(req, size);
	return rc;
}

static int key_flush(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	return fs_handle_flush(fs, handle_of(fi), fi->lock_owner);
}

static int key_fsync(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	return fs_handle_fsync(fs, handle_of(fi));
}

static int resize(struct fs *fs, struct fs_inode *inode, uint64_t size, struct fuse_file_info *fi,
                  bool only_extend)
{
	int rc;

	if (fi && fi->fh)
		return fs_handle_resize(fs, handle_of(fi), size, only_extend);
	fs_settle_inode(fs, inode);
	fs_pages_wait(fs, inode);
	pthread_mutex_lock(&inode->lock);
	rc = fs_shared_resize(fs, inode, size, only_extend);
	pthread_mutex_unlock(&inode->lock);
	return rc;
}

static int key_resize(struct fs *fs, struct fs_inode *inode, uint64_t size,
                      struct fuse_file_info *fi)
{
	return resize(fs, inode, size, fi, false);
}

static int key_extend(struct fs *fs, struct fs_inode *inode, uint64_t size,
                      struct fuse_file_info *fi)
{
	return resize(fs, inode, size, fi, true);
}

const struct fs_kind fs_key_kind = {
	.type = S_IFREG,
	.attr = key_attr,
	.open = key_open,
	.release = key_release,
	.getxattr = fs_xattr_get,
	.listxattr = fs_xattr_list,
	.setxattr = fs_xattr_set,
	.removexattr = fs_xattr_remove,
	.read = key_read,
	.write = key_write,
	.flush = key_flush,
	.fsync = key_fsync,
	.resize = key_resize,
	.extend = key_extend,
};
