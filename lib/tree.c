/* SPDX-License-Identifier: MIT */
/* floor 2: the index as its one writer changes it (tree.h); splits are in split.c. */
#include "tree.h"

#include "treepage.h"

int sfs_page_new(struct shmfs *s, uint64_t hash, unsigned depth, bool node, enum sfs_purpose purpose,
                 uint64_t *page)
{
	int rc = sfs_heap_room(s, SFS_INDEX_HEAD, SFS_PAGE, purpose, page);
	struct sfs_name *name;

	if (rc)
		return rc;
	name = (struct sfs_name *)sfs_at(s, *page & ~(SFS_SEG - 1)) + (*page >> 12 & 255);
	sfs_set(&name->prefix, depth ? hash >> (64 - depth) << (64 - depth) : 0);
	sfs_set(&name->depth_node, depth | (uint64_t)node << 8);
	return 0;
}

static void store_entries(struct sfs_entry *e, uint64_t n, uint64_t w0, uint64_t w1, uint64_t epoch)
{
	for (uint64_t i = 0; i < n; i++) {
		sfs_commit(&e[i].word, i < (n + 1) / 2 ? w0 : w1);
		sfs_commit(&e[i].epoch, epoch);
	}
}

void sfs_tree_swing(struct shmfs *s, const struct sfs_step *step, uint64_t w0, uint64_t w1)
{
	struct sfs_live *live = s->live;
	uint64_t epoch = sfs_epoch(s);

	if (step->span == 1) {
		store_entries(step->entry, 1, w0, w0, epoch);
		return;
	}
	sfs_set(&live->intent.n, step->span);
	sfs_set(&live->intent.w0, w0);
	sfs_set(&live->intent.w1, w1);
	sfs_set(&live->intent.epoch, epoch);
	sfs_commit(&live->intent.node, sfs_offset(s, step->entry));
	store_entries(step->entry, step->span, w0, w1, epoch);
	sfs_commit(&live->intent.node, 0);
}

void sfs_tree_redo(struct shmfs *s)
{
	struct sfs_live *live = s->live;
	uint64_t at = sfs_relaxed(&live->intent.node), n = sfs_relaxed(&live->intent.n);

	if (!at)
		return;
	if (at >= SFS_SEG && at % sizeof(struct sfs_entry) == 0 && n <= SFS_FAN &&
	    sfs_file_inside(&s->file, at, n * sizeof(struct sfs_entry)))
		store_entries(sfs_at(s, at), n, sfs_relaxed(&live->intent.w0), sfs_relaxed(&live->intent.w1),
		              sfs_relaxed(&live->intent.epoch));
	sfs_commit(&live->intent.node, 0);
}

/* Replace the page of a step by a copy that the live epoch owns. */
static int copy_page(struct shmfs *s, uint64_t hash, struct sfs_step *step, enum sfs_purpose purpose)
{
	uint64_t old = sfs_word_page(step->word), new, word;
	bool node = step->word & SFS_WORD_NODE;
	int rc = sfs_page_new(s, hash, sfs_word_depth(step->word), node, purpose, &new);

	if (rc)
		return rc;
	sfs_copy_in(sfs_at(s, new), sfs_at(s, old), SFS_PAGE);
	sfs_heap_keep(s, SFS_INDEX_HEAD, new, SFS_PAGE);
	word = (step->word & ~SFS_WORD_PAGE) | new;
	sfs_tree_swing(s, step, word, word);
	sfs_seg_drop(s, old, SFS_PAGE);
	step->word = word;
	return 0;
}

/* The entries of a node that lead to the hash's child. */
static int child(struct shmfs *s, uint64_t hash, uint64_t word, struct sfs_step *step)
{
	struct sfs_entry *node = sfs_at(s, sfs_word_page(word));
	unsigned depth = sfs_word_depth(word), at = hash << depth >> 56, below;
	uint64_t w = sfs_relaxed(&node[at].word);

	below = sfs_word_depth(w);
	if (below < depth || below > depth + 8 || below > SFS_DEPTH_MAX)
		return -EUCLEAN;
	step->span = 1u << (depth + 8 - below);
	step->entry = node + (at & ~(step->span - 1));
	step->word = w;
	return 0;
}

int sfs_tree_descend(struct shmfs *s, uint64_t hash, bool own, enum sfs_purpose purpose,
                     struct sfs_path *path)
{
	struct sfs_step *step = path->step;
	int rc;

	*step = (struct sfs_step){&s->live->root, 1, sfs_relaxed(&s->live->root.word)};
	if (sfs_word_depth(step->word) != 0)
		return -EUCLEAN;
	for (path->depth = 0; path->depth < SFS_LEVELS; path->depth++, step++) {
		uint64_t page = sfs_word_page(step->word);

		if (page < SFS_SEG || sfs_seg_reserved(sfs_seg_of(page)) ||
		    !sfs_file_inside(&s->file, page, SFS_PAGE))
			return -EUCLEAN;
		if (own && sfs_relaxed(&step->entry->epoch) != sfs_epoch(s)) {
			rc = copy_page(s, hash, step, purpose);
			if (rc)
				return rc;
		}
		if (!(step->word & SFS_WORD_NODE))
			return 0;
		rc = child(s, hash, step->word, step + 1);
		if (rc)
			return rc;
	}
	return -EUCLEAN;
}

int sfs_tree_replace(struct shmfs *s, uint64_t hash, struct sfs_path *path, unsigned at,
                     enum sfs_purpose purpose)
{
	return copy_page(s, hash, &path->step[at], purpose);
}

/* ---- creation ------------------------------------------------------------------- */

#define KEYS_PER_BUCKET 300

static int build(struct shmfs *s, uint64_t prefix, const unsigned *depths, uint64_t *word)
{
	bool node = depths[1] != 0;
	uint64_t page;
	int rc = sfs_page_new(s, prefix, depths[0], node, SFS_TO_STORE, &page);

	if (rc)
		return rc;
	sfs_zero(sfs_at(s, page), SFS_PAGE);
	sfs_heap_keep(s, SFS_INDEX_HEAD, page, SFS_PAGE);
	*word = page | (node ? SFS_WORD_NODE : 0) | depths[0];
	if (!node) {
		sfs_set(&s->live->buckets, sfs_relaxed(&s->live->buckets) + 1);
		return 0;
	}
	for (unsigned i = 0, span = SFS_FAN >> (depths[1] - depths[0]); i < SFS_FAN; i += span) {
		uint64_t below;

		rc = build(s, prefix | (uint64_t)i << 56 >> depths[0], depths + 1, &below);
		if (rc)
			return rc;
		store_entries((struct sfs_entry *)sfs_at(s, page) + i, span, below, below, sfs_epoch(s));
	}
	return 0;
}

int sfs_tree_create(struct shmfs *s, uint64_t keys)
{
	unsigned depth = 0, depths[SFS_LEVELS + 2] = {0}, levels = 0;
	uint64_t word;
	int rc;

	while (depth < 40 && keys >> depth > KEYS_PER_BUCKET)
		depth++;
	/* root at depth 0, then every eight bits counted from the buckets up */
	if (depth)
		depths[levels++] = 0;
	for (unsigned d = depth % 8 ? depth % 8 : 8; d < depth; d += 8)
		depths[levels++] = d;
	depths[levels++] = depth;
	rc = build(s, 0, depths, &word);
	if (rc == 0)
		store_entries(&s->live->root, 1, word, word, sfs_epoch(s));
	return rc;
}
