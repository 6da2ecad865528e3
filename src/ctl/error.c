/* SPDX-License-Identifier: MIT */
/*
 * Errors: one line on stderr, what is wrong and what to do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

bool ctl_terminal(FILE *stream)
{
	const char *terminal = getenv("TERM");

	return isatty(fileno(stream)) && terminal && strcmp(terminal, "dumb") != 0;
}

bool ctl_colours(FILE *stream)
{
	const char *no = getenv("NO_COLOR");

	return ctl_terminal(stream) && !(no && *no);
}

static bool is_printable(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

static void say(int status, const char *subject, const char *format, va_list ap)
{
	bool colours = ctl_colours(stderr);
	char *quoted = NULL;

	ctl_progress_hide();
	/* A file name with a newline must not make two lines of one error. */
	if (subject && !is_printable(subject))
		subject = quoted = ctl_quote(subject, strlen(subject));
	fputs(!colours ? "" : status == CTL_NO ? "\033[33m" : "\033[1;31m", stderr);
	fprintf(stderr, "shmfsctl:%s ", colours ? "\033[m" : "");
	if (subject)
		fprintf(stderr, "%s: ", subject);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	free(quoted);
}

int ctl_trouble(const char *subject, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(CTL_TROUBLE, subject, format, ap);
	va_end(ap);
	return CTL_TROUBLE;
}

int ctl_no(const char *subject, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(CTL_NO, subject, format, ap);
	va_end(ap);
	return CTL_NO;
}

static const char *advice(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "; `shmfsctl create` or `shmfsctl put` makes a store";
	case -ENODATA:
		return "; `shmfsctl create` or `shmfsctl put` makes a store of the empty file";
	case -EEXIST:
		return "; a store keeps the options it was made with";
	case SHMFS_E_NOT_STORE:
		return "; it was left as it is";
	case -EROFS:
		return "; this verb changes the store";
	case -EFBIG:
		return "; deletes still work";
	case -EACCES:
	case -EPERM:
		return "; `ls -l` shows whose it is";
	case SHMFS_E_NOT_CLOSED:
		return "; `shmfsctl copy` copies a store that is in use";
	case -EISDIR:
		return "; a STORE is a file: that of a mount is what shmfs was given first";
	case -EMFILE:
	case -ENFILE:
		return "; `ulimit -n` shows how many files may be open";
	case -EINVAL:
		return "; the key or value is not of the kind this verb takes";
	case -EAGAIN:
		return "; writers were faster, try again";
	default:
		return "";
	}
}

/* A file or directory of a mount where the store was to be. */
static bool told_mount(const char *path)
{
	char *store = ctl_hint_mount(path), *quoted = store ? ctl_quote(store, strlen(store)) : NULL;

	if (quoted)
		ctl_trouble(path, "is part of a mount, and no store; the store of that mount is %s", quoted);
	free(quoted);
	free(store);
	return quoted != NULL;
}

static bool told_near(const struct ctl_args *args)
{
	const char *path = args->operand[0], *slash = strrchr(path, '/');
	struct ctl_suggest near;
	char *quoted;

	if (!ctl_hint_store(path, &near))
		return false;
	quoted = ctl_quote(near.word, near.word_size);
	ctl_trouble(path, "%s; did you mean %.*s%s?", shmfs_strerror(-ENOENT),
	            slash ? (int)(slash - path) + 1 : 0, path, quoted);
	free(quoted);
	return true;
}

int ctl_failed(const struct ctl_args *args, int rc)
{
	const char *path = args->operand[0];

	if ((rc == SHMFS_E_NOT_STORE || rc == -EISDIR || rc == -EPERM || rc == -ENODATA) && told_mount(path))
		return CTL_TROUBLE;
	if (rc == -ENOENT && access(path, F_OK) && told_near(args))
		return CTL_TROUBLE;
	return ctl_trouble(path, "%s%s%s", shmfs_strerror(rc), advice(rc),
	                   rc == -ENOENT && args->default_store ? "; SHMFS_STORE names it" : "");
}

int ctl_key_answer(const struct ctl_args *args, const char *what, const void *key, size_t size)
{
	/* Enough of a long key to recognise it. */
	char *quoted = ctl_quote(key, size < 200 ? size : 200);

	ctl_no(args->operand[0], "%s: %s%s", what, quoted ? quoted : "", size < 200 ? "" : "...");
	free(quoted);
	return CTL_NO;
}
