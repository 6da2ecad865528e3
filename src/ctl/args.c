/* SPDX-License-Identifier: MIT */
/*
 * The command line of a verb, read by the verb's table of options.
 *
 * Options and operands may be mixed, `--` ends the options.  A word that looks like a
 * negative number is an operand, so that `add STORE KEY -1` needs no `--`.  A STORE that is
 * left out, or is @, is the one that SHMFS_STORE names.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define STORE_VARIABLE "SHMFS_STORE"
#define OPTIONS_MAX 16  /* of one verb */
#define LONG_BASE   256 /* getopt's value of a long option: this and its place in the table */

/* The verb's table in getopt's terms, with --help added. */
struct table {
	const struct ctl_option *option[OPTIONS_MAX + 1];
	struct option longs[OPTIONS_MAX + 2];
	char letters[OPTIONS_MAX * 2 + 4];
	int count;
	bool digits; /* a digit is an option here: "-0" */
	const struct ctl_option *taker; /* the last that took the next word for its value */
	const char *taken;
};

static const struct ctl_option help_option = {OPT_HELP, 'h', "help", NULL, NULL};

static void add_option(struct table *t, const struct ctl_option *option)
{
	char *letter = t->letters + strlen(t->letters);

	t->option[t->count] = option;
	t->longs[t->count] = (struct option){
		.name = option->name,
		.has_arg = option->arg ? required_argument : no_argument,
		.val = LONG_BASE + t->count,
	};
	t->count++;
	if (!option->letter)
		return;
	*letter++ = option->letter;
	if (option->arg)
		*letter = ':';
	t->digits |= isdigit((unsigned char)option->letter) != 0;
}

static const struct ctl_option *find_option(const struct table *t, int code)
{
	int i;

	for (i = 0; i < t->count; i++)
		if (code == LONG_BASE + i || (code < LONG_BASE && code == t->option[i]->letter))
			return t->option[i];
	return NULL;
}

static bool is_negative_number(const char *word)
{
	if (!word || word[0] != '-')
		return false;
	if (word[1] == '.')
		word++;
	return isdigit((unsigned char)word[1]);
}

static int no_such_option(const struct ctl_verb *verb, const struct table *t, const char *word)
{
	char *quoted = ctl_quote(word, strlen(word));
	struct ctl_suggest near;
	int i;

	word += strspn(word, "-");
	ctl_suggest_start(&near, word, strcspn(word, "="));
	for (i = 0; i < t->count; i++)
		ctl_suggest_try(&near, t->option[i]->name, strlen(t->option[i]->name));
	if (near.found)
		ctl_trouble(verb->name, "no option %s; did you mean --%s?", quoted, near.word);
	else
		ctl_trouble(verb->name, "no option %s, or several; see `shmfsctl help %s`", quoted,
		            verb->name);
	free(quoted);
	return CTL_TROUBLE;
}

static int bad_option(const struct ctl_verb *verb, const struct table *t, char **argv, int code)
{
	const struct ctl_option *option = optopt ? find_option(t, optopt) : NULL;
	const char *word = argv[optind - 1];

	if (code == ':' && option)
		return ctl_trouble(verb->name, "--%s needs a value: --%s=%s", option->name,
		                   option->name, option->arg);
	if (option)
		return ctl_trouble(verb->name, "--%s takes no value", option->name);
	if (optopt)
		return ctl_trouble(verb->name,
		                   "no option -%c; what starts with '-' and is none goes after --",
		                   isprint(optopt) ? optopt : '?');
	return no_such_option(verb, t, word);
}

/* tail -n STORE */
static int was_taken(const struct ctl_verb *verb, const struct table *t)
{
	char *quoted = ctl_quote(t->taken, strlen(t->taken));

	ctl_trouble(verb->name, "too few operands, as --%s took %s for its value; usage: "
	                        "shmfsctl %s [OPTION...] %s",
	            t->taker->name, quoted, verb->name, verb->operands);
	free(quoted);
	return CTL_TROUBLE;
}

static int count_operands(const struct ctl_args *args, const struct table *t)
{
	const struct ctl_verb *verb = args->verb;

	if (args->operands >= verb->min_operands && args->operands <= verb->max_operands)
		return 0;
	if (args->operands < verb->min_operands && t->taker)
		return was_taken(verb, t);
	return ctl_trouble(verb->name, "too %s operands; usage: shmfsctl %s [OPTION...] %s",
	                   args->operands < verb->min_operands ? "few" : "many", verb->name,
	                   verb->operands);
}

bool ctl_args_default_store(struct ctl_args *args)
{
	const char *store = getenv(STORE_VARIABLE);

	if (!store || !*store)
		return false;
	memmove(args->operand + 1, args->operand, (size_t)args->operands * sizeof(*args->operand));
	args->operand[0] = store;
	args->operands++;
	args->default_store = true;
	return true;
}

bool ctl_args_store_doubtful(const struct ctl_args *args)
{
	const char *store = getenv(STORE_VARIABLE);

	return store && *store && !args->default_store && args->operands < args->verb->max_operands;
}

/* A command line that means something without the variable means the same with it: only where
 * operands are missing, or at the word @, does it count. */
static int default_store(struct ctl_args *args)
{
	const struct ctl_verb *verb = args->verb;

	if (strncmp(verb->operands, "STORE", strlen("STORE")) != 0)
		return 0;
	if (args->operands && !strcmp(args->operand[0], "@")) {
		args->operands--;
		memmove(args->operand, args->operand + 1,
		        (size_t)args->operands * sizeof(*args->operand));
		if (ctl_args_default_store(args))
			return 0;
		return ctl_trouble(verb->name, "@ stands for the store that " STORE_VARIABLE
		                               " names, and it is not set; ./@ is a file");
	}
	if (args->operands < verb->min_operands)
		(void)ctl_args_default_store(args);
	return 0;
}

int ctl_args_parse(struct ctl_args *args, const struct ctl_verb *verb, int argc, char **argv)
{
	struct table t = {.letters = "-:"}; /* operands in order; tell a missing value */
	const struct ctl_option *option;
	int code;

	*args = (struct ctl_args){.verb = verb, .terminal = isatty(STDOUT_FILENO)};
	args->operand = calloc((size_t)argc + 1, sizeof(*args->operand));
	if (!args->operand)
		return ctl_trouble(NULL, "out of memory");
	for (option = verb->options; option && option->name; option++)
		add_option(&t, option);
	add_option(&t, &help_option);

	opterr = 0;
	optind = 1;
	for (;;) {
		if (!t.digits && optind < argc && is_negative_number(argv[optind])) {
			args->operand[args->operands++] = argv[optind++];
			continue;
		}
		code = getopt_long(argc, argv, t.letters, t.longs, NULL);
		if (code == -1)
			break;
		if (code == 1) {
			args->operand[args->operands++] = optarg;
			continue;
		}
		option = code == '?' || code == ':' ? NULL : find_option(&t, code);
		if (!option)
			return bad_option(verb, &t, argv, code);
		args->value[option->id] = optarg ? optarg : "";
		if (optarg && optarg == argv[optind - 1]) {
			t.taker = option;
			t.taken = optarg;
		}
	}
	while (optind < argc)
		args->operand[args->operands++] = argv[optind++];
	if (ctl_given(args, OPT_HELP))
		return 0;
	return default_store(args) ? CTL_TROUBLE : count_operands(args, &t);
}
