/*
 * One reading of one drive: libatasmart for plain ATA disks, smartctl for
 * everything else and where libatasmart cannot.
 */
#ifndef TOCSIN_SMARTD_READ_H
#define TOCSIN_SMARTD_READ_H

#include "base/strbuf.h"
#include "smart/helper.h"
#include "smartd/conf.h"
#include "smartd/disks.h"

/*
 * Fills *r; what the drive said goes into `data`, as it said it.  Cannot fail:
 * every trouble is a reason of the reading.  At most two deadlines long.
 */
void read_disk(const struct smartd_conf *conf, struct disk *k,
	struct smart_helper_reading *r, struct strbuf *data);

#endif
