/*
 * /v1/summary and /v1/partitions.
 */
#include <string.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"

/* The summary has at most 4 KiB, its head and its end included. */
#define SUMMARY_BYTES (4096 - 100)
#define SUMMARY_BRAKES 3
#define SUMMARY_PARTITIONS 3
#define RISK_REASON_BYTES 120

static void
add_counts(struct json_write *w, const size_t counts[STATE_COUNT_])
{
	json_add_object(w, "counts");
	for (unsigned i = 0; i < STATE_COUNT_; i++)
		json_add_u64(w, state_id((enum unit_state)i), counts[i]);
	json_put_end(w);
}

static void
put_risk(struct json_write *w, const struct snap_host *h)
{
	size_t n = strnlen(h->rare->risk_reason, RISK_REASON_BYTES);

	json_put_object(w);
	json_add_str(w, "host", h->name);
	json_add_str(w, "partition", h->partition);
	json_add_str(w, "level", level_name(h->level));
	add_probability(w, "risk", h->rare->risk);
	json_put_key(w, "reason");
	json_put_str_n(w, h->rare->risk_reason, n);
	json_put_end(w);
}

/* Has the partition a host with the tag?  NULL = any. */
static bool
has_tagged(const struct snapshot *s, const char *partition, const char *tag)
{
	if (tag == NULL)
		return true;
	for (size_t i = 0; i < s->n_chunks; i++)
		for (size_t k = 0; k < s->chunks[i]->n; k++) {
			const struct snap_host *h = s->chunks[i]->hosts[k];

			if (strcmp(h->partition, partition) == 0 &&
			    host_has_tag(h, tag))
				return true;
		}
	return false;
}

/* The latched ones only, and few of them: the summary has an upper bound. */
static void
add_latched(struct json_write *w, const struct snapshot *s, const char *tag)
{
	size_t n = 0;

	json_add_array(w, "brakes");
	for (size_t i = 0; i < s->n_partitions && n < SUMMARY_BRAKES; i++) {
		const struct snap_partition *p = &s->partitions[i];

		if (!p->brake.latched || !has_tagged(s, p->name, tag))
			continue;
		json_put_object(w);
		json_add_str(w, "partition", p->name);
		add_time(w, "since", p->brake.since);
		json_add_u64(w, "bad", p->brake.bad);
		json_add_u64(w, "hosts", p->brake.hosts);
		json_add_str(w, "cause", p->brake.cause);
		if (p->brake.suspect[0] != '\0')
			json_add_str(w, "suspect", p->brake.suspect);
		json_put_end(w);
		n++;
	}
	json_put_end(w);
}

static size_t
broken_of(const size_t counts[STATE_COUNT_])
{
	return counts[STATE_UNHEALTHY] + counts[STATE_UNREACHABLE] +
		counts[STATE_IMPAIRED];
}

/* The three with the most broken hosts; a fleet may have any number. */
static void
add_worst_partitions(struct json_write *w, const struct snapshot *s)
{
	const struct snap_partition *worst[SUMMARY_PARTITIONS] = { NULL };
	size_t affected = 0;

	for (size_t i = 0; i < s->n_partitions; i++) {
		const struct snap_partition *p = &s->partitions[i];
		size_t n = broken_of(p->counts);

		affected += n != 0;
		for (size_t k = 0; n != 0 && k < SUMMARY_PARTITIONS; k++) {
			const struct snap_partition *less = worst[k];

			if (less != NULL && broken_of(less->counts) >= n)
				continue;
			worst[k] = p;
			if (less == NULL)
				break;
			p = less;
			n = broken_of(p->counts);
		}
	}
	json_add_u64(w, "partitions", s->n_partitions);
	json_add_u64(w, "partitions_affected", affected);
	json_add_array(w, "worst_partitions");
	for (size_t k = 0; k < SUMMARY_PARTITIONS && worst[k] != NULL; k++) {
		json_put_object(w);
		json_add_str(w, "partition", worst[k]->name);
		json_add_u64(w, "hosts", worst[k]->n_hosts);
		json_add_u64(w, "broken", broken_of(worst[k]->counts));
		json_put_end(w);
	}
	json_put_end(w);
}

static void
add_trend(struct json_write *w, const struct snapshot *s)
{
	static const char *const words[] = { [TREND_STEADY] = "steady",
		[TREND_BETTER] = "better", [TREND_WORSE] = "worse" };

	json_add_object(w, "trend");
	json_add_str(w, "direction", words[s->trend]);
	json_add_u64(w, "broken", s->broken);
	if (s->broken_before_known)
		json_add_u64(w, "broken_5m_ago", s->broken_before);
	else
		json_add_null(w, "broken_5m_ago");
	json_put_end(w);
}

/* `s` is the fleet, or of `all` the part that has the tag. */
static void
put_summary(struct json_write *w, const struct snapshot *s,
	const struct snapshot *all, const char *tag)
{
	json_put_object(w);
	json_add_str(w, "state", state_id(s->worst));
	add_time(w, "since", s->since);
	json_add_u64(w, "hosts", s->n_hosts);
	add_counts(w, s->counts);
	json_add_object(w, "levels");
	for (unsigned i = 0; i < LEVEL_N; i++)
		json_add_u64(w, level_name((enum level)i), s->levels[i]);
	json_put_end(w);
	json_add_u64(w, "checks", s->n_checks);
	json_add_u64(w, "devices", s->n_devices);
	json_add_u64(w, "devices_unjudged", s->n_devices_unjudged);
	json_add_bool(w, "observer_suspect", s->observer_suspect);
	json_add_str(w, "observer_reason", s->observer_why);
	add_time(w, "observer_since", s->observer_since);
	json_add_bool(w, "degraded", s->degraded);
	json_add_str(w, "degraded_why", s->degraded ? s->degraded_why : NULL);
	json_add_u64(w, "alerts", s->n_alerts);
	json_add_u64(w, "evacuations", s->n_plans);
	json_add_array(w, "incidents");
	json_put_end(w);
	add_latched(w, all, tag);
	if (tag == NULL) {
		add_worst_partitions(w, s);
		add_trend(w, s);
	add_layers(w, s);
	} else {
		json_add_str(w, "tag", tag);
		json_add_bool(w, "affected", s->n_hosts > 0 &&
			s->worst != STATE_HEALTHY && s->worst != STATE_ASLEEP);
	}
	add_time(w, "started", s->started);
	json_add_str(w, "version", s->version);
	json_add_u64(w, "generation", s->generation);
	json_add_array(w, "at_risk");
	for (size_t i = 0; i < s->n_top; i++) {
		struct json_write before = *w;
		size_t n = w->out->n;

		put_risk(w, s->top[i]);
		if (w->out->n <= SUMMARY_BYTES)
			continue;
		*w = before;	/* it did not fit: taken back */
		w->out->n = n;
		break;
	}
	json_put_end(w);
	json_put_end(w);
}

/* Kept with the snapshot. */
static const struct snap_text *
summary_text(const struct snapshot *s)
{
	/* the cache is the one part of a snapshot that changes */
	_Atomic(struct snap_text *) *cache =
		(_Atomic(struct snap_text *) *)(uintptr_t)&s->summary;
	struct snap_text *t = atomic_load(cache);
	struct strbuf text = { 0 };
	struct json_write w;

	if (t != NULL)
		return t;
	json_begin(&w, &text);
	put_summary(&w, s, s, NULL);
	if (!text.failed)
		t = mem_alloc(sizeof(*t) + text.n + 1);
	if (t != NULL) {
		t->n = text.n;
		t->p = (char *)(t + 1);
		memcpy(t + 1, text.p, text.n + 1);
		t = snapshot_cache(cache, t);
	}
	strbuf_free(&text);
	return t;
}

/* Those of a tag: reckoned when asked, and kept by who asked (ETag). */
static void
show_tag(struct request *r, const struct snapshot *s, const char *tag)
{
	struct strbuf text = { 0 };
	struct json_write w;
	struct snapshot part;

	part_of_tag(s, tag, &part);
	if (part.n_hosts == 0) {
		problem_set(r, 404, "not_found", "no host has the tag %.200s",
			tag);
		return;
	}
	reply_open(r, &w, s);
	strbuf_putc(&r->reply.body, ',');
	json_begin(&w, &text);
	put_summary(&w, &part, s, tag);
	if (text.failed)
		r->reply.body.failed = true;
	else
		strbuf_add(&r->reply.body, text.p + 1, text.n - 1);
	strbuf_free(&text);
}

void
view_summary(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *tag = target_get(&r->target, "tag");
	const struct snap_text *t;
	struct json_write w;

	if (reply_unchanged(r, s, false))
		return;
	if (tag != NULL) {
		show_tag(r, s, tag);
		return;
	}
	t = summary_text(s);
	if (t == NULL) {
		r->reply.body.failed = true;
		return;
	}
	reply_open(r, &w, s);
	strbuf_putc(&r->reply.body, ',');
	strbuf_add(&r->reply.body, t->p + 1, t->n - 1);
}

static enum unit_state
worst_of(const size_t counts[STATE_COUNT_])
{
	enum unit_state worst = STATE_HEALTHY;

	for (unsigned i = 0; i < STATE_COUNT_; i++) {
		if (counts[i] != 0 && state_worse((enum unit_state)i, worst))
			worst = (enum unit_state)i;
	}
	return worst;
}

static void
add_partition(struct json_write *w, const struct snap_partition *p)
{
	json_add_str(w, "name", p->name);
	json_add_u64(w, "id", p->id);
	json_add_str(w, "state", state_id(worst_of(p->counts)));
	json_add_u64(w, "hosts", p->n_hosts);
	add_counts(w, p->counts);
	json_add_object(w, "brake");
	add_brake(w, p);
	json_put_end(w);
}

const struct snap_partition *
next_partition(const struct snapshot *s, const char *after)
{
	const struct snap_partition *best = NULL;

	for (size_t i = 0; i < s->n_partitions; i++) {
		const struct snap_partition *p = &s->partitions[i];

		if (strcmp(p->name, after) > 0 &&
		    (best == NULL || strcmp(p->name, best->name) < 0))
			best = p;
	}
	return best;
}

static void
list_partitions(struct request *r, const struct snapshot *s,
	const char *after, uint64_t limit)
{
	const struct snap_partition *p = next_partition(s, after);
	struct json_write w;
	const char *last = after;

	reply_open(r, &w, s);
	json_add_array(&w, "items");
	for (; p != NULL && limit > 0; limit--) {
		json_put_object(&w);
		add_partition(&w, p);
		json_put_end(&w);
		last = p->name;
		p = next_partition(s, last);
	}
	list_end(r, &w, 'p', p != NULL ? last : NULL);
	json_put_end(&w);
}

void
view_partitions(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	const struct snapshot *s = request_snapshot(r);
	const char *cursor = target_get(&r->target, "cursor");
	char after[CURSOR_KEY_BYTES] = "";
	struct tc_err e = { 0 };
	uint64_t limit;

	if (target_u64(&r->target, "limit", limits, &limit, &e) < 0 ||
	    (cursor != NULL && cursor_parse(cursor, 'p', after, &e) < 0)) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (!reply_unchanged(r, s, false))
		list_partitions(r, s, after, limit);
}

void
view_partition(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *asked = r->target.segs[2];
	char name[NAME_MAX_BYTES + 1];
	struct json_write w;

	if (name_fold(asked, strlen(asked), name, NULL) < 0) {
		problem_set(r, 400, "invalid", "partition: not a name");
		return;
	}
	for (size_t i = 0; i < s->n_partitions; i++) {
		const struct snap_partition *p = &s->partitions[i];

		if (strcmp(p->name, name) != 0)
			continue;
		if (reply_unchanged(r, s, false))
			return;
		reply_open(r, &w, s);
		add_partition(&w, p);
		json_put_end(&w);
		return;
	}
	problem_set(r, 404, "not_found", "there is no partition %s", name);
}
