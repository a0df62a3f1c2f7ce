/*
 * Making snapshots: only chunks in which something changed are made again;
 * the others are shared with the snapshot before.
 */
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/unit.h"

/* Values and times alone are shown at most so old. */
#define COSMETIC_S 2

void
chunks_free(struct engine *en)
{
	for (size_t i = 0; i < en->n_chunks; i++)
		if (en->chunks[i] != NULL)
			snap_chunk_put(en->chunks[i]);
	en->n_chunks = 0;
}

/* ---- one chunk ---- */

static const char *
copy(struct arena *a, const char *text)
{
	const char *p;

	if (text == NULL || text[0] == '\0')
		return "";
	p = arena_strdup(a, text);
	return p != NULL ? p : "";
}

static const struct snap_metric *
show_metrics(const struct engine *en, struct arena *a,
	const struct metric_list *list)
{
	struct snap_metric *out = arena_alloc(a, list->n * sizeof(*out));

	for (size_t i = 0; out != NULL && i < list->n; i++) {
		const struct last_metric *m = &list->items[i];

		out[i] = (struct snap_metric){ intern_name(&en->names, m->name),
			m->instance == 0 ? "" :
				intern_name(&en->names, m->instance),
			m->value };
	}
	return out;
}

/* What a host's own checks say of its services is of the role layer. */
static const char *
layer_of(const struct check *c)
{
	if (c->unit != NULL)
		return c->unit->is_vm ? "vm" : "role";
	return is_host_layer(c) ? "host" : "role";
}

void
show_check(const struct engine *en, struct arena *a, const struct check *c,
	struct snap_check *out)
{
	*out = (struct snap_check){ .id = c->id, .key = c->key,
		.probe = c->probe, .passive = c->passive,
		.layer = layer_of(c),
		.health = (enum health)c->st.health,
		.outcome = (enum tocsin_outcome)c->st.outcome,
		.reason = (enum tocsin_reason)c->st.reason,
		.text = copy(a, c->text), .since = c->st.since,
		.at = c->st.at, .fails = c->st.fails, .oks = c->st.oks,
		.flapping = c->st.flapping, .changes = check_turns(&c->st),
		.rule = c->rule, .origin = c->origin,
		.metrics = show_metrics(en, a, &c->metrics) };
	out->n_metrics = out->metrics != NULL ? c->metrics.n : 0;
}

static void
show_device(const struct engine *en, struct arena *a, const struct device *d,
	struct snap_device *out)
{
	struct verdict *v = d->verdict == NULL ? NULL :
		arena_alloc(a, verdict_bytes(d->verdict));

	if (v != NULL)
		memcpy(v, d->verdict, verdict_bytes(d->verdict));
	*out = (struct snap_device){ .id = d->id, .ident = d->ident,
		.asleep = d->asleep, .at = d->at, .reason = d->reason,
		.judged = d->judged, .level = d->level, .risk = d->risk,
		.verdict = v, .prediction_id = d->prediction_id,
		.level_since = d->level_since,
		.accepted = d->n_accepted > 0 ? accept_show(a, d) : NULL };
	out->n_accepted = out->accepted != NULL ? d->n_accepted : 0;
	if (d->check == NULL)
		return;
	out->metrics = show_metrics(en, a, &d->check->metrics);
	out->n_metrics = out->metrics != NULL ? d->check->metrics.n : 0;
}

static const struct tag *
show_tags(struct arena *a, const struct host *h)
{
	struct tag *out = arena_alloc(a, h->n_tags * sizeof(*out));

	for (size_t i = 0; out != NULL && i < h->n_tags; i++)
		out[i] = (struct tag){ copy(a, h->tags[i].key),
			copy(a, h->tags[i].value) };
	return out;
}

/* "disk ST4000DM000 Z300XXXX: smart_197_raw is 24, +16 in 7 days" */
static const char *
risk_words(struct arena *a, const struct device *d)
{
	const struct verdict_evidence *top;
	char text[256];

	if (d == NULL || d->verdict == NULL || d->verdict->n_evidence == 0)
		return "";
	top = &d->verdict->evidence[0];
	snprintf(text, sizeof(text), "%s %s %s: %s %s %lld", d->ident.kind,
		d->ident.model, d->ident.serial, top->metric, top->stat,
		(long long)top->value);
	return copy(a, text);
}

static enum disposition
shown_disposition(const struct host *h)
{
	return h->window != NULL && h->disposition == DISPOSITION_IN_SERVICE ?
		DISPOSITION_MAINTENANCE : h->disposition;
}

static int
show_host(const struct engine *en, struct arena *a, const struct host *h,
	struct snap_host *out)
{
	struct snap_check *checks =
		arena_alloc(a, h->n_checks * sizeof(*checks));
	struct snap_device *devices =
		arena_alloc(a, h->n_devices * sizeof(*devices));
	const struct device *risky = subject_get(en, h->risk.device,
		SUBJECT_DEVICE);

	if (checks == NULL || devices == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < h->n_checks; i++)
		show_check(en, a, h->checks[i], &checks[i]);
	for (size_t i = 0; i < h->n_devices; i++)
		show_device(en, a, h->devices[i], &devices[i]);
	*out = (struct snap_host){ .id = h->id, .name = h->name,
		.partition = h->part->name, .address = copy(a, h->address),
		.owner = h->owner, .tags = show_tags(a, h),
		.state = state_of(h->health, shown_disposition(h), h->flags),
		.health = h->health, .disposition = h->disposition,
		.flags = h->flags, .reason = h->reason,
		.reason_check = h->worst != NULL ? h->worst->key : "",
		.reason_text = copy(a, h->worst != NULL ? h->worst->text : ""),
		.since = h->since, .level = h->risk.level,
		.risk = h->risk.risk.d30, .risk_device = h->risk.device,
		.risk_reason = h->risk.level == LEVEL_NONE ? "" :
			risk_words(a, risky),
		.checks = checks, .n_checks = h->n_checks,
		.devices = devices, .n_devices = h->n_devices,
		.why_not = h->why_not,
		.plan_id = h->plan != NULL ? h->plan->id : 0,
		.window_id = h->window != NULL ? h->window->id : 0 };
	out->n_tags = out->tags != NULL ? h->n_tags : 0;
	return h->units == NULL && h->watch == NULL ? 0 :
		show_units(en, a, h, out);
}

static struct snap_chunk *
make_chunk(struct engine *en, size_t first, size_t n)
{
	struct snap_chunk *c = MEM_NEW(struct snap_chunk);

	if (c == NULL)
		return NULL;
	atomic_init(&c->refs, 1);
	c->generation = en->generation;
	for (; c->n < n; c->n++) {
		struct snap_host *h = arena_alloc(&c->arena, sizeof(*h));

		if (h == NULL ||
		    show_host(en, &c->arena, en->sorted[first + c->n], h) < 0) {
			snap_chunk_put(c);
			return NULL;
		}
		c->hosts[c->n] = h;
	}
	return c;
}

static int
size_chunks(struct engine *en)
{
	size_t n = (en->n_sorted + SNAP_CHUNK_HOSTS - 1) / SNAP_CHUNK_HOSTS;
	size_t cap = en->cap_chunks;
	void *chunks = en->chunks, *dirt = en->dirt;

	if (n == en->n_chunks)
		return 0;
	chunks_free(en);
	if (mem_grow(&chunks, &en->cap_chunks, n, sizeof(*en->chunks)) < 0)
		return TC_ENOMEM;
	en->chunks = chunks;
	if (mem_grow(&dirt, &cap, n, 1) < 0)
		return TC_ENOMEM;
	en->dirt = dirt;
	memset(en->chunks, 0, n * sizeof(*en->chunks));
	memset(en->dirt, DIRTY_URGENT, n);
	en->n_chunks = n;
	return 0;
}

/* Those that must be: all urgent ones, and at their time the others. */
static int
renew_chunks(struct engine *en, struct now now)
{
	bool all = mono_diff(now.mono, en->cosmetic_at).ns >=
		dur_s(COSMETIC_S).ns;

	if (size_chunks(en) < 0)
		return TC_ENOMEM;
	for (size_t i = 0; i < en->n_chunks; i++) {
		size_t first = i * SNAP_CHUNK_HOSTS;
		size_t n = en->n_sorted - first;
		struct snap_chunk *fresh;

		if (en->chunks[i] != NULL && en->dirt[i] != DIRTY_URGENT &&
		    (en->dirt[i] == CLEAN || !all))
			continue;
		fresh = make_chunk(en, first,
			n < SNAP_CHUNK_HOSTS ? n : SNAP_CHUNK_HOSTS);
		if (fresh == NULL)
			return TC_ENOMEM;
		if (en->chunks[i] != NULL)
			snap_chunk_put(en->chunks[i]);
		en->chunks[i] = fresh;
		en->dirt[i] = CLEAN;
	}
	if (all)
		en->cosmetic_at = now.mono;
	return 0;
}

/* ---- the whole ---- */

static bool
riskier(const struct snap_host *a, const struct snap_host *b)
{
	return a->level != b->level ? a->level > b->level : a->risk > b->risk;
}

static void
rank(struct snapshot *s, const struct snap_host *h)
{
	size_t i = s->n_top;

	if (h->level == LEVEL_NONE)
		return;
	if (i == SNAP_TOP_RISKS && !riskier(h, s->top[i - 1]))
		return;
	if (i < SNAP_TOP_RISKS)
		s->n_top++;
	else
		i--;
	for (; i > 0 && riskier(h, s->top[i - 1]); i--)
		s->top[i] = s->top[i - 1];
	s->top[i] = h;
}

static struct snap_brake
show_brake(struct snapshot *s, const struct part *p)
{
	char text[128] = "";

	if (p->brake.latched)
		snprintf(text, sizeof(text), "%zu of %zu hosts convicted or "
			"about to fail; at most %zu are moved unasked",
			p->brake.bad_then, p->brake.hosts_then,
			brake_limit(p->brake.hosts_then));
	return (struct snap_brake){ .latched = p->brake.latched,
		.since = p->brake.since, .bad = p->n_bad,
		.hosts = p->n_hosts, .limit = brake_limit(p->n_hosts),
		.reason = copy(&s->arena, text),
		.released_by = copy(&s->arena, p->brake.released_by),
		.released = p->brake.released };
}

static struct snap_partition *
show_partitions(const struct engine *en, struct snapshot *s)
{
	struct snap_partition *out = arena_alloc(&s->arena,
		en->parts.n * sizeof(*out));
	size_t at = 0, n = 0;
	struct part *p;

	if (out == NULL)
		return NULL;
	while ((p = hash_next(&en->parts, &at)) != NULL) {
		p->shown = n;
		out[n++] = (struct snap_partition){ .id = p->id,
			.name = p->name, .brake = show_brake(s, p),
			.off = p->off };
	}
	s->n_partitions = n;
	return out;
}

static void
count_units(struct snapshot *s, const struct snap_host *h)
{
	for (size_t i = 0; i < h->n_units; i++) {
		const struct snap_unit *u = &h->units[i];

		s->n_checks += u->n_checks;
		if (u->is_vm) {
			s->n_vms++;
			s->vm_counts[u->state]++;
		} else {
			s->n_roles++;
			s->role_counts[u->state]++;
		}
	}
}

static void
count_host(struct snapshot *s, const struct snap_host *h,
	struct snap_partition *p)
{
	s->counts[h->state]++;
	s->levels[h->level]++;
	s->n_checks += h->n_checks;
	s->n_devices += h->n_devices;
	count_units(s, h);
	for (size_t i = 0; i < h->n_devices; i++)
		s->n_devices_unjudged += !h->devices[i].judged;
	p->n_hosts++;
	p->counts[h->state]++;
	if (state_worse(h->state, s->worst)) {
		s->worst = h->state;
		s->since = h->since;
	} else if (h->state == s->worst && h->since.ms > s->since.ms &&
		h->state == STATE_HEALTHY) {
		s->since = h->since;
	} else if (h->state == s->worst && h->state != STATE_HEALTHY &&
		h->since.ms < s->since.ms) {
		s->since = h->since;
	}
	rank(s, h);
}

static int
fill(struct engine *en, struct snapshot *s)
{
	struct snap_partition *parts = show_partitions(en, s);

	s->chunks = mem_alloc_array(en->n_chunks, sizeof(struct snap_chunk *));
	if (parts == NULL || s->chunks == NULL)
		return TC_ENOMEM;
	s->partitions = parts;
	s->worst = STATE_HEALTHY;
	s->n_hosts = en->n_sorted;
	for (size_t i = 0; i < en->n_chunks; i++) {
		struct snap_chunk *c = en->chunks[i];

		atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
		s->chunks[s->n_chunks++] = c;
		for (size_t k = 0; k < c->n; k++)
			count_host(s, c->hosts[k], &parts[en->sorted[
				i * SNAP_CHUNK_HOSTS + k]->part->shown]);
	}
	return 0;
}

struct snapshot *
engine_snapshot(struct engine *en, struct now now)
{
	struct snapshot *s;

	if (en->started.ms == 0)
		en->started = now.wall;
	if (fleet_sort(en) < 0)
		return NULL;
	if (en->changed)
		en->generation++;
	if (renew_chunks(en, now) < 0)
		return NULL;
	s = MEM_NEW(struct snapshot);
	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->generation = en->generation;
	s->at = now.wall;
	s->at_mono = now.mono;
	s->started = en->started;
	s->since = en->started;
	s->version = en->version;
	s->observer_suspect = en->observer.suspect;
	s->degraded = en->degraded;
	s->degraded_why = copy(&s->arena, en->degraded_why);
	if (fill(en, s) < 0 || show_deeds(en, s) < 0) {
		snapshot_put(s);
		return NULL;
	}
	en->changed = false;
	trend_note(en, s, now);
	return s;
}
