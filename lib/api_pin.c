/* SPDX-License-Identifier: MIT */
/* floor 4: shmfs_pin, shmfs_unpin. */
#include <stdlib.h>

#include "pin.h"

struct shmfs_pin {
	struct shmfs *store;
	uint64_t stamp;
};

int shmfs_pin(struct shmfs *s, struct shmfs_pin **out)
{
	int rc = sfs_handle_usable(s);

	if (rc || !out)
		return rc ? rc : -EINVAL;
	*out = malloc(sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->store = s;
	rc = sfs_pin(s, &(*out)->stamp);
	if (rc) {
		free(*out);
		*out = NULL;
	}
	return sfs_handle_result(s, rc);
}

void shmfs_unpin(struct shmfs_pin *pin)
{
	if (pin)
		sfs_unpin(pin->store, pin->stamp);
	free(pin);
}
