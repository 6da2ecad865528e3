/* SPDX-License-Identifier: MIT */
/*
 * Places in the log: what a command line calls them, and a reader that stands there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define CURSOR_PREFIX "cursor:"

int ctl_place_read(const struct ctl_args *args, const char *text, struct ctl_place *place)
{
	uint64_t steps;
	char *quoted;

	*place = (struct ctl_place){.kind = CTL_AT, .text = text};
	if (ctl_parse_u64(text, &place->position) && place->position != UINT64_MAX)
		return 0;
	if ((*text == '+' || *text == '-') && ctl_parse_u64(text + 1, &steps) &&
	    steps <= INT64_MAX) {
		place->kind = CTL_STEP;
		place->steps = *text == '-' ? -(int64_t)steps : (int64_t)steps;
		return 0;
	}
	if (!strncmp(text, CURSOR_PREFIX, strlen(CURSOR_PREFIX))) {
		place->kind = CTL_CURSOR;
		place->name = text + strlen(CURSOR_PREFIX);
		return 0;
	}
	place->kind = CTL_BEGIN;
	if (!strcmp(text, "begin"))
		return 0;
	place->kind = CTL_END;
	if (!strcmp(text, "end"))
		return 0;
	quoted = ctl_quote(text, strlen(text));
	ctl_trouble(args->verb->name,
		    "%s is no place in the log; say a position, begin, end, +K or -K frames, or "
		    "cursor:NAME",
		    quoted);
	free(quoted);
	return CTL_TROUBLE;
}

/* Where a log begins and ends is worth telling who missed it. */
static uint64_t where(struct shmfs *s, uint64_t what)
{
	struct shmfs_reader *r;
	uint64_t position = 0;

	if (!shmfs_reader_open(s, &r, what)) {
		position = shmfs_reader_position(r);
		shmfs_reader_close(r);
	}
	return position;
}

static int answer(const struct ctl_args *args, struct shmfs *s, const char *text, int rc)
{
	switch (rc) {
	case -ESTALE:
		return ctl_no(args->operand[0], "%s is trimmed; the log begins at %" PRIu64, text,
			      where(s, SHMFS_LOG_BEGIN));
	case -ERANGE:
		if (*text == '+' || *text == '-')
			return ctl_no(args->operand[0], "%s: there are not that many frames", text);
		return ctl_no(args->operand[0],
			      "%s is not in the log, which is from %" PRIu64 " to %" PRIu64, text,
			      where(s, SHMFS_LOG_BEGIN), where(s, SHMFS_LOG_END));
	case -EINVAL:
		return ctl_no(args->operand[0],
			      "no frame begins at %s; `shmfsctl tail --format=json` tells where",
			      text);
	default:
		return ctl_failed(args, rc);
	}
}

static int open_steps(struct shmfs *s, const struct ctl_place *place, uint64_t from, bool clamp,
		      struct shmfs_reader **out)
{
	bool back = place->text[0] == '-'; /* -0 is a place too: the end */
	int rc;

	if (from == CTL_FROM_EITHER_END)
		rc = shmfs_reader_open(s, out, back ? SHMFS_LOG_END : SHMFS_LOG_BEGIN);
	else
		rc = shmfs_reader_open(s, out, from);
	if (rc)
		return rc;
	rc = shmfs_reader_seek(*out, SHMFS_SEEK_FRAMES, place->steps);
	if (rc == -ERANGE && clamp)
		rc = shmfs_reader_seek(*out, SHMFS_SEEK_POSITION,
				       (int64_t)(back ? SHMFS_LOG_BEGIN : SHMFS_LOG_END));
	if (rc)
		shmfs_reader_close(*out);
	return rc;
}

int ctl_place_open(const struct ctl_args *args, struct shmfs *s, const struct ctl_place *place,
		   uint64_t from, bool clamp, struct shmfs_reader **out)
{
	uint64_t position = place->position;
	int rc = 0;

	switch (place->kind) {
	case CTL_BEGIN:
		rc = shmfs_reader_open(s, out, SHMFS_LOG_BEGIN);
		break;
	case CTL_END:
		rc = shmfs_reader_open(s, out, SHMFS_LOG_END);
		break;
	case CTL_STEP:
		rc = open_steps(s, place, from, clamp, out);
		break;
	case CTL_CURSOR:
		rc = *place->name ? shmfs_cursor_get(s, place->name, strlen(place->name), &position)
				  : -ENOENT;
		if (rc == -ENOENT || rc == -E2BIG)
			return ctl_no_such_cursor(args, s, place->name, strlen(place->name));
		/* fall through */
	case CTL_AT:
		if (!rc)
			rc = shmfs_reader_open(s, out, position);
		break;
	}
	return rc ? answer(args, s, place->text, rc) : CTL_YES;
}
