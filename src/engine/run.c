/*
 * When checks run.  Slots lie on a grid of monotonic time: k × interval +
 * phase, the phase being a hash of the check, so that a thousand checks do
 * not tick together and a restart keeps every check's place.
 */
#include <string.h>

#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/notes.h"
#include "engine/unit.h"

#define NS_PER_MS INT64_C(1000000)
/* A run is given up so long after its time-out: the runner lost it. */
#define LOST_NS (INT64_C(3000) * NS_PER_MS)

static int64_t
phase_of(const struct check *c)
{
	uint64_t h = hash_bytes(c->host->name, strlen(c->host->name), 0);
	int64_t grid = PHASE_GRID_MS * NS_PER_MS;
	int64_t places = c->kind->rule.interval.ns / grid;

	if (c->unit != NULL)
		h = hash_bytes(c->unit->path, strlen(c->unit->path), h);
	h = hash_bytes(c->kind->key, strlen(c->kind->key), h);
	return places > 0 ? (int64_t)(h % (uint64_t)places) * grid : 0;
}

/* The first slot after `from`. */
static int64_t
next_slot(const struct check *c, int64_t from)
{
	int64_t interval = c->kind->rule.interval.ns;
	int64_t phase = phase_of(c);
	int64_t k = (from - phase) / interval;
	int64_t slot = k * interval + phase;

	while (slot <= from)
		slot += interval;
	return slot;
}

/* The same from a slot that is on the grid, mostly the next. */
static int64_t
slot_after(const struct check *c, int64_t from)
{
	int64_t slot = c->slot_ns + c->kind->rule.interval.ns;

	return slot > from ? slot : next_slot(c, from);
}

static void
wake_at(struct engine *en, struct check *c, int64_t ns)
{
	wheel_remove(&en->due, &c->due);
	wheel_add(&en->due, &c->due, ns);
}

void
run_schedule(struct engine *en, struct check *c, struct now now)
{
	if (c->passive) {
		struct mono due = check_age_due(&c->st,
			&c->kind->rule);

		if (due.ns == INT64_MAX)
			wheel_remove(&en->due, &c->due);
		else
			wake_at(en, c, due.ns + en->gap_ns);
		return;
	}
	c->slot_ns = next_slot(c, now.mono.ns);
	wake_at(en, c, c->slot_ns);
}

void
run_unschedule(struct engine *en, struct check *c)
{
	wheel_remove(&en->due, &c->due);
	c->in_flight = false;
	c->seq++;
}

static uint32_t
ms_of(struct mono at)
{
	return (uint32_t)((uint64_t)at.ns / (uint64_t)NS_PER_MS);
}

/* Nobody waits for days: the difference of the low bits is the time. */
static bool
is_lost(const struct check *c, struct now now)
{
	int64_t ms = (uint32_t)(ms_of(now.mono) - c->started_ms);

	return c->in_flight &&
		ms * NS_PER_MS > c->kind->rule.timeout.ns + LOST_NS;
}

static void
give_up(struct engine *en, struct check *c, struct now now)
{
	struct observation lost = { .probe = c->kind->probe, .at = now.wall,
		.outcome = TOCSIN_UNKNOWN, .reason = TOCSIN_WHY_SLOT_MISSED,
		.text = "the run was never answered", .device.kind = "" };

	c->in_flight = false;
	en->counts.slots_missed++;
	judge_observation(en, c, &lost, now);
}

static void
add_run(struct engine *en, struct check *c, struct now now, bool recheck,
	int64_t slot_ns)
{
	const struct check_kind *k = c->kind;
	void *runs = en->runs;
	bool soon = recheck && k->rule.recheck_timeout.ns > 0 &&
		k->rule.recheck_timeout.ns < k->rule.timeout.ns;

	if (mem_grow(&runs, &en->cap_runs, en->n_runs + 1,
		    sizeof(*en->runs)) < 0)
		return;
	en->runs = runs;
	c->in_flight = true;
	c->is_recheck = recheck;
	c->started_ms = ms_of(now.mono);
	en->runs[en->n_runs++] = (struct engine_run){ .check = c->id,
		.seq = ++c->seq, .probe = k->probe, .host = c->host->name,
		.address = c->unit != NULL ? c->unit->address :
			c->host->address, .opt_rows = k->opt_rows,
		.opts = k->opts,
		.timeout = soon ? k->rule.recheck_timeout : k->rule.timeout,
		.due = recheck ? now.mono : (struct mono){ slot_ns } };
	en->counts.runs_started++;
}

static void
note_lateness(struct engine *en, int64_t late_ns, int64_t interval_ns)
{
	if (late_ns > en->counts.lateness_max_ns)
		en->counts.lateness_max_ns = late_ns;
	if (late_ns > interval_ns)
		en->counts.slots_missed += (uint64_t)(late_ns / interval_ns);
}

/* An active check is due: by its slot, or by a recheck before it. */
static void
run_due(struct engine *en, struct check *c, struct now now)
{
	int64_t slot_ns = c->slot_ns;
	bool recheck = now.mono.ns < slot_ns;

	judge_age(en, c, now);
	if (is_lost(c, now))
		give_up(en, c, now);
	if (!recheck) {
		note_lateness(en, now.mono.ns - c->slot_ns,
			c->kind->rule.interval.ns);
		sweep_slot(en, c, now);
		c->slot_ns = slot_after(c, now.mono.ns);
	}
	if (!c->in_flight)
		add_run(en, c, now, recheck, slot_ns);
	wake_at(en, c, c->slot_ns);
}

/* While we sleep, or doubt ourselves, nobody grows stale. */
static void
note_gap(struct engine *en, struct now now)
{
	int64_t since = now.mono.ns - en->last_tick.ns;

	if (en->last_tick.ns != 0 && (since > GAP_MS * NS_PER_MS ||
		en->observer.suspect))
		en->gap_ns += since;
	en->last_tick = now.mono;
}

/*
 * The daemon ticks at least once a second; a longer silence of our own is
 * nobody else's.
 */
struct mono
engine_tick(struct engine *en, struct now now)
{
	struct wheel_node *top;
	int64_t next;

	en->now = now;
	note_gap(en, now);
	wallclock_step(en, now);
	en->n_runs = 0;
	while ((top = wheel_take(&en->due, now.mono.ns)) != NULL) {
		struct check *c = CONTAINER_OF(top, struct check, due);

		if (!c->passive) {
			run_due(en, c, now);
			continue;
		}
		judge_age(en, c, now);
		run_schedule(en, c, now);
	}
	if (en->n_runs > 0)
		en->io->start(en->io, en->runs, en->n_runs);
	doubt_step(en, now);
	units_tick(en, now);
	watches_tick(en, now);
	risk_age_all(en, now);
	devices_step(en, now);
	windows_step(en, now);
	notes_step(en, now.wall);
	step(en, now);
	facts_flush(en);
	next = wheel_next(&en->due);
	return next != 0 && next < now.mono.ns + 1000 * NS_PER_MS ?
		(struct mono){ next } : mono_add(now.mono, dur_s(1));
}

/* Silence while we doubt ourselves is our own until shown otherwise. */
static void
judge_doubtful(struct engine *en, struct check *c,
	const struct observation *ob, struct now now)
{
	struct observation ours = *ob;

	ours.outcome = TOCSIN_UNKNOWN;
	ours.reason = TOCSIN_WHY_OBSERVER_SUSPECT;
	judge_observation(en, c, &ours, now);
}

void
engine_result(struct engine *en, uint32_t check, uint32_t seq,
	const struct observation *ob, struct now now)
{
	struct check *c = subject_get(en, check, SUBJECT_CHECK);
	int64_t again;
	bool silent;

	if (c == NULL || c->passive || !c->in_flight || c->seq != seq) {
		en->counts.results_late++;
		return;
	}
	c->in_flight = false;
	en->counts.results++;
	silent = observer_is_silence(ob->reason);
	/* A dead guest is no sign that its host fell silent. */
	if (c->unit == NULL || !silent)
		observer_note(&en->observer, &c->host->heard, ob->reason,
			now.mono);
	/* An answer begins no doubt; its end is for the tick to see. */
	if (silent)
		doubt_step(en, now);
	if (en->observer.suspect && silent)
		judge_doubtful(en, c, ob, now);
	else
		judge_observation(en, c, ob, now);
	if (!c->is_recheck && ob->own_row)
		sweep_aside(en, c, ob);
	else if (!c->is_recheck)
		sweep_put(en, c, ob);
	again = c->kind->rule.recheck.ns;
	if (check_wants_recheck(&c->st) && again > 0 &&
	    now.mono.ns + again < c->slot_ns)
		wake_at(en, c, now.mono.ns + again);
}
