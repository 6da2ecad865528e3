/* SPDX-License-Identifier: MIT */
/* floor 2: the cleaner (clean.h). */
#include "clean.h"

#include "record.h"

#define SAMPLES 32
#define FEW_SEGMENTS 8
#define WORTH (SFS_SEG / 16) /* dead bytes that make emptying a segment worth its while */
#define AHEAD 8
/* To store on a full disk: less would, with what does not fit at a segment's end, win nothing. */
#define WORTH_A_SPARE (SFS_SEG / 4)

static bool candidate(struct shmfs *s, uint64_t n, uint32_t *live)
{
	const struct sfs_seg *e;
	unsigned kind;

	if (sfs_seg_reserved(n) || !sfs_seg_ok(s, n) || sfs_seg_active(s, n))
		return false;
	e = sfs_seg(s, n);
	kind = sfs_relaxed(&e->kind);
	*live = sfs_relaxed(&e->live);
	return (kind == SFS_SEG_DATA || kind == SFS_SEG_INDEX) && sfs_relaxed(&e->died) == 0;
}

/* Disk space of a segment in use; after a recovery nobody knows, and it counts as all. */
static uint64_t backed_bytes(const struct sfs_seg *e)
{
	uint64_t bytes = (uint64_t)sfs_relaxed(&e->backed) << SFS_BACK_SHIFT;

	return bytes && bytes < SFS_SEG ? bytes : SFS_SEG;
}

/* Emptied, is it as good as a spare? */
static bool replaces_spare(const struct sfs_seg *e)
{
	return backed_bytes(e) == SFS_SEG;
}

enum victims { ANY_VICTIM, FOR_A_SPARE, INDEX_FOR_A_SPARE };

/* Of the next `samples` candidates the one with the least alive. */
static uint64_t pick(struct shmfs *s, uint64_t samples, enum victims which, uint64_t worth)
{
	uint64_t nseg = sfs_segments(s), at = sfs_relaxed(&s->live->pick), best = 0;
	uint32_t least = (uint32_t)(SFS_SEG - worth), live;

	for (uint64_t seen = 0; seen < nseg && samples; seen++, at++) {
		if (at >= nseg)
			at = SFS_FIRST_SEG;
		if (!candidate(s, at, &live) ||
		    (which != ANY_VICTIM && !sfs_is_volatile(s) && !replaces_spare(sfs_seg(s, at))) ||
		    (which == INDEX_FOR_A_SPARE && sfs_relaxed(&sfs_seg(s, at)->kind) != SFS_SEG_INDEX))
			continue;
		samples--;
		if (live <= least) {
			least = live;
			best = at;
		}
	}
	sfs_set(&s->live->pick, at);
	return best;
}

/* Copy a record to the head if the index leads to it; leave it if it is dead. */
static int move_record(struct shmfs *s, uint64_t ref, const struct sfs_record *r, uint64_t size,
                       enum sfs_purpose purpose)
{
	uint64_t hash = sfs_hash(s->seed, r->space, sfs_record_key(r), r->klen), bucket, copy;
	struct sfs_path path;
	a64 *slot;
	int rc;

	rc = sfs_index_bucket(s, sfs_relaxed(&s->live->root.word), hash, &bucket);
	if (rc || !sfs_bucket_slot(s, bucket, hash, ref))
		return rc;
	rc = sfs_heap_room(s, SFS_DATA_HEAD, size, purpose, &copy);
	if (rc == 0)
		rc = sfs_tree_descend(s, hash, true, purpose, &path);
	if (rc)
		return rc;
	sfs_copy_in(sfs_at(s, copy), r, size);
	sfs_heap_keep(s, SFS_DATA_HEAD, copy, size);
	slot = sfs_bucket_slot(s, sfs_path_bucket(&path), hash, ref);
	if (!slot)
		return -EUCLEAN;
	sfs_commit(slot, (sfs_relaxed(slot) & ~SFS_SLOT_REF) | copy >> 3);
	sfs_set(&s->live->cleaned, sfs_relaxed(&s->live->cleaned) + size);
	sfs_seg_drop(s, ref, size);
	return 0;
}

/* Size of the record at this place of a DATA segment; 0 = the segment ends here. */
static int size_of(struct shmfs *s, uint64_t at, uint64_t end, uint64_t *size)
{
	const struct sfs_record *r = sfs_at(s, at);

	*size = 0;
	if (at + sizeof(*r) > end || r->seq == 0)
		return 0;
	*size = sfs_record_size(r->klen, r->vlen & SFS_VLEN);
	if (*size > SFS_SMALL || at + *size > end)
		return -EUCLEAN;
	if (at + *size * AHEAD < end)
		__builtin_prefetch(sfs_at(s, at + *size * AHEAD));
	return 0;
}

/* One record of the victim.  Sets *size, as above. */
static int clean_record(struct shmfs *s, uint64_t at, uint64_t end, enum sfs_purpose purpose, uint64_t *size)
{
	int rc = size_of(s, at, end, size);

	return rc || !*size ? rc : move_record(s, at, sfs_at(s, at), *size, purpose);
}

/* The way that the name of an index page leads, and where on it the page is: -ENOENT if nowhere. */
static int find_page(struct shmfs *s, uint64_t at, uint64_t *prefix, struct sfs_path *path, unsigned *i)
{
	const struct sfs_name *name =
		(const struct sfs_name *)sfs_at(s, at & ~(SFS_SEG - 1)) + (at >> 12 & 255);
	int rc;

	*prefix = sfs_relaxed(&name->prefix);
	rc = sfs_tree_descend(s, *prefix, false, SFS_TO_FREE, path);
	if (rc)
		return rc;
	for (*i = 0; *i <= path->depth; ++*i)
		if (sfs_word_page(path->step[*i].word) == at)
			return 0;
	return -ENOENT;
}

/* One page of an INDEX victim: if its name leads to it, replace it. */
static int clean_page(struct shmfs *s, uint64_t at, enum sfs_purpose purpose)
{
	struct sfs_path path;
	uint64_t prefix;
	unsigned i;
	int rc = find_page(s, at, &prefix, &path, &i);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	/* owning the way may already have replaced it */
	rc = sfs_tree_descend(s, prefix, true, purpose, &path);
	if (rc == 0 && i <= path.depth && sfs_word_page(path.step[i].word) == at)
		rc = sfs_tree_replace(s, prefix, &path, i, purpose);
	if (rc == 0)
		sfs_set(&s->live->cleaned, sfs_relaxed(&s->live->cleaned) + SFS_PAGE);
	return rc;
}

/* Walk the victim for up to `budget` bytes.  0: go on later; 1: emptied; negative: gave up. */
static int walk(struct shmfs *s, uint64_t budget, enum sfs_purpose purpose)
{
	/* not beyond its space: on a full tmpfs to read a hole is a SIGBUS */
	uint64_t n = sfs_relaxed(&s->live->victim), start = n << SFS_SEG_SHIFT;
	uint64_t end = start + backed_bytes(sfs_seg(s, n));
	uint64_t at = sfs_relaxed(&s->live->clean_pos), size = SFS_PAGE;
	bool data = sfs_relaxed(&sfs_seg(s, n)->kind) == SFS_SEG_DATA;
	int rc;

	/* a kill may leave a segment that was taken and got no space: without its first page it is empty */
	if (!sfs_relaxed(&sfs_seg(s, n)->backed) && sfs_file_blank(&s->file, start, SFS_PAGE))
		end = start;
	while (at < end) {
		rc = data ? clean_record(s, at, end, purpose, &size) : clean_page(s, at, purpose);
		if (rc)
			return rc;
		if (size == 0 || sfs_relaxed(&sfs_seg(s, n)->died))
			break; /* the walk's end, or the last live block has just left */
		at += size;
		sfs_set(&s->live->clean_pos, at);
		if (size >= budget)
			return 0;
		budget -= size;
	}
	/* nothing lives here, whatever `live` says */
	sfs_seg_free(s, n);
	return 1;
}

static void begin(struct shmfs *s, uint64_t n)
{
	bool data = sfs_relaxed(&sfs_seg(s, n)->kind) == SFS_SEG_DATA;

	sfs_set(&s->live->clean_pos, (n << SFS_SEG_SHIFT) + (data ? SFS_DATA_START : SFS_PAGE));
	sfs_set(&s->live->victim, n);
}

/* The end of a victim, good or bad. */
static void finish(struct shmfs *s, uint64_t n, int rc)
{
	sfs_set(&s->live->victim, 0);
	if (rc == -EUCLEAN) /* leave it alone: it looks full from now on */
		sfs_set(&sfs_seg(s, n)->live, (uint32_t)SFS_SEG);
}

static bool too_much_dead(struct shmfs *s)
{
	uint64_t used = sfs_relaxed(&s->live->used), bytes = used << SFS_SEG_SHIFT;
	uint64_t live = sfs_relaxed(&s->live->live);

	return used > FEW_SEGMENTS && live < bytes && (bytes - live) * 1000 > bytes * s->super->garbage;
}

void sfs_clean(struct shmfs *s, uint64_t budget)
{
	uint64_t n = sfs_relaxed(&s->live->victim), at;
	uint32_t live;
	int rc;

	if (sfs_likely(!n)) {
		if (!too_much_dead(s))
			return;
		n = pick(s, SAMPLES, ANY_VICTIM, WORTH);
		if (!n)
			return;
		begin(s, n);
	}
	at = sfs_relaxed(&s->live->clean_pos);
	if (!candidate(s, n, &live) || at < n << SFS_SEG_SHIFT || at > (n + 1) << SFS_SEG_SHIFT) {
		/* it died under us, or the hint is damaged */
		sfs_set(&s->live->victim, 0);
		return;
	}
	rc = live ? walk(s, budget, SFS_TO_STORE) : (sfs_seg_free(s, n), 1);
	if (rc)
		finish(s, n, rc);
}

int sfs_clean_slice(struct shmfs *s, uint64_t n, uint64_t budget)
{
	uint64_t at = sfs_relaxed(&s->live->clean_pos);
	uint32_t live;
	int rc;

	if (!candidate(s, n, &live))
		return 1;
	if (sfs_relaxed(&s->live->victim) != n || at < n << SFS_SEG_SHIFT || at > (n + 1) << SFS_SEG_SHIFT)
		begin(s, n);
	rc = walk(s, budget, SFS_TO_STORE);
	if (rc)
		finish(s, n, rc);
	return rc;
}

/* Is the block alive? */
static bool leads_here(struct shmfs *s, uint64_t at, bool data)
{
	const struct sfs_record *r = sfs_at(s, at);
	uint64_t hash, bucket, prefix;
	struct sfs_path path;
	unsigned i;

	if (!data)
		return find_page(s, at, &prefix, &path, &i) == 0;
	hash = sfs_hash(s->seed, r->space, sfs_record_key(r), r->klen);
	return sfs_index_bucket(s, sfs_relaxed(&s->live->root.word), hash, &bucket) == 0 &&
	       sfs_bucket_slot(s, bucket, hash, at);
}

bool sfs_clean_recount(struct shmfs *s, uint64_t n, uint32_t *live)
{
	uint64_t at = n << SFS_SEG_SHIFT, end = at + SFS_SEG, sum = 0, size = SFS_PAGE;
	struct sfs_seg *e;
	bool data;

	if (!candidate(s, n, live))
		return false;
	e = sfs_seg(s, n);
	data = sfs_relaxed(&e->kind) == SFS_SEG_DATA;
	for (at += data ? SFS_DATA_START : SFS_PAGE; at < end; at += size) {
		if (data && size_of(s, at, end, &size))
			return false; /* malformed: it is left alone */
		if (size == 0)
			break;
		if (leads_here(s, at, data))
			sum += size;
	}
	sfs_set(&s->live->live, sfs_relaxed(&s->live->live) + sum - sfs_min(*live, sfs_relaxed(&s->live->live)));
	sfs_set(&e->live, (uint32_t)sum);
	*live = (uint32_t)sum;
	return true;
}

/* Pages that can be copied without another segment. */
static uint64_t page_room(struct shmfs *s)
{
	uint64_t head = sfs_relaxed(&s->live->head[SFS_INDEX_HEAD]), n = sfs_seg_of(head - 1);
	uint64_t backed = (uint64_t)sfs_relaxed(&sfs_seg(s, n)->backed) << SFS_BACK_SHIFT;
	uint64_t end = (n << SFS_SEG_SHIFT) + backed;

	return end > head ? (end - head) / SFS_PAGE : 0;
}

/*
 * With one spare left: moving records may take a segment for them and one for pages, moving
 * pages only one.  So an INDEX segment, or if it must be the one in use.
 */
static uint64_t pick_index(struct shmfs *s)
{
	uint64_t head = sfs_relaxed(&s->live->head[SFS_INDEX_HEAD]), active = sfs_seg_of(head - 1);
	uint64_t n = pick(s, UINT64_MAX, INDEX_FOR_A_SPARE, WORTH);

	if (n)
		return n;
	if (page_room(s) >= SFS_SEG / SFS_PAGE / 4)
		return pick(s, UINT64_MAX, FOR_A_SPARE, WORTH);
	if (sfs_relaxed(&sfs_seg(s, active)->live) > SFS_SEG / 2 ||
	    sfs_heap_next(s, SFS_INDEX_HEAD, SFS_TO_CLEAN))
		return 0;
	return active;
}

/*
 * Is one spare certainly enough to empty this segment?  To begin and not to end would be to lose
 * it: the segment that was to replace it is not empty.
 */
static bool spare_suffices(struct shmfs *s, uint64_t n)
{
	const struct sfs_seg *e = sfs_seg(s, n);
	uint64_t live = sfs_relaxed(&e->live), pages;

	if (sfs_relaxed(&e->kind) == SFS_SEG_INDEX)
		return 2 * live / SFS_PAGE + SFS_LEVELS <= page_room(s) + SFS_SEG / SFS_PAGE - 1;
	/* the spare is for the records; of the pages on their ways each is copied at most once */
	pages = sfs_min(live / sizeof(struct sfs_record), sfs_relaxed(&s->live->buckets));
	return 2 * pages + SFS_LEVELS <= page_room(s);
}

bool sfs_clean_segment(struct shmfs *s, enum sfs_purpose purpose)
{
	bool poor = !sfs_relaxed(&s->live->spare[0]) || !sfs_relaxed(&s->live->spare[1]);
	bool store = purpose == SFS_TO_STORE && !sfs_is_volatile(s);
	uint64_t n;
	int rc;

	if (store)
		n = poor ? 0 : pick(s, UINT64_MAX, FOR_A_SPARE, WORTH_A_SPARE);
	else
		n = poor ? pick_index(s) : pick(s, UINT64_MAX, FOR_A_SPARE, WORTH);
	if (!n || (store && !spare_suffices(s, n)))
		return false;
	begin(s, n);
	rc = walk(s, UINT64_MAX, store ? SFS_TO_FREE : SFS_TO_CLEAN);
	finish(s, n, rc);
	return rc == 1 || rc == -EUCLEAN;
}
