/* SPDX-License-Identifier: MIT */
/* What a store shows, and what an image must (verify.h). */
#include "verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/handle.h"
#include "../rig.h"
#include "image.h"
#include "trap.h"

static const char frame[] = "a frame by the next writer";

/* ---- what it shows */

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t w;

	for (h ^= n; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	for (; n; n--)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static uint64_t sum_keys(struct shmfs *s)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	uint64_t sum = 0;
	int rc = shmfs_iter_open(s, &it, 0);

	while (rc == 0 && !(rc = shmfs_iter_next(it, &e)))
		sum += mix(mix(e.view.info.type, e.key, e.key_size), e.view.data, e.view.info.size);
	if (rc != -ENOENT)
		problem("walk: %s", shmfs_strerror(rc));
	shmfs_iter_close(it);
	return sum;
}

uint64_t state_of_key(struct shmfs *s, const void *key, size_t size)
{
	struct shmfs_view view;

	if (shmfs_view(s, key, size, &view))
		return 0;
	return mix(mix(view.info.type, key, size), view.data, view.info.size);
}

static uint64_t sum_frames(struct shmfs *s)
{
	struct shmfs_frame_view view;
	struct shmfs_reader *r;
	uint64_t sum = 0;
	int rc = shmfs_reader_open(s, &r, SHMFS_LOG_BEGIN);

	while (rc == 0 && !(rc = shmfs_reader_view(r, &view)))
		sum += mix(view.position, view.data, view.size);
	if (rc != -ENODATA)
		problem("log: %s", shmfs_strerror(rc));
	shmfs_reader_close(r);
	return sum;
}

static int add_cursor(void *arg, const void *name, size_t size, uint64_t position)
{
	*(uint64_t *)arg += mix(position, name, size);
	return 0;
}

struct state state_of(struct shmfs *s)
{
	struct shmfs_log_bounds bounds = {.struct_size = sizeof(bounds)};
	struct state state = {.keys = sum_keys(s), .frames = sum_frames(s)};
	int rc = shmfs_cursor_walk(s, add_cursor, &state.cursors);

	if (rc == 0)
		rc = shmfs_log_bounds(s, &bounds);
	if (rc)
		problem("cursors or bounds: %s", shmfs_strerror(rc));
	state.head = bounds.head;
	state.trimmed_frames = bounds.trimmed_frames;
	state.trimmed_bytes = bounds.trimmed_bytes;
	return state;
}

bool state_is(const struct state *a, const struct state *b)
{
	return !memcmp(a, b, sizeof(*a));
}

uint64_t runs_of(struct shmfs *s)
{
	uint64_t n, count = 0, idle = 0, nseg = sfs_segments(s);

	for (n = SFS_FIRST_SEG; n < nseg; n++) {
		const struct sfs_seg *e = sfs_seg(s, n);

		if (e->kind == SFS_SEG_FREE || e->died)
			idle++;
		else if (e->kind == SFS_SEG_BIG || e->kind == SFS_SEG_CONT)
			count++;
		else if (e->kind == SFS_SEG_SPARE && s->live->spare[0] >> SFS_SEG_SHIFT != n &&
		         s->live->spare[1] >> SFS_SEG_SHIFT != n)
			problem("segment %llu is a spare that nobody knows of", (unsigned long long)n);
	}
	/* as a hint it may be too high; were it too low, as many would never be looked for */
	if (s->live->idle < idle)
		problem("%llu segments are idle, %llu counted", (unsigned long long)idle,
		        (unsigned long long)s->live->idle);
	return count;
}

/* ---- what an image must */

static void print(void *arg, uint64_t offset, const char *text)
{
	printf("# %s: %#llx: %s\n", (const char *)arg, (unsigned long long)offset, text);
}

static void check(struct shmfs *s, const char *when)
{
	struct shmfs_check_result result = {.struct_size = sizeof(result)};
	int rc = shmfs_check(s, &result, print, (void *)when);

	if (rc || result.problems)
		problem("%s: check: %s, %llu problems", when, shmfs_strerror(rc),
		        (unsigned long long)result.problems);
}

static void expect(int rc, const char *what)
{
	if (rc)
		problem("%s: %s", what, shmfs_strerror(rc));
}

static void use_log(struct shmfs *s, struct state *state)
{
	struct shmfs_log_bounds bounds = {.struct_size = sizeof(bounds)};
	struct shmfs_reader *r;
	uint64_t position = 0, got = 0;
	char buf[100];
	size_t size = sizeof(buf);

	expect(shmfs_cursor_create(s, "used", 4, SHMFS_LOG_END), "cursor_create");
	expect(shmfs_reader_open(s, &r, SHMFS_LOG_END), "reader_open");
	expect(shmfs_log_append(s, frame, sizeof(frame), &position), "append");
	expect(shmfs_reader_next(r, buf, &size, &got), "reader_next");
	if (size != sizeof(frame) || memcmp(buf, frame, size) != 0 || got != position)
		problem("reader_next: another frame");
	shmfs_reader_close(r);
	expect(shmfs_cursor_del(s, "used", 4), "cursor_del");
	expect(shmfs_log_bounds(s, &bounds), "log_bounds");
	if (bounds.head == state->head)
		state->frames += mix(position, frame, sizeof(frame));
	else /* of a log of limited length the oldest segment went */
		state->frames = sum_frames(s);
	state->head = bounds.head;
	state->trimmed_frames = bounds.trimmed_frames;
	state->trimmed_bytes = bounds.trimmed_bytes;
}

/* Everything, and back. */
static void use(struct shmfs *s, struct state *state, bool log)
{
	struct state after;
	char buf[100];
	size_t size = sizeof(buf);

	expect(shmfs_put(s, "used", 4, "again", 5, SHMFS_STRING, NULL), "put");
	expect(shmfs_get(s, "used", 4, buf, &size, NULL), "get");
	if (size != 5 || memcmp(buf, "again", 5) != 0)
		problem("get: another value");
	if (log)
		use_log(s, state);
	expect(shmfs_sync(s), "sync");
	expect(shmfs_del(s, "used", 4, 0, NULL), "del");
	after = state_of(s);
	if (!state_is(state, &after))
		problem("using it changed it");
}

int verify_reading(struct state *state)
{
	struct shmfs *s;
	int rc = shmfs_open(&s, image_path, SHMFS_RDONLY, NULL);

	if (rc)
		return rc;
	*state = state_of(s);
	check(s, "read-only");
	expect(shmfs_close(s), "close");
	return 0;
}

int verify_writing(unsigned how, struct state *state, uint64_t *runs)
{
	bool survivor = how & AS_SURVIVOR;
	struct state used, again;
	struct shmfs *s;
	int rc;

	if (survivor)
		trap_dying_holder(image_path, 1);
	rc = shmfs_open(&s, image_path, SHMFS_RDWR | (how & CREATE_IT ? SHMFS_CREATE : 0), NULL);
	if (rc)
		return rc;
	used = *state = state_of(s);
	if (how & TRIM_AGAIN)
		expect(shmfs_log_trim(s, state->head), "trim");
	*runs = runs_of(s);
	check(s, "opened");
	use(s, &used, how & USE_LOG);
	check(s, "used");
	if (survivor) /* less what using it took */
		*runs -= runs_of(s);
	expect(shmfs_close(s), "close");
	rc = shmfs_open(&s, image_path, SHMFS_RDWR, NULL);
	if (rc)
		return rc;
	if (survivor) /* now the dead one's lease has an heir */
		*runs += runs_of(s);
	expect(shmfs_close(s), "close");
	rc = verify_reading(&again);
	if (rc == 0 && !state_is(&used, &again))
		problem("closing and opening it changed it");
	return rc;
}

static int open_copy(const char *path, struct state *state)
{
	struct shmfs *s;
	int rc = shmfs_open(&s, path, SHMFS_RDWR, NULL);

	if (rc)
		return rc;
	*state = state_of(s);
	check(s, "as a copy");
	expect(shmfs_close(s), "close");
	return 0;
}

int verify_copy(struct state *state)
{
	return open_copy(image_path, state);
}

int verify_copy_of_changed(struct state *state)
{
	const char *copy;
	struct shmfs *s;
	int rc = shmfs_open(&s, image_path, SHMFS_RDWR, NULL);

	if (rc)
		return rc;
	expect(shmfs_put(s, "used", 4, "again", 5, SHMFS_STRING, NULL), "put");
	copy = image_copy();
	rc = open_copy(copy, state);
	unlink(copy);
	expect(shmfs_close(s), "close");
	return rc;
}
