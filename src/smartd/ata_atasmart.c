/*
 * libatasmart: one SkDisk for one reading (its cache outlives set_blob and
 * would answer for another disk), and never its own decoding.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <atasmart.h>

#include "smartd/ata.h"

bool
ata_is_there(void)
{
	return true;
}

static int
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return ATA_CANNOT;
		p += put;
		n -= (size_t)put;
	}
	return ATA_DONE;
}

int
ata_read(const char *path, int fd)
{
	SkDisk *disk = NULL;
	SkBool awake = TRUE, available = FALSE;
	const void *blob;
	size_t n;
	int rc = ATA_CANNOT;

	if (sk_disk_open(path, &disk) < 0)
		return ATA_CANNOT;
	if (sk_disk_check_sleep_mode(disk, &awake) == 0 && !awake)
		rc = ATA_ASLEEP;
	else if (sk_disk_smart_is_available(disk, &available) == 0 &&
		available && sk_disk_smart_read_data(disk) == 0 &&
		sk_disk_get_blob(disk, &blob, &n) == 0)
		rc = write_all(fd, blob, n);
	sk_disk_free(disk);
	return rc;
}
