/* SPDX-License-Identifier: MIT */
/*
 * floor 2: the index as readers see it.
 *
 * Invariant	everything reachable from the live root is fully written (I1), so a reader that
 *	follows words and slots with acquire loads meets only complete pages and records.
 *	A page, once replaced, stays as it was until its segment is reused.
 * Order	a reader that may be overtaken loads `freed` first (its stamp), follows the index, uses
 *	the bytes, then asks sfs_valid(): reused <= stamp says that nothing freed after
 *	the stamp was taken, so nothing it could reach, was overwritten.  The writer raises
 *	`reused`, fences, and only then overwrites.
 * Locks	none.
 * Distrust	every offset and length: bounds-checked before it is followed.  A result other
 *	than "found" or "not found" counts only if the stamp is still valid.
 */
#ifndef SFS_INDEX_H
#define SFS_INDEX_H

#include "handle.h"
#include "hash.h"

struct sfs_key {
	const void *data;
	uint64_t hash;
	uint32_t size;
	uint32_t space;
};

/* A record found, with what was checked of it. */
struct sfs_hit {
	a64 *slot;
	uint64_t ref;
	const struct sfs_record *record;
	uint64_t klen; /* as checked: the record may change under a reader's eyes */
	uint64_t vlen;
};

static inline struct sfs_key sfs_key(const struct shmfs *s, unsigned space, const void *data, size_t n)
{
	return (struct sfs_key){data, sfs_hash(s->seed, space, data, n), (uint32_t)n, space};
}

static inline const uint8_t *sfs_record_key(const struct sfs_record *r)
{
	return (const uint8_t *)(r + 1);
}

static inline const uint8_t *sfs_record_value(const struct sfs_record *r, uint64_t klen)
{
	return (const uint8_t *)(r + 1) + sfs_align8(klen);
}

static inline bool sfs_valid(const struct shmfs *s, uint64_t stamp)
{
	atomic_thread_fence(memory_order_acquire);
	return sfs_relaxed(&s->live->reused) <= stamp;
}

/* Follow the nodes from `word` to the bucket that would hold the hash.  -EUCLEAN */
SFS_HIDDEN int sfs_index_bucket(struct shmfs *s, uint64_t word, uint64_t hash, uint64_t *bucket);

/* Find the key in a bucket, given its index word.  -ENOENT, -EUCLEAN */
SFS_HIDDEN int sfs_bucket_find(struct shmfs *s, uint64_t bucket, const struct sfs_key *key,
                               struct sfs_hit *hit);

/* Ask the cache for the line where the search begins, ... */
SFS_HIDDEN void sfs_bucket_prefetch(struct shmfs *s, uint64_t bucket, uint64_t hash);

/* ... and for the record that its first match, if any, refers to. */
SFS_HIDDEN void sfs_record_prefetch(struct shmfs *s, uint64_t bucket, uint64_t hash);

/* The slot of a bucket that holds exactly this reference under this hash; NULL if none. */
SFS_HIDDEN a64 *sfs_bucket_slot(struct shmfs *s, uint64_t bucket, uint64_t hash, uint64_t ref);

/* The first free slot for the hash within reach of its home, and its tag; NULL: split. */
SFS_HIDDEN a64 *sfs_bucket_room(void *page, unsigned depth, uint64_t hash, uint64_t *tag);

/* Both steps: find a key from the root word on.  -ENOENT, -EUCLEAN */
SFS_HIDDEN int sfs_index_find(struct shmfs *s, uint64_t root, const struct sfs_key *key,
                              struct sfs_hit *hit);

/* sfs_bucket_find() without its short cut (find.h). */
SFS_HIDDEN int sfs_bucket_search(struct shmfs *s, uint64_t bucket, const struct sfs_key *key,
                                 struct sfs_hit *hit);

/* Check a reference: inside the file, and so is all of its record. */
static inline int sfs_record_check(struct shmfs *s, uint64_t ref, struct sfs_hit *hit)
{
	const struct sfs_record *r = sfs_at(s, ref);
	uint64_t vlen, klen;

	if (sfs_unlikely(ref < SFS_SEG || !sfs_file_inside(&s->file, ref, sizeof(*r))))
		return -EUCLEAN;
	klen = sfs_relaxed((const a16 *)&r->klen);
	vlen = sfs_relaxed((const a64 *)&r->vlen) & SFS_VLEN;
	if (sfs_unlikely(!sfs_file_inside(&s->file, ref, sfs_record_size(klen, vlen))))
		return -EUCLEAN;
	hit->ref = ref;
	hit->record = r;
	hit->klen = klen;
	hit->vlen = vlen;
	return 0;
}

#endif
