/* SPDX-License-Identifier: MIT */
/*
 * handle: an open key, from open to release.
 *
 * Owns: the handle, its draft and its reading; the list of all, for the day the daemon ends.
 * Invariant: a handle in a list has users; it leaves both lists before it is freed.
 * Locks: the list's, for lists and counts only; a handle's, then its inode's.
 */
#include "handle.h"

#include "last.h"
#include "options.h"
#include "pages.h"
#include "park.h"
#include "settle.h"
#include "staged.h"

#include <fcntl.h>

struct fs_handles {
	pthread_mutex_t lock;
	struct fs_handle *all;
};

int fs_handles_open(struct fs *fs)
{
	struct fs_handles *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	fs->handles = t;
	return 0;
}

/* ---- open and release -------------------------------------------------------------------- */

static void enlist(struct fs *fs, struct fs_handle *h)
{
	struct fs_handles *t = fs->handles;

	fs_inode_use(fs, h->inode);
	h->at = &h->inode->handles;
	h->next = *h->at;
	if (h->next)
		h->next->at = &h->next;
	*h->at = h;
	pthread_mutex_lock(&t->lock);
	h->users = 1;
	h->all_at = &t->all;
	h->all_next = t->all;
	if (t->all)
		t->all->all_at = &h->all_next;
	t->all = h;
	pthread_mutex_unlock(&t->lock);
}

/* One user less; the last one frees it. */
static void drop(struct fs *fs, struct fs_handle *h)
{
	struct fs_handles *t = fs->handles;
	struct fs_inode *inode = h->inode;
	bool last;

	pthread_mutex_lock(&t->lock);
	last = --h->users == 0;
	if (last) {
		*h->all_at = h->all_next;
		if (h->all_next)
			h->all_next->all_at = h->all_at;
	}
	pthread_mutex_unlock(&t->lock);
	if (!last)
		return;
	fs_park_close(fs, h);
	pthread_mutex_lock(&inode->lock);
	fs_pages_close(fs, h);
	*h->at = h->next;
	if (h->next)
		h->next->at = h->at;
	if (!inode->handles && !inode->detached)
		fs_shared_drop(fs, inode); /* nobody is left who could be told that it fails */
	pthread_mutex_unlock(&inode->lock);
	fs_reading_close(fs, &h->reading);
	fs_draft_drop(&h->draft);
	pthread_mutex_destroy(&h->lock);
	free(h);
	fs_inode_put(fs, inode);
}

/* "Open it, or make it", and append, or read too: as databases and lock files are opened, by many
 * programs at once.  They are to meet in one value, not to have a draft each. */
static bool shares(int flags)
{
	return flags & O_APPEND || (flags & O_ACCMODE) == O_RDWR;
}

/* Does open() find the key, may it make it, and how does the handle begin? */
static int begin(struct fs *fs, struct fs_handle *h, int flags)
{
	struct fs_inode *inode = h->inode;
	struct timespec opened;
	struct fs_value value;
	uint64_t size;
	int rc;

	/* Found by name just before that went away: the kernel looks again.  /proc/PID/fd leads
	 * here too, and may read. */
	if (inode->detached)
		return h->writable || !inode->last ? -ESTALE : 0;
	if (flags & O_CREAT && flags & O_EXCL)
		rc = shmfs_put(fs->store, inode->key, inode->key_size, "", 0,
		               SHMFS_BYTES | SHMFS_IF_ABSENT, NULL);
	else
		rc = fs_value_look(fs, inode->key, inode->key_size, &value);
	/* O_TRUNC wants nothing of the old value, so it does not matter that it has just gone. */
	if (rc == -ENOENT && flags & (O_CREAT | O_TRUNC)) {
		h->make = h->fresh = true;
		h->staged = flags & O_TRUNC || !shares(flags);
		rc = 0;
	} else if (rc == -ENOENT && fs_handle_makes(inode, h->thread, &size, &opened)) {
		h->fresh = true; /* its maker opens it once more */
		rc = 0;
	} else if (!rc && flags & O_EXCL && flags & O_CREAT) {
		h->staged = !(flags & O_APPEND);
	}
	if (!rc && flags & O_TRUNC && !(flags & O_EXCL && flags & O_CREAT))
		h->staged = h->empty = true;
	return rc;
}

int fs_handle_open(struct fs *fs, struct fs_inode *inode, int flags, pid_t thread,
                   struct fs_handle **out)
{
	struct fs_handle *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return -ENOMEM;
	h->inode = inode;
	h->writable = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	h->thread = thread;
	clock_gettime(CLOCK_REALTIME, &h->opened);
	pthread_mutex_init(&h->lock, NULL);
	h->reading.lock = &h->lock;
	fs_draft_begin(&h->draft, fs->store);
	pthread_mutex_lock(&inode->lock);
	rc = begin(fs, h, flags);
	if (!rc)
		enlist(fs, h);
	pthread_mutex_unlock(&inode->lock);
	if (rc) {
		pthread_mutex_destroy(&h->lock);
		free(h);
		return rc;
	}
	*out = h;
	return 0;
}

/* Nobody waits for the answer. */
static void lost(struct fs *fs, int rc)
{
	fs_say("%s: a value written through the mount is lost: %s", fs->options->store,
	       shmfs_strerror(rc));
}

void fs_handle_release(struct fs *fs, struct fs_handle *h)
{
	int rc;

	pthread_mutex_lock(&h->lock);
	rc = fs_staged_publish(fs, h);
	pthread_mutex_unlock(&h->lock);
	if (rc)
		lost(fs, rc);
	drop(fs, h);
}

/* ---- many handles -------------------------------------------------------------------------- */

/* The next handle behind *after (NULL: the first) of this inode (NULL: of any) that this
 * thread (0: any) used last, with one more user; drops *after. */
static struct fs_handle *next_handle(struct fs *fs, struct fs_handle *after, struct fs_inode *inode,
                                     pid_t thread)
{
	struct fs_handles *t = fs->handles;
	struct fs_handle *h;

	pthread_mutex_lock(&t->lock);
	h = after ? after->all_next : t->all;
	while (h && ((inode && h->inode != inode) || (thread && h->thread != thread)))
		h = h->all_next;
	if (h)
		h->users++;
	pthread_mutex_unlock(&t->lock);
	if (after)
		drop(fs, after);
	return h;
}

int fs_handle_publish_own(struct fs *fs, struct fs_inode *inode, pid_t thread)
{
	struct fs_handle *h = NULL;
	int rc = 0;

	while ((h = next_handle(fs, h, inode, thread)) != NULL) {
		int one;

		pthread_mutex_lock(&h->lock);
		one = fs_staged_publish(fs, h);
		pthread_mutex_unlock(&h->lock);
		rc = rc ? rc : one;
	}
	return rc;
}

void fs_handles_publish(struct fs *fs)
{
	struct fs_handle *h = NULL;

	while ((h = next_handle(fs, h, NULL, 0)) != NULL) {
		int rc;

		/* Not of those that wrote nothing: a shell may be about to. */
		pthread_mutex_lock(&h->lock);
		rc = h->staged && !h->written ? 0 : fs_staged_publish(fs, h);
		pthread_mutex_unlock(&h->lock);
		fs_park_end(fs, h);
		if (rc)
			lost(fs, rc);
	}
}

void fs_handles_close(struct fs *fs)
{
	if (!fs->handles)
		return;
	while (fs->handles->all) {
		fs->handles->all->users = 1;
		drop(fs, fs->handles->all);
	}
	pthread_mutex_destroy(&fs->handles->lock);
	free(fs->handles);
	fs->handles = NULL;
}

bool fs_handle_size(const struct fs_inode *inode, const struct fs_handle *h, pid_t thread,
                    uint64_t *size, struct timespec *opened)
{
	const struct fs_handle *own = h;

	if (!h)
		for (own = inode->handles; own; own = own->next)
			if (own->staged && own->thread == thread)
				break;
	if (own && own->staged) {
		*size = fs_draft_size(&own->draft);
		*opened = own->opened;
		return true;
	}
	if (h && !h->writable && !inode->detached)
		return false;
	*opened = inode->handles ? inode->handles->opened : (struct timespec){0};
	return fs_shared_size(inode, h || inode->detached ? 0 : thread, size);
}

bool fs_handle_makes(const struct fs_inode *inode, pid_t thread, uint64_t *size,
                     struct timespec *opened)
{
	for (const struct fs_handle *h = inode->handles; h; h = h->next) {
		if ((!h->make && !h->staged) || (thread && h->thread != thread))
			continue;
		*size = fs_draft_size(&h->draft);
		*opened = h->opened;
		return true;
	}
	return false;
}

void fs_handle_forget_inode(struct fs *fs, struct fs_inode *inode)
{
	fs_shared_free(fs, inode);
	fs_last_free(fs, inode->last);
	inode->last = NULL;
	free(inode->snap);
}
