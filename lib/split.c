/* SPDX-License-Identifier: MIT */
/*
 * floor 2: splitting buckets and nodes (tree.h).
 *
 * The old page stays intact for the readers inside it: both halves are new pages.
 */
#include "treepage.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)
#define AHEAD 16 /* records prefetched */

/*
 * What a split needs of each entry's hash: the prefix, home line, the bits of the new tag.  Prefix
 * and slot have them all, but where the children's tags start further down: then the
 * records are read again.
 */
static int hashes_of(struct shmfs *s, const a64 *page, unsigned depth, uint64_t prefix, uint64_t *hash)
{
	unsigned base = sfs_tag_base(prefix, depth), shift = 64 - SFS_TAG_HASH_BITS - base;
	uint64_t low = prefix & ~(UINT64_C(1) << (63 - depth)), high = prefix | UINT64_C(1) << (63 - depth);
	bool reread = sfs_tag_base(low, depth + 1) != base || sfs_tag_base(high, depth + 1) != base;

	prefix = depth ? prefix >> (64 - depth) << (64 - depth) : 0;
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t w = sfs_relaxed(page + i), tag = w >> SFS_SLOT_REF_BITS;
		unsigned distance = (unsigned)(tag >> SFS_TAG_HASH_BITS) - 1;
		uint64_t home = (i / SFS_LINE_SLOTS - distance) & (SFS_LINES - 1);
		struct sfs_hit hit;
		int rc;

		if (!sfs_slot_ref(w))
			continue;
		if (distance >= SFS_REACH)
			return -EUCLEAN;
		if (!reread) {
			/* where the bits overlap they are the same bits */
			hash[i] = prefix | (tag & ((1u << SFS_TAG_HASH_BITS) - 1)) << shift | home;
			continue;
		}
		if (i + AHEAD < SLOTS)
			__builtin_prefetch(sfs_at(s, sfs_slot_ref(sfs_relaxed(page + i + AHEAD))));
		rc = sfs_record_check(s, sfs_slot_ref(w), &hit);
		if (rc)
			return rc;
		hash[i] = sfs_hash(s->seed, hit.record->space, sfs_record_key(hit.record), hit.klen);
		if ((hash[i] & (SFS_LINES - 1)) != home)
			return -EUCLEAN;
	}
	return 0;
}

static unsigned half_of(uint64_t hash, unsigned depth)
{
	return hash >> (63 - depth) & 1;
}

/*
 * Place the entries of both halves afresh, each as near to its home as it gets: the pages are new, so
 * a line's free slots are those behind the ones it has been given.  In one pass and with no branch on the
 * half, which nothing predicts: splits are the slowest puts of a thousand.  Bit 0 or 1: that half has no place
 * for one.
 */
static unsigned place(const a64 *old, const uint64_t *hash, unsigned depth, a64 *const page[2])
{
	uint8_t fill[2][SFS_LINES] = {{0}};
	unsigned failed = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t ref = sfs_relaxed(old + i) & SFS_SLOT_REF;
		unsigned distance = 0, line, half;

		if (!ref)
			continue;
		half = half_of(hash[i], depth);
		while (fill[half][line = (hash[i] + distance) & (SFS_LINES - 1)] == SFS_LINE_SLOTS)
			if (++distance == SFS_INSERT_REACH)
				break;
		if (distance == SFS_INSERT_REACH)
			failed |= 1u << half;
		else
			sfs_set(page[half] + line * SFS_LINE_SLOTS + fill[half][line]++,
			        sfs_slot_tag(hash[i], depth + 1, distance) | ref);
	}
	return failed;
}

/*
 * Another order of insertion may displace an entry further than it can be found.  Then keep
 * every entry where it was, and tombstones where the others were: always legal.
 */
static void keep_places(const a64 *old, const uint64_t *hash, unsigned depth, unsigned half, a64 *page)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t w = sfs_relaxed(old + i), ref = w & SFS_SLOT_REF;

		if (ref && half_of(hash[i], depth) == half)
			sfs_set(page + i, sfs_slot_tag(hash[i], depth + 1, (unsigned)(w >> 60) - 1) | ref);
		else
			sfs_set(page + i, w ? SFS_TOMBSTONE : 0);
	}
}

static int split_bucket(struct shmfs *s, uint64_t prefix, uint64_t word, const uint64_t page[2])
{
	unsigned depth = sfs_word_depth(word);
	const a64 *old = sfs_at(s, sfs_word_page(word));
	a64 *new[2] = {sfs_at(s, page[0]), sfs_at(s, page[1])};
	uint64_t hash[SLOTS];
	unsigned failed;
	int rc = hashes_of(s, old, depth, prefix, hash);

	if (rc)
		return rc;
	sfs_zero(new[0], SFS_PAGE);
	sfs_zero(new[1], SFS_PAGE);
	failed = place(old, hash, depth, new);
	for (unsigned half = 0; half < 2; half++)
		if (sfs_unlikely(failed >> half & 1))
			keep_places(old, hash, depth, half, new[half]);
	return 0;
}

static void split_node(struct shmfs *s, uint64_t word, const uint64_t page[2])
{
	const struct sfs_entry *old = sfs_at(s, sfs_word_page(word));

	for (unsigned i = 0; i < 2 * SFS_FAN; i++) {
		struct sfs_entry *e = (struct sfs_entry *)sfs_at(s, page[i / SFS_FAN]) + i % SFS_FAN;

		sfs_set(&e->word, sfs_relaxed(&old[i / 2].word));
		sfs_set(&e->epoch, sfs_relaxed(&old[i / 2].epoch));
	}
}

/* A node of depth 0 above the two halves of the former root. */
static int new_root(struct shmfs *s, uint64_t w0, uint64_t w1, uint64_t *word)
{
	struct sfs_entry *e;
	uint64_t page;
	int rc = sfs_page_new(s, 0, 0, true, SFS_TO_STORE, &page);

	if (rc)
		return rc;
	e = sfs_at(s, page);
	for (unsigned i = 0; i < SFS_FAN; i++) {
		sfs_set(&e[i].word, i < SFS_FAN / 2 ? w0 : w1);
		sfs_set(&e[i].epoch, sfs_epoch(s));
	}
	sfs_heap_keep(s, SFS_INDEX_HEAD, page, SFS_PAGE);
	*word = page | SFS_WORD_NODE;
	return 0;
}

/* Two pages for the halves of a page of this depth, kept. */
static int new_halves(struct shmfs *s, uint64_t hash, uint64_t word, uint64_t page[2])
{
	unsigned depth = sfs_word_depth(word);
	uint64_t bit = UINT64_C(1) << (63 - depth);

	for (int upper = 0; upper < 2; upper++) {
		int rc = sfs_page_new(s, upper ? hash | bit : hash & ~bit, depth + 1, word & SFS_WORD_NODE,
		                      SFS_TO_STORE, &page[upper]);
		if (rc) {
			if (upper)
				sfs_seg_drop(s, page[0], SFS_PAGE);
			return rc;
		}
		/* before they are written, which no reader can tell: they are not reachable yet */
		sfs_heap_keep(s, SFS_INDEX_HEAD, page[upper], SFS_PAGE);
	}
	return 0;
}

static int split_step(struct shmfs *s, uint64_t hash, const struct sfs_step *step, bool root)
{
	uint64_t page[2], w0, w1, flags = (step->word & SFS_WORD_NODE) | (sfs_word_depth(step->word) + 1);
	int rc = new_halves(s, hash, step->word, page);

	if (rc)
		return rc;
	if (step->word & SFS_WORD_NODE)
		split_node(s, step->word, page);
	else
		rc = split_bucket(s, hash, step->word, page);
	w0 = page[0] | flags;
	w1 = page[1] | flags;
	if (rc == 0 && root) {
		rc = new_root(s, w0, w1, &w0);
		w1 = w0;
	}
	if (rc) {
		sfs_seg_drop(s, page[0], SFS_PAGE);
		sfs_seg_drop(s, page[1], SFS_PAGE);
		return rc;
	}
	sfs_tree_swing(s, step, w0, w1);
	if (!(step->word & SFS_WORD_NODE))
		sfs_set(&s->live->buckets, sfs_relaxed(&s->live->buckets) + 1);
	sfs_seg_drop(s, sfs_word_page(step->word), SFS_PAGE);
	return 0;
}

int sfs_tree_split(struct shmfs *s, uint64_t hash, const struct sfs_path *path)
{
	unsigned at = path->depth;

	if (sfs_word_depth(path->step[at].word) >= SFS_DEPTH_MAX)
		return SHMFS_E_COLLIDE;
	/* a page whose parent has only one entry for it makes the parent split first */
	while (at > 0 && path->step[at].span == 1)
		at--;
	return split_step(s, hash, &path->step[at], at == 0);
}
