/* SPDX-License-Identifier: MIT */
/*
 * last: what a key held when it was unlinked or renamed over through the mount, for the
 * handles still open.
 */
#ifndef FS_LAST_H
#define FS_LAST_H

#include "keeper.h"
#include "value.h"

struct fs_last {
	struct fs_value value;
	unsigned char *copy;    /* up to FS_KEPT bytes ... */
	struct shmfs_pin *pin;  /* ... more: in place, pinned for FS_PIN_MS */
	struct shmfs_view view;
	struct fs_due due;
	struct fs_inode *inode; /* whose lock guards it */
};

/* Keep what the key holds now; *out is NULL when there is no such key, or when it is long and
 * may not be pinned. */
int fs_last_take(struct fs *fs, struct fs_inode *inode, const void *key, size_t key_size,
                 bool may_pin, struct fs_last **out);

/* Let the pin's clock run.  Under the inode's lock. */
void fs_last_keep(struct fs *fs, struct fs_last *last);

/* Copy a part out; *size in: wanted, out: got.  -ESTALE: no longer there. */
int fs_last_read(struct fs *fs, struct fs_last *last, uint64_t offset, void *buf, size_t *size);

/* Hold no lock. */
void fs_last_free(struct fs *fs, struct fs_last *last);

#endif
