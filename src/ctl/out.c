/* SPDX-License-Identifier: MIT */
/*
 * Output: stdout that is checked, and keys quoted for people.
 */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

void ctl_out_init(void)
{
	int fd;

	/* A closed stdout would let the store become descriptor 1, and be printed into.  The
	 * stand-ins are opened the wrong way round, so that using them still fails. */
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(CTL_TROUBLE);
}

int ctl_out_finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	return ctl_trouble(NULL, "cannot write the output: %s", strerror(errno));
}

bool ctl_out_unread(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

void ctl_out_ends(void)
{
	if (!ctl_stopped() && errno != EPIPE)
		return;
	__fpurge(stdout);
	clearerr(stdout);
}

bool ctl_out_write(const void *data, size_t size)
{
	const char *from = data;
	ssize_t n;

	while (size) {
		n = write(STDOUT_FILENO, from, size < (1 << 20) ? size : 1 << 20);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		from += n;
		size -= (size_t)n;
	}
	return true;
}

/* Bytes of the character at text, 0 if it is not UTF-8. */
static size_t utf8_size(const unsigned char *text, size_t size)
{
	size_t length, i;

	if (text[0] < 0x80)
		return 1;
	length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (text[0] < 0xc2 || text[0] > 0xf4 || length > size)
		return 0;
	for (i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

bool ctl_is_utf8(const void *data, size_t size)
{
	const unsigned char *text = data;
	size_t i, length;

	for (i = 0; i < size; i += length) {
		length = utf8_size(text + i, size - i);
		if (!length)
			return false;
	}
	return true;
}

/* Can a terminal show the character?  Neither C0 nor C1 controls: both can drive it. */
static bool is_visible(const unsigned char *text, size_t length)
{
	if (length == 1)
		return text[0] >= 0x20 && text[0] < 0x7f;
	return length && !(length == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

size_t ctl_visible_size(const unsigned char *text, size_t size)
{
	size_t length = utf8_size(text, size);

	return is_visible(text, length) ? length : 0;
}

static bool all_visible(const unsigned char *text, size_t size)
{
	size_t i, length;

	for (i = 0; i < size; i += length) {
		length = utf8_size(text + i, size - i);
		if (!is_visible(text + i, length))
			return false;
	}
	return true;
}

/* No command line can hold the key itself. */
static char *quote_name(const void *data, size_t size)
{
	char name[SHMFS_NAME_SIZE];
	char *word = NULL;
	char *quoted;

	shmfs_name_encode(data, size, name);
	quoted = ctl_quote(name, strlen(name));
	if (quoted && asprintf(&word, "--name %s", quoted) < 0)
		word = NULL;
	free(quoted);
	return word;
}

/* $'...' with escapes, as bash, zsh, ksh and POSIX 2024 read it. */
static char *quote_escaped(const unsigned char *text, size_t size)
{
	char *word = malloc(size * 4 + 4);
	size_t i, length;
	char *to = word;

	if (!word)
		return NULL;
	to += sprintf(to, "$'");
	for (i = 0; i < size; i += length) {
		length = utf8_size(text + i, size - i);
		if (!is_visible(text + i, length)) {
			length = length ? length : 1;
			for (size_t k = 0; k < length; k++)
				to += text[i + k] == '\n' ? sprintf(to, "\\n")
				                          : sprintf(to, "\\%03o", text[i + k]);
			continue;
		}
		if (text[i] == '\'' || text[i] == '\\')
			*to++ = '\\';
		memcpy(to, text + i, length);
		to += length;
	}
	sprintf(to, "'");
	return word;
}

static char *quote_plain(const unsigned char *text, size_t size)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789%+,-./:@_";
	char *word = malloc(size + 3);
	size_t i;

	if (!word)
		return NULL;
	for (i = 0; i < size && (text[i] >= 0x80 || strchr(safe, text[i])); i++)
		;
	sprintf(word, size && i == size ? "%.*s" : "'%.*s'", (int)size, (const char *)text);
	return word;
}

char *ctl_quote(const void *data, size_t size)
{
	if (memchr(data, '\0', size))
		return quote_name(data, size);
	if (!all_visible(data, size) || memchr(data, '\'', size))
		return quote_escaped(data, size);
	return quote_plain(data, size);
}
