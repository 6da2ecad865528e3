/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl: find the verb, read its command line, run it.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* In the order of `shmfsctl help`: as one meets them. */
const struct ctl_verb *const ctl_verbs[] = {
	&ctl_verb_create,  &ctl_verb_put,     &ctl_verb_get,     &ctl_verb_del,
	&ctl_verb_mv,      &ctl_verb_add,     &ctl_verb_exists,  &ctl_verb_ls,
	&ctl_verb_watch,   &ctl_verb_append,  &ctl_verb_tail,    &ctl_verb_cursor,
	&ctl_verb_trim,    &ctl_verb_stat,    &ctl_verb_sync,    &ctl_verb_check,
	&ctl_verb_copy,    &ctl_verb_compact, &ctl_verb_dump,    &ctl_verb_load,
	&ctl_verb_export,  &ctl_verb_import,  &ctl_verb_name,    &ctl_verb_bench,
	&ctl_verb_help,    NULL,
};

const struct ctl_verb *ctl_find_verb(const char *name)
{
	size_t i;

	for (i = 0; ctl_verbs[i]; i++)
		if (!strcmp(ctl_verbs[i]->name, name))
			return ctl_verbs[i];
	return NULL;
}

int ctl_no_such_verb(const char *name)
{
	struct ctl_suggest near;
	size_t i;

	ctl_suggest_start(&near, name, strlen(name));
	for (i = 0; ctl_verbs[i]; i++)
		ctl_suggest_try(&near, ctl_verbs[i]->name, strlen(ctl_verbs[i]->name));
	if (near.found)
		return ctl_trouble(name, "no such verb; did you mean %s?  `shmfsctl help` lists them",
		                   near.word);
	return ctl_trouble(name, "no such verb; `shmfsctl help` lists them");
}

static int run(const struct ctl_verb *verb, int argc, char **argv)
{
	struct ctl_args args;
	int status = ctl_args_parse(&args, verb, argc, argv);

	if (!status) {
		if (ctl_given(&args, OPT_HELP))
			ctl_help_verb(verb);
		else
			status = verb->run(&args);
	}
	free(args.operand);
	return status;
}

int main(int argc, char **argv)
{
	const struct ctl_verb *verb;

	ctl_out_init();
	if (argc < 2)
		return ctl_trouble(NULL, "which verb?  `shmfsctl help` lists them");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		ctl_help_all();
		return ctl_out_finish(CTL_YES);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("shmfsctl %s\n", shmfs_version());
		return ctl_out_finish(CTL_YES);
	}
	verb = ctl_find_verb(argv[1]);
	if (!verb && argc > 2 && ctl_find_verb(argv[2]))
		return ctl_trouble(argv[1], "the verb comes first: shmfsctl %s STORE ...", argv[2]);
	if (!verb)
		return ctl_no_such_verb(argv[1]);
	return ctl_out_finish(run(verb, argc - 1, argv + 1));
}
