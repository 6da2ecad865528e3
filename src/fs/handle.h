/* SPDX-License-Identifier: MIT */
/*
 * handle: an open key.
 */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "draft.h"
#include "inode.h"
#include "reading.h"
#include "shared.h"

struct fs_handle {
	struct fs_inode *inode;
	struct fs_handle *next, **at;         /* in inode->handles, under the inode's lock */
	struct fs_handle *all_next, **all_at; /* of all, under their lock; so is ... */
	unsigned int users;                   /* ... this */
	bool writable;
	_Atomic pid_t thread;   /* opened it or wrote last */
	struct timespec opened;

	bool counted;           /* under the inode's lock: as one that may write */
	bool cached;            /* read from the kernel's pages ... */
	uint64_t opened_ms;     /* ... since then: */
	struct fs_handle *reader_next, **reader_at; /* in inode->cached.readers */
	atomic_bool parks;      /* counted in inode->parking, until ... */
	uint64_t parks_until_ms;
	struct fs_due parking;

	pthread_mutex_t lock; /* guards the rest */
	atomic_bool staged;   /* what is written goes to `draft`, else at once to the key */
	bool written;         /* the draft has something to publish */
	atomic_bool make;     /* the key is to be there at the end, even if nothing is written ... */
	bool empty;           /* ... or is to be empty then: O_TRUNC */
	bool fresh;           /* the key was absent: this handle makes it */
	bool shared_written;
	bool unsettled;       /* see settle.h */
	struct fs_draft draft;
	struct fs_reading reading;
};

int fs_handles_open(struct fs *fs);
void fs_handles_close(struct fs *fs);

/*
 * Open the inode's key, as open(2) with these flags.
 *	-ENOENT  there is no such key, and no O_CREAT
 *	-EEXIST  O_CREAT | O_EXCL, and there is
 */
int fs_handle_open(struct fs *fs, struct fs_inode *inode, int flags, pid_t thread,
                   struct fs_handle **out);

/* RELEASE: publishes what is not; *h is gone. */
void fs_handle_release(struct fs *fs, struct fs_handle *h);

/* page: for a mapping, or for the kernel's pages. */
int fs_handle_read(struct fs *fs, fuse_req_t req, struct fs_handle *h, size_t size,
                   uint64_t offset, bool page);
int fs_handle_write(struct fs *fs, struct fs_handle *h, const struct fs_write *w, bool sync);
int fs_handle_flush(struct fs *fs, struct fs_handle *h, uint64_t owner);
int fs_handle_fsync(struct fs *fs, struct fs_handle *h);
int fs_handle_resize(struct fs *fs, struct fs_handle *h, uint64_t size, bool only_extend);

/* Publish what every open handle has written: the daemon ends. */
void fs_handles_publish(struct fs *fs);

/* Publish what this thread has staged for the inode: it renames before it closes. */
int fs_handle_publish_own(struct fs *fs, struct fs_inode *inode, pid_t thread);

/*
 * How long the inode is for this handle, or (h NULL) for this thread, because of what they
 * have not published.  false: as for everybody.  The inode's lock is held.
 */
bool fs_handle_size(const struct fs_inode *inode, const struct fs_handle *h, pid_t thread,
                    uint64_t *size, struct timespec *opened);

/* Is there an open handle that is about to make the key, which is not in the store; one of this
 * thread (0: of any)?  How long it is so far, and since when.  The inode's lock is held. */
bool fs_handle_makes(const struct fs_inode *inode, pid_t thread, uint64_t *size,
                     struct timespec *opened);

/* The inode is about to be freed. */
void fs_handle_forget_inode(struct fs *fs, struct fs_inode *inode);

#endif
