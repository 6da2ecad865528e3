/* SPDX-License-Identifier: MIT */
/*
 * Signals that end a verb which has something to put in order first.
 */
#include <signal.h>

#include "ctl.h"

static volatile sig_atomic_t caught;

/* Ctrl-C also ends who reads what we print, and SIGPIPE may come before it. */
static void stop(int number)
{
	if (number != SIGPIPE || !caught)
		caught = number;
}

/* No SA_RESTART: a wait or a write that a signal interrupts is over. */
void ctl_signals_catch(void)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	struct sigaction action = {.sa_handler = stop}, old;
	size_t i;

	/* What is ignored stays so: a shell has its background jobs ignore SIGINT, nohup SIGHUP. */
	for (i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (!sigaction(ending[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
}

bool ctl_stopped(void)
{
	return caught != 0;
}

int ctl_interrupted(const char *subject, const char *what)
{
	int signal = caught;

	if (signal == SIGPIPE) /* nobody wants the rest: `| head` */
		ctl_progress_hide();
	else
		ctl_trouble(subject, "interrupted; %s", what);
	/* A shell that ran us in a loop learns that way that the loop is over. */
	sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	raise(signal);
	return CTL_TROUBLE;
}
