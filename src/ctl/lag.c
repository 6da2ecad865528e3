/* SPDX-License-Identifier: MIT */
/*
 * Cursors and how far they are behind, printed for `cursor` and `stat`.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

void ctl_cursor_print(struct json *j, const void *name, size_t size, uint64_t position,
		      const struct shmfs_log_lag *lag)
{
	char *quoted;

	if (!j) {
		quoted = ctl_quote(name, size);
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", position,
		       lag->frames, lag->bytes, lag->lost, quoted ? quoted : "");
		free(quoted);
		return;
	}
	json_open(j, '{');
	json_bytes(j, "name", name, size);
	json_name(j, "position");
	json_u64(j, position);
	json_name(j, "frames");
	json_u64(j, lag->frames);
	json_name(j, "bytes");
	json_u64(j, lag->bytes);
	json_name(j, "lost");
	json_u64(j, lag->lost);
	json_close(j, '}');
}

struct list {
	struct shmfs *s;
	struct json *j;
	const char *prefix;
	bool newline;
};

static int print_one(void *arg, const void *name, size_t size, uint64_t position)
{
	struct list *list = arg;
	struct shmfs_log_lag lag = {.struct_size = sizeof(lag)};
	int rc = shmfs_log_lag(list->s, position, &lag);

	if (rc)
		return rc;
	if (!list->j)
		fputs(list->prefix, stdout);
	ctl_cursor_print(list->j, name, size, position, &lag);
	if (list->j && list->newline) {
		putc('\n', stdout);
		list->j->comma = false;
	}
	return 0;
}

int ctl_cursors_print(const struct ctl_args *args, struct shmfs *s, struct json *j,
		      const char *prefix, bool newline)
{
	struct list list = {s, j, prefix, newline};
	int rc = shmfs_cursor_walk(s, print_one, &list);

	return rc ? ctl_failed(args, rc) : CTL_YES;
}
