/* SPDX-License-Identifier: MIT */
/*
 * floor 1: handles and fork() (fork.h).
 *
 * Owns	the list of the process's handles.
 * Locks	its mutex is held across fork(), so that the child finds a whole list, and that of the
 *	guard, so that the child can open a store of its own.
 */
#include "fork.h"

#include "guard.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct shmfs *handles;

static void before(void)
{
	pthread_mutex_lock(&mutex);
	sfs_guard_lock();
}

static void in_parent(void)
{
	sfs_guard_unlock();
	pthread_mutex_unlock(&mutex);
}

static void in_child(void)
{
	for (struct shmfs *s = handles; s; s = s->next) {
		sfs_set(&s->forked, true);
		sfs_file_forked(&s->file);
	}
	sfs_guard_unlock();
	pthread_mutex_unlock(&mutex);
}

static void install(void)
{
	pthread_atfork(before, in_parent, in_child);
}

void sfs_fork_watch(struct shmfs *s)
{
	pthread_once(&once, install);
	pthread_mutex_lock(&mutex);
	s->next = handles;
	s->prev = NULL;
	if (handles)
		handles->prev = s;
	handles = s;
	pthread_mutex_unlock(&mutex);
}

void sfs_fork_forget(struct shmfs *s)
{
	pthread_mutex_lock(&mutex);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		handles = s->next;
	pthread_mutex_unlock(&mutex);
}
