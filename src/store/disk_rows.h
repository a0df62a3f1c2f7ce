/*
 * The disks of the own history as rows, device by device, a row a day: what
 * was measured on that day and before, nothing of later.  Reads beside a
 * running server, in one transaction.
 */
#ifndef TOCSIN_STORE_DISK_ROWS_H
#define TOCSIN_STORE_DISK_ROWS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "predict/source.h"

struct drives;

int drives_open(const char *path, struct drives **out, struct tc_err *e);
void drives_close(struct drives *d);
/* Lives as long as the drives. */
struct row_source *drives_source(struct drives *d);
/* How much of it is read, 0…1. */
double drives_progress(const struct drives *d);

/*
 * Every disk that was ever seen, as CSV for mining: serial_number, host, model,
 * firmware, batch (how its serial begins), partition, kernel and agent of its
 * host, the tags of its host, failure.  Or every host: host, partition, kernel,
 * agent, tags, failure (it was convicted outside of maintenance).  Versions
 * are those that ran at the (first) failure, else the last ones.
 */
int drives_table(const char *path, bool hosts, struct strbuf *out,
	struct tc_err *e);

#endif
