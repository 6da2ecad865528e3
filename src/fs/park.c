/* SPDX-License-Identifier: MIT */
/*
 * park: readers that wait for a value (park.h).
 *
 * Owns: inode->parked, requests that are not answered; there are some only while `parking` is not 0.
 * Locks: the inode's; none while the kernel is told something.
 * Invariant: while somebody is parked, those he waits for are armed: the last that ends, by
 * parks_until_ms at the latest, answers him.
 */
#include "park.h"

#include "keeper.h"
#include "pages.h"

#define FINISH_US 200u /* a read takes less from its last question on */

struct fs_parked {
	struct fs_parked *next;
	fuse_req_t req;
	uint64_t fh;
};

static void answer(struct fs_inode *inode, struct fs_parked *parked)
{
	while (parked) {
		struct fs_parked *next = parked->next;

		fs_reply_attr(parked->req, inode, parked->fh);
		free(parked);
		parked = next;
	}
}

static void unpark(struct fs_handle *h)
{
	h->parks = false;
	h->inode->parking--;
}

void fs_park_end(struct fs *fs, struct fs_handle *h)
{
	struct fs_inode *inode = h->inode;
	struct fs_parked *parked = NULL;

	pthread_mutex_lock(&inode->lock);
	if (h->parks) {
		fs_keeper_disarm(fs, &h->parking);
		unpark(h);
	}
	if (!inode->parking) {
		parked = inode->parked;
		inode->parked = NULL;
	}
	pthread_mutex_unlock(&inode->lock);
	answer(inode, parked);
}

/* No answer to who is parked makes the kernel take back its size of 0: a byte that is stored where the
 * old value ends does. */
static void restore_size(struct fs *fs, struct fs_inode *inode)
{
	struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(1);
	fuse_ino_t node = fs_inode_node(fs, inode);
	struct fs_value value, now;
	struct fs_ask ask;
	unsigned char last;
	int rc;

	pthread_mutex_lock(&inode->lock);
	fs_cache_ask(fs, inode->cached.set, &ask);
	rc = inode->parked ? fs_pages_tail(fs, inode, &ask, &value, &last) : -ENODATA;
	pthread_mutex_unlock(&inode->lock);
	if (rc)
		return;
	bytes.buf[0].mem = &last;
	fuse_lowlevel_notify_store(fs->session, node, (off_t)value.size - 1, &bytes, 0);
	pthread_mutex_lock(&inode->lock);
	rc = fs_value_look(fs, inode->key, inode->key_size, &now);
	pthread_mutex_unlock(&inode->lock);
	if (rc || now.version != value.version) /* that byte may be in a page of the next value */
		fuse_lowlevel_notify_inval_inode(fs->session, node, 0, 0);
}

static void too_long(struct fs *fs, struct fs_due *due)
{
	struct fs_handle *h = (struct fs_handle *)((char *)due - offsetof(struct fs_handle, parking));

	restore_size(fs, h->inode);
	fs_park_end(fs, h);
}

/* Who asked last before it was parked has what it needs, and has read. */
static void let_finish(const struct fs_inode *inode)
{
	uint64_t until = fs_now_us() + FS_FRESH_MS * 1000;
	uint64_t now, end;

	while ((now = fs_now_us()) < until && now < (end = inode->read_us + FINISH_US))
		usleep((useconds_t)(end - now));
}

void fs_park_begin(struct fs *fs, struct fs_handle *h)
{
	struct fs_inode *inode = h->inode;
	bool is_read = false;

	pthread_mutex_lock(&inode->lock);
	h->parks = inode->cached.readers && h->staged;
	if (h->parks) {
		inode->parking++;
		h->parking.run = too_long;
		h->parks_until_ms = fs_now_ms() + FS_FRESH_MS;
		/* Does the kernel know the size, and has anybody read since the last time? */
		is_read = fs_cache_version(fs, inode) && inode->read_us >= inode->parked_us;
		inode->parked_us = fs_now_us();
	}
	pthread_mutex_unlock(&inode->lock);
	if (!h->parks)
		return;
	if (is_read) /* attributes only: that waits for nobody, so a handler may */
		fuse_lowlevel_notify_inval_inode(fs->session, fs_inode_node(fs, inode), -1, 0);
	let_finish(inode);
}

void fs_park_close(struct fs *fs, struct fs_handle *h)
{
	fs_park_end(fs, h);
	fs_keeper_cancel(fs, &h->parking);
}

/* Is there somebody to wait for?  Not for oneself: a thread may read what it is about to write. */
static bool to_wait_for(struct fs *fs, const struct fs_inode *inode, pid_t thread)
{
	uint64_t now = fs_now_ms();
	bool any = false;

	for (struct fs_handle *h = inode->handles; h; h = h->next) {
		if (!h->parks)
			continue;
		if (h->thread == thread)
			return false;
		if (now >= h->parks_until_ms) {
			unpark(h);
			continue;
		}
		fs_keeper_arm(fs, &h->parking, h->parks_until_ms - now);
		any = true;
	}
	return any;
}

bool fs_park_reader(struct fs *fs, fuse_req_t req, struct fs_inode *inode, uint64_t fh)
{
	struct fs_parked *parked;
	bool park;

	if (!fh || inode->kind != &fs_key_kind || !inode->parking)
		return false;
	parked = malloc(sizeof(*parked));
	if (!parked)
		return false;
	pthread_mutex_lock(&inode->lock);
	park = ((struct fs_handle *)(uintptr_t)fh)->cached &&
	       to_wait_for(fs, inode, fuse_req_ctx(req)->pid);
	if (park) {
		*parked = (struct fs_parked){.next = inode->parked, .req = req, .fh = fh};
		inode->parked = parked;
	}
	pthread_mutex_unlock(&inode->lock);
	if (!park)
		free(parked);
	return park;
}
