/* SPDX-License-Identifier: MIT */
/*
 * keeper: the threads that do what is due.
 *
 * Owns: the list of what is armed, and the threads: two, since a sync takes as long as the disk
 * does, and what else is due cannot wait for that.
 * Invariant: what runs is `running` in its thread until it is done, so that fs_keeper_cancel() can
 * wait before its memory goes away; armed again meanwhile, it is in the list too, but no other
 * thread runs it.
 * Locks: its own, never held while something runs.  Others may hold theirs when they arm
 * and disarm; nobody who cancels holds one that `run` takes.
 */
#include "keeper.h"

#include "options.h"

enum { THREADS = 2 };

struct worker {
	struct fs_keeper *keeper;
	pthread_t thread;
	struct fs_due *running;
};

struct fs_keeper {
	struct fs *fs;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker workers[THREADS];
	unsigned started;
	bool stop;
	struct fs_due *list; /* by time */
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

static bool runs(const struct fs_keeper *k, const struct fs_due *due)
{
	bool any = false;

	for (unsigned i = 0; i < THREADS; i++)
		any |= k->workers[i].running == due;
	return any;
}

/* The first that does not run already. */
static struct fs_due *first(const struct fs_keeper *k)
{
	struct fs_due *due = k->list;

	while (due && runs(k, due))
		due = due->next;
	return due;
}

/* Sleep until this one is due or something changes. */
static void rest(struct fs_keeper *k, const struct fs_due *due)
{
	struct timespec until;

	if (!due) {
		pthread_cond_wait(&k->changed, &k->lock);
		return;
	}
	until.tv_sec = (time_t)(due->when_ms / 1000);
	until.tv_nsec = (long)(due->when_ms % 1000 + 1) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&k->changed, &k->lock, &until);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct fs_keeper *k = w->keeper;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		struct fs_due *due = first(k);

		if (!due || due->when_ms > fs_now_ms()) {
			rest(k, due);
			continue;
		}
		take_out(k, due);
		w->running = due;
		pthread_mutex_unlock(&k->lock);
		due->run(k->fs, due);
		pthread_mutex_lock(&k->lock);
		w->running = NULL;
		pthread_cond_broadcast(&k->changed);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

static void sync_store(struct fs *fs, struct fs_due *due)
{
	int rc = fs_sync(fs);

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

	for (; k->started < THREADS; k->started++) {
		struct worker *w = &k->workers[k->started];
		int rc;

		w->keeper = k;
		rc = pthread_create(&w->thread, NULL, work, w);
		if (rc)
			return -rc;
	}
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
	while (k->started)
		pthread_join(k->workers[--k->started].thread, NULL);
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
		if (first(k) == due)
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
	while (runs(k, due)) {
		pthread_cond_wait(&k->changed, &k->lock);
		take_out(k, due);
	}
	pthread_mutex_unlock(&k->lock);
}
