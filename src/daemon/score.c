/*
 * Our own predictions held against what became of the devices: gathered from
 * the store, reckoned by predict.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/daemon.h"
#include "wire/json_read.h"

/* An alarm without a failure is wrong after so many days. */
#define SETTLE_DAYS 90
#define DAY_S 86400

struct gathered {
	struct book_prediction *predictions;
	size_t n_predictions, cap_predictions;
	struct scored_outcome *outcomes;
	size_t n_outcomes, cap_outcomes;
	struct scored_span *spans;
	size_t n_spans, cap_spans;
	struct scored_span *hosts;
	size_t n_hosts, cap_hosts;
	struct arena texts;
	const char **packs;
	size_t n_packs, cap_packs;
	const char **rules;
	size_t n_rules, cap_rules;
	struct hash by_rule;	/* id → its place + 1 */
	struct wall now;
};

static void
gathered_free(struct gathered *g)
{
	mem_free(g->predictions);
	mem_free(g->outcomes);
	mem_free(g->spans);
	mem_free(g->hosts);
	mem_free(g->packs);
	mem_free(g->rules);
	hash_free(&g->by_rule);
	arena_free(&g->texts);
}

/* What its description tells of time; 0 = nothing. */
static void
read_times(const char *body, int64_t *first, int64_t *gone)
{
	struct json_read r;
	struct json_str key;
	char *text = mem_strdup(body);

	*first = *gone = 0;
	if (!text)
		return;
	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "first_ms"))
				*first = json_get_int(&r, INT64_MIN, INT64_MAX);
			else if (json_str_is(key, "gone_ms"))
				*gone = json_get_int(&r, INT64_MIN, INT64_MAX);
			else
				json_skip(&r);
		}
	(void)json_close(&r, NULL);
	mem_free(text);
}

static int
take_device(void *arg, const struct change_subject *s)
{
	struct gathered *g = arg;
	void *spans = g->spans;
	int64_t first, gone;

	if (mem_grow(&spans, &g->cap_spans, g->n_spans + 1,
		    sizeof(*g->spans)) < 0)
		return TC_ENOMEM;
	g->spans = spans;
	read_times(s->body, &first, &gone);
	/* a device of an older version: nobody knows since when */
	g->spans[g->n_spans++] = (struct scored_span){ .subject = s->id,
		.host = s->parent,
		.from.ms = first != 0 ? first : g->now.ms,
		.to.ms = s->retired && gone != 0 ? gone : g->now.ms };
	return 0;
}

/* A host is watched since the first of its devices was. */
static int
find_hosts(struct gathered *g)
{
	struct hash by_id = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->n_spans; i++) {
		const struct scored_span *s = &g->spans[i];
		uintptr_t at = (uintptr_t)hash_get(&by_id, &s->host,
			sizeof(s->host));
		void *hosts = g->hosts;

		if (at != 0) {
			struct scored_span *h = &g->hosts[at - 1];

			h->from.ms = s->from.ms < h->from.ms ? s->from.ms :
				h->from.ms;
			h->to.ms = s->to.ms > h->to.ms ? s->to.ms : h->to.ms;
			continue;
		}
		if (mem_grow(&hosts, &g->cap_hosts, g->n_hosts + 1,
			    sizeof(*g->hosts)) < 0) {
			rc = TC_ENOMEM;
			break;
		}
		g->hosts = hosts;
		g->hosts[g->n_hosts] = *s;
		g->hosts[g->n_hosts++].subject = s->host;
		rc = hash_put(&by_id, &s->host, sizeof(s->host),
			(void *)(uintptr_t)g->n_hosts);
	}
	hash_free(&by_id);
	return rc;
}

static int
take_outcome(void *arg, const struct store_outcome *o)
{
	struct gathered *g = arg;
	void *outcomes = g->outcomes;

	if (mem_grow(&outcomes, &g->cap_outcomes, g->n_outcomes + 1,
		    sizeof(*g->outcomes)) < 0)
		return TC_ENOMEM;
	g->outcomes = outcomes;
	g->outcomes[g->n_outcomes++] = (struct scored_outcome){ o->subject,
		o->kind, o->at };
	return 0;
}

static int
pack_index(struct gathered *g, const char *id, uint32_t *out)
{
	void *packs = g->packs;

	/* few, and the last one is asked for most */
	for (size_t i = g->n_packs; i-- > 0;)
		if (strcmp(g->packs[i], id) == 0) {
			*out = (uint32_t)i;
			return 0;
		}
	if (mem_grow(&packs, &g->cap_packs, g->n_packs + 1,
		    sizeof(*g->packs)) < 0)
		return TC_ENOMEM;
	g->packs = packs;
	g->packs[g->n_packs] = arena_strdup(&g->texts, id);
	if (!g->packs[g->n_packs])
		return TC_ENOMEM;
	*out = (uint32_t)g->n_packs++;
	return 0;
}

/* ---- which rule led an alarm ---- */

struct lead {
	char rule[VERDICT_NAME];	/* of the largest contribution */
	char state[VERDICT_NAME];	/* the drive's own word */
	double contribution;
	bool failure;			/* the drive's own states say so */
};

static void
copy_rule(char to[VERDICT_NAME], const char *from)
{
	snprintf(to, VERDICT_NAME, "%s", from);
}

static void
read_evidence_row(struct json_read *r, struct lead *out)
{
	const char *kind = "", *rule = "";
	double contribution = 0;
	struct json_str key;

	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "kind"))
			kind = json_get_cstr(r, VERDICT_NAME);
		else if (json_str_is(key, "rule"))
			rule = json_get_cstr(r, VERDICT_NAME);
		else if (json_str_is(key, "contribution"))
			contribution = json_get_double(r);
		else
			json_skip(r);
	}
	if (strcmp(kind, "state") == 0 && out->state[0] == '\0')
		copy_rule(out->state, rule);
	if (strcmp(kind, "rule") != 0 || contribution <= out->contribution)
		return;
	out->contribution = contribution;
	copy_rule(out->rule, rule);
}

static void
read_kinds(struct json_read *r, struct lead *out)
{
	if (!json_enter_array(r))
		return;
	while (json_next_item(r))
		if (strcmp(json_get_cstr(r, VERDICT_NAME), "failure") == 0)
			out->failure = true;
}

/* The drive's own state where it speaks of failure; else the rule that
 * contributed most; "" = nobody knows. */
static void
lead_of(const char *body, char out[VERDICT_NAME])
{
	char *text = mem_strdup(body);
	struct lead lead = { .contribution = 0 };
	struct json_str key;
	struct json_read r;

	out[0] = '\0';
	if (!text)
		return;
	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "evidence") &&
			    json_enter_array(&r))
				while (json_next_item(&r))
					read_evidence_row(&r, &lead);
			else if (json_str_is(key, "kinds"))
				read_kinds(&r, &lead);
			else
				json_skip(&r);
		}
	if (json_close(&r, NULL) == 0)
		copy_rule(out, lead.failure && lead.state[0] != '\0' ?
			lead.state : lead.rule);
	mem_free(text);
}

static int
rule_index(struct gathered *g, const char *id, uint32_t *out)
{
	void *rules = g->rules;
	const char *copy;

	*out = (uint32_t)(uintptr_t)hash_get_str(&g->by_rule, id);
	if (*out != 0 || id[0] == '\0')
		return 0;
	copy = arena_strdup(&g->texts, id);
	if (!copy || mem_grow(&rules, &g->cap_rules, g->n_rules + 1,
		    sizeof(*g->rules)) < 0)
		return TC_ENOMEM;
	g->rules = rules;
	g->rules[g->n_rules++] = copy;
	*out = (uint32_t)g->n_rules;
	return hash_put_str(&g->by_rule, copy, (void *)(uintptr_t)g->n_rules);
}

static int
take_prediction(void *arg, const struct change_prediction *p,
	struct wall until)
{
	struct gathered *g = arg;
	struct book_prediction one = { .p = { .subject = p->subject,
		.since = p->since }, .until = until };
	void *predictions = g->predictions;
	char lead[VERDICT_NAME];

	if (!level_from_name(p->level, strlen(p->level), &one.p.level))
		return 0;
	lead_of(p->body, lead);
	if (pack_index(g, p->pack, &one.pack) < 0 ||
	    rule_index(g, lead, &one.p.rule) < 0 ||
	    mem_grow(&predictions, &g->cap_predictions,
		    g->n_predictions + 1, sizeof(*g->predictions)) < 0)
		return TC_ENOMEM;
	g->predictions = predictions;
	g->predictions[g->n_predictions++] = one;
	return 0;
}

int
score_read(struct daemon *d, struct book *out, struct tc_err *e)
{
	struct gathered g = { .now = d->clock->wall(d->clock) };
	const struct store_scored to = { &g, take_device, take_outcome,
		take_prediction };
	struct book_input in;
	int rc = store_sqlite.scored(d->store, &to, e);

	if (rc == 0 && find_hosts(&g) < 0)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	if (rc == 0) {
		in = (struct book_input){ g.predictions, g.n_predictions,
			g.outcomes, g.n_outcomes, g.spans, g.n_spans,
			g.hosts, g.n_hosts, g.packs, g.n_packs, g.rules,
			g.n_rules, g.now,
			dur_s(SETTLE_DAYS * DAY_S) };
		rc = book_reckon(&in, out, e);
	}
	gathered_free(&g);
	return rc;
}

/* ---- artifacts ---- */

struct artifact_relay {
	http_artifact_sink *sink;
	void *arg;
};

static int
relay_artifact(void *arg, const struct change_artifact *a)
{
	struct artifact_relay *r = arg;

	return r->sink(r->arg, &(struct http_artifact){ .id = a->id,
		.at = a->at, .name = a->name, .by = a->by,
		.sha256 = a->sha256, .bytes = a->bytes, .body = a->body });
}

int
artifacts_read(struct daemon *d, const struct http_artifact_query *q,
	struct tc_err *e)
{
	struct artifact_relay relay = { q->sink, q->arg };
	const struct snap_host *h;
	struct snapshot *s;
	uint32_t host = 0;

	if (q->id == 0) {
		s = d->http_io.snapshot(&d->http_io);
		h = snapshot_host(s, q->host);
		host = h != NULL ? h->id : 0;
		snapshot_put(s);
	}
	if (q->id == 0 && host == 0)
		return tc_fail(e, TC_ENOENT, "no host '%s'", q->host);
	return store_sqlite.artifacts(d->store, q->id, host, relay_artifact,
		&relay, e);
}

/* ---- the list of outcomes ---- */

struct relay {
	http_outcome_sink *sink;
	void *arg;
};

static void
read_ident(struct json_read *r, struct device_id *out)
{
	struct json_str key;

	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "kind"))
			out->kind = json_get_cstr(r, 255);
		else if (json_str_is(key, "model"))
			out->model = json_get_cstr(r, 255);
		else if (json_str_is(key, "serial"))
			out->serial = json_get_cstr(r, 255);
		else if (json_str_is(key, "wwn"))
			out->wwn = json_get_cstr(r, 255);
		else
			json_skip(r);
	}
}

static int
relay_outcome(void *arg, const struct store_outcome *o)
{
	struct relay *relay = arg;
	struct http_outcome out = { .id = o->id, .host = o->host,
		.device = { "", "", "", "" },
		.of_device = o->device[0] != '\0',
		.outcome = outcome_kind_id(o->kind), .at = o->at,
		.noted = o->noted, .source = o->source, .by = o->by,
		.note = o->note, .predictions = o->predictions };
	char *text = mem_strdup(o->device);
	struct json_read r;
	int stop;

	if (!text)
		return 1;
	if (out.of_device) {
		json_open(&r, text, strlen(text));
		read_ident(&r, &out.device);
		(void)json_close(&r, NULL);
	}
	stop = relay->sink(relay->arg, &out);
	mem_free(text);
	return stop;
}

int
outcomes_read(struct daemon *d, const struct http_outcome_query *q,
	struct tc_err *e)
{
	struct relay relay = { q->sink, q->arg };

	return store_sqlite.outcomes(d->store, q->after, q->limit,
		relay_outcome, &relay, e);
}
