/* SPDX-License-Identifier: MIT */
/*
 * pages: reading a key through the kernel's pages.
 *
 * Owns: inode->snap while there are readers.
 * Locks: the inode's.
 * Distrust: that the version the kernel has the size of is still there.
 */
#include "pages.h"

#include "park.h"

#include <fcntl.h>

#define STEP_US 200

/* Has it rested for a while?  Clocks that were set back say no. */
static bool quiet(const struct fs_value *value)
{
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return now > value->time_ns && now - value->time_ns >= FS_QUIET_NS;
}

static void drop_snap(struct fs_inode *inode)
{
	free(inode->snap);
	inode->snap = NULL;
}

static int copy_view(struct fs *fs, const struct fs_value *value, const struct shmfs_view *view,
                     struct fs_snap **out)
{
	struct fs_snap *snap = malloc(sizeof(*snap) + value->size);

	if (!snap)
		return -ENOMEM;
	snap->value = *value;
	snap->told_ms = fs_now_ms();
	if (value->type == SHMFS_NUMBER) {
		memcpy(snap->data, value->text, value->size);
	} else {
		memcpy(snap->data, view->data, value->size);
		if (shmfs_view_valid(fs->store, view)) {
			free(snap);
			return -EAGAIN;
		}
	}
	*out = snap;
	return 0;
}

/* Have this version of the value (0: any) in inode->snap.
 *	-ESTALE  it has another  -EMSGSIZE  it is too long */
static int take_snap(struct fs *fs, struct fs_inode *inode, uint64_t version)
{
	struct fs_snap *snap;
	struct shmfs_view view;
	struct fs_value value;
	int rc;

	if (version && inode->snap && inode->snap->value.version == version)
		return 0;
	drop_snap(inode);
	do {
		rc = fs_value_view(fs, inode->key, inode->key_size, &value, &view);
		if (!rc && version && value.version != version)
			rc = -ESTALE;
		if (!rc && value.size > FS_KEPT)
			rc = -EMSGSIZE;
		if (!rc)
			rc = copy_view(fs, &value, &view, &snap);
	} while (rc == -EAGAIN);
	if (!rc)
		inode->snap = snap;
	return rc;
}

/* ---- open and close ------------------------------------------------------------------------ */

void fs_pages_wait(struct fs *fs, struct fs_inode *inode)
{
	bool fresh;

	for (;;) {
		pthread_mutex_lock(&inode->lock);
		fresh = fs_cache_fresh(fs, inode);
		pthread_mutex_unlock(&inode->lock);
		if (!fresh)
			return;
		usleep(STEP_US); /* at most until FS_FRESH_MS are over: new ones are not let in */
	}
}

static bool open_cached(struct fs *fs, struct fs_handle *h, bool *keep)
{
	struct fs_inode *inode = h->inode;
	struct fs_value value;
	struct fs_ask ask;

	if (inode->detached || h->staged || h->make)
		return false;
	fs_cache_ask(fs, inode->cached.set, &ask);
	if (fs_value_look(fs, inode->key, inode->key_size, &value) || value.size > FS_PAGED ||
	    !quiet(&value) || !fs_cache_reader(fs, &ask, h, value.version, keep))
		return false;
	h->cached = true;
	if (!*keep && take_snap(fs, inode, value.version))
		fs_pages_close(fs, h);
	return h->cached;
}

void fs_pages_open(struct fs *fs, struct fs_handle *h, struct fuse_file_info *fi)
{
	struct fs_inode *inode = h->inode;
	bool keep = false, cached = false;

	if (fs_cache_on(fs)) {
		pthread_mutex_lock(&inode->lock);
		if (h->writable) {
			fs_cache_writer(fs, inode);
			h->counted = true;
		} else {
			cached = open_cached(fs, h, &keep);
		}
		pthread_mutex_unlock(&inode->lock);
		if (h->writable)
			fs_pages_wait(fs, inode);
		if (fi->flags & O_TRUNC) {
			fs_park_begin(fs, h);
			pthread_mutex_lock(&inode->lock);
			fs_cache_truncated(fs, inode);
			pthread_mutex_unlock(&inode->lock);
		}
	}
	fi->direct_io = !cached;
	fi->keep_cache = keep;
#ifdef FS_HAVE_NOFLUSH
	fi->noflush = !h->writable;
#endif
}

void fs_pages_close(struct fs *fs, struct fs_handle *h)
{
	if (h->counted)
		fs_cache_writer_gone(fs, h->inode);
	if (h->cached)
		fs_cache_reader_gone(fs, h);
	h->counted = h->cached = false;
	if (!h->inode->cached.readers)
		drop_snap(h->inode);
}

void fs_pages_published(struct fs *fs, struct fs_inode *inode)
{
	if (!fs_cache_outdated(fs, inode))
		drop_snap(inode);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A value that has become too long for a copy since it was opened. */
static int reply_part(struct fs *fs, fuse_req_t req, struct fs_inode *inode, const struct fs_ask *ask,
                      size_t size, uint64_t offset)
{
	uint64_t version = fs_cache_version(fs, inode);
	struct shmfs_view view;
	struct fs_value value;
	char *buf = malloc(size ? size : 1);
	int rc = buf ? fs_value_view(fs, inode->key, inode->key_size, &value, &view) : -ENOMEM;

	if (!rc && ((version && value.version != version) || value.type == SHMFS_NUMBER))
		rc = -ESTALE;
	if (!rc && offset < value.size) {
		size = size < value.size - offset ? size : value.size - offset;
		memcpy(buf, (const char *)view.data + offset, size);
		rc = shmfs_view_valid(fs->store, &view);
	} else {
		size = 0;
	}
	if (!rc) {
		fs_cache_keep_pages(fs, ask, inode, value.version, false);
		fuse_reply_buf(req, buf, size);
	}
	free(buf);
	return rc;
}

/* Was it told a moment ago of the size of this?  Then it asks for that, whatever there is now. */
static bool expected(const struct fs_snap *snap)
{
	return snap && fs_now_ms() - snap->told_ms <= FS_FRESH_MS;
}

static int reply(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size, uint64_t offset)
{
	const struct fs_snap *snap;
	struct fs_ask ask;
	uint64_t version;
	int rc;

	fs_cache_ask(fs, inode->cached.set, &ask);
	version = fs_cache_version(fs, inode);
	rc = !version && expected(inode->snap) ? 0 : take_snap(fs, inode, version);
	if (rc == -EMSGSIZE)
		return reply_part(fs, req, inode, &ask, size, offset);
	if (rc)
		return rc == -ENOENT ? -ESTALE : rc;
	snap = inode->snap;
	/* Of a version that is noted already the watcher knows that there may be pages. */
	if (!version)
		fs_cache_keep_pages(fs, &ask, inode, snap->value.version, true);
	if (offset >= snap->value.size)
		size = 0;
	else if (size > snap->value.size - offset)
		size = snap->value.size - offset;
	fuse_reply_buf(req, (const char *)snap->data + (size ? offset : 0), size);
	return 0;
}

int fs_pages_read(struct fs *fs, fuse_req_t req, struct fs_inode *inode, size_t size, uint64_t offset)
{
	int rc = reply(fs, req, inode, size, offset);

	inode->read_us = fs_now_us();
	pthread_mutex_unlock(&inode->lock);
	return rc;
}

int fs_pages_look(struct fs *fs, struct fs_inode *inode, const struct fs_ask *ask, bool reader,
                  struct fs_value *value)
{
	bool outdated = fs_cache_outdated(fs, inode);
	uint64_t version;
	int rc;

	if (!inode->cached.readers || (outdated && !reader))
		return fs_value_look(fs, inode->key, inode->key_size, value);
	if (reader)
		inode->read_us = fs_now_us();
	version = fs_cache_version(fs, inode);
	/* It has pages of that, and is about to be told to forget them: until then it is that. */
	rc = version && inode->snap && inode->snap->value.version == version ? 0
	                                                                    : take_snap(fs, inode, 0);
	if (rc == -EMSGSIZE)
		return fs_value_look(fs, inode->key, inode->key_size, value);
	if (rc)
		return rc;
	*value = inode->snap->value;
	inode->snap->told_ms = fs_now_ms();
	if (!version)
		fs_cache_keep_pages(fs, ask, inode, value->version, false);
	if (outdated)
		value->version = 0;
	return 0;
}

int fs_pages_tail(struct fs *fs, struct fs_inode *inode, const struct fs_ask *ask,
                  struct fs_value *value, unsigned char *last)
{
	int rc = inode->detached ? -ENODATA : fs_pages_look(fs, inode, ask, true, value);

	if (!rc && (!value->size || !inode->snap || inode->snap->value.size != value->size))
		rc = -ENODATA;
	if (!rc)
		*last = inode->snap->data[value->size - 1];
	return rc;
}
