/* SPDX-License-Identifier: MIT */
/*
 * xattr: user.shmfs.type, .version and .key of a key.
 */
#ifndef FS_XATTR_H
#define FS_XATTR_H

#include "inode.h"

int fs_xattr_get(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *name,
                 size_t size);
int fs_xattr_list(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size);
int fs_xattr_set(struct fs *fs, struct fs_inode *inode, const char *name, const char *value,
                 size_t size, int flags);
int fs_xattr_remove(struct fs *fs, struct fs_inode *inode, const char *name);

#endif
