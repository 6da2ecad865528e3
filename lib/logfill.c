/* SPDX-License-Identifier: MIT */
/* floor 2: what a reservation is filled with (log.h, logwrite.h). */
#include "crc32c.h"
#include "logwrite.h"

#define INLINE static inline __attribute__((always_inline))
#define SHORT 256 /* a payload that is summed while it is copied */

SFS_OUTLINE uint32_t copy_long(uint8_t *to, uint32_t crc, const uint8_t *from, uint64_t len)
{
	if (!len)
		return crc;
	crc = sfs_crc32c(crc, from, len);
	sfs_copy_in(to, from, len);
	return crc;
}

INLINE uint64_t copy_word(uint8_t *to, uint64_t crc, const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, 8);
	memcpy(to, &word, 8);
	return sfs_crc32c_word(crc, word);
}

/* Copy a payload and sum it.  A short one word by word: two calls would cost more than the work. */
INLINE uint32_t copy_summed(uint8_t *to, uint32_t crc32, const uint8_t *from, uint64_t len)
{
	uint64_t crc = (uint32_t)~crc32;
	uint32_t crc_end, half;

	if (SFS_TSAN || sfs_unlikely(len > SHORT || !SFS_CRC32C_HERE))
		return copy_long(to, crc32, from, len);
	for (; len >= 32; len -= 32, from += 32, to += 32) {
		crc = copy_word(to, crc, from);
		crc = copy_word(to + 8, crc, from + 8);
		crc = copy_word(to + 16, crc, from + 16);
		crc = copy_word(to + 24, crc, from + 24);
	}
	for (; len >= 8; len -= 8, from += 8, to += 8)
		crc = copy_word(to, crc, from);
	crc_end = (uint32_t)crc;
	if (len >= 4) {
		memcpy(&half, from, 4);
		memcpy(to, &half, 4);
		crc_end = sfs_crc32c_half(crc_end, half);
		len -= 4;
		from += 4;
		to += 4;
	}
	for (; len; len--, from++, to++) {
		*to = *from;
		crc_end = sfs_crc32c_byte(crc_end, *to);
	}
	return ~crc_end;
}

/*
 * The memory of a frame one step further on: it will be zeroed (logseg.c) when the log gets there, in one
 * go that would wait for all of its lines.  Here they come while there is something to compute.
 */
INLINE void fetch_ahead(const uint8_t *frame)
{
	__builtin_prefetch(frame + SFS_LOG_STEP, 1);
	__builtin_prefetch(frame + SFS_LOG_STEP + 64, 1);
}

INLINE uint64_t fill(const struct sfs_reservation *r, uint64_t in, const void *payload, uint64_t len)
{
	uint8_t *frame = r->at + in;
	uint32_t crc;

	fetch_ahead(frame);
	crc = copy_summed(frame + 8, (uint32_t)(r->position + in), payload, len);

	sfs_log_end_frame(frame, sfs_frame_total(len), len, crc);
	return sfs_frame_word(len, SFS_FRAME_DONE, 0);
}

uint64_t sfs_log_fill(const struct sfs_reservation *r, uint64_t in, const void *payload, uint64_t len)
{
	return fill(r, in, payload, len);
}

uint64_t sfs_log_sum(const struct sfs_reservation *r, uint64_t in, uint64_t len)
{
	uint8_t *frame = r->at + in;
	uint32_t crc = sfs_crc32c((uint32_t)(r->position + in), frame + 8, len);

	sfs_log_end_frame(frame, sfs_frame_total(len), len, crc);
	return sfs_frame_word(len, SFS_FRAME_DONE, 0);
}

void sfs_log_inner(const struct sfs_reservation *r, uint64_t in, uint64_t word)
{
	sfs_release((a64 *)(r->at + in), word);
}

uint64_t sfs_log_fill_all(const struct sfs_reservation *r, struct shmfs_frame *frames, size_t n)
{
	uint64_t first = fill(r, 0, frames->data, frames->size), in = sfs_frame_total(frames->size);

	frames->position = r->position;
	for (size_t i = 1; i < n; i++) {
		uint64_t len = frames[i].size;

		frames[i].position = r->position + in;
		sfs_log_inner(r, in, fill(r, in, frames[i].data, len));
		in += sfs_frame_total(len);
	}
	return first;
}

void sfs_log_pad(const struct sfs_reservation *r, uint64_t in)
{
	uint64_t total = r->total - in;

	if (!total)
		return;
	sfs_log_end_frame(r->at + in, total, total - 16, 0);
	sfs_release((a64 *)(r->at + in), sfs_frame_word(total - 16, SFS_FRAME_PAD, 0));
}
