/* SPDX-License-Identifier: MIT */
/*
 * handle_io: reading, writing and closing an open key.
 *
 * When a write becomes visible.  What a staged handle writes, at the FLUSH of a process
 * that wrote to it, at fsync, or at RELEASE.  FLUSH comes with every close of every duplicate
 * of a descriptor, also from children that only inherited it: those have written
 * nothing, and publish nothing.  What an immediate handle writes, at the write, or
 * when it is long at the latest when its writer closes: shared.c.
 *
 * Locks: the handle's, then its inode's.
 */
#include "handle.h"
#include "pages.h"
#include "park.h"
#include "settle.h"
#include "staged.h"

static int read_draft(fuse_req_t req, struct fs_handle *h, size_t size, uint64_t offset)
{
	char *buf = malloc(size ? size : 1);
	int rc = buf ? fs_draft_read(&h->draft, offset, buf, &size) : -ENOMEM;

	if (!rc)
		fuse_reply_buf(req, buf, size);
	free(buf);
	return rc;
}

/* The inode's lock is held, and given up. */
static int read_shared(fuse_req_t req, struct fs_inode *inode, size_t size, uint64_t offset)
{
	char *buf = malloc(size ? size : 1);
	int rc = buf ? fs_shared_read(inode, offset, buf, &size) : -ENOMEM;

	pthread_mutex_unlock(&inode->lock);
	if (!rc)
		fuse_reply_buf(req, buf, size);
	free(buf);
	return rc;
}

int fs_handle_read(struct fs *fs, fuse_req_t req, struct fs_handle *h, size_t size, uint64_t offset,
                   bool page)
{
	struct fs_inode *inode = h->inode;
	uint64_t all;
	int rc;

	fs_settle_inode(fs, inode);
	pthread_mutex_lock(&h->lock);
	if (page || h->writable)
		fs_reading_again(&h->reading);
	if (h->staged) {
		rc = read_draft(req, h, size, offset);
	} else {
		pthread_mutex_lock(&inode->lock);
		if ((h->writable || inode->detached) && fs_shared_size(inode, 0, &all))
			rc = read_shared(req, inode, size, offset);
		else if (h->cached && !inode->detached)
			rc = fs_pages_read(fs, req, inode, size, offset);
		else
			rc = fs_reading_reply(fs, req, inode, &h->reading, size, offset);
		if (rc == -ESTALE && h->fresh) { /* not there yet: as an empty file */
			fuse_reply_buf(req, NULL, 0);
			rc = 0;
		}
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

static int write_now(struct fs *fs, struct fs_handle *h, const struct fs_write *w)
{
	struct fs_write now = *w;
	int rc;

	now.fresh = h->fresh;
	pthread_mutex_lock(&h->inode->lock);
	if (!w->mapped)
		fs_cache_wrote(fs, h->inode);
	rc = fs_shared_write(fs, h->inode, &now);
	pthread_mutex_unlock(&h->inode->lock);
	if (!rc) {
		h->make = h->fresh = false;
		h->shared_written = true;
	}
	return rc;
}

int fs_handle_write(struct fs *fs, struct fs_handle *h, const struct fs_write *w, bool sync)
{
	bool first;
	int rc;

	pthread_mutex_lock(&h->lock);
	h->thread = w->thread;
	first = h->staged && !h->written;
	rc = h->staged ? fs_staged_write(fs, h, w) : write_now(fs, h, w);
	if (first && !h->parks)
		fs_park_begin(fs, h);
	if (w->size)
		fs_settle_done(fs, h);
	fs_reading_again(&h->reading);
	if (!rc && sync)
		rc = fs_staged_publish(fs, h);
	pthread_mutex_unlock(&h->lock);
	return !rc && sync ? fs_sync(fs) : rc;
}

int fs_handle_flush(struct fs *fs, struct fs_handle *h, uint64_t owner)
{
	bool shared;
	int rc = 0;

	if (!h->writable)
		return 0;
	pthread_mutex_lock(&h->lock);
	if (h->staged && h->written) {
		if (fs_draft_noted(&h->draft, owner))
			rc = fs_staged_publish(fs, h);
	} else if (h->make || h->empty) {
		fs_settle_expect(fs, h);
	} else if (h->shared_written) {
		pthread_mutex_lock(&h->inode->lock);
		shared = fs_shared_noted(h->inode, owner);
		pthread_mutex_unlock(&h->inode->lock);
		if (shared)
			rc = fs_staged_publish(fs, h);
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

int fs_handle_fsync(struct fs *fs, struct fs_handle *h)
{
	int rc = 0;

	if (h->writable) {
		pthread_mutex_lock(&h->lock);
		rc = fs_staged_publish(fs, h);
		pthread_mutex_unlock(&h->lock);
	}
	return rc ? rc : fs_sync(fs);
}

int fs_handle_resize(struct fs *fs, struct fs_handle *h, uint64_t size, bool only_extend)
{
	int rc;

	pthread_mutex_lock(&h->lock);
	fs_settle_done(fs, h);
	fs_reading_again(&h->reading);
	if (h->staged) {
		rc = fs_staged_resize(h, size, only_extend);
	} else {
		if (h->make) /* so that there is something to resize */
			fs_staged_make_empty(fs, h);
		pthread_mutex_lock(&h->inode->lock);
		rc = fs_shared_resize(fs, h->inode, size, only_extend);
		pthread_mutex_unlock(&h->inode->lock);
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}
