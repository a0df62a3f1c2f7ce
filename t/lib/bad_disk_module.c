/*
 * The failing disk beneath a program that knows nothing of it: loaded with
 * LD_PRELOAD, orders in the file that TOCSIN_BAD_DISK names.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/lib/bad_disk.h"

static struct bad_disk disk;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("TOCSIN_BAD_DISK");
	struct bad_orders *orders = MAP_FAILED;
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	orders = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	close(fd);
	if (orders != MAP_FAILED)
		bad_disk_install(&disk, orders);
}
