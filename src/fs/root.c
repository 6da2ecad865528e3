/* SPDX-License-Identifier: MIT */
/*
 * root: the directory that holds the others.  Nothing in it comes or goes.
 */
#include "inode.h"

static struct fs_inode *child(struct fs *fs, const char *name)
{
	if (!strcmp(name, "keys"))
		return fs->keys_dir;
	if (!strcmp(name, "stat"))
		return fs->stat_file;
	return NULL;
}

static int root_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                     struct stat *st)
{
	fs_attr_fill(fs, inode, st);
	st->st_nlink = 3;
	return 0;
}

static int root_lookup(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name)
{
	struct fs_inode *inode = child(fs, name);
	struct fuse_entry_param e = {.entry_timeout = FS_NEVER_CHANGE};
	int rc;

	if (!inode)
		return -ENOENT;
	rc = inode->kind->attr(fs, inode, 0, 0, &e.attr);
	if (rc)
		return rc;
	e.ino = fs_inode_node(fs, inode);
	fuse_reply_entry(req, &e); /* never freed, so not counted */
	return 0;
}

static int root_readdir(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                        uint64_t offset, struct fuse_file_info *fi)
{
	static const char *const list[] = {".", "..", "keys", "stat"};
	char buf[1024];
	size_t used = 0;

	if (size > sizeof(buf))
		size = sizeof(buf);
	for (uint64_t i = offset; i < sizeof(list) / sizeof(list[0]); i++) {
		struct fs_inode *inode = i < 2 ? fs->root : child(fs, list[i]);
		struct stat st = {.st_ino = inode->number, .st_mode = inode->kind->type};
		size_t n = fuse_add_direntry(req, buf + used, size - used, list[i], &st,
		                             (off_t)i + 1);

		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
	return 0;
}

const struct fs_kind fs_root_kind = {
	.type = S_IFDIR,
	.attr = root_attr,
	.lookup = root_lookup,
	.readdir = root_readdir,
};
