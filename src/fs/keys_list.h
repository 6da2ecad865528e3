/* SPDX-License-Identifier: MIT */
/*
 * keys_list: reading the directory of keys.
 */
#ifndef FS_KEYS_LIST_H
#define FS_KEYS_LIST_H

#include "inode.h"

int fs_keys_list_open(struct fs *fs, fuse_req_t req, struct fs_inode *dir,
                      struct fuse_file_info *fi);
void fs_keys_list_release(struct fs *fs, struct fs_inode *dir, struct fuse_file_info *fi);
int fs_keys_list_read(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                      uint64_t offset, struct fuse_file_info *fi, bool plus);

/* Times of the directory: it changes when the store does. */
int fs_keys_list_times(struct fs *fs, struct stat *st);

#endif
