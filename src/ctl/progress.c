/* SPDX-License-Identifier: MIT */
/*
 * Progress of long work: a line on stderr that overwrites itself, if that is a terminal and
 * the work takes longer than a second.
 */
#include <inttypes.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define FIRST_MS 1000
#define NEXT_MS	 200

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void ctl_progress_start(struct ctl_progress *p, const char *what)
{
	*p = (struct ctl_progress){.what = what, .terminal = isatty(STDERR_FILENO)};
	p->start_ms = now_ms();
	p->next_ms = p->start_ms + FIRST_MS;
}

/* 1234567 as 1.23 M: three digits tell enough. */
static void print_rate(double rate)
{
	static const char *const units[] = {"", " k", " M", " G", " T"};
	int unit = 0;

	for (; rate >= 1000 && unit < 4; unit++)
		rate /= 1000;
	fprintf(stderr, " %.3g%s/s", rate, units[unit]);
}

static void print(const struct ctl_progress *p, double seconds, uint64_t done, uint64_t total)
{
	uint64_t left;

	fprintf(stderr, "\r\033[K%s:", p->what);
	if (total)
		fprintf(stderr, " %.0f %%,", fmin(100, 100 * (double)done / (double)total));
	print_rate((double)done / seconds);
	if (total && done && done <= total) {
		left = (uint64_t)(seconds * (double)(total - done) / (double)done);
		fprintf(stderr, ", %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
	}
	fflush(stderr);
}

int ctl_progress(void *arg, uint64_t done, uint64_t total)
{
	struct ctl_progress *p = arg;
	uint64_t now = p->terminal ? now_ms() : 0;

	if (p->terminal && now >= p->next_ms) {
		print(p, (double)(now - p->start_ms) / 1000, done, total);
		p->next_ms = now + NEXT_MS;
		p->shown = true;
	}
	return ctl_stopped();
}

void ctl_progress_end(struct ctl_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
