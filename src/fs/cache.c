/* SPDX-License-Identifier: MIT */
/* cache: the handlers' half (cache.h); the watcher's is cache_told.c. */
#include "handle.h"

#include "cache_sets.h"
#include "options.h"

int fs_cache_open(struct fs *fs)
{
	struct fs_cache *c = calloc(1, sizeof(*c));
	int rc = 0;

	if (!c)
		return -ENOMEM;
	for (unsigned int i = 0; i < FS_SET_LOCKS; i++)
		pthread_mutex_init(&c->locks[i], NULL);
	fs->cache = c;
	if (fs->options->cache_strict)
		return 0;
	/* Who only reads cannot ask: asking is a store to the file. */
	if (fs->options->read_only)
		rc = shmfs_open(&c->writable, fs->options->store, SHMFS_RDWR, NULL);
	if (!rc)
		rc = shmfs_watch_open(fs->options->read_only ? c->writable : fs->store, &c->watch, 0);
	/* Not permitted to write, or 64 others watch: this mount is as with cache=strict. */
	c->on = rc == 0;
	return 0;
}

void fs_cache_close(struct fs *fs)
{
	struct fs_cache *c = fs->cache;

	if (!c)
		return;
	for (size_t i = 0; i < FS_SETS; i++) {
		while (c->sets[i].first) { /* the inodes have left */
			struct fs_cached *cached = c->sets[i].first;

			fs_set_remove(cached);
			free(cached);
		}
	}
	shmfs_watch_close(c->watch);
	if (c->writable)
		shmfs_close(c->writable);
	for (unsigned int i = 0; i < FS_SET_LOCKS; i++)
		pthread_mutex_destroy(&c->locks[i]);
	free(c);
	fs->cache = NULL;
}

bool fs_cache_on(const struct fs *fs)
{
	return fs->cache->on;
}

uint32_t fs_cache_set(const struct fs *fs, const void *key, size_t key_size)
{
	return shmfs_watch_set(fs->store, key, key_size);
}

/* ---- sets --------------------------------------------------------------------------------- */

void fs_set_insert(struct fs_cache *c, struct fs_cached *cached, uint32_t set,
                   const unsigned char *key, size_t key_size)
{
	struct fs_cached **at = &c->sets[set].first;

	if (cached->at)
		return;
	cached->set = set;
	cached->key = key;
	cached->key_size = key_size;
	cached->at = at;
	cached->next = *at;
	if (cached->next)
		cached->next->at = &cached->next;
	*at = cached;
}

void fs_set_remove(struct fs_cached *cached)
{
	if (!cached->at)
		return;
	*cached->at = cached->next;
	if (cached->next)
		cached->next->at = cached->at;
	cached->at = NULL;
}

void fs_set_suspect(struct fs_cache *c, uint32_t set)
{
	atomic_fetch_or(&c->suspects[set / 64], UINT64_C(1) << set % 64);
	c->suspected = true;
}

bool fs_set_fresh(const struct fs_cached *cached)
{
	const struct fs_handle *h = cached->readers;
	uint64_t now = h ? fs_now_ms() : 0;

	while (h && h->opened_ms + FS_FRESH_MS < now)
		h = h->reader_next;
	return h != NULL;
}

static struct fs_absent *find_absent(struct fs_cache *c, uint32_t set, const void *key,
                                     size_t key_size)
{
	struct fs_cached *cached = c->sets[set].first;

	while (cached && (!cached->is_absent || cached->key_size != key_size ||
	                  memcmp(cached->key, key, key_size) != 0))
		cached = cached->next;
	return (struct fs_absent *)cached;
}

/* Lock the set if nothing was told of it since it was asked for. */
static bool lock_untold(struct fs *fs, const struct fs_ask *ask)
{
	struct fs_cache *c = fs->cache;

	if (!ask->on)
		return false;
	pthread_mutex_lock(fs_set_lock(c, ask->set));
	if (c->on && c->sets[ask->set].told == ask->told)
		return true;
	pthread_mutex_unlock(fs_set_lock(c, ask->set));
	return false;
}

static void unlock(struct fs *fs, uint32_t set)
{
	pthread_mutex_unlock(fs_set_lock(fs->cache, set));
}

/* The set of an inode, locked. */
static struct fs_cached *lock_inode(struct fs *fs, struct fs_inode *inode)
{
	pthread_mutex_lock(fs_set_lock(fs->cache, inode->cached.set));
	return &inode->cached;
}

static void join(struct fs *fs, struct fs_inode *inode)
{
	fs_set_insert(fs->cache, &inode->cached, inode->cached.set, inode->key, inode->key_size);
}

/* ---- asking and keeping ---------------------------------------------------------------------- */

void fs_cache_ask(struct fs *fs, uint32_t set, struct fs_ask *ask)
{
	struct fs_cache *c = fs->cache;

	ask->on = c->on;
	if (!ask->on)
		return;
	ask->set = set;
	ask->told = c->sets[set].told;
	ask->on = shmfs_watch_add_set(c->watch, set) == 0;
}

double fs_cache_keep_attr(struct fs *fs, const struct fs_ask *ask, struct fs_inode *inode,
                          uint64_t version)
{
	struct fs_cached *cached = &inode->cached;
	bool keep;

	if (cached->set != ask->set || !lock_untold(fs, ask))
		return 0;
	keep = !cached->doomed && !cached->writers &&
	       (!cached->version || cached->version == version);
	if (keep) {
		cached->version = version;
		join(fs, inode);
	}
	unlock(fs, ask->set);
	return keep ? FS_NEVER_CHANGE : 0;
}

double fs_cache_keep_entry(struct fs *fs, const struct fs_ask *ask, struct fs_inode *inode)
{
	struct fs_cached *cached = &inode->cached;
	bool keep;

	if (cached->set != ask->set || !lock_untold(fs, ask))
		return 0;
	keep = !cached->doomed;
	if (keep) {
		cached->entry = true;
		join(fs, inode);
	}
	unlock(fs, ask->set);
	return keep ? FS_NEVER_CHANGE : 0;
}

double fs_cache_keep_absent(struct fs *fs, const struct fs_ask *ask, const void *key,
                            size_t key_size)
{
	struct fs_cache *c = fs->cache;
	struct fs_absent *absent;
	bool keep = true;

	if (c->absent >= FS_ABSENT_MOST || !lock_untold(fs, ask))
		return 0;
	absent = find_absent(c, ask->set, key, key_size);
	if (absent) {
		keep = !absent->cached.doomed;
	} else {
		absent = calloc(1, sizeof(*absent) + key_size);
		keep = absent != NULL;
		if (keep) {
			memcpy(absent->key, key, key_size);
			absent->cached.is_absent = true;
			fs_set_insert(c, &absent->cached, ask->set, absent->key, key_size);
			c->absent++;
		}
	}
	unlock(fs, ask->set);
	return keep ? FS_NEVER_CHANGE : 0;
}

double fs_cache_keep_names(struct fs *fs, const struct fs_ask *ask)
{
	if (!lock_untold(fs, ask))
		return 0;
	fs->cache->names = true;
	unlock(fs, ask->set);
	return FS_NEVER_CHANGE;
}

void fs_cache_not_absent(struct fs *fs, const void *key, size_t key_size)
{
	struct fs_cache *c = fs->cache;
	struct fs_absent *absent;
	uint32_t set;

	if (!c->absent)
		return;
	set = fs_cache_set(fs, key, key_size);
	pthread_mutex_lock(fs_set_lock(c, set));
	absent = find_absent(c, set, key, key_size);
	if (absent && !absent->cached.doomed) {
		fs_set_remove(&absent->cached);
		free(absent);
		c->absent--;
	}
	unlock(fs, set);
}

/* ---- pages, and who writes --------------------------------------------------------------------- */

bool fs_cache_reader(struct fs *fs, const struct fs_ask *ask, struct fs_handle *h, uint64_t version,
                     bool *keep)
{
	struct fs_inode *inode = h->inode;
	struct fs_cached *cached = &inode->cached;
	bool may;

	if (cached->set != ask->set || !lock_untold(fs, ask))
		return false;
	may = !cached->doomed && !cached->writers &&
	      (!cached->version || cached->version == version);
	if (may) {
		*keep = cached->pages;
		cached->version = version;
		cached->pages = true;
		join(fs, inode);
		h->opened_ms = fs_now_ms();
		h->reader_at = &cached->readers;
		h->reader_next = cached->readers;
		if (h->reader_next)
			h->reader_next->reader_at = &h->reader_next;
		cached->readers = h;
	}
	unlock(fs, ask->set);
	return may;
}

void fs_cache_reader_gone(struct fs *fs, struct fs_handle *h)
{
	struct fs_inode *inode = h->inode;

	lock_inode(fs, inode);
	*h->reader_at = h->reader_next;
	if (h->reader_next)
		h->reader_next->reader_at = h->reader_at;
	h->reader_at = NULL;
	unlock(fs, inode->cached.set);
}

uint64_t fs_cache_version(struct fs *fs, struct fs_inode *inode)
{
	uint64_t version = lock_inode(fs, inode)->version;

	unlock(fs, inode->cached.set);
	return version;
}

void fs_cache_keep_pages(struct fs *fs, const struct fs_ask *ask, struct fs_inode *inode,
                         uint64_t version, bool suspect)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached = lock_inode(fs, inode);

	/* It gets them in any case: if they are not the newest, it is to forget them soon. */
	cached->version = version;
	cached->pages = true;
	cached->again = cached->doomed;
	join(fs, inode);
	if (suspect || !ask->on || c->sets[cached->set].told != ask->told)
		fs_set_suspect(c, cached->set);
	unlock(fs, inode->cached.set);
}

void fs_cache_writer(struct fs *fs, struct fs_inode *inode)
{
	lock_inode(fs, inode)->writers++;
	unlock(fs, inode->cached.set);
}

void fs_cache_truncated(struct fs *fs, struct fs_inode *inode)
{
	struct fs_cached *cached = lock_inode(fs, inode);

	if (!cached->doomed) {
		cached->version = 0;
		cached->pages = cached->outdated = false;
	}
	unlock(fs, inode->cached.set);
}

void fs_cache_writer_gone(struct fs *fs, struct fs_inode *inode)
{
	lock_inode(fs, inode)->writers--;
	unlock(fs, inode->cached.set);
}

void fs_cache_wrote(struct fs *fs, struct fs_inode *inode)
{
	struct fs_cached *cached = lock_inode(fs, inode);

	if (!cached->pages && !cached->doomed)
		cached->version = 0;
	unlock(fs, inode->cached.set);
}

void fs_cache_outdate(struct fs *fs, struct fs_inode *inode)
{
	struct fs_cached *cached = lock_inode(fs, inode);

	cached->outdated = cached->pages || cached->doomed;
	unlock(fs, inode->cached.set);
}

bool fs_cache_outdated(struct fs *fs, struct fs_inode *inode)
{
	bool outdated = lock_inode(fs, inode)->outdated;

	unlock(fs, inode->cached.set);
	return outdated;
}

bool fs_cache_fresh(struct fs *fs, struct fs_inode *inode)
{
	bool fresh = fs_set_fresh(lock_inode(fs, inode));

	unlock(fs, inode->cached.set);
	return fresh;
}

/* ---- inodes that change -------------------------------------------------------------------------- */

void fs_cache_doom(struct fs *fs, struct fs_inode *inode)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached = lock_inode(fs, inode);

	c->sets[cached->set].told++;
	cached->entry = false;
	if (cached->version) {
		cached->doomed = true;
		fs_set_suspect(c, cached->set);
	}
	unlock(fs, inode->cached.set);
}

void fs_cache_leave(struct fs *fs, struct fs_inode *inode)
{
	struct fs_cached *cached = lock_inode(fs, inode);

	fs->cache->sets[cached->set].told++;
	fs_set_remove(cached);
	unlock(fs, inode->cached.set);
}

void fs_cache_join(struct fs *fs, struct fs_inode *inode)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached;

	inode->cached.set = fs_cache_set(fs, inode->key, inode->key_size);
	cached = lock_inode(fs, inode);
	c->sets[cached->set].told++;
	if (cached->entry || cached->version) {
		cached->doomed = cached->version != 0;
		join(fs, inode);
		fs_set_suspect(c, cached->set);
	}
	unlock(fs, inode->cached.set);
}

void fs_cache_forget(struct fs *fs, struct fs_inode *inode)
{
	lock_inode(fs, inode);
	fs_set_remove(&inode->cached);
	unlock(fs, inode->cached.set);
}
