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
#define _GNU_SOURCE
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <emmintrin.h>
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define INLINE static inline __attribute__((always_inline))
#define NODE (1ull << 11)
#define PAGE_BITS 0x0000fffffffff000ull
#define REF_BITS ((1ull << 45) - 1)
#define TOMB (15ull << 60)
#define SEED 0x9e3779b97f4a7c15ull

enum { PAGE = 4096, LINES = 64, REACH_MAX = 14, SEGMENT = 1 << 20, MANY = 16, KLEN = 16, VLEN = 100 };

/* What a lookup is made of; always a compile-time constant, so each method gets its own straight code. */
enum { FLOOR = 1, SLOT16 = 2, SLOT8 = 4, SCALAR = 8, AHEAD = 16, FAST = 32 };

struct record { uint32_t crc; uint16_t klen; uint8_t type, space; uint64_t vlen, seq, time; };
struct slot { uint64_t hash, ref; };
struct entry { uint64_t word, epoch; };
struct live { uint64_t root, epoch, freed, reused; };
struct latencies { uint32_t *ns; size_t n; };

struct store {
	uint8_t *map;
	uint64_t size;				/* bounds of every offset read from the file */
	unsigned kind, reach, table_shift;
	uint64_t head[2], end[2], next;		/* data and index segment being filled; next segment */
	uint64_t pages, seq;
	uint64_t in_place;			/* splits that had to leave entries where they were */
	bool reread;				/* the split under way re-read its records */
	struct latencies *plain, *rereads;
	int fd;
};

typedef bool get_fn(const struct store *, const uint8_t *key, size_t klen, void *buf, size_t room, size_t *len);
typedef unsigned many_fn(const struct store *, const uint8_t (*keys)[KLEN], void *buf, size_t room);

INLINE uint64_t acquire(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
INLINE void release(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
INLINE uint64_t pad8(uint64_t n) { return (n + 7) & ~7ull; }
INLINE bool inside(const struct store *s, uint64_t at, uint64_t n) { return at <= s->size && n <= s->size - at; }
INLINE uint64_t hash_of(const void *key, size_t n) { return XXH3_64bits_withSeed(key, n, SEED); }
INLINE uint64_t load8(const void *p) { uint64_t v; memcpy(&v, p, 8); return v; }

/* Inlined words: a call to memcmp costs as much as the rest of a tag match. */
INLINE bool same_key(const uint8_t *a, const uint8_t *b, size_t n)
{
	if (n < 8) {
		unsigned differ = 0;
		for (size_t i = 0; i < n; i++)
			differ |= a[i] ^ b[i];
		return !differ;
	}
	for (size_t i = 0; i + 8 < n; i += 8)
		if (load8(a + i) != load8(b + i))
			return false;
	return load8(a + n - 8) == load8(b + n - 8);
}

INLINE const struct record *confirm(const struct store *s, uint64_t ref, const uint8_t *key, size_t klen)
{
	if (!inside(s, ref, sizeof(struct record)))
		return NULL;
	const struct record *r = (const void *)(s->map + ref);
	uint64_t vlen = r->vlen & 0xffffffffffff;
	if (r->klen != klen || r->space || !inside(s, ref + sizeof *r, pad8(klen) + vlen))
		return NULL;
	return same_key((const uint8_t *)(r + 1), key, klen) ? r : NULL;
}

INLINE void prefetch_record(const struct store *s, uint64_t ref)
{
	for (int i = 0; i < 3; i++)
		__builtin_prefetch(s->map + ref + i * 64);
}

/* One line of B: bits 0..7 the slots whose tag is `want`, bits 8..15 the virgin ones. A slot is virgin exactly
 * when its tag is 0, because every entry and tombstone has 1..15 in the top four bits. */
INLINE unsigned compare8(const uint64_t *line, uint32_t want, unsigned how)
{
	if (how & SCALAR) {
		unsigned m = 0;
		for (int i = 0; i < 8; i++) {
			uint32_t tag = acquire(line + i) >> 32 & 0xffffe000u;
			m |= (unsigned)(tag == want) << i | (unsigned)(tag == 0) << (i + 8);
		}
		return m;
	}
	const float *f = (const float *)line;
	__m128i tags = _mm_set1_epi32((int)0xffffe000u), w = _mm_set1_epi32((int)want), zero = _mm_setzero_si128();
	__m128i a = _mm_castps_si128(_mm_shuffle_ps(_mm_load_ps(f), _mm_load_ps(f + 4), _MM_SHUFFLE(3, 1, 3, 1)));
	__m128i b = _mm_castps_si128(_mm_shuffle_ps(_mm_load_ps(f + 8), _mm_load_ps(f + 12), _MM_SHUFFLE(3, 1, 3, 1)));
	a = _mm_and_si128(a, tags);
	b = _mm_and_si128(b, tags);
	__m128i hit = _mm_packs_epi32(_mm_cmpeq_epi32(a, w), _mm_cmpeq_epi32(b, w));
	__m128i virgin = _mm_packs_epi32(_mm_cmpeq_epi32(a, zero), _mm_cmpeq_epi32(b, zero));
	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(hit, virgin));
}

/* One line of A: the same answer in bits 0, 2, 4, 6 and 8, 10, 12, 14. SSE2 has no 64-bit compare, so both halves
 * of a hash must agree. A hash of 0 stands for no entry at all here. */
INLINE unsigned compare4(const struct slot *line, uint64_t h)
{
	const __m128i *v = (const __m128i *)line;
	__m128i w = _mm_set1_epi64x((long long)h), zero = _mm_setzero_si128();
	__m128i a = _mm_unpacklo_epi64(_mm_load_si128(v), _mm_load_si128(v + 1));
	__m128i b = _mm_unpacklo_epi64(_mm_load_si128(v + 2), _mm_load_si128(v + 3));
	__m128i hit = _mm_packs_epi32(_mm_cmpeq_epi32(a, w), _mm_cmpeq_epi32(b, w));
	__m128i virgin = _mm_packs_epi32(_mm_cmpeq_epi32(a, zero), _mm_cmpeq_epi32(b, zero));
	unsigned m = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(hit, virgin));
	return m & m >> 1 & 0x5555;
}

INLINE uint32_t tag15(uint64_t h, unsigned depth) { return (uint32_t)(h << (depth & 56) >> 49); }
INLINE uint32_t first_tag(uint64_t h, uint64_t word) { return (1u << 15 | tag15(h, word & 63)) << 13; }

/* The index word of the bucket for h, or 0 if the tree is damaged. */
INLINE uint64_t descend(const struct store *s, uint64_t h)
{
	uint64_t w = acquire(&((struct live *)s->map)->root);
	for (int levels = 0; w & NODE; levels++) {
		if (levels == 10 || !inside(s, w & PAGE_BITS, PAGE))
			return 0;
		const struct entry *e = (const void *)(s->map + (w & PAGE_BITS));
		w = acquire(&e[h << (w & 63) >> 56].word);
	}
	return inside(s, w & PAGE_BITS, PAGE) ? w : 0;
}

INLINE const struct record *find_floor(const struct store *s, uint64_t h, const uint8_t *key, size_t klen)
{
	const struct slot *table = (const void *)(s->map + PAGE);
	uint64_t mask = (1ull << (64 - s->table_shift)) - 1;
	for (uint64_t i = h >> s->table_shift; table[i].ref; i = (i + 1) & mask) {
		if (table[i].hash != h)
			continue;
		const struct record *r = confirm(s, table[i].ref, key, klen);
		if (r)
			return r;
	}
	return NULL;
}

/* Searches the bucket `word` names; counts tag matches that were another key when `wrong` is given. */
INLINE const struct record *find_in(const struct store *s, uint64_t word, uint64_t h, const uint8_t *key, size_t klen,
				    unsigned how, uint64_t *wrong)
{
	const uint8_t *page = s->map + (word & PAGE_BITS);
	uint32_t want = first_tag(h, word);
	if (!word)
		return NULL;
	for (unsigned n = 0; n < REACH_MAX; n++, want += 1u << 28) {
		const uint8_t *line = page + ((h + n) & 63) * 64;
		unsigned m = how & SLOT8 ? compare8((const uint64_t *)line, want, how) : compare4((const void *)line, h);
		for (unsigned hits = m & 255; hits; hits &= hits - 1) {
			unsigned i = (unsigned)__builtin_ctz(hits);
			uint64_t ref = how & SLOT8 ? (acquire((const uint64_t *)line + i) & REF_BITS) << 3
						   : acquire(&((const struct slot *)line)[i / 2].ref);
			if (how & AHEAD)
				prefetch_record(s, ref);
			const struct record *r = confirm(s, ref, key, klen);
			if (r)
				return r;
			if (wrong)
				++*wrong;
		}
		if (m >> 8)
			break;
	}
	return NULL;
}

static __attribute__((noinline, cold)) const struct record *
search_a(const struct store *s, uint64_t word, uint64_t h, const uint8_t *key, size_t klen)
{
	return find_in(s, word, h, key, klen, SLOT16, NULL);
}

static __attribute__((noinline, cold)) const struct record *
search_b(const struct store *s, uint64_t word, uint64_t h, const uint8_t *key, size_t klen)
{
	return find_in(s, word, h, key, klen, SLOT8, NULL);
}

/* The first match of the home line decides nearly every get: straight code for it, and everything else (a false
 * match, a full line) out of line, so that the compiler keeps the whole common path in registers. */
INLINE const struct record *find_fast(const struct store *s, uint64_t word, uint64_t h, const uint8_t *key, size_t klen,
				      unsigned how)
{
	const uint8_t *line = s->map + (word & PAGE_BITS) + (h & 63) * 64;
	if (__builtin_expect(!word, 0))
		return NULL;
	unsigned m = how & SLOT8 ? compare8((const uint64_t *)line, first_tag(h, word), how)
				 : compare4((const void *)line, h);
	if (m & 255) {
		unsigned i = (unsigned)__builtin_ctz(m);
		uint64_t ref = how & SLOT8 ? (acquire((const uint64_t *)line + i) & REF_BITS) << 3
					   : acquire(&((const struct slot *)line)[i / 2].ref);
		if (how & AHEAD)
			prefetch_record(s, ref);
		const struct record *r = confirm(s, ref, key, klen);
		if (__builtin_expect(r != NULL, 1))
			return r;
	} else if (m) {
		return NULL;
	}
	return how & SLOT8 ? search_b(s, word, h, key, klen) : search_a(s, word, h, key, klen);
}

INLINE const struct record *find(const struct store *s, uint64_t h, const uint8_t *key, size_t klen, unsigned how,
				 uint64_t *wrong)
{
	if (how & FAST)
		return find_fast(s, descend(s, h), h, key, klen, how);
	return how & FLOOR ? find_floor(s, h, key, klen) : find_in(s, descend(s, h), h, key, klen, how, wrong);
}

INLINE bool copy_out(const struct record *r, void *buf, size_t room, size_t *len)
{
	*len = r->vlen & 0xffffffffffff;
	memcpy(buf, (const uint8_t *)(r + 1) + pad8(r->klen), *len < room ? *len : room);
	return true;
}

/* The stamp check is what makes a real copy safe against the cleaner; the floor has none. */
INLINE bool get_by(const struct store *s, const uint8_t *key, size_t klen, void *buf, size_t room, size_t *len,
		   unsigned how)
{
	const struct live *live = (const void *)s->map;
	uint64_t h = hash_of(key, klen);
	for (int tries = 0; __builtin_expect(tries < 1000, 1); tries++) {
		uint64_t stamp = how & FLOOR ? 0 : acquire(&live->freed);
		const struct record *r = find(s, h, key, klen, how, NULL);
		bool found = r && copy_out(r, buf, room, len);
		if (how & FLOOR)
			return found;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__builtin_expect(__atomic_load_n(&live->reused, __ATOMIC_RELAXED) <= stamp, 1))
			return found;
	}
	return false;
}

/* Sixteen gets as three passes, so that the misses of each pass overlap: bucket lines, records, copies. */
INLINE unsigned many_by(const struct store *s, const uint8_t (*keys)[KLEN], uint8_t *buf, size_t room, unsigned how)
{
	uint64_t h[MANY], ref[MANY], word[MANY];
	uint64_t stamp = acquire(&((struct live *)s->map)->freed);
	unsigned found = 0;

	for (int i = 0; i < MANY; i++) {
		h[i] = hash_of(keys[i], KLEN);
		word[i] = how & FLOOR ? 0 : descend(s, h[i]);
		__builtin_prefetch(how & FLOOR ? s->map + PAGE + (h[i] >> s->table_shift) * 16
					       : s->map + (word[i] & PAGE_BITS) + (h[i] & 63) * 64);
	}
	for (int i = 0; i < MANY; i++) {
		const uint8_t *line = s->map + (word[i] & PAGE_BITS) + (h[i] & 63) * 64;
		if (how & FLOOR) {
			ref[i] = ((struct slot *)(s->map + PAGE))[h[i] >> s->table_shift].ref;
		} else if (how & SLOT8) {
			unsigned m = compare8((const uint64_t *)line, first_tag(h[i], word[i]), how) & 255;
			ref[i] = m ? (acquire((const uint64_t *)line + __builtin_ctz(m)) & REF_BITS) << 3 : 0;
		} else {
			unsigned m = compare4((const void *)line, h[i]) & 255;
			ref[i] = m ? acquire(&((const struct slot *)line)[__builtin_ctz(m) / 2].ref) : 0;
		}
		prefetch_record(s, ref[i]);
	}
	for (int i = 0; i < MANY; i++) {
		size_t len;
		const struct record *r = ref[i] ? confirm(s, ref[i], keys[i], KLEN) : NULL;
		if (!r)
			r = how & FLOOR ? find_floor(s, h[i], keys[i], KLEN)
			  : how & FAST  ? find_fast(s, word[i], h[i], keys[i], KLEN, how)
					: find_in(s, word[i], h[i], keys[i], KLEN, how, NULL);
		found += r && copy_out(r, buf + (size_t)i * room, room, &len);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&((struct live *)s->map)->reused, __ATOMIC_RELAXED) <= stamp ? found : 0;
}

#define METHOD(name, how)	\
static __attribute__((noinline)) bool get_##name(const struct store *s, const uint8_t *key, size_t klen,	\
						 void *buf, size_t room, size_t *len)			\
{ return get_by(s, key, klen, buf, room, len, how); }							\
static __attribute__((noinline)) unsigned many_##name(const struct store *s, const uint8_t (*keys)[KLEN],	\
						      void *buf, size_t room)				\
{ return many_by(s, keys, buf, room, how); }
METHOD(floor, FLOOR)
METHOD(a, SLOT16)
METHOD(a_fast, SLOT16 | FAST)
METHOD(b, SLOT8)
METHOD(b_fast, SLOT8 | FAST)
METHOD(b_ahead, SLOT8 | FAST | AHEAD)
METHOD(b_scalar, SLOT8 | FAST | SCALAR)

static const struct method { const char *name; unsigned store; get_fn *get; many_fn *many; } methods[] = {
	{ "floor", 0, get_floor, many_floor },
	{ "A loop", 1, get_a, many_a },
	{ "A fast path", 1, get_a_fast, many_a_fast },
	{ "B loop", 2, get_b, many_b },
	{ "B fast path", 2, get_b_fast, many_b_fast },
	{ "B fast prefetch", 2, get_b_ahead, many_b_ahead },
	{ "B fast scalar", 2, get_b_scalar, many_b_scalar },
};
enum { METHODS = sizeof methods / sizeof *methods, STORES = 3, WORKS = 3, REPS_MAX = 100 };

/* ---- writing ---- */

static uint64_t bump(struct store *s, int which, uint64_t n)
{
	if (s->head[which] + n > s->end[which]) {
		s->head[which] = s->next + (which ? PAGE : 64);	/* names of index pages; segment header */
		s->end[which] = s->next += SEGMENT;
		if (s->next > s->size)
			errx(1, "the file is too small for this model");
	}
	s->head[which] += n;
	return s->head[which] - n;
}

static void *new_page(struct store *s, uint64_t *word, uint64_t depth, uint64_t node)
{
	uint64_t at = bump(s, 1, PAGE);
	s->pages++;
	*word = at | node | depth;
	return memset(s->map + at, 0, PAGE);
}

/* First line within reach of home that has a free slot. */
static bool place(struct store *s, uint64_t word, uint64_t h, uint64_t ref)
{
	uint8_t *page = s->map + (word & PAGE_BITS);
	for (unsigned n = 0; n < s->reach; n++) {
		uint8_t *line = page + ((h + n) & 63) * 64;
		if (s->kind & SLOT8) {
			unsigned m = compare8((uint64_t *)line, TOMB >> 32, 0);
			if (!m)
				continue;
			uint64_t tag = (uint64_t)(n + 1) << 15 | tag15(h, word & 63);
			release((uint64_t *)line + (__builtin_ctz(m) & 7), tag << 45 | ref >> 3);
			return true;
		}
		for (struct slot *t = (void *)line; t < (struct slot *)line + 4; t++)
			if (!t->ref) {
				release(&t->hash, h);
				release(&t->ref, ref);
				return true;
			}
	}
	return false;
}

/* An entry of a bucket being split: B's slot without displacement, or A's pair. */
struct item { uint64_t a, b; uint8_t side, home, line, at; };

static unsigned collect(struct store *s, uint64_t word, struct item *item)
{
	const uint8_t *page = s->map + (word & PAGE_BITS);
	unsigned depth = word & 63, n = 0, per_line = s->kind & SLOT8 ? 8 : 4;

	for (unsigned k = 0; k < LINES * per_line; k++) {
		struct item t = { .line = (uint8_t)(k / per_line), .at = (uint8_t)(k % per_line) };
		if (s->kind & SLOT8) {
			uint64_t v = ((const uint64_t *)page)[k];
			t.a = v << 4 >> 4;
			t.side = v >> (59 - (depth & 7)) & 1;
			t.home = (t.line - (uint8_t)(v >> 60) + 1) & 63;
			item[n] = t;
			n += (v & REF_BITS) != 0;
		} else {
			const struct slot *v = (const struct slot *)page + k;
			t.a = v->hash;
			t.b = v->ref;
			t.side = v->hash >> (63 - depth) & 1;
			t.home = v->hash & 63;
			item[n] = t;
			n += v->ref != 0;
		}
	}
	return n;
}

/* Every eighth level the tag has no bit left beyond the split: take fresh ones from the keys. */
static void reread(struct store *s, unsigned depth, struct item *item, unsigned n)
{
	enum { DISTANCE = 24 };
	for (unsigned i = 0; i < n + DISTANCE; i++) {
		if (i < n) {
			const uint8_t *r = s->map + ((item[i].a & REF_BITS) << 3);
			__builtin_prefetch(r);
			__builtin_prefetch(r + 47);
		}
		if (i < DISTANCE)
			continue;
		struct item *t = item + i - DISTANCE;
		const struct record *r = (const void *)(s->map + ((t->a & REF_BITS) << 3));
		uint64_t h = hash_of(r + 1, r->klen);
		t->a = (uint64_t)tag15(h, depth + 1) << 45 | (t->a & REF_BITS);
		if (t->side != (h >> (63 - depth) & 1) || t->home != (h & 63))
			errx(1, "tag and key disagree");
	}
	s->reread = true;
}

static void store_item(const struct store *s, uint8_t *page, const struct item *t, unsigned line, unsigned at)
{
	if (s->kind & SLOT8)
		((uint64_t *)page)[line * 8 + at] = t->a | (uint64_t)(((line - t->home) & 63) + 1) << 60;
	else
		((struct slot *)page)[line * 4 + at] = (struct slot){ t->a, t->b };
}

/* Half the entries in another order can, rarely, reach further than all of them did. Then each keeps its place,
 * which always fits. The holes become tombstones and old tombstones stay, or a line would end a search too early. */
static void split_in_place(struct store *s, uint64_t word, uint8_t *page[2], const struct item *item, unsigned n)
{
	memcpy(page[0], s->map + (word & PAGE_BITS), PAGE);
	memcpy(page[1], s->map + (word & PAGE_BITS), PAGE);
	for (const struct item *t = item; t < item + n; t++) {
		store_item(s, page[t->side], t, t->line, t->at);
		if (s->kind & SLOT8)
			((uint64_t *)page[!t->side])[t->line * 8 + t->at] = TOMB;
		else
			((struct slot *)page[!t->side])[t->line * 4 + t->at] = (struct slot){ 1, 0 };
	}
	s->in_place++;
}

static void split_bucket(struct store *s, uint64_t word, uint8_t *page[2])
{
	struct item item[LINES * 8 + 1];
	uint8_t used[2][LINES] = { 0 };
	unsigned depth = word & 63, full = s->kind & SLOT8 ? 8 : 4, n = collect(s, word, item);

	if (s->kind & SLOT8 && (depth + 1) % 8 == 0)
		reread(s, depth, item, n);
	for (const struct item *t = item; t < item + n; t++) {
		unsigned line = t->home, passed = 0;
		while (used[t->side][line] == full && ++passed < s->reach)
			line = (line + 1) & 63;
		if (passed == s->reach) {
			split_in_place(s, word, page, item, n);
			return;
		}
		store_item(s, page[t->side], t, line, used[t->side][line]++);
	}
}

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
	char *reach = "14,8,4", *standard[] = { "1000000", "10000000" };
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
