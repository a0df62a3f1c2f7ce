/*
 * The wall clock against the monotonic one.  Nothing is scheduled on the
 * wall; that it was moved is said, because people's windows lie on it and
 * what is stored bears its times.
 */
#include <stdio.h>

#include "engine/inside.h"

/* Slewing moves it by 0.5 ms a second; more at once is a step. */
#define STEP_MS 1000
/* A clock that is never at rest is told of once in so long. */
#define SAY_EVERY_S 10

static int64_t
offset_ms(struct now now)
{
	return now.wall.ms - now.mono.ns / 1000000;
}

void
wallclock_step(struct engine *en, struct now now)
{
	int64_t offset = offset_ms(now);
	int64_t moved = offset - en->wall_offset_ms;
	char body[96], before[WALL_TEXT];

	if (!en->wall_known || (moved < STEP_MS && moved > -STEP_MS)) {
		en->wall_known = true;
		en->wall_offset_ms = offset;
		return;
	}
	if (en->wall_said.ns != 0 &&
	    mono_diff(now.mono, en->wall_said).ns < dur_s(SAY_EVERY_S).ns)
		return;
	en->wall_offset_ms = offset;
	en->wall_said = now.mono;
	snprintf(body, sizeof(body), "{\"moved_ms\":%lld,\"before\":\"%s\"}",
		(long long)moved, wall_format((struct wall){
			now.wall.ms - moved }, before, sizeof(before)));
	say_event(en, "clock_step", 0, now.wall, body);
	/* Seen anew at this tick. */
	en->windows_edge.ms = INT64_MIN;
	en->changed = true;
}
