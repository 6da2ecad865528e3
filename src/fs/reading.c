/* SPDX-License-Identifier: MIT */
/*
 * reading: one open file being read.
 *
 * What an open file shows: reads are grouped in passes, and all reads of a pass come from
 * one version of the value, so that no program ever gets the head of one value and
 * the tail of another.  A pass goes on as long as each read begins where the one before
 * ended; one at offset 0, one elsewhere, and one behind the end after that was reported begin
 * another, with the newest version, and so does the first after this file was written to, and each
 * of a file that is open to write too, or of a page of a mapping.  So a file held open and read
 * again shows what is there now, `tail -f` sees a value grow, `cat` gets one value or ESTALE, and a
 * database that takes a lock and looks at a place in its file, or in what it maps, sees what the
 * owner of the lock before it wrote there.
 *
 * Owns: for a short value a copy of it; for a long one a view and a pin that keeps it
 * intact for FS_PIN_MS; behind that the view is checked after each read, and when it was
 * overtaken and the key has another version, the pass is over: ESTALE.
 * Order: pin, then look.
 * Locks: the handle's guards it; the inode's is held while the key is looked up.
 * Distrust: views without a pin.
 */
#include "reading.h"

#include "last.h"

static void let_go(struct fs *fs, struct fs_reading *r)
{
	if (r->pin) {
		fs_keeper_disarm(fs, &r->due);
		shmfs_unpin(r->pin);
		r->pin = NULL;
	}
	free(r->copy);
	r->copy = NULL;
}

static void unpin(struct fs *fs, struct fs_due *due)
{
	struct fs_reading *r =
		(struct fs_reading *)((char *)due - offsetof(struct fs_reading, due));

	pthread_mutex_lock(r->lock);
	if (r->pin && !due->armed) {
		shmfs_unpin(r->pin);
		r->pin = NULL;
	}
	pthread_mutex_unlock(r->lock);
}

/* Hold the version that r->view shows; -EAGAIN when it changed meanwhile. */
static int hold(struct fs *fs, struct fs_inode *inode, struct fs_reading *r)
{
	int rc;

	if (r->value.type == SHMFS_NUMBER)
		return 0; /* r->value.text is all of it */
	if (r->value.size <= FS_KEPT) {
		r->copy = malloc(r->value.size ? r->value.size : 1);
		if (!r->copy)
			return -ENOMEM;
		memcpy(r->copy, r->view.data, r->value.size);
		rc = shmfs_view_valid(fs->store, &r->view);
		return rc == -ESTALE ? -EAGAIN : rc;
	}
	rc = shmfs_pin(fs->store, &r->pin);
	if (rc)
		return rc;
	rc = fs_value_view(fs, inode->key, inode->key_size, &r->value, &r->view);
	if (!rc && (r->value.type == SHMFS_NUMBER || r->value.size <= FS_KEPT))
		rc = -EAGAIN;
	if (!rc) {
		r->due.run = unpin;
		fs_keeper_arm(fs, &r->due, FS_PIN_MS);
	}
	return rc;
}

/* Begin a pass: the newest version. */
static int begin(struct fs *fs, struct fs_inode *inode, struct fs_reading *r)
{
	struct fs_value value;
	int rc;

	r->ended = false;
	r->gone = inode->detached;
	if (r->gone) {
		let_go(fs, r);
		r->active = inode->last != NULL;
		if (!r->active)
			return -ESTALE;
		r->value = inode->last->value;
		return 0;
	}
	if (r->active && (r->copy || r->pin)) {
		rc = fs_value_look(fs, inode->key, inode->key_size, &value);
		if (rc || value.version == r->value.version)
			return rc;
	}
	do {
		let_go(fs, r);
		rc = fs_value_view(fs, inode->key, inode->key_size, &r->value, &r->view);
		if (!rc)
			rc = hold(fs, inode, r);
	} while (rc == -EAGAIN);
	r->active = !rc;
	if (rc)
		let_go(fs, r);
	return rc;
}

/* Go on with a pass: is the key still there, and do we still hold what we read? */
static int go_on(struct fs *fs, struct fs_inode *inode, struct fs_reading *r)
{
	struct shmfs_view view;
	struct fs_value value;
	int rc;

	if (r->gone || inode->detached)
		return 0;
	rc = fs_value_view(fs, inode->key, inode->key_size, &value, &view);
	if (!rc && value.version == r->value.version && !r->copy && !r->pin)
		r->view = view;
	return rc;
}

/* A part of a long value whose pin is gone: copy, then check. */
static int reply_checked(struct fs *fs, fuse_req_t req, struct fs_reading *r, size_t size,
                         uint64_t offset)
{
	char *buf = malloc(size);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, (const char *)r->view.data + offset, size);
	rc = shmfs_view_valid(fs->store, &r->view);
	if (!rc)
		fuse_reply_buf(req, buf, size);
	free(buf);
	return rc;
}

static int reply_last(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size,
                      uint64_t offset)
{
	char *buf = malloc(size);
	int rc = buf ? fs_last_read(fs, inode->last, offset, buf, &size) : -ENOMEM;

	pthread_mutex_unlock(&inode->lock);
	if (!rc)
		fuse_reply_buf(req, buf, size);
	free(buf);
	return rc;
}

int fs_reading_reply(struct fs *fs, fuse_req_t req, struct fs_inode *inode, struct fs_reading *r,
                     size_t size, uint64_t offset)
{
	bool fresh = !r->active || offset == 0 || offset != r->next ||
	             (r->ended && offset >= r->value.size);
	int rc = fresh ? begin(fs, inode, r) : go_on(fs, inode, r);

	r->next = offset;
	if (!rc && offset < r->value.size) {
		if (size > r->value.size - offset)
			size = r->value.size - offset;
		r->next = offset + size;
		if (r->gone)
			return reply_last(fs, req, inode, size, offset);
	}
	pthread_mutex_unlock(&inode->lock);
	if (rc)
		return rc == -ENOENT ? -ESTALE : rc;
	if (offset >= r->value.size || !size) {
		r->ended = true;
		if (r->pin) /* most are done now; who is not reads on unpinned */
			let_go(fs, r);
		fuse_reply_buf(req, NULL, 0);
		return 0;
	}
	if (r->value.type == SHMFS_NUMBER)
		fuse_reply_buf(req, r->value.text + offset, size);
	else if (r->copy)
		fuse_reply_buf(req, (const char *)r->copy + offset, size);
	else if (r->pin)
		fuse_reply_buf(req, (const char *)r->view.data + offset, size);
	else
		return reply_checked(fs, req, r, size, offset);
	return 0;
}

void fs_reading_again(struct fs_reading *r)
{
	r->next = UINT64_MAX;
}

void fs_reading_close(struct fs *fs, struct fs_reading *r)
{
	fs_keeper_cancel(fs, &r->due);
	let_go(fs, r);
}
