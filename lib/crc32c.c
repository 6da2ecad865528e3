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

#if defined(__x86_64__)
#define HAVE_INSTRUCTION __builtin_cpu_supports("sse4.2")
#define TARGET __attribute__((target("sse4.2")))
#define CRC8(crc, b) __builtin_ia32_crc32qi((uint32_t)(crc), (b))
#define CRC32(crc, w) __builtin_ia32_crc32si((uint32_t)(crc), (w))
#define CRC64(crc, w) __builtin_ia32_crc32di((crc), (w))
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define HAVE_INSTRUCTION 1
#define TARGET
#define CRC8(crc, b) __crc32cb((uint32_t)(crc), (b))
#define CRC32(crc, w) __crc32cw((uint32_t)(crc), (w))
#define CRC64(crc, w) __crc32cd((uint32_t)(crc), (w))
#endif

#ifdef HAVE_INSTRUCTION
TARGET static uint32_t crc32c_instruction(uint32_t crc32, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t crc = (uint32_t)~crc32, word;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		crc = CRC64(crc, word);
	}
	if (n >= 4) {
		uint32_t half;

		memcpy(&half, p, 4);
		crc = CRC32(crc, half);
		n -= 4;
		p += 4;
	}
	for (; n; n--)
		crc = CRC8(crc, *p++);
	return ~(uint32_t)crc;
}
#endif

uint32_t sfs_crc32c(uint32_t crc, const void *data, size_t n)
{
#ifdef HAVE_INSTRUCTION
	if (sfs_likely(HAVE_INSTRUCTION))
		return crc32c_instruction(crc, data, n);
#endif
	return sfs_crc32c_table(crc, data, n);
}
