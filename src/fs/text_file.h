/* SPDX-License-Identifier: MIT */
/*
 * text_file: files that are a short text, made at open(2), so that one open file never mixes
 * two moments.
 */
#ifndef FS_TEXT_FILE_H
#define FS_TEXT_FILE_H

#include "inode.h"

struct fs_text {
	size_t size;
	char text[FS_TEXT];
};

typedef int fs_text_make(struct fs *fs, struct fs_inode *inode, struct fs_text *t);

/* The open of a kind whose text `make` writes; release and read serve all of them. */
int fs_text_open(struct fs *fs, fuse_req_t req, struct fs_inode *inode, struct fuse_file_info *fi,
                 fs_text_make *make);
void fs_text_release(struct fs *fs, struct fs_inode *inode, struct fuse_file_info *fi);
int fs_text_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size, uint64_t offset,
                 struct fuse_file_info *fi);

#endif
