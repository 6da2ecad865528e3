/* SPDX-License-Identifier: MIT */
/*
 * settle: waiting for an end that is under way.
 *
 * Owns: how many handles are expected to settle, in all and per inode.
 * Invariant: nobody waits longer than SETTLE_MS after a FLUSH, so that `sleep 1000 >key`
 * holds nobody up.
 * Locks: its own; the counts are read without it first, and are nearly always 0.
 */
#include "settle.h"

#define SETTLE_MS 50u

struct fs_settling {
	pthread_mutex_t lock;
	pthread_cond_t settled;
	atomic_int unsettled;
	_Atomic uint64_t settle_until;
};

int fs_settle_open(struct fs *fs)
{
	struct fs_settling *t = calloc(1, sizeof(*t));
	pthread_condattr_t monotonic;

	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&t->settled, &monotonic);
	pthread_condattr_destroy(&monotonic);
	fs->settling = t;
	return 0;
}

void fs_settle_close(struct fs *fs)
{
	if (!fs->settling)
		return;
	pthread_cond_destroy(&fs->settling->settled);
	pthread_mutex_destroy(&fs->settling->lock);
	free(fs->settling);
	fs->settling = NULL;
}

void fs_settle_expect(struct fs *fs, struct fs_handle *h)
{
	uint64_t until = fs_now_ms() + SETTLE_MS;

	atomic_store(&h->inode->settle_until, until);
	atomic_store(&fs->settling->settle_until, until);
	if (h->unsettled)
		return;
	h->unsettled = true;
	atomic_fetch_add(&h->inode->unsettled, 1);
	atomic_fetch_add(&fs->settling->unsettled, 1);
}

void fs_settle_done(struct fs *fs, struct fs_handle *h)
{
	if (!h->unsettled)
		return;
	h->unsettled = false;
	pthread_mutex_lock(&fs->settling->lock);
	atomic_fetch_sub(&h->inode->unsettled, 1);
	atomic_fetch_sub(&fs->settling->unsettled, 1);
	pthread_cond_broadcast(&fs->settling->settled);
	pthread_mutex_unlock(&fs->settling->lock);
}

static void wait_for(struct fs *fs, atomic_int *count, _Atomic uint64_t *until_ms)
{
	struct fs_settling *t = fs->settling;
	struct timespec until;
	uint64_t ms;

	if (!atomic_load(count))
		return;
	ms = atomic_load(until_ms);
	if (fs_now_ms() >= ms)
		return;
	until.tv_sec = (time_t)(ms / 1000);
	until.tv_nsec = (long)(ms % 1000) * 1000000;
	pthread_mutex_lock(&t->lock);
	while (atomic_load(count))
		if (pthread_cond_timedwait(&t->settled, &t->lock, &until))
			break;
	pthread_mutex_unlock(&t->lock);
}

void fs_settle_inode(struct fs *fs, struct fs_inode *inode)
{
	wait_for(fs, &inode->unsettled, &inode->settle_until);
}

void fs_settle_all(struct fs *fs)
{
	wait_for(fs, &fs->settling->unsettled, &fs->settling->settle_until);
}

void fs_settle_key(struct fs *fs, const void *key, size_t key_size)
{
	struct fs_inode *inode;

	if (!atomic_load(&fs->settling->unsettled))
		return;
	inode = fs_inode_get(fs, &fs_key_kind, key, key_size, false);
	if (inode)
		fs_settle_inode(fs, inode);
	fs_inode_put(fs, inode);
}
