/* SPDX-License-Identifier: MIT */
/*
 * Damaged dumps, loaded: a store that is good, or one line that says why not and nothing left.
 *
 *	[DUMPS_SEED=n] [DUMPS_ROUNDS=n] [TORTURE_SECONDS=n] dumps
 *
 * Round k of seed n is round 0 of seed n + k.
 */
#include <shmfs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dumptext.h"
#include "tool.h"

#define LONG_VALUE 1200000u    /* more than load keeps in memory */

static void dump(const char *store, const char *to, struct text *t)
{
	const char *args[] = {"dump", store, NULL};

	if (tool_run(args, tool_nothing(), to))
		tool_die("%s cannot be dumped", store);
	text_read(t, to);
}

/* ---- the stores that are dumped -------------------------------------------------------------- */

static void put(struct shmfs *s, const void *key, size_t key_size, const void *value, size_t size,
                uint32_t type)
{
	tool_must(shmfs_put(s, key, key_size, value, size, type, NULL), "put");
}

static void fill_keys(struct shmfs *s)
{
	static const uint64_t bits[] = {0, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000001, 1};
	unsigned char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	put(s, "", 0, "the empty key", 13, SHMFS_STRING);
	put(s, "empty", 5, "", 0, SHMFS_BYTES);
	put(s, all, sizeof(all), all, sizeof(all), SHMFS_BYTES);
	put(s, "text", 4, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac\ttab\nline\\", 20, SHMFS_STRING);
	for (unsigned char i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		put(s, &i, 1, bits + i, 8, SHMFS_NUMBER);
	for (int i = 0; i < 8; i++)
		put(s, all + i * 7, 20, all, (size_t)i * 3, SHMFS_BYTES);
}

static void fill_log(struct shmfs *s)
{
	static const char name[] = "c\x01\xff" "d"; /* and its ends */
	char frame[400];

	for (unsigned i = 0; i < 9; i++) {
		if (i % 3 == 0)
			tool_must(shmfs_cursor_create(s, &name[i / 3], 4 - i / 3, SHMFS_LOG_END), "cursor");
		value_fill(frame, sizeof(frame), i);
		tool_must(shmfs_log_append(s, frame, i * 40, NULL), "append");
	}
	tool_must(shmfs_cursor_create(s, "at the end", 10, SHMFS_LOG_END), "cursor");
}

/* Lines that go on, and a value that does not fit in memory. */
static void fill_long(struct shmfs *s)
{
	char *value = malloc(LONG_VALUE);

	if (!value)
		die("no memory");
	memset(value, 'v', LONG_VALUE);
	put(s, "long", 4, value, LONG_VALUE, SHMFS_STRING);
	value_fill(value, 60000, 1);
	put(s, value, 60000, value, 30000, SHMFS_BYTES);
	tool_must(shmfs_log_append(s, value, 50000, NULL), "append");
	free(value);
}

static void make(struct text *t, bool with_long)
{
	struct shmfs_options o = {.struct_size = sizeof(o), .seed = 7 + with_long};
	struct shmfs *s;

	if (with_long) {
		o.log_limit = 32u << 20;
		o.garbage = 0.25;
		o.max_size = UINT64_C(1) << 30;
		o.flags = SHMFS_OPT_ALWAYS_WAKE | SHMFS_OPT_LOG_REFUSE | SHMFS_OPT_NO_SYNC;
	}
	tool_must(shmfs_open(&s, "base", SHMFS_RDWR | SHMFS_CREATE | SHMFS_EXCL, &o), "create");
	fill_keys(s);
	fill_log(s);
	if (with_long)
		fill_long(s);
	tool_must(shmfs_close(s), "close");
	dump("base", "out", t);
	unlink("base");
}

/* ---- what comes of it ----------------------------------------------------------------------- */

/* Its own dump makes the same store, whatever it was made of. */
static void must_dump_the_same(void)
{
	const char *args[] = {"load", "again", "out", NULL};
	static struct text one, two;

	dump("new", "out", &one);
	if (tool_run(args, tool_nothing(), "said"))
		tool_die("the dump of what was loaded does not load");
	dump("again", "out", &two);
	if (!text_same(&one, &two))
		tool_die("a store and its copy by dump and load dump differently");
	unlink("again");
}

/* A store to be added to. */
static void make_store(void)
{
	struct shmfs *s;

	tool_must(shmfs_open(&s, "new", SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
	put(s, "text", 4, "before", 6, SHMFS_BYTES);
	tool_must(shmfs_log_append(s, "before", 6, NULL), "append");
	tool_must(shmfs_cursor_create(s, "at the end", 10, 0), "cursor");
	tool_must(shmfs_close(s), "close");
}

/* Does it load? */
static bool load(const struct text *t, const struct text *base, struct rng *r)
{
	bool merge = rng_once_in(r, 6), edited = !rng_once_in(r, 8), fresh = !merge && rng_once_in(r, 4);
	const char *args[8] = {"load"};
	int n = 1;
	bool loaded;

	if (merge)
		make_store();
	if (merge)
		args[n++] = "--merge";
	if (edited)
		args[n++] = "--edited";
	if (fresh)
		args[n++] = "--new-seed";
	loaded = tool_fills(args, t, merge, r);
	if (loaded && !edited && !text_same(t, base))
		tool_die("the checksum of a changed dump is right");
	if (loaded && !merge && rng_once_in(r, 6))
		must_dump_the_same();
	unlink("new");
	return loaded;
}

/* What no change was made to comes back as it was. */
static void unchanged(const struct text *base)
{
	const char *args[] = {"load", "new", "in", NULL};
	static struct text t;

	text_write(base, "in");
	if (tool_run(args, tool_nothing(), "said"))
		die("a dump does not load");
	dump("new", "out", &t);
	if (!text_same(&t, base))
		die("a store and its copy by dump and load dump differently");
	unlink("new");
}

int main(void)
{
	struct budget budget = env_budget("DUMPS_ROUNDS", 150, 1);
	static struct text base[2], t;
	uint64_t done = 0, loaded = 0;

	tool_start("dumps", "DUMPS_SEED");
	for (int i = 0; i < 2; i++) {
		make(base + i, i);
		unchanged(base + i);
	}
	for (; budget_lasts(&budget, done); done++, tool_seed++) {
		struct rng r = {tool_seed};
		const struct text *from = base + rng_once_in(&r, 6);

		text_copy(&t, from);
		text_mutate(&t, &r);
		loaded += load(&t, from, &r);
	}
	passed("%llu damaged dumps: %llu make a good store, the others leave nothing and say why",
	       (unsigned long long)done, (unsigned long long)loaded);
	return 0;
}
