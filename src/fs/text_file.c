/* SPDX-License-Identifier: MIT */
/*
 * text_file: files that are a short text.
 *
 * Owns: the text, from open to release.
 */
#include "text_file.h"

int fs_text_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode, struct fuse_file_info *fi,
                 fs_text_make *make)
{
	struct fs_text *t = malloc(sizeof(*t));
	int rc = t ? make(fs, inode, t) : -ENOMEM;

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

void fs_text_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi)
{
	free((struct fs_text *)(uintptr_t)fi->fh);
}

int fs_text_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size, uint64_t offset,
                 struct fuse_file_info *fi)
{
	const struct fs_text *t = (const struct fs_text *)(uintptr_t)fi->fh;

	fs_reply_text(req, t->text, t->size, size, offset);
	return 0;
}
