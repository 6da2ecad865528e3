/* SPDX-License-Identifier: MIT */
/*
 * shared: writes into the value of a key that take effect at once (append, pwrite,
 * ftruncate on a file that was opened, not made or truncated).
 */
#ifndef FS_SHARED_H
#define FS_SHARED_H

#include "draft.h"
#include "inode.h"

/* One write(2). */
struct fs_write {
	const char *buf;
	size_t size;
	uint64_t offset;
	bool append;    /* the offset is the end, wherever that is */
	bool mapped;    /* a page of a mapping */
	bool fresh;     /* the key may be absent: this handle makes it */
	uint64_t owner; /* the process, as FLUSH names it */
	pid_t thread;
};

/* All of these: the inode's lock is held. */

/*
 * Write.  Up to FS_SMALL bytes it is published when this returns, above it is in the
 * inode's shared draft.
 *	-ESTALE  the key was deleted by somebody else
 *	-EINVAL  it is a number, and this would not be
 */
int fs_shared_write(struct fs *fs, struct fs_inode *inode, const struct fs_write *w);

/* Cut or extend to this many bytes; only_extend: never cut.  Errors as above. */
int fs_shared_resize(struct fs *fs, struct fs_inode *inode, uint64_t size, bool only_extend);

/* Publish the shared draft, if there is one.  After a failure it is still there. */
int fs_shared_publish(struct fs *fs, struct fs_inode *inode);

/* Has this process written to it? */
bool fs_shared_noted(const struct fs_inode *inode, uint64_t owner);

/* Its size, and whether there is one; with thread != 0 only if that wrote it last. */
bool fs_shared_size(const struct fs_inode *inode, pid_t thread, uint64_t *size);

int fs_shared_read(struct fs_inode *inode, uint64_t offset, void *buf, size_t *size);

/* No lock is held, nobody uses the inode: forget an unpublished draft. */
void fs_shared_free(struct fs *fs, struct fs_inode *inode);
void fs_shared_drop(struct fs *fs, struct fs_inode *inode);

#endif
