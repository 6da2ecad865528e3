/* SPDX-License-Identifier: MIT */
/*
 * floor 3: a get as nearly all of them are, in as few instructions as it can be.
 *
 * The processor looks a few hundred instructions ahead.  What fits in there overlaps: the cache misses of
 * this get with those of the next.  So whatever is not plain (a checkpoint, verification, a long key
 * or value, a second line, a false match, damage, a writer that was faster, wrong arguments) is "look
 * closer", and left to who starts afresh and looks at everything (api_get.c).
 * Invariant	a page or record is looked at only where file.plain says that one may begin, the record
 *	with all of its key and value, since those are less than a page.
 * Order	as index.h: what was found counts if sfs_plain_counts() says so after the bytes were used.
 */
#ifndef SFS_PLAIN_H
#define SFS_PLAIN_H

#include "find.h"
#include "moment.h"

#define SFS_PLAIN_KEY 512    /* such a key ... */
#define SFS_PLAIN_VALUE 3072 /* ... and value make a record of less than a page */

struct sfs_plain {
	const struct sfs_record *record;
	uint64_t vlen;
	uint64_t stamp;
};

static inline uint64_t sfs_load8(const void *p)
{
	uint64_t v;

	sfs_copy_out(&v, p, 8);
	return v;
}

/* Of 9 to 16 bytes: the length of a key whose get has the shortest way. */
static inline bool sfs_plain_short(size_t n)
{
	return n - 9 <= 7;
}

/* Is that a page in the file? */
SFS_INLINE bool sfs_plain_page(uint64_t word, uint64_t most)
{
	return sfs_likely(sfs_word_page(word) - SFS_SEG < most);
}

/* The next word on the way to the bucket. */
SFS_INLINE uint64_t sfs_plain_step(const uint8_t *base, uint64_t word, uint64_t hash)
{
	const struct sfs_entry *node = (const void *)(base + sfs_word_page(word));

	return sfs_acquire(&node[hash << sfs_word_depth(word) >> 56].word);
}

SFS_INLINE bool sfs_plain_same(const struct sfs_record *r, const uint8_t *key, size_t n)
{
	const uint8_t *mapped = sfs_record_key(r);

	/* klen, and a space of 0, in one load */
	if (sfs_unlikely((sfs_relaxed((const a32 *)(const void *)&r->klen) & 0xff00ffff) != n))
		return false;
	if (!sfs_plain_short(n))
		return sfs_same(mapped, key, n);
	return sfs_likely(sfs_load8(mapped) == sfs_load8(key)) &&
	       sfs_likely(sfs_load8(mapped + n - 8) == sfs_load8(key + n - 8));
}

/*
 * Find a key of the user's.  -ENOENT; -EAGAIN: look closer.  `a` and `b` are others of the caller's arguments
 * that must not be NULL: between the tests there are loads, or the compiler would make one test
 * of them, of more instructions.
 */
SFS_INLINE int sfs_plain_find(struct shmfs *s, const void *key, size_t n, const void *a, const void *b,
                              struct sfs_plain *p)
{
	uint64_t most, hash, word, tag, from, ref;
	const struct sfs_live *live;
	const a64 *line, *slot;
	const uint8_t *base;

	if (sfs_unlikely(n > SFS_PLAIN_KEY) || sfs_unlikely(!s))
		return -EAGAIN;
	most = sfs_relaxed(&s->file.plain);
	if (sfs_unlikely(!most) || sfs_unlikely(!key))
		return -EAGAIN;
	live = s->live;
	base = s->file.base;
	p->stamp = sfs_acquire(&live->freed);
	if (sfs_unlikely(!a))
		return -EAGAIN;
	word = sfs_acquire(&live->root.word);
	if (sfs_unlikely(!b))
		return -EAGAIN;
	hash = sfs_plain_short(n) ? sfs_hash_short(s->seed, key, n) : sfs_hash(s->seed, SFS_USER, key, n);
	if (!sfs_plain_page(word, most))
		return -EAGAIN;
	if (sfs_likely(word & SFS_WORD_NODE)) {
		word = sfs_plain_step(base, word, hash);
		if (!sfs_plain_page(word, most))
			return -EAGAIN;
		if (word & SFS_WORD_NODE) {
			word = sfs_plain_step(base, word, hash);
			if (!sfs_plain_page(word, most) || sfs_unlikely(word & SFS_WORD_NODE))
				return -EAGAIN;
		}
	}
	line = (const a64 *)(const void *)(base + sfs_word_page(word)) + (hash & (SFS_LINES - 1)) * SFS_LINE_SLOTS;
	tag = sfs_slot_tag(hash, sfs_word_depth(word), 0);
	from = tag + SFS_SEG / 8;
	slot = sfs_line_first(line, tag);
	if (sfs_unlikely(!slot))
		return sfs_line_first(line, 0) ? -ENOENT : -EAGAIN; /* has it a virgin slot? */
	/* if it is another by now, it is out of bounds or has its own key */
	ref = sfs_acquire(slot) - from;
	if (sfs_unlikely(ref >= most / 8))
		return -EAGAIN;
	p->record = (const void *)(base + SFS_SEG + ref * 8);
	p->vlen = sfs_relaxed((const a64 *)&p->record->vlen);
	return sfs_likely(sfs_plain_same(p->record, key, n)) && sfs_likely(p->vlen <= SFS_PLAIN_VALUE) ? 0 : -EAGAIN;
}

SFS_INLINE bool sfs_plain_counts(struct shmfs *s, const struct sfs_plain *p)
{
	if (sfs_likely(sfs_valid(s, p->stamp)) && sfs_likely(!sfs_relaxed(&s->file.gone)))
		return true;
	sfs_moment_overtaken(s);
	return false;
}

SFS_INLINE const void *sfs_plain_value(const struct sfs_plain *p, size_t n)
{
	return sfs_record_value(p->record, sfs_plain_short(n) ? 16 : n);
}

SFS_INLINE void sfs_plain_info(const struct sfs_plain *p, struct shmfs_info *info)
{
	info->size = p->vlen;
	sfs_copy_out(&info->version, &p->record->seq, 8);
	sfs_copy_out(&info->time_ns, &p->record->time_ns, 8);
	info->type = sfs_relaxed((const a8 *)&p->record->type);
	info->reserved = 0;
}

/* A value, of 16 to 128 bytes without a call. */
SFS_INLINE void sfs_plain_copy(uint8_t *to, const uint8_t *from, size_t n)
{
#if defined(__SSE2__) && !SFS_TSAN
#define MOVE(at) _mm_storeu_si128((__m128i *)(void *)(to + (at)), _mm_loadu_si128((const void *)(from + (at))))
	if (sfs_likely(n - 16 <= 112)) {
		MOVE(0);
		if (n > 32) {
			MOVE(16);
			if (n > 64) {
				MOVE(32);
				MOVE(48);
				MOVE(n - 64);
				MOVE(n - 48);
			}
			MOVE(n - 32);
		}
		MOVE(n - 16);
		return;
	}
#undef MOVE
#endif
	sfs_copy_out(to, from, n);
}

#endif
