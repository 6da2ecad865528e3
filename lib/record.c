/* SPDX-License-Identifier: MIT */
/* floor 2: records (record.h). */
#define _GNU_SOURCE
#include "record.h"

#include <time.h>

#include "crc32c.h"

#define SUMMED_FROM offsetof(struct sfs_record, klen)

static uint32_t seal(uint32_t value_crc, const void *key, size_t klen, const struct sfs_record *r)
{
	uint32_t crc = sfs_crc32c(value_crc, key, klen);

	return sfs_crc32c(crc, (const uint8_t *)r + SUMMED_FROM, sizeof(*r) - SUMMED_FROM);
}

void sfs_record_stamp(struct shmfs *s, uint64_t *seq, uint64_t *time_ns)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	*seq = sfs_relaxed(&s->live->seq) + 1;
	*time_ns = sfs_max((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
	                   sfs_relaxed(&s->live->last_time) + 1);
	sfs_set(&s->live->seq, *seq);
	sfs_set(&s->live->last_time, *time_ns);
}

void sfs_record_write(struct shmfs *s, uint64_t at, const struct sfs_draft *d, uint64_t seq,
                      uint64_t time_ns)
{
	struct sfs_record r = {
		.klen = (uint16_t)d->key.size,
		.type = d->type,
		.space = (uint8_t)d->key.space,
		.vlen = d->vlen,
		.seq = seq,
		.time_ns = time_ns,
	};
	uint8_t *p = sfs_at(s, at);

	r.crc = seal(d->value_crc, d->key.data, d->key.size, &r);
	sfs_copy_in(p, &r, sizeof(r));
	sfs_copy_in(p + sizeof(r), d->key.data, d->key.size);
	if (d->value)
		sfs_copy_in(p + sizeof(r) + sfs_align8(d->key.size), d->value, d->vlen);
}

bool sfs_record_intact(const struct sfs_hit *hit)
{
	struct sfs_record r;
	uint32_t crc;

	sfs_copy_out(&r, hit->record, sizeof(r));
	/* the value of a log segment changes: its frames have sums of their own */
	crc = r.space == SFS_LOGSEG ? 0 : sfs_crc32c(0, sfs_record_value(hit->record, hit->klen), hit->vlen);
	return seal(crc, sfs_record_key(hit->record), hit->klen, &r) == r.crc;
}
