/* SPDX-License-Identifier: MIT */
/* cache: the watcher's half (cache.h): what the kernel keeps of a set, and is to forget. */
#include "handle.h"

#include "cache_sets.h"

int fs_cache_wait(struct fs *fs, int timeout_ms, struct shmfs_watch_event *events, size_t max,
                  size_t *n)
{
	*n = 0;
	return shmfs_watch_wait(fs->cache->watch, timeout_ms, events, max, n);
}

void fs_cache_wake(struct fs *fs)
{
	shmfs_watch_wake(fs->cache->watch);
}

bool fs_cache_want(struct fs *fs, uint32_t set)
{
	return fs->cache->on && shmfs_watch_add_set(fs->cache->watch, set) == 0;
}

void fs_cache_off(struct fs *fs)
{
	fs->cache->on = false;
}

/* ---- a list of what is kept ------------------------------------------------------------------- */

static int add_held(struct fs *fs, struct fs_held_list *list, struct fs_cached *cached)
{
	struct fs_held *held;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;

		held = realloc(list->held, room * sizeof(*held));
		if (!held)
			return -ENOMEM;
		list->held = held;
		list->room = room;
	}
	if (list->used + cached->key_size > list->bytes_room) {
		size_t room = (list->used + cached->key_size) * 2;
		unsigned char *bytes = realloc(list->bytes, room);

		if (!bytes)
			return -ENOMEM;
		list->bytes = bytes;
		list->bytes_room = room;
	}
	held = &list->held[list->count++];
	*held = (struct fs_held){
		.cached = cached,
		.node = cached->is_absent ? 0 : fs_inode_node(fs, fs_cached_inode(cached)),
		.entry = cached->entry,
		.doomed = cached->doomed,
		.version = cached->version,
		.key = list->used,
		.key_size = cached->key_size,
	};
	if (cached->key_size)
		memcpy(list->bytes + list->used, cached->key, cached->key_size);
	list->used += cached->key_size;
	return 0;
}

int fs_cache_told(struct fs *fs, uint32_t set, struct fs_held_list *list)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached;
	int rc = 0;

	list->count = list->used = 0;
	pthread_mutex_lock(fs_set_lock(c, set));
	c->sets[set].told++;
	for (cached = c->sets[set].first; cached && !rc; cached = cached->next)
		if (cached->is_absent || cached->entry || cached->version || cached->doomed)
			rc = add_held(fs, list, cached);
	pthread_mutex_unlock(fs_set_lock(c, set));
	return rc;
}

bool fs_cache_names_told(struct fs *fs)
{
	struct fs_cache *c = fs->cache;
	bool kept;

	pthread_mutex_lock(fs_set_lock(c, SHMFS_WATCH_NAMES));
	c->sets[SHMFS_WATCH_NAMES].told++;
	kept = c->names;
	c->names = false;
	pthread_mutex_unlock(fs_set_lock(c, SHMFS_WATCH_NAMES));
	return kept;
}

/* ---- forgetting ---------------------------------------------------------------------------------- */

/* It is still there, and not another in its place.  Under the set's lock. */
static struct fs_cached *find_held(struct fs *fs, uint32_t set, const struct fs_held *held,
                                   const unsigned char *key)
{
	struct fs_cached *cached = fs->cache->sets[set].first;

	while (cached && cached != held->cached)
		cached = cached->next;
	return cached && cached->is_absent == !held->node && cached->key_size == held->key_size &&
	                       !memcmp(cached->key, key, held->key_size)
	               ? cached
	               : NULL;
}

bool fs_cache_begin_forget(struct fs *fs, uint32_t set, const struct fs_held *held,
                           const unsigned char *key)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached;
	bool begin = false;

	pthread_mutex_lock(fs_set_lock(c, set));
	cached = find_held(fs, set, held, key);
	if (cached) {
		begin = !fs_set_fresh(cached);
		cached->doomed = true;
		if (!begin)
			fs_set_suspect(c, set);
	}
	pthread_mutex_unlock(fs_set_lock(c, set));
	return begin;
}

void fs_cache_end_forget(struct fs *fs, uint32_t set, const struct fs_held *held,
                         const unsigned char *key, bool entry)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached;

	pthread_mutex_lock(fs_set_lock(c, set));
	cached = find_held(fs, set, held, key);
	if (cached && cached->is_absent) {
		fs_set_remove(cached);
		free(cached);
		c->absent--;
	} else if (cached) {
		if (entry)
			cached->entry = false;
		cached->doomed = cached->again;
		if (cached->again) {
			fs_set_suspect(c, set);
		} else {
			cached->pages = cached->outdated = false;
			cached->version = 0;
		}
		cached->again = false;
	}
	pthread_mutex_unlock(fs_set_lock(c, set));
}

/* ---- what else is to be looked at ------------------------------------------------------------------- */

bool fs_cache_suspects(const struct fs *fs)
{
	return fs->cache->suspected;
}

uint32_t fs_cache_next_suspect(struct fs *fs, uint32_t from)
{
	struct fs_cache *c = fs->cache;

	if (!from)
		c->suspected = false;
	for (uint32_t i = from / 64; i < FS_SETS / 64; i++) {
		uint64_t word = c->suspects[i] & -(UINT64_C(1) << from % 64);

		from = 0;
		if (word) {
			uint64_t bit = word & -word;

			atomic_fetch_and(&c->suspects[i], ~bit);
			return i * 64 + (uint32_t)__builtin_ctzll(bit);
		}
	}
	return FS_SETS;
}

bool fs_cache_crowded(const struct fs *fs)
{
	return fs->cache->absent > FS_ABSENT_MOST / 8 * 7;
}

bool fs_cache_roomy(const struct fs *fs)
{
	return fs->cache->absent < FS_ABSENT_MOST / 4 * 3;
}

bool fs_cache_has_absent(struct fs *fs, uint32_t set)
{
	struct fs_cache *c = fs->cache;
	struct fs_cached *cached;

	pthread_mutex_lock(fs_set_lock(c, set));
	cached = c->sets[set].first;
	while (cached && !cached->is_absent)
		cached = cached->next;
	pthread_mutex_unlock(fs_set_lock(c, set));
	return cached != NULL;
}
