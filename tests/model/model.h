/* SPDX-License-Identifier: MIT */
/*
 * The model test: random operations on a store and on a plain table of what it should
 * hold.  Every result, value and info is compared; the first difference ends the program
 * with the seed and the number of the operation.
 */
#ifndef SHMFS_TESTS_MODEL_H
#define SHMFS_TESTS_MODEL_H

#include <shmfs.h>

#include "rig.h"

#define KEY_TOP 65536u
#define VALUE_TOP (5u << 20)

/* The bytes behind a view may change under the eyes of who looks, until view_valid says
 * so: that is the deal, and a race.  Where races are hunted nobody looks. */
#ifdef __SANITIZE_THREAD__
#define MODEL_MAY_LOOK 0
#else
#define MODEL_MAY_LOOK 1
#endif

/* What the store should say of one key.  Never removed; `there` tells. */
struct fact {
	unsigned char *key;
	size_t key_size;
	unsigned char *value;
	struct shmfs_info info;
	uint64_t walk; /* the last walk that met it */
	bool there;
};

/* A frame that was appended. */
struct logged {
	uint64_t position, seed;
	size_t size;
};

#define MODEL_LOGGED 1000 /* of them are remembered */

/* Open addressing; as many slots as the universe needs, so it never grows. */
struct table {
	struct fact *slots;
	size_t room;
	size_t there;
};

struct model {
	struct shmfs *s;
	struct shmfs *reader; /* read-only, or NULL */
	const char *path;
	struct table table;
	uint64_t universe; /* how many keys there are to choose from */
	uint64_t value_top;
	unsigned char tag[2]; /* every key starts with it, ... */
	size_t tag_size;      /* ... so that threads keep apart */
	bool alone;           /* nobody else writes to the store */
	bool durable;
	struct rng rng;
	uint64_t seed, op, walk;
	const char *doing;
	uint64_t last_version, last_time;
	struct logged logged[MODEL_LOGGED];
	uint64_t appended, trimmed; /* frames; position */
	uint64_t cursor;
	bool cursor_there;
	unsigned char *key, *room, *other; /* scratch */
};

/* ---- facts.c */
void model_init(struct model *m, uint64_t seed, uint64_t universe, uint64_t value_top);
void model_free(struct model *m);
/* The fact for these bytes, made if need be. */
struct fact *model_fact(struct model *m, const void *key, size_t key_size);
/* A key of the universe. */
struct fact *model_pick(struct model *m);
/* The store said it took this value: believe, and compare what it says of it. */
void model_set(struct model *m, struct fact *f, const void *value, size_t size, uint32_t type,
               uint64_t version);
void model_unset(struct model *m, struct fact *f);
/* Either handle. */
struct shmfs *model_reader(struct model *m);
/* Read the key by copy and compare everything. */
void model_compare(struct model *m, struct fact *f);
void model_compare_info(struct model *m, const struct fact *f, const struct shmfs_info *got);
void model_compare_value(struct model *m, const struct fact *f, const void *got, size_t size);
_Noreturn void model_fail(struct model *m, const char *what, int64_t got, int64_t wanted);

#define MODEL_SAME(m, what, got, wanted)                                          \
	do {                                                                      \
		int64_t got_ = (int64_t)(got), wanted_ = (int64_t)(wanted);       \
		if (got_ != wanted_)                                              \
			model_fail(m, what, got_, wanted_);                       \
	} while (0)

/* ---- frames.c, puts.c, reads.c, streams.c, whole.c: one operation each */
void model_put(struct model *m);
void model_put_many(struct model *m);
void model_del(struct model *m);
void model_rename(struct model *m);
void model_add(struct model *m);
void model_stream(struct model *m);
void model_append(struct model *m);
void model_log_read(struct model *m);
void model_cursor(struct model *m);
void model_trim(struct model *m);
void model_get(struct model *m);
void model_get_many(struct model *m);
void model_view(struct model *m);
void model_pin(struct model *m);
void model_walk(struct model *m);
void model_walk_pieces(struct model *m);
void model_stat(struct model *m);
void model_check(struct model *m);
void model_snapshot(struct model *m);
void model_copy(struct model *m);
void model_compact(struct model *m);

/* What a put must return; flags, *version as given to it. */
int model_judge(const struct fact *f, uint32_t flags, uint64_t version, size_t size);
/* A condition, mostly one that holds, and the version to give with it. */
uint32_t model_condition(struct model *m, const struct fact *f, uint64_t *version);
/* A value in m->room; returns its size and type.  Now and then a number of a wrong size. */
size_t model_value(struct model *m, uint32_t *type);
/* After a put, by whatever call. */
void model_settle(struct model *m, struct fact *f, const void *value, size_t size,
                  uint32_t flags, int got, int wanted, uint64_t version);

/* ---- ops.c: choose and run one */
void model_step(struct model *m);

#endif
