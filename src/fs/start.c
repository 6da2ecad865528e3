/* SPDX-License-Identifier: MIT */
/*
 * start: into the background, and what the parent reports.
 *
 * Order: fork first, for neither threads nor an open store survive a fork.  The child opens,
 * mounts and starts its threads, then writes its exit code so far into a pipe: the parent exits
 * with it, so `shmfs STORE DIR && use DIR` works and failures are on the terminal.  A session of
 * its own comes after the mount: when a directory that systemd mounts on demand is looked into, whoever
 * else does waits for the mount, but for the process group of systemd, which mount(8) is left in.
 * Distrust: a child that dies without a word.
 */
#include "session.h"
#include "signals.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

/* Leave the terminal: it is somebody else's from now on. */
static void leave(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fs_say_to_syslog();
	if (null < 0)
		return;
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
}

/* report: a descriptor for the exit code, or -1. */
static int serve(const struct fs_options *options, int report)
{
	struct fs fs;
	int code;

	fs_signals_block();
	code = fs_session_open(&fs, options);
	if (!code)
		code = fs_session_start(&fs);
	if (!code) {
		fs_say_notify("READY=1");
		if (report >= 0) {
			unsigned char byte = FS_EXIT_OK;

			setsid();
			if (chdir("/") || write(report, &byte, 1) != 1)
				code = FS_EXIT_SYSTEM;
			leave();
			close(report);
			report = -1;
		}
		if (!code)
			code = fs_session_run(&fs);
	}
	code = fs_session_close(&fs, code);
	if (report >= 0) {
		unsigned char byte = (unsigned char)code;

		if (write(report, &byte, 1) != 1)
			code = FS_EXIT_SYSTEM;
	}
	return code;
}

static int wait_for_report(int report, pid_t child)
{
	unsigned char code;
	ssize_t n;
	int status;

	do {
		n = read(report, &code, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return code;
	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		fs_say("died while starting: %s", strsignal(WTERMSIG(status)));
	else
		fs_say("ended while starting");
	return FS_EXIT_SYSTEM;
}

int fs_start(const struct fs_options *options)
{
	int ends[2];
	pid_t child;

	if (options->foreground)
		return serve(options, -1);
	if (pipe2(ends, O_CLOEXEC)) {
		fs_say("%s", strerror(errno));
		return FS_EXIT_SYSTEM;
	}
	fflush(NULL);
	child = fork();
	if (child < 0) {
		fs_say("%s", strerror(errno));
		return FS_EXIT_SYSTEM;
	}
	if (child == 0) {
		close(ends[0]);
		_exit(serve(options, ends[1]));
	}
	close(ends[1]);
	return wait_for_report(ends[0], child);
}
