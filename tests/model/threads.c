/* SPDX-License-Identifier: MIT */
/*
 * Several threads, each with a model of its own keys, and readers of keys that all of them
 * write; through one handle, then through a handle each:
 *
 *	[MODEL_SEED=n] [MODEL_OPS=n] threads [DIR]
 *
 * Meant for the thread sanitizer as much as for itself.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

#define WRITERS 3
#define READERS 2
#define SHARED 16
#define SHARED_TOP 6000

struct thread {
	pthread_t id;
	struct model m;
	uint64_t ops;
	unsigned long reads;
};

static atomic_bool done;

static size_t shared_key(uint64_t i, char key[16])
{
	return (size_t)snprintf(key, 16, "shared-%u", (unsigned)i);
}

static void *write_all(void *arg)
{
	struct thread *t = arg;
	struct model *m = &t->m;
	unsigned char value[SHARED_TOP];
	char key[16];

	while (t->ops--) {
		size_t size = 8 + rng_below(&m->rng, sizeof(value) - 8);
		size_t n = shared_key(rng_below(&m->rng, SHARED), key);

		model_step(m);
		value_fill(value, size, rng_next(&m->rng));
		m->doing = "put of a shared key";
		MODEL_SAME(m, "put", shmfs_put(m->s, key, n, value, size, SHMFS_BYTES, NULL), 0);
	}
	return NULL;
}

struct seen {
	uint64_t version, time_ns;
};

/* What a reader has once seen of a key is never followed by something older. */
static void not_older(struct model *m, struct seen *seen, const struct shmfs_info *info)
{
	if (info->version < seen->version)
		model_fail(m, "a shared version", (int64_t)info->version, (int64_t)seen->version);
	if (info->time_ns < seen->time_ns)
		model_fail(m, "a shared time", (int64_t)info->time_ns, (int64_t)seen->time_ns);
	*seen = (struct seen){info->version, info->time_ns};
}

static void read_copy(struct model *m, const char *key, size_t n, struct seen *seen)
{
	unsigned char value[SHARED_TOP];
	size_t size = sizeof(value);
	struct shmfs_info info;
	int got;

	m->doing = "get of a shared key";
	got = shmfs_get(m->s, key, n, value, &size, &info);
	if (got == -ENOENT && !seen->version)
		return;
	MODEL_SAME(m, "get", got, 0);
	MODEL_SAME(m, "a whole value", value_whole(value, size), true);
	not_older(m, seen, &info);
}

static void read_view(struct model *m, const char *key, size_t n, struct seen *seen)
{
	unsigned char value[SHARED_TOP];
	struct shmfs_view view;
	int got;

	m->doing = "view of a shared key";
	got = shmfs_view(m->s, key, n, &view);
	if (got == -ENOENT && !seen->version)
		return;
	MODEL_SAME(m, "view", got, 0);
	MODEL_SAME(m, "a size that fits", view.info.size <= sizeof(value), true);
	if (MODEL_MAY_LOOK) {
		memcpy(value, view.data, view.info.size);
		if (shmfs_view_valid(m->s, &view))
			return;
		MODEL_SAME(m, "a whole value", value_whole(value, view.info.size), true);
	}
	not_older(m, seen, &view.info);
}

static void read_walk(struct model *m)
{
	struct shmfs_iter *it;
	struct shmfs_entry e;
	int got;

	m->doing = "walk beside writers";
	MODEL_SAME(m, "iter_open", shmfs_iter_open(m->s, &it, 0), 0);
	while (!(got = shmfs_iter_next(it, &e)))
		;
	MODEL_SAME(m, "iter_next", got, -ENOENT);
	shmfs_iter_close(it);
}

static void *read_all(void *arg)
{
	struct thread *t = arg;
	struct seen seen[SHARED] = {{0, 0}};
	char key[16];

	while (!atomic_load(&done)) {
		uint64_t i = rng_below(&t->m.rng, SHARED);
		size_t n = shared_key(i, key);

		if (rng_once_in(&t->m.rng, 2000))
			read_walk(&t->m);
		else if (rng_once_in(&t->m.rng, 2))
			read_copy(&t->m, key, n, &seen[i]);
		else
			read_view(&t->m, key, n, &seen[i]);
		t->reads++;
	}
	return NULL;
}

static struct shmfs *open_store(struct model *m, int flags)
{
	struct shmfs *s = NULL;

	m->doing = "open";
	MODEL_SAME(m, "open", shmfs_open(&s, m->path, flags, NULL), 0);
	return s;
}

static void run(const char *dir, bool shared_handle, uint64_t seed, uint64_t ops)
{
	struct thread threads[WRITERS + READERS] = {0};
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct shmfs *s = NULL;
	uint64_t keys = 0, reads = 0;
	char path[4096];

	scratch(path, sizeof(path), dir, "threads");
	atomic_store(&done, false);
	for (size_t i = 0; i < WRITERS + READERS; i++) {
		struct model *m = &threads[i].m;

		model_init(m, seed + i, i < WRITERS ? 300 : 1, 20000);
		m->path = path;
		m->tag[0] = (unsigned char)('A' + i);
		m->tag_size = 1;
		m->alone = false;
		if (!s)
			s = open_store(m, SHMFS_RDWR | SHMFS_CREATE);
		m->s = s;
		if (!shared_handle && i)
			m->s = open_store(m, i < WRITERS ? SHMFS_RDWR : SHMFS_RDONLY);
		threads[i].ops = ops;
	}
	for (size_t i = 0; i < WRITERS + READERS; i++)
		if (pthread_create(&threads[i].id, NULL, i < WRITERS ? write_all : read_all, &threads[i]))
			die("pthread_create failed");
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i].id, NULL);
	atomic_store(&done, true);
	for (size_t i = WRITERS; i < WRITERS + READERS; i++)
		pthread_join(threads[i].id, NULL);

	for (size_t i = 0; i < WRITERS; i++) {
		model_walk(&threads[i].m);
		keys += threads[i].m.table.there;
	}
	model_check(&threads[0].m);
	MODEL_SAME(&threads[0].m, "stat", shmfs_stat(s, &st), 0);
	MODEL_SAME(&threads[0].m, "keys but the shared ones",
	           st.keys >= keys && st.keys <= keys + SHARED, true);
	for (size_t i = 0; i < WRITERS + READERS; i++) {
		reads += threads[i].reads;
		if (!shared_handle && i)
			MODEL_SAME(&threads[i].m, "close", shmfs_close(threads[i].m.s), 0);
		model_free(&threads[i].m);
	}
	if (shmfs_close(s))
		die("close failed");
	unlink(path);
	passed("%d writing and %d reading threads with %s agree with their models "
	       "(%llu operations each, %llu reads)",
	       WRITERS, READERS, shared_handle ? "one handle" : "a handle each",
	       (unsigned long long)ops, (unsigned long long)reads);
}

/* With TORTURE_SECONDS again and again, each time with the next seed. */
int main(int argc, char **argv)
{
	uint64_t seed = env_seed("MODEL_SEED"), ops = env_number("MODEL_OPS", MODEL_MAY_LOOK ? 15000 : 2000);
	struct budget budget = env_budget("MODEL_ROUNDS", 1, 1);
	const char *dir = argc > 1 ? argv[1] : "/dev/shm";

	for (uint64_t i = 0; budget_lasts(&budget, i); i++, seed += 100) {
		printf("# MODEL_SEED=%llu MODEL_OPS=%llu\n", (unsigned long long)seed, (unsigned long long)ops);
		run(dir, true, seed, ops);
		run(dir, false, seed, ops);
	}
	return 0;
}
