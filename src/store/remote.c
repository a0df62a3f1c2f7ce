/*
 * File systems of other machines: the log's shared memory does not work
 * there, and locks may not (https://www.sqlite.org/wal.html).
 */
#include "store/remote.h"

#include <stddef.h>
#include <sys/vfs.h>

#include "base/macros.h"

/* statfs(2) */
static const struct {
	unsigned long type;
	const char *name;
} kinds[] = {
	{ 0x6969, "NFS" }, { 0x517b, "SMB" }, { 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB2" }, { 0x00c36400, "Ceph" }, { 0x01021997, "9P" },
	{ 0x5346414f, "AFS" }, { 0x01161970, "GFS2" }, { 0x7461636f, "OCFS2" },
};

const char *
remote_kind(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (((unsigned long)fs.f_type & 0xffffffffUL) == kinds[i].type)
			return kinds[i].name;
	}
	return NULL;
}
