/* SPDX-License-Identifier: MIT */
/*
 * cursor: from a directory's name to a cursor.
 */
#ifndef FS_CURSOR_H
#define FS_CURSOR_H

#include "inode.h"

struct fs_cursor {
	size_t size;
	unsigned char name[SHMFS_NAME_SIZE];
};

/* The cursor of a name in cursors/; it need not be there.
 *	-EINVAL  no cursor has that name;  -ENOENT  it is that of a long one which is not there */
int fs_cursor_named(struct fs *fs, const char *name, struct fs_cursor *out);

/* The cursor whose directory, or file, an inode is.  -ESTALE: it has been removed */
int fs_cursor_of(struct fs_inode *inode, struct fs_cursor *out);

/* Where it stands.  -ESTALE: it is gone.  cursor may be NULL. */
int fs_cursor_position(struct fs *fs, struct fs_inode *inode, struct fs_cursor *cursor,
                       uint64_t *position);

/* The attributes of a file of it that is only read.  The size is 0, as that of files in /proc: to tell
 * it is all the work. */
int fs_cursor_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread, struct stat *st,
                   double *keep);

/* Its inodes from now on are another cursor's, or (to NULL) nobody's. */
void fs_cursor_rename(struct fs *fs, const struct fs_cursor *from, const struct fs_cursor *to);

#endif
