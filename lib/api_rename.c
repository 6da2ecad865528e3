/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_rename. */
#include "api_put.h"
#include "clean.h"
#include "crc32c.h"
#include "pin.h"
#include "run.h"
#include "writer.h"

/* A small record is copied under the lock. */
static int rename_small(struct shmfs *s, const struct sfs_key *from, struct sfs_put *put)
{
	struct sfs_hit hit;
	int rc;

	sfs_writer_lock(s);
	rc = sfs_index_find(s, sfs_relaxed(&s->live->root.word), from, &hit);
	if (rc == 0 && sfs_record_size(put->draft.key.size, hit.vlen) > SFS_SMALL)
		rc = -EOVERFLOW;
	if (rc == 0) {
		put->draft.value = sfs_record_value(hit.record, from->size);
		put->draft.vlen = hit.vlen;
		put->draft.type = hit.record->type;
		put->draft.value_crc = sfs_crc32c(0, put->draft.value, hit.vlen);
		rc = sfs_commit_rename(s, from, hit.record->seq, put);
	}
	if (rc == 0)
		sfs_clean(s, 3 * sfs_record_size(put->draft.key.size, put->draft.vlen));
	sfs_writer_unlock(s);
	return rc;
}

/* A big one is copied before, into a run, and counts if it has not changed since. */
static int rename_big(struct shmfs *s, const struct sfs_key *from, struct sfs_put *put)
{
	struct shmfs_view view;
	uint64_t stamp, run = 0;
	int rc = sfs_pin(s, &stamp);

	if (rc)
		return rc;
	rc = shmfs_view(s, from->data, from->size, &view);
	if (rc == 0) {
		put->draft.value = NULL;
		put->draft.vlen = view.info.size;
		put->draft.type = (uint8_t)view.info.type;
		sfs_writer_lock(s);
		rc = sfs_run_alloc(s, view.info.size, &run);
		if (rc)
			run = 0; /* else where it would have been, beyond the file perhaps */
		sfs_writer_unlock(s);
	}
	if (rc == 0)
		rc = sfs_file_write_in(&s->file, (run << SFS_SEG_SHIFT) + SFS_RUN_VALUE, view.data,
		                       view.info.size);
	if (rc == 0)
		put->draft.value_crc = sfs_crc32c(0, view.data, view.info.size);
	sfs_unpin(s, stamp);
	if (!run)
		return rc;
	put->run = sfs_run_record(run, put->draft.key.size);
	sfs_set((a64 *)sfs_at(s, run << SFS_SEG_SHIFT), put->run);
	sfs_writer_lock(s);
	if (rc == 0)
		rc = sfs_commit_rename(s, from, view.info.version, put);
	sfs_run_settle(s, run);
	sfs_writer_unlock(s);
	put->run = 0;
	return rc;
}

int shmfs_rename(struct shmfs *s, const void *from, size_t from_size, const void *to, size_t to_size,
                 uint32_t flags)
{
	struct sfs_put put;
	struct sfs_key key;
	int rc = sfs_check_put(s, to, to_size, 0, 0);

	if (rc)
		return rc;
	if ((!from && from_size) || (flags & ~(uint32_t)SHMFS_IF_ABSENT))
		return -EINVAL;
	if (from_size > SHMFS_KEY_MAX)
		return -ENOENT;
	if (from_size == to_size && (from_size == 0 || !memcmp(from, to, to_size))) {
		rc = shmfs_exists(s, from, from_size, NULL);
		return rc == 0 && flags ? -EEXIST : rc;
	}
	key = sfs_key(s, SFS_USER, from, from_size);
	sfs_prepare(s, &put, to, to_size, NULL, 0, flags);
	for (unsigned round = 0;;) {
		rc = rename_small(s, &key, &put);
		if (rc == -EOVERFLOW)
			rc = rename_big(s, &key, &put);
		if (rc == -ESTALE) /* overwritten while it was copied */
			continue;
		if (rc == 0 || !sfs_make_room(s, rc, round++, SFS_TO_STORE))
			return sfs_handle_result(s, rc);
	}
}
