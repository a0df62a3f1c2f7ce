/*
 * Doubt about ourselves: who is heard of and who is silent is counted; when
 * one falls silent, a few others, the gateway and the witnesses are asked at
 * once; and what is silent while we are in doubt moves no verdict.
 */
#include <stdio.h>
#include <string.h>

#include "engine/doubt.h"
#include "engine/parents.h"
#include "engine/witness.h"
#include "wire/json_write.h"

#define NS_PER_MS INT64_C(1000000)
/*
 * Witnesses: how often, how long, and how soon again when one falls silent.
 * Two misses that begin with the first silence of a host end before its
 * conviction, which is 2 s after it.
 */
#define CONTROL_EVERY_S 2
#define CONTROL_TIMEOUT_MS 800
#define CONTROL_AGAIN_MS 500
#define CONTROL_LOST_S 5
#define CONTROLS_MOST 32
/* So many others are to be heard of, or silent, when one falls silent. */
#define PEERS 5
#define PEERS_LOOKED_AT 64
/* A delay of our own that counts; and how much of a run it must be. */
#define STALL_LEAST_MS 250
#define STALL_SHARE 4
#define LATE_MS 500

/* ---- the gateway and the witnesses ---- */

static void
free_controls(struct control *runs, size_t n)
{
	for (size_t i = 0; runs != NULL && i < n; i++)
		mem_free(runs[i].address);
	mem_free(runs);
}

void
doubt_free(struct engine *en)
{
	free_controls(en->control_runs, en->observer.n_controls);
	mem_free(en->controls);
}

/* One that was there before keeps what is known of it. */
static void
carry_over(const struct engine *en, const char *address,
	struct observer_control *to)
{
	for (size_t i = 0; i < en->observer.n_controls; i++)
		if (en->controls[i].witness == to->witness &&
		    strcmp(en->control_runs[i].address, address) == 0)
			*to = en->controls[i];
}

/* What is watched on this machine alone says nothing of the way out. */
static bool
is_beyond(const char *to)
{
	return to[0] != '\0' && strncmp(to, "127.", 4) != 0 &&
		strcmp(to, "::1") != 0 && strcmp(to, "localhost") != 0;
}

static bool
any_is_beyond(const struct fleet_def *fleet)
{
	for (size_t i = 0; i < fleet->n_hosts; i++)
		if (fleet->hosts[i].n_checks > 0 &&
		    is_beyond(fleet->hosts[i].address))
			return true;
	return false;
}

int
doubt_set_fleet(struct engine *en, const struct fleet_def *fleet)
{
	bool gated = fleet->gateway && any_is_beyond(fleet);
	size_t n = (gated ? 1 : 0) + fleet->n_witnesses, k = 0;
	struct control *runs;
	struct observer_control *controls;
	const char *gateway = "";

	if (n > CONTROLS_MOST)
		n = CONTROLS_MOST;
	runs = mem_alloc_array(n, sizeof(*runs));
	controls = mem_alloc_array(n, sizeof(*controls));
	if (runs == NULL || controls == NULL)
		goto no_memory;
	for (size_t i = 0; i < en->observer.n_controls; i++)
		if (!en->controls[i].witness)
			gateway = en->control_runs[i].address;
	for (size_t i = 0; k < n; k++) {
		bool witness = k > 0 || !gated;
		const char *address = witness ? fleet->witnesses[i++] :
			gateway;

		runs[k].address = mem_strdup(address);
		if (runs[k].address == NULL)
			goto no_memory;
		controls[k].witness = witness;
		carry_over(en, address, &controls[k]);
	}
	doubt_free(en);
	en->control_runs = runs;
	en->controls = en->observer.controls = controls;
	en->observer.n_controls = n;
	return 0;
no_memory:
	free_controls(runs, k);
	mem_free(controls);
	return TC_ENOMEM;
}

void
engine_set_gateway(struct engine *en, const char *address)
{
	struct control *c = en->control_runs;
	char *copy;

	/* Without a route the earlier one is all the more worth asking. */
	if (en->observer.n_controls == 0 || en->controls[0].witness ||
	    address[0] == '\0' || strcmp(c->address, address) == 0)
		return;
	copy = mem_strdup(address);
	if (copy == NULL)
		return;
	mem_free(c->address);
	c->address = copy;
	c->in_flight = false;
	c->seq++;
	en->controls[0] = (struct observer_control){ .witness = false };
}

static void
start_control(struct engine *en, size_t i, struct now now)
{
	struct control *c = &en->control_runs[i];
	struct engine_run *run = run_new(en);
	struct mono due = c->due;

	c->due = mono_add(now.mono, dur_s(CONTROL_EVERY_S));
	if (run == NULL)
		return;
	*run = (struct engine_run){ .check = CONTROL_HANDLES + (uint32_t)i,
		.seq = ++c->seq, .probe = "ping", .host = "",
		.address = c->address, .timeout = dur_ms(CONTROL_TIMEOUT_MS),
		.due = due };
	c->in_flight = true;
	c->started = now.mono;
}

struct mono
control_runs(struct engine *en, struct now now)
{
	struct mono next = { INT64_MAX };

	for (size_t i = 0; i < en->observer.n_controls; i++) {
		struct control *c = &en->control_runs[i];

		if (c->address[0] == '\0')
			continue;
		if (c->in_flight && mono_diff(now.mono, c->started).ns >
			dur_s(CONTROL_LOST_S).ns)
			c->in_flight = false;
		if (!c->in_flight && !mono_before(now.mono, c->due))
			start_control(en, i, now);
		if (!c->in_flight && mono_before(c->due, next))
			next = c->due;
	}
	return next;
}

void
control_result(struct engine *en, uint32_t handle, uint32_t seq,
	const struct observation *ob, struct now now)
{
	size_t i = handle - CONTROL_HANDLES;
	struct control *c = en->control_runs + i;

	if (i >= en->observer.n_controls || !c->in_flight || c->seq != seq) {
		en->counts.results_late++;
		return;
	}
	c->in_flight = false;
	observer_note_control(&en->controls[i], ob->reason, now.mono);
	if (!observer_is_silence(ob->reason))
		return;
	/* One lost packet, or silence: known after the next. */
	if (en->controls[i].known && en->controls[i].misses == 1) {
		c->due = now.mono;
		en->tick_due = now.mono;
	}
	doubt_step(en, now);
}

static void
ask_controls(struct engine *en, struct now now)
{
	for (size_t i = 0; i < en->observer.n_controls; i++) {
		struct control *c = &en->control_runs[i];

		if (c->in_flight || c->address[0] == '\0' ||
		    mono_diff(now.mono, c->started).ns <
			    CONTROL_AGAIN_MS * NS_PER_MS)
			continue;
		c->due = now.mono;
		en->tick_due = now.mono;
	}
}

/* ---- others of its partition ---- */

static struct check *
askable(const struct host *h)
{
	struct check *any = NULL;

	for (size_t i = 0; i < h->n_checks; i++) {
		struct check *c = host_checks(h)[i];

		if (c->passive || c->in_flight || !wheel_has(&c->due))
			continue;
		if (strcmp(c->kind->probe, "ping") == 0)
			return c;
		any = c;
	}
	return any;
}

static void
ask_peers(struct engine *en, const struct host *h, struct now now)
{
	struct observer_count seen = observer_count(&h->part->seen, now.mono);
	int64_t oldest = now.mono.ns / OBSERVER_SLOT_NS - OBSERVER_WINDOW / 2;
	uint32_t known = 0;

	for (size_t k = 0; k < OBSERVER_KINDS; k++)
		known += k != OBSERVER_BEHIND ? seen.n[k] : 0;
	/* It itself is one of them. */
	if (known > PEERS || en->resort || !h->present)
		return;
	for (size_t i = 1; i < en->n_sorted && i <= PEERS_LOOKED_AT &&
	     known <= PEERS; i++) {
		struct host *peer = en->sorted[(h->place + i) % en->n_sorted];
		struct check *c;

		if (peer->part != h->part || !peer->present ||
		    (peer->heard.counted && peer->heard.slot > oldest))
			continue;
		c = askable(peer);
		if (c == NULL || c->kind->rule.recheck.ns <= 0)
			continue;
		run_wake(en, c, now.mono);
		known++;
	}
}

/*
 * Others hang on this one: is it cut off, or are we?  Some that do not hang on
 * it are asked together with it, and what they say then tells.
 */
static void
ask_others(struct engine *en, struct check *c, struct now now)
{
	const struct host *h = check_host(c);
	size_t asked = 0;

	if (en->resort || !h->present)
		return;
	for (size_t i = 1; i < en->n_sorted && asked < PEERS; i++) {
		struct host *other = en->sorted[(h->place + i) % en->n_sorted];
		struct check *any;

		if (!other->present || !is_beyond(host_address(other)) ||
		    parent_carries(en, h, other) || parent_is_silent(en, other))
			continue;
		any = askable(other);
		if (any == NULL || check_is_convicted(any))
			continue;
		run_wake(en, any, run_again(c, now));
		asked++;
	}
}

/* ---- our own delays ---- */

void
doubt_note_stall(struct engine *en, struct now now)
{
	int64_t late = now.mono.ns - en->tick_due.ns;

	if (en->tick_due.ns == 0 || late < STALL_LEAST_MS * NS_PER_MS)
		return;
	en->stalled = now.mono;
	en->stall_ns = late;
}

/* The answer may have lain here, or was never asked for in time. */
static bool
came_late(const struct engine *en, const struct check *c, struct now now)
{
	struct dur allowed = run_timeout(c);
	int64_t took = run_took(c, now).ns;

	return took > allowed.ns + LATE_MS * NS_PER_MS ||
		(now.mono.ns - en->stalled.ns <= took &&
			en->stall_ns > allowed.ns / STALL_SHARE);
}

/* ---- the doubt ---- */

static void
mark_plans(struct engine *en, const struct part *p)
{
	for (size_t i = 0; i < en->n_sorted; i++)
		if ((en->sorted[i]->rare->plan != NULL ||
			en->sorted[i]->rare->units != NULL) &&
		    (p == NULL || en->sorted[i]->part == p))
			mark(en, en->sorted[i], DIRTY_URGENT);
	en->changed = true;
}

static void
say_doubt(struct engine *en, struct now now)
{
	struct observer *o = &en->observer;
	struct observer_count c = observer_count(&o->all, now.mono);
	struct strbuf body = { 0 };
	char summary[256];
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "reason", observer_why_id(o->why));
	json_add_u64(&w, "heard", c.n[OBSERVER_HEARD]);
	json_add_u64(&w, "silent", c.n[OBSERVER_SILENT] +
		c.n[OBSERVER_BEHIND]);
	json_add_u64(&w, "local", c.n[OBSERVER_LOCAL]);
	json_add_u64(&w, "late", c.n[OBSERVER_LATE]);
	json_add_double(&w, "loss", observer_loss(o, now.mono));
	json_put_end(&w);
	snprintf(summary, sizeof(summary), "%s: the server itself may be cut "
		"off; no host is convicted for its silence meanwhile",
		observer_why_words(o->why));
	if (o->suspect)
		alert_raise(en, &(struct alert_wish){ "observer_suspect",
			SEVERITY_CRITICAL, NULL, NULL, summary,
			strbuf_str(&body) }, now.wall);
	else
		alert_end(en, "observer_suspect", "server", now.wall);
	say_event(en, o->suspect ? "observer.suspect" : "observer.clear", 0,
		now.wall, strbuf_str(&body));
	strbuf_free(&body);
}

/* Everything planned is looked at again: doubt holds it, its end frees it. */
void
doubt_step(struct engine *en, struct now now)
{
	struct part *p;

	if (!observer_update(&en->observer, now.mono))
		return;
	en->doubt_since = now.wall;
	say_doubt(en, now);
	for (size_t at = 0; (p = hash_next(&en->parts, &at)) != NULL;)
		p->doubted = observer_doubts_part(&en->observer, &p->seen,
			now.mono);
	mark_plans(en, NULL);
}

/*
 * Doubt about a part begins when it is seen to be silent, and ends with all;
 * of loss it ends sooner, when the part is seen to lose nothing.
 */
static bool
in_doubt(struct engine *en, struct part *p, struct now now)
{
	bool doubts;

	if (!en->observer.suspect)
		return false;
	if (p->doubted && en->observer.why != OBSERVER_WHY_LOSS)
		return true;
	doubts = observer_doubts_part(&en->observer, &p->seen, now.mono);
	if (doubts != p->doubted) {
		p->doubted = doubts;
		mark_plans(en, p);
	}
	return doubts;
}

/* Silences that this answer shows to have been none of its host's. */
static unsigned
lost_before(const struct engine *en, const struct check *c)
{
	if (c->st.health == HEALTH_SUSPECT && c->st.fails > 0 &&
	    observer_kind_of((enum tocsin_reason)c->st.reason) ==
		    OBSERVER_SILENT)
		return c->st.fails;
	return c->st.reason == TOCSIN_WHY_OBSERVER_SUSPECT &&
		en->observer.suspect && en->observer.why == OBSERVER_WHY_LOSS;
}

static void
judge_as(struct engine *en, struct check *c, const struct observation *ob,
	enum tocsin_reason why, struct now now)
{
	struct observation ours = *ob;

	ours.outcome = TOCSIN_UNKNOWN;
	ours.reason = why;
	judge_observation(en, c, &ours, now);
}

/* Nobody is convicted of what its parent explains (engine/parents.h). */
static void
judge_below(struct engine *en, struct check *c, const struct observation *ob,
	struct now now)
{
	struct host *h = check_host(c);
	enum parent_says says = PARENT_SAYS_UP;

	/* All its checks speak before those behind it are given up. */
	if (ob->outcome == TOCSIN_FAIL && h->rare->n_below > 0 && check_unit(c) == NULL)
		parent_ask(en, h, now);
	if (ob->outcome == TOCSIN_FAIL)
		says = parent_says(en, c, now);
	if (says == PARENT_SAYS_DOWN) {
		judge_as(en, c, ob, TOCSIN_WHY_PARENT_DOWN, now);
		return;
	}
	en->held = says == PARENT_SAYS_WAIT;
	judge_observation(en, c, ob, now);
	en->held = false;
	if (ob->outcome == TOCSIN_OK && parent_is_awaited(c))
		parent_answered(en, c, now);
}

static void
judge_heard(struct engine *en, struct check *c, const struct observation *ob,
	struct now now)
{
	struct host *h = check_host(c);
	unsigned lost;

	/* What failed here, in our own probe or process, says nothing. */
	if (ob->outcome != TOCSIN_UNKNOWN) {
		lost = lost_before(en, c);
		observer_note(&en->observer, &h->part->seen, &h->heard,
			OBSERVER_HEARD, now.mono);
		observer_note_loss(&en->observer, &h->part->seen, &h->heard,
			lost, now.mono);
		/* asked in this order: mostly there is no reason to look */
		if (!observer_is_calm(&en->observer, now.mono) &&
		    is_beyond(host_address(h)))
			observer_note_answer(&en->observer, now.mono);
		if (lost > 0 || en->observer.suspect)
			doubt_step(en, now);
	}
	judge_below(en, c, ob, now);
}

/*
 * Of its first silence nothing is known yet: the others are asked with its
 * next run.  Somebody answered since then: it is no doubt about ourselves.
 */
static enum observer_kind
silence_of_parent(const struct engine *en, const struct check *c,
	struct now now)
{
	const struct check_rule *r = &c->kind->rule;
	int64_t since = now.mono.ns - run_took(c, now).ns -
		(c->is_recheck ? run_spacing(c).ns : r->interval.ns);

	if (observer_was_answered(&en->observer, (struct mono){ since }))
		return OBSERVER_PARENT;
	return c->st.fails == 0 && r->fail_after > 1 ? OBSERVER_BEHIND :
		OBSERVER_SILENT;
}

/* Whose the silence is: its own, or of what it hangs on, or of all. */
static enum observer_kind
silence_of(const struct engine *en, const struct check *c, struct now now)
{
	const struct host *h = check_host(c);

	/* Its parent is in trouble: it says nothing of its own. */
	if (parent_is_silent(en, h))
		return OBSERVER_BEHIND;
	/* The parent is asked when a child falls silent; it answers soon. */
	if (h->rare->parent != 0 && parent_is_owing(en, h,
		now.mono.ns - run_took(c, now).ns))
		return OBSERVER_BEHIND;
	return h->rare->n_below > 0 && check_unit(c) == NULL ?
		silence_of_parent(en, c, now) : OBSERVER_SILENT;
}

void
doubt_judge(struct engine *en, struct check *c, const struct observation *ob,
	struct now now)
{
	enum observer_kind kind = observer_kind_of(ob->reason);
	struct host *h = check_host(c);
	bool carries;

	if (kind == OBSERVER_HEARD) {
		judge_heard(en, c, ob, now);
		return;
	}
	if (kind == OBSERVER_SILENT && came_late(en, c, now))
		kind = OBSERVER_LATE;
	if (kind == OBSERVER_SILENT)
		kind = silence_of(en, c, now);
	/*
	 * That who is known to be dead is silent is no news, and a dead guest
	 * is no sign that its host fell silent.
	 */
	if (check_unit(c) == NULL &&
	    (!check_is_convicted(c) || (kind != OBSERVER_SILENT &&
		kind != OBSERVER_PARENT)))
		observer_note(&en->observer, &h->part->seen, &h->heard, kind,
			now.mono);
	doubt_step(en, now);
	if (kind == OBSERVER_LATE)
		judge_as(en, c, ob, TOCSIN_WHY_SLOT_MISSED, now);
	else if (in_doubt(en, h->part, now))
		judge_as(en, c, ob, TOCSIN_WHY_OBSERVER_SUSPECT, now);
	else {
		en->need = observer_need(&en->observer, &h->part->seen, now.mono);
		judge_below(en, c, ob, now);
		en->need = 0;
	}
	if (check_is_convicted(c) || en->observer.suspect ||
	    kind == OBSERVER_LATE || kind == OBSERVER_LOCAL)
		return;
	carries = h->rare->n_below > 0 && check_unit(c) == NULL;
	if (c->kind->rule.recheck.ns > 0 &&
	    (kind == OBSERVER_SILENT || carries)) {
		ask_controls(en, now);
		ask_peers(en, h, now);
	}
	if (carries)
		ask_others(en, c, now);
}
