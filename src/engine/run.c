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
	int64_t places = c->rule.interval.ns / grid;

	if (c->unit != NULL)
		h = hash_bytes(c->unit->path, strlen(c->unit->path), h);
	h = hash_bytes(c->key, strlen(c->key), h);
	return places > 0 ? (int64_t)(h % (uint64_t)places) * grid : 0;
}

/* The first slot after `from`. */
static int64_t
next_slot(const struct check *c, int64_t from)
{
	int64_t interval = c->rule.interval.ns;
	int64_t phase = phase_of(c);
	int64_t k = (from - phase) / interval;
	int64_t slot = k * interval + phase;

	while (slot <= from)
		slot += interval;
	return slot;
}

static void
wake_at(struct engine *en, struct check *c, int64_t ns)
{
	heap_remove(&en->due, &c->due);
	/* Without memory the check waits for its next observation. */
	(void)heap_push(&en->due, &c->due, ns);
}

void
run_schedule(struct engine *en, struct check *c, struct now now)
{
	if (c->passive) {
		struct mono due = check_age_due(&c->st, &c->rule);

		if (due.ns == INT64_MAX)
			heap_remove(&en->due, &c->due);
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
	heap_remove(&en->due, &c->due);
	c->in_flight = false;
	c->seq++;
}

static void
give_up(struct engine *en, struct check *c, struct now now)
{
	struct observation lost = { .probe = c->probe, .at = now.wall,
		.outcome = TOCSIN_UNKNOWN, .reason = TOCSIN_WHY_SLOT_MISSED,
		.text = "the run was never answered", .device.kind = "" };

	c->in_flight = false;
	en->counts.slots_missed++;
	judge_observation(en, c, &lost, now);
}

static void
add_run(struct engine *en, struct check *c, struct now now, bool recheck)
{
	void *runs = en->runs;
	bool soon = recheck && c->rule.recheck_timeout.ns > 0 &&
		c->rule.recheck_timeout.ns < c->rule.timeout.ns;

	if (mem_grow(&runs, &en->cap_runs, en->n_runs + 1,
		    sizeof(*en->runs)) < 0)
		return;
	en->runs = runs;
	c->in_flight = true;
	c->is_recheck = recheck;
	c->started = now.mono;
	en->runs[en->n_runs++] = (struct engine_run){ .check = c->id,
		.seq = ++c->seq, .probe = c->probe, .host = c->host->name,
		.address = c->unit != NULL ? c->unit->address :
			c->host->address, .opt_rows = c->opt_rows,
		.opts = c->opts,
		.timeout = soon ? c->rule.recheck_timeout : c->rule.timeout,
		.due = { c->due.key } };
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
	bool recheck = c->due.key < c->slot_ns;

	judge_age(en, c, now);
	if (c->in_flight && now.mono.ns - c->started.ns >
		c->rule.timeout.ns + LOST_NS)
		give_up(en, c, now);
	if (!recheck) {
		note_lateness(en, now.mono.ns - c->slot_ns,
			c->rule.interval.ns);
		sweep_slot(en, c, now);
		c->slot_ns = next_slot(c, now.mono.ns);
	}
	if (!c->in_flight)
		add_run(en, c, now, recheck);
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
	struct heap_node *top;

	en->now = now;
	note_gap(en, now);
	en->n_runs = 0;
	while ((top = heap_peek(&en->due)) != NULL &&
		top->key <= now.mono.ns) {
		struct check *c = CONTAINER_OF(top, struct check, due);

		if (!c->passive) {
			run_due(en, c, now);
			continue;
		}
		heap_pop(&en->due);
		judge_age(en, c, now);
		run_schedule(en, c, now);
	}
	if (en->n_runs > 0)
		en->io->start(en->io, en->runs, en->n_runs);
	doubt_step(en, now);
	units_tick(en, now);
	watches_tick(en, now);
	risk_age_all(en, now);
	accept_step(en, now);
	windows_step(en, now);
	notes_step(en, now.wall);
	step(en, now);
	facts_flush(en);
	top = heap_peek(&en->due);
	return top != NULL && top->key < now.mono.ns + 1000 * NS_PER_MS ?
		(struct mono){ top->key } : mono_add(now.mono, dur_s(1));
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

	if (c == NULL || c->passive || !c->in_flight || c->seq != seq) {
		en->counts.results_late++;
		return;
	}
	c->in_flight = false;
	en->counts.results++;
	/* A dead guest is no sign that its host fell silent. */
	if (c->unit == NULL || !observer_is_silence(ob->reason))
		observer_note(&en->observer, &c->host->heard, ob->reason,
			now.mono);
	doubt_step(en, now);
	if (en->observer.suspect && observer_is_silence(ob->reason))
		judge_doubtful(en, c, ob, now);
	else
		judge_observation(en, c, ob, now);
	if (!c->is_recheck && ob->own_row)
		sweep_aside(en, c, ob);
	else if (!c->is_recheck)
		sweep_put(en, c, ob);
	if (check_wants_recheck(&c->st) && c->rule.recheck.ns > 0 &&
	    now.mono.ns + c->rule.recheck.ns < c->slot_ns)
		wake_at(en, c, now.mono.ns + c->rule.recheck.ns);
}
