/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "priority.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICER (-15)

void fs_priority(enum fs_priority priority)
{
	int usual = getpriority(PRIO_PROCESS, (id_t)getpid()); /* the first thread's, which stays */
	const struct sched_param one = {.sched_priority = 1}, none = {0};
	bool first = priority == FS_FIRST;

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
	                  priority == FS_AS_OTHERS ? usual : usual + NICER);
	(void)pthread_setschedparam(pthread_self(), first ? SCHED_RR : SCHED_OTHER, first ? &one : &none);
}
