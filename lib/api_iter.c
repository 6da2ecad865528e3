/* SPDX-License-Identifier: MIT */
/*
 * floor 4: walks: shmfs_iter_open, next, close.
 *
 * Owns	the references of one bucket at a time, what was found at some of them, and a copy of the
 *	last key.
 * Invariant	entries come by ascending hash, and what is collected next starts where the last
 *	bucket ended, so splits and moves in between neither hide nor repeat a key that stays.
 * Order	a tag holds at least GROUP_BITS bits of the hash that follow those the bucket stands
 *	for: its references are spread by them into groups, without a look at the records.  Those
 *	are hashed a few at a time, well after they were prefetched, and each is looked at once.
 *	Only records of one group can be in the wrong order then, and the largest group says how
 *	far from its place any can be: it is found by comparing with so many to both sides.
 *	Nothing here branches on a hash, nor on the size of a group: nobody can predict those.
 * Distrust	the bucket it collects from may be recycled meanwhile: the moment is checked after
 *	collecting, after each look, and when a record is handed out; if it is gone the bucket is
 *	collected afresh from the first hash on that was not handed out.
 */
#include <stdlib.h>

#include "find.h"
#include "moment.h"
#include "rank.h"
#include "record.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)
#define GROUP_BITS 8
#define GROUPS (1u << GROUP_BITS)
#define AHEAD 16     /* records fetched before they are looked at, ... */
#define FETCH 8      /* ... so many at a time */
#define KEPT 64      /* items are moved to the front behind so many, where the cache has the lines */
#define KEYS_TIMES 4 /* times the file, in bytes of keys: more is not there to be met */

_Static_assert(GROUP_BITS + 7 <= SFS_TAG_HASH_BITS, "a tag begins at most 7 bits before the bucket's end");

struct item {
	uint64_t ref; /* 0: not a user's */
	uint64_t vlen;
	size_t klen;
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

	unsigned far;             /* from its place none of its references is further */
	unsigned n, next;         /* so many it has; the first that was not looked at */
	uint64_t refs[SLOTS + AHEAD + FETCH]; /* by group; 0 after the last */
	uint16_t ends[1 + GROUPS]; /* of the groups before each, and of it */

	unsigned looked; /* so many items, of the references before `next`, ... */
	unsigned ready;  /* ... of which so many are in order, ... */
	unsigned at;     /* ... and so many handed out; ... */
	uint64_t from;   /* ... the first hash that was not, when all in order are */
	uint64_t hashes[KEPT + SLOTS];
	struct item items[KEPT + SLOTS];
	uint16_t order[KEPT + SLOTS];
	int32_t ranks[SFS_RANK_REACH + KEPT + SLOTS + SFS_RANK_REACH]; /* of the hashes, what orders them */
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

/* ---- what was found at a reference ------------------------------------------------------- */

static struct sfs_hit hit_at(const struct shmfs_iter *it, unsigned i)
{
	const struct item *item = &it->items[i];

	return (struct sfs_hit){
		.ref = item->ref,
		.record = sfs_at(it->store, item->ref),
		.klen = item->klen,
		.vlen = item->vlen,
	};
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

static bool before(const struct shmfs_iter *it, unsigned a, unsigned b)
{
	struct sfs_hit x, y;

	if (sfs_likely(it->hashes[a] != it->hashes[b]))
		return it->hashes[a] < it->hashes[b];
	if (!it->items[a].ref || !it->items[b].ref)
		return false;
	x = hit_at(it, a);
	y = hit_at(it, b);
	return key_before(&x, &y);
}

/* Large groups, and hashes that are the same. */
SFS_OUTLINE void order_slowly(struct shmfs_iter *it, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		unsigned place = i;

		for (; place > from && before(it, i, it->order[place - 1]); place--)
			it->order[place] = it->order[place - 1];
		it->order[place] = (uint16_t)i;
	}
}

/* Those up to this one, which are whole groups, are put in order. */
static void order(struct shmfs_iter *it, unsigned to)
{
	unsigned from = it->ready;
	bool slowly = it->far > SFS_RANK_REACH;

	for (unsigned i = from; i < to; i++) {
		struct sfs_rank rank = sfs_rank(it->ranks + SFS_RANK_REACH + i);

		it->order[i + (unsigned)rank.moves] = (uint16_t)i;
		slowly |= rank.same;
	}
	if (sfs_unlikely(slowly))
		order_slowly(it, from, to);
	it->ready = to;
}

/* ---- collecting ----------------------------------------------------------------------------- */

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

static unsigned group_of_hash(uint64_t hash, unsigned depth)
{
	return (unsigned)(hash << depth >> (64 - GROUP_BITS));
}

/* Spread the references of a bucket into groups. */
static void collect_bucket(struct shmfs_iter *it, uint64_t bucket)
{
	struct shmfs *s = it->store;
	const a64 *page = sfs_at(s, sfs_word_page(bucket));
	unsigned known = it->depth - sfs_tag_base(it->cursor, it->depth), n = 0, end = 0, most = 1;
	uint64_t slots[SLOTS];
	uint8_t group[SLOTS];

	/* without a branch: which slots are used nobody can predict */
	for (unsigned i = 0; i < SLOTS; i++) {
		slots[n] = sfs_acquire(page + i);
		n += sfs_slot_ref(slots[n]) != 0;
	}
	memset(it->ends, 0, sizeof(it->ends));
	for (unsigned i = 0; i < n; i++) {
		group[i] = (uint8_t)group_of(slots[i], known);
		it->ends[1 + group[i]]++;
	}
	for (unsigned i = 1; i <= GROUPS; i++) {
		unsigned here = it->ends[i];

		it->ends[i] = (uint16_t)end;
		end += here;
		most = here > most ? here : most;
	}
	for (unsigned i = 0; i < n; i++)
		it->refs[it->ends[1 + group[i]]++] = sfs_slot_ref(slots[i]);
	memset(it->refs + n, 0, (AHEAD + FETCH) * sizeof(it->refs[0]));
	for (unsigned i = 0; i < AHEAD; i += FETCH)
		fetch(s, it->refs + i);
	for (unsigned i = 0; i < SFS_RANK_REACH; i++)
		it->ranks[i] = INT32_MIN;
	it->n = n;
	it->next = 0;
	it->far = most - 1;
	it->looked = it->ready = it->at = 0;
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
SFS_OUTLINE int collect(struct shmfs_iter *it)
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
	it->bucket_from = it->from = it->cursor;
	it->bucket_end = it->cursor | UINT64_MAX >> it->depth;
	it->bucket_bytes = 0;
	it->end = it->bucket_end == UINT64_MAX;
	it->cursor = it->bucket_end + 1;
	fetch_bucket(it);
	return 0;
}

/* ---- looking -------------------------------------------------------------------------------- */

/* All in order were handed out: move the others to the front. */
static void move(struct shmfs_iter *it)
{
	unsigned n = it->looked - it->ready;

	memmove(it->hashes, it->hashes + it->ready, n * sizeof(it->hashes[0]));
	memmove(it->items, it->items + it->ready, n * sizeof(it->items[0]));
	memmove(it->ranks + SFS_RANK_REACH, it->ranks + SFS_RANK_REACH + it->ready, n * sizeof(it->ranks[0]));
	it->looked = n;
	it->ready = it->at = 0;
}

/* Look at the record of a reference. */
SFS_INLINE int look_at(struct shmfs_iter *it, unsigned n, unsigned i, unsigned depth, uint64_t end)
{
	struct shmfs *s = it->store;
	uint64_t hash;
	unsigned space, group;
	struct sfs_hit hit;
	int rc = sfs_record_check(s, it->refs[n], &hit);

	if (sfs_unlikely(rc))
		return rc;
	space = sfs_relaxed((const a8 *)&hit.record->space);
	hash = sfs_hash_mapped(s->seed, space, sfs_record_key(hit.record), hit.klen);
	group = group_of_hash(hash, depth);
	if (sfs_unlikely((hash | UINT64_MAX >> depth) != end || n < it->ends[group] || n >= it->ends[1 + group]))
		return -EUCLEAN;
	it->hashes[i] = hash;
	it->ranks[SFS_RANK_REACH + i] = (int32_t)((uint32_t)(hash << depth >> 32) ^ (UINT32_C(1) << 31));
	it->items[i] = (struct item){sfs_likely(space == SFS_USER) ? hit.ref : 0, hit.vlen, hit.klen};
	return 0;
}

/* Look at the records of the next references. */
static int look_at_some(struct shmfs_iter *it)
{
	unsigned n = it->next, to = (unsigned)sfs_min(n + FETCH, it->n), depth = it->depth, i;
	uint64_t end = it->bucket_end;

	if (it->looked >= KEPT)
		move(it);
	fetch(it->store, it->refs + n + AHEAD);
	fetch(it->store, it->refs + n + FETCH); /* what was dropped */
	for (i = it->looked; n < to; n++, i++) {
		int rc = look_at(it, n, i, depth, end);

		if (sfs_unlikely(rc))
			return rc;
		it->bucket_bytes += it->items[i].klen;
	}
	for (unsigned d = 0; d < SFS_RANK_REACH; d++)
		it->ranks[SFS_RANK_REACH + i + d] = INT32_MAX;
	it->next = n;
	it->looked = i;
	/* the last group may go on */
	order(it, n == it->n ? i : i - (n - it->ends[group_of_hash(it->hashes[i - 1], depth)]));
	return 0;
}

/* ..., -ESTALE: overtaken, and none of what was found counts.  Not inline: most calls of next()
 * have no need of it, and of the registers it takes. */
SFS_OUTLINE int look(struct shmfs_iter *it)
{
	int rc = look_at_some(it);

	if (sfs_unlikely(!sfs_moment_intact(it->store, &it->moment))) {
		it->ready = it->at;
		return -ESTALE;
	}
	if (sfs_unlikely(rc))
		it->next = it->n; /* the rest of the bucket is lost */
	return rc;
}

/* Is the next one in order to be handed out? */
static bool wanted(const struct shmfs_iter *it)
{
	unsigned i = it->order[it->at];

	return sfs_likely(it->items[i].ref && it->hashes[i] >= it->bucket_from);
}

/* Let there be one in order that is to be handed out.  -ENOENT: there is none. */
static int advance(struct shmfs_iter *it)
{
	int rc = 0;

	for (;;) {
		for (; it->at < it->ready; it->at++)
			if (wanted(it))
				return 0;
		if (it->next < it->n)
			rc = look(it);
		else
			rc = it->end ? -ENOENT : collect(it);
		if (rc)
			return rc;
	}
}

SFS_OUTLINE bool intact(const struct shmfs_iter *it, unsigned i)
{
	struct sfs_hit hit = hit_at(it, i);

	return sfs_record_intact(&hit);
}

/* Copy the key of the next one and view its value.  -ESTALE: overtaken. */
static int emit(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	struct shmfs *s = it->store;
	unsigned i = it->order[it->at];
	const struct item *item = &it->items[i];
	const struct sfs_record *record = sfs_at(s, item->ref);
	size_t klen = item->klen;

	if (sfs_unlikely(s->verify) && !intact(it, i))
		return sfs_moment_intact(s, &it->moment) ? -EUCLEAN : -ESTALE;
	if (sfs_unlikely(klen > it->key_room || !it->key)) {
		uint8_t *larger = realloc(it->key, klen + 256);

		if (!larger)
			return -ENOMEM;
		it->key = larger;
		it->key_room = klen + 256;
	}
	sfs_copy_out(it->key, sfs_record_key(record), klen);
	entry->key = it->key;
	entry->key_size = klen;
	entry->view = (struct shmfs_view){
		.data = sfs_record_value(record, klen),
		.info = {.size = item->vlen,
	                 .version = sfs_relaxed((const a64 *)&record->seq),
	                 .time_ns = sfs_relaxed((const a64 *)&record->time_ns),
	                 .type = sfs_relaxed((const a8 *)&record->type)},
		.stamp = {it->moment.stamp, it->moment.checkpoint},
	};
	if (sfs_unlikely(!sfs_moment_intact(s, &it->moment)))
		return -ESTALE;
	entry->cursor = it->hashes[i] + 1;
	return 0;
}

static int next(struct shmfs_iter *it, struct shmfs_entry *entry)
{
	for (int tries = 0;;) {
		int rc = advance(it);

		if (sfs_likely(rc == 0))
			rc = emit(it, entry);
		if (sfs_likely(rc == 0)) {
			it->from = entry->cursor;
			it->at++;
		}
		if (sfs_likely(rc != -ESTALE) || !sfs_moment_again(it->store, &tries, &rc))
			return rc;
		/* collect it again, from what was not handed out yet */
		it->cursor = it->at < it->ready ? it->hashes[it->order[it->at]] : it->from;
		it->at = it->ready = it->looked = it->next = it->n = 0;
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
