/*
 * Hosts whose backups somebody measures: the age of the last good copy.
 */
#ifndef TOCSIN_ENGINE_BACKUP_H
#define TOCSIN_ENGINE_BACKUP_H

#include "engine/inside.h"

/*
 * Of a host's backup_age_seconds, the oldest of its instances counts.  Beyond
 * the policy the warning host_backup_old fires, until a younger one is seen;
 * silence changes nothing.
 */
void backup_observe(struct engine *en, struct host *h,
	const struct observation *ob);
/* The warning fires: after a restart too, since alerts are kept. */
bool backup_is_old(const struct engine *en, const struct host *h);

#endif
