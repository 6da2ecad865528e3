/* SPDX-License-Identifier: MIT */
/* floor 0: CRC-32C (Castagnoli, RFC 3720 appendix B.4), the format's checksum. */
#ifndef SFS_CRC32C_H
#define SFS_CRC32C_H

#include "bytes.h"

/* Continue `crc` (0 at the start) over n bytes. */
SFS_HIDDEN uint32_t sfs_crc32c(uint32_t crc, const void *data, size_t n);

/* The same by table; for machines without the instruction, and to test against. */
SFS_HIDDEN uint32_t sfs_crc32c_table(uint32_t crc, const void *data, size_t n);

#endif
