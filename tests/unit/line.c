/* SPDX-License-Identifier: MIT */
/* The compare of a whole line, and the tags it compares. */
#include "../../lib/line.h"
#include "../rig.h"
#include "harness.h"

static _Alignas(64) a64 line[SFS_LINE_SLOTS];

static struct sfs_match slowly(uint64_t tag)
{
	struct sfs_match m = {0, 0};

	for (unsigned i = 0; i < SFS_LINE_SLOTS; i++) {
		uint64_t top = sfs_relaxed(&line[i]) & ~SFS_SLOT_REF;

		m.tags |= (unsigned)(top == tag) << i;
		m.virgin |= (unsigned)(top == 0) << i;
	}
	return m;
}

static void random_lines(void)
{
	struct rng r = {1};

	for (int n = 0; n < 200000; n++) {
		uint64_t tag = rng_next(&r) & ~SFS_SLOT_REF;
		struct sfs_match quick, slow;

		if (rng_once_in(&r, 50))
			tag = SFS_TOMBSTONE;
		for (int i = 0; i < SFS_LINE_SLOTS; i++) {
			uint64_t ref = rng_next(&r) & SFS_SLOT_REF, slot = rng_next(&r);

			switch (rng_below(&r, 5)) {
			case 0:
				slot = 0;
				break;
			case 1:
				slot = tag | ref;
				break;
			case 2: /* one bit off */
				slot = (tag ^ UINT64_C(1) << (45 + rng_below(&r, 19))) | ref;
				break;
			case 3:
				slot = SFS_TOMBSTONE;
				break;
			}
			sfs_set(&line[i], slot);
		}
		quick = sfs_line_match(line, tag);
		slow = slowly(tag);
		if (quick.tags != slow.tags || quick.virgin != slow.virgin)
			CU_FAIL_FATAL("quick and slow compare differ");
		if (sfs_line_first(line, tag) != (slow.tags ? line + __builtin_ctz(slow.tags) : NULL) ||
		    sfs_line_first(line, 0) != (slow.virgin ? line + __builtin_ctz(slow.virgin) : NULL))
			CU_FAIL_FATAL("the first is another");
	}
}

static void tags(void)
{
	struct rng r = {2};
	bool good = true;

	for (int n = 0; n < 100000; n++) {
		uint64_t hash = rng_next(&r);
		unsigned depth = (unsigned)rng_below(&r, SFS_DEPTH_MAX + 1);
		unsigned distance = (unsigned)rng_below(&r, SFS_REACH);
		unsigned base = sfs_tag_base(hash, depth);
		uint64_t tag = sfs_slot_tag(hash, depth, distance);

		good &= base <= depth && depth - base < 8;
		good &= (tag & SFS_SLOT_REF) == 0 && tag >> 60 == distance + 1;
		good &= (tag >> 45 & 0x7fff) == hash << base >> 49;
		good &= tag >> 60 != SFS_TOMBSTONE >> 60;
		good &= sfs_slot_ref(tag | 0x123456789 >> 3) == (0x123456789 & ~7);
	}
	CU_ASSERT(good);
}

static const struct harness_test tests[] = {
	{"a line is compared as slot by slot", random_lines},
	{"a tag holds distance and hash bits and leaves the reference alone", tags},
};

HARNESS_MAIN("line", tests)
