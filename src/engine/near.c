/*
 * Names that somebody may have meant: of hosts and VMs, the nearest first.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/inside.h"
#include "engine/unit.h"

#define NEAR_MOST 3
/* One letter in three may be wrong, three at most. */
#define LETTERS_PER_SLIP 3
#define SLIPS_MOST 3

struct near {
	const char *wanted;
	size_t slips;		/* allowed */
	size_t n;
	struct { const char *name; size_t away; } of[NEAR_MOST];
};

static void
offer(struct near *near, const char *name)
{
	size_t away = edit_distance(near->wanted, name, near->slips);
	size_t i = near->n;

	if (away > near->slips)
		return;
	while (i > 0 && (away < near->of[i - 1].away ||
		(away == near->of[i - 1].away &&
		strcmp(name, near->of[i - 1].name) < 0))) {
		if (i < NEAR_MOST)
			near->of[i] = near->of[i - 1];
		i--;
	}
	if (i == NEAR_MOST)
		return;
	near->of[i].name = name;
	near->of[i].away = away;
	near->n += near->n < NEAR_MOST;
}

int
engine_host_known(const struct engine *en, const char *name,
	struct tc_err *e)
{
	size_t slips = strlen(name) / LETTERS_PER_SLIP, at = 0;
	struct near near = { .wanted = name, .slips = slips < 1 ? 1 :
		slips > SLIPS_MOST ? SLIPS_MOST : slips };
	char text[NEAR_MOST * 260 + 16] = "";
	const struct host *h;
	const struct unit *vm;

	if (engine_host_id(en, name) != 0 || en->hosts.n == 0)
		return 0;
	while ((h = roster_next(en, &at)) != NULL)
		if (h->present)
			offer(&near, h->name);
	for (at = 0; (vm = hash_next(&en->vms, &at)) != NULL;)
		offer(&near, vm->name);
	for (size_t i = 0; i < near.n; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s'%s'", i == 0 ?
			"; near it: " : ", ", near.of[i].name);
	}
	return tc_fail(e, TC_ERANGE, "no host '%s'%s", name, text);
}
