/* SPDX-License-Identifier: MIT */
/*
 * floor 2: one compare for the eight slots of a line.
 *
 * A tag fills the top 19 bits of its slot, so the high halves of the slots are enough:
 * SSE2, which every x86-64 has, compares four at a time and leaves no branch to mispredict.
 * A slot's loads here are hints: what matches is loaded again with acquire.
 */
#ifndef SFS_LINE_H
#define SFS_LINE_H

#include "format.h"

struct sfs_match {
	unsigned tags;   /* bit i: slot i has the tag */
	unsigned virgin; /* bit i: slot i was never used */
};

#if defined(__SSE2__) && !SFS_TSAN
#include <emmintrin.h>

/* The high halves of four slots, without the bits of their references: 0xdd picks the odd halves. */
static inline __m128i sfs_line_half(const a64 *line, unsigned at)
{
	const __m128i *v = (const __m128i *)(const void *)line + at;
	__m128 odd = _mm_shuffle_ps(_mm_castsi128_ps(_mm_load_si128(v)), _mm_castsi128_ps(_mm_load_si128(v + 1)),
	                            0xdd);

	return _mm_and_si128(_mm_castps_si128(odd), _mm_set1_epi32((int)0xffffe000));
}

static inline __m128i sfs_line_equal(const a64 *line, uint64_t tag)
{
	const __m128i want = _mm_set1_epi32((int)(tag >> 32));

	return _mm_packs_epi32(_mm_cmpeq_epi32(sfs_line_half(line, 0), want),
	                       _mm_cmpeq_epi32(sfs_line_half(line, 2), want));
}

static inline struct sfs_match sfs_line_match(const a64 *line, uint64_t tag)
{
	__m128i tags = sfs_line_equal(line, tag), virgin = sfs_line_equal(line, 0);
	unsigned both = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(tags, virgin));

	return (struct sfs_match){both & 0xff, both >> 8};
}

/* The first slot with the tag, in as few instructions as it can be.  NULL: none. */
static inline const a64 *sfs_line_first(const a64 *line, uint64_t tag)
{
	unsigned pairs = (unsigned)_mm_movemask_epi8(sfs_line_equal(line, tag)); /* of bits, one for a slot */

	return pairs ? (const a64 *)(const void *)((const char *)line + (uint64_t)__builtin_ctz(pairs) * 4) : NULL;
}
#else
static inline struct sfs_match sfs_line_match(const a64 *line, uint64_t tag)
{
	struct sfs_match m = {0, 0};

	for (unsigned i = 0; i < SFS_LINE_SLOTS; i++) {
		uint64_t w = sfs_relaxed(line + i) & ~SFS_SLOT_REF;

		m.tags |= (unsigned)(w == tag) << i;
		m.virgin |= (unsigned)(w == 0) << i;
	}
	return m;
}

static inline const a64 *sfs_line_first(const a64 *line, uint64_t tag)
{
	unsigned tags = sfs_line_match(line, tag).tags;

	return tags ? line + __builtin_ctz(tags) : NULL;
}
#endif

#endif
