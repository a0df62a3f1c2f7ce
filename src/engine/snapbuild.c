/*
 * Making snapshots: only chunks in which something changed are made again;
 * the others are shared with the snapshot before.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/maker.h"
#include "engine/unit.h"

/*
 * Times and values alone: once in so long a part of the chunks is made anew,
 * so that they are shown at most COSMETIC_PARTS times as old, and two
 * snapshots that live at once still share the rest.
 */
#define COSMETIC_MS 900
#define COSMETIC_PARTS 3
#define COSMETIC_LEAST 4

/* What a snapshot has of its own while nothing is wrong, but partitions. */
#define SNAPSHOT_BYTES 512

void
chunks_free(struct engine *en)
{
	for (size_t i = 0; i < en->n_chunks; i++)
		snap_chunk_put(en->chunks[i]);
	en->n_chunks = 0;
}

/* ---- one chunk ---- */

/* The worst state: since the first of the bad, the last of the healthy. */
static void
note_worst(struct snap_tally *t, enum unit_state state, struct wall since)
{
	bool later = since.ms > t->since.ms;

	if (state_worse(state, t->worst)) {
		t->worst = state;
		t->since = since;
	} else if (state == t->worst && later == (state == STATE_HEALTHY)) {
		t->since = since;
	}
}

static void
count_units(struct snap_tally *t, const struct snap_host *h)
{
	for (size_t i = 0; i < h->rare->n_units; i++) {
		const struct snap_unit *u = &h->rare->units[i];

		t->n_checks += (uint32_t)u->n_checks;
		if (u->is_vm) {
			t->n_vms++;
			t->vm_counts[u->state]++;
		} else {
			t->n_roles++;
			t->role_counts[u->state]++;
		}
	}
}

static void
count_host(struct snap_tally *t, const struct snap_host *h)
{
	t->counts[h->state]++;
	t->levels[h->level]++;
	t->n_hosts++;
	t->n_checks += h->n_checks;
	t->n_devices += h->rare->n_devices;
	count_units(t, h);
	for (size_t i = 0; i < h->rare->n_devices; i++)
		t->n_devices_unjudged += !h->rare->devices[i].judged;
	note_worst(t, h->state, h->since);
}

/* One block that just holds it, kinds and names included; more if need be. */
static void
reserve_frame(struct arena *a, struct host *const *hosts, size_t n)
{
	struct maker m = { 0 };
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += shown_host_bytes(&m, hosts[i]);
	arena_reserve(a, bytes);
}

static struct snap_frame *
make_frame(struct engine *en, size_t first, size_t n)
{
	struct snap_frame *f = MEM_NEW(struct snap_frame);
	struct maker m = { .en = en, .live = &en->live };

	if (f == NULL)
		return NULL;
	m.arena = &f->arena;
	en->live.n = 0;
	f->part = en->sorted[first]->part;
	f->tally.worst = STATE_HEALTHY;
	reserve_frame(&f->arena, en->sorted + first, n);
	atomic_init(&f->refs, 1);
	for (; f->n < n; f->n++) {
		struct snap_host *h = arena_alloc(&f->arena, sizeof(*h));

		if (h == NULL ||
		    shown_host(&m, en->sorted[first + f->n], h) < 0) {
			snap_frame_put(f);
			return NULL;
		}
		f->hosts[f->n] = h;
		count_host(&f->tally, h);
		if (en->sorted[first + f->n]->part != f->part)
			f->part = NULL;
	}
	return f;
}

static struct snap_chunk *
make_chunk(struct engine *en, size_t i)
{
	size_t first = i * SNAP_CHUNK_HOSTS;
	size_t n = en->n_sorted - first;
	struct snap_frame *f = make_frame(en, first,
		n < SNAP_CHUNK_HOSTS ? n : SNAP_CHUNK_HOSTS);
	struct snap_chunk *c = f != NULL ?
		chunk_new(f, en->live.p, en->live.n) : NULL;

	if (c == NULL)
		snap_frame_put(f);
	return c;
}

static int
size_chunks(struct engine *en)
{
	size_t n = (en->n_sorted + SNAP_CHUNK_HOSTS - 1) / SNAP_CHUNK_HOSTS;
	size_t cap = en->cap_chunks, cap_stirred = cap;
	void *chunks = en->chunks, *dirt = en->dirt, *stirred = en->stirred;

	if (n == en->n_chunks)
		return 0;
	chunks_free(en);
	if (mem_grow(&dirt, &cap, n, 1) < 0)
		return TC_ENOMEM;
	en->dirt = dirt;
	if (mem_grow(&stirred, &cap_stirred, n, sizeof(*en->stirred)) < 0)
		return TC_ENOMEM;
	en->stirred = stirred;
	/* last, since cap_chunks holds for all three */
	if (mem_grow(&chunks, &en->cap_chunks, n, sizeof(*en->chunks)) < 0)
		return TC_ENOMEM;
	en->chunks = chunks;
	memset(en->chunks, 0, n * sizeof(*en->chunks));
	memset(en->dirt, DIRTY_URGENT, n);
	memset(en->stirred, 0, n * sizeof(*en->stirred));
	en->n_chunks = n;
	return 0;
}

static int
renew_chunk(struct engine *en, size_t i)
{
	struct snap_chunk *fresh = NULL;

	if (en->chunks[i] != NULL && en->dirt[i] == DIRTY_VALUES)
		fresh = chunk_stirred(en, i);
	if (fresh == NULL)
		fresh = make_chunk(en, i);
	if (fresh == NULL)
		return TC_ENOMEM;
	snap_chunk_put(en->chunks[i]);
	en->chunks[i] = fresh;
	en->dirt[i] = CLEAN;
	en->stirred[i] = 0;
	return 0;
}

/* A part of those in which times and values alone moved, in turn. */
static int
renew_values(struct engine *en)
{
	size_t n = en->n_chunks / COSMETIC_PARTS;

	if (n < COSMETIC_LEAST)
		n = COSMETIC_LEAST;
	for (size_t k = 0; k < n && k < en->n_chunks; k++) {
		size_t i = en->chunk_turn++ % en->n_chunks;

		if (en->dirt[i] != CLEAN && renew_chunk(en, i) < 0)
			return TC_ENOMEM;
	}
	return 0;
}

/* All urgent ones, and at their time some of the others. */
static int
renew_chunks(struct engine *en, struct now now)
{
	if (size_chunks(en) < 0)
		return TC_ENOMEM;
	for (size_t i = 0; i < en->n_chunks; i++)
		if ((en->chunks[i] == NULL || en->dirt[i] == DIRTY_URGENT) &&
		    renew_chunk(en, i) < 0)
			return TC_ENOMEM;
	if (mono_diff(now.mono, en->cosmetic_at).ns < dur_ms(COSMETIC_MS).ns)
		return 0;
	en->cosmetic_at = now.mono;
	return renew_values(en);
}

/* ---- the whole ---- */

static bool
riskier(const struct snap_host *a, const struct snap_host *b)
{
	return a->level != b->level ? a->level > b->level :
		a->rare->risk > b->rare->risk;
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
show_brake(const struct engine *en, struct snapshot *s, const struct part *p)
{
	const char *suspect = p->brake.latched ? brake_suspect(en, &p->brake) :
		"";
	char text[256] = "";

	if (p->brake.latched && p->brake.cause == BRAKE_CONTAGION)
		snprintf(text, sizeof(text), "vm %.64s was on one host after "
			"the other that fell: its workload or image is "
			"suspect", suspect);
	else if (p->brake.latched)
		snprintf(text, sizeof(text), "%zu of %zu hosts convicted or "
			"about to fail; at most %zu are moved unasked",
			p->brake.bad_then, p->brake.hosts_then,
			brake_limit(p->brake.hosts_then));
	return (struct snap_brake){ .latched = p->brake.latched,
		.since = p->brake.since, .bad = p->n_bad,
		.hosts = p->n_hosts, .limit = brake_limit(p->n_hosts),
		.cause = p->brake.latched ? brake_cause_id(p->brake.cause) : "",
		.suspect = shown_text(&s->arena, suspect),
		.reason = shown_text(&s->arena, text),
		.released_by = shown_text(&s->arena, p->brake.released_by),
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
			.name = p->name, .brake = show_brake(en, s, p),
			.off = p->off };
	}
	s->n_partitions = n;
	return out;
}

static void
add_units(struct snapshot *s, const struct snap_tally *t)
{
	s->n_vms += t->n_vms;
	s->n_roles += t->n_roles;
	for (size_t i = 0; i < STATE_COUNT_; i++) {
		s->vm_counts[i] += t->vm_counts[i];
		s->role_counts[i] += t->role_counts[i];
	}
}

static void
add_tally(struct snapshot *s, struct snap_tally *sum, const struct snap_tally *t)
{
	for (size_t i = 0; i < STATE_COUNT_; i++)
		s->counts[i] += t->counts[i];
	for (size_t i = 0; i < LEVEL_N; i++)
		s->levels[i] += t->levels[i];
	s->n_checks += t->n_checks;
	s->n_devices += t->n_devices;
	s->n_devices_unjudged += t->n_devices_unjudged;
	if (t->n_vms + t->n_roles > 0)
		add_units(s, t);
	note_worst(sum, t->worst, t->since);
}

static void
count_in(struct snap_partition *p, const struct snap_tally *t)
{
	p->n_hosts += t->n_hosts;
	for (size_t i = 0; i < STATE_COUNT_; i++)
		p->counts[i] += t->counts[i];
}

/* Most chunks lie in one partition and have nobody at risk. */
static void
count_chunk(const struct engine *en, struct snapshot *s,
	const struct snap_chunk *c, struct snap_partition *parts)
{
	const struct part *one = c->frame->part;
	const struct snap_tally *tally = &c->frame->tally;
	size_t first = s->n_chunks * SNAP_CHUNK_HOSTS;

	if (one != NULL)
		count_in(&parts[one->shown], tally);
	for (size_t k = 0; one == NULL && k < c->n; k++) {
		struct snap_partition *p =
			&parts[en->sorted[first + k]->part->shown];

		p->n_hosts++;
		p->counts[c->hosts[k]->state]++;
	}
	for (size_t k = 0; tally->levels[LEVEL_NONE] < c->n && k < c->n; k++)
		rank(s, c->hosts[k]);
}

static int
fill(struct engine *en, struct snapshot *s)
{
	struct snap_partition *parts = show_partitions(en, s);
	struct snap_tally sum = { .worst = STATE_HEALTHY, .since = s->since };

	s->chunks = mem_alloc_array(en->n_chunks, sizeof(struct snap_chunk *));
	if (parts == NULL || s->chunks == NULL)
		return TC_ENOMEM;
	s->partitions = parts;
	s->n_hosts = en->n_sorted;
	for (size_t i = 0; i < en->n_chunks; i++) {
		struct snap_chunk *c = en->chunks[i];

		atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
		add_tally(s, &sum, &c->frame->tally);
		count_chunk(en, s, c, parts);
		s->chunks[s->n_chunks++] = c;
	}
	s->worst = sum.worst;
	s->since = sum.since;
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
	arena_reserve(&s->arena, SNAPSHOT_BYTES +
		arena_piece(en->parts.n * sizeof(struct snap_partition)));
	s->generation = en->generation;
	s->at = now.wall;
	s->at_mono = now.mono;
	s->started = en->started;
	s->since = en->started;
	s->version = en->version;
	s->observer_suspect = en->observer.suspect;
	if (s->observer_suspect) {
		s->observer_why = observer_why_id(en->observer.why);
		s->observer_since = en->doubt_since;
	}
	s->degraded = en->degraded;
	s->degraded_why = shown_text(&s->arena, en->degraded_why);
	if (fill(en, s) < 0 || show_deeds(en, s) < 0) {
		snapshot_put(s);
		return NULL;
	}
	en->changed = false;
	trend_note(en, s, now);
	return s;
}
