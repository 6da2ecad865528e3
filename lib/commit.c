/* SPDX-License-Identifier: MIT */
/* floor 2: commits (commit.h). */
#include "commit.h"

#include "watch.h"

/* One slot to be stored, and the record it gives up. */
struct change {
	a64 *slot;
	uint64_t word;
	uint64_t old, old_size; /* reference and size; 0 = none */
	uint64_t hash;          /* of the key */
	unsigned kind;          /* what watchers are told: SHMFS_WATCH_*, or 0 */
};

/* What a change gives up: a run is noted first, so that it is freed even if we are killed before we
 * do.  (One with a lease is entrusted to somebody already.) */
static void note_drop(struct shmfs *s, const struct change *c, a64 *drop)
{
	uint64_t n = sfs_seg_of(c->old);
	const struct sfs_seg *e = sfs_seg(s, n);

	if (c->old && sfs_relaxed(&e->kind) == SFS_SEG_BIG && sfs_relaxed(&e->lease) == 0)
		sfs_commit(drop, n);
}

static void give_up(struct shmfs *s, const struct change *c, a64 *drop)
{
	if (!c->old)
		return;
	sfs_seg_drop(s, c->old, c->old_size);
	if (sfs_unlikely(sfs_relaxed(drop)))
		sfs_commit(drop, 0);
}

static void tell(struct shmfs *s, const struct change *c)
{
	uint64_t ref = sfs_slot_ref(c->word);

	if (c->kind)
		sfs_watch_tell(s, c->hash, c->kind, ref ? ref : c->old);
}

static void publish(struct shmfs *s, const struct change *first, const struct change *second, int64_t keys)
{
	struct sfs_live *live = s->live;
	uint64_t count = sfs_relaxed(&live->count) + (uint64_t)keys;

	note_drop(s, first, &live->drop[0]);
	if (second)
		note_drop(s, second, &live->drop[1]);
	sfs_set(&live->op.hash, first->hash);
	sfs_set(&live->op.slot[0], sfs_offset(s, first->slot));
	sfs_set(&live->op.word[0], first->word);
	sfs_set(&live->op.slot[1], second ? sfs_offset(s, second->slot) : 0);
	sfs_set(&live->op.word[1], second ? second->word : 0);
	if (second)
		sfs_set(&live->op.other, second->hash);
	sfs_set(&live->op.count, count);
	sfs_commit(&live->op.kind, SFS_OP_SLOTS | SFS_OP_TELL(first->kind, second ? second->kind : 0));
	sfs_commit(first->slot, first->word); /* COMMIT */
	if (second)
		sfs_commit(second->slot, second->word);
	sfs_set(&live->count, count);
	sfs_set(&live->changes, sfs_relaxed(&live->changes) + 1);
	if (sfs_unlikely(sfs_watched(s))) {
		tell(s, first);
		if (second)
			tell(s, second);
	}
	sfs_commit(&live->op.kind, SFS_OP_NONE);
	give_up(s, first, &live->drop[0]);
	if (second)
		give_up(s, second, &live->drop[1]);
}

static void tell_again(struct shmfs *s, uint64_t hash, uint64_t kind, uint64_t word)
{
	if (kind & 0xff)
		sfs_watch_tell_again(s, hash, kind & 0xff, sfs_slot_ref(word));
}

void sfs_commit_redo(struct shmfs *s)
{
	struct sfs_live *live = s->live;
	uint64_t kind = sfs_relaxed(&live->op.kind);

	if ((kind & 0xff) != SFS_OP_SLOTS)
		return;
	for (int i = 0; i < 2; i++) {
		uint64_t at = sfs_relaxed(&live->op.slot[i]);

		if (at >= SFS_SEG && at % 8 == 0 && sfs_file_inside(&s->file, at, 8))
			sfs_commit((a64 *)sfs_at(s, at), sfs_relaxed(&live->op.word[i]));
	}
	sfs_set(&live->count, sfs_relaxed(&live->op.count));
	sfs_set(&live->changes, sfs_relaxed(&live->changes) + 1);
	/* even if it was told before: the dead may have cleared the bits, and not come to tell */
	if (sfs_watched(s)) {
		tell_again(s, sfs_relaxed(&live->op.hash), kind >> 8, sfs_relaxed(&live->op.word[0]));
		tell_again(s, sfs_relaxed(&live->op.other), kind >> 16, sfs_relaxed(&live->op.word[1]));
	}
	sfs_commit(&live->op.kind, SFS_OP_NONE);
}

/* ---- where a change goes ---------------------------------------------------------- */

static unsigned told(const struct sfs_key *key, unsigned kind)
{
	return key->space == SFS_USER ? kind : 0;
}

static void take_place(const struct sfs_key *key, const struct sfs_hit *hit, struct change *c)
{
	c->hash = key->hash;
	c->slot = hit->slot;
	c->old = hit->ref;
	c->old_size = sfs_record_size(hit->klen, hit->vlen);
}

/*
 * Own the bucket of a key and say which slot a new reference to it goes to: the key's own, or
 * a free one.  c->word is the slot's tag.  Splits until there is room.
 */
static int find_place(struct shmfs *s, const struct sfs_key *key, struct change *c)
{
	for (;;) {
		struct sfs_path path;
		struct sfs_hit hit;
		uint64_t bucket;
		int rc = sfs_tree_descend(s, key->hash, true, SFS_TO_STORE, &path);

		if (rc)
			return rc;
		bucket = sfs_path_bucket(&path);
		rc = sfs_bucket_find(s, bucket, key, &hit);
		if (rc == 0) {
			take_place(key, &hit, c);
			c->kind = told(key, SHMFS_WATCH_CHANGED);
			c->word = sfs_relaxed(hit.slot) & ~SFS_SLOT_REF;
			return 0;
		}
		if (rc != -ENOENT)
			return rc;
		c->hash = key->hash;
		c->kind = told(key, SHMFS_WATCH_CREATED);
		c->old = 0;
		c->slot = sfs_bucket_room(sfs_at(s, sfs_word_page(bucket)), sfs_word_depth(bucket), key->hash,
		                          &c->word);
		if (c->slot)
			return 0;
		rc = sfs_tree_split(s, key->hash, &path);
		if (rc)
			return rc;
	}
}

/* Own the bucket of a key that is to be deleted, and say what its slot becomes. */
static int find_victim(struct shmfs *s, const struct sfs_key *key, struct change *c)
{
	struct sfs_path path;
	struct sfs_hit hit;
	a64 *line;
	int rc = sfs_tree_descend(s, key->hash, true, SFS_TO_FREE, &path);

	if (rc == 0)
		rc = sfs_bucket_find(s, sfs_path_bucket(&path), key, &hit);
	if (rc)
		return rc;
	take_place(key, &hit, c);
	c->kind = told(key, SHMFS_WATCH_DELETED);
	/* a line with a virgin slot was never passed over, so this one may be virgin again */
	c->word = SFS_TOMBSTONE;
	line = sfs_at(s, sfs_offset(s, hit.slot) & ~UINT64_C(63));
	for (int i = 0; i < SFS_LINE_SLOTS; i++)
		if (sfs_relaxed(line + i) == 0)
			c->word = 0;
	return 0;
}

/* ---- conditions ------------------------------------------------------------------- */

static int find_live(struct shmfs *s, const struct sfs_key *key, struct sfs_hit *hit)
{
	return sfs_index_find(s, sfs_relaxed(&s->live->root.word), key, hit);
}

static int check_condition(struct shmfs *s, const struct sfs_key *key, uint32_t condition,
                           uint64_t *version)
{
	struct sfs_hit hit;
	int rc = find_live(s, key, &hit);
	uint64_t present = rc == 0 ? hit.record->seq : 0, wanted = *version;

	if (rc && rc != -ENOENT)
		return rc;
	rc = 0;
	if (condition == SHMFS_IF_ABSENT && present)
		rc = -EEXIST;
	if (condition == SHMFS_IF_PRESENT && !present)
		rc = -ENOENT;
	if (condition == SHMFS_IF_VERSION && present != wanted)
		rc = -ESTALE;
	if (rc)
		*version = present;
	return rc;
}

/* ---- the operations ----------------------------------------------------------------- */

/* Write the record, or complete the one in its run; *ref is where. */
static int write_record(struct shmfs *s, struct sfs_put *put, uint64_t *ref)
{
	uint64_t size = sfs_record_size(put->draft.key.size, put->draft.vlen), seq;
	int rc;

	*ref = put->run;
	if (!put->run) {
		rc = sfs_heap_room(s, SFS_DATA_HEAD, size, SFS_TO_STORE, ref);
		if (rc)
			return rc;
	}
	sfs_record_stamp(s, &seq, &put->time_ns);
	sfs_record_write(s, *ref, &put->draft, seq, put->time_ns);
	if (!put->run) {
		sfs_heap_keep(s, SFS_DATA_HEAD, *ref, size);
	} else {
		sfs_seg_moves(s);
		/* no checkpoint taken while it was being filled reaches it */
		sfs_release(&sfs_seg(s, sfs_seg_of(*ref))->born, sfs_epoch(s));
		sfs_set(&s->live->big, sfs_relaxed(&s->live->big) + size);
	}
	put->version = seq;
	return 0;
}

int sfs_commit_put(struct shmfs *s, struct sfs_put *put)
{
	const struct sfs_key *key = &put->draft.key;
	struct change c;
	uint64_t ref;
	int rc = 0;

	if (put->condition)
		rc = check_condition(s, key, put->condition, &put->version);
	if (rc == 0)
		rc = find_place(s, key, &c);
	if (rc == 0)
		rc = write_record(s, put, &ref);
	if (rc)
		return rc;
	c.word |= ref >> 3;
	publish(s, &c, NULL, key->space == SFS_USER && !c.old);
	return 0;
}

int sfs_commit_del(struct shmfs *s, const struct sfs_key *key, uint32_t condition, uint64_t *version)
{
	struct change c;
	struct sfs_hit hit;
	int rc = condition ? check_condition(s, key, condition, version) : 0;

	/* look before owning: what is not there costs no page copies */
	if (rc == 0 || (rc == -ESTALE && *version == 0))
		rc = find_live(s, key, &hit);
	if (rc == 0)
		rc = find_victim(s, key, &c);
	if (rc)
		return rc;
	publish(s, &c, NULL, key->space == SFS_USER ? -1 : 0);
	return 0;
}

int sfs_commit_rename(struct shmfs *s, const struct sfs_key *from, uint64_t version, struct sfs_put *put)
{
	const struct sfs_key *to = &put->draft.key;
	struct change store, erase;
	uint64_t ref, unused = 0, present = version;
	int rc = check_condition(s, from, SHMFS_IF_VERSION, &present);

	if (rc)
		return present ? rc : -ENOENT;
	if (put->condition)
		rc = check_condition(s, to, put->condition, &unused);
	/* In this order: find_victim() copies pages but those of `to`'s way, which are owned by
	 * now, and splits none, so `store` stays right. */
	if (rc == 0)
		rc = find_place(s, to, &store);
	if (rc == 0)
		rc = find_victim(s, from, &erase);
	if (rc == 0)
		rc = write_record(s, put, &ref);
	if (rc)
		return rc;
	store.word |= ref >> 3;
	publish(s, &store, &erase, store.old ? -1 : 0);
	return 0;
}
