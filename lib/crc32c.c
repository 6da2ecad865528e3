/* SPDX-License-Identifier: MIT */
/*
 * floor 0: CRC-32C with the processor's instruction where there is one, by table elsewhere.
 */
#include "crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* Built at compile time: sixteen entries serve one half-byte each. */
#define STEP(x) ((x) >> 1 ^ (((x) & 1) ? POLYNOMIAL : 0))
#define NIBBLE(x) STEP(STEP(STEP(STEP((uint32_t)(x)))))
static const uint32_t table[16] = {
	NIBBLE(0), NIBBLE(1), NIBBLE(2),  NIBBLE(3),  NIBBLE(4),  NIBBLE(5),  NIBBLE(6),  NIBBLE(7),
	NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15),
};

uint32_t sfs_crc32c_table(uint32_t crc, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (crc = ~crc; n--; p++) {
		crc ^= *p;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static uint32_t crc32c_instruction(uint32_t crc32, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t long_crc = (uint32_t)~crc32, word;
	uint32_t crc, half;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		long_crc = sfs_crc32c_word(long_crc, word);
	}
	crc = (uint32_t)long_crc;
	if (n >= 4) {
		memcpy(&half, p, 4);
		crc = sfs_crc32c_half(crc, half);
		n -= 4;
		p += 4;
	}
	for (; n; n--)
		crc = sfs_crc32c_byte(crc, *p++);
	return ~crc;
}

uint32_t sfs_crc32c(uint32_t crc, const void *data, size_t n)
{
	if (sfs_likely(SFS_CRC32C_HERE))
		return crc32c_instruction(crc, data, n);
	return sfs_crc32c_table(crc, data, n);
}
