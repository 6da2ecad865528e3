/* SPDX-License-Identifier: MIT */
/*
 * floor 3: repair: what its files share.  repair.c says what it does and why that is safe.
 *
 *	relive.c	superblock and live page: where to start from
 *	retree.c	the tree: what is damaged in it is replaced
 *	salvage.c	records that no slot leads to any more
 *	relog.c		frames, and cursors
 *	recount.c	the segment tables
 */
#ifndef SFS_REPAIR_H
#define SFS_REPAIR_H

#include "log.h"
#include "run.h"

#define SFS_SANE (UINT64_C(1) << 62) /* no epoch, version or position of ours is as large */

/* A growing array; all zero: empty. */
struct sfs_list {
	void *items;
	size_t n, room;
};

/* Keys whose hash begins with the first `depth` bits of `prefix` may be lost: all of them, or in a
 * bucket those whose home line is in `homes`.  Listed in the order of their prefixes, disjoint. */
struct sfs_hole {
	uint64_t prefix;
	uint64_t homes;
	unsigned depth;
};

/* A slot that leads to no record of its key: either may be the damaged one. */
struct sfs_suspect {
	uint64_t word;
	uint64_t ref;
	size_t hole;
	unsigned line;
	bool solved;
};

/* A record to be put into the tree again. */
struct sfs_found {
	uint64_t rank; /* its seq; and, if a slot led to it, SFS_SANE */
	uint64_t ref;
	uint64_t hash;
};

struct sfs_repair {
	struct shmfs *s;
	struct shmfs_check_result *result;
	shmfs_check_fn *report;
	void *arg;

	struct sfs_live *real;  /* in the file; s->live is the copy below, until the commit */
	struct sfs_live live;
	struct sfs_super super; /* the store's; s->super is `wide`, which bounds no size, until then */
	struct sfs_super wide;
	bool super_damaged;
	bool seed_guessed; /* its seed may be another than the tree was made with */
	bool ours;      /* the live page is of this session */
	bool changing;  /* there is something to commit */

	uint64_t nseg;  /* segments of the file as it was */
	uint8_t *claim; /* for each the kind that what is reachable in it says, or 0 */
	uint64_t visits, visits_most;
	struct sfs_list holes, suspects, found;
	struct sfs_list lost; /* hashes of damaged records: no older value of those is to come back */

	/* of the records kept */
	struct sfs_list logs;    /* numbers of log segments */
	struct sfs_list cursors; /* references */
	uint64_t bytes, pages;
	uint64_t last_seq, last_time;

	struct {
		bool known; /* where it begins and ends */
		bool blank; /* its page says that nothing was ever appended */
		uint64_t head, commit, tail, backed, trimmed_bytes, trimmed_frames;
	} log;

	/* recount.c, of every segment */
	uint32_t *live_bytes;
	uint8_t *kind;
	uint64_t count, buckets, big;
	bool overtaken[2]; /* something lies behind the head */

	/* how far: bytes, about */
	uint64_t map_bytes, log_bytes;  /* what a walk of each has to read */
	uint64_t done, part, todo;      /* behind us, of this part, of all */
};

/* Tell of a problem, and count it. */
SFS_HIDDEN void sfs_problem(struct sfs_repair *r, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* -ENOMEM */
SFS_HIDDEN int sfs_list_add(struct sfs_list *l, const void *item, size_t size);

/* From here on there is something to commit: an epoch, and segments for what is written. */
SFS_HIDDEN int sfs_repair_change(struct sfs_repair *r);

/* The next part of the work begins, about so many bytes; more of them than were expected. */
SFS_HIDDEN void sfs_repair_part(struct sfs_repair *r, uint64_t bytes);
SFS_HIDDEN void sfs_repair_more(struct sfs_repair *r, uint64_t bytes);

/* This share of the part is done; 1: all of it.  -ECANCELED: stop */
SFS_HIDDEN int sfs_repair_told(struct sfs_repair *r, double share);

/* The share of a walk of the tree that is behind this hash, as those are spread evenly. */
static inline double sfs_share_of(uint64_t hash)
{
	return hash ? (double)hash / 0x1p64 : 1;
}

/* ---- relive.c */

/* Read the superblock, mend it; *super is the result.  SHMFS_E_NOT_STORE, _VERSION, -ENODATA */
SFS_HIDDEN int sfs_relive_super(struct sfs_repair *r);

/* Choose a root, make the copy of the live page. */
SFS_HIDDEN int sfs_relive(struct sfs_repair *r);

/* ---- retree.c */

/* Could this index word lead to a page? */
SFS_HIDDEN bool sfs_word_plausible(struct sfs_repair *r, uint64_t word);

/* Walk the tree, take out what is damaged, list the holes. */
SFS_HIDDEN int sfs_retree(struct sfs_repair *r);

/* Is this record what it says, and does nothing else claim its place?  Claims it. */
SFS_HIDDEN bool sfs_record_sound(struct sfs_repair *r, uint64_t ref, struct sfs_hit *hit);

/* A sound record stays: note what there is to know of it. */
SFS_HIDDEN int sfs_record_kept(struct sfs_repair *r, const struct sfs_hit *hit);

/* ---- salvage.c */

/* Home lines from which an entry gets to this line. */
static inline uint64_t sfs_homes_of(unsigned line)
{
	uint64_t homes = 0;

	for (unsigned i = 0; i < SFS_REACH; i++)
		homes |= UINT64_C(1) << ((line - i) & (SFS_LINES - 1));
	return homes;
}

/* Fill the holes. */
SFS_HIDDEN int sfs_salvage(struct sfs_repair *r);

/* Make the tree lead to a sound record, unless its key is there already: -EEXIST. */
SFS_HIDDEN int sfs_salvage_put(struct sfs_repair *r, const struct sfs_hit *hit);

/* ---- relog.c */

SFS_HIDDEN int sfs_relog(struct sfs_repair *r);
SFS_HIDDEN int sfs_recursor(struct sfs_repair *r);

/* ---- recount.c */

/* Walk the tree, which is good by now, and count. */
SFS_HIDDEN int sfs_recount(struct sfs_repair *r);

/* Compare with the tables: tell of what is wrong. */
SFS_HIDDEN void sfs_recount_compare(struct sfs_repair *r);

/* Write the tables, and the counters of s->live. */
SFS_HIDDEN void sfs_recount_write(struct sfs_repair *r);

#endif
