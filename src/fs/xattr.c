/* SPDX-License-Identifier: MIT */
/*
 * xattr: user.shmfs.type, .version and .key of a key.
 *
 * Setting the type keeps what the file reads as: a number becomes its text, a text the
 * number it is.
 * Locks: the inode's.
 */
#include "xattr.h"

#include "draft.h"
#include "handle.h"
#include "settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/xattr.h>

#define TYPE    "user.shmfs.type"
#define VERSION "user.shmfs.version"
#define KEY     "user.shmfs.key"

static const char names[] = TYPE "\0" VERSION "\0" KEY;

static bool ours(const char *name)
{
	return !strcmp(name, TYPE) || !strcmp(name, VERSION) || !strcmp(name, KEY);
}

/* size 0 asks how long it is. */
static int reply(fuse_req_t req, const void *value, size_t n, size_t size)
{
	if (!size)
		fuse_reply_xattr(req, n);
	else if (n > size)
		return -ERANGE;
	else
		fuse_reply_buf(req, value, n);
	return 0;
}

/* A copy: after the reply the inode may be gone, and its lock with it. */
static int get_key(fuse_req_t req, struct fs_inode *inode, size_t size)
{
	size_t n;
	void *key;
	int rc;

	pthread_mutex_lock(&inode->lock);
	n = inode->key_size;
	key = malloc(n ? n : 1);
	if (key)
		memcpy(key, inode->key, n);
	pthread_mutex_unlock(&inode->lock);
	rc = key ? reply(req, key, n, size) : -ENOMEM;
	free(key);
	return rc;
}

int fs_xattr_get(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const char *name,
                 size_t size)
{
	struct fs_value value = {0};
	char text[24];
	int rc = 0;

	if (!ours(name))
		return -ENODATA;
	if (!strcmp(name, KEY))
		return get_key(req, inode, size);
	pthread_mutex_lock(&inode->lock);
	if (inode->detached)
		rc = -ENODATA;
	else
		rc = fs_value_look(fs, inode->key, inode->key_size, &value);
	pthread_mutex_unlock(&inode->lock);
	if (rc)
		return rc == -ENOENT ? -ENODATA : rc; /* a file not published yet */
	if (!strcmp(name, TYPE)) {
		const char *type = fs_value_type_name(value.type);

		return reply(req, type, strlen(type), size);
	}
	snprintf(text, sizeof(text), "%" PRIu64, value.version);
	return reply(req, text, strlen(text), size);
}

int fs_xattr_list(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size)
{
	return reply(req, names, sizeof(names), size);
}

/* The same content under another type.  The inode's lock is held. */
static int set_type(struct fs *fs, struct fs_inode *inode, uint32_t type)
{
	struct fs_draft draft;
	struct fs_value value;
	uint64_t version;
	int rc;

	fs_draft_begin(&draft, fs->store);
	do {
		rc = fs_draft_seed(&draft, fs, inode->key, inode->key_size, UINT64_MAX, 0, &value);
		if (rc || value.type == type)
			break;
		version = value.version;
		rc = fs_draft_publish(&draft, inode->key, inode->key_size, type | SHMFS_IF_VERSION,
		                      &version);
	} while (rc == -ESTALE);
	fs_draft_drop(&draft);
	return rc;
}

int fs_xattr_set(struct fs *fs, struct fs_inode *inode, const char *name, const char *value,
                 size_t size, int flags)
{
	uint32_t type;
	int rc;

	if (strcmp(name, TYPE) != 0)
		return -EOPNOTSUPP;
	if (flags & XATTR_CREATE)
		return -EEXIST;
	rc = fs_value_type_parse(value, size, &type);
	if (rc)
		return rc;
	fs_settle_inode(fs, inode);
	pthread_mutex_lock(&inode->lock);
	rc = inode->detached ? -ENODATA : fs_shared_publish(fs, inode);
	if (!rc)
		rc = set_type(fs, inode, type);
	pthread_mutex_unlock(&inode->lock);
	return rc == -ENOENT ? -ENODATA : rc;
}

int fs_xattr_remove(struct fs *fs, struct fs_inode *inode, const char *name)
{
	return ours(name) ? -EOPNOTSUPP : -ENODATA;
}
