/* SPDX-License-Identifier: MIT */
/*
 * floor 4: walks: shmfs_iter_open, next, close.
 *
 * Owns	the references of one bucket at a time, and a copy of the last key.
 * Invariant	entries come by ascending hash, and what is collected next starts where the last
 *	bucket ended, so splits and moves in between neither hide nor repeat a key that stays.
 * Distrust	the bucket it collects from may be recycled meanwhile: the moment is checked after
 *	collecting, and again when a record is looked at; if it is gone the bucket is
 *	collected afresh from that record's hash on.
 */
#include <stdlib.h>

#include "moment.h"
#include "record.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)
#define BIN_BITS 10    /* with more bins than entries, a branch of the sort is mispredicted rarely */
#define BINS (1u << BIN_BITS)
#define AHEAD 16       /* records fetched before they are hashed, ... */
#define KEYS_TIMES 4   /* times the file, in bytes of keys: more is not there to be met */
#define VALUES_AHEAD 8 /* ... and the first line of their values before they are handed out */

struct item {
	uint64_t hash;
	uint64_t ref;
};

struct shmfs_iter {
	struct shmfs *store;
	struct sfs_moment moment; /* of the bucket at hand */
	uint64_t cursor;          /* first hash not collected */
	uint64_t bucket_end;      /* last hash of the bucket at hand */
	uint64_t bucket_bytes;    /* of its keys */
	uint64_t counted;         /* last hash of the buckets counted here: */
	uint64_t buckets, bytes;  /* they bound a walk of a damaged tree */
	bool end;                 /* no bucket after the one at hand */
	unsigned n, at;
	struct item items[SLOTS];
	uint8_t *key;
	size_t key_room;
};

int shmfs_iter_open(struct shmfs *s, struct shmfs_iter **out, uint64_t cursor)
{
	int rc = sfs_handle_usable(s);

	if (rc || !out)
		return rc ? rc : -EINVAL;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->store = s;
	(*out)->cursor = cursor;
	return 0;
}

void shmfs_iter_close(struct shmfs_iter *it)
{
	if (it)
		free(it->key);
	free(it);
}

/* Order of two records whose whole hashes are the same, which only somebody who knows the seed
 * brings about: by key, so that equal stores are walked alike. */
static bool key_before(struct shmfs *s, uint64_t a, uint64_t b)
{
	const a8 *key_a, *key_b;
	struct sfs_hit x, y;

	/* what fails was recycled: the moment will tell */
	if (sfs_record_check(s, a, &x) || sfs_record_check(s, b, &y))
		return false;
	key_a = (const a8 *)sfs_record_key(x.record);
	key_b = (const a8 *)sfs_record_key(y.record);
	for (size_t i = 0; i < x.klen && i < y.klen; i++)
		if (sfs_relaxed(key_a + i) != sfs_relaxed(key_b + i))
			return sfs_relaxed(key_a + i) < sfs_relaxed(key_b + i);
	return x.klen < y.klen;
}

static bool before(struct shmfs *s, const struct item *a, const struct item *b)
{
	return sfs_likely(a->hash != b->hash) ? a->hash < b->hash : key_before(s, a->ref, b->ref);
}

/* Hashes are uniform: after spreading by their leading bits little is left to sort. */
static void sort(struct shmfs *s, struct item *items, unsigned n, unsigned depth)
{
	struct item sorted[SLOTS];
	unsigned start[BINS + 1] = {0};

	for (unsigned i = 0; i < n; i++)
		start[(items[i].hash << depth >> (64 - BIN_BITS)) + 1]++;
	for (unsigned i = 0; i < BINS; i++)
		start[i + 1] += start[i];
	for (unsigned i = 0; i < n; i++)
		sorted[start[items[i].hash << depth >> (64 - BIN_BITS)]++] = items[i];
	for (unsigned i = 0; i < n; i++) {
		unsigned j = i;

		for (; j > 0 && before(s, &sorted[i], &items[j - 1]); j--)
			items[j] = items[j - 1];
		items[j] = sorted[i];
	}
}

/* The user's entries of a bucket from the cursor on.  The references are gathered first, so that
 * the records can be fetched well ahead. */
static int collect_bucket(struct shmfs_iter *it, uint64_t bucket)
{
	struct shmfs *s = it->store;
	const a64 *page = sfs_at(s, sfs_word_page(bucket));
	uint64_t refs[SLOTS + AHEAD] = {0};
	unsigned n = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		refs[n] = sfs_slot_ref(sfs_acquire(page + i));
		n += refs[n] != 0;
	}
	for (unsigned i = 0; i < AHEAD; i++)
		__builtin_prefetch(sfs_at(s, refs[i]));
	for (unsigned i = 0; i < n; i++) {
		const struct sfs_record *r;
		struct sfs_hit hit;
		uint64_t hash;
		int rc;

		__builtin_prefetch(sfs_at(s, refs[i + AHEAD]));
		__builtin_prefetch((const char *)sfs_at(s, refs[i + AHEAD]) + 64);
		rc = sfs_record_check(s, refs[i], &hit);
		if (rc)
			return rc;
		r = hit.record;
		if (sfs_relaxed((const a8 *)&r->space) != SFS_USER)
			continue;
		hash = sfs_hash_mapped(s->seed, SFS_USER, sfs_record_key(r), hit.klen);
		if (hash < it->cursor)
			continue;
		if (hash > it->bucket_end)
			return -EUCLEAN;
		it->items[it->n++] = (struct item){hash, refs[i]};
		it->bucket_bytes += hit.klen;
	}
	return 0;
}

/* A tree that leads every hash to the same few pages, or those to the same few records, would
 * be walked for years.  (Keys that a writer replaces meanwhile may count more than once.) */
static bool endless(struct shmfs_iter *it)
{
	struct sfs_file *f = &it->store->file;

	if (it->buckets && it->bucket_end <= it->counted)
		return false; /* a writer overtook us, and it was collected again */
	it->counted = it->bucket_end;
	it->buckets++;
	it->bytes += it->bucket_bytes;
	return !sfs_file_inside(f, it->buckets * SFS_PAGE, 0) || !sfs_file_inside(f, it->bytes / KEYS_TIMES, 0);
}

/* Collect the bucket that holds the cursor, and move the cursor behind it. */
static int collect(struct shmfs_iter *it)
{
	struct shmfs *s = it->store;
	uint64_t bucket = 0;
	int tries = 0, rc;

	do {
		sfs_moment_begin(s, &it->moment);
		it->n = it->at = 0;
		it->bucket_bytes = 0;
		rc = sfs_index_bucket(s, it->moment.root, it->cursor, &bucket);
		if (rc == 0) {
			it->bucket_end = it->cursor | UINT64_MAX >> sfs_word_depth(bucket);
			rc = collect_bucket(it, bucket);
		}
		if (rc == 0)
			sort(s, it->items, it->n, sfs_word_depth(bucket));
		if (sfs_moment_intact(s, &it->moment))
			break;
	} while (sfs_moment_again(s, &tries, &rc));
	if (rc == 0 && endless(it))
		rc = -EUCLEAN;
	it->end = it->bucket_end == UINT64_MAX;
	it->cursor = it->bucket_end + 1;
	return rc;
}

/* Copy the key of the item at hand and view its value.  -ESTALE: overtaken, collect again. */
static int emit(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	struct shmfs *s = it->store;
	const struct item *item = &it->items[it->at];
	struct sfs_hit hit;
	size_t klen;
	int rc;

	if (it->at + VALUES_AHEAD < it->n)
		__builtin_prefetch((const char *)sfs_at(s, item[VALUES_AHEAD].ref) + 64);
	rc = sfs_record_check(s, item->ref, &hit);

	if (rc)
		return sfs_moment_intact(s, &it->moment) ? rc : -ESTALE;
	if (sfs_unlikely(s->verify) && !sfs_record_intact(&hit))
		return sfs_moment_intact(s, &it->moment) ? -EUCLEAN : -ESTALE;
	klen = hit.klen;
	if (klen > it->key_room || !it->key) {
		uint8_t *larger = realloc(it->key, klen + 256);

		if (!larger)
			return -ENOMEM;
		it->key = larger;
		it->key_room = klen + 256;
	}
	sfs_copy_out(it->key, sfs_record_key(hit.record), klen);
	entry->key = it->key;
	entry->key_size = klen;
	entry->view = (struct shmfs_view){
		.data = sfs_record_value(hit.record, klen),
		.info = {.size = hit.vlen,
	                 .version = sfs_relaxed((const a64 *)&hit.record->seq),
	                 .time_ns = sfs_relaxed((const a64 *)&hit.record->time_ns),
	                 .type = sfs_relaxed((const a8 *)&hit.record->type)},
		.stamp = {it->moment.stamp, it->moment.checkpoint},
	};
	if (!sfs_moment_intact(s, &it->moment))
		return -ESTALE;
	entry->cursor = item->hash + 1;
	return 0;
}

static int next(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	for (int tries = 0;;) {
		int rc = 0;

		while (rc == 0 && it->at == it->n)
			rc = it->end ? -ENOENT : collect(it);
		if (rc == 0)
			rc = emit(it, entry);
		if (rc == 0)
			it->at++;
		if (rc != -ESTALE || !sfs_moment_again(it->store, &tries, &rc))
			return rc;
		it->cursor = it->items[it->at].hash;
		it->at = it->n = 0;
		it->end = false;
	}
}

int shmfs_iter_next(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	int rc;

	if (!it || !entry)
		return -EINVAL;
	rc = sfs_handle_usable(it->store);
	return rc ? rc : sfs_handle_result(it->store, next(it, entry));
}
