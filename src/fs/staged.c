/* SPDX-License-Identifier: MIT */
/*
 * staged: a handle's own draft, and publishing what a handle wrote.
 *
 * A handle that made its key or truncated it is staged: its draft replaces the whole
 * value at once.  Once published it is immediate, as one is that was opened on an existing
 * key: shared.c.
 *
 * Invariant: `written` only while staged; a handle whose inode is detached publishes nothing.
 * Locks: the handle's, then its inode's.
 */
#include "staged.h"

#include "pages.h"
#include "park.h"
#include "settle.h"

/* A number's draft must be the text of one after every write. */
static int check_number(struct fs *fs, struct fs_handle *h, const struct fs_write *w,
                        uint64_t offset)
{
	struct fs_inode *inode = h->inode;
	struct fs_value value;
	int rc = -ENOENT;

	pthread_mutex_lock(&inode->lock);
	if (!inode->detached)
		rc = fs_value_look(fs, inode->key, inode->key_size, &value);
	pthread_mutex_unlock(&inode->lock);
	if (rc || value.type != SHMFS_NUMBER)
		return 0;
	return fs_draft_number(&h->draft, offset, w->buf, w->size);
}

int fs_staged_write(struct fs *fs, struct fs_handle *h, const struct fs_write *w)
{
	uint64_t offset = w->append ? fs_draft_size(&h->draft) : w->offset;
	int rc = check_number(fs, h, w, offset);

	if (!rc)
		rc = fs_draft_write(&h->draft, offset, w->buf, w->size);
	if (rc)
		return rc;
	fs_draft_note(&h->draft, w->owner);
	h->written = true;
	return 0;
}

int fs_staged_resize(struct fs_handle *h, uint64_t size, bool only_extend)
{
	int rc;

	if (only_extend && fs_draft_size(&h->draft) >= size)
		return 0;
	rc = fs_draft_resize(&h->draft, size);
	if (!rc) {
		fs_draft_note(&h->draft, 0);
		h->written = true;
	}
	return rc;
}

/* The draft replaces the value; its type stays.  The inode's lock is held. */
static int put_draft(struct fs *fs, struct fs_handle *h)
{
	struct fs_inode *inode = h->inode;
	struct fs_value value;
	uint64_t version;
	int rc;

	fs_cache_outdate(fs, inode);
	do {
		memset(&value, 0, sizeof(value));
		rc = fs_value_look(fs, inode->key, inode->key_size, &value);
		if (rc && rc != -ENOENT)
			return rc;
		if (!h->written && !rc && (!h->empty || value.type == SHMFS_NUMBER))
			return 0; /* somebody else made it, or it cannot be empty */
		version = value.version;
		rc = fs_draft_publish(&h->draft, inode->key, inode->key_size,
		                      value.type | SHMFS_IF_VERSION, &version);
	} while (rc == -ESTALE);
	return rc;
}

static int publish_staged(struct fs *fs, struct fs_handle *h)
{
	int rc = 0;

	pthread_mutex_lock(&h->inode->lock);
	if (h->inode->detached) {
		pthread_mutex_unlock(&h->inode->lock);
		return 0; /* its readers and writers go on in the draft */
	}
	if (h->written || h->make || h->empty)
		rc = put_draft(fs, h);
	fs_pages_published(fs, h->inode);
	pthread_mutex_unlock(&h->inode->lock);
	if (rc && (h->draft.put || h->draft.small))
		return rc; /* it may succeed later */
	h->staged = h->written = h->empty = h->fresh = false;
	h->make = false;
	fs_draft_drop(&h->draft);
	fs_park_end(fs, h);
	return rc;
}

/* O_APPEND on an absent key, and nothing was appended: it is to be there all the same. */
int fs_staged_make_empty(struct fs *fs, struct fs_handle *h)
{
	int rc = 0;

	pthread_mutex_lock(&h->inode->lock);
	if (!h->inode->detached)
		rc = shmfs_put(fs->store, h->inode->key, h->inode->key_size, "", 0,
		               SHMFS_BYTES | SHMFS_IF_ABSENT, NULL);
	pthread_mutex_unlock(&h->inode->lock);
	h->make = h->fresh = false;
	return rc == -EEXIST ? 0 : rc;
}

static int publish_shared(struct fs *fs, struct fs_handle *h)
{
	int rc;

	pthread_mutex_lock(&h->inode->lock);
	rc = fs_shared_publish(fs, h->inode);
	pthread_mutex_unlock(&h->inode->lock);
	if (!rc)
		h->shared_written = false;
	return rc;
}

int fs_staged_publish(struct fs *fs, struct fs_handle *h)
{
	int rc;

	fs_settle_done(fs, h);
	if (h->staged)
		return publish_staged(fs, h);
	rc = h->make ? fs_staged_make_empty(fs, h) : 0;
	return h->shared_written && !rc ? publish_shared(fs, h) : rc;
}
