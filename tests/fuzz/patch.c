/* SPDX-License-Identifier: MIT */
/* What a script does to a store (fuzz.h). */
#include <string.h>

#include "crc32c.h"
#include "format.h"
#include "fuzz.h"

enum {
	AREA_SUPER,
	AREA_LIVE,
	AREA_LOG,
	AREA_META,
	AREA_LEASES,
	AREA_SEGMENT,
	AREA_INDEX,
	AREA_NAMES,
	AREA_RECORD,
	AREA_FRAME,
	AREA_RUN,
	AREA_ANY,
	AREA_FILE,
	AREAS,
};

enum {
	SET64,
	XOR64,
	ADD64,
	SET32,
	SET16,
	SET8,
	FLIP,
	FILL,
	COPY_PAGE,
	SWAP_PAGE,
	SET_PAGE, /* the page an index word leads to, */
	SET_REF,  /* the record a slot refers to */
	NEAR_END, /* an offset there */
	COPY64,
	WHATS,
};

static uint64_t listed(const struct fuzz_list *list, unsigned which)
{
	return list->n ? list->at[which % list->n] : SFS_SEG;
}

/* The n-th word of an index page that says something, or any. */
static uint64_t in_page(const struct fuzz_arena *a, uint64_t page, unsigned n)
{
	static const uint64_t zero;

	for (unsigned i = 0; !(n & 0x8000) && i < FUZZ_PAGE / 8; i++, n++)
		if (memcmp(a->image->bytes + page + n % 512 * 8, &zero, 8) != 0)
			break;
	return page + n % 512 * 8;
}

/* Whatever the selectors are there is such a place, if the file is long enough. */
static uint64_t place(const struct fuzz_arena *a, unsigned area, unsigned which, unsigned word)
{
	const struct fuzz_image *im = a->image;
	uint64_t page = listed(&im->index, which);

	switch (area % AREAS) {
	case AREA_SUPER:
		return word % (sizeof(struct sfs_super) / 4) * 4;
	case AREA_LIVE:
		return SFS_AT_LIVE + word % (sizeof(struct sfs_live) / 8) * 8;
	case AREA_LOG:
		return SFS_AT_LOG + word % (sizeof(struct sfs_logpage) / 8) * 8;
	case AREA_META:
		return SFS_AT_META + which % 2 * FUZZ_PAGE + word % (sizeof(struct sfs_meta) / 8) * 8;
	case AREA_LEASES:
		return (which % 2 ? SFS_AT_HOLDS : SFS_AT_FILL) + word % 4 * 8;
	case AREA_SEGMENT:
		return SFS_SEG + (SFS_FIRST_SEG + which % (im->size >> SFS_SEG_SHIFT)) * sizeof(struct sfs_seg) +
		       word % 4 * 8;
	case AREA_INDEX:
		return in_page(a, page, word);
	case AREA_NAMES:
		return in_page(a, page & ~(SFS_SEG - 1), word);
	case AREA_RECORD:
		return listed(&im->records, which) + word % 6 * 8;
	case AREA_FRAME:
		return listed(&im->frames, which) + word % 2 * 8;
	case AREA_RUN:
		return listed(&im->runs, which) + word % 8 * 8;
	}
	return (uint64_t)which * FUZZ_PAGE + word % 512 * 8;
}

static uint64_t selected(const struct fuzz_arena *a, uint64_t value)
{
	return place(a, value & 15, value >> 8 & 0xffff, value >> 24 & 0xffff);
}

static void cut_or_extend(struct fuzz_arena *a, const struct fuzz_op *op)
{
	uint64_t size = a->size;

	switch (op->what % 4) {
	case 0:
		size = op->value % (a->size + 1);
		break;
	case 1:
		size = selected(a, op->value) + op->length % 64;
		break;
	case 2:
		size = op->value % 24 << SFS_SEG_SHIFT;
		break;
	case 3:
		size = a->size - op->value % (2 * SFS_SEG);
	}
	if (size <= FUZZ_MOST / 2)
		fuzz_resize(a, size);
}

static void pages(struct fuzz_arena *a, uint64_t to, uint64_t from, bool swap)
{
	unsigned char kept[FUZZ_PAGE];

	to &= ~(uint64_t)(FUZZ_PAGE - 1);
	from &= ~(uint64_t)(FUZZ_PAGE - 1);
	if (to + FUZZ_PAGE > a->size || from + FUZZ_PAGE > a->size)
		return;
	memcpy(kept, a->map + to, FUZZ_PAGE);
	memmove(a->map + to, a->map + from, FUZZ_PAGE);
	if (swap)
		memcpy(a->map + from, kept, FUZZ_PAGE);
}

static void change(struct fuzz_arena *a, const struct fuzz_op *op)
{
	uint64_t at = place(a, op->area, op->which, op->word), w, from = selected(a, op->value);
	uint64_t n = op->length;

	if (at + 8 > a->size)
		return;
	memcpy(&w, a->map + at, 8);
	switch (op->what % WHATS) {
	case SET64:
		w = op->value;
		break;
	case XOR64:
		w ^= op->value;
		break;
	case ADD64:
		w += op->value;
		break;
	case SET32:
		memcpy((char *)&w + op->length % 2 * 4, &op->value, 4);
		break;
	case SET16:
		memcpy((char *)&w + op->length % 4 * 2, &op->value, 2);
		break;
	case SET8:
		memcpy((char *)&w + op->length % 8, &op->value, 1);
		break;
	case FLIP:
		w ^= UINT64_C(1) << op->value % 64;
		break;
	case FILL:
		memset(a->map + at, (int)op->value, n < a->size - at ? n : a->size - at);
		return;
	case COPY_PAGE:
	case SWAP_PAGE:
		pages(a, at, from, op->what % WHATS == SWAP_PAGE);
		return;
	case SET_PAGE:
		w = (w & ~SFS_WORD_PAGE) | (from & SFS_WORD_PAGE);
		break;
	case SET_REF:
		w = (w & ~SFS_SLOT_REF) | (from >> 3 & SFS_SLOT_REF);
		break;
	case NEAR_END:
		w = a->size + (uint64_t)((int64_t)(op->value << 40) >> 40);
		break;
	case COPY64:
		if (from + 8 <= a->size)
			memcpy(&w, a->map + from, 8);
	}
	memcpy(a->map + at, &w, 8);
}

static void seal(struct fuzz_arena *a, const struct fuzz_head *head)
{
	struct sfs_super *super = (void *)(a->map + SFS_AT_SUPER);

	if (a->size < SFS_AT_META + 2 * FUZZ_PAGE)
		return;
	if (!(head->flags & FUZZ_RAW_SUPER))
		super->crc = sfs_crc32c(0, super, offsetof(struct sfs_super, crc));
	for (unsigned i = 0; i < 2 && !(head->flags & FUZZ_RAW_METAS); i++) {
		struct sfs_meta *m = (void *)(a->map + SFS_AT_META + i * FUZZ_PAGE);

		m->crc = sfs_crc32c(0, m, offsetof(struct sfs_meta, crc));
	}
}

void fuzz_patch(struct fuzz_arena *a, const struct fuzz_head *head, const uint8_t *ops, size_t size)
{
	struct sfs_live *live = (void *)(a->map + SFS_AT_LIVE);

	/* before the operations, which may change it */
	if (!a->image->elsewhere && !(head->flags & FUZZ_ELSEWHERE)) {
		live->boot[0] = a->session[0];
		live->boot[1] = a->session[1];
	}
	for (; size >= sizeof(struct fuzz_op); ops += sizeof(struct fuzz_op), size -= sizeof(struct fuzz_op)) {
		struct fuzz_op op;

		memcpy(&op, ops, sizeof(op));
		if (op.area % AREAS == AREA_FILE)
			cut_or_extend(a, &op);
		else
			change(a, &op);
	}
	seal(a, head);
}
