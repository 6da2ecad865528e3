/* SPDX-License-Identifier: MIT */
/* read(2) and write(2), until a signal ends the verb. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

int ctl_write_all(int fd, const void *data, size_t size)
{
	const char *from = data;

	while (size) {
		ssize_t n = ctl_stopped() ? -1 : write(fd, from, size);

		if (n < 0 && ctl_stopped())
			return EINTR;
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			from += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int ctl_read_some(int fd, const char *name, void *to, size_t room, size_t *size)
{
	ssize_t n;

	*size = 0;
	do {
		if (ctl_stopped())
			return CTL_TROUBLE; /* the verb says it */
		n = read(fd, to, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ctl_trouble(name, "cannot be read: %s", strerror(errno));
	*size = (size_t)n;
	return n ? CTL_YES : CTL_NO;
}
