/* SPDX-License-Identifier: MIT */
/* floor 2: being the one writer (writer.h). */
#include "writer.h"

#include "commit.h"
#include "log.h"
#include "run.h"

void sfs_writer_redo(struct shmfs *s)
{
	sfs_set(&s->live->victim, 0);
	/* the swing first: the commit's slots are in pages that it published */
	sfs_tree_redo(s);
	sfs_commit_redo(s);
	sfs_log_redo(s);
	sfs_seg_redo(s);
	sfs_run_redo(s);
}

void sfs_writer_lock(struct shmfs *s)
{
	pthread_mutex_lock(&s->writer);
	if (sfs_lock_take(s, &s->live->lock) == SFS_LOCK_STOLEN)
		sfs_writer_redo(s);
}

void sfs_writer_unlock(struct shmfs *s)
{
	sfs_lock_drop(&s->live->lock);
	pthread_mutex_unlock(&s->writer);
}
