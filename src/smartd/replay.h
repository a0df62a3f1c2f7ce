/*
 * Recorded dumps in place of drives.
 */
#ifndef TOCSIN_SMARTD_REPLAY_H
#define TOCSIN_SMARTD_REPLAY_H

#include "base/err.h"
#include "base/strbuf.h"
#include "smartd/disks.h"

/* Every dump of the folder's tree, in the order of their paths. */
int replay_refresh(struct disks *all, struct tc_err *e);
/* As read_disk(). */
void replay_read(struct disk *k, struct smart_helper_reading *r,
	struct strbuf *data);

#endif
