/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean ...?": the word of a list that a mistyped one is nearest to.
 *
 * Near is one slip in a short word, two in a longer one: a letter too many, too few, another, or two
 * that changed places; or a beginning that only one of the list has.
 */
#include <string.h>

#include "ctl.h"

#define WORD_MOST 32

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Slips from a to b, both at most WORD_MOST bytes: optimal string alignment, three rows of it. */
static unsigned slips(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][WORD_MOST + 1];

	for (size_t k = 0; k <= b_size; k++)
		rows[0][k] = (unsigned)k;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t k = 1; k <= b_size; k++) {
			now[k] = least(last[k], now[k - 1]) + 1;
			now[k] = least(now[k], last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = least(now[k], before[k - 2] + 1);
		}
	}
	return rows[a_size % 3][b_size];
}

void ctl_suggest_start(struct ctl_suggest *s, const char *typed)
{
	*s = (struct ctl_suggest){.typed = typed, .size = strcspn(typed, "="), .nearest = UINT32_MAX};
}

void ctl_suggest_try(struct ctl_suggest *s, const char *word)
{
	size_t size = strlen(word);
	unsigned most = s->size > 4 ? 2 : 1, n;

	if (!s->size || s->size > WORD_MOST || size > WORD_MOST)
		return;
	n = slips(s->typed, s->size, word, size);
	if (n > most && s->size >= 2 && size > s->size && !strncmp(s->typed, word, s->size))
		n = most;
	if (n > most || n >= size || n >= s->nearest)
		return;
	s->nearest = n;
	s->word = word;
}
