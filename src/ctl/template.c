/* SPDX-License-Identifier: MIT */
/*
 * Templates for --format, as find(1) has them for -printf: %x is a directive, %% a percent sign,
 * \n and its like are escapes, and no newline is added.
 */
#include <ctype.h>
#include <string.h>

#include "ctl.h"

static const char escapes[] = "a\ab\bf\fn\nr\rt\tv\v\\\\"; /* the letter, what it stands for */

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The byte of an escape, behind its backslash.  NULL: there is no such escape. */
static const char *escape(const char *text, char *byte)
{
	unsigned value = 0;
	int digits;

	if (is_octal(*text)) {
		for (digits = 0; digits < 3 && is_octal(*text); digits++)
			value = value * 8 + (unsigned)(*text++ - '0');
		*byte = (char)value;
		return value < 256 ? text : NULL;
	}
	for (size_t i = 0; escapes[i]; i += 2) {
		if (escapes[i] == *text) {
			*byte = escapes[i + 1];
			return text + 1;
		}
	}
	return NULL;
}

static int bad(const struct ctl_args *args, const char *what, char c, const char *directives)
{
	char list[80] = "", *to = list;
	char word[3] = {*what, isprint((unsigned char)c) ? c : '\0', '\0'};

	for (; *directives && to < list + sizeof(list) - 4; directives++)
		to += sprintf(to, " %%%c", *directives);
	return ctl_trouble(args->verb->name, "--format: %s is no %s; there are%s %%%%%s", word,
	                   *what == '%' ? "directive" : "escape", list,
	                   *what == '%' ? "" : " and \\n \\t \\r \\a \\b \\f \\v \\\\ \\NNN");
}

int ctl_template_check(const struct ctl_args *args, const char *text, const char *directives)
{
	const char *behind;
	bool any = false;
	char byte;

	while (*text) {
		if (*text == '%') {
			if (text[1] != '%' && (!text[1] || !strchr(directives, text[1])))
				return bad(args, "%", text[1], directives);
			any |= text[1] != '%';
			text += 2;
		} else if (*text == '\\') {
			behind = escape(text + 1, &byte);
			if (!behind)
				return bad(args, "\\", text[1], directives);
			text = behind;
		} else {
			text++;
		}
	}
	return any ? 0
	           : ctl_trouble(args->verb->name, "--format has no directive; `shmfsctl help %s` lists them",
	                         args->verb->name);
}

void ctl_template_print(const char *text, ctl_template_fn *print, void *arg)
{
	char byte;

	while (*text) {
		if (*text == '%' && text[1] != '%') {
			print(arg, text[1]);
			text += 2;
		} else if (*text == '\\') {
			text = escape(text + 1, &byte);
			putchar(byte);
		} else {
			putchar(*text);
			text += *text == '%' ? 2 : 1;
		}
	}
}
