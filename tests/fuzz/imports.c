/* SPDX-License-Identifier: MIT */
/*
 * Damaged JSON lines and logs of shmio, imported: a store that is good and means what was read, or
 * one line that says why not and nothing left.
 *
 *	[IMPORTS_SEED=n] [IMPORTS_ROUNDS=n] [TORTURE_SECONDS=n] imports
 *
 * Round k of seed n is round 0 of seed n + k.
 */
#include <endian.h>
#include <shmfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define HEADER	  24

static struct text json, log_file;

/* ---- the sources --------------------------------------------------------------------------- */

static const char lines[] =
	"{\"key\":\"\",\"type\":\"string\",\"value\":\"the empty key\"}\n"
	"{\"key\":\"empty\",\"type\":\"bytes\",\"value\":\"\"}\n"
	"{\"key\":null,\"key_base64\":\"/"
	"wD+\",\"type\":\"bytes\",\"value\":null,\"value_base64\":\"gICAgA==\"}\n"
	"{\"key\":\"n\",\"type\":\"number\",\"value\":-0.1e-3}\n"
	"{\"key\":\"inf\",\"type\":\"number\",\"value\":null,\"value_base64\":\"AAAAAAAA8H8=\"}\n"
	"{\"value\":12345678901234567890,\"key\":\"big\"}\n"
	"{\"key\":\"\\u0000\\ud83d\\uDE00\\n\\\"\\\\\\/\",\"value\":\"gr\xc3\xbc\xc3\x9f "
	"\xe2\x82\xac \xf0\x9f\x98\x80\"}\n"
	" { \"key\" : \"blanks\" , \"type\" : null , \"value\" : \"x\" } \r\n"
	"{\"key\":\"last\",\"value_base64\":\"bGFzdA==\"}";

static void add(struct text *t, const void *data, size_t size)
{
	text_splice(t, t->size, 0, data, size);
}

static void make_sources(void)
{
	uint64_t header[3] = {htole64(HEADER), htole64(HEADER), 0};
	char payload[3000];

	add(&json, lines, sizeof(lines) - 1);
	add(&log_file, header, sizeof(header));
	for (unsigned i = 0; i < 12; i++) {
		size_t size = i * i * 20;
		uint16_t total = htole16((uint16_t)(size + 4));

		value_fill(payload, sizeof(payload), i);
		add(&log_file, &total, 2);
		add(&log_file, payload, size);
		add(&log_file, &total, 2);
	}
	header[2] = htole64(log_file.size);
	memcpy(log_file.data, header, sizeof(header));
	add(&log_file, "the room that is left", 21);
}

/* ---- their damage ---------------------------------------------------------------------------- */

static void insert_json(struct text *t, struct rng *r)
{
	static const char *const words[] = {
		"{",
		"}",
		"[",
		"]",
		"\"",
		",",
		":",
		"null",
		"true",
		"\\",
		"\\u",
		"\\ud800",
		"\\udc00",
		"\\u0000",
		"\\uFFFF",
		"\"key\":",
		"\"value\":1",
		"\"value_base64\":",
		"\"key_base64\":\"\",",
		"\"type\":\"number\",",
		"=",
		"==",
		"{\"key\":\"x\",\"value\":1}",
		"\n{\"key\":\"y\",\"value\":\"z\"}\n",
		"1e308",
		"1e-400",
		"-",
		"0x1",
		"NaN",
		"\xff",
		"\xed\xa0\x80",
		"\xef\xbb\xbf",
		"\r",
		"\v",
		"[[[[[[[[[[[[[[[[",
		"{\"a\":{\"a\":{\"a\":{\"a\":",
	};
	const char *word = words[rng_below(r, sizeof(words) / sizeof(*words))];

	text_splice(t, rng_below(r, t->size + 1), 0, word, strlen(word));
}

/* A word of a frame or of the header. */
static void patch_log(struct text *t, struct rng *r)
{
	static const uint64_t odd[] = {0,  1,	   3,	   4,	   5,	   23,	       24,
				       25, 0x7fff, 0x8000, 0xfffe, 0xffff, UINT64_MAX, 1u << 31};
	uint64_t value = htole64(odd[rng_below(r, sizeof(odd) / sizeof(*odd))]);
	size_t at = HEADER, steps = rng_below(r, 14);
	uint16_t total;

	if (t->size < HEADER)
		return;
	if (rng_once_in(r, 3)) {
		if (rng_once_in(r, 2))
			value = htole64(rng_below(r, t->size + 40));
		memcpy(t->data + 8 * rng_below(r, 3), &value, 8);
		return;
	}
	for (; steps && at + 2 <= t->size; steps--) {
		memcpy(&total, t->data + at, 2);
		at += le16toh(total);
	}
	at -= rng_once_in(r, 2) ? 2 : 0;
	if (at + 2 > t->size)
		return;
	memcpy(&total, t->data + at, 2);
	if (rng_once_in(r, 2))
		total = (uint16_t)value;
	else
		total = htole16((uint16_t)(le16toh(total) + 1 - 2 * rng_below(r, 2)));
	memcpy(t->data + at, &total, 2);
}

static void damage(struct text *t, bool is_log, struct rng *r)
{
	for (uint64_t n = 1 + (rng_once_in(r, 3) ? rng_size(r, 3) : 0); n; n--) {
		if (!t->size || rng_once_in(r, 2))
			text_mutate(t, r);
		else if (is_log)
			patch_log(t, r);
		else
			insert_json(t, r);
	}
}

/* ---- what comes of it ---------------------------------------------------------------------------
 */

static uint64_t word(const struct text *t, size_t at)
{
	uint64_t w;

	memcpy(&w, t->data + at, sizeof(w));
	return le64toh(w);
}

/* What goes out is what came in, to its committed end. */
static void must_export_the_log(const struct text *t)
{
	const char *args[] = {"export", "--format=shmio", "new", "again", NULL};
	static struct text out;

	if (tool_run(args, tool_nothing(), "said"))
		tool_die("what was imported cannot be exported");
	text_read(&out, "again");
	if (t->size < out.size || word(t, 16) != out.size ||
	    memcmp(t->data, out.data, out.size) != 0)
		tool_die("a log and its copy by import and export differ");
	unlink("again");
}

/* Its own export makes the same store, whatever it was made of. */
static void must_export_the_same(void)
{
	const char *export_it[] = {"export", "new", "in", NULL},
		   *import_it[] = {"import", "again", "in", NULL};
	const char *export_again[] = {"export", "again", "out", NULL};
	static struct text one, two;

	if (tool_run(export_it, tool_nothing(), "said") ||
	    tool_run(import_it, tool_nothing(), "said") ||
	    tool_run(export_again, tool_nothing(), "said"))
		tool_die("the export of what was imported cannot be imported");
	text_read(&one, "in");
	text_read(&two, "out");
	if (!text_same_lines(&one, &two))
		tool_die("a store and its copy by export and import differ");
	unlink("again");
}

static bool import(const struct text *t, bool is_log, struct rng *r)
{
	bool merge = rng_once_in(r, 6), imported;
	const char *args[8] = {"import", is_log ? "--format=shmio" : "--format=json"};
	struct shmfs *s;

	if (merge) {
		tool_must(shmfs_open(&s, "new", SHMFS_RDWR | SHMFS_CREATE, NULL), "create");
		tool_must(shmfs_put(s, "n", 1, "before", 6, SHMFS_BYTES, NULL), "put");
		tool_must(shmfs_close(s), "close");
		args[2] = "--merge";
	}
	imported = tool_fills(args, t, merge, r);
	if (imported && is_log)
		must_export_the_log(t);
	else if (imported)
		must_export_the_same();
	unlink("new");
	return imported;
}

int main(void)
{
	struct budget budget = env_budget("IMPORTS_ROUNDS", 150, 1);
	uint64_t done = 0, good = 0;
	static struct text t;

	tool_start("imports", "IMPORTS_SEED");
	make_sources();
	text_write(&json, "out");
	for (int i = 0; i < 2; i++)
		if (!import(i ? &log_file : &json, i, &(struct rng){0}))
			die("what is not damaged is not imported");
	for (; budget_lasts(&budget, done); done++, tool_seed++) {
		struct rng r = {tool_seed};
		bool is_log = rng_once_in(&r, 2);

		text_copy(&t, is_log ? &log_file : &json);
		damage(&t, is_log, &r);
		good += import(&t, is_log, &r);
	}
	passed("%llu damaged sources: %llu make a good store, the others leave nothing and say why",
	       (unsigned long long)done, (unsigned long long)good);
	return 0;
}
