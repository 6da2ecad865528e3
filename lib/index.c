/* SPDX-License-Identifier: MIT */
/* floor 2: the index as readers see it (index.h). */
#include "find.h"

int sfs_index_bucket(struct shmfs *s, uint64_t word, uint64_t hash, uint64_t *bucket)
{
	for (int level = 0; level < SFS_LEVELS; level++) {
		uint64_t page = sfs_word_page(word);
		const struct sfs_entry *node;

		if (sfs_unlikely(page < SFS_SEG || !sfs_file_inside(&s->file, page, SFS_PAGE)))
			return -EUCLEAN;
		if (!(word & SFS_WORD_NODE)) {
			*bucket = word;
			return 0;
		}
		node = sfs_at(s, page);
		word = sfs_acquire(&node[hash << sfs_word_depth(word) >> 56].word);
	}
	return -EUCLEAN;
}

/* Is the record in this slot the key's?  -ENOENT: no. */
static int compare(struct shmfs *s, a64 *slot, uint64_t tag, const struct sfs_key *key,
                   struct sfs_hit *hit)
{
	uint64_t w = sfs_acquire(slot);
	int rc;

	if (sfs_unlikely((w & ~SFS_SLOT_REF) != tag))
		return -ENOENT; /* changed since the line was looked at */
	rc = sfs_record_check(s, sfs_slot_ref(w), hit);
	if (sfs_unlikely(rc))
		return rc;
	if (hit->klen != key->size ||
	    sfs_relaxed((const a8 *)&hit->record->space) != key->space ||
	    !sfs_same(sfs_record_key(hit->record), key->data, key->size))
		return -ENOENT;
	hit->slot = slot;
	return 0;
}

int sfs_bucket_search(struct shmfs *s, uint64_t bucket, const struct sfs_key *key, struct sfs_hit *hit)
{
	uint64_t tag = sfs_slot_tag(key->hash, sfs_word_depth(bucket), 0);

	for (unsigned i = 0; i < SFS_REACH; i++) {
		a64 *line = sfs_line_of(s, bucket, key->hash + i);
		struct sfs_match m = sfs_line_match(line, tag + i * (UINT64_C(1) << 60));

		while (m.tags) {
			a64 *slot = line + __builtin_ctz(m.tags);
			int rc = compare(s, slot, tag + i * (UINT64_C(1) << 60), key, hit);

			if (sfs_likely(rc != -ENOENT))
				return rc;
			m.tags &= m.tags - 1;
		}
		if (m.virgin)
			break;
	}
	return -ENOENT;
}

int sfs_bucket_find(struct shmfs *s, uint64_t bucket, const struct sfs_key *key, struct sfs_hit *hit)
{
	return sfs_find_in(s, bucket, key, hit);
}

int sfs_index_find(struct shmfs *s, uint64_t root, const struct sfs_key *key, struct sfs_hit *hit)
{
	uint64_t bucket;
	int rc = sfs_find_bucket(s, root, key->hash, &bucket);

	return rc ? rc : sfs_find_in(s, bucket, key, hit);
}

void sfs_bucket_prefetch(struct shmfs *s, uint64_t bucket, uint64_t hash)
{
	__builtin_prefetch(sfs_line_of(s, bucket, hash));
}

void sfs_record_prefetch(struct shmfs *s, uint64_t bucket, uint64_t hash)
{
	a64 *line = sfs_line_of(s, bucket, hash);
	struct sfs_match m = sfs_line_match(line, sfs_slot_tag(hash, sfs_word_depth(bucket), 0));

	if (m.tags) {
		const char *record = sfs_at(s, sfs_slot_ref(sfs_relaxed(line + __builtin_ctz(m.tags))));

		/* a prefetch cannot fault, wherever the slot points */
		__builtin_prefetch(record);
		__builtin_prefetch(record + 64);
		__builtin_prefetch(record + 128);
	}
}

a64 *sfs_bucket_slot(struct shmfs *s, uint64_t bucket, uint64_t hash, uint64_t ref)
{
	a64 *page = sfs_at(s, sfs_word_page(bucket));

	for (unsigned i = 0; i < SFS_REACH; i++) {
		a64 *line = page + ((hash + i) & (SFS_LINES - 1)) * SFS_LINE_SLOTS;
		uint64_t wanted = sfs_slot_tag(hash, sfs_word_depth(bucket), i) | ref >> 3;

		for (int j = 0; j < SFS_LINE_SLOTS; j++)
			if (sfs_relaxed(line + j) == wanted)
				return line + j;
	}
	return NULL;
}

a64 *sfs_bucket_room(void *page, unsigned depth, uint64_t hash, uint64_t *tag)
{
	for (unsigned i = 0; i < SFS_INSERT_REACH; i++) {
		a64 *line = (a64 *)page + ((hash + i) & (SFS_LINES - 1)) * SFS_LINE_SLOTS;
		struct sfs_match m = sfs_line_match(line, SFS_TOMBSTONE);

		if (m.tags | m.virgin) {
			*tag = sfs_slot_tag(hash, depth, i);
			return line + __builtin_ctz(m.tags | m.virgin);
		}
	}
	return NULL;
}
