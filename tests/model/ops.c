/* SPDX-License-Identifier: MIT */
/* Which operation comes next. */
#include "model.h"

static const struct {
	unsigned weight;
	void (*run)(struct model *m);
} ops[] = {
	{3000, model_put},
	{1500, model_get},
	{1200, model_del},
	{700, model_rename},
	{700, model_add},
	{500, model_view},
	{300, model_get_many},
	{200, model_put_many},
	{200, model_stream},
	{400, model_append},
	{400, model_log_read},
	{100, model_cursor},
	{40, model_stat},
	{30, model_pin},
	{6, model_snapshot},
	{4, model_trim},
	{3, model_copy},
	{3, model_compact},
	{4, model_walk},
	{4, model_walk_pieces},
	{4, model_check},
};

void model_step(struct model *m)
{
	uint64_t sum = 0, choice;
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		sum += ops[i].weight;
	choice = rng_below(&m->rng, sum);
	for (i = 0; choice >= ops[i].weight; i++)
		choice -= ops[i].weight;
	m->op++;
	ops[i].run(m);
}
