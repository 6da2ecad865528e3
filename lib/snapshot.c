/* SPDX-License-Identifier: MIT */
/* floor 3: snapshots (snapshot.h). */
#define _GNU_SOURCE
#include "snapshot.h"

#include <fcntl.h>

#include "meta.h"
#include "pin.h"
#include "sync.h"

#define TRIES 100

/* The newest checkpoint, pinned.  -EAGAIN: there is none, or never the same twice. */
static int pin_checkpoint(struct shmfs *s, struct sfs_meta *m)
{
	for (int i = 0; i < TRIES; i++) {
		struct sfs_meta again;
		int rc;

		if (!sfs_meta_newest(s, m))
			return -EAGAIN;
		rc = sfs_pin_at(s, m->freed);
		if (rc)
			return rc;
		if (sfs_meta_newest(s, &again) && again.turn == m->turn)
			return 0;
		sfs_unpin(s, m->freed);
	}
	return -EAGAIN;
}

/* What the new snapshot is to read, pinned by `s`. */
static int freeze(struct shmfs *s, struct sfs_meta *m, struct sfs_seg **table)
{
	if (s->writable)
		return sfs_sync_freeze(s, m, table);
	if (sfs_reads_meta(s)) {
		*m = s->meta;
		return sfs_pin_at(s, m->freed);
	}
	return pin_checkpoint(s, m);
}

int sfs_snapshot(struct shmfs *s, struct shmfs **out, struct sfs_seg **table)
{
	struct shmfs *parent = s->parent ? s->parent : s, *snap = sfs_handle_new();
	int rc;

	if (!snap)
		return -ENOMEM;
	snap->parent = parent;
	snap->verify = s->verify;
	snap->session[0] = s->session[0];
	snap->session[1] = s->session[1];
	snap->seed = s->seed;
	snap->file.volatile_fs = s->file.volatile_fs;
	snap->file.fd = fcntl(s->file.fd, F_DUPFD_CLOEXEC, 0);
	rc = snap->file.fd < 0 ? -errno : 0;
	if (rc == 0) {
		sfs_file_refresh(&snap->file);
		rc = sfs_file_map(&snap->file);
	}
	if (rc == 0)
		rc = freeze(s, &snap->meta, table);
	if (rc) {
		sfs_handle_free(snap);
		return rc;
	}
	snap->super = sfs_at(snap, SFS_AT_SUPER);
	snap->live = sfs_at(snap, SFS_AT_LIVE);
	sfs_set(&snap->checkpoint, true);
	*out = snap;
	return 0;
}

int shmfs_snapshot(struct shmfs *s, struct shmfs **out)
{
	int rc = sfs_handle_usable(s);

	if (rc || !out)
		return rc ? rc : -EINVAL;
	return sfs_handle_result(s, sfs_snapshot(s, out, NULL));
}
