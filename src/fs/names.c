/* SPDX-License-Identifier: MIT */
/*
 * names: from a file name to its key.
 *
 * Owns: a table of long keys by the hashed names that stand for them, filled by whoever
 * reads the directory and by one walk when a name is not in it.
 * Invariant: a name in the table has exactly this key: 128 bits of it are the key's hash.
 * Locks: the table's, held for a look only.
 * Distrust: that the key is still there: the store is asked.
 */
#include "names.h"

#define BUCKETS   4096u
#define MOST      (16u << 20) /* bytes of names and keys; emptied when it passes that */

struct long_name {
	struct long_name *next;
	size_t key_size;
	char name[SHMFS_NAME_SIZE];
	unsigned char key[];
};

struct fs_names {
	pthread_mutex_t lock;
	size_t bytes;
	struct long_name *buckets[BUCKETS];
};

/* The last 32 characters are hex digits of a good hash: the last 3 will do. */
static struct long_name **bucket(struct fs_names *t, const char *name)
{
	char digits[4] = "";
	size_t n = strlen(name);

	memcpy(digits, name + (n < 3 ? 0 : n - 3), n < 3 ? n : 3);
	return &t->buckets[strtoul(digits, NULL, 16) % BUCKETS];
}

static void empty(struct fs_names *t)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (t->buckets[i]) {
			struct long_name *entry = t->buckets[i];

			t->buckets[i] = entry->next;
			free(entry);
		}
	}
	t->bytes = 0;
}

static struct long_name *find(struct fs_names *t, const char *name)
{
	struct long_name *entry = *bucket(t, name);

	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->next;
	return entry;
}

int fs_names_open(struct fs *fs)
{
	fs->names = calloc(1, sizeof(*fs->names));
	if (!fs->names)
		return -ENOMEM;
	pthread_mutex_init(&fs->names->lock, NULL);
	return 0;
}

void fs_names_close(struct fs *fs)
{
	if (!fs->names)
		return;
	empty(fs->names);
	pthread_mutex_destroy(&fs->names->lock);
	free(fs->names);
	fs->names = NULL;
}

void fs_names_learn(struct fs *fs, const char *name, const void *key, size_t key_size)
{
	struct fs_names *t = fs->names;
	struct long_name *entry, **at;
	size_t bytes = sizeof(*entry) + key_size;

	pthread_mutex_lock(&t->lock);
	entry = find(t, name) ? NULL : malloc(bytes);
	if (entry) {
		if (t->bytes + bytes > MOST)
			empty(t);
		at = bucket(t, name);
		entry->next = *at;
		entry->key_size = key_size;
		strcpy(entry->name, name);
		memcpy(entry->key, key, key_size);
		*at = entry;
		t->bytes += bytes;
	}
	pthread_mutex_unlock(&t->lock);
}

static int set_key(struct fs_key *out, const void *key, size_t key_size)
{
	out->allocated = malloc(key_size ? key_size : 1);
	if (!out->allocated)
		return -ENOMEM;
	memcpy(out->allocated, key, key_size);
	out->bytes = out->allocated;
	out->size = key_size;
	return 0;
}

static int walk(struct fs *fs, const char *wanted, struct fs_key *out)
{
	struct shmfs_iter *it;
	struct shmfs_entry entry;
	char name[SHMFS_NAME_SIZE];
	int rc = shmfs_iter_open(fs->store, &it, 0);

	if (rc)
		return rc;
	while ((rc = shmfs_iter_next(it, &entry)) == 0) {
		if (shmfs_name_encode(entry.key, entry.key_size, name) != 1)
			continue;
		fs_names_learn(fs, name, entry.key, entry.key_size);
		if (!strcmp(name, wanted)) {
			rc = set_key(out, entry.key, entry.key_size);
			break;
		}
	}
	shmfs_iter_close(it);
	return rc;
}

int fs_names_key(struct fs *fs, const char *name, struct fs_key *out)
{
	struct fs_names *t = fs->names;
	struct long_name *entry;
	size_t n = strlen(name);
	int rc;

	memset(out, 0, offsetof(struct fs_key, own));
	out->allocated = NULL;
	if (n >= SHMFS_NAME_SIZE)
		return -ENAMETOOLONG;
	out->size = sizeof(out->own);
	rc = shmfs_name_decode(name, n, out->own, &out->size);
	out->bytes = out->own;
	if (rc != -ENAMETOOLONG)
		return rc;
	rc = -ENOENT;
	pthread_mutex_lock(&t->lock);
	entry = find(t, name);
	if (entry)
		rc = set_key(out, entry->key, entry->key_size);
	pthread_mutex_unlock(&t->lock);
	if (!entry)
		return walk(fs, name, out);
	return rc ? rc : shmfs_exists(fs->store, out->bytes, out->size, NULL);
}

void fs_names_drop(struct fs_key *key)
{
	free(key->allocated);
	key->allocated = NULL;
}
