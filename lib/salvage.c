/* SPDX-License-Identifier: MIT */
/*
 * floor 3: repair: records that no slot leads to any more (repair.h).
 *
 * Every segment is read, whatever its table says it is.  DATA from its first record to the next; where
 * that is damaged too, at every 8 bytes for a header that makes sense and a sum that is right.  But
 * not where a value lies that is in use, or where nothing begins like a DATA segment: a store kept as
 * a value would be taken for our own records.
 */
#include <stdlib.h>

#include "crc32c.h"
#include "repair.h"

#define BITS_MOST 3 /* that differ between a damaged slot and what it was */
#define SUMMED_MOST (64 * SFS_SEG) /* bytes of a segment's guesses that are summed, at most */

/* ---- which are wanted ------------------------------------------------------------------------ */

static const struct sfs_hole *hole_of(const struct sfs_repair *r, uint64_t hash)
{
	const struct sfs_hole *holes = r->holes.items;
	size_t low = 0, high = r->holes.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (holes[middle].prefix <= hash)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	holes += low - 1;
	return holes->depth && (hash ^ holes->prefix) >> (64 - holes->depth) ? NULL : holes;
}

static int by_ref(const void *a, const void *b)
{
	const struct sfs_suspect *x = a, *y = b;

	return x->ref < y->ref ? -1 : x->ref > y->ref;
}

/* A damaged record begins at `ref`: the slot that leads to it is good. */
static void acquit(struct sfs_repair *r, uint64_t ref)
{
	struct sfs_suspect key = {.ref = ref}, *items = r->suspects.items, *at;

	if (!r->suspects.n)
		return;
	at = bsearch(&key, items, r->suspects.n, sizeof(key), by_ref);
	if (!at)
		return;
	for (; at > items && at[-1].ref == ref; at--)
		;
	for (; at < items + r->suspects.n && at->ref == ref; at++)
		at->solved = true;
}

static int by_hash(const void *a, const void *b)
{
	const struct sfs_found *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Of the candidates of the hole, sorted by hash, the one whose slot would look most like this one. */
static void solve(struct sfs_repair *r, struct sfs_suspect *suspect)
{
	const struct sfs_hole *hole = (const struct sfs_hole *)r->holes.items + suspect->hole;
	struct sfs_found *found = r->found.items, *best = NULL;
	size_t low = 0, high = r->found.n;
	int least = BITS_MOST + 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (found[middle].hash < hole->prefix)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < r->found.n && hole_of(r, found[low].hash) == hole; low++) {
		unsigned distance = (suspect->line - (unsigned)found[low].hash) & (SFS_LINES - 1);
		uint64_t word = sfs_slot_tag(found[low].hash, hole->depth, distance) | found[low].ref >> 3;
		int bits = __builtin_popcountll(word ^ suspect->word);

		if (distance < SFS_REACH && bits < least) {
			least = bits;
			best = found + low;
		}
	}
	if (!best)
		return;
	best->rank |= SFS_SANE;
	suspect->solved = true;
}

/* What is still unexplained makes holes. */
static void convict(struct sfs_repair *r)
{
	struct sfs_suspect *items = r->suspects.items;
	struct sfs_hole *holes = r->holes.items;

	if (r->suspects.n && r->found.n)
		qsort(r->found.items, r->found.n, sizeof(struct sfs_found), by_hash);
	for (size_t i = 0; i < r->suspects.n; i++) {
		/* under another seed every slot looks damaged, and resembles an outdated record by chance */
		if (!items[i].solved && !r->seed_guessed)
			solve(r, items + i);
		if (!items[i].solved)
			holes[items[i].hole].homes |= sfs_homes_of(items[i].line);
	}
}

static int candidate(struct sfs_repair *r, const struct sfs_hit *hit)
{
	struct sfs_key key = sfs_key(r->s, hit->record->space, sfs_record_key(hit->record), hit->klen);
	struct sfs_found found = {hit->record->seq, hit->ref, key.hash};

	r->last_seq = sfs_max(r->last_seq, found.rank);
	return hole_of(r, key.hash) ? sfs_list_add(&r->found, &found, sizeof(found)) : 0;
}

/* ---- segments ---------------------------------------------------------------------------------- */

/* A header that makes sense, of a record that ends before `end`. */
static bool header_at(struct sfs_repair *r, uint64_t at, uint64_t end, struct sfs_hit *hit)
{
	const struct sfs_record *record = sfs_at(r->s, at);

	if (at + sizeof(*record) > end || record->seq == 0 || record->seq >= SFS_SANE ||
	    record->space >= SFS_SPACES || (record->vlen & ~SFS_VLEN))
		return false;
	hit->ref = at;
	hit->record = record;
	hit->klen = record->klen;
	hit->vlen = record->vlen;
	return hit->vlen <= SFS_SMALL && sfs_record_size(hit->klen, hit->vlen) <= sfs_min(end - at, SFS_SMALL);
}

static bool intact_at(struct sfs_repair *r, uint64_t at, uint64_t end, struct sfs_hit *hit)
{
	return header_at(r, at, end, hit) && sfs_record_intact(hit);
}

/* The place of the next intact record. */
static uint64_t resync(struct sfs_repair *r, uint64_t at, uint64_t end, uint64_t *summed)
{
	struct sfs_hit hit;

	for (at += 8; at < end && *summed < SUMMED_MOST; at += 8) {
		if (!header_at(r, at, end, &hit))
			continue;
		*summed += sfs_record_size(hit.klen, hit.vlen);
		if (sfs_record_intact(&hit))
			return at;
	}
	return end;
}

static int scan_data(struct sfs_repair *r, uint64_t n)
{
	uint64_t at = (n << SFS_SEG_SHIFT) + SFS_DATA_START, end = (n + 1) << SFS_SEG_SHIFT, summed = 0;
	unsigned kind = sfs_relaxed(&sfs_seg(r->s, n)->kind);
	struct sfs_hit hit, next;
	int rc = 0;

	while (rc == 0 && at < end) {
		bool first = at % SFS_SEG == SFS_DATA_START, header = header_at(r, at, end, &hit);
		uint64_t size = header ? sfs_record_size(hit.klen, hit.vlen) : 0;

		if (header && sfs_record_intact(&hit)) {
			rc = candidate(r, &hit);
			at += size;
			continue;
		}
		acquit(r, at);
		if (header && intact_at(r, at + size, end, &next)) {
			at += size; /* damaged, but not its lengths: not to be looked into */
		} else if (first && kind != SFS_SEG_DATA && kind <= SFS_SEG_SPARE) {
			break;
		} else {
			at = resync(r, at, end, &summed);
		}
	}
	return rc;
}

/* The record of a run that begins here, dead or alive. */
static bool run_at(struct sfs_repair *r, uint64_t n, struct sfs_hit *hit)
{
	uint64_t start = n << SFS_SEG_SHIFT, ref = sfs_relaxed((const a64 *)sfs_at(r->s, start));

	return ref % 8 == 0 && ref > start && ref < start + SFS_RUN_VALUE &&
	       sfs_record_check(r->s, ref, hit) == 0 && ref == sfs_run_record(n, hit->klen) &&
	       hit->record->seq && hit->record->seq < SFS_SANE && hit->record->space < SFS_SPACES &&
	       (hit->record->vlen & ~SFS_VLEN) == 0;
}

/* Runs first: what a whole one covers holds no other records.  (The sum of a log segment's does
 * not say that it is whole.) */
static int scan_runs(struct sfs_repair *r, uint8_t *covered)
{
	int rc = 0;

	for (uint64_t n = SFS_FIRST_SEG; n < r->nseg && rc == 0; n++) {
		struct sfs_hit hit;

		if (sfs_seg_reserved(n) || covered[n] || !run_at(r, n, &hit))
			continue;
		if (!sfs_record_intact(&hit)) {
			acquit(r, hit.ref);
			continue;
		}
		rc = candidate(r, &hit);
		for (uint64_t i = n; hit.record->space != SFS_LOGSEG && i < n + sfs_run_segments(hit.vlen) && i < r->nseg; i++)
			covered[i] = 1;
	}
	return rc;
}

static int scan(struct sfs_repair *r)
{
	uint8_t *covered = malloc(r->nseg);
	int rc;

	if (!covered)
		return -ENOMEM;
	for (uint64_t n = 0; n < r->nseg; n++)
		covered[n] = r->claim[n] == SFS_SEG_BIG || r->claim[n] == SFS_SEG_CONT || r->claim[n] == SFS_SEG_INDEX;
	sfs_repair_more(r, r->map_bytes);
	sfs_repair_part(r, r->map_bytes);
	rc = scan_runs(r, covered);
	for (uint64_t n = SFS_FIRST_SEG; n < r->nseg && rc == 0; n++) {
		if (!sfs_seg_reserved(n) && !covered[n])
			rc = scan_data(r, n);
		if (rc == 0)
			rc = sfs_repair_told(r, (double)n / (double)r->nseg);
	}
	free(covered);
	return rc;
}

/* ---- putting them back --------------------------------------------------------------------------- */

int sfs_salvage_put(struct sfs_repair *r, const struct sfs_hit *hit)
{
	struct shmfs *s = r->s;
	struct sfs_key key = sfs_key(s, hit->record->space, sfs_record_key(hit->record), hit->klen);
	struct sfs_path path;
	struct sfs_hit there;
	int rc = sfs_repair_change(r);

	while (rc == 0) {
		uint64_t bucket, tag;
		a64 *slot;

		rc = sfs_tree_descend(s, key.hash, true, SFS_TO_STORE, &path);
		if (rc)
			break;
		bucket = sfs_path_bucket(&path);
		if (sfs_bucket_find(s, bucket, &key, &there) == 0)
			return -EEXIST;
		slot = sfs_bucket_room(sfs_at(s, sfs_word_page(bucket)), sfs_word_depth(bucket), key.hash, &tag);
		if (slot) {
			sfs_set(slot, tag | hit->ref >> 3);
			return sfs_record_kept(r, hit);
		}
		rc = sfs_tree_split(s, key.hash, &path);
	}
	return rc;
}

static int by_rank(const void *a, const void *b)
{
	const struct sfs_found *x = a, *y = b;

	return x->rank > y->rank ? -1 : x->rank < y->rank;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The newest first: what is there by then is newer, or was never lost. */
static int put_back(struct sfs_repair *r, const struct sfs_found *found)
{
	const struct sfs_hole *hole = hole_of(r, found->hash);
	bool sure = found->rank >= SFS_SANE;
	struct sfs_hit hit, there;
	struct sfs_key key;
	int rc;

	if (!sure && !(hole && hole->homes >> (found->hash & (SFS_LINES - 1)) & 1))
		return 0;
	if (r->lost.n && bsearch(&found->hash, r->lost.items, r->lost.n, sizeof(uint64_t), by_number))
		return 0;
	if (sfs_record_check(r->s, found->ref, &hit))
		return 0;
	key = sfs_key(r->s, hit.record->space, sfs_record_key(hit.record), hit.klen);
	if (key.space == SFS_LOGSEG && r->log.known) {
		uint64_t n;

		memcpy(&n, sfs_record_key(hit.record), sizeof(n));
		if (n < r->log.head >> SFS_LOG_SHIFT) /* trimmed */
			return 0;
	}
	if (sfs_index_find(r->s, sfs_relaxed(&r->s->live->root.word), &key, &there) == 0 ||
	    !sfs_record_sound(r, found->ref, &hit))
		return 0;
	rc = sfs_salvage_put(r, &hit);
	if (rc == SHMFS_E_COLLIDE) {
		sfs_problem(r, found->ref, "too many keys with one hash prefix: one is lost");
		return 0;
	}
	r->result->salvaged += rc == 0 && !sure && key.space == SFS_USER;
	return rc;
}

int sfs_salvage(struct sfs_repair *r)
{
	int rc = 0;

	if (r->suspects.n)
		qsort(r->suspects.items, r->suspects.n, sizeof(struct sfs_suspect), by_ref);
	if (r->holes.n)
		rc = scan(r);
	convict(r);
	if (rc == 0 && r->found.n)
		qsort(r->found.items, r->found.n, sizeof(struct sfs_found), by_rank);
	if (r->lost.n)
		qsort(r->lost.items, r->lost.n, sizeof(uint64_t), by_number);
	for (size_t i = 0; rc == 0 && i < r->found.n; i++)
		rc = put_back(r, (const struct sfs_found *)r->found.items + i);
	return rc;
}
