/* SPDX-License-Identifier: MIT */
/*
 * The figures of a store by name: what `stat` prints as lines, as JSON, and for Prometheus.
 */
#ifndef SHMFSCTL_FIGURES_H
#define SHMFSCTL_FIGURES_H

#include "ctl.h"

struct figure {
	const char *name; /* in struct shmfs_stat; NULL ends the table */
	size_t offset;
	bool is_double;
	const char *metric; /* behind "shmfs_"; NULL: it says nothing to Prometheus */
	const char *help;
	double unit;        /* what one of it is, in units of the metric */
};

/* All of it in the text format of Prometheus.  CTL_YES, or CTL_TROUBLE after saying why. */
int prometheus_print(const struct ctl_args *args, struct shmfs *s, const struct shmfs_stat *st,
                     const struct figure *figures);

#endif
