/* SPDX-License-Identifier: MIT */
/*
 * cursor: from a directory's name to a cursor.
 *
 * Invariant: the inodes of a cursor, of its directory and files, have its name as their key and
 * follow when the mount renames it; those of a removed one are detached.  A cursor that
 * others remove and make again is the same to an open file.
 * Locks: an inode's, for its name.
 */
#include "cursor.h"

static const struct fs_kind *const kinds[] = {
	&fs_cursor_kind, &fs_position_kind, &fs_next_kind, &fs_wait_kind, &fs_lag_kind,
};

struct search {
	const char *name;
	struct fs_cursor *out;
};

static int compare(void *arg, const void *name, size_t size, uint64_t position)
{
	struct search *search = arg;
	char encoded[SHMFS_NAME_SIZE];

	if (shmfs_name_encode(name, size, encoded) != 1 || strcmp(encoded, search->name) != 0)
		return 0;
	memcpy(search->out->name, name, size);
	search->out->size = size;
	return 1;
}

int fs_cursor_named(struct fs *fs, const char *name, struct fs_cursor *out)
{
	struct search search = {name, out};
	size_t n = strlen(name);
	int rc;

	if (n >= SHMFS_NAME_SIZE)
		return -ENAMETOOLONG;
	out->size = sizeof(out->name);
	rc = shmfs_name_decode(name, n, out->name, &out->size);
	if (!rc && !out->size)
		return -EINVAL; /* a key may be empty, a cursor's name not */
	if (rc != -ENAMETOOLONG)
		return rc;
	rc = shmfs_cursor_walk(fs->store, compare, &search);
	return rc == 1 ? 0 : rc ? rc : -ENOENT;
}

int fs_cursor_of(struct fs_inode *inode, struct fs_cursor *out)
{
	int rc = 0;

	pthread_mutex_lock(&inode->lock);
	if (inode->detached) {
		rc = -ESTALE;
	} else {
		out->size = inode->key_size;
		memcpy(out->name, inode->key, inode->key_size);
	}
	pthread_mutex_unlock(&inode->lock);
	return rc;
}

int fs_cursor_position(struct fs *fs, struct fs_inode *inode, struct fs_cursor *cursor,
                       uint64_t *position)
{
	struct fs_cursor own;
	int rc;

	cursor = cursor ? cursor : &own;
	rc = fs_cursor_of(inode, cursor);
	if (!rc)
		rc = shmfs_cursor_get(fs->store, cursor->name, cursor->size, position);
	return rc == -ENOENT ? -ESTALE : rc;
}

int fs_cursor_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread, struct stat *st,
                   double *keep)
{
	uint64_t position;
	int rc = fs_cursor_position(fs, inode, NULL, &position);

	fs_attr_fill(fs, inode, st);
	st->st_mode &= ~(mode_t)0222;
	return rc;
}

static void detach(struct fs *fs, struct fs_inode *inode)
{
	pthread_mutex_lock(&inode->lock);
	inode->detached = true;
	fs_inode_unlist(fs, inode);
	pthread_mutex_unlock(&inode->lock);
}

static void follow(struct fs *fs, struct fs_inode *inode, const struct fs_cursor *to)
{
	pthread_mutex_lock(&inode->lock);
	if (!inode->detached && fs_inode_rekey(fs, inode, to->name, to->size))
		inode->detached = true;
	pthread_mutex_unlock(&inode->lock);
}

void fs_cursor_rename(struct fs *fs, const struct fs_cursor *from, const struct fs_cursor *to)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fs_inode *a = fs_inode_get(fs, kinds[i], from->name, from->size, false);
		struct fs_inode *b = NULL;

		/* What had the new name before it was free. */
		if (to)
			b = fs_inode_get(fs, kinds[i], to->name, to->size, false);
		if (b)
			detach(fs, b);
		if (a && to)
			follow(fs, a, to);
		else if (a)
			detach(fs, a);
		fs_inode_put(fs, a);
		fs_inode_put(fs, b);
	}
}
