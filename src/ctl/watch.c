/* SPDX-License-Identifier: MIT */
/*
 * shmfsctl watch: a line for each change of a key.
 *
 * Of all keys every change is told, by hash; the key's bytes are looked up.  Keys that were named are
 * asked for one set at a time, and compared by version: between two looks a key may change
 * twice and be told once, but what was told last is what is stored.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

#define EVENTS 256
#define WAIT_MS 250 /* how often we look whether somebody still reads */

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{OPT_LIST, 'l', "list", NULL, "first print the keys that are there"},
	{OPT_MAX_FRAMES, 'n', "count", "N", "stop after N changes"},
	{OPT_NUL, '0', "null", NULL, "end each line with a NUL byte"},
	{OPT_JSON, 0, "json", NULL, "one JSON object a line"},
	{0},
};

struct watched {
	struct ctl_key key;
	uint32_t set;
	uint64_t version; /* 0: absent */
};

struct watch {
	const struct ctl_args *args;
	struct shmfs *s;
	struct shmfs_watch *w;
	struct watched *keys; /* NULL: all */
	size_t n;
	uint64_t most; /* changes to print */
	void *key;     /* room for one */
};

/* ---- output -------------------------------------------------------------------- */

/* key NULL: any key may have changed. */
static void print(const struct watch *w, const char *change, const void *key, size_t size)
{
	struct json j = {.file = stdout};
	const char *shown = NULL;
	char *owned = NULL;

	if (ctl_given(w->args, OPT_JSON)) {
		json_open(&j, '{');
		json_name(&j, "change");
		json_text(&j, change, strlen(change));
		if (key)
			json_key(&j, key, size);
		json_close(&j, '}');
		putchar('\n');
		return;
	}
	if (key)
		shown = ctl_key_shown(w->args, key, &size, &owned);
	fputs(shown ? change : "everything", stdout);
	if (shown) {
		putchar(' ');
		fwrite(shown, 1, size, stdout);
	}
	putchar(ctl_given(w->args, OPT_NUL) ? '\0' : '\n');
	free(owned);
}

static void print_change(struct watch *w, const char *change, const void *key, size_t size)
{
	if (!w->most || ferror(stdout))
		return;
	w->most--;
	print(w, change, key, size);
}

/* ---- keys that were named --------------------------------------------------------- */

/* Ask for the key's set, and look at the key; first: it is not known yet. */
static int look_at(struct watch *w, struct watched *k, bool first)
{
	struct shmfs_info info = {0};
	uint64_t before = k->version;
	int rc = shmfs_watch_add(w->w, k->key.data, k->key.size, &k->set);

	if (!rc)
		rc = shmfs_exists(w->s, k->key.data, k->key.size, &info);
	if (rc && rc != -ENOENT)
		return ctl_failed(w->args, rc);
	k->version = rc ? 0 : info.version;
	if (first && k->version && ctl_given(w->args, OPT_LIST))
		print(w, "exists", k->key.data, k->key.size);
	if (!first && k->version != before)
		print_change(w, !k->version ? "deleted" : before ? "changed" : "created",
		             k->key.data, k->key.size);
	return 0;
}

static int named(struct watch *w, const struct shmfs_watch_event *e)
{
	int status = 0;
	size_t i;

	for (i = 0; i < w->n && !status; i++)
		if (e->kind == SHMFS_WATCH_EVERYTHING || e->set == w->keys[i].set)
			status = look_at(w, &w->keys[i], false);
	return status;
}

static int read_keys(struct watch *w)
{
	int status = 0;

	w->keys = calloc((size_t)w->args->operands, sizeof(*w->keys));
	if (!w->keys)
		return ctl_trouble(NULL, "out of memory");
	for (; !status && w->n + 1 < (size_t)w->args->operands; w->n++) {
		struct ctl_key *key = &w->keys[w->n].key;

		status = ctl_key_read(w->args, w->args->operand[w->n + 1], key);
		if (!status)
			status = ctl_key_find_or_refuse(w->args, w->s, key);
	}
	return status;
}

/* ---- all keys --------------------------------------------------------------------- */

static int any(struct watch *w, const struct shmfs_watch_event *e)
{
	static const char *const changes[] = {
		[SHMFS_WATCH_CHANGED] = "changed",
		[SHMFS_WATCH_CREATED] = "created",
		[SHMFS_WATCH_DELETED] = "deleted",
	};
	size_t size = SHMFS_KEY_MAX;
	int rc = shmfs_watch_key(w->w, e, w->key, &size);

	if (rc && rc != -ENOENT)
		return ctl_failed(w->args, rc);
	if (rc)
		print_change(w, "everything", NULL, 0);
	else
		print_change(w, changes[e->kind], w->key, size);
	return 0;
}

static int list(struct watch *w)
{
	struct shmfs_entry entry;
	struct shmfs_iter *it;
	int rc = shmfs_iter_open(w->s, &it, 0);

	if (rc)
		return ctl_failed(w->args, rc);
	while (!ferror(stdout) && !(rc = shmfs_iter_next(it, &entry)))
		print(w, "exists", entry.key, entry.key_size);
	shmfs_iter_close(it);
	return rc && rc != -ENOENT ? ctl_failed(w->args, rc) : 0;
}

/* ---- the verb ---------------------------------------------------------------------- */

static int watch(struct watch *w)
{
	struct shmfs_watch_event events[EVENTS];
	int status = CTL_YES;
	size_t i, n;

	while (!status && !ctl_stopped() && w->most) {
		int rc;

		if (fflush(stdout))
			break;
		rc = shmfs_watch_wait(w->w, WAIT_MS, events, EVENTS, &n);
		if (rc == -ETIMEDOUT && ctl_out_unread())
			break;
		if (rc && rc != -ETIMEDOUT && rc != -EINTR)
			return ctl_failed(w->args, rc);
		for (i = 0; i < n && !status; i++)
			status = w->keys ? named(w, &events[i]) : any(w, &events[i]);
	}
	if (fflush(stdout))
		ctl_out_ends();
	return status;
}

/* What is there before anything is told: nothing gets lost in between. */
static int begin(struct watch *w)
{
	int status = CTL_YES;
	size_t i;

	for (i = 0; i < w->n && !status; i++)
		status = look_at(w, &w->keys[i], true);
	if (!w->keys && ctl_given(w->args, OPT_LIST))
		status = list(w);
	return status;
}

/* Who may not write polls, and so does one too many. */
static int open_watch(struct watch *w)
{
	uint32_t flags = w->keys ? 0 : SHMFS_WATCH_ALL;
	int rc = shmfs_watch_open(w->s, &w->w, flags);

	if (rc == -EROFS || rc == -EUSERS)
		rc = shmfs_watch_open(w->s, &w->w, SHMFS_WATCH_POLL);
	return rc ? ctl_failed(w->args, rc) : CTL_YES;
}

static int run(const struct ctl_args *args)
{
	struct watch w = {.args = args, .most = UINT64_MAX};
	int status;

	if (ctl_given(args, OPT_JSON) && (ctl_given(args, OPT_NUL)))
		return ctl_trouble("watch", "--json ends each object with a newline: give no -0 with it");
	if (ctl_given(args, OPT_MAX_FRAMES) && !ctl_parse_u64(args->value[OPT_MAX_FRAMES], &w.most))
		return ctl_trouble("watch", "--count is not a number");
	w.key = malloc(SHMFS_KEY_MAX);
	if (!w.key)
		return ctl_trouble(NULL, "out of memory");
	status = ctl_moment_open(args, 0, &w.s);
	if (!status) {
		ctl_signals_catch();
		sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
		if (args->operands > 1)
			status = read_keys(&w);
		if (!status)
			status = open_watch(&w);
		if (!status)
			status = begin(&w);
		if (!status)
			status = watch(&w);
		shmfs_watch_close(w.w);
		status = ctl_close(args, w.s, status);
	}
	while (w.n--)
		ctl_key_free(&w.keys[w.n].key);
	free(w.keys);
	free(w.key);
	return status;
}

const struct ctl_verb ctl_verb_watch = {
	.name = "watch",
	.operands = "STORE [KEY...]",
	.summary = "print a line for each change of a key",
	.details =
		"Prints \"created KEY\", \"changed KEY\" or \"deleted KEY\", for each KEY, which need\n"
		"not be there yet, or without KEY for all.  With KEY, of changes that come faster\n"
		"than they are looked at the last is told; without, each is.\n"
		"The line \"everything\" says that any key may have changed: too many did at once,\n"
		"or a key cannot be told in this form (it holds a newline, with -0 a NUL byte),\n"
		"or was deleted and is forgotten by now.  Who may not write the store, or comes\n"
		"when 64 watch already, looks a hundred times a second, and without KEY is told\n"
		"\"everything\" of any change.  --list prints \"exists KEY\" first.\n"
		"Ends with exit status 0 on SIGINT, SIGTERM, or when nobody reads what it prints.\n",
	.options = options,
	.min_operands = 1,
	.max_operands = INT_MAX,
	.run = run,
};
