/* SPDX-License-Identifier: MIT */
/* floor 2: the two checkpoints (meta.h). */
#include "meta.h"

#include "crc32c.h"
#include "delta.h"

static struct sfs_meta *slot(struct shmfs *s, uint64_t turn)
{
	return sfs_at(s, SFS_AT_META + (turn & 1) * SFS_PAGE);
}

static uint32_t seal(const struct sfs_meta *m)
{
	return sfs_crc32c(0, m, offsetof(struct sfs_meta, crc));
}

/* A checkpoint that was completed need not prove that it was: its bytes may be what is damaged, and the
 * one before is not kept from reuse any more. */
static bool complete(struct shmfs *s, const struct sfs_meta *m)
{
	return m->epoch <= sfs_acquire(&s->live->durable) || sfs_delta_kept(s, m);
}

bool sfs_meta_newest(struct shmfs *s, struct sfs_meta *m)
{
	m->turn = 0;
	for (uint64_t i = 0; i < 2; i++) {
		struct sfs_meta copy;

		sfs_copy_out(&copy, slot(s, i), sizeof(copy));
		if (copy.turn > m->turn && (copy.turn & 1) == i && copy.crc == seal(&copy) &&
		    complete(s, &copy))
			*m = copy;
	}
	return m->turn != 0;
}

void sfs_meta_write(struct shmfs *s, struct sfs_meta *m)
{
	struct sfs_meta *to = slot(s, m->turn);

	m->crc = seal(m);
	sfs_commit((a32 *)&to->crc, ~m->crc);
	sfs_copy_in(to, m, offsetof(struct sfs_meta, crc));
	sfs_commit((a32 *)&to->crc, m->crc);
}

void sfs_meta_clear(struct shmfs *s)
{
	struct sfs_meta newest;

	sfs_meta_newest(s, &newest);
	/* the older one first, or after a kill it would be the newest */
	sfs_commit((a64 *)&slot(s, newest.turn + 1)->turn, 0);
	sfs_commit((a64 *)&slot(s, newest.turn)->turn, 0);
}

uint32_t sfs_table_crc(struct shmfs *s, uint64_t nseg, uint64_t epoch)
{
	uint32_t crc = 0;

	for (uint64_t n = SFS_FIRST_SEG; n < nseg; n++) {
		const struct sfs_seg *e;

		if (!sfs_seg_ok(s, n))
			continue;
		e = sfs_seg(s, n);
		if (sfs_seg_alive_at(e, epoch)) {
			uint64_t row[3] = {n, sfs_relaxed(&e->kind), sfs_relaxed(&e->live)};

			crc = sfs_crc32c(crc, row, sizeof(row));
		}
	}
	return crc ? crc : 1;
}
