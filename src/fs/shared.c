/* SPDX-License-Identifier: MIT */
/*
 * shared: writes that take effect at once.
 *
 * A short value is read, changed and put again if its version is still the one read, else
 * all over: so no append is lost, whoever else writes.  That would make building a
 * long value quadratic.  A value above FS_SMALL is therefore copied into a draft at the
 * first write; all handles of the inode write there, and it is published
 * at FLUSH, fsync, RELEASE, or FS_STAGE_MS after its first write, again only if the key still
 * has the version that was copied.  If not, the draft is built again: what is there now,
 * and on it what was appended, or over it what was written in place.
 *
 * Owns: inode->shared.  A detached inode has one too, which is never published.
 * Invariant: a draft holds only appends or only writes in place, for they are
 * replayed differently; a write of the other sort publishes it first.
 * Locks: the inode's.
 * Distrust: that the key has not changed since it was copied.
 */
#include "shared.h"

#include "keeper.h"
#include "last.h"

#define EXTENTS 256u /* places written; more of them: publish */

struct extent {
	uint64_t offset, size;
};

struct fs_shared {
	struct fs_draft draft;
	uint64_t version;   /* that was copied; 0: the key was absent */
	uint64_t base_size; /* its size */
	uint32_t type;
	bool appends;       /* or writes in place */
	bool dirty;
	_Atomic pid_t thread;
	struct fs_inode *inode;
	struct fs_due due;
	unsigned int extents;
	struct extent extent[EXTENTS];
};

static void drop(struct fs_inode *inode)
{
	fs_draft_drop(&inode->shared->draft);
	inode->shared->dirty = false;
	inode->shared->version = 0;
	inode->shared->extents = 0;
	inode->shared->draft.writers_known = 0;
}

/* Is there a draft with something in it? */
static bool live(const struct fs_inode *inode)
{
	return inode->shared && inode->shared->dirty;
}

/* ---- replay ------------------------------------------------------------------------- */

static int copy_part(struct fs_draft *to, uint64_t at, struct fs_draft *from, uint64_t offset,
                     uint64_t size)
{
	size_t room = size < FS_IO ? size : FS_IO;
	char *buf = malloc(room ? room : 1);
	int rc = buf ? 0 : -ENOMEM;

	while (!rc && size) {
		size_t n = size < room ? size : room;

		rc = fs_draft_read(from, offset, buf, &n);
		if (!rc && !n)
			rc = -EIO;
		if (!rc)
			rc = fs_draft_write(to, at, buf, n);
		at += n;
		offset += n;
		size -= n;
	}
	free(buf);
	return rc;
}

/* Somebody else put the key: do on that what was done on the version we copied. */
static int replay(struct fs *fs, struct fs_inode *inode)
{
	struct fs_shared *sh = inode->shared;
	uint64_t size = fs_draft_size(&sh->draft);
	struct fs_draft next;
	struct fs_value value;
	int rc;

	fs_draft_begin(&next, fs->store);
	rc = fs_draft_seed(&next, fs, inode->key, inode->key_size, UINT64_MAX, size, &value);
	if (rc)
		return rc == -ENOENT ? -ESTALE : rc;
	if (sh->appends) {
		rc = copy_part(&next, value.size, &sh->draft, sh->base_size, size - sh->base_size);
	} else {
		for (unsigned int i = 0; !rc && i < sh->extents; i++)
			rc = copy_part(&next, sh->extent[i].offset, &sh->draft,
			               sh->extent[i].offset, sh->extent[i].size);
	}
	if (rc) {
		fs_draft_drop(&next);
		return rc;
	}
	memcpy(next.writers, sh->draft.writers, sizeof(next.writers));
	next.writers_known = sh->draft.writers_known;
	fs_draft_drop(&sh->draft);
	sh->draft = next;
	sh->version = value.version;
	sh->base_size = value.size;
	sh->type = value.type;
	return 0;
}

int fs_shared_publish(struct fs *fs, struct fs_inode *inode)
{
	struct fs_shared *sh = inode->shared;
	uint64_t version;
	int rc;

	if (!live(inode) || inode->detached)
		return 0;
	fs_cache_outdate(fs, inode);
	for (;;) {
		version = sh->version;
		rc = fs_draft_publish(&sh->draft, inode->key, inode->key_size,
		                      sh->type | SHMFS_IF_VERSION, &version);
		if (rc != -ESTALE)
			break;
		rc = replay(fs, inode);
		if (rc)
			return rc;
	}
	if (!rc || (!sh->draft.put && !sh->draft.small)) { /* or it is lost: say so once */
		drop(inode);
		fs_keeper_disarm(fs, &sh->due);
	}
	return rc;
}

/* A second has passed.  If it fails, FLUSH tries again and says so. */
static void publish_due(struct fs *fs, struct fs_due *due)
{
	struct fs_shared *sh = (struct fs_shared *)((char *)due - offsetof(struct fs_shared, due));

	pthread_mutex_lock(&sh->inode->lock);
	fs_shared_publish(fs, sh->inode);
	pthread_mutex_unlock(&sh->inode->lock);
}

/* ---- the draft ------------------------------------------------------------------------ */

static int make(struct fs *fs, struct fs_inode *inode)
{
	struct fs_shared *sh;

	if (inode->shared)
		return 0;
	sh = calloc(1, sizeof(*sh));
	if (!sh)
		return -ENOMEM;
	fs_draft_begin(&sh->draft, fs->store);
	sh->inode = inode;
	sh->due.run = publish_due;
	inode->shared = sh;
	return 0;
}

/* Copy what the key holds; it is about to become `size` bytes. */
static int seed(struct fs *fs, struct fs_inode *inode, uint64_t size, bool appends, bool fresh)
{
	struct fs_value value = {0};
	struct fs_shared *sh;
	int rc = make(fs, inode);

	if (rc)
		return rc;
	sh = inode->shared;
	/* Half as much again: whoever appends once does so again. */
	rc = fs_draft_seed(&sh->draft, fs, inode->key, inode->key_size, UINT64_MAX,
	                   appends ? size + size / 2 : size, &value);
	if (rc == -ENOENT && fresh)
		rc = 0;
	if (rc)
		return rc == -ENOENT ? -ESTALE : rc;
	if (value.type == SHMFS_NUMBER) {
		drop(inode);
		return -EINVAL;
	}
	sh->version = value.version;
	sh->base_size = value.size;
	sh->type = value.type;
	sh->appends = appends;
	sh->extents = 0;
	sh->dirty = true;
	fs_keeper_arm(fs, &sh->due, FS_STAGE_MS);
	return 0;
}

/* A detached inode: what it held last, for its handles alone. */
static int seed_detached(struct fs *fs, struct fs_inode *inode)
{
	uint64_t offset = 0;
	char *buf;
	int rc;

	if (live(inode))
		return 0;
	rc = make(fs, inode);
	if (rc || !inode->last) {
		if (!rc)
			inode->shared->dirty = true;
		return rc;
	}
	buf = malloc(FS_IO);
	if (!buf)
		return -ENOMEM;
	while (!rc && offset < inode->last->value.size) {
		size_t n = FS_IO;

		rc = fs_last_read(fs, inode->last, offset, buf, &n);
		if (!rc)
			rc = fs_draft_write(&inode->shared->draft, offset, buf, n);
		offset += n;
	}
	free(buf);
	if (rc)
		drop(inode);
	else
		inode->shared->dirty = true;
	return rc;
}

/* Remember a place.  There is room: see fs_shared_write(). */
static void add_extent(struct fs_shared *sh, uint64_t offset, uint64_t size)
{
	struct extent *e;

	for (unsigned int i = sh->extents; i-- > 0;) {
		uint64_t end;

		e = &sh->extent[i];
		end = e->offset + e->size;
		if (offset < e->offset || offset > end)
			continue;
		if (offset + size > end)
			e->size = offset + size - e->offset;
		return;
	}
	e = &sh->extent[sh->extents++];
	e->offset = offset;
	e->size = size;
}

/* Write into the draft that is there. */
static int write_draft(struct fs_inode *inode, const struct fs_write *w)
{
	struct fs_shared *sh = inode->shared;
	uint64_t at = w->append ? fs_draft_size(&sh->draft) : w->offset;
	int rc;

	rc = fs_draft_write(&sh->draft, at, w->buf, w->size);
	if (rc)
		return rc;
	fs_draft_note(&sh->draft, w->owner);
	sh->thread = w->thread;
	if (!inode->detached && !sh->appends)
		add_extent(sh, at, w->size);
	return 0;
}

/* ---- write and resize ------------------------------------------------------------------ */

/* Read, change, put; for short values. */
static int write_now(struct fs *fs, struct fs_inode *inode, const struct fs_write *w)
{
	struct fs_draft draft;
	struct fs_value value;
	uint64_t version, end;
	int rc;

	fs_draft_begin(&draft, fs->store);
	do {
		memset(&value, 0, sizeof(value));
		rc = fs_draft_seed(&draft, fs, inode->key, inode->key_size, UINT64_MAX, 0, &value);
		if (rc == -ENOENT)
			rc = w->fresh ? 0 : -ESTALE;
		if (rc)
			break;
		if (__builtin_add_overflow(w->append ? value.size : w->offset, w->size, &end)) {
			rc = -EFBIG;
			break;
		}
		if (end > FS_SMALL || value.size > FS_SMALL) {
			rc = -EMSGSIZE;
			break;
		}
		rc = fs_draft_write(&draft, end - w->size, w->buf, w->size);
		if (rc)
			break;
		version = value.version;
		rc = fs_draft_publish(&draft, inode->key, inode->key_size,
		                      value.type | SHMFS_IF_VERSION, &version);
	} while (rc == -ESTALE);
	fs_draft_drop(&draft);
	return rc;
}

int fs_shared_write(struct fs *fs, struct fs_inode *inode, const struct fs_write *w)
{
	struct fs_value value = {0};
	uint64_t end;
	int rc;

	if (!w->size)
		return 0;
	if (inode->detached) {
		rc = seed_detached(fs, inode);
		return rc ? rc : write_draft(inode, w);
	}
	if (live(inode)) {
		if (inode->shared->appends == w->append &&
		    (w->append || inode->shared->extents < EXTENTS))
			return write_draft(inode, w);
		rc = fs_shared_publish(fs, inode);
		if (rc)
			return rc;
	}
	rc = fs_value_look(fs, inode->key, inode->key_size, &value);
	if (rc == -ENOENT)
		rc = w->fresh ? 0 : -ESTALE;
	if (rc)
		return rc;
	if (__builtin_add_overflow(w->append ? value.size : w->offset, w->size, &end) ||
	    end > SHMFS_VALUE_MAX)
		return -EFBIG;
	if (end <= FS_SMALL && value.size <= FS_SMALL) {
		fs_cache_outdate(fs, inode);
		rc = write_now(fs, inode, w);
		if (rc != -EMSGSIZE)
			return rc; /* else it has just grown */
	}
	if (value.type == SHMFS_NUMBER)
		return -EINVAL;
	rc = seed(fs, inode, end, w->append, w->fresh);
	return rc ? rc : write_draft(inode, w);
}

static int resize_now(struct fs *fs, struct fs_inode *inode, uint64_t size, bool only_extend)
{
	struct fs_draft draft;
	struct fs_value value;
	uint64_t version;
	int rc;

	fs_draft_begin(&draft, fs->store);
	do {
		rc = fs_value_look(fs, inode->key, inode->key_size, &value);
		if (!rc && (value.size == size || (only_extend && value.size > size)))
			break;
		if (!rc)
			rc = fs_draft_seed(&draft, fs, inode->key, inode->key_size, size, size, &value);
		if (!rc && only_extend && value.size > size)
			break;
		if (!rc)
			rc = fs_draft_resize(&draft, size);
		if (rc)
			break;
		version = value.version;
		rc = fs_draft_publish(&draft, inode->key, inode->key_size,
		                      value.type | SHMFS_IF_VERSION, &version);
	} while (rc == -ESTALE);
	fs_draft_drop(&draft);
	return rc == -ENOENT ? -ESTALE : rc;
}

int fs_shared_resize(struct fs *fs, struct fs_inode *inode, uint64_t size, bool only_extend)
{
	int rc;

	if (size > SHMFS_VALUE_MAX)
		return -EFBIG;
	if (!inode->detached) {
		rc = fs_shared_publish(fs, inode);
		if (rc)
			return rc;
		fs_cache_outdate(fs, inode);
		return resize_now(fs, inode, size, only_extend);
	}
	rc = seed_detached(fs, inode);
	if (rc || (only_extend && fs_draft_size(&inode->shared->draft) >= size))
		return rc;
	return fs_draft_resize(&inode->shared->draft, size);
}

/* ---- looking at it ---------------------------------------------------------------------- */

bool fs_shared_noted(const struct fs_inode *inode, uint64_t owner)
{
	return live(inode) && fs_draft_noted(&inode->shared->draft, owner);
}

bool fs_shared_size(const struct fs_inode *inode, pid_t thread, uint64_t *size)
{
	if (!live(inode) || (thread && inode->shared->thread != thread))
		return false;
	*size = fs_draft_size(&inode->shared->draft);
	return true;
}

int fs_shared_read(struct fs_inode *inode, uint64_t offset, void *buf, size_t *size)
{
	return fs_draft_read(&inode->shared->draft, offset, buf, size);
}

void fs_shared_drop(struct fs *fs, struct fs_inode *inode)
{
	if (!inode->shared)
		return;
	fs_keeper_disarm(fs, &inode->shared->due);
	drop(inode);
}

void fs_shared_free(struct fs *fs, struct fs_inode *inode)
{
	if (!inode->shared)
		return;
	fs_keeper_cancel(fs, &inode->shared->due);
	fs_draft_drop(&inode->shared->draft);
	free(inode->shared);
	inode->shared = NULL;
}
