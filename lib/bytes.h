/* SPDX-License-Identifier: MIT */
/*
 * floor 0: bytes.  Atomic types, alignment, and copies that may race.
 *
 * A reader may copy bytes that a writer is recycling, and finds out afterwards
 * (index.h, "valid").  Formally that is a data race, as in any seqlock; the hardware
 * does not mind.  Under ThreadSanitizer both sides use relaxed atomic accesses, so that the
 * tool sees what we mean and still reports every race we do not.
 */
#ifndef SFS_BYTES_H
#define SFS_BYTES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef _Atomic uint8_t a8;
typedef _Atomic uint16_t a16;
typedef _Atomic uint32_t a32;
typedef _Atomic uint64_t a64;

#define sfs_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define sfs_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define sfs_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define sfs_set(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)

/* A store that a kill must find in its place: what was stored before is there, and nothing
 * stored after may come earlier.  (A release store alone lets the compiler move those up.) */
#define sfs_commit(p, v) \
	do { \
		sfs_release((p), (v)); \
		atomic_signal_fence(memory_order_seq_cst); \
	} while (0)

#define sfs_likely(x) __builtin_expect(!!(x), 1)
#define sfs_unlikely(x) __builtin_expect(!!(x), 0)
/* A function that is not worth room in the path usually taken. */
#define SFS_OUTLINE static __attribute__((noinline))
#define SFS_HIDDEN __attribute__((visibility("hidden")))

#if defined(__SANITIZE_THREAD__)
#define SFS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SFS_TSAN 1
#endif
#endif
#ifndef SFS_TSAN
#define SFS_TSAN 0
#endif

static inline uint64_t sfs_align8(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

static inline uint64_t sfs_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t sfs_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#if SFS_TSAN
static inline void sfs_copy_out(void *dst, const void *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = sfs_relaxed((const a8 *)src + i);
}

static inline void sfs_copy_in(void *dst, const void *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sfs_set((a8 *)dst + i, ((const uint8_t *)src)[i]);
}

static inline bool sfs_same(const void *mapped, const void *mine, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sfs_relaxed((const a8 *)mapped + i) != ((const uint8_t *)mine)[i])
			return false;
	return true;
}

static inline void sfs_zero(void *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sfs_set((a8 *)dst + i, 0);
}
#else
/* From mapped bytes that may change meanwhile. */
static inline void sfs_copy_out(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
}

/* Into mapped bytes that an overtaken reader may still look at.  Where they come from the mapping
 * too, a damaged head may make the two overlap; but not what is small enough for registers. */
static inline void sfs_copy_in(void *dst, const void *src, size_t n)
{
	if (__builtin_constant_p(n) && n <= 32)
		memcpy(dst, src, n);
	else
		memmove(dst, src, n);
}

static inline void sfs_zero(void *dst, size_t n)
{
	memset(dst, 0, n);
}

/* Keys are short and often 16 bytes: the call of memcmp() would cost more than the work. */
static inline bool sfs_same(const void *mapped, const void *mine, size_t n)
{
	const uint8_t *a = mapped, *b = mine;
	uint64_t x, y;

	if (n < 8 || n > 64)
		return memcmp(a, b, n) == 0;
	for (size_t i = 0; i + 8 < n; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			return false;
	}
	memcpy(&x, a + n - 8, 8);
	memcpy(&y, b + n - 8, 8);
	return x == y;
}
#endif

#endif
