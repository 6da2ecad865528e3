/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl tail: frames of the log to stdout, and on request those still to come.
 *
 * Frames are copied out, so that a slow reader of the output holds back nothing in the
 * store.  Whoever is too slow for a log that is trimmed is told what was missed.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define OUTPUT_BUFFER (1 << 16)
#define WAIT_MS	      250 /* how often --follow looks whether somebody still reads */

static const struct ctl_option options[] = {
	{OPT_FROM, 0, "from", "PLACE",
	 "start at begin (the default), end, a position,\n-N: the last N frames, +N: behind "
	 "the first N, or\ncursor:NAME"},
	{OPT_LAST, 'n', "last", "N", "only the last N frames, the same as --from=-N"},
	{OPT_FOLLOW, 'f', "follow", NULL, "at the end wait for more frames"},
	{OPT_MAX_FRAMES, 0, "count", "N", "stop after N frames"},
	{OPT_FORMAT, 0, "format", "lines|raw|nul|json|TEMPLATE",
	 "default lines; a template is as find -printf has\nthem: %p position, %s size, %d the frame, %D it\n"
	 "without a final newline, %b it in base64, %% a\npercent sign; \\n \\t \\r \\\\ \\NNN (octal) ..."},
	{OPT_JSON, 0, "json", NULL, "the same as --format=json"},
	{OPT_REVERSE, 'r', "reverse", NULL, "newest first: go back, by default from the end"},
	{0},
};

enum format { LINES, RAW, NUL, JSON, FORMATS, TEMPLATE };
static const char *const format_names[FORMATS] = {"lines", "raw", "nul", "json"};

struct tail {
	const struct ctl_args *args;
	struct shmfs *s;
	struct shmfs_reader *reader;
	struct ctl_place from;
	char last[32]; /* the place that -n means */
	uint64_t end;
	uint64_t most; /* frames to print */
	enum format format;
	const char *template;
	bool follow, reverse;
	char *buffer;
	size_t room;
};

/* ---- output -------------------------------------------------------------------- */

static void print_json(const char *data, size_t size, uint64_t position)
{
	struct json j = {.file = stdout};

	json_open(&j, '{');
	json_name(&j, "position");
	json_u64(&j, position);
	json_bytes(&j, "data", data, size);
	json_end(&j);
}

struct frame {
	const char *data;
	size_t size;
	uint64_t position;
};

static void print_directive(void *arg, char directive)
{
	const struct frame *f = arg;
	bool newline = f->size && f->data[f->size - 1] == '\n';

	switch (directive) {
	case 'p':
		printf("%" PRIu64, f->position);
		break;
	case 's':
		printf("%zu", f->size);
		break;
	case 'd':
		fwrite(f->data, 1, f->size, stdout);
		break;
	case 'D':
		fwrite(f->data, 1, f->size - newline, stdout);
		break;
	case 'b':
		base64_print(stdout, f->data, f->size);
		break;
	}
}

static void print(const struct tail *t, size_t size, uint64_t position)
{
	if (t->format == JSON) {
		print_json(t->buffer, size, position);
		return;
	}
	if (t->format == TEMPLATE) {
		ctl_template_print(t->template, print_directive,
		                   &(struct frame){t->buffer, size, position});
		return;
	}
	fwrite(t->buffer, 1, size, stdout);
	if (t->format == NUL)
		putchar('\0');
	else if (t->format == LINES && (!size || t->buffer[size - 1] != '\n'))
		putchar('\n');
}

static int output_failed(const struct tail *t)
{
	if (t->follow)
		ctl_out_ends();
	return CTL_YES; /* else main() finds the error, and says so */
}

/* ---- input ----------------------------------------------------------------------- */

static int next(struct tail *t, size_t *size, uint64_t *position)
{
	int rc;

	do {
		*size = t->room;
		rc = t->reverse ? shmfs_reader_prev(t->reader, t->buffer, size, position)
				: shmfs_reader_next(t->reader, t->buffer, size, position);
		if (rc == -EMSGSIZE) {
			char *buffer = realloc(t->buffer, *size);

			if (!buffer)
				return -ENOMEM;
			t->buffer = buffer;
			t->room = *size;
		}
	} while (rc == -EMSGSIZE);
	return rc;
}

/* Go on at the head, and tell what was missed. */
static int overtaken(struct tail *t)
{
	uint64_t from = shmfs_reader_position(t->reader);
	int rc = shmfs_reader_seek(t->reader, SHMFS_SEEK_POSITION, (int64_t)SHMFS_LOG_BEGIN);

	if (rc)
		return ctl_failed(t->args, rc);
	return ctl_no(t->args->operand[0],
		      "what was from %" PRIu64 " to %" PRIu64 " was trimmed before it was read",
		      from, shmfs_reader_position(t->reader));
}

/* CTL_YES: look again.  CTL_NO: it is over. */
static int wait_for_more(struct tail *t)
{
	int rc;

	if (fflush(stdout))
		return CTL_NO;
	rc = shmfs_reader_wait(t->reader, WAIT_MS);
	if (rc == -ETIMEDOUT)
		return ctl_out_unread() ? CTL_NO : CTL_YES;
	/* Trimmed is for the next look to find. */
	return !rc || rc == -EINTR || rc == -ESTALE ? CTL_YES : ctl_failed(t->args, rc);
}

/* The end at this moment: without --follow a writer that does not rest must not keep us, and
 * the last N frames are N. */
static int find_end(struct tail *t)
{
	struct shmfs_reader *r;
	int rc = shmfs_reader_open(t->s, &r, SHMFS_LOG_END);

	if (rc)
		return ctl_failed(t->args, rc);
	t->end = shmfs_reader_position(r);
	shmfs_reader_close(r);
	return CTL_YES;
}

static int open_reader(struct tail *t)
{
	bool last = t->from.kind == CTL_STEP && *t->from.text == '-';
	int status = find_end(t);

	return status ? status
	              : ctl_place_open(t->args, t->s, &t->from, last ? t->end : CTL_FROM_EITHER_END, true,
	                               &t->reader);
}

static int copy(struct tail *t)
{
	uint64_t end = t->follow || t->reverse ? UINT64_MAX : t->end, position, done = 0;
	int status = CTL_YES, answer, rc;
	size_t size;

	while (!ctl_stopped() && done < t->most && shmfs_reader_position(t->reader) < end) {
		rc = next(t, &size, &position);
		if (!rc && position >= end) {
			break;
		} else if (!rc) {
			print(t, size, position);
			done++;
			if (ferror(stdout))
				return output_failed(t);
		} else if (rc == -ENODATA && t->follow) {
			answer = wait_for_more(t);
			if (answer)
				return answer == CTL_NO ? output_failed(t) : answer;
		} else if (rc == -ENODATA || (rc == -ESTALE && t->reverse)) {
			break;
		} else if (rc == -ESTALE) {
			answer = overtaken(t);
			if (answer != CTL_NO)
				return answer;
			status = t->follow ? CTL_YES : CTL_NO;
		} else {
			return ctl_failed(t->args, rc);
		}
	}
	if (fflush(stdout))
		return output_failed(t);
	return status;
}

/* ---- the verb ---------------------------------------------------------------------- */

static int read_format(struct tail *t)
{
	const char *format = t->args->value[OPT_FORMAT];

	if (ctl_given(t->args, OPT_JSON)) {
		if (format && strcmp(format, "json") != 0)
			return ctl_trouble("tail", "--json and --format=%s exclude each other", format);
		t->format = JSON;
		return 0;
	}
	if (format && strpbrk(format, "%\\")) {
		t->format = TEMPLATE;
		t->template = format;
		return ctl_template_check(t->args, format, "psdDb");
	}
	for (t->format = LINES; format && strcmp(format, format_names[t->format]) != 0;)
		if (++t->format == FORMATS)
			return ctl_trouble("tail", "--format is lines, raw, nul, json, or a template such "
			                           "as '%%p %%D\\n'");
	return 0;
}

/* -n: as --from=-N, but backwards the newest N. */
static int read_last(struct tail *t, const char **from)
{
	const struct ctl_args *args = t->args;
	uint64_t last;

	if (!ctl_given(args, OPT_LAST))
		return 0;
	if (*from)
		return ctl_trouble("tail", "--last and --from exclude each other; --count=N stops after N frames");
	if (!ctl_parse_u64(args->value[OPT_LAST], &last) || last > INT64_MAX)
		return ctl_trouble("tail", "--last is a number; --from=+K leaves out the first K frames");
	if (t->reverse && last < t->most)
		t->most = last;
	snprintf(t->last, sizeof(t->last), "-%" PRIu64, last);
	*from = t->reverse ? NULL : t->last;
	return 0;
}

static int read_options(struct tail *t)
{
	const struct ctl_args *args = t->args;
	const char *from = args->value[OPT_FROM];

	t->follow = ctl_given(args, OPT_FOLLOW);
	t->reverse = ctl_given(args, OPT_REVERSE);
	if (t->follow && t->reverse)
		return ctl_trouble("tail", "--follow and --reverse exclude each other");
	if (read_format(t))
		return CTL_TROUBLE;
	t->most = UINT64_MAX;
	if (ctl_given(args, OPT_MAX_FRAMES) &&
	    !ctl_parse_u64(args->value[OPT_MAX_FRAMES], &t->most))
		return ctl_trouble("tail", "--count is not a number");
	if (read_last(t, &from))
		return CTL_TROUBLE;
	return ctl_place_read(args, from ? from : t->reverse ? "end" : "begin", &t->from);
}

static int run(const struct ctl_args *args)
{
	struct tail t = {.args = args, .room = OUTPUT_BUFFER};
	int status;

	if (read_options(&t))
		return CTL_TROUBLE;
	t.buffer = malloc(t.room);
	if (!t.buffer)
		return ctl_trouble(NULL, "out of memory");
	if (!args->terminal)
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	status = ctl_open(args, SHMFS_RDONLY, &t.s);
	if (!status) {
		status = open_reader(&t);
		if (!status) {
			if (t.follow) {
				ctl_signals_catch();
				sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN},
				          NULL);
			}
			status = copy(&t);
			shmfs_reader_close(t.reader);
		}
		status = ctl_close(args, t.s, status);
	}
	free(t.buffer);
	return status;
}

const struct ctl_verb ctl_verb_tail = {
	.name = "tail",
	.operands = "STORE",
	.summary = "print frames of the log",
	.details =
		"Prints the frames that are in the log.  As lines, a frame that does not end in\n"
		"a newline gets one; raw adds nothing, nul a NUL byte behind each frame, json is\n"
		"an object a line.  Frames trimmed before they were read are told on stderr.\n"
		"-n 5 -f: the last five, then those to come; -n 0 -f: only those.\n"
		"--follow ends with exit status 0 on SIGINT, SIGTERM, or when nobody reads what\n"
		"it prints.  An empty log is no error.\n"
		"Exit status 1: there is no such place or cursor, or (without --follow) frames\n"
		"were trimmed before they were read.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
