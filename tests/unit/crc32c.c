/* SPDX-License-Identifier: MIT */
#include "../../lib/crc32c.h"
#include "../rig.h"
#include "harness.h"

static void known(void)
{
	unsigned char bytes[32];

	/* RFC 3720, appendix B.4 */
	memset(bytes, 0, sizeof(bytes));
	CU_ASSERT_EQUAL(sfs_crc32c(0, bytes, 32), 0x8a9136aau);
	memset(bytes, 0xff, sizeof(bytes));
	CU_ASSERT_EQUAL(sfs_crc32c(0, bytes, 32), 0x62a8ab43u);
	for (unsigned char i = 0; i < 32; i++)
		bytes[i] = i;
	CU_ASSERT_EQUAL(sfs_crc32c(0, bytes, 32), 0x46dd794eu);
	CU_ASSERT_EQUAL(sfs_crc32c(0, "123456789", 9), 0xe3069283u);
	CU_ASSERT_EQUAL(sfs_crc32c(0, "", 0), 0);
}

static void both_ways(void)
{
	unsigned char bytes[300];

	value_fill(bytes, sizeof(bytes), 9);
	for (size_t at = 0; at < 9; at++)
		for (size_t n = 0; n < sizeof(bytes) - 9; n++)
			if (sfs_crc32c(7, bytes + at, n) != sfs_crc32c_table(7, bytes + at, n))
				CU_FAIL("instruction and table differ");
}

static void in_pieces(void)
{
	unsigned char bytes[300];
	uint32_t all;

	value_fill(bytes, sizeof(bytes), 10);
	all = sfs_crc32c(0, bytes, sizeof(bytes));
	for (size_t n = 0; n <= sizeof(bytes); n++)
		CU_ASSERT_EQUAL(sfs_crc32c(sfs_crc32c(0, bytes, n), bytes + n, sizeof(bytes) - n), all);
}

static const struct harness_test tests[] = {
	{"checksums are those of RFC 3720", known},
	{"instruction and table agree at every length and alignment", both_ways},
	{"a checksum can be taken in pieces", in_pieces},
};

HARNESS_MAIN("crc32c", tests)
