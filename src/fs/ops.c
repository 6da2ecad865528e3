/* SPDX-License-Identifier: MIT */
/*
 * ops: one function per FUSE request: find the inode, ask its kind, answer failures.
 *
 * Invariant: every request is answered exactly once: by the kind when it returns 0 and
 * had one to answer, else here.
 */
#include "inode.h"
#include "options.h"
#include "park.h"
#include "priority.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/statvfs.h>

static struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static pid_t thread_of(fuse_req_t req)
{
	return fuse_req_ctx(req)->pid;
}

static void fail(fuse_req_t req, int rc)
{
	if (rc)
		fuse_reply_err(req, fs_errno(rc));
}

static void status(fuse_req_t req, int rc)
{
	fuse_reply_err(req, fs_errno(rc));
}

/* ---- attributes ------------------------------------------------------------------------- */

void fs_attr_fill(const struct fs *fs, const struct fs_inode *inode, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = inode->number;
	st->st_mode = inode->kind->type |
	              (inode->kind->type == S_IFDIR ? fs->dir_mode : fs->file_mode);
	st->st_nlink = 1;
	st->st_uid = fs->uid;
	st->st_gid = fs->gid;
	st->st_blksize = FS_BLOCK;
	st->st_mtim = st->st_ctim = st->st_atim = fs->mounted;
}

void fs_reply_attr(fuse_req_t req, struct fs_inode *inode, uint64_t fh)
{
	struct stat st = {0};
	double keep = 0;
	int rc = inode->kind->attr(fs_of(req), inode, fh, thread_of(req), &st, &keep);

	if (rc)
		fail(req, rc);
	else
		fuse_reply_attr(req, &st, keep);
}

static void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);
	uint64_t fh = fi ? fi->fh : 0;

	if (!fs_park_reader(fs, req, inode, fh))
		fs_reply_attr(req, inode, fh);
}

/* Mode, owner and times are not ours to keep: accepted without effect, so that cp -p, rsync
 * and tar work, or refused with -o strict. */
static void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
                       struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);
	int rc = 0;

	if (to_set & FUSE_SET_ATTR_SIZE)
		rc = inode->kind->resize ? inode->kind->resize(fs, inode, (uint64_t)attr->st_size, fi)
		                         : -EPERM;
	else if (fs->options->strict)
		rc = -EPERM;
	if (rc)
		fail(req, rc);
	else
		fs_reply_attr(req, inode, fi ? fi->fh : 0);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);
	int rc = inode->kind->extend ? 0 : -EPERM;

	if (!rc && mode)
		rc = -EOPNOTSUPP;
	if (!rc)
		rc = inode->kind->extend(fs, inode, (uint64_t)offset + (uint64_t)length, fi);
	status(req, rc);
}

static void op_statfs(fuse_req_t req, fuse_ino_t node)
{
	struct fs *fs = fs_of(req);
	struct shmfs_stat st = {.struct_size = offsetof(struct shmfs_stat, log_head)};
	struct statvfs disk, out = {.f_bsize = FS_BLOCK, .f_frsize = FS_BLOCK, .f_namemax = 255};
	uint64_t grow, left;
	int rc = shmfs_stat(fs->store, &st);

	if (rc || fstatvfs(fs->store_fd, &disk)) {
		fail(req, rc ? rc : -errno);
		return;
	}
	/* What is free inside the file, and what the file can still grow by. */
	grow = (uint64_t)disk.f_bavail * disk.f_frsize;
	left = st.max_bytes > st.file_bytes ? st.max_bytes - st.file_bytes : 0;
	grow = grow < left ? grow : left;
	out.f_bfree = out.f_bavail = (st.free_bytes + grow) / FS_BLOCK;
	out.f_blocks = out.f_bfree + (st.live_bytes + FS_BLOCK - 1) / FS_BLOCK;
	out.f_ffree = out.f_favail = (st.free_bytes + grow) / 64; /* of the shortest values */
	out.f_files = out.f_ffree + st.keys;
	fuse_reply_statfs(req, &out);
}

/* ---- names -------------------------------------------------------------------------------- */

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *dir = fs_inode_of(fs, parent);

	fail(req, dir->kind->lookup ? dir->kind->lookup(fs, req, dir, name) : -ENOTDIR);
}

static void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t lookups)
{
	struct fs *fs = fs_of(req);

	fs_inode_forget(fs, fs_inode_of(fs, node), lookups);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fs *fs = fs_of(req);

	for (size_t i = 0; i < count; i++)
		fs_inode_forget(fs, fs_inode_of(fs, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *dir = fs_inode_of(fs, parent);

	if (fs->stopping)
		fail(req, -ESHUTDOWN);
	else
		fail(req, dir->kind->create ? dir->kind->create(fs, req, dir, name, fi) : -EPERM);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *dir = fs_inode_of(fs, parent);

	status(req, dir->kind->unlink ? dir->kind->unlink(fs, dir, name) : -EPERM);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
                      const char *newname, unsigned int flags)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *dir = fs_inode_of(fs, parent);

	if (parent != newparent || !dir->kind->rename)
		status(req, -EPERM);
	else
		status(req, dir->kind->rename(fs, dir, name, newname, flags, thread_of(req)));
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	status(req, -EPERM);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *dir = fs_inode_of(fs, parent);

	fail(req, dir->kind->mkdir ? dir->kind->mkdir(fs, req, dir, name) : -EPERM);
}

static void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	status(req, -EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t newparent, const char *newname)
{
	status(req, -EPERM);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *dir = fs_inode_of(fs, parent);

	status(req, dir->kind->rmdir ? dir->kind->rmdir(fs, dir, name) : -EPERM);
}

int fs_sync(struct fs *fs)
{
	int rc;

	if (fs->options->read_only)
		return 0;
	/* Others wait for the same, and what is freed meanwhile is not used again. */
	fs_priority(FS_SOON);
	rc = shmfs_sync(fs->store);
	fs_priority(FS_AS_OTHERS);
	return rc;
}

/* ---- files -------------------------------------------------------------------------------- */

static void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC;

	if (fs->stopping)
		fail(req, -ESHUTDOWN);
	else if (!inode->kind->open || (writes && !inode->kind->write))
		fail(req, -EPERM);
	else
		fail(req, inode->kind->open(fs, req, inode, fi));
}

static void op_release(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	if (inode->kind->release)
		inode->kind->release(fs, inode, fi);
	status(req, 0);
}

static void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	fail(req, inode->kind->read(fs, req, inode, size, (uint64_t)offset, fi));
}

static void op_write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	if (!inode->kind->write)
		fail(req, -EPERM);
	else
		fail(req, inode->kind->write(fs, req, inode, buf, size, (uint64_t)offset, fi));
}

static void op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	status(req, inode->kind->flush ? inode->kind->flush(fs, inode, fi) : 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	status(req, inode->kind->fsync ? inode->kind->fsync(fs, inode, fi) : fs_sync(fs));
}

static void op_poll(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi,
                    struct fuse_pollhandle *ph)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	if (inode->kind->poll) {
		fail(req, inode->kind->poll(fs, req, inode, fi, ph));
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

static void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	if (inode->kind->open)
		fail(req, inode->kind->open(fs, req, inode, fi));
	else
		fuse_reply_open(req, fi);
}

static void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
                       struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	fail(req, inode->kind->readdir(fs, req, inode, size, (uint64_t)offset, fi, false));
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	fail(req, inode->kind->readdir(fs, req, inode, size, (uint64_t)offset, fi, true));
}

/* ---- extended attributes ------------------------------------------------------------------- */

static void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	fail(req, inode->kind->getxattr ? inode->kind->getxattr(fs, req, inode, name, size)
	                                : -ENODATA);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	if (inode->kind->listxattr)
		fail(req, inode->kind->listxattr(fs, req, inode, size));
	else if (size)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_xattr(req, 0);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value,
                        size_t size, int flags)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	status(req, inode->kind->setxattr
	                    ? inode->kind->setxattr(fs, inode, name, value, size, flags)
	                    : -EOPNOTSUPP);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fs_inode *inode = fs_inode_of(fs, node);

	status(req, inode->kind->removexattr ? inode->kind->removexattr(fs, inode, name)
	                                     : -ENODATA);
}

/* ---- the connection ------------------------------------------------------------------------ */

static void op_init(void *data, struct fuse_conn_info *conn)
{
	/* Not wanted, whatever the library's defaults: splicing costs more than it saves here,
	 * a writeback cache tells wrong sizes. */
	conn->want &= ~(unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
	                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_WRITEBACK_CACHE);
	if (conn->capable & FUSE_CAP_ATOMIC_O_TRUNC)
		conn->want |= FUSE_CAP_ATOMIC_O_TRUNC; /* OPEN says so, and old stays till new */
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS)
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
	/* Names with attributes when they are going to be asked for; pages are dropped when the
	 * attributes say that they are old. */
	conn->want |= conn->capable &
	              (FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
	if (!fs_cache_on(data))
		conn->want &= ~(unsigned int)(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	conn->max_write = FS_IO;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops fs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.create = op_create,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_release,
	.fsyncdir = op_fsync,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.fallocate = op_fallocate,
	.poll = op_poll,
};
