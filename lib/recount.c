/* SPDX-License-Identifier: MIT */
/*
 * floor 3: repair: the segment tables (repair.h).
 *
 * What the tree reaches says what every segment is.  What it does not reach has died in the epoch of
 * the repair, so that it is left alone as long as an older checkpoint may be gone back to.
 */
#include <stdlib.h>

#include "repair.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)
#define BACKED_MOST (SFS_SEG >> SFS_BACK_SHIFT)

/* All that the file has, whatever the live page says. */
static uint64_t segments(const struct sfs_repair *r)
{
	return sfs_relaxed(&r->s->file.size) >> SFS_SEG_SHIFT;
}

static void add(struct sfs_repair *r, uint64_t n, enum sfs_kind kind, uint64_t bytes)
{
	r->kind[n] = (uint8_t)kind;
	r->live_bytes[n] = (uint32_t)sfs_min(r->live_bytes[n] + bytes, UINT32_MAX);
}

/* What is put next, there, would overwrite it. */
static void behind(struct sfs_repair *r, int head, uint64_t end)
{
	uint64_t at = sfs_relaxed(&r->live.head[head]);

	r->overtaken[head] |= end > at && sfs_seg_of(end - 1) == sfs_seg_of(at - 1);
}

static void add_record(struct sfs_repair *r, uint64_t ref)
{
	uint64_t n = sfs_seg_of(ref), size, nseg = segments(r), run;
	struct sfs_hit hit;

	if (sfs_record_check(r->s, ref, &hit))
		return;
	size = sfs_record_size(hit.klen, hit.vlen);
	r->bytes += size;
	r->count += hit.record->space == SFS_USER;
	/* in the file as it was, what claimed the segment said it */
	if (n < r->nseg ? r->claim[n] != SFS_SEG_BIG : size <= SFS_SMALL) {
		add(r, n, SFS_SEG_DATA, size);
		behind(r, SFS_DATA_HEAD, ref + size);
		return;
	}
	run = sfs_run_segments(hit.vlen);
	r->big += size;
	add(r, n, SFS_SEG_BIG, run);
	for (uint64_t i = n + 1; i < n + run && i < nseg; i++)
		add(r, i, SFS_SEG_CONT, 0);
}

static void add_bucket(struct sfs_repair *r, uint64_t bucket)
{
	const a64 *page = sfs_at(r->s, sfs_word_page(bucket));

	r->buckets++;
	for (unsigned i = 0; i < SLOTS; i++)
		if (sfs_slot_ref(sfs_relaxed(page + i)))
			add_record(r, sfs_slot_ref(sfs_relaxed(page + i)));
}

int sfs_recount(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	uint64_t nseg = segments(r), hash = 0;
	int rc = 0;

	free(r->live_bytes);
	free(r->kind);
	r->live_bytes = calloc(nseg, sizeof(*r->live_bytes));
	r->kind = calloc(nseg, sizeof(*r->kind));
	if (!r->live_bytes || !r->kind)
		return -ENOMEM;
	r->count = r->buckets = r->big = r->bytes = r->pages = 0;
	r->overtaken[SFS_DATA_HEAD] = r->overtaken[SFS_INDEX_HEAD] = false;
	sfs_repair_part(r, r->map_bytes);
	do {
		struct sfs_path path;

		rc = sfs_tree_descend(s, hash, false, SFS_TO_FREE, &path);
		for (unsigned i = 0; rc == 0 && i <= path.depth; i++) {
			uint64_t word = path.step[i].word;

			if (hash & UINT64_MAX >> sfs_word_depth(word))
				continue;
			add(r, sfs_seg_of(sfs_word_page(word)), SFS_SEG_INDEX, SFS_PAGE);
			behind(r, SFS_INDEX_HEAD, sfs_word_page(word) + SFS_PAGE);
			r->pages++;
		}
		if (rc)
			break;
		add_bucket(r, sfs_path_bucket(&path));
		hash = (hash | UINT64_MAX >> sfs_word_depth(sfs_path_bucket(&path))) + 1;
		rc = sfs_repair_told(r, sfs_share_of(hash));
	} while (rc == 0 && hash);
	return rc;
}

/* ---- comparing -------------------------------------------------------------------------------- */

/* As the live page sees it, or as recovery would from the checkpoint. */
static bool alive(struct sfs_repair *r, const struct sfs_seg *e)
{
	uint64_t died = sfs_relaxed(&e->died), epoch = sfs_epoch(r->s);

	if (sfs_relaxed(&e->born) > epoch)
		return false;
	return died == 0 || (!r->ours && (died > epoch || sfs_relaxed(&e->kind) == SFS_SEG_CONT));
}

/* Does the table say of a run what recovery and the check ask of one? */
static bool run_whole(struct sfs_repair *r, uint64_t n, uint64_t run)
{
	uint64_t nseg = sfs_min(sfs_relaxed(&r->live.nseg), segments(r));

	if (n >= nseg || run > nseg - n)
		return false;
	for (uint64_t i = 1; i < run; i++)
		if (sfs_relaxed(&sfs_seg(r->s, n + i)->kind) != SFS_SEG_CONT)
			return false;
	return true;
}

static void compare_reached(struct sfs_repair *r, uint64_t n, const struct sfs_seg *e)
{
	uint32_t live = sfs_relaxed(&e->live);
	uint64_t at = n << SFS_SEG_SHIFT;

	if (sfs_relaxed(&e->kind) != r->kind[n] || !alive(r, e))
		sfs_problem(r, at, "segment %llu is in use, but not by its table entry", (unsigned long long)n);
	else if (r->kind[n] == SFS_SEG_BIG && live < r->live_bytes[n])
		sfs_problem(r, at, "a record is longer than its run");
	else if (r->kind[n] == SFS_SEG_BIG && !run_whole(r, n, live))
		sfs_problem(r, at, "a run of %u segments, some of which are not its own", live);
	else if (r->kind[n] != SFS_SEG_CONT && r->ours && live < r->live_bytes[n])
		sfs_problem(r, at, "segment %llu: %u bytes reachable, %u accounted", (unsigned long long)n,
		            r->live_bytes[n], live);
}

/* A run that is being filled, or was by somebody who is dead, has a lease.  What else nothing reaches,
 * recovery frees. */
static void compare_unreached(struct sfs_repair *r, uint64_t n, const struct sfs_seg *e, uint64_t *run_end)
{
	unsigned kind = sfs_relaxed(&e->kind);

	if (kind > SFS_SEG_SPARE && r->ours)
		sfs_problem(r, n << SFS_SEG_SHIFT, "segment %llu is of an unknown kind", (unsigned long long)n);
	else if (kind == SFS_SEG_BIG && alive(r, e) && sfs_relaxed(&e->lease))
		*run_end = n + sfs_relaxed(&e->live);
	else if ((kind == SFS_SEG_BIG && alive(r, e)) ||
	         (kind == SFS_SEG_CONT && r->ours && n >= *run_end && sfs_relaxed(&e->died) == 0))
		sfs_problem(r, n << SFS_SEG_SHIFT, "no key leads to the run that segment %llu is of",
		            (unsigned long long)n);
}

/* Where the next records go must be theirs, and empty. */
static void compare_head(struct sfs_repair *r, int head, enum sfs_kind kind)
{
	uint64_t at = sfs_relaxed(&r->live.head[head]), n = sfs_seg_of(at - 1);

	if (!sfs_seg_ok(r->s, n)) /* told by relive.c */
		return;
	if (sfs_relaxed(&sfs_seg(r->s, n)->kind) != kind || !alive(r, sfs_seg(r->s, n)))
		sfs_problem(r, SFS_AT_LIVE, "segment %llu, to be filled next, is of another kind",
		            (unsigned long long)n);
	else if (r->overtaken[head])
		sfs_problem(r, at, "what is in use lies where the next %s goes", head ? "page" : "record");
}

void sfs_recount_compare(struct sfs_repair *r)
{
	uint64_t nseg = sfs_relaxed(&r->live.nseg), run_end = 0;

	compare_head(r, SFS_DATA_HEAD, SFS_SEG_DATA);
	compare_head(r, SFS_INDEX_HEAD, SFS_SEG_INDEX);

	for (uint64_t n = SFS_FIRST_SEG; n < segments(r); n++) {
		const struct sfs_seg *e = sfs_seg(r->s, n);

		if (!sfs_seg_ok(r->s, n))
			continue;
		if (r->kind[n]) {
			compare_reached(r, n, e);
			/* parts that a longer run was published with */
			if (r->kind[n] == SFS_SEG_BIG)
				run_end = n + sfs_relaxed(&e->live);
			if (n >= nseg)
				sfs_problem(r, SFS_AT_LIVE, "segment %llu is in use, the store has %llu",
				            (unsigned long long)n, (unsigned long long)nseg);
		} else if (n < nseg) {
			compare_unreached(r, n, e, &run_end);
		}
	}
	if (r->count != sfs_relaxed(&r->live.count))
		sfs_problem(r, SFS_AT_LIVE, "%llu keys reachable, %llu counted", (unsigned long long)r->count,
		            (unsigned long long)sfs_relaxed(&r->live.count));
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void write_reached(struct sfs_repair *r, uint64_t n, struct sfs_seg *e)
{
	struct sfs_live *live = r->s->live;
	bool was = sfs_relaxed(&e->kind) == r->kind[n] && sfs_relaxed(&e->died) == 0;

	/* what the table knew nothing of is of every checkpoint, for all we know */
	if (!was || sfs_relaxed(&e->born) > sfs_epoch(r->s))
		sfs_release(&e->born, 1);
	sfs_release(&e->live, r->live_bytes[n]);
	sfs_release(&e->lease, 0);
	sfs_release(&e->stamp, 0);
	sfs_release(&e->died, 0);
	sfs_release(&e->kind, r->kind[n]);
	if (r->kind[n] == SFS_SEG_DATA || r->kind[n] == SFS_SEG_INDEX) {
		sfs_set(&live->used, sfs_relaxed(&live->used) + 1);
		sfs_set(&live->live, sfs_relaxed(&live->live) + r->live_bytes[n]);
	}
}

static void write_unreached(struct sfs_repair *r, uint64_t n, struct sfs_seg *e)
{
	struct sfs_live *live = r->s->live;
	unsigned kind = sfs_relaxed(&e->kind);
	uint64_t epoch = sfs_epoch(r->s), died = sfs_relaxed(&e->died);

	if (sfs_seg_active(r->s, n)) {
		sfs_set(&live->used, sfs_relaxed(&live->used) + 1);
		return;
	}
	if (n << SFS_SEG_SHIFT == sfs_relaxed(&live->spare[0]) || n << SFS_SEG_SHIFT == sfs_relaxed(&live->spare[1]))
		return;
	sfs_set(&live->idle, sfs_relaxed(&live->idle) + 1);
	sfs_release(&e->lease, 0);
	if (kind == SFS_SEG_SPARE)
		sfs_release(&e->kind, SFS_SEG_FREE);
	if (kind == SFS_SEG_SPARE || kind == SFS_SEG_FREE)
		return;
	if (kind > SFS_SEG_SPARE)
		sfs_release(&e->kind, SFS_SEG_DATA);
	if (sfs_relaxed(&e->born) > epoch)
		sfs_release(&e->born, 1);
	sfs_release(&e->stamp, sfs_relaxed(&live->freed) - 1);
	if (died == 0 || died > epoch)
		sfs_release(&e->died, epoch);
}

void sfs_recount_write(struct sfs_repair *r)
{
	struct shmfs *s = r->s;
	struct sfs_live *live = s->live;
	uint64_t nseg = sfs_relaxed(&live->nseg);

	sfs_set(&live->used, 0);
	sfs_set(&live->live, 0);
	sfs_set(&live->idle, 0);
	sfs_set(&live->big, r->big);
	sfs_set(&live->count, r->count);
	sfs_set(&live->buckets, r->buckets);
	for (uint64_t n = SFS_FIRST_SEG; n < nseg; n++) {
		struct sfs_seg *e = sfs_seg(s, n);

		if (!sfs_seg_ok(s, n))
			continue;
		if (sfs_relaxed(&e->backed) > BACKED_MOST)
			sfs_release(&e->backed, 0);
		if (r->kind[n])
			write_reached(r, n, e);
		else
			write_unreached(r, n, e);
	}
}
