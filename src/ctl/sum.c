/* SPDX-License-Identifier: MIT */
/*
 * The checksum of a dump: XXH128, so that `head -n -1 FILE | xxh128sum` gives the same.
 */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dump.h"

struct dump_sum {
	XXH3_state_t state;
};

struct dump_sum *dump_sum_new(void)
{
	struct dump_sum *sum = aligned_alloc(_Alignof(struct dump_sum), sizeof(*sum));

	if (sum) {
		XXH3_INITSTATE(&sum->state);
		XXH3_128bits_reset(&sum->state);
	}
	return sum;
}

void dump_sum_add(struct dump_sum *sum, const void *data, size_t size)
{
	XXH3_128bits_update(&sum->state, data, size);
}

void dump_sum_text(const struct dump_sum *sum, char text[DUMP_SUM_SIZE])
{
	XXH128_hash_t hash = XXH3_128bits_digest(&sum->state);

	snprintf(text, DUMP_SUM_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
	         (unsigned long long)hash.low64);
}

void dump_sum_free(struct dump_sum *sum)
{
	free(sum);
}
