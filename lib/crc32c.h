/* SPDX-License-Identifier: MIT */
/* floor 0: CRC-32C (Castagnoli, RFC 3720 appendix B.4), the format's checksum. */
#ifndef SFS_CRC32C_H
#define SFS_CRC32C_H

#include "bytes.h"

/*
 * The instruction, for loops that sum while they copy: SFS_CRC32C_HERE asks whether there is one, and
 * these take and give the sum as it is between its first and last inversion.
 */
#if defined(__x86_64__)
#define SFS_CRC32C_HERE __builtin_cpu_supports("sse4.2")

static inline uint64_t sfs_crc32c_word(uint64_t crc, uint64_t word)
{
	__asm__("crc32q %1, %0" : "+r"(crc) : "rm"(word));
	return crc;
}

static inline uint32_t sfs_crc32c_half(uint32_t crc, uint32_t half)
{
	__asm__("crc32l %1, %0" : "+r"(crc) : "rm"(half));
	return crc;
}

static inline uint32_t sfs_crc32c_byte(uint32_t crc, uint8_t byte)
{
	__asm__("crc32b %1, %0" : "+r"(crc) : "qm"(byte));
	return crc;
}
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define SFS_CRC32C_HERE 1
#define sfs_crc32c_word(crc, word) __crc32cd((uint32_t)(crc), (word))
#define sfs_crc32c_half(crc, half) __crc32cw((crc), (half))
#define sfs_crc32c_byte(crc, byte) __crc32cb((crc), (byte))
#else
#define SFS_CRC32C_HERE 0
#define sfs_crc32c_word(crc, word) (crc)
#define sfs_crc32c_half(crc, half) (crc)
#define sfs_crc32c_byte(crc, byte) (crc)
#endif

/* Continue `crc` (0 at the start) over n bytes. */
SFS_HIDDEN uint32_t sfs_crc32c(uint32_t crc, const void *data, size_t n);

/* The same by table; for machines without the instruction, and to test against. */
SFS_HIDDEN uint32_t sfs_crc32c_table(uint32_t crc, const void *data, size_t n);

#endif
