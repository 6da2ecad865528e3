/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "priority.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICER (-15)

void fs_priority(enum fs_priority priority)
{
	/* what the program was started with: the first thread keeps it */
	int nice = getpriority(PRIO_PROCESS, (id_t)getpid()), policy = sched_getscheduler(getpid());
	struct sched_param param = {0};

	(void)sched_getparam(getpid(), &param);
	if (priority == FS_FIRST) {
		policy = SCHED_RR;
		param.sched_priority = 1;
	}
	if (priority != FS_AS_OTHERS)
		nice += NICER;
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice);
	(void)pthread_setschedparam(pthread_self(), policy, &param);
}
