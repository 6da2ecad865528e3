/* SPDX-License-Identifier: MIT */
/*
 * Progress of long work: a line on stderr that overwrites itself, if that is a terminal and
 * the work takes longer than a second:
 *
 *	dump: 45 % [#########-----------] 1.23 M/s, 0:05 left
 *	load: 12.5 MB, 4.1 MB/s, 0:03
 *
 * the second where nobody knows how much there is.  Rate and time left are by the average so
 * far.  The line is kept within the terminal, as a line that wraps could not be overwritten.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define FIRST_MS  1000
#define NEXT_MS	  200
#define BAR_MOST  40
#define BAR_LEAST 8
#define ROOM	  256

static struct ctl_progress *on_screen;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void ctl_progress_start(struct ctl_progress *p, const char *what)
{
	*p = (struct ctl_progress){.what = what, .terminal = ctl_terminal(stderr)};
	p->start_ms = now_ms();
	p->next_ms = p->start_ms + FIRST_MS;
}

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* 1234567 as 1.23 M: three digits tell enough. */
static void amount_text(char text[32], double amount, const char *unit)
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T"};
	int i = 0;

	for (; amount >= 999.5 && i < 4; i++)
		amount /= 1000;
	snprintf(text, 32, "%.3g%s%s%s", amount, i || *unit ? " " : "", prefixes[i], unit);
}

static void time_text(char text[32], double seconds)
{
	uint64_t s = (uint64_t)fmin(seconds, 359999);

	if (s < 3600)
		snprintf(text, 32, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
	else
		snprintf(text, 32, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
}

/* " [####----]" of so many columns, or nothing where they are too few. */
static void bar_text(char text[BAR_MOST + 4], size_t room, double part)
{
	size_t width = room < BAR_MOST + 3 ? room - 3 : BAR_MOST, full = (size_t)(part * (double)width);

	*text = '\0';
	if (room < BAR_LEAST + 3)
		return;
	memcpy(text, " [", 2);
	memset(text + 2, '-', width);
	memset(text + 2, '#', full);
	strcpy(text + 2 + width, "]");
}

static void print(const struct ctl_progress *p, double seconds, uint64_t done, uint64_t total)
{
	const char *unit = p->bytes ? "B" : "";
	char head[64], tail[ROOM], bar[BAR_MOST + 4] = "", rate[32], much[32], left[32];
	size_t width = columns() - 1, used;
	double part = total ? fmin(1, (double)done / (double)total) : 0;

	amount_text(rate, (double)done / seconds, unit);
	if (total) {
		snprintf(head, sizeof(head), "%s: %.0f %%", p->what, 100 * part);
		if (done) {
			time_text(left, seconds / part - seconds);
			snprintf(tail, sizeof(tail), " %s/s, %s left", rate, left);
		} else {
			snprintf(tail, sizeof(tail), " %s/s", rate);
		}
		used = strlen(head) + strlen(tail);
		if (used < width)
			bar_text(bar, width - used, part);
	} else {
		amount_text(much, (double)done, unit);
		time_text(left, seconds);
		snprintf(head, sizeof(head), "%s: %s", p->what, much);
		snprintf(tail, sizeof(tail), ", %s/s, %s", rate, left);
	}
	fprintf(stderr, "\r\033[K%.*s", (int)width, head);
	if (strlen(head) < width)
		fprintf(stderr, "%s%.*s", bar, (int)(width - strlen(head)), tail);
	fflush(stderr);
}

int ctl_progress(void *arg, uint64_t done, uint64_t total)
{
	struct ctl_progress *p = arg;
	uint64_t now = p->terminal ? now_ms() : 0;

	if (p->terminal && now >= p->next_ms) {
		print(p, (double)(now - p->start_ms) / 1000, done, total);
		p->next_ms = now + NEXT_MS;
		on_screen = p;
	}
	return ctl_stopped();
}

void ctl_progress_hide(void)
{
	if (on_screen)
		fputs("\r\033[K", stderr);
	on_screen = NULL;
}

void ctl_progress_end(struct ctl_progress *p)
{
	if (on_screen == p)
		ctl_progress_hide();
}
