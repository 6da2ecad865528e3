/* SPDX-License-Identifier: MIT */
/*
 * floor 0: where a key belongs, if it is near its place in an array that is nearly in order.
 *
 * Without a branch on the keys, which nobody can predict: they are all compared with.
 */
#ifndef SFS_RANK_H
#define SFS_RANK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SFS_RANK_REACH 8 /* keys to each side that are compared with: they must be there to be read */

struct sfs_rank {
	int moves; /* how far behind where it is now; negative: before */
	bool same; /* one of those behind it is the same: they have the same rank */
};

#ifdef __SSE2__
static inline struct sfs_rank sfs_rank(const int32_t *key)
{
	const __m128i one = _mm_set1_epi32(*key);
	const __m128i before[] = {_mm_loadu_si128((const void *)(key - 8)), _mm_loadu_si128((const void *)(key - 4))};
	const __m128i behind[] = {_mm_loadu_si128((const void *)(key + 1)), _mm_loadu_si128((const void *)(key + 5))};
	/* -1 for each that is larger before, 1 for each that is smaller behind */
	__m128i moves = _mm_sub_epi32(
		_mm_add_epi32(_mm_cmpgt_epi32(before[0], one), _mm_cmpgt_epi32(before[1], one)),
		_mm_add_epi32(_mm_cmpgt_epi32(one, behind[0]), _mm_cmpgt_epi32(one, behind[1])));
	__m128i same = _mm_or_si128(_mm_cmpeq_epi32(one, behind[0]), _mm_cmpeq_epi32(one, behind[1]));

	moves = _mm_add_epi32(moves, _mm_shuffle_epi32(moves, 0x4e));
	moves = _mm_add_epi32(moves, _mm_shuffle_epi32(moves, 0xb1));
	return (struct sfs_rank){_mm_cvtsi128_si32(moves), _mm_movemask_epi8(same) != 0};
}
#else
static inline struct sfs_rank sfs_rank(const int32_t *key)
{
	struct sfs_rank rank = {0, false};

	for (int d = 1; d <= SFS_RANK_REACH; d++) {
		rank.moves += (key[0] > key[d]) - (key[-d] > key[0]);
		rank.same |= key[0] == key[d];
	}
	return rank;
}
#endif

#endif
