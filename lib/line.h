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

static inline struct sfs_match sfs_line_match(const a64 *line, uint64_t tag)
{
	const __m128i *v = (const __m128i *)(const void *)line;
	const __m128i mask = _mm_set1_epi32((int)0xffffe000);
	const __m128i want = _mm_set1_epi32((int)(tag >> 32));
	const __m128i none = _mm_setzero_si128();
	/* 0xdd picks the odd halves: the high ones of two slots each */
#define HIGH(a, b) \
	_mm_and_si128(mask, _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(_mm_load_si128(v + (a))), \
	                                                    _mm_castsi128_ps(_mm_load_si128(v + (b))), 0xdd)))
	__m128i low = HIGH(0, 1), high = HIGH(2, 3);
#undef HIGH
	__m128i tags = _mm_packs_epi32(_mm_cmpeq_epi32(low, want), _mm_cmpeq_epi32(high, want));
	__m128i virgin = _mm_packs_epi32(_mm_cmpeq_epi32(low, none), _mm_cmpeq_epi32(high, none));
	unsigned both = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(tags, virgin));

	return (struct sfs_match){both & 0xff, both >> 8};
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
#endif

#endif
