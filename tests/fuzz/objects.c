/* SPDX-License-Identifier: MIT */
/* Where an image's pages, records and frames are. */
#include <string.h>

#include "format.h"
#include "fuzz.h"
#include "log.h"

static void add(struct fuzz_list *list, uint64_t at)
{
	if (list->n < FUZZ_OBJECTS)
		list->at[list->n++] = at;
}

static uint64_t word_at(const struct fuzz_image *im, uint64_t at)
{
	uint64_t w;

	memcpy(&w, im->bytes + at, sizeof(w));
	return w;
}

/* Head and tail words, up to the first that is not settled. */
static void find_frames(struct fuzz_image *im, uint64_t at)
{
	for (uint64_t end = at + SFS_LOG_SEG; at < end; at += sfs_frame_span(word_at(im, at))) {
		uint64_t w = word_at(im, at);

		add(&im->frames, at);
		if (sfs_frame_state(w) < SFS_FRAME_DONE)
			break;
		add(&im->frames, at + sfs_frame_span(w) - 8);
	}
}

static void find_record(struct fuzz_image *im, uint64_t at)
{
	const struct sfs_record *r = (const void *)(im->bytes + at);

	add(&im->records, at);
	if (r->space == SFS_LOGSEG)
		find_frames(im, at + sizeof(*r) + sfs_align8(r->klen));
}

static void find_below(struct fuzz_image *im, uint64_t word)
{
	uint64_t page = sfs_word_page(word), last = 0;

	add(&im->index, page);
	for (unsigned i = 0; i < FUZZ_PAGE / 8; i++) {
		uint64_t w = word_at(im, page + i * 8);

		if (!(word & SFS_WORD_NODE)) {
			if (sfs_slot_ref(w))
				find_record(im, sfs_slot_ref(w));
		} else if (i % 2 == 0 && w != last) {
			last = w;
			find_below(im, w);
		}
	}
}

void fuzz_find_objects(struct fuzz_image *im)
{
	const struct sfs_seg *e = (const void *)(im->bytes + SFS_SEG);

	find_below(im, word_at(im, SFS_AT_LIVE));
	for (uint64_t n = SFS_FIRST_SEG; n < im->size >> SFS_SEG_SHIFT; n++)
		if (sfs_relaxed(&e[n].kind) == SFS_SEG_BIG)
			add(&im->runs, n << SFS_SEG_SHIFT);
}
