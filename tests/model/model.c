/* SPDX-License-Identifier: MIT */
/*
 * One thread, one store, reopened now and then, beside a read-only handle:
 *
 *	[MODEL_SEED=n] [MODEL_OPS=n] model [DIR...]
 *
 * runs MODEL_OPS operations on each kind of store in each DIR (default: /dev/shm and
 * $SHMFS_TEST_DIR).  The seed is printed; the same seed does the same again.
 */
#include <stdio.h>
#include <unistd.h>

#include "model.h"

static const struct kind {
	const char *what;
	uint64_t universe;
	uint64_t value_top;
	uint32_t flags;
	unsigned share; /* of MODEL_OPS, in percent */
} kinds[] = {
	{"few keys of any size", 60, VALUE_TOP, 0, 100},
	{"many small values", 20000, 300, 0, 200},
	{"many keys, not synced", 3000, 70000, SHMFS_OPT_NO_SYNC, 60},
};

static void open_store(struct model *m, uint32_t flags)
{
	struct shmfs_options options = {.struct_size = sizeof(options), .flags = flags};

	m->doing = "open";
	MODEL_SAME(m, "open", shmfs_open(&m->s, m->path, SHMFS_RDWR | SHMFS_CREATE, &options), 0);
}

/* Everything is the same behind a close, and read-only without a writer. */
static void reopen(struct model *m, uint32_t flags)
{
	m->doing = "close";
	MODEL_SAME(m, "close", shmfs_close(m->s), 0);
	m->s = NULL;
	if (m->reader && rng_once_in(&m->rng, 2)) {
		MODEL_SAME(m, "close of the reader", shmfs_close(m->reader), 0);
		m->reader = NULL;
	}
	if (!m->reader)
		MODEL_SAME(m, "open of a reader", shmfs_open(&m->reader, m->path, SHMFS_RDONLY, NULL), 0);
	m->s = m->reader;
	for (int i = 0; i < 50; i++)
		model_get(m);
	if (rng_once_in(&m->rng, 4))
		model_walk(m);
	open_store(m, flags);
	for (int i = 0; i < 20; i++)
		model_get(m);
}

static void run(const char *dir, const struct kind *kind, uint64_t seed, uint64_t ops)
{
	struct shmfs_stat st = {.struct_size = sizeof(st)};
	struct model m;
	char path[4096];
	uint64_t start = clock_us();

	scratch(path, sizeof(path), dir, "model");
	model_init(&m, seed, kind->universe, kind->value_top);
	m.path = path;
	open_store(&m, kind->flags);
	MODEL_SAME(&m, "stat", shmfs_stat(m.s, &st), 0);
	for (uint64_t i = 0; i < ops; i++) {
		model_step(&m);
		if (rng_once_in(&m.rng, st.is_volatile ? 400 : 2000))
			reopen(&m, kind->flags);
		if (rng_once_in(&m.rng, st.is_volatile ? 100 : 800))
			MODEL_SAME(&m, "sync", shmfs_sync(m.s), 0);
	}
	model_walk(&m);
	model_check(&m);
	reopen(&m, kind->flags);
	model_walk(&m);
	model_check(&m);
	MODEL_SAME(&m, "close", shmfs_close(m.s), 0);
	MODEL_SAME(&m, "close of the reader", shmfs_close(m.reader), 0);
	passed("a store of %s in %s agrees with the model (%llu operations, %.1f s)", kind->what,
	       dir, (unsigned long long)ops, (double)(clock_us() - start) / 1e6);
	model_free(&m);
	unlink(path);
}

/* With TORTURE_SECONDS again and again, each time with the next seed. */
int main(int argc, char **argv)
{
	uint64_t seed = env_seed("MODEL_SEED"), ops = env_number("MODEL_OPS", 30000);
	struct budget budget = env_budget("MODEL_ROUNDS", 1, 1);
	const char *dirs[] = {"/dev/shm", disk_dir()};
	size_t n = argc > 1 ? (size_t)argc - 1 : 2;

	for (uint64_t i = 0; budget_lasts(&budget, i); i++, seed += 100) {
		printf("# MODEL_SEED=%llu MODEL_OPS=%llu\n", (unsigned long long)seed, (unsigned long long)ops);
		for (size_t d = 0; d < n; d++)
			for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
				run(argc > 1 ? argv[d + 1] : dirs[d], &kinds[k], seed + k,
				    ops * kinds[k].share / 100);
	}
	return 0;
}
