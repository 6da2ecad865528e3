/* SPDX-License-Identifier: MIT */
/*
 *	soak STORE MOUNT MOUNT SECONDS BOUND_MS
 *
 * The store is new, and mounted twice.  SOAK_SEED repeats the versions and the choices, not the
 * order in which processes get to run.
 */
#define _GNU_SOURCE
#include "soak.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 30 }; /* seconds in which every role gets something done */

struct ledger *ledger;
static struct route routes[ROUTES] = {{"a mount", NULL, NULL}, {"the other mount", NULL, NULL},
                                      {"a handle", NULL, NULL}, {"a reading handle", NULL, NULL}};
static const char *store;

void wrong(const struct self *self, enum wrong kind, const char *format, ...)
{
	char *what = ledger->what[kind];
	va_list args;
	int n;

	if (ledger->wrong[kind]++)
		return;
	n = snprintf(what, sizeof(ledger->what[0]), "%s: ", self->role->name);
	va_start(args, format);
	vsnprintf(what + n, sizeof(ledger->what[0]) - (size_t)n, format, args);
	va_end(args);
}

void failed(const struct self *self, const char *what, const char *name, int code)
{
	wrong(self, FAILED, "%s %s: %s", what, name, shmfs_strerror(code));
	ledger->stop = 1;
	_exit(1);
}

bool goes_on(struct self *self)
{
	self->role->done++;
	if (rng_once_in(&self->rng, 2))
		usleep((useconds_t)rng_below(&self->rng, 400));
	return !ledger->stop;
}

/* ---- processes ------------------------------------------------------------------------ */

static void start(role_fn *run, const char *what, unsigned index, unsigned route)
{
	unsigned number = ledger->roles++;
	struct role *role = &ledger->role[number];
	struct self self = {.role = role, .route = routes[route], .index = index,
	                    .rng = {ledger->seed + number * 1000}};
	int rc;

	snprintf(role->name, sizeof(role->name), "%s %u by %s", what, index, routes[route].name);
	role->follows = strcmp(what, "follower") == 0;
	fflush(stdout);
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self.buf = malloc(ROOM + 1);
	self.other = malloc(ROOM + 1);
	if (!routes[route].dir) {
		rc = shmfs_open(&self.route.store, store, route == 2 ? SHMFS_RDWR : SHMFS_RDONLY, NULL);
		if (rc)
			failed(&self, "opening", store, rc);
	}
	run(&self);
	shmfs_close(self.route.store);
	_exit(0);
}

static void start_all(void)
{
	for (unsigned i = 0; i < WRITERS; i++)
		start(run_writer, "writer", i, i % 3);
	for (unsigned i = 0; i < TOKENS; i++)
		start(run_mover, "mover", i, i % 3);
	start(run_adder, "adder", 0, 2);
	for (unsigned i = 0; i < ROUTES + 2; i++)
		start(run_reader, "reader", i, i % ROUTES);
	for (unsigned i = 0; i < APPENDERS; i++)
		start(run_appender, "appender", i, i % 3);
	start(run_follower, "follower", 0, 2);
	start(run_file_follower, "follower", 1, 1);
	start(run_cursor_follower, "follower", 2, 0);
	for (unsigned i = 0; i < SHARERS; i++)
		start(run_sharer, "sharer", i, i % 3);
	for (unsigned i = 0; i < 3; i++)
		start(run_locker, "locker", i, i);
	for (unsigned i = 0; i < ROUTES; i++)
		start(run_lister, "lister", i, i);
	for (unsigned i = 0; i < 2; i++)
		start(run_cursors, "cursor maker", i, i);
}

static void prepare(void)
{
	static const char *const cursors[] = {"by-handle", "by-file", "by-cursor"};
	static char token[ROOM];
	char name[NAME_MAX];
	struct shmfs *s;
	int rc = shmfs_open(&s, store, SHMFS_RDWR, NULL);

	for (unsigned i = 0; rc == 0 && i < STABLE; i++) {
		sprintf(name, "stable-%03u", i);
		rc = shmfs_put(s, name, strlen(name), name, strlen(name), SHMFS_BYTES, NULL);
	}
	for (unsigned i = 0; rc == 0 && i < TOKENS; i++) {
		token_name(i, place_of(i, 0), name);
		rc = shmfs_put(s, name, strlen(name), token, token_make(i, token), SHMFS_BYTES, NULL);
	}
	for (unsigned i = 0; rc == 0 && i < 3; i++)
		rc = shmfs_cursor_create(s, cursors[i], strlen(cursors[i]), SHMFS_LOG_BEGIN);
	if (rc == 0)
		rc = shmfs_put(s, "shared-0", 8, "", 0, SHMFS_BYTES, NULL);
	if (rc)
		die("%s: %s", store, shmfs_strerror(rc));
	shmfs_close(s);
}

/* ---- waiting --------------------------------------------------------------------------- */

static const struct role *slowest;
static uint64_t slowest_us;

/* Who has done nothing for too long, if somebody has; NULL: all goes well. */
static const struct role *standing(uint64_t *last, uint64_t *since)
{
	uint64_t now = clock_us();

	for (unsigned i = 0; i < ledger->roles; i++) {
		const struct role *role = &ledger->role[i];
		uint64_t results = role->done + role->nothing;

		if (now - since[i] > slowest_us) {
			slowest = role;
			slowest_us = now - since[i];
		}
		if (results != last[i]) {
			last[i] = results;
			since[i] = now;
		} else if (now - since[i] > PATIENCE * 1000000ull) {
			return role;
		}
	}
	return NULL;
}

static const struct role *watch(uint64_t seconds)
{
	uint64_t last[ROLES] = {0}, since[ROLES], end = clock_us() + seconds * 1000000;

	for (unsigned i = 0; i < ROLES; i++)
		since[i] = clock_us();
	while (clock_us() < end && !ledger->stop) {
		const struct role *stands = standing(last, since);

		if (stands)
			return stands;
		usleep(100000);
	}
	return NULL;
}

/* Until all have ended; false: not in time. */
static bool join(unsigned *left, bool *died)
{
	uint64_t end = clock_us() + PATIENCE * 1000000ull;
	int status;

	while (*left && clock_us() < end) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			*left -= 1;
			*died |= status != 0;
		} else {
			usleep(1000);
		}
	}
	return *left == 0;
}

/* ---- the end ---------------------------------------------------------------------------- */

static bool told(enum wrong kind, const char *sentence)
{
	if (!ledger->wrong[kind]) {
		passed("%s", sentence);
		return true;
	}
	printf("not ok - %s\n# %" PRIu64 " times; first %s\n", sentence, ledger->wrong[kind],
	       ledger->what[kind]);
	return false;
}

static void tell_figures(void)
{
	uint64_t all = 0, sum = 0, top = 0, part[3] = {0}, stale = 0;
	static const double share[3] = {0.5, 0.99, 1};

	for (unsigned i = 0; i < ledger->roles; i++) {
		printf("# %-38s %9" PRIu64 "\n", ledger->role[i].name, ledger->role[i].done);
		stale += ledger->role[i].stale;
	}
	if (slowest)
		printf("# longest without a result: %s, %.1f s\n", slowest->name, (double)slowest_us / 1e6);
	printf("# ESTALE %" PRIu64 ", appends refused %" PRIu64 ", generations %" PRIu64 "\n", stale,
	       ledger->refused, ledger->generation);
	for (unsigned i = 0; i < BUCKETS; i++)
		all += ledger->age[i];
	for (unsigned i = 0; i < BUCKETS; i++) {
		sum += ledger->age[i];
		top = ledger->age[i] ? 1ull << i : top;
		for (unsigned j = 0; j < 3; j++)
			if (!part[j] && all && (double)sum >= share[j] * (double)all)
				part[j] = 1ull << i;
	}
	printf("# older than what was complete: %" PRIu64 "; below us: half %" PRIu64 ", 99 %% %" PRIu64
	       ", all %" PRIu64 "\n", all, part[0], part[1], part[2]);
}

static bool tell(const struct role *stands, bool ended, bool died)
{
	static const char *const sentence[WRONGS] = {
		[TORN] = "every value that was read is a whole value of its key",
		[OLD] = "none is older than its reader is entitled to",
		[FUTURE] = "none is newer than what was begun",
		[UNSEEN] = "who writes sees at once what it wrote",
		[LOST] = "nothing is lost of what many append to one key",
		[DISORDER] = "every frame of the log comes once, in order, to all who follow it",
		[LISTING] = "every listing has each stable name once",
		[EXCLUSION] = "a lock file has one owner",
		[CURSORS] = "cursors are where they were put",
		[FAILED] = "no call failed",
	};
	bool good = true, idle = false;

	for (unsigned i = 0; i < WRONGS; i++)
		good &= told((enum wrong)i, sentence[i]);
	for (unsigned i = 0; i < ledger->roles; i++)
		idle |= ledger->role[i].done < 3;
	if (stands)
		printf("not ok - nobody stands still\n# %s, after %" PRIu64 "\n", stands->name, stands->done);
	else if (!ended)
		printf("not ok - all end when told to\n");
	else if (died || idle)
		printf("not ok - everybody works to the end\n");
	else
		passed("everybody works, and ends when told to");
	return good && !stands && ended && !died && !idle;
}

int main(int argc, char **argv)
{
	const struct role *stands;
	bool died = false, ended;
	unsigned left;

	if (argc != 6)
		die("usage: soak STORE MOUNT MOUNT SECONDS BOUND_MS");
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ledger == MAP_FAILED)
		die("no memory");
	store = argv[1];
	routes[0].dir = argv[2];
	routes[1].dir = argv[3];
	ledger->seed = env_seed("SOAK_SEED");
	ledger->bound_us = strtoull(argv[5], NULL, 10) * 1000;
	ledger->appending = APPENDERS;
	printf("# SOAK_SEED=%" PRIu64 "\n", ledger->seed);
	prepare();
	start_all();
	left = ledger->roles;
	stands = watch(strtoull(argv[4], NULL, 10));
	ledger->stop = 1;
	ended = join(&left, &died);
	tell_figures();
	return tell(stands, ended, died) ? 0 : 1;
}
