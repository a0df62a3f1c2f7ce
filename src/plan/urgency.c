#include "plan/urgency.h"

#include <string.h>

#include "base/units.h"

#define SPARE_S 86400

static const char *
tag_of(const struct tag *tags, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(tags[i].key, key) == 0)
			return tags[i].value;
	return NULL;
}

struct dur
evacuation_estimate(const struct tag *tags, size_t n,
	const struct evacuation_pace *pace)
{
	const char *time = tag_of(tags, n, EVACUATION_TIME_TAG);
	const char *size = tag_of(tags, n, EVACUATION_SIZE_TAG);
	uint64_t bytes, s;
	struct dur d;

	if (time != NULL && dur_parse(time, &d, NULL) == 0 && d.ns > 0)
		return d;
	if (size != NULL && size_parse(size, &bytes, NULL) == 0 &&
	    pace->bytes_a_second > 0) {
		s = bytes / pace->bytes_a_second;
		return dur_s(s < INT32_MAX ? (int64_t)s + 1 : INT32_MAX);
	}
	return pace->estimate;
}

struct plan_urgency
plan_urgency(struct dur estimate, bool left_known, struct dur left)
{
	struct plan_urgency u = { .is = URGENCY_URGENT, .estimate = estimate,
		.left_known = left_known, .left = left };
	int64_t spare_ns = estimate.ns > dur_s(SPARE_S).ns ? estimate.ns :
		dur_s(SPARE_S).ns;

	if (!left_known)
		return u;
	if (estimate.ns > left.ns) {
		u.is = URGENCY_START_NOW;
		u.accept_loss = true;
	} else if (left.ns - estimate.ns >= spare_ns) {
		u.is = URGENCY_PLANNED;
	}
	return u;
}
