/* SPDX-License-Identifier: MIT */
/*
 * say: what the daemon tells people and systemd, and errors as the kernel knows them.
 */
#include "fs.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

static bool to_syslog; /* set once, before the first thread starts */

void fs_say_to_syslog(void)
{
	openlog("shmfs", LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void fs_say(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (to_syslog)
		syslog(LOG_ERR, "%s", line);
	else
		fprintf(stderr, "shmfs: %s\n", line);
}

void fs_say_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[128];
	size_t n;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
		return;
	n = strlen(path);
	memcpy(to.sun_path, path, n);
	if (path[0] == '@') /* the abstract name space */
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "%s\nMAINPID=%ld", state, (long)getpid());
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

int fs_errno(int code)
{
	if (code >= 0)
		return 0;
	if (code > -4096)
		return code == -E2BIG ? ENAMETOOLONG : -code;
	switch (code) {
	case SHMFS_E_COLLIDE:
	case SHMFS_E_LOG_FULL:
		return ENOSPC;
	case SHMFS_E_NOT_STORE:
	case SHMFS_E_VERSION:
		return EUCLEAN;
	default:
		return EIO;
	}
}

uint64_t fs_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t fs_now_ms(void)
{
	return fs_now_us() / 1000;
}
