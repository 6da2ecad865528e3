/* SPDX-License-Identifier: MIT */
/*
 * cursor_dir: the directory of one cursor.  Its files come and go with it.
 */
#include "cursor.h"

static const struct {
	const char *name;
	const struct fs_kind *kind;
	bool hidden; /* reading it may wait for ever, and who copies a tree does not expect that */
} files[] = {
	{"lag", &fs_lag_kind, false},
	{"next", &fs_next_kind, false},
	{"position", &fs_position_kind, false},
	{"wait", &fs_wait_kind, true},
};

#define FILES (sizeof(files) / sizeof(files[0]))

static int cursor_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                       struct stat *st, double *keep)
{
	uint64_t position;
	int rc = fs_cursor_position(fs, inode, NULL, &position);

	fs_attr_fill(fs, inode, st);
	st->st_nlink = 2;
	return rc;
}

static int cursor_lookup(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name)
{
	struct fs_inode *inode;
	struct fs_cursor cursor;
	struct fuse_entry_param e = {0};
	uint64_t position;
	size_t i = 0;
	int rc;

	while (i < FILES && strcmp(files[i].name, name) != 0)
		i++;
	if (i == FILES)
		return -ENOENT;
	rc = fs_cursor_position(fs, dir, &cursor, &position);
	if (rc)
		return rc;
	inode = fs_inode_get(fs, files[i].kind, cursor.name, cursor.size, true);
	rc = inode ? inode->kind->attr(fs, inode, 0, 0, &e.attr, &e.attr_timeout) : -ENOMEM;
	if (!rc)
		fs_inode_reply(fs, req, inode, &e);
	fs_inode_put(fs, inode);
	return rc;
}

static int cursor_readdir(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                          uint64_t offset, struct fuse_file_info *fi, bool plus)
{
	struct fs_fixed list[2 + FILES] = {
		{".", dir->number, S_IFDIR},
		{"..", FS_INO_CURSORS, S_IFDIR},
	};
	struct fs_cursor cursor;
	size_t n = 2;
	int rc = fs_cursor_of(dir, &cursor);

	if (rc)
		return rc;
	for (size_t i = 0; i < FILES; i++)
		if (!files[i].hidden)
			list[n++] = (struct fs_fixed){
				files[i].name,
				fs_inode_number(files[i].kind, cursor.name, cursor.size), S_IFREG};
	fs_reply_fixed(req, list, n, size, offset, plus);
	return 0;
}

const struct fs_kind fs_cursor_kind = {
	.type = S_IFDIR,
	.space = FS_SPACE_CURSOR,
	.attr = cursor_attr,
	.lookup = cursor_lookup,
	.readdir = cursor_readdir,
};
