/* SPDX-License-Identifier: MIT */
/*
 * keys_list: reading the directory of keys.
 *
 * The offset behind an entry is FIRST + cursor / 2: 63 bits are all that telldir() has, so
 * two entries may share one.  Such a group goes out in one reply or begins again in the
 * next, and a seek to it goes on behind the group.
 *
 * READDIRPLUS: with each name goes a reference to its inode, as with a LOOKUP; entries that are
 * taken back give theirs back.
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
	struct fs_inode **given; /* with the entries of this reply */
	size_t gifts, gift_room;
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
	free(d->given);
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

/* Take back what was given, but for the first `keep`. */
static void take_back(struct fs *fs, struct open_dir *d, size_t keep)
{
	while (d->gifts > keep)
		fs_inode_forget(fs, d->given[--d->gifts], 1);
}

static bool room_for_gift(struct open_dir *d)
{
	size_t room = d->gift_room ? d->gift_room * 2 : 64;
	struct fs_inode **grown;

	if (d->gifts < d->gift_room)
		return true;
	grown = realloc(d->given, room * sizeof(struct fs_inode *));
	if (!grown)
		return false;
	d->given = grown;
	d->gift_room = room;
	return true;
}

/* Attributes and an inode for the entry.  Without them it is a name alone, to be looked up. */
static struct fs_inode *fill_in(struct fs *fs, struct open_dir *d, struct fuse_entry_param *e)
{
	struct fs_inode *inode = NULL;
	struct fs_ask ask;
	struct stat st = e->attr;

	fs_cache_ask(fs, fs_cache_set(fs, d->entry.key, d->entry.key_size), &ask);
	if (!shmfs_exists(fs->store, d->entry.key, d->entry.key_size, NULL) && room_for_gift(d))
		inode = fs_inode_get(fs, &fs_key_kind, d->entry.key, d->entry.key_size, true);
	if (!inode)
		return NULL;
	if (inode->kind->attr(fs, inode, 0, 0, &e->attr, &e->attr_timeout)) {
		fs_inode_put(fs, inode);
		e->attr = st;
		return NULL;
	}
	pthread_mutex_lock(&inode->lock);
	e->entry_timeout = fs_cache_keep_entry(fs, &ask, inode);
	pthread_mutex_unlock(&inode->lock);
	e->ino = fs_inode_node(fs, inode);
	return inode;
}

/* Add d->entry: how many bytes that takes; more than there are: it was not added. */
static size_t add_key(struct fs *fs, fuse_req_t req, struct open_dir *d, bool plus, char *buf,
                      size_t size)
{
	struct fuse_entry_param e = {.attr.st_mode = S_IFREG};
	struct fs_inode *inode = NULL;
	uint64_t offset = offset_of(d->entry.cursor);
	char name[SHMFS_NAME_SIZE];
	size_t n;

	if (shmfs_name_encode(d->entry.key, d->entry.key_size, name) == 1)
		fs_names_learn(fs, name, d->entry.key, d->entry.key_size);
	e.attr.st_ino = fs_inode_number(&fs_key_kind, d->entry.key, d->entry.key_size);
	if (!plus)
		return fuse_add_direntry(req, buf, size, name, &e.attr, (off_t)offset);
	if (fuse_add_direntry_plus(req, NULL, 0, name, &e, (off_t)offset) <= size)
		inode = fill_in(fs, d, &e);
	n = fuse_add_direntry_plus(req, buf, size, name, &e, (off_t)offset);
	if (inode && n <= size) {
		fs_inode_lookup(fs, inode);
		d->given[d->gifts++] = inode;
	}
	fs_inode_put(fs, inode);
	return n;
}

/* Fill the buffer with keys; *used says how much of it. */
static int list_keys(struct fs *fs, fuse_req_t req, struct open_dir *d, bool plus, size_t size,
                     size_t *used)
{
	size_t group = *used, gifts = 0; /* where the entries with the offset d->at begin */
	uint64_t before = d->at;
	int rc;

	while ((rc = next(d)) == 0) {
		uint64_t offset = offset_of(d->entry.cursor);
		size_t given = d->gifts, n = add_key(fs, req, d, plus, d->buf + *used, size - *used);

		if (n > size - *used) {
			d->held = true;
			if (offset == d->at && group > 0 && group < *used) {
				*used = group; /* the whole group next time */
				take_back(fs, d, gifts);
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
			gifts = given;
			d->at = offset;
		}
		*used += n;
	}
	return rc == -ENOENT ? 0 : rc;
}

int fs_keys_list_read(struct fs *fs, fuse_req_t req, struct fs_inode *dir, size_t size,
                      uint64_t offset, struct fuse_file_info *fi, bool plus)
{
	struct open_dir *d = (struct open_dir *)(uintptr_t)fi->fh;
	struct stat st = {.st_mode = S_IFDIR, .st_ino = dir->number};
	size_t used = 0;
	int rc = 0;

	if (offset < FIRST)
		fs_settle_all(fs);
	pthread_mutex_lock(&d->lock);
	d->gifts = 0;
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
		used += fs_add_direntry(req, plus, d->buf + used, size - used, ".", &st, 1);
	if (!rc && offset < 2)
		used += fs_add_direntry(req, plus, d->buf + used, size - used, "..", &st, 2);
	if (!rc)
		rc = seek(fs, d, offset);
	if (!rc)
		rc = list_keys(fs, req, d, plus, size, &used);
	if ((!rc || used) && fuse_reply_buf(req, d->buf, used) == -ENOENT)
		take_back(fs, d, 0);
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
