/* SPDX-License-Identifier: MIT */
/*
 * inode: the files the kernel holds a reference to, one per key, five per cursor.
 *
 * Owns: the table from kind and key to inode, and every inode until nobody refers to it.
 * Invariant: a key has at most one listed inode of a kind; an inode is freed when the kernel has
 * forgotten it and no handle or call uses it; a detached inode is not listed.
 * Locks: inode->lock before the table's; two inodes in the order of their addresses.
 * Distrust: nothing here comes from the file; node numbers come from the kernel.
 */
#include "inode.h"

#include "handle.h"

#define FIRST_BUCKETS 1024u

struct fs_inodes {
	pthread_mutex_t lock;
	struct fs_inode **buckets;
	size_t mask;
	size_t count;
	uint64_t seed;
};

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

static uint64_t hash_key(uint64_t h, const unsigned char *key, size_t n)
{
	uint64_t word;

	for (; n >= 8; n -= 8, key += 8) {
		memcpy(&word, key, 8);
		h = mix(h ^ word) + UINT64_C(0x9e3779b97f4a7c15);
	}
	word = (uint64_t)n << 56;
	memcpy(&word, key, n);
	return mix(h ^ word);
}

/* The same in every mount of every store, so that it may be compared across them. */
uint64_t fs_inode_number(const struct fs_kind *kind, const void *key, size_t key_size)
{
	uint64_t number = hash_key(0x73686d6673 + kind->space, key, key_size) >> 1;

	return number < FS_INO_KEYS_FROM ? number + FS_INO_KEYS_FROM : number;
}

static struct fs_inode *new_inode(const struct fs_kind *kind, uint64_t number)
{
	struct fs_inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return NULL;
	inode->kind = kind;
	inode->number = number;
	pthread_mutex_init(&inode->lock, NULL);
	return inode;
}

static void free_inode(struct fs *fs, struct fs_inode *inode)
{
	if (!inode)
		return;
	if (inode->kind == &fs_key_kind) {
		fs_cache_forget(fs, inode);
		fs_handle_forget_inode(fs, inode);
	}
	pthread_mutex_destroy(&inode->lock);
	free(inode->key);
	free(inode);
}

int fs_inodes_open(struct fs *fs)
{
	struct fs_inodes *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	fs->inodes = t;
	pthread_mutex_init(&t->lock, NULL);
	t->mask = FIRST_BUCKETS - 1;
	t->buckets = calloc(FIRST_BUCKETS, sizeof(struct fs_inode *));
	t->seed = mix((uintptr_t)t ^ fs_now_ms());
	fs->keys_dir = new_inode(&fs_keys_kind, FS_INO_KEYS);
	fs->stat_file = new_inode(&fs_stat_kind, FS_INO_STAT);
	fs->log_file = new_inode(&fs_log_kind, FS_INO_LOG);
	fs->cursors_dir = new_inode(&fs_cursors_kind, FS_INO_CURSORS);
	fs->root = new_inode(&fs_root_kind, FS_INO_ROOT);
	return t->buckets && fs->keys_dir && fs->stat_file && fs->log_file && fs->cursors_dir && fs->root
	               ? 0
	               : -ENOMEM;
}

void fs_inodes_close(struct fs *fs)
{
	struct fs_inodes *t = fs->inodes;

	if (!t)
		return;
	for (size_t i = 0; t->buckets && i <= t->mask; i++) {
		struct fs_inode *inode = t->buckets[i];

		while (inode) {
			struct fs_inode *next = inode->next;

			free_inode(fs, inode);
			inode = next;
		}
	}
	free_inode(fs, fs->root);
	free_inode(fs, fs->keys_dir);
	free_inode(fs, fs->stat_file);
	free_inode(fs, fs->log_file);
	free_inode(fs, fs->cursors_dir);
	free(t->buckets);
	free(t);
	fs->inodes = NULL;
}

/* ---- the kernel's numbers -------------------------------------------------------- */

struct fs_inode *fs_inode_of(struct fs *fs, fuse_ino_t node)
{
	return node == FUSE_ROOT_ID ? fs->root : (struct fs_inode *)(uintptr_t)node;
}

fuse_ino_t fs_inode_node(struct fs *fs, const struct fs_inode *inode)
{
	return inode == fs->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)inode;
}

/* ---- the table, under its lock ----------------------------------------------------- */

static struct fs_inode **find(struct fs_inodes *t, const struct fs_kind *kind, uint64_t hash,
                              const void *key, size_t key_size)
{
	struct fs_inode **at = &t->buckets[hash & t->mask];

	while (*at && ((*at)->hash != hash || (*at)->kind != kind || (*at)->key_size != key_size ||
	               memcmp((*at)->key, key, key_size) != 0))
		at = &(*at)->next;
	return at;
}

static void grow(struct fs_inodes *t)
{
	size_t mask = t->mask * 2 + 1;
	struct fs_inode **buckets = calloc(mask + 1, sizeof(struct fs_inode *));

	if (!buckets)
		return; /* longer chains, then */
	for (size_t i = 0; i <= t->mask; i++) {
		while (t->buckets[i]) {
			struct fs_inode *inode = t->buckets[i];

			t->buckets[i] = inode->next;
			inode->next = buckets[inode->hash & mask];
			buckets[inode->hash & mask] = inode;
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->mask = mask;
}

static void list(struct fs_inodes *t, struct fs_inode *inode)
{
	struct fs_inode **at = &t->buckets[inode->hash & t->mask];

	inode->next = *at;
	*at = inode;
	inode->listed = true;
	if (++t->count > t->mask)
		grow(t);
}

static void unlist(struct fs_inodes *t, struct fs_inode *inode)
{
	struct fs_inode **at = &t->buckets[inode->hash & t->mask];

	if (!inode->listed)
		return;
	while (*at != inode)
		at = &(*at)->next;
	*at = inode->next;
	inode->listed = false;
	t->count--;
}

static int set_key(struct fs_inodes *t, struct fs_inode *inode, const void *key, size_t key_size)
{
	unsigned char *copy = malloc(key_size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, key_size);
	free(inode->key);
	inode->key = copy;
	inode->key_size = key_size;
	inode->hash = hash_key(t->seed + inode->kind->space, copy, key_size);
	inode->number = fs_inode_number(inode->kind, copy, key_size);
	return 0;
}

/* ---- what others call -------------------------------------------------------------- */

struct fs_inode *fs_inode_get(struct fs *fs, const struct fs_kind *kind, const void *key,
                              size_t key_size, bool make)
{
	struct fs_inodes *t = fs->inodes;
	uint64_t hash = hash_key(t->seed + kind->space, key, key_size);
	struct fs_inode *inode;

	pthread_mutex_lock(&t->lock);
	inode = *find(t, kind, hash, key, key_size);
	if (!inode && make) {
		inode = new_inode(kind, 0);
		if (inode && set_key(t, inode, key, key_size)) {
			free_inode(fs, inode);
			inode = NULL;
		}
		if (inode && kind == &fs_key_kind)
			inode->cached.set = fs_cache_set(fs, key, key_size);
		if (inode)
			list(t, inode);
	}
	if (inode)
		inode->users++;
	pthread_mutex_unlock(&t->lock);
	return inode;
}

static void drop(struct fs *fs, struct fs_inode *inode, uint64_t lookups, uint64_t users)
{
	struct fs_inodes *t = fs->inodes;
	bool gone;

	pthread_mutex_lock(&t->lock);
	inode->lookups -= lookups < inode->lookups ? lookups : inode->lookups;
	inode->users -= users;
	gone = inode->key && !inode->lookups && !inode->users;
	if (gone)
		unlist(t, inode);
	pthread_mutex_unlock(&t->lock);
	if (gone)
		free_inode(fs, inode);
}

void fs_inode_use(struct fs *fs, struct fs_inode *inode)
{
	pthread_mutex_lock(&fs->inodes->lock);
	inode->users++;
	pthread_mutex_unlock(&fs->inodes->lock);
}

void fs_inode_put(struct fs *fs, struct fs_inode *inode)
{
	if (inode)
		drop(fs, inode, 0, 1);
}

void fs_inode_lookup(struct fs *fs, struct fs_inode *inode)
{
	pthread_mutex_lock(&fs->inodes->lock);
	inode->lookups++;
	pthread_mutex_unlock(&fs->inodes->lock);
}

void fs_inode_forget(struct fs *fs, struct fs_inode *inode, uint64_t lookups)
{
	drop(fs, inode, lookups, 0);
}

void fs_inode_reply(struct fs *fs, fuse_req_t req, struct fs_inode *inode,
                    struct fuse_entry_param *e)
{
	e->ino = fs_inode_node(fs, inode);
	fs_inode_lookup(fs, inode);
	if (fuse_reply_entry(req, e) == -ENOENT)
		fs_inode_forget(fs, inode, 1);
}

void fs_inode_unlist(struct fs *fs, struct fs_inode *inode)
{
	pthread_mutex_lock(&fs->inodes->lock);
	unlist(fs->inodes, inode);
	pthread_mutex_unlock(&fs->inodes->lock);
}

int fs_inode_rekey(struct fs *fs, struct fs_inode *inode, const void *key, size_t key_size)
{
	struct fs_inodes *t = fs->inodes;
	int rc;

	pthread_mutex_lock(&t->lock);
	unlist(t, inode);
	if (inode->kind == &fs_key_kind)
		fs_cache_leave(fs, inode);
	rc = set_key(t, inode, key, key_size);
	if (!rc)
		list(t, inode);
	if (inode->kind == &fs_key_kind)
		fs_cache_join(fs, inode);
	pthread_mutex_unlock(&t->lock);
	return rc;
}
