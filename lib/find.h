/* SPDX-License-Identifier: MIT */
/*
 * floor 2: finding a key, inline (index.h).
 *
 * The way nearly every search goes, in few instructions; a single get has a shorter one
 * (plain.h).
 * Whatever is not plain (a file that seems too short, a second line, a false match,
 * damage) is left to a function of index.c, which starts afresh and looks at everything.  What
 * goes to those by address is copied first, so that the rest stays in registers.
 */
#ifndef SFS_FIND_H
#define SFS_FIND_H

#include "index.h"
#include "line.h"

#define SFS_INLINE static inline __attribute__((always_inline))

SFS_INLINE a64 *sfs_line_of(struct shmfs *s, uint64_t bucket, uint64_t at)
{
	return (a64 *)sfs_at(s, sfs_word_page(bucket)) + (at & (SFS_LINES - 1)) * SFS_LINE_SLOTS;
}

/* As sfs_index_bucket(). */
SFS_INLINE int sfs_find_bucket(struct shmfs *s, uint64_t word, uint64_t hash, uint64_t *bucket)
{
	uint64_t size = sfs_relaxed(&s->file.size), least = SFS_SEG + SFS_PAGE - 1, w = word;
	uint64_t pages = size > least ? size - least : 0; /* from SFS_SEG on, a page may start */

	for (int level = 0; level < SFS_LEVELS; level++) {
		const struct sfs_entry *node = sfs_at(s, sfs_word_page(w));

		if (sfs_unlikely(sfs_word_page(w) - SFS_SEG >= pages))
			break;
		if (!(w & SFS_WORD_NODE)) {
			*bucket = w;
			return 0;
		}
		w = sfs_acquire(&node[hash << sfs_word_depth(w) >> 56].word);
	}
	return sfs_index_bucket(s, word, hash, bucket);
}

/* Does the slot refer to the key's record, and does that plainly lie in the file? */
SFS_INLINE bool sfs_slot_plain(struct shmfs *s, uint64_t slot, const struct sfs_key *key, struct sfs_hit *hit)
{
	uint64_t size = sfs_relaxed(&s->file.size), ref = sfs_slot_ref(slot), vlen;
	const struct sfs_record *r = sfs_at(s, ref);

	if (sfs_unlikely(ref < SFS_SEG || ref + sizeof(*r) > size))
		return false;
	vlen = sfs_relaxed((const a64 *)&r->vlen) & SFS_VLEN;
	if (sfs_unlikely(ref + sfs_record_size(key->size, vlen) > size) ||
	    sfs_unlikely(sfs_relaxed((const a16 *)&r->klen) != key->size) ||
	    sfs_unlikely(sfs_relaxed((const a8 *)&r->space) != key->space) ||
	    sfs_unlikely(!sfs_same(sfs_record_key(r), key->data, key->size)))
		return false;
	hit->ref = ref;
	hit->record = r;
	hit->klen = key->size;
	hit->vlen = vlen;
	return true;
}

SFS_INLINE int sfs_find_rest(struct shmfs *s, uint64_t bucket, struct sfs_key key, struct sfs_hit *hit)
{
	struct sfs_hit found = {0};
	int rc = sfs_bucket_search(s, bucket, &key, &found);

	hit->slot = found.slot;
	hit->ref = found.ref;
	hit->record = found.record;
	hit->klen = found.klen;
	hit->vlen = found.vlen;
	return rc;
}

/* As sfs_bucket_find(): the first match of the home line decides nearly every search. */
SFS_INLINE int sfs_find_in(struct shmfs *s, uint64_t bucket, const struct sfs_key *key, struct sfs_hit *hit)
{
	uint64_t tag = sfs_slot_tag(key->hash, sfs_word_depth(bucket), 0), slot;
	a64 *line = sfs_line_of(s, bucket, key->hash);
	struct sfs_match m = sfs_line_match(line, tag);

	if (sfs_likely(m.tags)) {
		hit->slot = line + __builtin_ctz(m.tags);
		slot = sfs_acquire(hit->slot);
		if (sfs_likely((slot & ~SFS_SLOT_REF) == tag && sfs_slot_plain(s, slot, key, hit)))
			return 0;
	} else if (sfs_likely(m.virgin)) {
		return -ENOENT;
	}
	return sfs_find_rest(s, bucket, *key, hit);
}

#endif
