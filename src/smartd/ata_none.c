/*
 * Built without libatasmart: smartctl reads everything.
 */
#include "smartd/ata.h"

bool
ata_is_there(void)
{
	return false;
}

int
ata_read(const char *path, int fd)
{
	(void)path;
	(void)fd;
	return ATA_CANNOT;
}
