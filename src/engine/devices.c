/*
 * Devices as people name them.
 */
#include <string.h>

#include "base/units.h"
#include "engine/devices.h"

static bool
is_called(const struct device *d, const char *name)
{
	return strcmp(d->ident.serial, name) == 0 ||
		strcmp(d->ident.wwn, name) == 0;
}

int
device_by_name(const struct engine *en, const char *name, struct device **out,
	struct tc_err *e)
{
	struct device *d, *found = NULL;
	uint64_t id;
	size_t at = 0;

	while (name[0] != '\0' && (d = hash_next(&en->devices, &at)) != NULL) {
		if (!is_called(d, name))
			continue;
		if (found != NULL && found->gone != d->gone) {
			found = found->gone ? d : found;
			continue;
		}
		if (found != NULL)
			return tc_fail(e, TC_EEXIST, "more than one device is "
				"called '%s': name it by its id", name);
		found = d;
	}
	if (found == NULL && u64_parse(name, strlen(name), &id) == 0 &&
	    id <= UINT32_MAX)
		found = subject_get(en, (uint32_t)id, SUBJECT_DEVICE);
	if (found == NULL)
		return tc_fail(e, TC_ENOENT, "no device '%s'", name);
	*out = found;
	return 0;
}
