/* SPDX-License-Identifier: MIT */
/*
 * keys_dir: the directory of all keys: look up, make, remove, rename.
 *
 * Invariant: an inode follows its name: renamed, its handles write to the new key;
 * unlinked or renamed over, it is detached and keeps what the key held.
 * Locks: the inodes', two of them in the order of their addresses.
 * Distrust: names are resolved again at every call.
 */
#include "handle.h"
#include "keys_list.h"
#include "last.h"
#include "names.h"
#include "pages.h"
#include "settle.h"

#include <fcntl.h>
#include <stdio.h> /* RENAME_NOREPLACE */

static int keys_attr(struct fs *fs, struct fs_inode *inode, uint64_t fh, pid_t thread,
                     struct stat *st, double *keep)
{
	struct fs_ask ask;
	int rc;

	fs_attr_fill(fs, inode, st);
	st->st_nlink = 2;
	fs_cache_ask(fs, SHMFS_WATCH_NAMES, &ask);
	rc = fs_keys_list_times(fs, st);
	if (!rc)
		*keep = fs_cache_keep_names(fs, &ask);
	return rc;
}

/* Has this thread opened it, to make it? */
static bool makes(struct fs_inode *inode, pid_t thread)
{
	struct timespec opened;
	uint64_t size;
	bool does;

	pthread_mutex_lock(&inode->lock);
	does = fs_handle_makes(inode, thread, &size, &opened);
	pthread_mutex_unlock(&inode->lock);
	return does;
}

/* ---- looking up --------------------------------------------------------------------------- */

/* There is no such name, nor an unpublished one: the kernel may know. */
static void reply_absent(struct fs *fs, fuse_req_t req, double keep)
{
	struct fuse_entry_param e = {.entry_timeout = keep};

	if (keep > 0)
		fuse_reply_entry(req, &e);
	else
		fuse_reply_err(req, ENOENT);
}

static int reply_key(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const struct fs_ask *ask,
                     bool stored)
{
	struct fuse_entry_param e = {0};
	int rc = inode->kind->attr(fs, inode, 0, fuse_req_ctx(req)->pid, &e.attr, &e.attr_timeout);

	if (rc)
		return rc == -ESTALE ? -ENOENT : rc;
	if (stored) {
		pthread_mutex_lock(&inode->lock);
		e.entry_timeout = fs_cache_keep_entry(fs, ask, inode);
		pthread_mutex_unlock(&inode->lock);
	}
	fs_inode_reply(fs, req, inode, &e);
	return 0;
}

/*
 * A key is there when the store has it, and for the thread that has made it but not published
 * it yet: it may rename or remove what it is writing, as programs do that write safely.
 */
static int keys_lookup(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name)
{
	struct fs_inode *inode = NULL;
	struct fs_ask ask = {0};
	struct fs_key key;
	int rc = fs_names_key(fs, name, &key);

	if (rc == -EINVAL) { /* and never will be one */
		reply_absent(fs, req, fs_cache_on(fs) ? FS_NEVER_CHANGE : 0);
		rc = 0;
	} else if (!rc) {
		fs_settle_key(fs, key.bytes, key.size);
		fs_cache_ask(fs, fs_cache_set(fs, key.bytes, key.size), &ask);
		rc = shmfs_exists(fs->store, key.bytes, key.size, NULL);
		if (!rc || rc == -ENOENT)
			inode = fs_inode_get(fs, &fs_key_kind, key.bytes, key.size, !rc);
		if (rc && inode && !makes(inode, fuse_req_ctx(req)->pid)) {
			fs_inode_put(fs, inode); /* another's, not there yet, but about to be */
			fs_names_drop(&key);
			return -ENOENT;
		}
		if (inode) {
			rc = reply_key(fs, req, inode, &ask, !rc);
		} else if (rc == -ENOENT) {
			reply_absent(fs, req, fs_cache_keep_absent(fs, &ask, key.bytes, key.size));
			rc = 0;
		} else if (!rc) {
			rc = -ENOMEM;
		}
		fs_inode_put(fs, inode);
	}
	fs_names_drop(&key);
	return rc;
}

static int keys_create(struct fs *fs, fuse_req_t req, struct fs_inode *dir, const char *name,
                       struct fuse_file_info *fi)
{
	struct fuse_entry_param e = {0};
	struct fs_handle *h = NULL;
	struct fs_inode *inode = NULL;
	struct fs_key key;
	pid_t thread = fuse_req_ctx(req)->pid;
	int rc = fs_names_key(fs, name, &key);

	if (rc == -ENOENT)
		rc = -ENAMETOOLONG; /* the name of a long key: only a key can make it */
	if (!rc) {
		fs_settle_key(fs, key.bytes, key.size);
		inode = fs_inode_get(fs, &fs_key_kind, key.bytes, key.size, true);
		rc = inode ? fs_handle_open(fs, inode, fi->flags | O_CREAT, thread, &h) : -ENOMEM;
	}
	if (!rc)
		rc = inode->kind->attr(fs, inode, (uintptr_t)h, thread, &e.attr, &e.attr_timeout);
	if (!rc) {
		e.ino = fs_inode_node(fs, inode);
		e.attr_timeout = 0; /* the kernel did not ask for them */
		fi->fh = (uintptr_t)h;
		fs_pages_open(fs, h, fi);
		fs_cache_not_absent(fs, key.bytes, key.size);
		fs_inode_lookup(fs, inode);
		if (fuse_reply_create(req, &e, fi) == -ENOENT) {
			fs_inode_forget(fs, inode, 1);
			fs_handle_release(fs, h);
		}
	} else if (h) {
		fs_handle_release(fs, h);
	}
	fs_inode_put(fs, inode);
	fs_names_drop(&key);
	return rc;
}

/* ---- removing and renaming ----------------------------------------------------------------- */

/* Does the inode still stand for the key?  Its lock is held. */
static bool stands_for(const struct fs_inode *inode, const struct fs_key *key)
{
	return !inode->detached && inode->key_size == key->size &&
	       !memcmp(inode->key, key->bytes, key->size);
}

static void detach(struct fs *fs, struct fs_inode *inode, struct fs_last *last)
{
	inode->detached = true;
	inode->last = last;
	fs_cache_doom(fs, inode);
	fs_inode_unlist(fs, inode);
	if (last)
		fs_last_keep(fs, last);
}

/* Delete a key that is open: keep exactly the version that goes away. */
static int remove_open(struct fs *fs, struct fs_inode *inode)
{
	struct fs_last *last = NULL;
	uint64_t version;
	int rc = fs_shared_publish(fs, inode);

	if (rc == -ESTALE || rc == -ENOSPC || rc == -EFBIG)
		fs_shared_drop(fs, inode); /* deletes work on a full disk */
	do {
		fs_last_free(fs, last);
		rc = fs_last_take(fs, inode, inode->key, inode->key_size, true, &last);
		if (rc)
			return rc;
		if (!last) /* made, but not published: there is nothing in the store */
			break;
		version = last->value.version;
		rc = shmfs_del(fs->store, inode->key, inode->key_size, SHMFS_IF_VERSION, &version);
	} while (rc == -ESTALE || rc == -ENOENT);
	if (rc) {
		fs_last_free(fs, last);
		return rc;
	}
	detach(fs, inode, last);
	return 0;
}

static int keys_unlink(struct fs *fs, struct fs_inode *dir, const char *name)
{
	struct fs_inode *inode = NULL;
	bool done = false;
	struct fs_key key;
	int rc = fs_names_key(fs, name, &key);

	if (!rc) {
		fs_settle_key(fs, key.bytes, key.size);
		inode = fs_inode_get(fs, &fs_key_kind, key.bytes, key.size, false);
	}
	if (inode) {
		pthread_mutex_lock(&inode->lock);
		if (inode->handles && stands_for(inode, &key)) {
			rc = remove_open(fs, inode);
			done = true;
		}
		pthread_mutex_unlock(&inode->lock);
	}
	if (!rc && !done)
		rc = shmfs_del(fs->store, key.bytes, key.size, 0, NULL);
	fs_inode_put(fs, inode);
	fs_names_drop(&key);
	return rc == -EINVAL ? -ENOENT : rc;
}

static void lock_both(struct fs_inode *a, struct fs_inode *b)
{
	if (a && b && b < a) {
		struct fs_inode *swap = a;

		a = b;
		b = swap;
	}
	if (a)
		pthread_mutex_lock(&a->lock);
	if (b)
		pthread_mutex_lock(&b->lock);
}

static void unlock_both(struct fs_inode *a, struct fs_inode *b)
{
	if (a)
		pthread_mutex_unlock(&a->lock);
	if (b)
		pthread_mutex_unlock(&b->lock);
}

/* Both locked; either may be NULL: no inode has that key. */
static int rename_locked(struct fs *fs, struct fs_inode *a, const struct fs_key *from,
                         struct fs_inode *b, const struct fs_key *to, bool no_replace)
{
	struct fs_last *last = NULL;
	bool follow = a && stands_for(a, from), over = b && stands_for(b, to);
	int rc = follow ? fs_shared_publish(fs, a) : 0;

	/* A short value also if it is not open: an open(2) may have found it by name just now. */
	if (!rc && over && !no_replace) {
		if (fs_shared_publish(fs, b))
			fs_shared_drop(fs, b);
		rc = fs_last_take(fs, b, to->bytes, to->size, b->handles != NULL, &last);
	}
	if (!rc)
		rc = shmfs_rename(fs->store, from->bytes, from->size, to->bytes, to->size,
		                  no_replace ? SHMFS_IF_ABSENT : 0);
	if (rc) {
		fs_last_free(fs, last);
		return rc;
	}
	if (over)
		detach(fs, b, last);
	if (follow && fs_inode_rekey(fs, a, to->bytes, to->size))
		detach(fs, a, NULL);
	return 0;
}

static int keys_rename(struct fs *fs, struct fs_inode *dir, const char *name, const char *newname,
                       unsigned int flags, pid_t thread)
{
	struct fs_inode *a = NULL, *b = NULL;
	struct fs_key from, to;
	int rc;

	if (flags & ~(unsigned int)RENAME_NOREPLACE)
		return -EINVAL;
	rc = fs_names_key(fs, name, &from);
	if (rc) {
		fs_names_drop(&from);
		return rc == -EINVAL ? -ENOENT : rc;
	}
	rc = fs_names_key(fs, newname, &to);
	if (rc == -ENOENT)
		rc = -ENAMETOOLONG;
	if (!rc) {
		fs_settle_key(fs, from.bytes, from.size);
		fs_settle_key(fs, to.bytes, to.size);
		a = fs_inode_get(fs, &fs_key_kind, from.bytes, from.size, false);
		b = fs_inode_get(fs, &fs_key_kind, to.bytes, to.size, false);
	}
	if (!rc && a)
		rc = fs_handle_publish_own(fs, a, thread);
	if (!rc && a != b) {
		lock_both(a, b);
		rc = rename_locked(fs, a, &from, b, &to, flags & RENAME_NOREPLACE);
		unlock_both(a, b);
	} else if (!rc && !a) {
		rc = shmfs_rename(fs->store, from.bytes, from.size, to.bytes, to.size,
		                  flags & RENAME_NOREPLACE ? SHMFS_IF_ABSENT : 0);
	}
	if (!rc)
		fs_cache_not_absent(fs, to.bytes, to.size);
	fs_inode_put(fs, a);
	fs_inode_put(fs, b);
	fs_names_drop(&from);
	fs_names_drop(&to);
	return rc;
}

const struct fs_kind fs_keys_kind = {
	.type = S_IFDIR,
	.attr = keys_attr,
	.open = fs_keys_list_open,
	.release = fs_keys_list_release,
	.readdir = fs_keys_list_read,
	.lookup = keys_lookup,
	.create = keys_create,
	.unlink = keys_unlink,
	.rename = keys_rename,
};
