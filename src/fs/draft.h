/* SPDX-License-Identifier: MIT */
/*
 * draft: a value being written, which nobody else sees until it is published.
 */
#ifndef FS_DRAFT_H
#define FS_DRAFT_H

#include "value.h"

#define FS_WRITERS 4u

struct fs_draft {
	struct shmfs *store;
	unsigned char *small; /* while it is short ... */
	size_t room;
	struct shmfs_put *put;    /* ... and once it is not */
	_Atomic uint64_t size;    /* read also without the lock that guards the rest */
	uint64_t writers[FS_WRITERS]; /* the processes that wrote since the last publication */
	unsigned int writers_known;   /* above FS_WRITERS: too many to tell */
};

void fs_draft_begin(struct fs_draft *d, struct shmfs *store);

/* Forget what is in it; it may be used again. */
void fs_draft_drop(struct fs_draft *d);

int fs_draft_write(struct fs_draft *d, uint64_t offset, const void *buf, size_t size);
int fs_draft_read(struct fs_draft *d, uint64_t offset, void *buf, size_t *size);
int fs_draft_resize(struct fs_draft *d, uint64_t size);
uint64_t fs_draft_size(const struct fs_draft *d);

/* Would the content with this write be a number's text?  0 or -EINVAL. */
int fs_draft_number(struct fs_draft *d, uint64_t offset, const void *buf, size_t size);

/* Replace the content by the first `limit` bytes of what the key reads as now;
 * `hint`: how long it will become.  *value says which version that is.  -ENOENT. */
int fs_draft_seed(struct fs_draft *d, struct fs *fs, const void *key, size_t key_size,
                  uint64_t limit, uint64_t hint, struct fs_value *value);

/*
 * Put the content under the key; flags and *version as shmfs_put().  On success the draft
 * is empty again, otherwise unchanged.  -EINVAL: the type is number and the text is none.
 */
int fs_draft_publish(struct fs_draft *d, const void *key, size_t key_size, uint32_t flags,
                     uint64_t *version);

/* Remember that this process (a lock owner; 0: unknown) wrote; ask whether it did. */
void fs_draft_note(struct fs_draft *d, uint64_t owner);
bool fs_draft_noted(const struct fs_draft *d, uint64_t owner);

#endif
