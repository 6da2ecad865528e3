/* SPDX-License-Identifier: MIT */
/*
 * cursors_dir: the directory of all cursors: mkdir makes one, rmdir forgets it.
 *
 * Owns: per open directory the list of the cursors there were when reading began, so that each
 * is met once whatever comes and goes meanwhile.
 * Locks: the open directory's.
 */
#include "cursor.h"
#include "waiter.h"

#include <stdio.h> /* RENAME_NOREPLACE */

struct listed {
	uint64_t number;
	char name[SHMFS_NAME_SIZE];
};

struct open_dir {
	pthread_mutex_t lock;
	struct listed *list;
	size_t count, room;
};

static int count_one(void *arg, const void *name, size_t size, uint64_t position)
{
	++*(nlink_t *)arg;
	return 0;
}

static int cursors_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                        struct stat *st, double *keep)
{
	fs_attr_fill(fs, inode, st);
	st->st_nlink = 2;
	return shmfs_cursor_walk(fs->store, count_one, &st->st_nlink);
}

/* ---- names --------------------------------------------------------------------------------- */

static int reply_cursor(struct fs *fs, fuse_req_t req, const struct fs_cursor *cursor)
{
	struct fs_inode *inode = fs_inode_get(fs, &fs_cursor_kind, cursor->name, cursor->size, true);
	struct fuse_entry_param e = {0};
	int rc = inode ? inode->kind->attr(fs, inode, 0, 0, &e.attr, &e.attr_timeout) : -ENOMEM;

	if (!rc)
		fs_inode_reply(fs, req, inode, &e);
	fs_inode_put(fs, inode);
	return rc;
}

static int cursors_lookup(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name)
{
	struct fs_cursor cursor;
	uint64_t position;
	int rc = fs_cursor_named(fs, name, &cursor);

	if (!rc)
		rc = shmfs_cursor_get(fs->store, cursor.name, cursor.size, &position);
	if (!rc)
		rc = reply_cursor(fs, req, &cursor);
	return rc == -EINVAL || rc == -ESTALE ? -ENOENT : rc;
}

static int cursors_mkdir(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name)
{
	struct fs_cursor cursor;
	int rc = fs_cursor_named(fs, name, &cursor);

	if (rc == -ENOENT)
		rc = -ENAMETOOLONG;
	if (!rc)
		rc = shmfs_cursor_create(fs->store, cursor.name, cursor.size, SHMFS_LOG_BEGIN);
	return rc ? rc : reply_cursor(fs, req, &cursor);
}

static int cursors_rmdir(struct fs *fs, struct fs_inode *dir, const char *name)
{
	struct fs_cursor cursor;
	int rc = fs_cursor_named(fs, name, &cursor);

	if (!rc)
		rc = shmfs_cursor_del(fs->store, cursor.name, cursor.size);
	if (!rc) {
		fs_cursor_rename(fs, &cursor, NULL);
		fs_waiter_look(fs);
	}
	return rc == -EINVAL ? -ENOENT : rc;
}

static int cursors_rename(struct fs *fs, struct fs_inode *dir, const char *name,
                          const char *newname, unsigned int flags, pid_t thread)
{
	struct fs_cursor from, to;
	int rc;

	if (flags & ~(unsigned int)RENAME_NOREPLACE)
		return -EINVAL;
	rc = fs_cursor_named(fs, name, &from);
	if (rc)
		return rc == -EINVAL ? -ENOENT : rc;
	rc = fs_cursor_named(fs, newname, &to);
	if (rc == -ENOENT)
		rc = -ENAMETOOLONG;
	if (!rc)
		rc = shmfs_cursor_rename(fs->store, from.name, from.size, to.name, to.size);
	if (!rc)
		fs_cursor_rename(fs, &from, &to);
	return rc;
}

/* ---- listing -------------------------------------------------------------------------------- */

static void cursors_release(struct fs *fs, struct fs_inode *dir, struct fuse_file_info *fi)
{
	struct open_dir *d = (struct open_dir *)(uintptr_t)fi->fh;

	/* The thread that answered the last READDIR may not have let go yet. */
	pthread_mutex_lock(&d->lock);
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_destroy(&d->lock);
	free(d->list);
	free(d);
}

static int cursors_open(struct fs *fs, fuse_req_t req, struct fs_inode *dir,
                        struct fuse_file_info *fi)
{
	struct open_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	fi->fh = (uintptr_t)d;
	if (fuse_reply_open(req, fi) == -ENOENT)
		cursors_release(fs, dir, fi);
	return 0;
}

static int note(void *arg, const void *name, size_t size, uint64_t position)
{
	struct open_dir *d = arg;
	struct listed *one;

	if (d->count == d->room) {
		size_t room = d->room ? d->room * 2 : 16;
		struct listed *grown = realloc(d->list, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		d->list = grown;
		d->room = room;
	}
	one = &d->list[d->count];
	if (shmfs_name_encode(name, size, one->name) >= 0) {
		one->number = fs_inode_number(&fs_cursor_kind, name, size);
		d->count++;
	}
	return 0;
}

static int cursors_readdir(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                           uint64_t offset, struct fuse_file_info *fi, bool plus)
{
	struct open_dir *d = (struct open_dir *)(uintptr_t)fi->fh;
	char *buf = malloc(size ? size : 1);
	size_t used = 0, n;
	int rc = 0;

	if (!buf)
		return -ENOMEM;
	pthread_mutex_lock(&d->lock);
	if (!offset) {
		d->count = 0;
		rc = shmfs_cursor_walk(fs->store, note, d);
	}
	for (; !rc && offset < d->count + 2; offset++, used += n) {
		const char *name = offset ? ".." : ".";
		struct stat st = {.st_mode = S_IFDIR, .st_ino = offset ? FS_INO_ROOT : dir->number};

		if (offset >= 2) {
			name = d->list[offset - 2].name;
			st.st_ino = d->list[offset - 2].number;
		}
		n = fs_add_direntry(req, plus, buf + used, size - used, name, &st, offset + 1);
		if (n > size - used)
			break;
	}
	if (!rc)
		fuse_reply_buf(req, buf, used);
	pthread_mutex_unlock(&d->lock);
	free(buf);
	return rc;
}

const struct fs_kind fs_cursors_kind = {
	.type = S_IFDIR,
	.attr = cursors_attr,
	.open = cursors_open,
	.release = cursors_release,
	.lookup = cursors_lookup,
	.readdir = cursors_readdir,
	.mkdir = cursors_mkdir,
	.rmdir = cursors_rmdir,
	.rename = cursors_rename,
};
