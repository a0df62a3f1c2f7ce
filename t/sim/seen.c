/*
 * What the snapshot of a fleet in virtual time says, in one word; and the
 * rules that tests have in common.
 */
#include <check.h>
#include <string.h>

#include "t/sim/sim.h"

const struct check_rule sim_flappy = {
	.interval = { INT64_C(15000000000) },
	.timeout = { INT64_C(5000000000) },
	.fail_after = 3, .clear_after = 2, .stale_after = 3,
	.flap_after = 5, .flap_within = 60, .flap_clear = 20,
};

size_t
sim_alerts(struct sim *s, const char *kind)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = 0;

	for (size_t i = 0; i < snap->n_alerts; i++)
		n += strcmp(kind, "all") == 0 ||
			strcmp(snap->alerts[i].kind, kind) == 0;
	snapshot_put(snap);
	return n;
}

struct snap_plan
sim_plan(struct sim *s, const char *host)
{
	struct snapshot *snap = sim_snapshot(s);
	struct snap_plan p = { 0 };

	for (size_t i = 0; i < snap->n_plans; i++)
		if (strcmp(snap->plans[i].host, host) == 0)
			p = snap->plans[i];
	snapshot_put(snap);
	return p;
}

enum plan_action
sim_rung(struct sim *s, const char *host)
{
	struct snapshot *snap = sim_snapshot(s);
	enum plan_action rung = PLAN_NONE;

	for (size_t i = 0; i < snap->n_plans; i++)
		if (strcmp(snap->plans[i].host, host) == 0 &&
		    snap->plans[i].ladder != NULL)
			rung = snap->plans[i].ladder->rung;
	snapshot_put(snap);
	return rung;
}

enum unit_state
sim_state(struct sim *s, const char *host)
{
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_host *h = snapshot_host(snap, host);
	enum unit_state st = h != NULL ? h->state : STATE_RETIRED;

	snapshot_put(snap);
	return st;
}

enum health
sim_health(struct sim *s, const char *path)
{
	struct snapshot *snap = sim_snapshot(s);
	const char *host;
	const struct snap_unit *u = sim_unit(snap, path, &host);
	enum health is;

	ck_assert_ptr_nonnull(u);
	is = u->health;
	snapshot_put(snap);
	return is;
}

enum tocsin_reason
sim_reason(struct sim *s, const char *host)
{
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_host *h = snapshot_host(snap, host);
	enum tocsin_reason r = h != NULL ? h->reason : TOCSIN_WHY_NO_CHECKS;

	snapshot_put(snap);
	return r;
}

enum level
sim_level(struct sim *s, const char *host)
{
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_host *h = snapshot_host(snap, host);
	enum level l = h != NULL ? h->level : LEVEL_NONE;

	snapshot_put(snap);
	return l;
}
