/* SPDX-License-Identifier: MIT */
/* floor 0: the hash of a key: XXH3-64 with the store's random seed and the key's space. */
#ifndef SFS_HASH_H
#define SFS_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format.h"

/* Users choose their keys but not the seed; the space keeps them off our own records. */
static inline uint64_t sfs_hash(uint64_t seed, unsigned space, const void *key, size_t klen)
{
	return XXH3_64bits_withSeed(key, klen, seed + space * UINT64_C(0x9e3779b97f4a7c15));
}

/* The same of a user's key of 9 to 16 bytes, inline, without a branch on its length. */
static inline __attribute__((flatten)) uint64_t sfs_hash_short(uint64_t seed, const void *key, size_t klen)
{
	if (klen < 9 || klen > 16)
		__builtin_unreachable();
	return XXH3_64bits_withSeed(key, klen, seed);
}

/* The same of a key in mapped bytes that may be recycled meanwhile (bytes.h). */
static inline uint64_t sfs_hash_mapped(uint64_t seed, unsigned space, const uint8_t *key, size_t klen)
{
#if SFS_TSAN
	uint8_t copy[UINT16_MAX];

	sfs_copy_out(copy, key, klen);
	key = copy;
#endif
	return sfs_hash(seed, space, key, klen);
}

#endif
