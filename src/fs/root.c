/* SPDX-License-Identifier: MIT */
/*
 * root: the directory that holds the others.  Nothing in it comes or goes.
 */
#include "inode.h"

static struct fs_inode *child(struct fs *fs, const char *name)
{
	if (!strcmp(name, "keys"))
		return fs->keys_dir;
	if (!strcmp(name, "log"))
		return fs->log_file;
	if (!strcmp(name, "cursors"))
		return fs->cursors_dir;
	if (!strcmp(name, "stat"))
		return fs->stat_file;
	return NULL;
}

static int root_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                     struct stat *st, double *keep)
{
	fs_attr_fill(fs, inode, st);
	st->st_nlink = 4;
	*keep = FS_NEVER_CHANGE;
	return 0;
}

static int root_lookup(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name)
{
	struct fs_inode *inode = child(fs, name);
	struct fuse_entry_param e = {.entry_timeout = FS_NEVER_CHANGE};
	int rc;

	if (!inode)
		return -ENOENT;
	rc = inode->kind->attr(fs, inode, 0, 0, &e.attr, &e.attr_timeout);
	if (rc)
		return rc;
	e.ino = fs_inode_node(fs, inode);
	fuse_reply_entry(req, &e); /* never freed, so not counted */
	return 0;
}

static int root_readdir(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                        uint64_t offset, struct fuse_file_info *fi, bool plus)
{
	static const struct fs_fixed list[] = {
		{".", FS_INO_ROOT, S_IFDIR},       {"..", FS_INO_ROOT, S_IFDIR},
		{"cursors", FS_INO_CURSORS, S_IFDIR}, {"keys", FS_INO_KEYS, S_IFDIR},
		{"log", FS_INO_LOG, S_IFREG},      {"stat", FS_INO_STAT, S_IFREG},
	};

	fs_reply_fixed(req, list, sizeof(list) / sizeof(list[0]), size, offset, plus);
	return 0;
}

const struct fs_kind fs_root_kind = {
	.type = S_IFDIR,
	.attr = root_attr,
	.lookup = root_lookup,
	.readdir = root_readdir,
};
