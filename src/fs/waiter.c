/* SPDX-License-Identifier: MIT */
/*
 * waiter: the thread that answers who waits for a frame.
 *
 * A READ that has to wait is parked here and its worker goes on to other requests, so that
 * any number of waiting readers holds up nobody.
 *
 * Owns: the parked requests; the list of open files, and who polls them.
 * Invariant: who takes a request off the list answers it, and nobody else.
 * Order: the thread's reader goes to the end of the log, then what is parked is looked at,
 * then that reader waits: a frame after the look wakes it.  Who parks looks once
 * more after its request is on the list.
 * Locks: its own, then an open file's.  libfuse calls interrupted() with a lock of the
 * request held, so nothing of libfuse is called under ours, and a request is marked by
 * its address, which libfuse keeps for so long.
 */
#include "waiter.h"

#include <signal.h>

#define STEP_MS 100 /* cursors moved beside the mount are seen after this */
#define TOLD    32u

struct parked {
	struct parked *next;
	fuse_req_t req;
	struct fs_frames *f;
	size_t size;
	int flags;
	bool armed;       /* interrupts arrive from now on; it may be answered */
	bool interrupted;
	int rc;
	struct fs_bytes out;
};

struct fs_waiter {
	struct fs *fs;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started, stop;
	struct parked *list;
	struct fs_frames *files;
	size_t polls; /* files with a poll handle */
};

/* ---- parked requests ------------------------------------------------------------------- */

/* Move those that can be answered to *done.  The lock is held. */
static void collect(struct fs_waiter *w, struct parked **done)
{
	struct parked **at = &w->list;

	while (*at) {
		struct parked *p = *at;

		if (p->armed && w->stop)
			p->rc = -ESHUTDOWN;
		else if (p->armed && p->interrupted)
			p->rc = -EINTR;
		else if (p->armed)
			p->rc = fs_frames_read(w->fs, p->f, p->size, p->flags, &p->out);
		if (!p->armed || p->rc == -ENODATA) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = *done;
		*done = p;
	}
}

static void answer(struct parked *done)
{
	while (done) {
		struct parked *next = done->next;

		if (done->rc)
			fuse_reply_err(done->req, fs_errno(done->rc));
		else
			fuse_reply_buf(done->req, done->out.data, done->out.size);
		free(done->out.data);
		free(done);
		done = next;
	}
}

static void look(struct fs_waiter *w)
{
	struct parked *done = NULL;

	pthread_mutex_lock(&w->lock);
	collect(w, &done);
	pthread_mutex_unlock(&w->lock);
	answer(done);
}

/* Any thread of libfuse's, perhaps after the request has been answered. */
static void interrupted(fuse_req_t req, void *data)
{
	struct fs_waiter *w = data;
	struct parked **at, *done = NULL;

	pthread_mutex_lock(&w->lock);
	for (at = &w->list; *at && (*at)->req != req; at = &(*at)->next)
		continue;
	if (*at && !(*at)->armed) {
		(*at)->interrupted = true;
	} else if (*at) {
		done = *at;
		*at = done->next;
		done->next = NULL;
		done->rc = -EINTR;
	}
	pthread_mutex_unlock(&w->lock);
	answer(done);
}

int fs_waiter_park(struct fs *fs, fuse_req_t req, struct fs_frames *f, size_t size, int flags)
{
	struct fs_waiter *w = fs->waiter;
	struct parked *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->req = req;
	p->f = f;
	p->size = size;
	p->flags = flags;
	pthread_mutex_lock(&w->lock);
	p->next = w->list;
	w->list = p;
	pthread_mutex_unlock(&w->lock);
	fuse_req_interrupt_func(req, interrupted, w); /* calls it if that has happened */
	pthread_mutex_lock(&w->lock);
	p->armed = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	look(w);
	return 0;
}

/* ---- polling ----------------------------------------------------------------------------- */

static void set_poll(struct fs_waiter *w, struct fs_frames *f, struct fuse_pollhandle *ph)
{
	w->polls += (ph != NULL) - (size_t)(f->poll != NULL);
	f->poll = ph;
}

void fs_waiter_poll(struct fs *fs, struct fs_frames *f, struct fuse_pollhandle *ph)
{
	struct fs_waiter *w = fs->waiter;
	struct fuse_pollhandle *old;

	pthread_mutex_lock(&w->lock);
	old = f->poll;
	set_poll(w, f, ph);
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (old)
		fuse_pollhandle_destroy(old);
}

/* Only from the thread: a notification from who answers a request may deadlock. */
static void tell_polls(struct fs_waiter *w)
{
	struct fuse_pollhandle *told[TOLD];
	size_t n;

	do {
		n = 0;
		pthread_mutex_lock(&w->lock);
		for (struct fs_frames *f = w->files; w->polls && f && n < TOLD; f = f->next) {
			if (!f->poll || fs_frames_ready(w->fs, f) == -ENODATA)
				continue;
			told[n++] = f->poll;
			set_poll(w, f, NULL);
		}
		pthread_mutex_unlock(&w->lock);
		for (size_t i = 0; i < n; i++) {
			fuse_lowlevel_notify_poll(told[i]);
			fuse_pollhandle_destroy(told[i]);
		}
	} while (n == TOLD);
}

void fs_waiter_add(struct fs *fs, struct fs_frames *f)
{
	struct fs_waiter *w = fs->waiter;

	pthread_mutex_lock(&w->lock);
	f->at = &w->files;
	f->next = w->files;
	if (f->next)
		f->next->at = &f->next;
	w->files = f;
	pthread_mutex_unlock(&w->lock);
}

void fs_waiter_remove(struct fs *fs, struct fs_frames *f)
{
	struct fs_waiter *w = fs->waiter;
	struct fuse_pollhandle *ph;

	pthread_mutex_lock(&w->lock);
	*f->at = f->next;
	if (f->next)
		f->next->at = f->at;
	ph = f->poll;
	set_poll(w, f, NULL);
	pthread_mutex_unlock(&w->lock);
	if (ph)
		fuse_pollhandle_destroy(ph);
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* False: stop. */
static bool rest(struct fs_waiter *w)
{
	bool stop;

	pthread_mutex_lock(&w->lock);
	while (!w->stop && !w->list && !w->polls)
		pthread_cond_wait(&w->changed, &w->lock);
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return !stop;
}

static void *work(void *arg)
{
	struct timespec step = {.tv_nsec = STEP_MS * 1000000};
	struct fs_waiter *w = arg;
	struct shmfs_reader *r = NULL;

	while (rest(w)) {
		int rc = r ? shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_END)
		           : shmfs_reader_open(w->fs->store, &r, SHMFS_LOG_END);

		look(w);
		tell_polls(w);
		if (!rc)
			rc = shmfs_reader_wait(r, STEP_MS);
		if (rc && rc != -ETIMEDOUT && rc != -EINTR)
			nanosleep(&step, NULL); /* a damaged log: who waits is told by the look */
	}
	shmfs_reader_close(r);
	return NULL;
}

void fs_waiter_look(struct fs *fs)
{
	struct fs_waiter *w = fs->waiter;
	bool polled;

	look(w);
	pthread_mutex_lock(&w->lock);
	polled = w->started && w->polls;
	pthread_mutex_unlock(&w->lock);
	if (polled)
		pthread_kill(w->thread, SIGUSR1); /* if that comes too early: after a step */
}

int fs_waiter_open(struct fs *fs)
{
	struct fs_waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->fs = fs;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	fs->waiter = w;
	return 0;
}

int fs_waiter_start(struct fs *fs)
{
	int rc = pthread_create(&fs->waiter->thread, NULL, work, fs->waiter);

	fs->waiter->started = !rc;
	return -rc;
}

void fs_waiter_stop(struct fs *fs)
{
	struct fs_waiter *w = fs->waiter;

	if (!w || !w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_kill(w->thread, SIGUSR1);
	pthread_join(w->thread, NULL);
	w->started = false;
	look(w);
}

void fs_waiter_close(struct fs *fs)
{
	struct fs_waiter *w = fs->waiter;

	if (!w)
		return;
	while (w->files) {
		struct fs_frames *f = w->files;

		fs_waiter_remove(fs, f);
		fs_frames_end(f);
		fs_inode_put(fs, f->inode);
		free(f);
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
	fs->waiter = NULL;
}
