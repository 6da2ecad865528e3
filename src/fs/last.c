/* SPDX-License-Identifier: MIT */
/*
 * last: what a key held when it went away, for the handles still open.
 *
 * Owns: a copy, or a view and for a while the pin that keeps it intact.
 * Order: pin, then look: what is reachable from then on stays.
 * Locks: the inode's.
 * Distrust: a view without its pin; it is checked after every read.
 */
#include "last.h"

#include "inode.h"

static int copy_value(struct fs *fs, const void *key, size_t key_size, struct fs_last *last)
{
	int rc;

	last->copy = malloc(last->value.size ? last->value.size : 1);
	if (!last->copy)
		return -ENOMEM;
	if (last->value.type == SHMFS_NUMBER) {
		memcpy(last->copy, last->value.text, last->value.size);
		return 0;
	}
	memcpy(last->copy, last->view.data, last->value.size);
	rc = shmfs_view_valid(fs->store, &last->view);
	if (rc) {
		free(last->copy);
		last->copy = NULL;
	}
	return rc == -ESTALE ? -EAGAIN : rc;
}

static int pin_value(struct fs *fs, const void *key, size_t key_size, struct fs_last *last)
{
	int rc = shmfs_pin(fs->store, &last->pin);

	if (!rc)
		rc = fs_value_view(fs, key, key_size, &last->value, &last->view);
	if (!rc && last->value.size <= FS_KEPT)
		rc = -EAGAIN;
	if (rc && last->pin) {
		shmfs_unpin(last->pin);
		last->pin = NULL;
	}
	return rc;
}

int fs_last_take(struct fs *fs, struct fs_inode *inode, const void *key, size_t key_size,
                 bool may_pin, struct fs_last **out)
{
	struct fs_last *last = calloc(1, sizeof(*last));
	int rc;

	*out = NULL;
	if (!last)
		return -ENOMEM;
	last->inode = inode;
	do {
		rc = fs_value_view(fs, key, key_size, &last->value, &last->view);
		if (!rc && last->value.size > FS_KEPT && !may_pin)
			rc = -ENOENT;
		if (!rc)
			rc = last->value.size > FS_KEPT ? pin_value(fs, key, key_size, last)
			                                : copy_value(fs, key, key_size, last);
	} while (rc == -EAGAIN);
	if (rc) {
		free(last);
		return rc == -ENOENT ? 0 : rc;
	}
	*out = last;
	return 0;
}

static void unpin(struct fs *fs, struct fs_due *due)
{
	struct fs_last *last = (struct fs_last *)((char *)due - offsetof(struct fs_last, due));

	pthread_mutex_lock(&last->inode->lock);
	shmfs_unpin(last->pin);
	last->pin = NULL;
	pthread_mutex_unlock(&last->inode->lock);
}

void fs_last_keep(struct fs *fs, struct fs_last *last)
{
	if (!last->pin)
		return;
	last->due.run = unpin;
	fs_keeper_arm(fs, &last->due, FS_PIN_MS);
}

int fs_last_read(struct fs *fs, struct fs_last *last, uint64_t offset, void *buf, size_t *size)
{
	uint64_t all = last->value.size;

	if (offset >= all)
		*size = 0;
	else if (*size > all - offset)
		*size = all - offset;
	if (!*size)
		return 0;
	if (last->copy) {
		memcpy(buf, last->copy + offset, *size);
		return 0;
	}
	memcpy(buf, (const unsigned char *)last->view.data + offset, *size);
	return last->pin ? 0 : shmfs_view_valid(fs->store, &last->view);
}

void fs_last_free(struct fs *fs, struct fs_last *last)
{
	if (!last)
		return;
	fs_keeper_cancel(fs, &last->due);
	if (last->pin)
		shmfs_unpin(last->pin);
	free(last->copy);
	free(last);
}
