/* SPDX-License-Identifier: MIT */
/*
 * ordered STORE WHO: write until killed, in an order that ordered.awk finds in every
 * consistent cut of map, log and cursors.
 *
 * Round n appends the frame "WHO n", sets the cursor WHO to it, puts the number n under
 * "WHO a", in one batch under "WHO m0" to "WHO m7", and under "WHO z".  Values of all sizes in
 * between keep the store moving.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shmfs.h>

#include "../rig.h"

#define MIDDLE 8

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void good(int rc, const char *what)
{
	if (rc)
		die("%s: %s", what, shmfs_strerror(rc));
}

static void put_number(struct shmfs *s, const char *who, const char *what, double number)
{
	char key[80];

	snprintf(key, sizeof(key), "%s %s", who, what);
	good(shmfs_put(s, key, strlen(key), &number, sizeof(number), SHMFS_NUMBER, NULL), "put");
}

static void put_middle(struct shmfs *s, const char *who, double number)
{
	struct shmfs_item items[MIDDLE] = {0};
	char keys[MIDDLE][80];

	for (int i = 0; i < MIDDLE; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%s m%d", who, i);
		items[i] = (struct shmfs_item){.key = keys[i], .key_size = strlen(keys[i])};
		items[i].value = &number;
		items[i].size = sizeof(number);
		items[i].flags = SHMFS_NUMBER;
	}
	good(shmfs_put_many(s, items, MIDDLE), "put_many");
}

static void churn(struct shmfs *s, struct rng *rng, const char *who)
{
	static char value[300000];
	size_t size = rng_size(rng, sizeof(value));
	char key[80];

	snprintf(key, sizeof(key), "%s churn %d", who, (int)rng_below(rng, 100));
	value_fill(value, size, rng_next(rng));
	good(shmfs_put(s, key, strlen(key), value, size, SHMFS_BYTES, NULL), "put");
}

int main(int argc, char **argv)
{
	struct rng rng = {env_seed("ORDERED_SEED")};
	struct shmfs *s;
	char frame[80];
	uint64_t position;

	if (argc != 3)
		die("usage: ordered STORE WHO");
	signal(SIGTERM, stop);
	good(shmfs_open(&s, argv[1], SHMFS_RDWR, NULL), "open");
	good(shmfs_cursor_create(s, argv[2], strlen(argv[2]), SHMFS_LOG_END), "cursor");
	for (unsigned n = 1; !stopped; n++) {
		snprintf(frame, sizeof(frame), "%s %u", argv[2], n);
		good(shmfs_log_append(s, frame, strlen(frame), &position), "append");
		good(shmfs_cursor_set(s, argv[2], strlen(argv[2]), position), "cursor");
		put_number(s, argv[2], "a", n);
		put_middle(s, argv[2], n);
		put_number(s, argv[2], "z", n);
		churn(s, &rng, argv[2]);
	}
	return shmfs_close(s) != 0;
}
