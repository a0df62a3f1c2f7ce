/*
 * One reading through libatasmart; runs in a child of its own.
 */
#ifndef TOCSIN_SMARTD_ATA_H
#define TOCSIN_SMARTD_ATA_H

#include <stdbool.h>

/* Exit codes of the child. */
enum ata_exit {
	ATA_DONE = 0,
	ATA_CANNOT = 1,		/* somebody else may be able to */
	ATA_ASLEEP = 3,
};

/* False where tocsin was built without libatasmart. */
bool ata_is_there(void);
/* Writes the container of raw pages to fd.  An ata_exit. */
int ata_read(const char *path, int fd);

#endif
