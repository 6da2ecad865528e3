/* SPDX-License-Identifier: MIT */
/*
 * keys_list: reading the directory of keys.
 *
 * The offset behind an entry is FIRST + cursor / 2: 63 bits are all that telldir() has, so
 * two entries may share one.  Such a group goes out in one reply or begins again in the
 * next, and a seek to it goes on behind the group.
 *
 * Owns: one walk per open directory; whoever reads on from where the last reply ended, as
 * nearly everybody does, goes on with it.
 * Locks: the open directory's.
 */
#include "keys_list.h"

#include "handle.h"
#include "names.h"
#include "settle.h"

#define FIRST 3u /* 1 and 2 are behind . and .. */

struct open_dir {
	pthread_mutex_t lock;
	struct shmfs_iter *it;
	uint64_t at;     /* the offset the walk stands at */
	bool held;       /* `entry` did not fit into the last reply */
	struct shmfs_entry entry;
	char *buf;
	size_t room;
};

static uint64_t offset_of(uint64_t cursor)
{
	return FIRST + (cursor >> 1);
}

int fs_keys_list_open(struct fs *fs, fuse_req_t req, struct fs_inode *dir,
                      struct fuse_file_info *fi)
{
	struct open_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	fi->fh = (uintptr_t)d;
	if (fuse_reply_open(req, fi) == -ENOENT)
		fs_keys_list_release(fs, dir, fi);
	return 0;
}

void fs_keys_list_release(struct fs *fs, struct fs_inode *dir, struct fuse_file_info *fi)
{
	struct open_dir *d = (struct open_dir *)(uintptr_t)fi->fh;

	/* The thread that answered the last READDIR may not have let go yet. */
	pthread_mutex_lock(&d->lock);
	pthread_mutex_unlock(&d->lock);
	if (d->it)
		shmfs_iter_close(d->it);
	pthread_mutex_destroy(&d->lock);
	free(d->buf);
	free(d);
}

/* Let the walk stand at this offset. */
static int seek(struct fs *fs, struct open_dir *d, uint64_t offset)
{
	if (d->it && d->at == offset && offset >= FIRST)
		return 0;
	if (d->it)
		shmfs_iter_close(d->it);
	d->it = NULL;
	d->held = false;
	d->at = offset;
	return shmfs_iter_open(fs->store, &d->it,
	                       offset < FIRST ? 0 : (offset - FIRST) << 1 | 1);
}

static int next(struct open_dir *d)
{
	int rc = d->held ? 0 : shmfs_iter_next(d->it, &d->entry);

	d->held = false;
	return rc;
}

/* Fill the buffer with keys; *used says how much of it. */
static int list_keys(struct fs *fs, fuse_req_t req, struct open_dir *d, size_t size, size_t *used)
{
	size_t group = *used; /* where the entries with the offset d->at begin */
	uint64_t before = d->at;
	int rc;

	while ((rc = next(d)) == 0) {
		struct stat st = {.st_mode = S_IFREG};
		uint64_t offset = offset_of(d->entry.cursor);
		char name[SHMFS_NAME_SIZE];
		size_t n;

		if (shmfs_name_encode(d->entry.key, d->entry.key_size, name) == 1)
			fs_names_learn(fs, name, d->entry.key, d->entry.key_size);
		st.st_ino = fs_inode_number(&fs_key_kind, d->entry.key, d->entry.key_size);
		n = fuse_add_direntry(req, d->buf + *used, size - *used, name, &st, (off_t)offset);
		if (n > size - *used) {
			d->held = true;
			if (offset == d->at && group > 0 && group < *used) {
				*used = group; /* the whole group next time */
				d->at = before;
				shmfs_iter_close(d->it);
				d->it = NULL;
				d->held = false;
			}
			return 0;
		}
		if (offset != d->at) {
			before = d->at;
			group = *used;
			d->at = offset;
		}
		*used += n;
	}
	return rc == -ENOENT ? 0 : rc;
}

int fs_keys_list_read(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                      uint64_t offset, struct fuse_file_info *fi)
{
	struct open_dir *d = (struct open_dir *)(uintptr_t)fi->fh;
	struct stat st = {.st_mode = S_IFDIR, .st_ino = dir->number};
	size_t used = 0;
	int rc = 0;

	if (offset < FIRST)
		fs_settle_all(fs);
	pthread_mutex_lock(&d->lock);
	if (size > d->room) {
		char *grown = realloc(d->buf, size);

		if (grown) {
			d->buf = grown;
			d->room = size;
		} else {
			rc = -ENOMEM;
		}
	}
	if (!rc && offset < 1)
		used += fuse_add_direntry(req, d->buf + used, size - used, ".", &st, 1);
	if (!rc && offset < 2)
		used += fuse_add_direntry(req, d->buf + used, size - used, "..", &st, 2);
	if (!rc)
		rc = seek(fs, d, offset);
	if (!rc)
		rc = list_keys(fs, req, d, size, &used);
	if (!rc || used)
		fuse_reply_buf(req, d->buf, used);
	pthread_mutex_unlock(&d->lock);
	return used ? 0 : rc;
}

/* ---- times -------------------------------------------------------------------------------- */

int fs_keys_list_times(struct fs *fs, struct stat *st)
{
	/* asked for with every path: not for the log, whose frames would be counted */
	struct shmfs_stat now = {.struct_size = offsetof(struct shmfs_stat, log_head)};
	struct fs_change *seen = &fs->change;
	int rc = shmfs_stat(fs->store, &now);

	if (rc)
		return rc;
	pthread_mutex_lock(&seen->lock);
	if (seen->puts != now.puts || seen->keys != now.keys) {
		seen->puts = now.puts;
		seen->keys = now.keys;
		clock_gettime(CLOCK_REALTIME, &seen->when);
	}
	st->st_mtim = st->st_ctim = st->st_atim = seen->when;
	pthread_mutex_unlock(&seen->lock);
	return 0;
}
