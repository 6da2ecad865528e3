/* SPDX-License-Identifier: MIT */
/*
 * floor 4: walks: shmfs_iter_open, next, close.
 *
 * Owns	the references of one bucket at a time, the records of one group of them, and a copy of
 *	the last key.
 * Invariant	entries come by ascending hash, and what is collected next starts where the last
 *	bucket ended, so splits and moves in between neither hide nor repeat a key that stays.
 * Order	a tag holds at least GROUP_BITS bits of the hash that follow those the bucket stands
 *	for: its references are spread by them into groups, without a look at the records.  A group
 *	has a few, which are hashed and put in order when their turn comes, so that a record
 *	is looked at once, well after it was prefetched.
 * Distrust	the bucket it collects from may be recycled meanwhile: the moment is checked after
 *	collecting, after each group, and when a record is handed out; if it is gone the bucket is
 *	collected afresh from that record's, or the group's first, hash on.
 */
#include <stdlib.h>

#include "find.h"
#include "moment.h"
#include "record.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)
#define GROUP_BITS 7
#define GROUPS (1u << GROUP_BITS)
#define AHEAD 16     /* records fetched before they are looked at, ... */
#define FETCH 8      /* ... so many at a time */
#define KEYS_TIMES 4 /* times the file, in bytes of keys: more is not there to be met */

_Static_assert(GROUP_BITS + 7 <= SFS_TAG_HASH_BITS, "a tag begins at most 7 bits before the bucket's end");

struct item {
	uint64_t hash;
	struct sfs_hit hit;
};

struct shmfs_iter {
	struct shmfs *store;
	struct sfs_moment moment; /* of the bucket at hand */
	uint64_t cursor;          /* first hash not collected */
	uint64_t bucket_from;     /* the cursor as it was collected */
	uint64_t bucket_end;      /* last hash of the bucket at hand */
	uint64_t bucket_bytes;    /* of its keys */
	unsigned depth;           /* of it */
	uint64_t counted;         /* last hash of the buckets counted here: */
	uint64_t buckets, bytes;  /* they bound a walk of a damaged tree */
	bool end;                 /* no bucket after the one at hand */

	uint64_t refs[SLOTS + AHEAD + FETCH]; /* of the bucket, by group; 0 after the last */
	uint16_t group_end[GROUPS];
	unsigned group, looked; /* groups, and references, looked at so far */

	unsigned n, at; /* the group at hand */
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
	(*out)->group = GROUPS;
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
static bool key_before(const struct sfs_hit *x, const struct sfs_hit *y)
{
	const a8 *key_x = (const a8 *)sfs_record_key(x->record), *key_y = (const a8 *)sfs_record_key(y->record);

	for (size_t i = 0; i < x->klen && i < y->klen; i++)
		if (sfs_relaxed(key_x + i) != sfs_relaxed(key_y + i))
			return sfs_relaxed(key_x + i) < sfs_relaxed(key_y + i);
	return x->klen < y->klen;
}

static bool before(const struct item *a, const struct item *b)
{
	return sfs_likely(a->hash != b->hash) ? a->hash < b->hash : key_before(&a->hit, &b->hit);
}

/* One more of the group at hand, behind the others, is put where it belongs. */
static void order(struct shmfs_iter *it)
{
	unsigned at = it->n++;
	struct item item;

	if (sfs_likely(at == 0 || !before(&it->items[at], &it->items[at - 1])))
		return;
	item = it->items[at];
	for (; at > 0 && before(&item, &it->items[at - 1]); at--)
		it->items[at] = it->items[at - 1];
	it->items[at] = item;
}

/* Several at once, so that their misses of the address cache overlap.  Of too many at once the
 * processor drops some.  Header, and a key of 16 bytes. */
SFS_INLINE void fetch(struct shmfs *s, const uint64_t *refs)
{
	for (unsigned i = 0; i < FETCH; i++) {
		const char *record = sfs_at(s, refs[i]);

		__builtin_prefetch(record);
		__builtin_prefetch(record + sizeof(struct sfs_record) + 16);
	}
}

/* The group that the tag of a slot leads to. */
static unsigned group_of(uint64_t slot, unsigned known)
{
	return (unsigned)(slot << known >> (SFS_SLOT_REF_BITS + SFS_TAG_HASH_BITS - GROUP_BITS)) & (GROUPS - 1);
}

/* Spread the references of a bucket into groups. */
static void collect_bucket(struct shmfs_iter *it, uint64_t bucket)
{
	struct shmfs *s = it->store;
	const a64 *page = sfs_at(s, sfs_word_page(bucket));
	unsigned known = it->depth - sfs_tag_base(it->cursor, it->depth), n = 0;
	uint64_t slots[SLOTS];
	uint8_t group[SLOTS];
	unsigned end = 0;

	/* without a branch: which slots are used nobody can predict */
	for (unsigned i = 0; i < SLOTS; i++) {
		slots[n] = sfs_acquire(page + i);
		n += sfs_slot_ref(slots[n]) != 0;
	}
	memset(it->group_end, 0, sizeof(it->group_end));
	for (unsigned i = 0; i < n; i++) {
		group[i] = (uint8_t)group_of(slots[i], known);
		it->group_end[group[i]]++;
	}
	for (unsigned i = 0; i < GROUPS; i++) {
		unsigned here = it->group_end[i];

		it->group_end[i] = (uint16_t)end;
		end += here;
	}
	for (unsigned i = 0; i < n; i++)
		it->refs[it->group_end[group[i]]++] = sfs_slot_ref(slots[i]);
	memset(it->refs + n, 0, (AHEAD + FETCH) * sizeof(it->refs[0]));
	for (unsigned i = 0; i < AHEAD; i += FETCH)
		fetch(s, it->refs + i);
	it->group = it->looked = 0;
}

/* The page of the bucket after the one at hand will be read from end to end. */
static void fetch_bucket(struct shmfs_iter *it)
{
	struct shmfs *s = it->store;
	uint64_t bucket;
	const char *page;

	if (it->end || sfs_index_bucket(s, it->moment.root, it->cursor, &bucket))
		return;
	page = sfs_at(s, sfs_word_page(bucket));
	for (unsigned i = 0; i < SFS_PAGE; i += 64)
		__builtin_prefetch(page + i);
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
		rc = sfs_index_bucket(s, it->moment.root, it->cursor, &bucket);
		if (rc == 0) {
			it->depth = sfs_word_depth(bucket);
			collect_bucket(it, bucket);
		}
		if (sfs_moment_intact(s, &it->moment))
			break;
	} while (sfs_moment_again(s, &tries, &rc));
	if (rc == 0 && endless(it))
		rc = -EUCLEAN;
	if (rc)
		return rc;
	it->bucket_from = it->cursor;
	it->bucket_end = it->cursor | UINT64_MAX >> it->depth;
	it->bucket_bytes = 0;
	it->end = it->bucket_end == UINT64_MAX;
	it->cursor = it->bucket_end + 1;
	fetch_bucket(it);
	return 0;
}

/* The first hash of a group. */
static uint64_t group_from(const struct shmfs_iter *it, unsigned group)
{
	return (it->bucket_end & ~(UINT64_MAX >> it->depth)) | (uint64_t)group << (64 - GROUP_BITS) >> it->depth;
}

/* Look at the records of the next group: the user's, from the cursor on. */
static int look_at_group(struct shmfs_iter *it)
{
	struct shmfs *s = it->store;
	unsigned group = it->group++;
	uint64_t from = group_from(it, group), last = UINT64_MAX >> GROUP_BITS >> it->depth;

	it->n = it->at = 0;
	for (; it->looked < it->group_end[group]; it->looked++) {
		struct item *item = &it->items[it->n];
		int rc;

		if (it->looked % FETCH == 0) {
			fetch(s, it->refs + it->looked + AHEAD);
			fetch(s, it->refs + it->looked + FETCH); /* what was dropped */
		}
		rc = sfs_record_check(s, it->refs[it->looked], &item->hit);
		if (sfs_unlikely(rc))
			return rc;
		if (sfs_relaxed((const a8 *)&item->hit.record->space) != SFS_USER)
			continue;
		item->hash = sfs_hash_mapped(s->seed, SFS_USER, sfs_record_key(item->hit.record), item->hit.klen);
		if (sfs_unlikely(item->hash < from || item->hash - from > last))
			return -EUCLEAN;
		it->bucket_bytes += item->hit.klen;
		if (item->hash >= it->bucket_from)
			order(it);
	}
	return 0;
}

/* ..., -ESTALE: overtaken, and none of what was found counts. */
static int look(struct shmfs_iter *it)
{
	int rc = look_at_group(it);

	if (sfs_unlikely(!sfs_moment_intact(it->store, &it->moment))) {
		it->n = 0;
		return -ESTALE;
	}
	if (sfs_unlikely(rc))
		it->group = GROUPS; /* the rest of the bucket is lost */
	return rc;
}

/* The next group that has an entry, of this bucket or another.  -ENOENT: there is none. */
static int advance(struct shmfs_iter *it)
{
	int rc = 0;

	while (rc == 0 && it->at == it->n) {
		while (it->group < GROUPS && it->group_end[it->group] == it->looked)
			it->group++;
		if (it->group < GROUPS)
			rc = look(it);
		else
			rc = it->end ? -ENOENT : collect(it);
	}
	return rc;
}

/* Copy the key of the item at hand and view its value.  -ESTALE: overtaken. */
static int emit(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	struct shmfs *s = it->store;
	const struct item *item = &it->items[it->at];
	const struct sfs_hit *hit = &item->hit;
	size_t klen = hit->klen;

	if (sfs_unlikely(s->verify) && !sfs_record_intact(hit))
		return sfs_moment_intact(s, &it->moment) ? -EUCLEAN : -ESTALE;
	if (sfs_unlikely(klen > it->key_room || !it->key)) {
		uint8_t *larger = realloc(it->key, klen + 256);

		if (!larger)
			return -ENOMEM;
		it->key = larger;
		it->key_room = klen + 256;
	}
	sfs_copy_out(it->key, sfs_record_key(hit->record), klen);
	entry->key = it->key;
	entry->key_size = klen;
	entry->view = (struct shmfs_view){
		.data = sfs_record_value(hit->record, klen),
		.info = {.size = hit->vlen,
	                 .version = sfs_relaxed((const a64 *)&hit->record->seq),
	                 .time_ns = sfs_relaxed((const a64 *)&hit->record->time_ns),
	                 .type = sfs_relaxed((const a8 *)&hit->record->type)},
		.stamp = {it->moment.stamp, it->moment.checkpoint},
	};
	if (sfs_unlikely(!sfs_moment_intact(s, &it->moment)))
		return -ESTALE;
	entry->cursor = item->hash + 1;
	return 0;
}

static int next(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	for (int tries = 0;;) {
		int rc = advance(it);

		if (sfs_likely(rc == 0))
			rc = emit(it, entry);
		if (sfs_likely(rc == 0))
			it->at++;
		if (sfs_likely(rc != -ESTALE) || !sfs_moment_again(it->store, &tries, &rc))
			return rc;
		/* collect it again, from what was not handed out yet */
		it->cursor = it->at < it->n ? it->items[it->at].hash :
		                              sfs_max(group_from(it, it->group - 1), it->bucket_from);
		it->at = it->n = 0;
		it->group = GROUPS;
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
