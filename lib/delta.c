/* SPDX-License-Identifier: MIT */
/* floor 2: what a checkpoint has that the one before has not (delta.h). */
#include "delta.h"

#include "crc32c.h"
#include "log.h"
#include "segment.h"

#define MOST (UINT64_C(128) << 10) /* to read and sum more would take longer than a flush */

enum { RECORDS, PAGES, NAMES, FRAMES };

/* What was appended to a heap since; false if it went on in another segment. */
static bool heap(uint64_t from, uint64_t to, struct sfs_range *range)
{
	if (from > to || sfs_seg_of(from - 1) != sfs_seg_of(to - 1))
		return false;
	*range = (struct sfs_range){from, to - from};
	return true;
}

static struct sfs_range names(const struct sfs_range *pages)
{
	uint64_t start = pages->at & ~(SFS_SEG - 1);

	return (struct sfs_range){
		.at = start + (pages->at - start) / SFS_PAGE * sizeof(struct sfs_name),
		.size = pages->size / SFS_PAGE * sizeof(struct sfs_name),
	};
}

/* The frames since; false if they lie in several segments of the log. */
static bool frames(struct shmfs *s, const struct sfs_meta *last, const struct sfs_meta *m, struct sfs_range *range)
{
	uint64_t from = last->log_tail, to = m->log_tail, at;

	if (from == to)
		return true;
	if (from > to || from >> SFS_LOG_SHIFT != (to - 1) >> SFS_LOG_SHIFT ||
	    sfs_log_find(s, m->root_word, from >> SFS_LOG_SHIFT, &at))
		return false;
	*range = (struct sfs_range){at + sfs_log_in(from), to - from};
	return true;
}

void sfs_delta_note(struct shmfs *s, const struct sfs_meta *last, struct sfs_meta *m)
{
	struct sfs_range r[SFS_DELTAS] = {{0, 0}};
	uint64_t size = 0;

	if (!last->turn || last->moves != m->moves || last->nseg != m->nseg || last->freed != m->freed ||
	    last->log_head != m->log_head || !heap(last->head[SFS_DATA_HEAD], m->head[SFS_DATA_HEAD], &r[RECORDS]) ||
	    !heap(last->head[SFS_INDEX_HEAD], m->head[SFS_INDEX_HEAD], &r[PAGES]) ||
	    !frames(s, last, m, &r[FRAMES]))
		return;
	if (r[PAGES].size)
		r[NAMES] = names(&r[PAGES]);
	for (int i = 0; i < SFS_DELTAS; i++)
		size += r[i].size;
	if (size <= MOST)
		memcpy(m->delta, r, sizeof(r));
}

static uint32_t sum(struct shmfs *s, const struct sfs_meta *m)
{
	uint32_t crc = 0;

	for (int i = 0; i < SFS_DELTAS; i++)
		crc = sfs_crc32c(crc, sfs_at(s, m->delta[i].at), m->delta[i].size);
	return crc;
}

void sfs_delta_seal(struct shmfs *s, struct sfs_meta *m)
{
	m->delta_crc = sum(s, m);
}

bool sfs_delta_kept(struct shmfs *s, const struct sfs_meta *m)
{
	if (!sfs_delta_any(m))
		return true;
	for (int i = 0; i < SFS_DELTAS; i++)
		if (m->delta[i].size > MOST || !sfs_file_inside(&s->file, m->delta[i].at, m->delta[i].size))
			return false;
	return m->delta_crc == sum(s, m);
}
