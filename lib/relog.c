/* SPDX-License-Identifier: MIT */
/*
 * floor 3: repair: frames and cursors (repair.h).
 *
 * A damaged frame becomes a padding up to the next good one, which is known by its sum, seeded with its
 * position.  A segment that is missing between others becomes one of padding.  Where no good frame
 * follows, the log ends; `backed` is set to the end, so that what lies behind is zeroed before it is
 * looked at again.
 */
#include <stdlib.h>

#include "crc32c.h"
#include "cursor.h"
#include "repair.h"

#define SUMMED_MOST (16 * SFS_LOG_SEG) /* bytes of a segment's guesses that are summed, at most */
#define GAP_MOST 16                    /* missing segments that are made up for */

/* ---- segments ------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool has(const struct sfs_repair *r, uint64_t n)
{
	return r->logs.n && bsearch(&n, r->logs.items, r->logs.n, sizeof(n), by_number);
}

static uint64_t last_segment(const struct sfs_repair *r)
{
	return ((const uint64_t *)r->logs.items)[r->logs.n - 1];
}

/* Of which `head` is to be the first: the lowest from which on few are missing. */
static uint64_t lowest(const struct sfs_repair *r, uint64_t least)
{
	const uint64_t *n = r->logs.items;
	size_t i = r->logs.n - 1;

	while (i && n[i - 1] >= least && n[i] - n[i - 1] <= GAP_MOST)
		i--;
	return n[i];
}

static void store_pad(struct sfs_repair *r, uint64_t at, uint64_t total)
{
	uint8_t *frame = sfs_at(r->s, at);

	sfs_commit((a64 *)(frame + total - 8), total - 16);
	sfs_commit((a64 *)frame, sfs_frame_word(total - 16, SFS_FRAME_PAD, 0));
}

/* Make up for a missing one. */
static int make_padding(struct sfs_repair *r, uint64_t n)
{
	struct shmfs *s = r->s;
	struct sfs_draft draft = {
		.key = sfs_key(s, SFS_LOGSEG, &n, sizeof(n)), .vlen = SFS_LOG_SEG, .type = SFS_LOGSEG_TYPE};
	uint64_t first, seq, time_ns, start;
	struct sfs_hit hit;
	int rc = sfs_repair_change(r);

	if (rc == 0)
		rc = sfs_seg_alloc(s, sfs_run_segments(SFS_LOG_SEG), SFS_SEG_BIG, SFS_TO_STORE, &first);
	if (rc)
		return rc;
	start = first << SFS_SEG_SHIFT;
	rc = sfs_file_back(&s->file, start, SFS_RUN_VALUE + SFS_PAGE);
	if (rc == 0)
		rc = sfs_file_back(&s->file, start + SFS_RUN_VALUE + SFS_LOG_SEG - SFS_PAGE, SFS_PAGE);
	if (rc)
		return rc;
	sfs_record_stamp(s, &seq, &time_ns);
	sfs_record_write(s, sfs_run_record(first, sizeof(n)), &draft, seq, time_ns);
	sfs_set((a64 *)sfs_at(s, start), sfs_run_record(first, sizeof(n)));
	sfs_set((a64 *)sfs_at(s, start + SFS_AT_TOTALS + 8), 0);
	store_pad(r, start + SFS_RUN_VALUE, SFS_LOG_SEG);
	sfs_seg_taken(s);
	rc = sfs_record_check(s, sfs_run_record(first, sizeof(n)), &hit);
	if (rc == 0)
		rc = sfs_salvage_put(r, &hit);
	if (rc == 0)
		qsort(r->logs.items, r->logs.n, sizeof(n), by_number);
	return rc;
}

/* ---- frames ------------------------------------------------------------------------------------------ */

enum what { NOTHING, WHOLE, RESERVED, DAMAGED };

/* One log segment being walked. */
struct walk {
	struct sfs_repair *r;
	uint64_t start; /* position of its first frame */
	uint64_t at;    /* and place in the file */
	uint64_t end;   /* in it: nothing at or behind this is looked at */
	uint64_t summed, bytes, frames;
};

static enum what look(struct walk *w, uint64_t in, uint64_t *total)
{
	const uint8_t *frame = sfs_at(w->r->s, w->at + in);
	uint64_t word = sfs_relaxed((const a64 *)(const void *)frame), len = word & UINT32_MAX, tail;

	*total = sfs_frame_span(word);
	if (word == 0)
		return NOTHING;
	if (*total < 16 || *total % 16 || *total > SFS_LOG_SEG - in || *total > w->end - in)
		return DAMAGED;
	if (sfs_frame_state(word) == SFS_FRAME_RESERVED)
		return RESERVED;
	tail = sfs_relaxed((const a64 *)(const void *)(frame + *total - 8));
	if ((tail & UINT32_MAX) != len || sfs_frame_state(word) == SFS_FRAME_EMPTY)
		return DAMAGED;
	if (sfs_frame_state(word) == SFS_FRAME_PAD)
		return WHOLE;
	w->summed += len;
	return tail >> 32 == sfs_crc32c((uint32_t)(w->start + in), frame + 8, len) ? WHOLE : DAMAGED;
}

/* The next frame with a right sum; w->end: there is none. */
static uint64_t resync(struct walk *w, uint64_t in)
{
	uint64_t total;

	w->summed = 0;
	for (in += 16; in < w->end && w->summed < SUMMED_MOST; in += 16) {
		uint64_t word = sfs_relaxed((a64 *)sfs_at(w->r->s, w->at + in));

		if (sfs_frame_state(word) == SFS_FRAME_DONE && look(w, in, &total) == WHOLE)
			return in;
	}
	return w->end;
}

/* Does a segment behind this one hold a frame? */
static bool more_follow(struct sfs_repair *r, uint64_t n, uint64_t bound)
{
	for (n++; n <= last_segment(r) && n << SFS_LOG_SHIFT < bound; n++) {
		struct walk w = {.r = r, .start = n << SFS_LOG_SHIFT, .end = SFS_LOG_SEG};
		uint64_t total;

		if (!has(r, n) || sfs_log_find_live(r->s, n, &w.at))
			continue;
		w.end = sfs_min(bound - w.start, SFS_LOG_SEG);
		if (look(&w, 0, &total) == WHOLE || resync(&w, 0) < w.end)
			return true;
	}
	return false;
}

/* Is there any?  Then a page that says that nothing was ever appended is lost: by a repair, say, that was
 * killed between clearing and writing it. */
static bool has_frames(struct sfs_repair *r)
{
	return r->logs.n && more_follow(r, *(const uint64_t *)r->logs.items - 1, UINT64_MAX);
}

static void count(struct walk *w, uint64_t in)
{
	uint64_t word = sfs_relaxed((a64 *)sfs_at(w->r->s, w->at + in));

	if (sfs_frame_state(word) == SFS_FRAME_DONE) {
		w->bytes += word & UINT32_MAX;
		w->frames++;
	}
}

/* What is kept of a segment's totals must be true. */
static void check_totals(struct walk *w, bool to_its_end)
{
	struct sfs_totals *t = sfs_at(w->r->s, sfs_log_run(w->at) + SFS_AT_TOTALS);
	uint64_t word = sfs_relaxed(&t->frames);

	if (!(word & SFS_TOTALS_VALID))
		return;
	if (to_its_end && word == (w->frames | SFS_TOTALS_VALID) && sfs_relaxed(&t->bytes) == w->bytes)
		return;
	sfs_commit(&t->frames, 0);
	if (to_its_end)
		sfs_problem(w->r, w->at, "the totals of a log segment are wrong");
}

/* Behind the end, what is backed reads as zeros; an append would trip over anything else. */
static void check_blank(struct walk *w, uint64_t in)
{
	for (uint64_t at = in; at < w->end; at += 8)
		if (sfs_relaxed((const a64 *)sfs_at(w->r->s, w->at + at))) {
			sfs_problem(w->r, w->at + at, "damage behind the end of the log");
			return;
		}
}

/* Walk a segment; *ends: the log does, at *in. */
static int walk_segment(struct walk *w, uint64_t bound, bool *ends, uint64_t *in)
{
	struct sfs_repair *r = w->r;
	uint64_t n = w->start >> SFS_LOG_SHIFT;
	uint64_t sure = r->log.known ? sfs_max(r->log.commit, r->log.tail <= bound ? r->log.tail : 0) : 0;

	*ends = false;
	for (*in = 0; *in < w->end;) {
		uint64_t position = w->start + *in, total, next;
		enum what what = look(w, *in, &total);

		/* what nobody settled, and whose owner is dead */
		if (what == RESERVED && r->log.known && position >= r->log.commit) {
			store_pad(r, w->at + *in, total);
			what = WHOLE;
		}
		if (what == NOTHING && r->log.known && position >= sure) {
			check_blank(w, *in);
			break;
		}
		if (what == WHOLE) {
			count(w, *in);
			*in += total;
			continue;
		}
		next = resync(w, *in);
		if (next == w->end) {
			if (!more_follow(r, n, bound)) {
				*ends = true;
				if (what != NOTHING || position < sure)
					sfs_problem(r, w->at + *in, "the log ends before the damaged frame at position %llu",
					            (unsigned long long)position);
				return 0;
			}
			next = SFS_LOG_SEG;
		}
		sfs_problem(r, w->at + *in, "damage in the log at position %llu: %llu bytes are skipped",
		            (unsigned long long)position, (unsigned long long)(next - *in));
		store_pad(r, w->at + *in, next - *in);
		*in = next;
	}
	*ends = *in < SFS_LOG_SEG;
	return 0;
}

/* Walk from the head; the end is where nothing more is. */
static int walk_log(struct sfs_repair *r, uint64_t bound)
{
	uint64_t position = r->log.head, budget = GAP_MOST;
	uint64_t from = position;
	bool ends = false;

	sfs_repair_part(r, r->log_bytes);
	while (!ends && position < bound) {
		uint64_t n = position >> SFS_LOG_SHIFT, in;
		struct walk w = {.r = r, .start = position, .end = sfs_min(bound - position, SFS_LOG_SEG)};
		int rc = sfs_log_find_live(r->s, n, &w.at);

		if (rc == -ENOENT) {
			if (n > last_segment(r) || !more_follow(r, n, bound))
				break;
			sfs_problem(r, SFS_AT_LOG, "a segment of the log is lost, position %llu",
			            (unsigned long long)position);
			if (budget-- == 0) {
				r->log.head = position = lowest(r, n) << SFS_LOG_SHIFT;
				budget = GAP_MOST;
				continue;
			}
			rc = make_padding(r, n);
			if (rc == 0)
				rc = sfs_log_find_live(r->s, n, &w.at);
		}
		if (rc == 0)
			rc = walk_segment(&w, bound, &ends, &in);
		if (rc)
			return rc;
		check_totals(&w, !ends);
		position = w.start + in;
		rc = sfs_repair_told(r, (double)(position - from) / (double)(r->log_bytes + 1));
		if (rc)
			return rc;
	}
	if (position < r->log.commit && r->log.known)
		sfs_problem(r, SFS_AT_LOG, "the log ends at position %llu, before %llu", (unsigned long long)position,
		            (unsigned long long)r->log.commit);
	r->log.commit = position;
	return 0;
}

int sfs_relog(struct sfs_repair *r)
{
	uint64_t bound = r->log.backed, first;

	if (r->logs.n)
		qsort(r->logs.items, r->logs.n, sizeof(first), by_number);
	if (r->log.blank && has_frames(r)) {
		sfs_problem(r, SFS_AT_LOG, "the log page is lost");
		r->log.known = false;
	}
	if (r->log.known && r->log.head == r->log.backed)
		return 0; /* it is empty */
	if (r->logs.n == 0) {
		/* positions are not given twice */
		uint64_t end = r->log.known ? (r->log.commit + SFS_LOG_SEG - 1) & ~(SFS_LOG_SEG - 1) : 0;

		if (r->log.known)
			sfs_problem(r, SFS_AT_LOG, "the log's segments are lost");
		r->log.head = r->log.commit = end;
		return 0;
	}
	first = r->log.head >> SFS_LOG_SHIFT;
	if (!r->log.known)
		bound = (last_segment(r) + 1) << SFS_LOG_SHIFT;
	if (!r->log.known || !has(r, first)) {
		uint64_t from = lowest(r, r->log.known ? first : 0);

		if (r->log.known && r->log.head != r->log.commit)
			sfs_problem(r, SFS_AT_LOG, "the log's first segment is lost: it begins at position %llu",
			            (unsigned long long)(from << SFS_LOG_SHIFT));
		r->log.head = sfs_max(r->log.known ? r->log.head : 0, from << SFS_LOG_SHIFT);
	}
	return walk_log(r, bound);
}

/* ---- cursors ------------------------------------------------------------------------------------------- */

/* The first boundary at or behind a position of the log. */
static uint64_t boundary(struct sfs_repair *r, uint64_t position)
{
	struct walk w = {.r = r, .start = position & ~(SFS_LOG_SEG - 1), .end = SFS_LOG_SEG};
	uint64_t in = 0;

	if (sfs_log_find_live(r->s, w.start >> SFS_LOG_SHIFT, &w.at))
		return r->log.commit;
	while (w.start + in < sfs_min(position, r->log.commit)) {
		uint64_t word = sfs_relaxed((a64 *)sfs_at(r->s, w.at + in)), total = sfs_frame_span(word);

		if (sfs_frame_state(word) < SFS_FRAME_DONE || total > SFS_LOG_SEG - in)
			return r->log.commit;
		in += total;
	}
	return w.start + in;
}

static bool on_roll(const uint8_t *p, const uint8_t *end, const uint8_t *name, size_t n)
{
	for (; p < end && p + 1 + *p <= end; p += 1 + *p)
		if (*p == n && !memcmp(p + 1, name, n))
			return true;
	return false;
}

/* Every cursor must be on the roll. */
static int mend_roll(struct sfs_repair *r)
{
	struct sfs_key key = sfs_cursor_roll(r->s);
	struct sfs_hit hit, roll = {0};
	const uint8_t *p = NULL, *end = NULL;
	uint8_t *list;
	uint64_t at = 0;
	bool missing = false;
	int rc = 0;

	if (sfs_index_find(r->s, sfs_relaxed(&r->live.root.word), &key, &roll) == 0) {
		p = sfs_record_value(roll.record, roll.klen);
		end = p + roll.vlen;
	}
	list = malloc(SFS_SMALL);
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < r->cursors.n; i++) {
		if (sfs_record_check(r->s, ((const uint64_t *)r->cursors.items)[i], &hit))
			continue;
		missing |= !on_roll(p, end, sfs_record_key(hit.record), hit.klen);
		if (at + 1 + hit.klen > SFS_SMALL / 2)
			continue;
		list[at] = (uint8_t)hit.klen;
		memcpy(list + at + 1, sfs_record_key(hit.record), hit.klen);
		at += 1 + hit.klen;
	}
	if (missing) {
		sfs_problem(r, SFS_AT_LOG, "the roll of the cursors is damaged");
		rc = sfs_repair_change(r);
		if (rc == 0)
			rc = sfs_cursor_write(r->s, list, at);
	}
	free(list);
	return rc;
}

static int mend_cursor(struct sfs_repair *r, uint64_t ref)
{
	uint64_t position, to;
	struct sfs_hit hit;
	int rc = sfs_record_check(r->s, ref, &hit);

	if (rc)
		return 0;
	memcpy(&position, sfs_record_value(hit.record, hit.klen), sizeof(position));
	to = position >= r->log.commit ? r->log.commit : position < r->log.head ? position : boundary(r, position);
	if (to == position)
		return 0;
	sfs_problem(r, ref, "a cursor stood at position %llu: moved to %llu", (unsigned long long)position,
	            (unsigned long long)to);
	rc = sfs_repair_change(r);
	return rc ? rc : sfs_cursor_store(r->s, sfs_record_key(hit.record), hit.klen, to, 0);
}

int sfs_recursor(struct sfs_repair *r)
{
	int rc = r->cursors.n ? mend_roll(r) : 0;

	for (size_t i = 0; i < r->cursors.n && rc == 0; i++)
		rc = mend_cursor(r, ((const uint64_t *)r->cursors.items)[i]);
	return rc;
}
