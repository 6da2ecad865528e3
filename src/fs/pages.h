/* SPDX-License-Identifier: MIT */
/*
 * pages: reading a key through the kernel's pages.
 *
 * The kernel has one size and one set of pages for all who have a file open, and does not tell
 * who reads them.  So all of it is of one version until the watcher has had it forgotten, and who
 * opens the file just then, or while it is open to write, gets what it reads from the daemon
 * (reading.h).  Whoever has opened it FS_FRESH_MS ago or less is let finish before the
 * kernel is to forget a version, or truncates it at once as it does when it is opened so:
 * that is longer than a program takes that opens, reads and closes.  Who keeps it open
 * longer and reads it piece by piece may see pieces of two versions, as of any file.
 *
 * What changes often is not worth pages: they are used once it is unchanged for FS_QUIET_NS.
 */
#ifndef FS_PAGES_H
#define FS_PAGES_H

#include "handle.h"

/* A version of a value, which the kernel is given pages of while it is open: that of the size it was told
 * last, as it asks for that first. */
struct fs_snap {
	struct fs_value value;
	uint64_t told_ms; /* when */
	unsigned char data[];
};

/* How is this new handle read?  Sets *fi; waits for who is to finish. */
void fs_pages_open(struct fs *fs, struct fs_handle *h, struct fuse_file_info *fi);

/* Hold no lock: wait until who has just opened it has read it. */
void fs_pages_wait(struct fs *fs, struct fs_inode *inode);

/* ---- the inode's lock is held ------------------------------------------------------------- */

void fs_pages_close(struct fs *fs, struct fs_handle *h);

/* READ of a handle that is read so; the lock is let go.  Replies itself when it returns 0.
 *	-ESTALE  the version that the kernel has the size of is gone */
int fs_pages_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size, uint64_t offset);

/* What the kernel is told of to readers next, and its last byte.
 *	-ENODATA  it is empty, or too long for pages */
int fs_pages_tail(struct fs *fs, struct fs_inode *inode, const struct fs_ask *ask,
                  struct fs_value *value, unsigned char *last);

/* This mount has put a newer value. */
void fs_pages_published(struct fs *fs, struct fs_inode *inode);

/* What the kernel is to be told of the key, and may ask for pages of.  A reader, who reads it so, is told
 * of what there are pages of, as it asks just before it reads; others of what this mount has written.
 * value->version is 0 if the kernel is not to keep it. */
int fs_pages_look(struct fs *fs, struct fs_inode *inode, const struct fs_ask *ask, bool reader,
                  struct fs_value *value);

#endif
