/* SPDX-License-Identifier: MIT */
/*
 * floor 3: repair: the tree (repair.h).
 *
 * Walks the tree in the order of the hashes.  At the first damage on the way to a bucket, what is
 * above it, and good by now, is copied, the damaged entry replaced, and the way gone again: so every
 * page is judged once, and a walk ends however the pages lead to each other (visits_most).
 */
#include "crc32c.h"
#include "repair.h"
#include "treepage.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)

/* ---- what may be where ------------------------------------------------------------------- */

bool sfs_word_plausible(struct sfs_repair *r, uint64_t word)
{
	uint64_t page = sfs_word_page(word);

	return (word & ~(SFS_WORD_PAGE | SFS_WORD_NODE | 63)) == 0 && page >= SFS_SEG && page % SFS_SEG &&
	       sfs_word_depth(word) <= SFS_DEPTH_MAX && sfs_seg_ok(r->s, sfs_seg_of(page));
}

/* Behind the segments of the file as it was there are index pages of our own, and no old records. */
static bool claim(struct sfs_repair *r, uint64_t first, uint64_t n, enum sfs_kind kind)
{
	if (first + n > r->nseg)
		return kind == SFS_SEG_INDEX;
	for (uint64_t i = first; i < first + n; i++)
		if (sfs_seg_reserved(i) ||
		    (r->claim[i] && (r->claim[i] != kind || kind == SFS_SEG_BIG || kind == SFS_SEG_CONT)))
			return false;
	memset(r->claim + first, kind, n);
	return true;
}

/* Is this where a run's record is, of a run that begins in its segment? */
static bool in_run(struct sfs_repair *r, const struct sfs_hit *hit)
{
	uint64_t n = sfs_seg_of(hit->ref), size = sfs_record_size(hit->klen, hit->vlen);
	unsigned kind = sfs_relaxed(&sfs_seg(r->s, n)->kind);
	const struct sfs_record *first = sfs_at(r->s, (n << SFS_SEG_SHIFT) + SFS_DATA_START);

	if (sfs_relaxed((const a64 *)sfs_at(r->s, n << SFS_SEG_SHIFT)) != hit->ref ||
	    hit->ref != sfs_run_record(n, hit->klen))
		return false;
	/* a small one may stand in the very place among others */
	return size > SFS_SMALL || kind == SFS_SEG_BIG || (kind != SFS_SEG_DATA && first->seq == 0);
}

static bool claim_record(struct sfs_repair *r, const struct sfs_hit *hit)
{
	uint64_t n = sfs_seg_of(hit->ref), size = sfs_record_size(hit->klen, hit->vlen), start = n << SFS_SEG_SHIFT;

	if (!sfs_seg_ok(r->s, n))
		return false;
	if (in_run(r, hit)) {
		uint64_t run = sfs_run_segments(hit->vlen);

		return (n < r->nseg && r->claim[n] == SFS_SEG_BIG) || /* by the same record */
		       (claim(r, n + 1, run - 1, SFS_SEG_CONT) && claim(r, n, 1, SFS_SEG_BIG));
	}
	return hit->ref % 8 == 0 && hit->ref >= start + SFS_DATA_START && hit->ref + size <= start + SFS_SEG &&
	       size <= SFS_SMALL && claim(r, n, 1, SFS_SEG_DATA);
}

/* What belongs to a space must look like it. */
static bool well_formed(const struct sfs_hit *hit)
{
	const struct sfs_record *r = hit->record;

	if (r->seq == 0 || r->seq >= SFS_SANE || r->space >= SFS_SPACES || (r->vlen & ~SFS_VLEN))
		return false;
	if (r->space == SFS_LOGSEG)
		return hit->klen == 8 && hit->vlen == SFS_LOG_SEG;
	if (r->space == SFS_CURSOR)
		return hit->klen && hit->klen <= 255 && hit->vlen == 8;
	return true;
}

bool sfs_record_sound(struct sfs_repair *r, uint64_t ref, struct sfs_hit *hit)
{
	return ref % 8 == 0 && sfs_record_check(r->s, ref, hit) == 0 && well_formed(hit) &&
	       sfs_record_intact(hit) && claim_record(r, hit);
}

int sfs_record_kept(struct sfs_repair *r, const struct sfs_hit *hit)
{
	const struct sfs_record *record = hit->record;
	int rc = 0;

	r->last_seq = sfs_max(r->last_seq, record->seq);
	r->last_time = sfs_max(r->last_time, record->time_ns);
	if (record->space == SFS_LOGSEG) {
		uint64_t n;

		memcpy(&n, sfs_record_key(record), sizeof(n));
		rc = sfs_list_add(&r->logs, &n, sizeof(n));
	} else if (record->space == SFS_CURSOR) {
		rc = sfs_list_add(&r->cursors, &hit->ref, sizeof(hit->ref));
	}
	return rc;
}

/* ---- pages -------------------------------------------------------------------------------- */

static uint64_t prefix_of(uint64_t hash, unsigned depth)
{
	return depth ? hash >> (64 - depth) << (64 - depth) : 0;
}

/* Was the page made for this? */
static bool named(struct sfs_repair *r, uint64_t word, uint64_t hash)
{
	uint64_t page = sfs_word_page(word);
	const struct sfs_name *name =
		(const struct sfs_name *)sfs_at(r->s, page & ~(SFS_SEG - 1)) + (page >> 12 & 255);
	unsigned depth = sfs_word_depth(word);

	return sfs_relaxed(&name->prefix) == prefix_of(hash, depth) &&
	       sfs_relaxed(&name->depth_node) == (depth | (word & SFS_WORD_NODE ? 256u : 0));
}

/* Can a node of this depth have such a child? */
static bool fits(unsigned depth, uint64_t word)
{
	return sfs_word_depth(word) >= depth && sfs_word_depth(word) <= depth + 8;
}

/* The entries of a node of this depth that hold a child word, given one of them; false: none can. */
static bool block(struct sfs_entry *node, unsigned depth, unsigned at, uint64_t word, struct sfs_step *step)
{
	unsigned below = sfs_word_depth(word);

	if (!fits(depth, word))
		return false;
	step->span = 1u << (depth + 8 - below);
	step->entry = node + (at & ~(step->span - 1));
	step->word = word;
	return true;
}

static bool child_good(struct sfs_repair *r, unsigned depth, unsigned at, uint64_t word, uint64_t prefix)
{
	return fits(depth, word) && sfs_word_plausible(r, word) &&
	       named(r, word, prefix | (uint64_t)at << 56 >> depth);
}

static bool equal(const struct sfs_step *step)
{
	for (unsigned i = 0; i < step->span; i++)
		if (sfs_relaxed(&step->entry[i].word) != step->word)
			return false;
	return true;
}

/* Has this node a single good child? */
static bool node_alive(struct sfs_repair *r, uint64_t word, uint64_t hash)
{
	struct sfs_entry *node = sfs_at(r->s, sfs_word_page(word));
	unsigned depth = sfs_word_depth(word);

	for (unsigned i = 0; i < SFS_FAN; i++)
		if (child_good(r, depth, i, sfs_relaxed(&node[i].word), prefix_of(hash, depth)))
			return true;
	return false;
}

enum fault {
	NO_FAULT,
	BAD_WORD,  /* of the last step: leads to no page for this hash */
	BAD_NAME,  /* the page may be another's */
	BAD_BLOCK, /* the entries of one page differ */
};

/* Go down to the bucket of a hash, until something is wrong: with the last step of the path. */
static enum fault inspect(struct sfs_repair *r, uint64_t hash, struct sfs_path *path)
{
	struct sfs_step *step = path->step;
	struct sfs_live *live = r->s->live;
	unsigned above = 0;

	*step = (struct sfs_step){&live->root, 1, sfs_relaxed(&live->root.word)};
	for (path->depth = 0; path->depth < SFS_LEVELS; path->depth++, step++) {
		unsigned depth = sfs_word_depth(step->word);
		struct sfs_entry *node;
		unsigned at;

		if (path->depth) {
			node = sfs_at(r->s, sfs_word_page(step[-1].word));
			at = (unsigned)(hash << above >> 56);
			*step = (struct sfs_step){node + at, 1, sfs_relaxed(&node[at].word)};
			depth = sfs_word_depth(step->word);
			if (!block(node, above, at, step->word, step))
				return BAD_WORD;
		}
		if (!sfs_word_plausible(r, step->word) || (path->depth == 0 && depth) ||
		    !claim(r, sfs_seg_of(step->word & SFS_WORD_PAGE), 1, SFS_SEG_INDEX))
			return BAD_WORD;
		if ((step->word & SFS_WORD_NODE) && (hash & UINT64_MAX >> depth) == 0 &&
		    !node_alive(r, step->word, hash))
			return BAD_WORD;
		if (!named(r, step->word, hash))
			return BAD_NAME;
		if (!equal(step))
			return BAD_BLOCK;
		/* one beyond the live epoch would be taken for an owned one some day */
		if (sfs_relaxed(&step->entry->epoch) > sfs_epoch(r->s))
			sfs_commit(&step->entry->epoch, 0);
		if (!(step->word & SFS_WORD_NODE))
			return NO_FAULT;
		above = depth;
	}
	path->depth--;
	return BAD_WORD;
}

/* Own the way down to this step; the steps above it are good. */
static int own(struct sfs_repair *r, uint64_t hash, unsigned level, struct sfs_path *path)
{
	struct shmfs *s = r->s;
	int rc = sfs_repair_change(r);

	path->step[0] = (struct sfs_step){&s->live->root, 1, sfs_relaxed(&s->live->root.word)};
	for (path->depth = 0; rc == 0; path->depth++) {
		struct sfs_step *step = path->step + path->depth;
		unsigned depth, at;

		if (sfs_relaxed(&step->entry->epoch) != sfs_epoch(s))
			rc = sfs_tree_replace(s, hash, path, path->depth, SFS_TO_STORE);
		if (rc || path->depth == level)
			break;
		depth = sfs_word_depth(step->word);
		at = (unsigned)(hash << depth >> 56);
		step[1].entry = sfs_at(s, sfs_word_page(step->word));
		if (!block(step[1].entry, depth, at, sfs_relaxed(&step[1].entry[at].word), step + 1))
			return -EUCLEAN;
	}
	return rc;
}

/* ---- holes -------------------------------------------------------------------------------- */

/* The hole of this page, which is the last one or a new one. */
static int hole(struct sfs_repair *r, uint64_t hash, unsigned depth, uint64_t homes)
{
	struct sfs_hole new = {prefix_of(hash, depth), homes, depth};
	struct sfs_hole *last = r->holes.n ? (struct sfs_hole *)r->holes.items + r->holes.n - 1 : NULL;

	if (last && last->prefix == new.prefix && last->depth == depth) {
		last->homes |= homes;
		return 0;
	}
	return sfs_list_add(&r->holes, &new, sizeof(new));
}

/* Let an entry lead to an empty bucket: what was below it is salvaged. */
static int put_empty(struct sfs_repair *r, uint64_t hash, unsigned depth, const struct sfs_step *step)
{
	struct shmfs *s = r->s;
	uint64_t page, word;
	int rc = sfs_page_new(s, hash, depth, false, SFS_TO_STORE, &page);

	if (rc)
		return rc;
	sfs_zero(sfs_at(s, page), SFS_PAGE);
	sfs_heap_keep(s, SFS_INDEX_HEAD, page, SFS_PAGE);
	word = page | depth;
	sfs_tree_swing(s, step, word, word);
	return hole(r, hash, depth, UINT64_MAX);
}

/* One entry of a node is wrong.  Does another entry of the same page know better? */
static bool ask_siblings(struct sfs_repair *r, uint64_t hash, const struct sfs_step *parent, uint64_t wrong)
{
	struct sfs_entry *node = sfs_at(r->s, sfs_word_page(parent->word));
	unsigned depth = sfs_word_depth(parent->word), at = (unsigned)(hash << depth >> 56);

	for (unsigned i = 0; i < SFS_FAN; i++) {
		unsigned j = at ^ i; /* the nearest blocks first */
		uint64_t word = sfs_relaxed(&node[j].word);
		struct sfs_step step;

		if (word == wrong || !child_good(r, depth, j, word, prefix_of(hash, depth)) ||
		    !block(node, depth, j, word, &step) || node + at < step.entry ||
		    node + at >= step.entry + step.span)
			continue;
		for (unsigned k = 0; k < step.span; k++) {
			sfs_set(&step.entry[k].word, word);
			sfs_set(&step.entry[k].epoch, 0); /* not owned: it is an old page */
		}
		return true;
	}
	return false;
}

/* No: it is lost, and with it the other entries of that page, if they agree. */
static int lose_entry(struct sfs_repair *r, uint64_t hash, const struct sfs_step *parent, uint64_t wrong)
{
	struct sfs_entry *node = sfs_at(r->s, sfs_word_page(parent->word));
	unsigned depth = sfs_word_depth(parent->word), at = (unsigned)(hash << depth >> 56);
	struct sfs_step step;

	if (depth + 8 > SFS_DEPTH_MAX)
		return put_empty(r, hash, depth, parent);
	if (block(node, depth, at, wrong, &step) && equal(&step))
		return put_empty(r, hash, sfs_word_depth(wrong), &step);
	return put_empty(r, hash, depth + 8, &(struct sfs_step){node + at, 1, 0});
}

/* The whole tree is lost. */
static int plant(struct sfs_repair *r)
{
	struct sfs_step root = {&r->s->live->root, 1, 0};
	int rc = sfs_repair_change(r);

	r->holes.n = r->suspects.n = r->found.n = r->lost.n = r->logs.n = r->cursors.n = 0;
	memset(r->claim, 0, r->nseg);
	return rc ? rc : put_empty(r, 0, 0, &root);
}

static int mend_page(struct sfs_repair *r, uint64_t hash, enum fault fault, struct sfs_path *path)
{
	unsigned level = path->depth;
	uint64_t word = path->step[level].word, at = sfs_offset(r->s, path->step[level].entry);
	int rc;

	if (level == 0 && fault != BAD_NAME) {
		sfs_problem(r, SFS_AT_LIVE, "the root of the tree is damaged");
		return plant(r);
	}
	sfs_problem(r, at, fault == BAD_NAME    ? "an index page's name is not what leads to it"
	                   : fault == BAD_BLOCK ? "the entries of one index page differ"
	                                        : "an index word leads to no index page");
	if (level) {
		rc = own(r, hash, level - 1, path);
		if (rc || ask_siblings(r, hash, &path->step[level - 1], fault == BAD_BLOCK ? 0 : word))
			return rc;
		if (fault != BAD_NAME)
			return lose_entry(r, hash, &path->step[level - 1], word);
	}
	/* A copy has the right name.  A node's children are looked at one by one; a bucket may be
	 * another one than the right one. */
	rc = own(r, hash, level, path);
	return rc || (word & SFS_WORD_NODE) ? rc : hole(r, hash, sfs_word_depth(word), UINT64_MAX);
}

/* ---- buckets ------------------------------------------------------------------------------ */

static bool has_virgin(const a64 *line)
{
	for (int i = 0; i < SFS_LINE_SLOTS; i++)
		if (sfs_relaxed(line + i) == 0)
			return true;
	return false;
}

/* Does a search for the hash get to the line?  *before: the line that ends it. */
static bool passes(const a64 *page, uint64_t hash, unsigned distance, unsigned *before)
{
	for (unsigned i = 0; i < distance; i++) {
		*before = (unsigned)(hash + i) & (SFS_LINES - 1);
		if (has_virgin(page + *before * SFS_LINE_SLOTS))
			return false;
	}
	return true;
}

enum verdict { SOUND, DROP, MOVE };

/* A slot that leads to a sound record of its hash stays, unless nobody would find it there. */
static int judge_sound(struct sfs_repair *r, uint64_t bucket, a64 *slot, const struct sfs_hit *hit,
                       const struct sfs_key *key, enum verdict *verdict)
{
	const a64 *page = sfs_at(r->s, sfs_word_page(bucket));
	unsigned before;
	struct sfs_hit other;
	struct sfs_found again = {hit->record->seq | SFS_SANE, hit->ref, key->hash};
	uint64_t at = sfs_offset(r->s, slot);
	int rc = 0;

	if (!passes(page, key->hash, (unsigned)(sfs_relaxed(slot) >> 60) - 1, &before)) {
		/* a slot there was lost; we know nothing more of it */
		sfs_problem(r, at, "a search for the slot's key ends before it");
		rc = hole(r, key->hash, sfs_word_depth(bucket), sfs_homes_of(before));
	} else if (sfs_bucket_find(r->s, bucket, key, &other) == 0 && other.slot == slot) {
		*verdict = SOUND;
		return sfs_record_kept(r, hit);
	} else {
		sfs_problem(r, at, "a key is in its bucket twice");
	}
	*verdict = MOVE;
	return rc ? rc : sfs_list_add(&r->found, &again, sizeof(again));
}

static int judge(struct sfs_repair *r, uint64_t bucket, uint64_t hash, a64 *slot, enum verdict *verdict)
{
	uint64_t w = sfs_relaxed(slot), ref = sfs_slot_ref(w);
	unsigned depth = sfs_word_depth(bucket), distance = (unsigned)(w >> 60) - 1;
	unsigned line = (sfs_offset(r->s, slot) >> 6) & (SFS_LINES - 1);
	struct sfs_suspect suspect = {.word = w, .ref = ref, .line = line};
	struct sfs_hit hit;
	int rc;

	*verdict = DROP;
	if (distance < SFS_REACH && ref && sfs_record_check(r->s, ref, &hit) == 0) {
		struct sfs_key key = sfs_key(r->s, hit.record->space, sfs_record_key(hit.record), hit.klen);
		bool its = hit.record->space < SFS_SPACES && prefix_of(key.hash ^ hash, depth) == 0 &&
		           ((key.hash + distance) & (SFS_LINES - 1)) == line &&
		           (w & ~SFS_SLOT_REF) == sfs_slot_tag(key.hash, depth, distance);

		if (its && sfs_record_sound(r, ref, &hit))
			return judge_sound(r, bucket, slot, &hit, &key, verdict);
		if (its) { /* so the slot is good */
			sfs_problem(r, ref, "the record is damaged: its key is lost");
			r->result->dropped++;
			return sfs_list_add(&r->lost, &key.hash, sizeof(key.hash));
		}
	}
	if (__builtin_popcountll(w) == 1 || __builtin_popcountll(w ^ SFS_TOMBSTONE) == 1) {
		sfs_problem(r, sfs_offset(r->s, slot), "an empty slot is damaged");
		return 0;
	}
	sfs_problem(r, sfs_offset(r->s, slot), "a slot leads to no record of its key");
	r->result->dropped++;
	rc = hole(r, hash, depth, 0);
	suspect.hole = r->holes.n - 1;
	return rc ? rc : sfs_list_add(&r->suspects, &suspect, sizeof(suspect));
}

static int mend_bucket(struct sfs_repair *r, uint64_t hash, struct sfs_path *path)
{
	uint64_t bucket = sfs_path_bucket(path);
	a64 *page = sfs_at(r->s, sfs_word_page(bucket));
	bool bad[SLOTS] = {false}, any = false;
	int rc = 0;

	for (unsigned i = 0; i < SLOTS && rc == 0; i++) {
		uint64_t w = sfs_relaxed(page + i);
		enum verdict verdict;

		if (w == 0 || w == SFS_TOMBSTONE)
			continue;
		rc = judge(r, bucket, hash, page + i, &verdict);
		bad[i] = verdict != SOUND;
		any |= bad[i];
	}
	if (rc || !any)
		return rc;
	rc = own(r, hash, path->depth, path);
	page = sfs_at(r->s, sfs_word_page(sfs_path_bucket(path)));
	for (unsigned i = 0; i < SLOTS && rc == 0; i++)
		if (bad[i])
			sfs_set(page + i, SFS_TOMBSTONE);
	return rc;
}

/* ---- the walk ------------------------------------------------------------------------------ */

int sfs_retree(struct sfs_repair *r)
{
	enum fault fault;
	uint64_t hash = 0;

	sfs_repair_part(r, r->map_bytes);
	do {
		struct sfs_path path;
		int rc;

		fault = inspect(r, hash, &path);
		if (++r->visits > r->visits_most) {
			sfs_problem(r, SFS_AT_LIVE, "the tree leads to the same pages again and again");
			return plant(r);
		}
		rc = fault ? mend_page(r, hash, fault, &path) : mend_bucket(r, hash, &path);
		if (rc)
			return rc;
		if (!fault)
			hash = (hash | UINT64_MAX >> sfs_word_depth(sfs_path_bucket(&path))) + 1;
		rc = fault ? 0 : sfs_repair_told(r, sfs_share_of(hash));
		if (rc)
			return rc;
	} while (fault || hash);
	return 0;
}
