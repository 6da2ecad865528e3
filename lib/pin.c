/* SPDX-License-Identifier: MIT */
/* floor 2: pins (pin.h). */
#include "pin.h"

#include <stdlib.h>

#include "oflock.h"

/* A snapshot's descriptor is its parent's, and so are the locks. */
static struct shmfs *keeper(struct shmfs *s)
{
	return s->parent ? s->parent : s;
}

int sfs_pin_at(struct shmfs *s, uint64_t stamp)
{
	struct sfs_pinned *p;
	int rc = 0;

	s = keeper(s);
	pthread_mutex_lock(&s->pin_mutex);
	for (p = s->pins; p && p->stamp != stamp; p = p->next)
		;
	if (p) {
		p->count++;
	} else if (stamp >= SFS_STAMPS) {
		rc = -EUCLEAN;
	} else if (!(p = malloc(sizeof(*p)))) {
		rc = -ENOMEM;
	} else if ((rc = sfs_oflock_set(s->file.fd, F_RDLCK, SFS_BYTE_PIN + (int64_t)stamp, 1, false))) {
		free(p);
	} else {
		*p = (struct sfs_pinned){s->pins, stamp, 1};
		s->pins = p;
	}
	pthread_mutex_unlock(&s->pin_mutex);
	return rc;
}

int sfs_pin(struct shmfs *s, uint64_t *stamp)
{
	*stamp = sfs_relaxed(&s->checkpoint) ? s->meta.freed : sfs_acquire(&s->live->freed);
	return sfs_pin_at(s, *stamp);
}

void sfs_unpin(struct shmfs *s, uint64_t stamp)
{
	struct sfs_pinned **at, *p;

	s = keeper(s);
	pthread_mutex_lock(&s->pin_mutex);
	for (at = &s->pins; *at && (*at)->stamp != stamp; at = &(*at)->next)
		;
	p = *at;
	if (p && --p->count == 0) {
		*at = p->next;
		free(p);
		if (s->file.fd >= 0)
			sfs_oflock_set(s->file.fd, F_UNLCK, SFS_BYTE_PIN + (int64_t)stamp, 1, false);
	}
	pthread_mutex_unlock(&s->pin_mutex);
}

uint64_t sfs_pin_count(struct shmfs *s)
{
	uint64_t n = 0;

	pthread_mutex_lock(&s->pin_mutex);
	for (struct sfs_pinned *p = s->pins; p; p = p->next)
		n++;
	pthread_mutex_unlock(&s->pin_mutex);
	return n;
}

bool sfs_pinned(struct shmfs *s, uint64_t stamp)
{
	bool ours = stamp >= SFS_STAMPS;

	pthread_mutex_lock(&s->pin_mutex);
	for (struct sfs_pinned *p = s->pins; p; p = p->next)
		ours |= p->stamp <= stamp;
	pthread_mutex_unlock(&s->pin_mutex);
	return ours || sfs_oflock_holder(s->file.fd, F_WRLCK, SFS_BYTE_PIN, (int64_t)stamp + 1) >= 0;
}
