/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl append: frames to the log, from the command line or from stdin.
 *
 * Lines from stdin are appended as they arrive: what one read(2) returns, up to its last
 * newline, goes in with few calls, and nothing waits for input that has not come yet.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define BUFFER_FIRST ((size_t)1 << 20)
#define BUFFER_MOST  ((size_t)SHMFS_FRAME_MAX + 1) /* one more tells that it is too long */

/* A batch is padded to the next segment where it does not fit, so small ones waste little. */
#define BATCH_BYTES  ((size_t)1 << 16)
#define BATCH_FRAMES 512
#define FRAME_WORDS  31 /* bytes a frame takes besides its payload, at most */

static const struct ctl_option options[] = {
	{OPT_RAW, 0, "raw", NULL, "all of stdin is one frame"},
	{OPT_JSON, 0, "json", NULL, "count of frames and positions as a JSON object"},
	{0},
};

struct append {
	const struct ctl_args *args;
	struct shmfs *s;
	char *buffer;
	size_t room;
	size_t size;
	struct shmfs_frame frames[BATCH_FRAMES];
	size_t count;
	size_t bytes;	/* of the batch, and the frames' words */
	uint64_t lines; /* appended */
	uint64_t first, last; /* positions of those */
};

/* ---- errors ------------------------------------------------------------------ */

struct slowest {
	char *name; /* quoted; NULL: none yet */
	uint64_t position;
};

static int compare(void *arg, const void *name, size_t size, uint64_t position)
{
	struct slowest *slowest = arg;

	if (slowest->name && slowest->position <= position)
		return 0;
	free(slowest->name);
	slowest->name = ctl_quote(name, size);
	slowest->position = position;
	return 0;
}

static int failed(struct append *a, int rc)
{
	const char *store = a->args->operand[0];
	struct slowest slowest = {0};
	char line[40] = "";

	/* Of stdin, which line it stopped at: those before it are in the log. */
	if (a->buffer && !ctl_given(a->args, OPT_RAW))
		snprintf(line, sizeof(line), "line %" PRIu64 ": ", a->lines + 1);
	if (rc == -EMSGSIZE)
		return ctl_trouble(store, "%slonger than %" PRIu64 " bytes, the longest frame",
				   line, SHMFS_FRAME_MAX);
	if (rc == SHMFS_E_LOG_FULL)
		shmfs_cursor_walk(a->s, compare, &slowest);
	if (!slowest.name)
		return ctl_trouble(store, "%s%s", line, shmfs_strerror(rc));
	ctl_trouble(store,
		    "%sthe log is full, and the cursor %s, at %" PRIu64
		    ", needs its oldest part; move it (`shmfsctl cursor STORE set`) or remove it",
		    line, slowest.name, slowest.position);
	free(slowest.name);
	return CTL_TROUBLE;
}

/* ---- stdin --------------------------------------------------------------------- */

/* Read what there is, at least a byte.  *end: there is no more.  CTL_YES or CTL_TROUBLE. */
static int read_more(struct append *a, bool *end)
{
	ssize_t n;

	if (a->size == a->room) {
		size_t room = a->room ? a->room * 2 : BUFFER_FIRST;
		char *buffer;

		room = room < BUFFER_MOST ? room : BUFFER_MOST;
		buffer = realloc(a->buffer, room);
		if (!buffer)
			return ctl_trouble(NULL, "out of memory");
		a->buffer = buffer;
		a->room = room;
	}
	do
		n = read(STDIN_FILENO, a->buffer + a->size, a->room - a->size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ctl_trouble(NULL, "cannot read stdin: %s", strerror(errno));
	a->size += (size_t)n;
	*end = !n;
	return CTL_YES;
}

static int flush(struct append *a)
{
	int rc = shmfs_log_append_many(a->s, a->frames, a->count);

	if (rc)
		return failed(a, rc);
	a->first = a->lines ? a->first : a->frames[0].position;
	a->last = a->frames[a->count - 1].position;
	a->lines += a->count;
	a->count = a->bytes = 0;
	return CTL_YES;
}

static int add(struct append *a, const char *line, size_t size)
{
	int status = CTL_YES;

	if (a->count && (a->count == BATCH_FRAMES || size + FRAME_WORDS > BATCH_BYTES - a->bytes))
		status = flush(a);
	if (status)
		return status;
	if (size > SHMFS_FRAME_MAX)
		return failed(a, -EMSGSIZE);
	a->frames[a->count++] = (struct shmfs_frame){.data = line, .size = size};
	a->bytes += size + FRAME_WORDS;
	/* Alone it may be longer than a batch; the next one must not be measured against it. */
	return a->bytes > BATCH_BYTES ? flush(a) : CTL_YES;
}

/* Append the lines in the buffer, the newest bytes of which start at `fresh`. */
static int append_lines(struct append *a, size_t fresh)
{
	char *line = a->buffer, *end = a->buffer + a->size, *from = a->buffer + fresh, *newline;
	int status = CTL_YES;

	while (!status && (newline = memchr(from, '\n', (size_t)(end - from)))) {
		from = newline + 1;
		status = add(a, line, (size_t)(from - line));
		line = from;
	}
	if (!status && a->count)
		status = flush(a);
	if (status)
		return status;
	a->size = (size_t)(end - line);
	memmove(a->buffer, line, a->size);
	return a->size == BUFFER_MOST ? failed(a, -EMSGSIZE) : CTL_YES;
}

static int append_stdin(struct append *a)
{
	bool raw = ctl_given(a->args, OPT_RAW), end;
	int status;

	for (;;) {
		size_t fresh = a->size;

		status = read_more(a, &end);
		if (status || end)
			break;
		if (raw && a->size == BUFFER_MOST)
			return failed(a, -EMSGSIZE);
		status = raw ? CTL_YES : append_lines(a, fresh);
		if (status)
			break;
	}
	if (status || (!raw && !a->size))
		return status;
	a->frames[0] = (struct shmfs_frame){.data = a->buffer, .size = a->size};
	a->count = 1;
	return flush(a);
}

/* ---- the verb -------------------------------------------------------------------- */

static int append(struct append *a)
{
	const char *frame = a->args->operands > 1 ? a->args->operand[1] : NULL;

	if (!frame)
		return append_stdin(a);
	a->frames[0] = (struct shmfs_frame){.data = frame, .size = strlen(frame)};
	a->count = 1;
	return flush(a);
}

/* Also of those before a frame that failed. */
static void print_json(const struct append *a)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	json_name(&j, "frames");
	json_u64(&j, a->lines);
	if (a->lines) {
		json_name(&j, "first");
		json_u64(&j, a->first);
		json_name(&j, "last");
		json_u64(&j, a->last);
	}
	json_end(&j);
}

static int run(const struct ctl_args *args)
{
	struct append *a;
	int status;

	if (ctl_given(args, OPT_RAW) && args->operands > 1)
		return ctl_trouble("append", "--raw takes the frame from stdin: give no FRAME");
	a = calloc(1, sizeof(*a));
	if (!a)
		return ctl_trouble(NULL, "out of memory");
	a->args = args;
	status = ctl_open(args, SHMFS_RDWR | SHMFS_CREATE, &a->s);
	if (!status)
		status = ctl_close(args, a->s, append(a));
	if (ctl_given(args, OPT_JSON) && (!status || a->lines))
		print_json(a);
	free(a->buffer);
	free(a);
	return status;
}

const struct ctl_verb ctl_verb_append = {
	.name = "append",
	.operands = "STORE [FRAME]",
	.summary = "append frames to the log",
	.details =
		"Appends FRAME to the log, exactly and with nothing added.  Without FRAME each\n"
		"line of stdin is a frame, with its newline, and in the log as soon as it has\n"
		"been read; an error names the first line that is not.  A missing STORE is made.\n"
		"A FRAME that starts with '-' goes after `--`.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.run = run,
};
