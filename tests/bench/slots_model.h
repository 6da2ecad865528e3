/*
 * slots_model.h - the model that slots.c measures: lookups in the floor, A and B, and the halves of a split.
 * A part of slots.c, which explains them, in a file of its own.
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
