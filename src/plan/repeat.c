#include "plan/repeat.h"

/* The 31st is at most 62 days away, a weekday 7. */
#define LOOK_DAYS 64
/* Days of more than a year; of months with one day, of thirty years. */
#define TIMES 400

/* Monday 0; 1970-01-01 was a Thursday */
static int
weekday(int32_t days)
{
	int w = (int)((days + 3) % 7);

	return w < 0 ? w + 7 : w;
}

static bool
is_day(const struct repeat *r, int32_t day)
{
	struct date d = date_from_days(day);

	switch (r->every) {
	case REPEAT_NEVER:
		return false;
	case REPEAT_DAY:
		return true;
	case REPEAT_WEEK:
		return (r->days >> weekday(day) & 1) != 0;
	case REPEAT_MONTH:
		return (r->days >> d.day & 1) != 0 || ((r->days & 1) != 0 &&
			date_from_days(day + 1).day == 1);
	}
	return false;
}

bool
repeat_next(const struct repeat *r, const struct zone *z, struct wall after,
	struct span *out)
{
	int32_t first = date_to_days(zone_date(z, after)) - 1;

	for (int32_t day = first; day < first + LOOK_DAYS; day++) {
		struct wall from;

		if (!is_day(r, day))
			continue;
		from = zone_moment(z, date_from_days(day), r->minute);
		if (from.ms < after.ms)
			continue;
		if (r->until.ms != 0 && from.ms > r->until.ms)
			return false;
		*out = (struct span){ from, wall_add(from, r->lasting) };
		return true;
	}
	return false;
}

struct dur
repeat_shortest(const struct repeat *r, const struct zone *z, struct wall from)
{
	struct dur least = { 0 }, gap;
	struct span one, next;

	if (!repeat_next(r, z, from, &one))
		return least;
	for (int i = 0; i < TIMES; i++) {
		from.ms = one.from.ms + 1;
		if (!repeat_next(r, z, from, &next))
			break;
		if (wall_diff(next.from, one.from, &gap) == 0 &&
		    (least.ns == 0 || gap.ns < least.ns))
			least = gap;
		one = next;
	}
	return least;
}
