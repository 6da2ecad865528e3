/* SPDX-License-Identifier: MIT */
/*
 * Killed at every instruction:
 *
 *	step [SCRIPT...]
 *
 * Scripts of operations run, and after every store to the file's mapping and every system call that
 * changes the file (trap.h), the file as it is then, with no writer alive, is opened and
 * looked at: by a reader, by the next writer, by a writer who was there all the time,
 * and as a copy of the file.  It holds exactly what it held before the operation or what it holds after
 * it, and never less than a moment ago; nothing that was allocated stays so
 * for nobody; and it can be used.
 *
 * STEP_FULL=1 or TORTURE_SECONDS: every image of every script.  Otherwise, of scripts that fill whole
 * pages, a sample: all where the last store or the one before went to what governs the rest, one in
 * SAMPLE of the others; of slow scripts one in SLOW_SAMPLE of those.
 * STEP_SEED: of the stores' hashes, and the sample.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/handle.h"
#include "image.h"
#include "scripts.h"
#include "trap.h"
#include "verify.h"

#define STATES_MOST 200
#define PROBLEMS_MOST 5
#define SAMPLE 24
#define SLOW_SAMPLE 16
#define LOCKED_OUT_S 60 /* an image takes a millisecond */

const char *store_path = image_live;

static const struct script *script;
static struct {
	struct state states[STATES_MOST + 2]; /* after so many parts */
	uint64_t runs[STATES_MOST + 2], twins[STATES_MOST + 2];
	bool none[STATES_MOST + 2]; /* there is no store yet */
	unsigned parts, operation;
	/* what the images so far have shown */
	unsigned writer, reader, copy, flips;
	bool refused; /* a copy was, the last time */
	unsigned long stores, calls, images, problems;
	bool governing; /* the last change was to what governs the rest */
} now;
static bool full;
static struct rng sample;

void problem(const char *format, ...)
{
	va_list args;

	if (now.problems++ >= PROBLEMS_MOST)
		return;
	printf("# %s, operation %u, store %lu, call %lu: ", script->name, now.operation, now.stores,
	       now.calls);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* Which state is it, from `least` on?  None later than the operation at hand makes. */
static unsigned which(const struct state *state, unsigned least, const char *who)
{
	unsigned i, most = (now.operation + 1) * now.parts;

	for (i = least; i <= most; i++)
		if (!now.none[i] && state_is(&now.states[i], state))
			return i;
	problem("%s sees neither what part %u left nor what a later one did", who, least);
	return least;
}

/* A reader beside a rename may see both names; beside a trim the bounds know of it first. */
static bool between(const struct state *state)
{
	struct state both = now.states[now.reader + 1];

	if (now.reader >= (now.operation + 1) * now.parts)
		return false;
	if (script->flags & TRIMS)
		both.frames = now.states[now.reader].frames;
	both.keys += now.twins[now.reader + 1];
	return script->flags & TRIMS || now.twins[now.reader + 1] ? state_is(state, &both) : false;
}

static void look_reading(void)
{
	struct state state;
	int rc;

	image_write(true);
	rc = verify_reading(&state);
	if (rc == -ENODATA && now.none[now.reader])
		return;
	if (rc) {
		problem("a reader is refused: %s", shmfs_strerror(rc));
		return;
	}
	if (between(&state))
		return;
	now.reader = which(&state, now.reader, "a reader");
}

static void look_writing(void)
{
	bool survivor = !(script->flags & (ALONE | NO_STORE)) && now.images % 5 == 3;
	unsigned least = now.writer, how = survivor ? AS_SURVIVOR : 0;
	struct state state;
	uint64_t runs = 0;
	int rc = now.none[least] ? verify_writing(0, &state, &runs) : -EAGAIN;

	if (rc == -ENODATA) { /* then creating it gives a good one */
		rc = verify_writing(CREATE_IT | USE_LOG, &state, &runs);
		if (rc || !state_is(&state, &now.states[least + 1]))
			problem("created again it is not an empty store: %s", shmfs_strerror(rc));
		return;
	}
	/* the first frame takes a segment, and time */
	if (!(script->flags & NO_LOG) && (full || now.states[least].frames || now.images % 4 == 0))
		how |= USE_LOG;
	how |= script->flags & TRIMS ? TRIM_AGAIN : 0;
	if (rc == -EAGAIN)
		rc = verify_writing(how, &state, &runs);
	if (rc) {
		problem("the next writer is refused: %s", shmfs_strerror(rc));
		return;
	}
	now.writer = which(&state, least, survivor ? "a surviving writer" : "the next writer");
	now.flips += now.writer - least;
	if (now.writer < now.reader)
		problem("the next writer takes back what a reader saw");
	if (runs != now.runs[now.writer] &&
	    !(script->flags & OPENS_SEGMENT && runs == now.runs[now.writer + 1]))
		problem("runs occupy %llu segments after part %u, not %llu", (unsigned long long)runs,
		        now.writer, (unsigned long long)now.runs[now.writer]);
}

/* A store on a disk is, as a copy, what the last checkpoint was or the one being taken; a volatile one
 * is refused, or complete. */
static void look_copy(void)
{
	struct state state, later;
	unsigned seen;
	int rc;

	image_write(false);
	rc = verify_copy(&state);
	if (rc == -ENODATA && now.none[now.writer])
		return;
	now.refused = rc == SHMFS_E_NOT_CLOSED;
	if (script->flags & ON_DISK) {
		if (rc)
			problem("a copy is refused: %s", shmfs_strerror(rc));
		else
			now.copy = which(&state, now.copy, "a copy");
		if (now.copy > now.writer)
			problem("a copy shows more than there is");
		if (rc || script->flags & NO_LOG) /* a full store syncs to make room */
			return;
		image_write(true);
		rc = verify_copy_of_changed(&later);
		if (rc || !state_is(&state, &later))
			problem("the next writer changes the checkpoint: %s", shmfs_strerror(rc));
		return;
	}
	if (now.refused)
		return;
	seen = rc ? 0 : which(&state, now.writer, "a copy");
	if (rc || seen != now.writer || !(script->flags & ALONE))
		problem("a copy of a volatile store: %s", shmfs_strerror(rc));
}

static void visit(void)
{
	if (now.problems > PROBLEMS_MOST)
		return;
	alarm(LOCKED_OUT_S);
	now.images++;
	look_reading();
	look_writing();
	if (full || (script->flags & (SYNCED | ALONE | NO_STORE)) || now.images % 4 == 0)
		look_copy();
	alarm(0);
}

static void locked_out(int sig)
{
	(void)sig;
	die("%s, operation %u, store %lu: the next writer is locked out", script->name, now.operation,
	    now.stores);
}

static void on_change(enum trap_why why, uint64_t at, uint64_t n)
{
	bool governing = why == TRAP_CALL || at < SFS_METADATA_BYTES ||
	                 (at >= SFS_SEG && at < SFS_FIRST_SEG * SFS_SEG);
	unsigned once_in = script->flags & SLOW ? SLOW_SAMPLE : 1;

	if (!governing && !now.governing && script->flags & (MANY_STORES | SLOW))
		once_in *= SAMPLE;
	if (why == TRAP_STORE)
		now.stores++;
	else
		now.calls++;
	if (!image_update(at, n))
		return;
	now.governing = governing;
	if (!image_new())
		return;
	if (full || rng_once_in(&sample, once_in))
		visit();
}

/* ---- running a script */

static void build(struct shmfs **s)
{
	must(shmfs_open(s, image_live, SHMFS_RDWR | SHMFS_CREATE,
	                script->options.struct_size ? &script->options : NULL), "open");
	script->prepare(*s);
	must(shmfs_sync(*s), "sync");
	if (script->leave)
		script->leave(s);
}

static void begin(struct shmfs **s)
{
	unlink(image_live);
	*s = NULL;
	trap_on_disk = script->flags & (ON_DISK | FROM_DISK);
	trap_seed(sample.state);
	if (!(script->flags & NO_STORE))
		build(s);
	trap_on_disk = script->flags & ON_DISK;
}

static void note(struct shmfs *s, unsigned i)
{
	if (s) {
		now.states[i] = state_of(s);
		now.runs[i] = runs_of(s);
	} else if (i) { /* closed: as before */
		now.states[i] = now.states[i - 1];
		now.runs[i] = now.runs[i - 1];
	}
}

/* What it should hold after each part. */
static void rehearse(void)
{
	struct shmfs *s;

	begin(&s);
	note(s, 0);
	now.none[0] = script->flags & NO_STORE;
	for (unsigned i = 0, at = 0; i < script->steps; i++) {
		bool closed = !s;

		if (script->renamed) {
			unsigned key = script->renamed(i);

			now.twins[i + 1] = state_of_key(s, &key, sizeof(key));
		}
		for (unsigned part = 0; part < now.parts; part++) {
			if (script->part)
				script->part(s, i, part);
			else
				script->step(&s, i);
			note(s, ++at);
		}
		if (closed && i == 0) { /* opening changes nothing */
			now.states[0] = now.states[1];
			now.runs[0] = now.runs[1];
		}
	}
	must(shmfs_close(s), "close");
}

static void arm(struct shmfs *s)
{
	trap_arm(on_change, s ? s->file.base : NULL, s ? s->file.window : 0);
}

/* The image after the operation, whether it was met or not. */
static void settle(bool closed)
{
	unsigned end = (now.operation + 1) * now.parts;

	visit();
	if (now.problems > PROBLEMS_MOST)
		return;
	if (!state_is(&now.states[now.writer], &now.states[end]) ||
	    !state_is(&now.states[now.reader], &now.states[end]))
		problem("ended with part %u, for readers %u, of %u", now.writer, now.reader, end);
	now.writer = now.reader = end;
	if (closed || (script->flags & SYNCED)) {
		look_copy();
		if (now.refused ||
		    ((script->flags & ON_DISK) && !state_is(&now.states[now.copy], &now.states[end])))
			problem("synced, but a copy holds part %u of %u", now.copy, now.writer);
	}
}

static uint64_t cleaned(struct shmfs *s)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};

	must(shmfs_stat(s, &st), "stat");
	return st.cleaned_bytes;
}

static bool run(void)
{
	uint64_t start = clock_us(), before;
	struct shmfs *s;

	memset(&now, 0, sizeof(now));
	now.parts = script->parts ? script->parts : 1;
	if (script->steps * now.parts > STATES_MOST)
		die("%s: too many states", script->name);
	rehearse();
	begin(&s);
	before = s ? cleaned(s) : 0;
	image_begin();
	for (; now.operation < script->steps; now.operation++) {
		arm(s);
		script->step(&s, now.operation);
		trap_disarm();
		settle(!s);
	}
	now.operation--;
	if (script->flags & CLEANS && cleaned(s) == before)
		problem("nothing was cleaned");
	must(shmfs_close(s), "close");
	printf("%s - %s: %lu stores, %lu calls, %lu images, %lu problems, %u flips, %.1f s\n",
	       now.problems ? "not ok" : "ok", script->name, now.stores, now.calls, now.images, now.problems,
	       now.flips, (double)(clock_us() - start) / 1e6);
	return now.problems == 0;
}

static void remove_files(void)
{
	unlink(image_live);
	unlink(image_path);
}

int main(int argc, char **argv)
{
	static const struct script *const all[] = {map_scripts, space_scripts, log_scripts, life_scripts};
	uint64_t seed, seconds = env_number("TORTURE_SECONDS", 0), start = clock_us();
	bool good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!TRAP_WORKS) {
		printf("skip - killed at any instruction: needs x86-64's trap flag, and no sanitizer\n");
		return 77;
	}
	trap_prepare(argv);
	signal(SIGALRM, locked_out);
	seed = env_seed("STEP_SEED");
	full = seconds || env_number("STEP_FULL", 0);
	printf("# STEP_SEED=%llu\n", (unsigned long long)seed);
	image_place("/dev/shm");
	atexit(remove_files);
	do {
		sample.state = seed++;
		for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
			for (script = all[k]; script->name; script++)
				for (int i = 1; i < argc || i == 1; i++)
					if (argc == 1 || strstr(script->name, argv[i])) {
						good &= run();
						break;
					}
	} while (good && (clock_us() - start) / 1000000 < seconds);
	return !good;
}
