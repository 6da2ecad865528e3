/* SPDX-License-Identifier: MIT */
/* floor 3: putting with perseverance (room.h). */
#include "room.h"

#include "clean.h"
#include "run.h"
#include "sync.h"
#include "writer.h"

#define ROUNDS 4096
#define CLEAN_PER_BYTE 3

bool sfs_make_room(struct shmfs *s, int rc, unsigned round, enum sfs_purpose purpose)
{
	bool gained;

	if ((rc != -ENOSPC && rc != -EFBIG) || round >= ROUNDS)
		return false;
	sfs_writer_lock(s);
	if (round == 0)
		sfs_run_reap_all(s);
	gained = sfs_clean_segment(s, purpose);
	sfs_writer_unlock(s);
	/* what a checkpoint still reaches becomes free with the next one */
	if (sfs_sync(s) != 0)
		return false;
	if (!sfs_is_volatile(s)) {
		sfs_writer_lock(s);
		/* not on tmpfs, where reading a hole takes space too */
		if (round == 0 && rc == -ENOSPC)
			sfs_seg_punch(s, false);
		(void)sfs_seg_keep_spares(s); /* before others take what is free now */
		sfs_writer_unlock(s);
	}
	return gained || round == 0;
}

int sfs_put(struct shmfs *s, struct sfs_put *put)
{
	uint64_t version = put->version;
	int rc;

	for (unsigned round = 0;; round++) {
		put->version = version;
		sfs_writer_lock(s);
		rc = sfs_commit_put(s, put);
		if (rc == 0 && put->run)
			sfs_run_settle(s, sfs_seg_of(put->run));
		if (rc == 0)
			sfs_clean(s, CLEAN_PER_BYTE * sfs_record_size(put->draft.key.size,
			                                              put->run ? 0 : put->draft.vlen));
		sfs_writer_unlock(s);
		if (sfs_likely(rc == 0) || !sfs_make_room(s, rc, round, SFS_TO_STORE))
			return rc;
	}
}
