#include "plan/room.h"

#include <string.h>

#include "base/units.h"

static bool
size_of(const struct tag *tags, size_t n, const char *key, uint64_t *out)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(tags[i].key, key) == 0)
			return size_parse(tags[i].value, out, NULL) == 0;
	return false;
}

struct room
room_of(const struct tag *tags, size_t n)
{
	struct room r = { 0 };
	uint64_t capacity = 0;

	r.limited = size_of(tags, n, CAPACITY_TAG, &capacity);
	if (!size_of(tags, n, LOAD_TAG, &r.load))
		r.load = 0;
	r.left = capacity > r.load ? capacity - r.load : 0;
	return r;
}

bool
room_is_full(const struct tag *tags, size_t n)
{
	struct room r;

	if (n == 0)
		return false;
	r = room_of(tags, n);
	return r.limited && r.left == 0;
}

static uint64_t
plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void
room_add(struct room_sum *sum, const struct room *target)
{
	if (!target->limited) {
		sum->unlimited = true;
		return;
	}
	sum->left = plus(sum->left, target->left);
	if (target->left > sum->most)
		sum->most = target->left;
}

bool
room_suffices(const struct room_sum *sum, uint64_t promised, uint64_t load,
	bool whole)
{
	if (sum->unlimited || load == 0)
		return true;
	return plus(promised, load) <= sum->left &&
		(!whole || load <= sum->most);
}
