/* SPDX-License-Identifier: MIT */
#include "corpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct fuzz_corpus *c, const uint8_t *data, size_t size)
{
	struct fuzz_input *more = realloc(c->input, (c->n + 1) * sizeof(*more));
	/* of exactly its size, so that a look behind it is caught */
	uint8_t *copy = malloc(size ? size : 1);

	if (!more || !copy)
		die("no memory");
	memcpy(copy, data, size);
	c->input = more;
	c->input[c->n++] = (struct fuzz_input){size, copy};
}

static int digit(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

static void add_line(struct fuzz_corpus *c, char *line, const char *path)
{
	uint8_t *to = (uint8_t *)line;
	size_t n = 0;

	if (*line == '#' || *line == '\n')
		return;
	for (const char *p = line; *p; p++) {
		int d = digit((unsigned char)*p);

		if (isspace((unsigned char)*p))
			continue;
		if (d < 0)
			die("%s: not hex: %s", path, line);
		to[n / 2] = (uint8_t)(n % 2 ? to[n / 2] << 4 | d : d);
		n++;
	}
	add(c, to, n / 2);
}

struct fuzz_corpus corpus_load(const struct fuzz_target *t)
{
	const char *top = getenv("top_srcdir");
	struct fuzz_corpus c = {0};
	char path[4096], *line = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s.txt", top ? top : ".", t->name);
	f = fopen(path, "r");
	if (!f)
		die("%s: %s", path, strerror(errno));
	while (getline(&line, &room, f) > 0)
		add_line(&c, line, path);
	free(line);
	fclose(f);
	return c;
}

void corpus_free(struct fuzz_corpus *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->input[i].data);
	free(c->input);
}

void corpus_print(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", data[i]);
	putchar('\n');
}

struct fuzz_input corpus_read_file(const char *path)
{
	struct fuzz_input in = {0};
	struct stat st;
	FILE *f = fopen(path, "rb");

	if (!f || fstat(fileno(f), &st))
		die("%s: %s", path, strerror(errno));
	in.data = malloc((size_t)st.st_size + 1);
	if (!in.data)
		die("no memory");
	in.size = fread(in.data, 1, (size_t)st.st_size, f);
	fclose(f);
	return in;
}

static void unpack(const char *dir, const struct fuzz_target *t)
{
	struct fuzz_corpus c = corpus_load(t);
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, t->name);
	mkdir(path, 0777);
	for (size_t i = 0; i < c.n; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s/%zu", dir, t->name, i);
		f = fopen(path, "wb");
		if (!f || fwrite(c.input[i].data, 1, c.input[i].size, f) != c.input[i].size || fclose(f))
			die("%s: %s", path, strerror(errno));
	}
	corpus_free(&c);
}

void corpus_unpack(const char *dir)
{
	mkdir(dir, 0777);
	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		unpack(dir, t);
}
