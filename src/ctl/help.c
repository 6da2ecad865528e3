/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl help: made from the same tables that read the command line.
 */
#include <string.h>

#include "ctl.h"

#define COLUMN 24 /* where the text about an option starts */

static void print_option(const struct ctl_option *o)
{
	const char *text = o->help;
	char letter[] = "-x, ";
	size_t length;

	letter[1] = o->letter;
	length = (size_t)printf("  %s--%s%s%s", o->letter ? letter : "", o->name, o->arg ? "=" : "",
	                        o->arg ? o->arg : "");
	if (length >= COLUMN) {
		putchar('\n');
		length = 0;
	}
	for (;;) {
		size_t line = strcspn(text, "\n");

		printf("%*s%.*s\n", (int)(COLUMN - length), "", (int)line, text);
		length = 0;
		if (!text[line])
			break;
		text += line + 1;
	}
}

void ctl_help_verb(const struct ctl_verb *verb)
{
	static const struct ctl_option help = {OPT_HELP, 'h', "help", NULL, "print this"};
	const struct ctl_option *o;

	printf("Usage: shmfsctl %s [OPTION...] %s\n\n%s\nOptions:\n", verb->name, verb->operands,
	       verb->details);
	for (o = verb->options; o && o->name; o++)
		print_option(o);
	print_option(&help);
}

void ctl_help_all(void)
{
	size_t i;

	printf("Usage: shmfsctl VERB [OPTION...] STORE [OPERAND...]\n"
	       "Read and change a store: one file that holds a hash map and a log.\n"
	       "\n"
	       "Verbs:\n");
	for (i = 0; ctl_verbs[i]; i++)
		printf("  %-8s %s\n", ctl_verbs[i]->name, ctl_verbs[i]->summary);
	printf("\n"
	       "`shmfsctl help VERB` tells more.  -V, --version prints the version.\n"
	       "A STORE that is left out, or @, is that in $SHMFS_STORE; see shmfsctl(1).\n"
	       "Exit status: 0 yes or done, 1 no (no such key, cursor or frame, a condition does\n"
	       "not hold, check found problems), 2 trouble.\n");
}

static int run(const struct ctl_args *args)
{
	const struct ctl_verb *verb;

	if (!args->operands) {
		ctl_help_all();
		return CTL_YES;
	}
	verb = ctl_find_verb(args->operand[0]);
	if (!verb)
		return ctl_no_such_verb(args->operand[0]);
	ctl_help_verb(verb);
	return CTL_YES;
}

const struct ctl_verb ctl_verb_help = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "explain a verb",
	.details = "Explains VERB, or lists all verbs.\n",
	.min_operands = 0,
	.max_operands = 1,
	.run = run,
};
