/* SPDX-License-Identifier: MIT */
/*
 * Cursors and how far they are behind, printed for `cursor` and `stat`.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* Add up the frames from the reader to the end.  -ESTALE: they were trimmed meanwhile. */
static int count(struct shmfs_reader *r, uint64_t end, struct ctl_lag *lag)
{
	struct shmfs_frame_view view;
	int rc;

	while (shmfs_reader_position(r) < end) {
		rc = shmfs_reader_view(r, &view);
		if (rc == -ENODATA || (!rc && view.position >= end))
			break;
		if (!rc)
			rc = shmfs_reader_view_valid(r, &view);
		if (rc)
			return rc;
		lag->frames++;
		lag->bytes += view.size;
	}
	return 0;
}

int ctl_lag_count(struct shmfs *s, uint64_t position, struct ctl_lag *lag)
{
	struct shmfs_reader *r;
	uint64_t head, end;
	int rc;

	do {
		*lag = (struct ctl_lag){0};
		rc = shmfs_reader_open(s, &r, SHMFS_LOG_END);
		if (rc)
			return rc;
		end = shmfs_reader_position(r);
		rc = shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_BEGIN);
		head = shmfs_reader_position(r);
		if (!rc && position < head)
			lag->lost = head - position;
		else if (!rc)
			rc = shmfs_reader_seek(r, SHMFS_SEEK_POSITION, (int64_t)position);
		if (!rc)
			rc = count(r, end, lag);
		shmfs_reader_close(r);
	} while (rc == -ESTALE); /* the head has moved, so this ends */
	return rc;
}

void ctl_cursor_print(struct json *j, const void *name, size_t size, uint64_t position,
		      const struct ctl_lag *lag)
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
	struct ctl_lag lag;
	int rc = ctl_lag_count(list->s, position, &lag);

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
