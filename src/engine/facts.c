/*
 * What the engine says: facts gathered into a change set, handed over at the
 * end of a tick.  Lack of memory loses the fact, never the judgement.
 */
#include <string.h>

#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/say.h"
#include "engine/unit.h"
#include "wire/json_write.h"
#include "wire/verdict.h"

struct change_set *
facts(struct engine *en)
{
	if (en->lent != NULL)
		return en->lent;
	if (en->facts == NULL)
		en->facts = change_set_new();
	return en->facts;
}

void
facts_flush(struct engine *en)
{
	struct change_set *cs = en->facts;

	if (cs == NULL)
		return;
	en->facts = NULL;
	if (cs->n > 0)
		en->io->store(en->io, cs);
	else
		change_set_free(cs);
}

const char *
fact_text(struct change_set *cs, const char *text)
{
	const char *copy = arena_strdup(&cs->arena, text);

	return copy != NULL ? copy : "";
}

static const void *
fact_bytes(struct change_set *cs, const void *p, size_t n)
{
	void *copy = arena_alloc(&cs->arena, n);

	if (copy != NULL)
		memcpy(copy, p, n);
	return copy;
}

bool
say_begin(struct engine *en, enum change_kind kind, struct say *s)
{
	struct change_set *cs = facts(en);

	*s = (struct say){ .cs = cs,
		.c = cs != NULL ? change_add(cs, kind) : NULL };
	if (s->c == NULL)
		return false;
	json_begin(&s->w, &s->body);
	json_put_object(&s->w);
	return true;
}

const char *
say_end(struct say *s)
{
	const char *body;

	json_put_end(&s->w);
	body = fact_text(s->cs, strbuf_str(&s->body));
	strbuf_free(&s->body);
	return body;
}

void
say_event(struct engine *en, const char *kind, uint32_t subject,
	struct wall at, const char *body)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_EVENT) : NULL;

	if (c == NULL)
		return;
	c->u.event = (struct change_event){ .seq = ++en->event_seq, .at = at,
		.kind = fact_text(cs, kind), .subject = subject,
		.body = fact_text(cs, body) };
	en->counts.events++;
}

/* What happens in a window is marked. */
static void
add_window(struct json_write *w, const struct host *h)
{
	if (h->rare->window != NULL)
		json_add_u64(w, "window", h->rare->window->id);
}

void
say_check_move(struct engine *en, const struct check *c,
	const struct check_move *move, struct wall at)
{
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "check", c->kind->key);
	json_add_str(&w, "probe", c->kind->probe);
	json_add_str(&w, "from", health_id(move->from));
	json_add_str(&w, "to", health_id(move->to));
	json_add_str(&w, "reason", reason_id(move->reason));
	json_add_str(&w, "text", c->text != NULL ? c->text : "");
	json_add_u64(&w, "fails", c->st.fails);
	add_window(&w, check_host(c));
	json_put_end(&w);
	say_event(en, "check.state", check_whose(c), at, strbuf_str(&body));
	strbuf_free(&body);
	en->counts.transitions++;
}

void
say_host_move(struct engine *en, const struct host *h, enum health from,
	struct wall at)
{
	const struct check *worst = host_worst(h);
	const struct host *dead = h->health == HEALTH_UNREACHABLE ?
		parent_dead(en, h) : NULL;
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "from", health_id(from));
	json_add_str(&w, "to", health_id(h->health));
	json_add_str(&w, "reason", reason_id(h->reason));
	json_add_str(&w, "check", worst != NULL ? worst->kind->key : "");
	json_add_str(&w, "cause_hint", cause_id(h->rare->risk.cause));
	if (h->rare->failed.ms != 0)
		json_add_wall(&w, "failed_at", h->rare->failed);
	if (dead != NULL)
		json_add_str(&w, "parent", dead->name);
	add_window(&w, h);
	json_put_end(&w);
	say_event(en, "host.state", h->id, at, strbuf_str(&body));
	strbuf_free(&body);
}

const struct check *
host_flapper(const struct host *h)
{
	const struct check *most = NULL;

	for (size_t i = 0; i < h->n_checks; i++) {
		const struct check *c = host_checks(h)[i];

		if (c->st.flapping && (most == NULL ||
			check_turns(&c->st) > check_turns(&most->st)))
			most = c;
	}
	return most;
}

void
say_flapping(struct engine *en, const struct host *h, struct wall at)
{
	const struct check *c = host_flapper(h);
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_bool(&w, "flapping", c != NULL);
	json_add_str(&w, "check", c != NULL ? c->kind->key : "");
	json_add_u64(&w, "changes", c != NULL ? check_turns(&c->st) : 0);
	json_add_u64(&w, "within", c != NULL ? c->kind->rule.flap_within : 0);
	json_add_str(&w, "health", health_id(h->health));
	json_put_end(&w);
	say_event(en, "host.flapping", h->id, at, strbuf_str(&body));
	strbuf_free(&body);
}

void
say_level_move(struct engine *en, const struct device *d, enum level from,
	struct wall at)
{
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", d->host->name);
	json_add_str(&w, "from", level_name(from));
	json_add_str(&w, "to", level_name(d->level));
	json_add_double(&w, "risk", d->risk.d30);
	json_add_u64(&w, "prediction", d->prediction_id);
	json_put_end(&w);
	say_event(en, "prediction.level", d->id, at, strbuf_str(&body));
	strbuf_free(&body);
}

void
say_prediction(struct engine *en, uint32_t subject, uint32_t host,
	const struct prediction_item *p)
{
	const struct verdict *v = p->verdict;
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_PREDICTION) :
		NULL;
	struct strbuf body = { 0 };
	struct json_write w;

	if (c == NULL)
		return;
	json_begin(&w, &body);
	prediction_write(&w, p);
	c->u.prediction = (struct change_prediction){ .id = p->id,
		.subject = subject, .host = host, .since = p->since,
		.level = level_name(v->level), .risk_d7 = v->risk.d7,
		.risk_d30 = v->risk.d30, .risk_d90 = v->risk.d90,
		.pack = fact_text(cs, v->pack),
		.body = fact_text(cs, strbuf_str(&body)) };
	strbuf_free(&body);
}

void
say_state(struct engine *en, uint32_t subject, const char *kind,
	const void *p, size_t n)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_STATE) : NULL;
	const void *copy;

	if (c == NULL)
		return;
	copy = p != NULL ? fact_bytes(cs, p, n) : NULL;
	if (copy == NULL && p != NULL) {
		cs->n--;
		return;
	}
	c->u.state = (struct change_state){ subject, kind, copy, n };
}

void
say_check_state(struct engine *en, struct check *c)
{
	unsigned char now[CHECK_SAVED_BYTES];

	c->unsaved = false;
	check_state_save(&c->st, &c->kind->rule, now);
	say_state(en, c->id, "check", now, sizeof(now));
}

void
say_host_state(struct engine *en, const struct host *h)
{
	unsigned char bytes[HOST_SAVED_BYTES];

	host_state_save(h, bytes);
	say_state(en, h->id, "host", bytes, sizeof(bytes));
}

void
say_device_state(struct engine *en, const struct device *d)
{
	unsigned char bytes[FEATURES_SAVED_MAX];
	size_t n = features_save(&d->features, bytes);

	say_state(en, d->id, "device", bytes, n);
}

void
say_drive_state(struct engine *en, const struct device *d)
{
	unsigned char bytes[DRIVE_SAVED_MAX];
	size_t n = drive_save(&d->drive, bytes);

	say_state(en, d->id, "drive", bytes, n);
}

void
say_observation(struct change_set *cs, uint32_t subject, const struct observation *ob)
{
	struct change_series *series;
	struct change *c;
	uint64_t *values;

	if (cs == NULL)
		return;
	series = arena_alloc(&cs->arena, ob->n_metrics * sizeof(*series));
	values = arena_alloc(&cs->arena, ob->n_metrics * sizeof(*values));
	c = series != NULL && values != NULL ?
		change_add(cs, CHANGE_HISTORY) : NULL;
	if (c == NULL)
		return;
	for (size_t i = 0; i < ob->n_metrics; i++) {
		const struct metric *m = &ob->metrics[i];

		/* What it came in ends before the set: names are copied. */
		series[i] = (struct change_series){ .subject = 0,
			.name = fact_text(cs, m->name),
			.instance = m->instance[0] != '\0' ?
				fact_text(cs, m->instance) : "",
			.type = m->type };
		memcpy(&values[i], &m->v, sizeof(values[i]));
	}
	c->u.history = (struct change_history){ .at = ob->at,
		.subject = subject, .probe = fact_text(cs, ob->probe),
		.outcome = ob->outcome, .reason = ob->reason,
		.series = series, .values = values, .n = ob->n_metrics,
		.counted = cs->batch_host != 0 };
}
