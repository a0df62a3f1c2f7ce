/*
 * When checks run.  Slots lie on a grid of monotonic time: k × interval +
 * phase, the phase being a hash of the check, so that a thousand checks do
 * not tick together and a restart keeps every check's place.
 */
#include <string.h>

#include "engine/devices.h"
#include "engine/climb.h"
#include "engine/doubt.h"
#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/strain.h"
#include "engine/turns.h"
#include "engine/notes.h"
#include "engine/unit.h"

#define NS_PER_MS INT64_C(1000000)
/*
 * A check that was always answered at once is not waited for as long as its
 * timeout allows: eight times its slowest answer of late, but half a second at
 * least, and one of the runs that convict a second: who has become slow
 * answers that one, and is waited for from then on.  Only where rechecks
 * follow, and a kernel answers, which is never busy; it would ask again after
 * a second only.  Who is convicted has all the time there is.
 */
#define PROMPT_TIMES 8
#define PROMPT_LEAST_NS (INT64_C(500) * NS_PER_MS)
#define PATIENT_LEAST_NS (INT64_C(1000) * NS_PER_MS)
#define PROMPT_FAIL_AFTER 3	/* from so many failures on that convict */
#define SLOWEST_DECAY 16
/* A run is given up so long after its time-out: the runner lost it. */
#define LOST_NS (INT64_C(3000) * NS_PER_MS)
#define RUNS_CALM 512

static int64_t
phase_of(const struct check *c)
{
	const char *name = check_host(c)->name;
	uint64_t h = hash_bytes(name, strlen(name), 0);
	int64_t grid = PHASE_GRID_MS * NS_PER_MS;
	int64_t places = c->kind->rule.interval.ns / grid;

	if (check_unit(c) != NULL)
		h = hash_bytes(check_unit(c)->path, strlen(check_unit(c)->path), h);
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
run_wake(struct engine *en, struct check *c, struct mono at)
{
	if (at.ns < c->slot_ns)
		wake_at(en, c, at.ns);
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
			wake_at(en, c, due.ns + gap_of(en, check_host(c)->part));
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

/* The second run of three or more may last until the third begins. */
static int64_t
prompt_least(const struct check *c)
{
	return c->kind->rule.fail_after < PROMPT_FAIL_AFTER ||
		c->st.fails == 1 ? PATIENT_LEAST_NS : PROMPT_LEAST_NS;
}

struct dur
run_timeout(const struct check *c)
{
	const struct check_rule *r = &c->kind->rule;
	struct dur most = r->timeout, prompt;

	if (c->is_recheck && r->recheck_timeout.ns > 0 &&
	    r->recheck_timeout.ns < most.ns)
		most = r->recheck_timeout;
	if (c->slowest_ms == 0 || r->recheck.ns <= 0 ||
	    (c->kind->traits & KIND_PROMPT) == 0 ||
	    c->st.health == HEALTH_UNHEALTHY)
		return most;
	prompt = dur_ms(c->slowest_ms * PROMPT_TIMES);
	if (prompt.ns < prompt_least(c))
		prompt.ns = prompt_least(c);
	return prompt.ns < most.ns ? prompt : most;
}

struct dur
run_took(const struct check *c, struct now now)
{
	return dur_ms((uint32_t)(ms_of(now.mono) - c->started_ms));
}

static void
note_slowest(struct check *c, struct now now)
{
	int64_t ms = run_took(c, now).ns / NS_PER_MS;

	c->slowest_ms = (uint16_t)(c->slowest_ms -
		(c->slowest_ms + SLOWEST_DECAY - 1) / SLOWEST_DECAY);
	if (ms > c->slowest_ms)
		c->slowest_ms = ms < UINT16_MAX ? (uint16_t)ms : UINT16_MAX;
	if (c->slowest_ms == 0)
		c->slowest_ms = 1;
}

struct engine_run *
run_new(struct engine *en)
{
	void *runs = en->runs;

	if (en->n_runs == en->cap_runs &&
	    mem_grow(&runs, &en->cap_runs, en->n_runs + 1,
		    sizeof(*en->runs)) < 0)
		return NULL;
	en->runs = runs;
	return &en->runs[en->n_runs++];
}

static void
add_run(struct engine *en, struct check *c, struct now now, bool recheck,
	int64_t slot_ns)
{
	const struct check_kind *k = c->kind;
	const struct host *h = check_host(c);
	struct engine_run *run = run_new(en);

	if (run == NULL)
		return;
	c->is_recheck = recheck;
	c->in_flight = true;
	c->started_ms = ms_of(now.mono);
	*run = (struct engine_run){ .check = c->id, .seq = ++c->seq,
		.probe = k->probe, .host = h->name,
		.address = check_unit(c) != NULL ? check_unit(c)->address :
			host_address(h), .opt_rows = k->opt_rows,
		.opts = k->opts, .timeout = run_timeout(c),
		.due = recheck ? now.mono : (struct mono){ slot_ns } };
	en->counts.runs_started++;
}

static void
note_lateness(struct engine *en, int64_t late_ns, int64_t interval_ns)
{
#define X(ms) (ms) * NS_PER_MS,
	static const int64_t bounds[] = { LATENESS_TABLE(X) };
#undef X
	size_t i = 0;

	while (i < LATENESS_BOUNDS && late_ns > bounds[i])
		i++;
	en->counts.lateness[i]++;
	en->counts.slots++;
	en->counts.lateness_ns += (uint64_t)late_ns;
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

/* While we sleep nobody grows stale, nor who is doubted while we doubt. */
static void
note_gap(struct engine *en, struct now now)
{
	int64_t since = now.mono.ns - en->last_tick.ns;
	struct part *p;

	if (en->last_tick.ns != 0 && since > GAP_MS * NS_PER_MS)
		en->gap_ns += since;
	else if (en->last_tick.ns != 0 && en->observer.suspect)
		for (size_t at = 0; (p = hash_next(&en->parts, &at)) != NULL;)
			p->gap_ns += p->doubted ? since : 0;
	en->last_tick = now.mono;
}

static struct mono
next_tick(const struct engine *en, struct now now, struct mono due)
{
	struct mono next = mono_add(now.mono, dur_s(1));
	int64_t run = wheel_next(&en->due);

	if (run != 0 && run < next.ns)
		next.ns = run;
	return mono_before(due, next) ? due : next;
}

/* After a start or a pause, when thousands were due at once. */
static void
runs_calm(struct engine *en)
{
	if (en->cap_runs <= RUNS_CALM || en->n_runs > RUNS_CALM / 2)
		return;
	mem_free(en->runs);
	en->runs = NULL;
	en->cap_runs = 0;
	en->n_runs = 0;
}

/*
 * The daemon ticks at least once a second; a longer silence of our own is
 * nobody else's.
 */
struct mono
engine_tick(struct engine *en, struct now now)
{
	struct wheel_node *top;
	struct mono due;

	en->now = now;
	doubt_note_stall(en, now);
	note_gap(en, now);
	wallclock_step(en, now);
	en->n_runs = 0;
	due = control_runs(en, now);
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
	runs_calm(en);
	doubt_step(en, now);
	units_tick(en, now);
	watches_tick(en, now);
	climbs_tick(en, now);
	strains_tick(en, now);
	risk_age_all(en, now);
	devices_step(en, now);
	windows_step(en, now);
	pace_step(en, now);
	notes_step(en, now.wall);
	step(en, now);
	facts_flush(en);
	en->tick_due = next_tick(en, now, due);
	return en->tick_due;
}

struct mono
engine_due(const struct engine *en)
{
	return next_tick(en, (struct now){ .mono = en->tick_due },
		en->tick_due);
}

/*
 * Rechecks are so far apart from start to start.  Where they are off, those
 * that others wait for are made all the same.
 */
struct dur
run_spacing(const struct check *c)
{
	struct dur recheck = c->kind->rule.recheck;

	return recheck.ns > 0 ? recheck : dur_s(1);
}

struct mono
run_again(const struct check *c, struct now now)
{
	int64_t start = now.mono.ns - run_took(c, now).ns, again;

	/* From its tick on: a tick that came late would cost one more. */
	again = start - start % WHEEL_TICK_NS + run_spacing(c).ns;
	return again > now.mono.ns ? (struct mono){ again } : now.mono;
}

void
engine_result(struct engine *en, uint32_t check, uint32_t seq,
	const struct observation *ob, struct now now)
{
	struct check *c;

	en->now = now;
	doubt_note_stall(en, now);
	if (check >= CONTROL_HANDLES) {
		control_result(en, check, seq, ob, now);
		return;
	}
	c = subject_get(en, check, SUBJECT_CHECK);
	if (c == NULL || c->passive || !c->in_flight || c->seq != seq) {
		en->counts.results_late++;
		return;
	}
	c->in_flight = false;
	en->counts.results++;
	if (ob->outcome == TOCSIN_OK)
		note_slowest(c, now);
	doubt_judge(en, c, ob, now);
	if (ob->n_metrics > 0 && c->metrics.shape != NULL &&
	    c->metrics.shape->loads)
		strain_hear(en, c, ob, now);
	if (!c->is_recheck && ob->own_row)
		sweep_aside(en, c, ob);
	else if (!c->is_recheck)
		sweep_put(en, c, ob);
	if (check_wants_recheck(&c->st) && (c->kind->rule.recheck.ns > 0 ||
		parent_is_awaited(c)))
		run_wake(en, c, run_again(c, now));
}
