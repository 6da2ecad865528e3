/* SPDX-License-Identifier: MIT */
/* The table of figures: one row for each work and peer, in the order they first came. */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { ROWS = 1024, SAMPLES = 64 };

static struct row {
	const char *work, *who, *unit;
	uint64_t keys;
	unsigned n;
	double value[SAMPLES], wall[SAMPLES]; /* wall: of times only */
} rows[ROWS];

static uint64_t keys_now;
static FILE *save; /* NULL, or where the JSON lines go besides */

void bench_of(uint64_t keys)
{
	keys_now = keys;
}

static struct row *row(const char *work, const char *who, const char *unit)
{
	for (struct row *r = rows; r < rows + ROWS; r++) {
		if (!r->work)
			*r = (struct row){.work = strdup(work), .who = who, .unit = unit, .keys = keys_now};
		if (strcmp(r->work, work) == 0 && strcmp(r->who, who) == 0 && strcmp(r->unit, unit) == 0)
			return r;
	}
	errx(1, "too many figures");
}

static void sample(struct row *r, double value, double wall)
{
	if (r->n == SAMPLES)
		errx(1, "too many rounds");
	r->value[r->n] = value;
	r->wall[r->n++] = wall;
}

void bench_time(const char *work, const char *who, struct moment start, uint64_t operations)
{
	struct moment end = moment_now();

	sample(row(work, who, "ns"), (double)(end.cpu - start.cpu) / (double)operations,
	       (double)(end.wall - start.wall) / (double)operations);
}

void bench_figure(const char *work, const char *who, const char *unit, double value)
{
	sample(row(work, who, unit), value, 0);
}

static int by_ns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void bench_tail(const char *work, const char *who, uint32_t *ns, size_t n)
{
	static const struct {
		const char *unit;
		double share;
	} part[] = {{"us p50", 0.5}, {"us p99", 0.99}, {"us p99.9", 0.999}, {"us max", 1}};

	qsort(ns, n, sizeof(*ns), by_ns);
	for (unsigned i = 0; i < sizeof(part) / sizeof(*part); i++)
		bench_figure(work, who, part[i].unit, ns[(size_t)(part[i].share * (double)(n - 1))] / 1000.0);
}

void bench_note(const char *format, ...)
{
	va_list args;

	fputs(bench.json ? "" : "# ", bench.json ? stderr : stdout);
	va_start(args, format);
	vfprintf(bench.json ? stderr : stdout, format, args);
	va_end(args);
	fputc('\n', bench.json ? stderr : stdout);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *from, unsigned n)
{
	double v[SAMPLES];

	memcpy(v, from, n * sizeof(*v));
	qsort(v, n, sizeof(*v), by_value);
	return n ? (v[(n - 1) / 2] + v[n / 2]) / 2 : 0;
}

/* Of the row to what `who` did on the same work; 0 if it did not. */
static double ratio_to(const struct row *r, const char *who)
{
	double ratio[SAMPLES];

	for (const struct row *other = rows; other < rows + ROWS && other->work; other++) {
		if (strcmp(other->work, r->work) || strcmp(other->who, who) || strcmp(other->unit, r->unit))
			continue;
		if (other->n != r->n)
			return median(r->value, r->n) / median(other->value, other->n);
		for (unsigned i = 0; i < r->n; i++)
			ratio[i] = r->value[i] / other->value[i];
		return median(ratio, r->n);
	}
	return 0;
}

static void json_number(FILE *to, const char *name, double value)
{
	if (value > 0)
		fprintf(to, ",\"%s\":%.*f", name, value < 100 ? 3 : 1, value);
	else
		fprintf(to, ",\"%s\":null", name);
}

/* Times in ns, percentiles of them too; `ns` of anything else is null. */
static void print_json(FILE *to, const struct row *r, double value, double wall)
{
	bool time = strcmp(r->unit, "ns") == 0, part = strncmp(r->unit, "us ", 3) == 0;

	fprintf(to, "{\"work\":\"%s\",\"who\":\"%s\"", r->work, r->who);
	json_number(to, "ns", time ? value : part ? value * 1000 : 0);
	json_number(to, "ratio_to_floor", ratio_to(r, "floor"));
	json_number(to, "ratio_to_us", ratio_to(r, "shmfs"));
	if (time)
		json_number(to, "wall_ns", wall);
	else if (part)
		fprintf(to, ",\"percentile\":\"%s\"", r->unit + 3);
	else
		fprintf(to, ",\"unit\":\"%s\",\"value\":%.3f", r->unit, value);
	if (r->keys)
		fprintf(to, ",\"keys\":%llu,\"scale\":%llu", (unsigned long long)r->keys,
		        (unsigned long long)bench.keys);
	fprintf(to, ",\"rounds\":%u}\n", r->n);
}

static void print_ratio(double ratio)
{
	if (ratio > 0)
		printf(" %9.2f", ratio);
	else
		printf(" %9s", "");
}

static void print_row(const struct row *r, bool first)
{
	double value = median(r->value, r->n), wall = median(r->wall, r->n);

	if (save)
		print_json(save, r, value, wall);
	if (bench.json) {
		print_json(stdout, r, value, wall);
		return;
	}
	printf("%-34s %-7s %12.*f %-9s", first ? r->work : "", r->who, value < 100 ? 1 : 0, value, r->unit);
	if (strcmp(r->unit, "ns") == 0)
		printf(" %12.*f", wall < 100 ? 1 : 0, wall);
	else
		printf(" %12s", "");
	print_ratio(ratio_to(r, "floor"));
	print_ratio(ratio_to(r, "shmfs"));
	putchar('\n');
}

void bench_report(void)
{
	const struct row *end = rows;

	if (bench.save && !(save = fopen(bench.save, "a")))
		err(1, "%s", bench.save);
	while (end < rows + ROWS && end->work)
		end++;
	if (!bench.json)
		printf("\n%-34s %-7s %12s %-9s %12s %9s %9s\n", "work", "who", "CPU time or", "unit",
		       "wall time", "/ floor", "/ shmfs");
	for (const struct row *first = rows; first < end; first++) {
		bool seen = false;

		for (const struct row *r = rows; r < first; r++)
			seen |= strcmp(r->work, first->work) == 0;
		if (seen)
			continue;
		for (const struct row *r = first; r < end; r++)
			if (strcmp(r->work, first->work) == 0)
				print_row(r, r == first);
	}
	if (save && fclose(save))
		err(1, "%s", bench.save);
	fflush(stdout);
}
