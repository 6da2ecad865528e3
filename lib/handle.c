/* SPDX-License-Identifier: MIT */
/* floor 1: making and freeing handles (handle.h). */
#include "handle.h"

#include <stdlib.h>

#include "fork.h"
#include "oflock.h"

struct shmfs *sfs_handle_new(void)
{
	struct shmfs *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->file.fd = -1;
	pthread_mutex_init(&s->writer, NULL);
	pthread_mutex_init(&s->syncer, NULL);
	pthread_mutex_init(&s->pin_mutex, NULL);
	pthread_mutex_init(&s->batch_mutex, NULL);
	pthread_mutex_init(&s->mark_mutex, NULL);
	sfs_fork_watch(s);
	return s;
}

void sfs_handle_free(struct shmfs *s)
{
	/* All our locks: a child of another thread, between its fork and its exec, may have the open
	 * file, and keep them as long.  A snapshot's are its parent's. */
	if (s->file.fd >= 0 && !s->parent)
		(void)sfs_oflock_set(s->file.fd, F_UNLCK, SFS_BYTE_PIN, 0, false);
	sfs_file_close(&s->file);
	sfs_fork_forget(s);
	pthread_mutex_destroy(&s->writer);
	pthread_mutex_destroy(&s->syncer);
	pthread_mutex_destroy(&s->pin_mutex);
	pthread_mutex_destroy(&s->batch_mutex);
	pthread_mutex_destroy(&s->mark_mutex);
	free(s->marks);
	free(s);
}
