/* SPDX-License-Identifier: MIT */
/* The log torture's children. */
#include <errno.h>
#include <unistd.h>

#include "logkill.h"

static void must(int got, const char *what)
{
	if (got)
		die("%s: %s", what, shmfs_strerror(got));
}

static void put(struct appender *a, atomic_ulong pair[2])
{
	char name[2] = {'w', (char)('0' + a->writer)};
	uint64_t number = atomic_load(&a->book->acked);

	atomic_store(&pair[1], number);
	must(shmfs_put(a->s, name, 2, &number, sizeof(number), 0, NULL), "put");
	atomic_store(&pair[0], number);
}

void logwriter_run(const char *path, struct logbooks *books, unsigned writer, uint64_t seed)
{
	struct appender a = {.book = &books->writer[writer], .rng = {seed}, .writer = writer, .usual = 3000};

	must(shmfs_open(&a.s, path, SHMFS_RDWR, NULL), "open");
	append_one(&a);
	for (;;) {
		uint64_t choice = rng_below(&a.rng, 100);

		if (choice < 60)
			append_one(&a);
		else if (choice < 77)
			append_many(&a);
		else if (choice < 94)
			append_in_place(&a);
		else if (choice < 97)
			append_cursor(&a);
		else
			put(&a, books->put[writer]);
	}
}

/* Follows the log; how long did it ever wait for a frame, or in a call? */
void logreader_run(const char *path, struct logbooks *books)
{
	static _Alignas(8) unsigned char buf[LOG_FRAME_TOP];
	struct shmfs_reader *r;
	struct shmfs *s;
	int got = shmfs_open(&s, path, SHMFS_RDONLY, NULL);

	if (!got)
		got = shmfs_reader_open(s, &r, SHMFS_LOG_END);
	while (!got || got == -ENODATA || got == -ESTALE || got == -ETIMEDOUT) {
		uint64_t start = clock_us(), took;
		size_t size = sizeof(buf);

		got = shmfs_reader_next(r, buf, &size, NULL);
		took = clock_us() - start;
		if (took > atomic_load(&books->worst_us))
			atomic_store(&books->worst_us, took);
		if (!got) {
			if (!logframe_is(buf, size))
				die("a torn frame before %llu", (unsigned long long)shmfs_reader_position(r));
			atomic_fetch_add(&books->reads, 1);
		}
		if (got == -ESTALE)
			got = shmfs_reader_seek(r, SHMFS_SEEK_POSITION, SHMFS_LOG_BEGIN);
		else if (got == -ENODATA)
			got = shmfs_reader_wait(r, 100);
	}
	die("the reader: %s", shmfs_strerror(got));
}
