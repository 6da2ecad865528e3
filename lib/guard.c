/* SPDX-License-Identifier: MIT */
/*
 * floor 1: the SIGBUS guard (guard.h).
 *
 * Owns	the process's SIGBUS handler, from the first window on, and the list of windows.
 * Order	a slot's `file` is stored last and cleared first; the handler takes only slots whose
 *	`file` it sees, and a window is unmapped only after it left.
 */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define WINDOWS 1024

static struct {
	_Atomic(struct sfs_file *) file;
	uint8_t *base;
	uint64_t window;
} windows[WINDOWS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool installed;
static struct sigaction before;

/* Async-signal-safe: mmap() is a plain system call. */
static bool put_zeros(uint8_t *at)
{
	for (int i = 0; i < WINDOWS; i++) {
		struct sfs_file *f = sfs_acquire(&windows[i].file);

		if (!f || at < windows[i].base || at >= windows[i].base + windows[i].window)
			continue;
		at = (uint8_t *)((uintptr_t)at & ~(uintptr_t)65535); /* any page size */
		if (mmap(at, 65536, f->writable ? PROT_READ | PROT_WRITE : PROT_READ,
		         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return false;
		sfs_set(&f->gone, true);
		return true;
	}
	return false;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	bool ours = put_zeros(info->si_addr);

	errno = saved;
	if (ours)
		return;
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
	} else {
		/* the instruction runs again and is fatal this time */
		sigaction(SIGBUS, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	}
}

int sfs_guard_enter(struct sfs_file *f)
{
	struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	int rc = -EMFILE;

	sigemptyset(&ours.sa_mask);
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < WINDOWS; i++) {
		if (sfs_relaxed(&windows[i].file))
			continue;
		windows[i].base = f->base;
		windows[i].window = f->window;
		sfs_release(&windows[i].file, f);
		rc = 0;
		break;
	}
	if (rc == 0 && !installed)
		installed = sigaction(SIGBUS, &ours, &before) == 0;
	pthread_mutex_unlock(&mutex);
	return rc;
}

/* Without the lock: nobody else clears this slot, and who enters takes only empty ones. */
void sfs_guard_leave(struct sfs_file *f)
{
	for (int i = 0; i < WINDOWS; i++)
		if (sfs_relaxed(&windows[i].file) == f)
			sfs_release(&windows[i].file, NULL);
}

unsigned sfs_guard_count(void)
{
	unsigned n = 0;

	for (int i = 0; i < WINDOWS; i++)
		n += sfs_relaxed(&windows[i].file) != NULL;
	return n;
}

void sfs_guard_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void sfs_guard_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}
