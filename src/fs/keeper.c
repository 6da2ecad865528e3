/* SPDX-License-Identifier: MIT */
/*
 * keeper: the thread that does what is due.
 *
 * Owns: the list of what is armed, and the thread.
 * Invariant: what runs is not in the list; `running` names it until it is done, so that
 * fs_keeper_cancel() can wait before its memory goes away.
 * Locks: its own, never held while something runs.  Others may hold theirs when they arm
 * and disarm; nobody who cancels holds one that `run` takes.
 */
#include "keeper.h"

#include "options.h"

struct fs_keeper {
	struct fs *fs;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started, stop;
	struct fs_due *list; /* by time */
	struct fs_due *running;
	struct fs_due sync;
};

static void insert(struct fs_keeper *k, struct fs_due *due, uint64_t when_ms)
{
	struct fs_due **at = &k->list;

	while (*at && (*at)->when_ms <= when_ms)
		at = &(*at)->next;
	due->when_ms = when_ms;
	due->armed = true;
	due->next = *at;
	*at = due;
}

static void take_out(struct fs_keeper *k, struct fs_due *due)
{
	struct fs_due **at = &k->list;

	if (!due->armed)
		return;
	while (*at != due)
		at = &(*at)->next;
	*at = due->next;
	due->armed = false;
}

/* Sleep until the first is due or something changes. */
static void rest(struct fs_keeper *k)
{
	struct timespec until;

	if (!k->list) {
		pthread_cond_wait(&k->changed, &k->lock);
		return;
	}
	until.tv_sec = (time_t)(k->list->when_ms / 1000);
	until.tv_nsec = (long)(k->list->when_ms % 1000 + 1) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&k->changed, &k->lock, &until);
}

static void *work(void *arg)
{
	struct fs_keeper *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		struct fs_due *due = k->list;

		if (!due || due->when_ms > fs_now_ms()) {
			rest(k);
			continue;
		}
		take_out(k, due);
		k->running = due;
		pthread_mutex_unlock(&k->lock);
		due->run(k->fs, due);
		pthread_mutex_lock(&k->lock);
		k->running = NULL;
		pthread_cond_broadcast(&k->changed);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

static void sync_store(struct fs *fs, struct fs_due *due)
{
	int rc = shmfs_sync(fs->store);

	if (rc) {
		/* The library's failure is sticky: once is enough. */
		fs_say("%s: %s; what was written since the last sync is not on disk",
		       fs->options->store, shmfs_strerror(rc));
		return;
	}
	fs_keeper_arm(fs, due, fs->options->sync_interval_ms);
}

int fs_keeper_open(struct fs *fs)
{
	struct fs_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t monotonic;

	if (!k)
		return -ENOMEM;
	k->fs = fs;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	fs->keeper = k;
	return 0;
}

int fs_keeper_start(struct fs *fs)
{
	struct fs_keeper *k = fs->keeper;
	int rc = pthread_create(&k->thread, NULL, work, k);

	if (rc)
		return -rc;
	k->started = true;
	if (fs->options->sync_interval_ms && !fs->options->read_only && !fs->is_volatile) {
		k->sync.run = sync_store;
		fs_keeper_arm(fs, &k->sync, fs->options->sync_interval_ms);
	}
	return 0;
}

void fs_keeper_stop(struct fs *fs)
{
	struct fs_keeper *k = fs->keeper;

	if (!k || !k->started)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_broadcast(&k->changed);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	k->started = false;
}

void fs_keeper_close(struct fs *fs)
{
	if (!fs->keeper)
		return;
	fs_keeper_stop(fs);
	pthread_cond_destroy(&fs->keeper->changed);
	pthread_mutex_destroy(&fs->keeper->lock);
	free(fs->keeper);
	fs->keeper = NULL;
}

void fs_keeper_arm(struct fs *fs, struct fs_due *due, uint64_t in_ms)
{
	struct fs_keeper *k = fs->keeper;

	pthread_mutex_lock(&k->lock);
	if (!due->armed) {
		insert(k, due, fs_now_ms() + in_ms);
		if (k->list == due)
			pthread_cond_broadcast(&k->changed);
	}
	pthread_mutex_unlock(&k->lock);
}

void fs_keeper_disarm(struct fs *fs, struct fs_due *due)
{
	struct fs_keeper *k = fs->keeper;

	pthread_mutex_lock(&k->lock);
	take_out(k, due);
	pthread_mutex_unlock(&k->lock);
}

void fs_keeper_cancel(struct fs *fs, struct fs_due *due)
{
	struct fs_keeper *k = fs->keeper;

	if (!due->run)
		return; /* was never armed */
	pthread_mutex_lock(&k->lock);
	take_out(k, due);
	while (k->running == due) {
		pthread_cond_wait(&k->changed, &k->lock);
		take_out(k, due);
	}
	pthread_mutex_unlock(&k->lock);
}
