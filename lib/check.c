/* SPDX-License-Identifier: MIT */
/*
 * floor 3: the audit: shmfs_check.
 *
 * Walks the tree bucket by bucket, in hash order.  A writable handle holds the writer lock
 * meanwhile, and so can check the accounting too.  A read-only one reads beside writers: what it
 * finds in a bucket counts only if nobody overtook it, else the bucket is read again.
 *
 * What is checked: superblock and metas; every page's place, depth, name and equal aligned
 * entries; every slot's distance, tag and findability; every record's bounds, hash and
 * checksum; live[segment] >= what is reachable in it (I3); the number of keys; both ends and
 * the checksum of every frame of the log.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "logread.h"
#include "meta.h"
#include "moment.h"
#include "record.h"
#include "tree.h"
#include "writer.h"

#define SLOTS (SFS_LINES * SFS_LINE_SLOTS)
#define FOUND_MOST 32 /* problems kept of one bucket */

struct problem {
	uint64_t offset;
	char text[120];
};

struct audit {
	struct shmfs *s;
	struct shmfs_check_result *result;
	shmfs_check_fn *report;
	void *arg;
	bool locked;
	uint64_t *reachable; /* bytes per segment; NULL: not counted */
	uint64_t nseg;
	uint64_t log_from, log_bytes, tree_bytes; /* for the progress */
	/* of the bucket at hand, until it is known that nobody overtook us */
	struct problem found[FOUND_MOST];
	unsigned problems;
	struct shmfs_check_result counted;
	struct {
		uint64_t at, size;
	} blocks[SLOTS + SFS_LEVELS];
	unsigned nblocks;
};

static void problem(struct audit *a, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void problem(struct audit *a, uint64_t offset, const char *format, ...)
{
	struct problem *p = &a->found[a->problems < FOUND_MOST ? a->problems : FOUND_MOST - 1];
	va_list args;

	a->problems++;
	p->offset = offset;
	va_start(args, format);
	vsnprintf(p->text, sizeof(p->text), format, args);
	va_end(args);
}

static void forget(struct audit *a)
{
	a->problems = a->nblocks = 0;
	a->counted = (struct shmfs_check_result){0};
}

/* What was found counts. */
static void settle(struct audit *a)
{
	for (unsigned i = 0; i < a->problems && i < FOUND_MOST; i++)
		if (a->report)
			a->report(a->arg, a->found[i].offset, a->found[i].text);
	a->result->problems += a->problems;
	a->result->keys += a->counted.keys;
	a->result->index_pages += a->counted.index_pages;
	a->result->bytes += a->counted.bytes;
	for (unsigned i = 0; a->reachable && i < a->nblocks; i++)
		if (sfs_seg_of(a->blocks[i].at) < a->nseg)
			a->reachable[sfs_seg_of(a->blocks[i].at)] += a->blocks[i].size;
	forget(a);
}

static void block(struct audit *a, uint64_t at, uint64_t size)
{
	a->blocks[a->nblocks].at = at;
	a->blocks[a->nblocks++].size = size;
}

/* ---- pages ------------------------------------------------------------------------------ */

static void check_segment(struct audit *a, uint64_t at, enum sfs_kind kind, enum sfs_kind or)
{
	const struct sfs_seg *e;
	unsigned is;

	if (!sfs_seg_ok(a->s, sfs_seg_of(at))) {
		problem(a, at, "a block in segment %llu, which cannot hold one",
		        (unsigned long long)sfs_seg_of(at));
		return;
	}
	e = sfs_seg(a->s, sfs_seg_of(at));
	is = sfs_relaxed(&e->kind);
	if (a->locked && ((is != kind && is != or) || sfs_relaxed(&e->died)))
		problem(a, at, "reachable, but its segment is of kind %u%s", is,
		        sfs_relaxed(&e->died) ? " and dead" : "");
}

/* One page of the way to the bucket; met for the first time if the hash is its first. */
static void check_page(struct audit *a, const struct sfs_step *step, uint64_t hash)
{
	uint64_t page = sfs_word_page(step->word), prefix;
	unsigned depth = sfs_word_depth(step->word);
	const struct sfs_name *name = (const struct sfs_name *)sfs_at(a->s, page & ~(SFS_SEG - 1)) + (page >> 12 & 255);

	/* beside a writer they may differ: it is in the middle of a swing, or was killed there */
	for (unsigned i = 1; a->locked && i < step->span; i++)
		if (sfs_relaxed(&step->entry[i].word) != step->word) {
			problem(a, sfs_offset(a->s, step->entry + i), "the entries of one page differ");
			break;
		}
	if (hash & UINT64_MAX >> depth)
		return;
	check_segment(a, page, SFS_SEG_INDEX, SFS_SEG_INDEX);
	prefix = depth ? hash >> (64 - depth) << (64 - depth) : 0;
	if (sfs_relaxed(&name->prefix) != prefix ||
	    sfs_relaxed(&name->depth_node) != (depth | (step->word & SFS_WORD_NODE ? 256u : 0)))
		problem(a, page, "the page's name is not what leads to it");
	block(a, page, SFS_PAGE);
	a->counted.index_pages++;
}

/* ---- buckets ---------------------------------------------------------------------------- */

static bool has_virgin(const a64 *line)
{
	for (int i = 0; i < SFS_LINE_SLOTS; i++)
		if (sfs_relaxed(line + i) == 0)
			return true;
	return false;
}

static void check_record(struct audit *a, uint64_t bucket, a64 *slot, uint64_t w, unsigned line)
{
	struct shmfs *s = a->s;
	uint64_t ref = sfs_slot_ref(w), at = sfs_offset(s, slot);
	unsigned depth = sfs_word_depth(bucket), distance = (unsigned)(w >> 60) - 1;
	const a64 *page = sfs_at(s, sfs_word_page(bucket));
	struct sfs_hit hit, again;
	struct sfs_key key;

	if (sfs_record_check(s, ref, &hit)) {
		problem(a, at, "a slot refers to %#llx, beyond the file", (unsigned long long)ref);
		return;
	}
	if (hit.record->space >= SFS_SPACES || hit.record->seq == 0 || !sfs_record_intact(&hit)) {
		problem(a, ref, "the record is damaged: its checksum does not match");
		return;
	}
	key = sfs_key(s, hit.record->space, sfs_record_key(hit.record), hit.klen);
	if (((key.hash + distance) & (SFS_LINES - 1)) != line ||
	    (w & ~SFS_SLOT_REF) != sfs_slot_tag(key.hash, depth, distance))
		problem(a, at, "a slot's tag is not that of its record's key");
	for (unsigned i = 0; i < distance; i++)
		if (has_virgin(page + ((key.hash + i) & (SFS_LINES - 1)) * SFS_LINE_SLOTS)) {
			problem(a, at, "a search for the slot's key ends before it");
			break;
		}
	if (sfs_bucket_find(s, bucket, &key, &again) == 0 && again.slot != slot)
		problem(a, at, "a key is in its bucket twice");
	check_segment(a, ref, SFS_SEG_DATA, SFS_SEG_BIG);
	block(a, ref, sfs_record_size(hit.klen, hit.vlen));
	a->counted.keys += hit.record->space == SFS_USER;
	a->counted.bytes += sfs_record_size(hit.klen, hit.vlen);
}

static void check_bucket(struct audit *a, uint64_t bucket)
{
	a64 *page = sfs_at(a->s, sfs_word_page(bucket));

	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t w = sfs_acquire(page + i);

		if (w == 0 || w == SFS_TOMBSTONE)
			continue;
		if ((w >> 60) - 1 >= SFS_REACH || !sfs_slot_ref(w))
			problem(a, sfs_offset(a->s, page + i), "a malformed slot");
		else
			check_record(a, bucket, page + i, w, i / SFS_LINE_SLOTS);
	}
}

/* ---- the way down, as tree.c goes it, but from any root --------------------------------- */

static int walk_down(struct audit *a, uint64_t root, uint64_t hash, uint64_t *bucket)
{
	struct shmfs *s = a->s;
	struct sfs_entry top = {root, 0};
	struct sfs_step step = {&top, 1, root};

	for (int level = 0; level < SFS_LEVELS; level++) {
		uint64_t page = sfs_word_page(step.word);
		unsigned depth = sfs_word_depth(step.word), below, at;
		struct sfs_entry *node;

		if (page < SFS_SEG || !sfs_file_inside(&s->file, page, SFS_PAGE) || (level == 0 && depth)) {
			problem(a, page, "an index word leads out of the file");
			return -EUCLEAN;
		}
		check_page(a, &step, hash);
		*bucket = step.word;
		if (!(step.word & SFS_WORD_NODE))
			return 0;
		node = sfs_at(s, page);
		at = (unsigned)(hash << depth >> 56);
		step.word = sfs_acquire(&node[at].word);
		below = sfs_word_depth(step.word);
		if (below < depth || below > depth + 8) {
			problem(a, page + at * sizeof(*node), "a page of depth %u below one of %u", below, depth);
			return -EUCLEAN;
		}
		step.span = 1u << (depth + 8 - below);
		step.entry = node + (at & ~(step.span - 1));
	}
	problem(a, sfs_word_page(root), "the index is too deep");
	return -EUCLEAN;
}

/* Check the bucket of this hash; *next: where the one after it starts, 0 = none. */
static int check_at(struct audit *a, uint64_t hash, uint64_t *next)
{
	struct shmfs *s = a->s;
	struct sfs_moment m;
	uint64_t bucket = 0;
	int tries = 0, rc;

	do {
		forget(a);
		sfs_moment_begin(s, &m);
		rc = walk_down(a, m.root, hash, &bucket);
		if (rc == 0)
			check_bucket(a, bucket);
		if (a->locked || sfs_moment_intact(s, &m))
			break;
	} while (sfs_moment_again(s, &tries, &rc));
	if (rc && rc != -EUCLEAN)
		return rc;
	settle(a);
	/* below damage there is no depth to go by: skip 1/256 of the keys */
	*next = (hash | UINT64_MAX >> (rc ? 8 : sfs_word_depth(bucket))) + 1;
	return 0;
}

/* ---- how far ----------------------------------------------------------------------------- */

static void measure(struct audit *a)
{
	uint64_t file = sfs_segments(a->s) << SFS_SEG_SHIFT;

	a->log_from = sfs_log_head(a->s);
	a->log_bytes = sfs_log_end(a->s) - a->log_from;
	a->tree_bytes = file - sfs_min(file, a->log_bytes);
}

/* The index by the hashes behind us, as those are spread evenly; then the log. */
static int told(struct audit *a, double part, uint64_t log)
{
	const struct shmfs_check_result *r = a->result;
	uint64_t done = (uint64_t)(part * (double)a->tree_bytes) + sfs_min(log, a->log_bytes);

	return r->progress && r->progress(r->progress_arg, done, a->tree_bytes + a->log_bytes) ? -ECANCELED
	                                                                                       : 0;
}

/* ---- everything else -------------------------------------------------------------------- */

static void check_metas(struct audit *a)
{
	struct sfs_meta m;

	if (!sfs_meta_newest(a->s, &m) && !sfs_is_volatile(a->s))
		problem(a, SFS_AT_META, "no valid checkpoint");
	settle(a);
}

/* A run in use; its segments. */
static uint64_t check_run(struct audit *a, uint64_t n)
{
	const struct sfs_seg *e = sfs_seg(a->s, n);
	uint64_t run = sfs_relaxed(&e->live), at = n << SFS_SEG_SHIFT;

	if (run == 0 || run > a->nseg - n) {
		problem(a, at, "a run of %llu segments at %llu, beyond the file", (unsigned long long)run,
		        (unsigned long long)n);
		return 1;
	}
	for (uint64_t i = 1; i < run; i++)
		if (sfs_relaxed(&sfs_seg(a->s, n + i)->kind) != SFS_SEG_CONT) {
			problem(a, at, "a run of %llu segments at %llu has a part that is another's",
			        (unsigned long long)run, (unsigned long long)n);
			run = i;
		}
	a->result->segments += run;
	if (a->reachable[n] > run << SFS_SEG_SHIFT)
		problem(a, at, "a record is longer than its run");
	if (a->reachable[n] == 0 && sfs_relaxed(&e->lease) == 0)
		problem(a, at, "no key leads to the run of %llu segments at %llu", (unsigned long long)run,
		        (unsigned long long)n);
	return run;
}

static void check_accounts(struct audit *a)
{
	struct shmfs *s = a->s;

	for (uint64_t n = SFS_FIRST_SEG; n < a->nseg; n++) {
		const struct sfs_seg *e;
		unsigned kind;

		if (!sfs_seg_ok(s, n))
			continue;
		e = sfs_seg(s, n);
		kind = sfs_relaxed(&e->kind);
		if ((kind == SFS_SEG_DATA || kind == SFS_SEG_INDEX) && sfs_relaxed(&e->died) == 0) {
			a->result->segments++;
			if (sfs_relaxed(&e->live) < a->reachable[n])
				problem(a, n << SFS_SEG_SHIFT, "segment %llu: %llu bytes reachable, %u accounted",
				        (unsigned long long)n, (unsigned long long)a->reachable[n],
				        (unsigned)sfs_relaxed(&e->live));
		}
		if (kind == SFS_SEG_BIG && sfs_relaxed(&e->died) == 0)
			n += check_run(a, n) - 1;
		else if (kind == SFS_SEG_CONT && sfs_relaxed(&e->died) == 0)
			problem(a, n << SFS_SEG_SHIFT, "segment %llu belongs to a run that is not there",
			        (unsigned long long)n);
		settle(a);
	}
	if (a->result->keys != sfs_relaxed(&s->live->count))
		problem(a, SFS_AT_LIVE, "%llu keys reachable, %llu counted", (unsigned long long)a->result->keys,
		        (unsigned long long)sfs_relaxed(&s->live->count));
	settle(a);
}

/* Frame by frame; behind a damaged one with the next segment. */
static int check_log(struct audit *a)
{
	struct shmfs *s = a->s;
	struct sfs_place p = {.s = s, .position = sfs_log_head(s), .verify = true};
	uint64_t end = sfs_log_end(s);

	while (p.position < end) {
		struct sfs_frame f;
		int rc = told(a, 1, p.position - a->log_from);

		if (rc)
			return rc;
		rc = sfs_place_look(&p, &f);
		if (rc == 0) {
			p.position = f.next;
		} else if (rc == -ESTALE) { /* trimmed under us */
			p.position = sfs_max(p.position, sfs_log_head(s));
		} else if (rc == -EUCLEAN || rc == -EINVAL) {
			problem(a, p.at + sfs_log_in(p.position), "the frame at position %llu is damaged",
			        (unsigned long long)p.position);
			p.position = (p.position | (SFS_LOG_SEG - 1)) + 1;
		} else if (rc == -ENODATA) {
			if (p.position < end)
				problem(a, SFS_AT_LOG, "the log ends at position %llu, before %llu",
				        (unsigned long long)p.position, (unsigned long long)end);
			break;
		} else {
			return rc;
		}
	}
	settle(a);
	return 0;
}

static int audit(struct audit *a)
{
	struct sfs_file *f = &a->s->file;
	uint64_t hash = 0, buckets = 0;
	int rc;

	measure(a);
	check_metas(a);
	do {
		rc = told(a, (double)hash / 0x1p64, 0);
		if (rc == 0)
			rc = check_at(a, hash, &hash);
		/* a tree that leads to the same pages again and again, or those to the same records */
		if (rc == 0 && (!sfs_file_inside(f, ++buckets * SFS_PAGE, 0) ||
		                !sfs_file_inside(f, a->result->bytes / 2, 0))) {
			problem(a, SFS_AT_LIVE, "more buckets, or records, than the file has room for");
			settle(a);
			break;
		}
	} while (rc == 0 && hash);
	if (rc == 0 && a->locked)
		check_accounts(a);
	return rc ? rc : check_log(a);
}

int shmfs_check(struct shmfs *s, struct shmfs_check_result *result, shmfs_check_fn *report, void *arg)
{
	struct audit *a;
	int rc = sfs_handle_usable(s);

	if (rc || !result || result->struct_size != sizeof(*result))
		return rc ? rc : -EINVAL;
	*result = (struct shmfs_check_result){
		.struct_size = sizeof(*result),
		.progress = result->progress,
		.progress_arg = result->progress_arg,
	};
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct audit){.s = s, .result = result, .report = report, .arg = arg, .locked = s->writable};
	if (a->locked) {
		sfs_writer_lock(s);
		a->nseg = sfs_segments(s);
		a->reachable = calloc(a->nseg + 1, sizeof(*a->reachable));
		rc = a->reachable ? 0 : -ENOMEM;
	}
	if (rc == 0)
		rc = audit(a);
	if (a->locked)
		sfs_writer_unlock(s);
	free(a->reachable);
	free(a);
	return sfs_handle_result(s, rc);
}
