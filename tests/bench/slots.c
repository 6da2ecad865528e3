/*
 * slots.c - 8-byte against 16-byte index slots, measured before the file format was frozen.
 *
 *	cc -std=c11 -O2 -Wall -Wextra -o slots tests/bench/slots.c && ./slots [--json]
 *	./slots [--json] [--reps N] [--cpu N] [--reach 14,8,4] [keys ...]	default: 1000000 10000000
 *
 * A static model of the index and the records: one process, no locks, no crash safety, no checksums. What it
 * keeps is what decides the layout: the cache lines, pages and branches of a get, and the work of a split.
 *
 *	floor	a preallocated table of {hash, ref} at load <= 0.5: what no growing store can beat
 *	A	bucket lines of 4 x {u64 hash, u64 ref}, found by the full hash
 *	B	bucket lines of 8 x u64 {displacement + 1: 4, hash bits: 15, ref / 8: 45}, found by the tag
 *
 * B's displacement counts the lines between home and the entry, so a lookup knows the whole tag it wants in
 * each line, a split knows the home without the hash, and 0 in the top bits means virgin. The hash bits start
 * at the bucket's depth rounded down to 8, so only every eighth level has to re-read keys.
 * Works marked "fresh" include the page faults of a new tmpfs file; "recycled" runs on pages already mapped.
 * "loop" is the lookup as specified; "fast path" the same with all but the home line's first match out of line.
 * 10 million keys take about 6 GB of /dev/shm.
 */
#include "slots_model.h"

/* Splits the bucket of h, or the highest node above it that has no prefix bit left for its child. */
static void split(struct store *s, uint64_t h)
{
	struct live *live = (void *)s->map;
	uint64_t path[12], half[2], w = live->root;
	int i = 0;

	for (path[0] = w; w & NODE; path[++i] = w)
		w = ((struct entry *)(s->map + (w & PAGE_BITS)))[h << (w & 63) >> 56].word;
	while (i > 0 && (path[i - 1] & 63) + 8 == (path[i] & 63))
		i--;
	w = path[i];
	uint64_t depth = w & 63;
	uint8_t *page[2];
	for (int k = 0; k < 2; k++)
		page[k] = new_page(s, &half[k], depth + 1, w & NODE);
	if (w & NODE)
		for (int j = 0; j < 512; j++)
			((struct entry *)page[j / 256])[j % 256] = ((struct entry *)(s->map + (w & PAGE_BITS)))[j / 2];
	else
		split_bucket(s, w, page);

	uint64_t parent = i ? path[i - 1] : 0;
	if (!i)
		new_page(s, &parent, 0, NODE);
	unsigned range = 1u << ((parent & 63) + 8 - depth);
	struct entry *e = (struct entry *)(s->map + (parent & PAGE_BITS)) + ((h << (parent & 63) >> 56) & -range);
	for (unsigned j = 0; j < range; j++)
		release(&e[j].word, half[j >= range / 2]);
	if (!i)
		release(&live->root, parent);
	s->pages--;		/* the old page is free for the next split once no reader is left in it */
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void put_floor(struct store *s, uint64_t h, uint64_t ref)
{
	struct slot *table = (void *)(s->map + PAGE);
	uint64_t i = h >> s->table_shift, mask = (1ull << (64 - s->table_shift)) - 1;
	while (table[i].ref)
		i = (i + 1) & mask;
	table[i] = (struct slot){ h, ref };
}

static void put(struct store *s, const uint8_t *key, size_t klen, const void *value, size_t vlen)
{
	uint64_t h = hash_of(key, klen);
	const struct record *old = s->kind & FLOOR ? find(s, h, key, klen, FLOOR, NULL)
				 : s->kind & SLOT8 ? find(s, h, key, klen, SLOT8, NULL)
						   : find(s, h, key, klen, SLOT16, NULL);
	if (old)
		errx(1, "the model only inserts");
	uint64_t ref = bump(s, 0, sizeof *old + pad8(klen) + pad8(vlen));
	struct record *r = (void *)(s->map + ref);
	*r = (struct record){ .klen = (uint16_t)klen, .vlen = vlen, .seq = ++s->seq, .time = s->seq };
	memcpy(r + 1, key, klen);
	memcpy((uint8_t *)(r + 1) + pad8(klen), value, vlen);
	if (s->kind & FLOOR) {
		put_floor(s, h, ref);
		return;
	}
	if (place(s, descend(s, h), h, ref))
		return;
	uint64_t start = now();
	s->reread = false;
	do
		split(s, h);
	while (!place(s, descend(s, h), h, ref));
	struct latencies *l = s->reread ? s->rereads : s->plain;
	l->ns[l->n++] = (uint32_t)(now() - start);
}

/* ---- measuring ---- */

static struct {
	size_t keys, ops, misses;		/* many short rounds rather than a few long ones: neighbours are noisy */
	int reps;
	bool json;
	uint8_t (*key)[KLEN], (*hit)[KLEN], (*miss)[KLEN];	/* insertion order, shuffled, absent */
} run;

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252ull;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1dull;
}

static void *need(size_t n)
{
	void *p = malloc(n);
	if (!p)
		err(1, "malloc");
	return p;
}

static void make_keys(size_t keys)
{
	run.keys = keys;
	run.ops = keys < 200000 ? keys : 200000;
	run.misses = run.ops * 10;
	run.key = need(keys * KLEN);
	run.hit = need(keys * KLEN);
	run.miss = need(run.misses * KLEN);
	for (size_t i = 0; i < keys * 2; i++)
		((uint64_t *)run.key)[i] = random64();
	for (size_t i = 0; i < run.misses * 2; i++)
		((uint64_t *)run.miss)[i] = random64();
	memcpy(run.hit, run.key, keys * KLEN);
	for (size_t i = keys - 1; i > 0; i--) {
		size_t j = random64() % (i + 1);
		uint8_t t[KLEN];
		memcpy(t, run.hit[i], KLEN);
		memcpy(run.hit[i], run.hit[j], KLEN);
		memcpy(run.hit[j], t, KLEN);
	}
}

static void store_new(struct store *s, unsigned kind, unsigned reach)
{
	char name[] = "/dev/shm/slots.XXXXXX";
	*s = (struct store){ .kind = kind, .reach = reach, .table_shift = 63, .fd = mkstemp(name) };
	while (1ull << (64 - s->table_shift) < 2 * run.keys)
		s->table_shift--;
	/* Sparse: the old pages of splits are not recycled here, so the index may take twice its live size. */
	s->size = (run.keys * (160 + 130 + (kind & FLOOR ? 64 : 0)) / SEGMENT + 16) * SEGMENT;
	if (s->fd < 0 || unlink(name) || ftruncate(s->fd, (off_t)s->size))
		err(1, "/dev/shm");
	s->map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED)
		err(1, "mmap");
}

static void store_empty(struct store *s, bool fresh)
{
	uint64_t table = s->kind & FLOOR ? 16ull << (64 - s->table_shift) : 0;
	if (fresh && (ftruncate(s->fd, 0) || ftruncate(s->fd, (off_t)s->size)))
		err(1, "ftruncate");
	memset(s->map, 0, PAGE + table);
	s->next = (PAGE + table + SEGMENT - 1) / SEGMENT * SEGMENT;
	memset(s->head, 0, sizeof s->head);
	memset(s->end, 0, sizeof s->end);
	s->pages = s->in_place = 0;
	if (!(s->kind & FLOOR))
		new_page(s, &((struct live *)s->map)->root, 0, 0);
}

/* Index bytes a key over the last doubling: fill swings with it, so the figure at one size says little. */
struct index_size { double now, mean, worst, best; };

static double fill_store(struct store *s, struct index_size *size)
{
	uint64_t start = now();
	size_t samples = 0, step = run.keys / 128 + 1;
	char value[VLEN];

	memset(value, 'v', sizeof value);
	*size = (struct index_size){ .best = 1e9 };
	for (size_t i = 0, at = run.keys / 2; i < run.keys; i++) {
		memcpy(value, run.key[i], 8);
		put(s, run.key[i], KLEN, value, VLEN);
		if (i < at)
			continue;
		at += step;
		size->now = (double)s->pages * PAGE / (double)(i + 1);
		size->mean += size->now;
		size->worst = size->now > size->worst ? size->now : size->worst;
		size->best = size->now < size->best ? size->now : size->best;
		samples++;
	}
	double ns = (double)(now() - start) / (double)run.keys;
	size->mean /= (double)samples;
	size->now = (double)s->pages * PAGE / (double)run.keys;
	return ns;
}

static double time_work(const struct store *s, const struct method *m, int work, int rep)
{
	char buf[MANY * 128];
	size_t found = 0, len, all = work == 1 ? run.misses : run.keys;
	size_t first = (size_t)rep * run.ops % (all - run.ops + 1);
	const uint8_t (*keys)[KLEN] = (const void *)((work == 1 ? run.miss : run.hit) + first);

	uint64_t start = now();
	if (work == 2)
		for (size_t i = 0; i + MANY <= run.ops; i += MANY)
			found += m->many(s, keys + i, buf, 128);
	else
		for (size_t i = 0; i < run.ops; i++)
			found += m->get(s, keys[i], KLEN, buf, sizeof buf, &len);
	double ns = (double)(now() - start) / (double)run.ops;
	if (found != (work == 1 ? 0 : work == 2 ? run.ops / MANY * MANY : run.ops))
		errx(1, "%s: wrong number of keys found: %zu", m->name, found);
	return ns;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int by_ns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	return n ? (v[(n - 1) / 2] + v[n / 2]) / 2 : 0;
}

/* The ratio is the median of the ratios within each round, so that a busy neighbour hits both sides of it. */
static void row(unsigned reach, const char *name, const char *work, double *ns, const double *floor, int n)
{
	double ratio[REPS_MAX];
	for (int i = 0; i < n; i++)
		ratio[i] = ns[i] / floor[i];
	printf(run.json ? "{\"keys\":%zu,\"reach\":%u,\"layout\":\"%s\",\"work\":\"%s\",\"ns\":%.1f,\"floor_ratio\":%.3f}\n"
			: "%9zu %5u  %-15s %-16s %8.1f ns %6.2f x\n",
	       run.keys, reach, name, work, median(ns, n), median(ratio, n));
}

static void print_splits(unsigned reach, const char *name, const char *kind, struct latencies *l)
{
	static const double part[] = { 0.5, 0.99, 0.999, 1 };
	double us[4];
	if (!l->n)
		return;
	qsort(l->ns, l->n, sizeof *l->ns, by_ns);
	for (int i = 0; i < 4; i++)
		us[i] = l->ns[(size_t)(part[i] * (double)(l->n - 1))] / 1000.0;
	printf(run.json ? "{\"keys\":%zu,\"reach\":%u,\"layout\":\"%s\",\"split\":\"%s\",\"n\":%zu,\"p50_us\":%.2f,"
			  "\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f}\n"
			: "%9zu %5u  %-15s split, %-19s n %7zu  us: p50 %6.2f  p99 %6.2f  p99.9 %7.2f  max %7.2f\n",
	       run.keys, reach, name, kind, l->n, us[0], us[1], us[2], us[3]);
}

static void print_index(unsigned reach, const char *name, const struct store *s, struct index_size z, int how)
{
	uint64_t wrong[2] = { 0 };
	for (int absent = 0; absent < 2 && !(s->kind & FLOOR); absent++)
		for (size_t i = 0; i < run.ops; i++) {
			const uint8_t *key = absent ? run.miss[i] : run.hit[i];
			if (how & SLOT8)
				find(s, hash_of(key, KLEN), key, KLEN, SLOT8, &wrong[absent]);
			else
				find(s, hash_of(key, KLEN), key, KLEN, SLOT16, &wrong[absent]);
		}
	printf(run.json ? "{\"keys\":%zu,\"reach\":%u,\"layout\":\"%s\",\"index_bytes_per_key\":%.2f,\"doubling_mean\":%.2f,"
			  "\"doubling_best\":%.2f,\"doubling_worst\":%.2f,\"false_matches_per_hit\":%.5f,"
			  "\"false_matches_per_miss\":%.5f,\"splits_in_place\":%lu}\n"
			: "%9zu %5u  %-15s index B/key %6.2f (last doubling: mean %.2f best %.2f worst %.2f)  "
			  "false matches per hit %.5f, miss %.5f; splits in place %lu\n",
	       run.keys, reach, name, z.now, z.mean, z.best, z.worst, (double)wrong[0] / (double)run.ops,
	       (double)wrong[1] / (double)run.ops, (unsigned long)s->in_place);
}

static void measure(unsigned reach)
{
	static const unsigned kinds[STORES] = { FLOOR, SLOT16, SLOT8 };
	static const char *store_names[STORES] = { "floor", "A", "B" };
	static const char *works[WORKS] = { "get hit, copy", "get miss", "get 16 at once" };
	static double get[METHODS][WORKS][REPS_MAX], insert[STORES][2][REPS_MAX];
	struct latencies split[STORES][2][2];
	struct index_size size[STORES];
	struct store s[STORES];
	int fills = run.keys > 2000000 ? 2 : 6;

	for (int k = 0; k < STORES; k++) {
		store_new(&s[k], kinds[k], reach);
		for (int i = 0; i < 4; i++)
			split[k][i / 2][i % 2] = (struct latencies){ need(run.keys / 16 * sizeof(uint32_t)), 0 };
	}
	for (int i = 0; i < fills; i++)
		for (int k = 0; k < STORES; k++) {
			s[k].plain = &split[k][i % 2][0];
			s[k].rereads = &split[k][i % 2][1];
			store_empty(&s[k], i % 2 == 0);
			insert[k][i % 2][i / 2] = fill_store(&s[k], &size[k]);
		}
	for (int rep = -1; rep < run.reps; rep++)		/* the first round only warms up */
		for (int w = 0; w < WORKS; w++)
			for (int m = 0; m < METHODS; m++)
				get[m][w][rep < 0 ? 0 : rep] = time_work(&s[methods[m].store], &methods[m], w, rep + 1);

	for (int w = 0; w < WORKS; w++)
		for (int m = METHODS - 1; m >= 0; m--)		/* the floor last: the ratios of all others need it */
			row(reach, methods[m].name, works[w], get[m][w], get[0][w], run.reps);
	for (int i = 0; i < 2; i++)
		for (int k = STORES - 1; k >= 0; k--)
			row(reach, store_names[k], i ? "insert, recycled" : "insert, fresh", insert[k][i], insert[0][i], fills / 2);
	for (int k = 1; k < STORES; k++) {
		print_index(reach, store_names[k], &s[k], size[k], (int)kinds[k]);
		for (int i = 0; i < 2; i++) {
			print_splits(reach, store_names[k], i ? "recycled" : "fresh", &split[k][i][0]);
			print_splits(reach, store_names[k], i ? "recycled, re-read" : "fresh, re-read", &split[k][i][1]);
		}
	}
	for (int k = 0; k < STORES; k++) {
		for (int i = 0; i < 4; i++)
			free(split[k][i / 2][i % 2].ns);
		munmap(s[k].map, s[k].size);
		close(s[k].fd);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", 0, 0, 'j' }, { "reps", 1, 0, 'r' }, { "cpu", 1, 0, 'c' }, { "reach", 1, 0, 'R' }, { 0 },
	};
	char three[] = "14,8,4", million[] = "1000000", ten[] = "10000000";
	char *reach = three, *standard[] = { million, ten };
	int cpu = 1, o;

	run.reps = 15;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'j': run.json = true; break;
		case 'r': run.reps = atoi(optarg); break;
		case 'c': cpu = atoi(optarg); break;
		case 'R': reach = optarg; break;
		default: return 2;
		}
	if (run.reps < 1 || run.reps > REPS_MAX)
		errx(2, "--reps takes 1 to %d", REPS_MAX);
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET((unsigned)cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one))
		warn("cannot pin to CPU %d", cpu);

	int sizes = optind < argc ? argc - optind : 2;
	char **size = optind < argc ? argv + optind : standard;
	for (int i = 0; i < sizes; i++) {
		make_keys(strtoul(size[i], NULL, 10));
		for (char *p = reach; *p; p += *p == ',') {
			unsigned long r = strtoul(p, &p, 10);
			if (r < 1 || r > REACH_MAX || (*p && *p != ','))
				errx(2, "--reach takes numbers from 1 to %d", REACH_MAX);
			measure((unsigned)r);
		}
		free(run.key);
		free(run.hit);
		free(run.miss);
	}
	return 0;
}
