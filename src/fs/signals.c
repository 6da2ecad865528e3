/* SPDX-License-Identifier: MIT */
/*
 * signals: SIGTERM, SIGINT and SIGHUP end the daemon; a second one ends it at once.
 *
 * Owns: the thread that waits for signals, all other threads have them blocked.
 * Order: nothing is opened any more; then libfuse's loop is told to end, and woken until it
 * has: it sleeps in sem_wait(), and a wake-up before it sleeps is lost.
 */
#include "signals.h"

#include "options.h"
#include "watcher.h"

#include <signal.h>
#include <sys/mount.h>

struct fs_signals {
	struct fs *fs;
	pthread_t thread, loop;
	atomic_bool looped, stop;
};

static void set_of(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR2); /* ends the thread */
}

static void wake(int number)
{
}

void fs_signals_block(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, noop = {.sa_handler = wake};
	sigset_t set;

	set_of(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGUSR1, &noop, NULL); /* interrupts what the loop sleeps in */
}

/* Drop what is staged: the second signal means now. */
static void end_now(struct fs_signals *s)
{
	umount2(s->fs->options->dir, MNT_DETACH);
	_exit(FS_EXIT_SYSTEM);
}

static void *wait_for_signals(void *arg)
{
	struct fs_signals *s = arg;
	struct timespec soon = {.tv_nsec = 20000000};
	sigset_t set;
	int number;

	set_of(&set);
	do {
		number = sigwaitinfo(&set, NULL);
	} while (number < 0);
	if (number == SIGUSR2)
		return NULL;
	s->fs->stopping = true;
	while (!fs_watcher_end(s->fs))
		if (sigtimedwait(&set, NULL, &soon) > 0)
			end_now(s);
	fuse_session_exit(s->fs->session);
	while (!s->stop) {
		if (!s->looped)
			pthread_kill(s->loop, SIGUSR1);
		number = sigtimedwait(&set, NULL, &soon);
		if (number > 0 && number != SIGUSR2)
			end_now(s);
	}
	return NULL;
}

int fs_signals_start(struct fs *fs)
{
	struct fs_signals *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->fs = fs;
	s->loop = pthread_self();
	rc = pthread_create(&s->thread, NULL, wait_for_signals, s);
	if (rc) {
		free(s);
		return -rc;
	}
	fs->signals = s;
	return 0;
}

void fs_signals_looped(struct fs *fs)
{
	fs->signals->looped = true;
}

void fs_signals_stop(struct fs *fs)
{
	if (!fs->signals)
		return;
	fs->signals->stop = true;
	pthread_kill(fs->signals->thread, SIGUSR2);
	pthread_join(fs->signals->thread, NULL);
	free(fs->signals);
	fs->signals = NULL;
}
