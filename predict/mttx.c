#include "predict/mttx.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define NEVER INT64_MIN

_Static_assert(CAUSE_HOST_OS + 1 == MTTX_CAUSES, "one for each cause");

/* One failure of one unit; times that nobody knows are NEVER. */
struct incident {
	struct incident *next;
	enum mttx_layer layer;
	enum cause_hint cause;
	bool predicted;
	bool gone;
	int64_t verdict_ms;
	int64_t detection_ms;	/* lengths */
	int64_t repair_ms;
	int64_t warned_ms;
};

struct subject {
	uint32_t id;
	enum mttx_layer layer;
	uint32_t partition;
	bool was_good;		/* since then nothing but good or doubt of us */
	bool left_out;		/* it fell in a window */
	int64_t first_ms;	/* evidence of the trouble it is in; NEVER */
	struct incident *open;
};

struct warned {
	uint32_t host;
	struct mttx_warning *list;
	size_t n;
	size_t cap;
};

struct mttx_run {
	struct wall from;
	struct wall to;
	uint64_t in_maintenance;
	struct hash subjects;
	struct hash warnings;
	struct incident *incidents;
	size_t n;
};

struct mttx_run *
mttx_new(struct wall from, struct wall to)
{
	struct mttx_run *r = MEM_NEW(struct mttx_run);

	if (r == NULL)
		return NULL;
	r->from = from;
	r->to = to;
	return r;
}

void
mttx_free(struct mttx_run *r)
{
	struct incident *next;
	struct subject *s;
	struct warned *w;
	size_t at = 0;

	if (r == NULL)
		return;
	while ((s = hash_next(&r->subjects, &at)) != NULL)
		mem_free(s);
	at = 0;
	while ((w = hash_next(&r->warnings, &at)) != NULL) {
		mem_free(w->list);
		mem_free(w);
	}
	for (struct incident *i = r->incidents; i != NULL; i = next) {
		next = i->next;
		mem_free(i);
	}
	hash_free(&r->subjects);
	hash_free(&r->warnings);
	mem_free(r);
}

/* ---- what we had said ---- */

int
mttx_warn(struct mttx_run *r, const struct mttx_warning *given)
{
	struct warned *w = hash_get(&r->warnings, &given->host,
		sizeof(given->host));
	void *list;

	if (w == NULL) {
		w = MEM_NEW(struct warned);
		if (w == NULL)
			return TC_ENOMEM;
		w->host = given->host;
		if (hash_put(&r->warnings, &w->host, sizeof(w->host), w) < 0) {
			mem_free(w);
			return TC_ENOMEM;
		}
	}
	list = w->list;
	if (mem_grow(&list, &w->cap, w->n + 1, sizeof(*w->list)) < 0)
		return TC_ENOMEM;
	w->list = list;
	w->list[w->n++] = *given;
	return 0;
}

static bool
held_at(const struct mttx_warning *w, int64_t at_ms)
{
	return w->since.ms <= at_ms && (w->until.ms == 0 ||
		w->until.ms > at_ms);
}

/*
 * Since when we had been warning of the host without a gap; NEVER.  A level
 * that moves ends one prediction and begins the next at the same moment.
 */
static int64_t
warned_since(const struct mttx_run *r, uint32_t host, int64_t at_ms)
{
	const struct warned *w = hash_get(&r->warnings, &host, sizeof(host));
	int64_t since = NEVER;
	bool moved = w != NULL;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < w->n; i++) {
			const struct mttx_warning *one = &w->list[i];
			bool joins = since == NEVER ? held_at(one, at_ms) :
				one->since.ms < since &&
				(held_at(one, since) ||
				one->until.ms == since);

			if (!joins)
				continue;
			since = one->since.ms;
			moved = true;
		}
	}
	return since;
}

/* ---- what happened ---- */

static struct subject *
subject_of(struct mttx_run *r, const struct mttx_move *m)
{
	struct subject *s = hash_get(&r->subjects, &m->subject,
		sizeof(m->subject));

	if (s != NULL)
		return s;
	s = MEM_NEW(struct subject);
	if (s == NULL)
		return NULL;
	s->id = m->subject;
	s->layer = m->layer;
	s->first_ms = NEVER;
	if (hash_put(&r->subjects, &s->id, sizeof(s->id), s) < 0) {
		mem_free(s);
		return NULL;
	}
	return s;
}

static bool
is_convicted(enum health h)
{
	return h == HEALTH_UNHEALTHY || h == HEALTH_IMPAIRED;
}

/* Unreachable is somebody else's failure, stale and unknown are our doubt. */
static bool
is_evidence(enum health h)
{
	return h == HEALTH_SUSPECT || h == HEALTH_OVERLOADED ||
		is_convicted(h);
}

static int64_t
length(int64_t from_ms, int64_t to_ms)
{
	struct dur d;

	if (from_ms == NEVER || wall_diff((struct wall){ to_ms },
		(struct wall){ from_ms }, &d) < 0)
		return NEVER;
	return dur_to_ms(d);
}

/* A partition's trouble began with that of the first of its hosts. */
static int64_t
first_of_partition(const struct mttx_run *r, uint32_t partition)
{
	int64_t first = NEVER;
	const struct subject *s;
	size_t at = 0;

	while ((s = hash_next(&r->subjects, &at)) != NULL)
		if (s->layer == MTTX_HOST && s->partition == partition &&
		    s->open != NULL && s->first_ms != NEVER &&
		    (first == NEVER || s->first_ms < first))
			first = s->first_ms;
	return first;
}

static int
convict(struct mttx_run *r, struct subject *s, const struct mttx_move *m)
{
	struct incident *i;
	int64_t since;

	if (m->in_window) {
		s->left_out = true;
		if (m->at.ms >= r->from.ms && m->at.ms < r->to.ms)
			r->in_maintenance++;
		return 0;
	}
	i = MEM_NEW(struct incident);
	if (i == NULL)
		return TC_ENOMEM;
	if (m->layer == MTTX_PARTITION)
		s->first_ms = first_of_partition(r, m->subject);
	i->layer = m->layer;
	i->cause = m->cause;
	i->verdict_ms = m->at.ms;
	i->detection_ms = length(s->first_ms, m->at.ms);
	i->repair_ms = i->warned_ms = NEVER;
	since = warned_since(r, m->host, s->first_ms != NEVER ?
		s->first_ms : m->at.ms);
	i->predicted = m->host != 0 && since != NEVER;
	if (i->predicted)
		i->warned_ms = length(since, s->first_ms != NEVER ?
			s->first_ms : m->at.ms);
	i->next = r->incidents;
	r->incidents = i;
	r->n++;
	s->open = i;
	return 0;
}

static void
acquit(struct subject *s, const struct mttx_move *m)
{
	if (s->open != NULL && m->gone)
		s->open->gone = true;
	else if (s->open != NULL)
		s->open->repair_ms = length(s->open->verdict_ms, m->at.ms);
	s->open = NULL;
	s->left_out = false;
	s->first_ms = NEVER;
	s->was_good = !m->gone;
}

int
mttx_take(struct mttx_run *r, const struct mttx_move *m)
{
	struct subject *s = subject_of(r, m);

	if (s == NULL)
		return TC_ENOMEM;
	s->partition = m->partition;
	if (s->open != NULL && m->cause != CAUSE_UNKNOWN && !m->gone)
		s->open->cause = m->cause;
	if (m->gone || m->to == HEALTH_HEALTHY) {
		acquit(s, m);
		return 0;
	}
	if (m->from == HEALTH_HEALTHY)
		s->was_good = true;
	if (!is_evidence(m->to))
		return 0;
	if (s->was_good)
		s->first_ms = m->at.ms;
	s->was_good = false;
	if (!is_convicted(m->to) || s->open != NULL || s->left_out)
		return 0;
	return convict(r, s, m);
}

/* ---- the sum ---- */

struct lists {
	int64_t *detection;
	int64_t *repair;
	int64_t *warned;
	size_t n_detection;
	size_t n_repair;
	size_t n_warned;
};

static int
by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
sum_up(int64_t *ms, size_t n, struct mttx_times *out)
{
	double sum = 0;

	*out = (struct mttx_times){ .n = n, .known = n >= MTTX_ENOUGH };
	if (!out->known)
		return;
	qsort(ms, n, sizeof(*ms), by_length);
	for (size_t i = 0; i < n; i++)
		sum += (double)ms[i];
	out->mean_seconds = sum / (double)n / 1e3;
	out->median_seconds = (double)(ms[(n - 1) / 2] + ms[n / 2]) / 2e3;
	out->longest_seconds = (double)ms[n - 1] / 1e3;
}

static void
add_length(int64_t *list, size_t *n, int64_t ms)
{
	if (ms != NEVER)
		list[(*n)++] = ms;
}

static void
sum_side(const struct mttx_run *r, struct lists *l, int row[3],
	struct mttx_side *out)
{
	l->n_detection = l->n_repair = l->n_warned = 0;
	for (const struct incident *i = r->incidents; i != NULL; i = i->next) {
		if ((row[0] != MTTX_LAYERS && row[0] != (int)i->layer) ||
		    (row[1] != MTTX_CAUSES && row[1] != (int)i->cause) ||
		    i->predicted != (row[2] != 0) ||
		    i->verdict_ms < r->from.ms || i->verdict_ms >= r->to.ms)
			continue;
		out->incidents++;
		out->gone += i->gone;
		out->open += !i->gone && i->repair_ms == NEVER;
		add_length(l->detection, &l->n_detection, i->detection_ms);
		add_length(l->repair, &l->n_repair, i->repair_ms);
		add_length(l->warned, &l->n_warned, i->warned_ms);
	}
	sum_up(l->detection, l->n_detection, &out->detection);
	sum_up(l->repair, l->n_repair, &out->repair);
	sum_up(l->warned, l->n_warned, &out->warned);
}

int
mttx_reckon(struct mttx_run *r, struct mttx *out, struct tc_err *e)
{
	size_t bytes = (r->n + 1) * sizeof(int64_t);
	struct lists l = { .detection = mem_alloc(bytes),
		.repair = mem_alloc(bytes), .warned = mem_alloc(bytes) };
	int rc = 0;

	if (l.detection == NULL || l.repair == NULL || l.warned == NULL) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto out;
	}
	*out = (struct mttx){ .from = r->from, .to = r->to,
		.in_maintenance = r->in_maintenance };
	for (int layer = 0; layer <= MTTX_LAYERS; layer++)
		for (int cause = 0; cause <= MTTX_CAUSES; cause++) {
			struct mttx_row *row = &out->rows[layer][cause];

			sum_side(r, &l, (int[]){ layer, cause, 0 },
				&row->reactive);
			sum_side(r, &l, (int[]){ layer, cause, 1 },
				&row->predicted);
		}
out:
	mem_free(l.detection);
	mem_free(l.repair);
	mem_free(l.warned);
	return rc;
}
