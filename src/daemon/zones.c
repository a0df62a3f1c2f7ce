/*
 * The rules of time zones, from the machine's zoneinfo: the last line of a
 * file (RFC 9636, from version 2 on) holds for all times to come.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "daemon/daemon.h"
#include "plan/zone.h"

#define ZONE_FILES "/usr/share/zoneinfo"
#define ZONE_FILE_MAX (1U << 20)

int
zones_find(struct engine_io *io, const char *id, char *rule, size_t size)
{
	struct strbuf file = { 0 };
	char path[sizeof(ZONE_FILES) + ZONE_ID_BYTES + 1];
	const char *last;
	int rc = TC_ENOENT;

	(void)io;
	if (!zone_id_is_valid(id))
		return TC_EINVAL;
	snprintf(path, sizeof(path), "%s/%s", ZONE_FILES, id);
	if (file_slurp(path, ZONE_FILE_MAX, &file, NULL) < 0 || file.n < 48 ||
	    memcmp(file.p, "TZif", 4) != 0 || file.p[4] < '2' ||
	    file.p[file.n - 1] != '\n')
		goto out;
	file.p[file.n - 1] = '\0';
	last = memrchr(file.p, '\n', file.n - 1);
	if (last == NULL || last[1] == '\0' || strlen(last + 1) >= size)
		goto out;
	snprintf(rule, size, "%s", last + 1);
	rc = 0;
out:
	strbuf_free(&file);
	return rc;
}
