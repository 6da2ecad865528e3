/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "trace.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* From linux/ptrace.h, which does not go with sys/ptrace.h everywhere. */
struct syscall_info {
	unsigned char op, pad[3];
	unsigned arch;
	unsigned long long at, stack, number, more[8];
};
enum { GET_SYSCALL_INFO = 0x420e, OP_ENTRY = 1, OP_EXIT = 2 };

static int status;

static bool stopped(pid_t pid)
{
	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

pid_t trace_start(const char *path, int flags, void (*run)(struct shmfs *s, void *arg), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct shmfs *s = store_open(path, flags);

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(100);
		raise(SIGSTOP);
		run(s, arg);
		_exit(0);
	}
	if (stopped(pid))
		ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	else
		CU_FAIL("the child can be traced");
	return pid;
}

bool trace_step(pid_t pid)
{
	return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 && stopped(pid);
}

bool trace_steps(pid_t pid, unsigned n)
{
	while (n--)
		if (!trace_step(pid))
			return false;
	return true;
}

bool trace_go(pid_t pid)
{
	return ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && stopped(pid);
}

bool trace_call(pid_t pid, long number, bool after)
{
	struct syscall_info info;
	bool ours = false;

	while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && stopped(pid)) {
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		ptrace((enum __ptrace_request)GET_SYSCALL_INFO, pid, sizeof(info), &info);
		if (info.op == OP_ENTRY)
			ours = info.number == (unsigned long long)number;
		if (ours && info.op == (after ? OP_EXIT : OP_ENTRY))
			return true;
	}
	return false;
}

int trace_end(pid_t pid)
{
	while (trace_go(pid))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void trace_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}
