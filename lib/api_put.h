/* SPDX-License-Identifier: MIT */
/* floor 4: what the calls that put share. */
#ifndef SFS_API_PUT_H
#define SFS_API_PUT_H

#include "room.h"

#define SFS_TYPE_MASK 0xffu

/* A handle that may write, a key and a value of legal size, legal flags; or the error. */
SFS_HIDDEN int sfs_check_put(const struct shmfs *s, const void *key, size_t key_size, uint64_t size,
                             uint32_t flags);

/* Everything about a put that needs no lock; value NULL: in place already. */
SFS_HIDDEN void sfs_prepare(struct shmfs *s, struct sfs_put *put, const void *key, size_t key_size,
                            const void *value, uint64_t size, uint32_t flags);

/* A condition failed: the version is the present one. */
static inline bool sfs_refused(int rc)
{
	return rc == -EEXIST || rc == -ENOENT || rc == -ESTALE;
}

/* May a streamed put be committed again after this? */
static inline bool sfs_put_survives(int rc)
{
	return sfs_refused(rc) || rc == -ENOSPC || rc == -EFBIG || rc == -EINVAL || rc == -E2BIG;
}

#endif
