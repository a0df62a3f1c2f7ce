/*
 * What became of devices and hosts: told by people, or seen by ourselves.  A
 * serial that vanishes while another takes its place was replaced; the
 * devices of a host that is retired went with it.
 */
#include <stdio.h>
#include <string.h>

#include "base/le.h"
#include "engine/devices.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

/* Silent for so many intervals, while its neighbours speak: it is not there. */
#define VANISHED_INTERVALS 3
#define AHEAD_MS (5 * 60 * 1000)
#define SEEN_VERSION 1

void
say_outcome(struct engine *en, const struct change_outcome *o)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_OUTCOME) : NULL;

	if (c == NULL)
		return;
	c->u.outcome = *o;
	c->u.outcome.noted = en->now.wall;
	c->u.outcome.by = fact_text(cs, o->by);
	c->u.outcome.note = fact_text(cs, o->note);
}

/* ---- a device leaves, and may come back ---- */

static void
drop_its_check(struct engine *en, struct device *d)
{
	struct host *h = d->host;

	for (size_t i = 0; d->check != NULL && i < h->n_checks; i++)
		if (host_checks(h)[i] == d->check) {
			host_drop_check(en, h, i);
			break;
		}
	d->check = NULL;
}

void
device_leave(struct engine *en, struct device *d, struct wall at)
{
	if (d->gone)
		return;
	risk_close(en, d, en->now);
	d->gone = true;
	d->gone_at = at;
	d->asleep = false;
	if (d->n_accepted > 0) {
		d->n_accepted = 0;
		say_accepted(en, d);
	}
	drop_its_check(en, d);
	device_say_subject(en, d);
	risk_fold(en, d->host);
	fold_host(en, d->host, en->now.wall);
	mark(en, d->host, DIRTY_URGENT);
}

void
device_return(struct engine *en, struct device *d)
{
	d->gone = false;
	d->gone_at.ms = 0;
	d->judged_day = INT32_MIN;
	device_say_subject(en, d);
	say_event(en, "device.returned", d->id, en->now.wall, "{}");
	mark(en, d->host, DIRTY_URGENT);
}

/* ---- last heard of, to the day ---- */

void
device_seen(struct engine *en, struct device *d, struct wall at)
{
	unsigned char bytes[9] = { SEEN_VERSION };

	if (wall_to_days(at) == d->seen_day)
		return;
	d->seen_day = wall_to_days(at);
	le_put(bytes + 1, (uint64_t)at.ms, 8);
	say_state(en, d->id, "seen", bytes, sizeof(bytes));
}

int
device_seen_restore(struct device *d, const void *p, size_t n)
{
	const unsigned char *in = p;

	if (n != 9 || in[0] != SEEN_VERSION)
		return n > 0 && in[0] > SEEN_VERSION ? TC_ENEWER : TC_ECORRUPT;
	d->at.ms = (int64_t)le_get(in + 1, 8);
	d->seen_day = wall_to_days(d->at);
	return 0;
}

/* ---- seen by ourselves ---- */

static int64_t
silent_ns(const struct engine *en, const struct device *d)
{
	return mono_diff(awake_in(en, d->host->part, en->now),
		d->check->st.heard).ns;
}

static int64_t
patience_ns(const struct device *d)
{
	return d->check->kind->rule.interval.ns * VANISHED_INTERVALS;
}

/* The first of its kind that came when it had gone, and still speaks. */
static struct device *
successor(const struct engine *en, const struct device *d)
{
	struct host *h = d->host;
	struct device *best = NULL;

	for (size_t i = 0; i < h->rare->n_devices; i++) {
		struct device *n = h->rare->devices[i];

		if (n == d || n->gone || n->check == NULL ||
		    n->replaces != 0 || n->first.ms <= d->at.ms ||
		    strcmp(n->ident.kind, d->ident.kind) != 0 ||
		    silent_ns(en, n) > patience_ns(n))
			continue;
		if (best == NULL || n->first.ms < best->first.ms)
			best = n;
	}
	return best;
}

static void
infer_replaced(struct engine *en, struct device *d, struct device *by)
{
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", d->host->name);
	json_add_str(&w, "serial", d->ident.serial);
	json_add_str(&w, "outcome", outcome_kind_id(OUTCOME_REPLACED));
	json_add_wall(&w, "at", d->at);
	json_add_str(&w, "by", by->ident.serial);
	json_put_end(&w);
	say_outcome(en, &(struct change_outcome){ .subject = d->id,
		.kind = OUTCOME_REPLACED, .at = d->at, .by = "tocsind",
		.source = OUTCOME_INFERRED, .note = by->ident.serial });
	say_audit(en, "tocsind", "outcome.infer", d->id, strbuf_str(&body));
	strbuf_free(&body);
	by->replaces = d->id;
	device_say_subject(en, by);
	device_leave(en, d, d->at);
}

void
outcomes_step(struct engine *en)
{
	size_t at = 0;
	struct device *d, *by;

	while ((d = hash_next(&en->devices, &at)) != NULL) {
		if (d->gone || d->check == NULL || !d->host->present ||
		    d->ident.serial[0] == '\0' || d->host->rare->n_devices < 2 ||
		    silent_ns(en, d) <= patience_ns(d))
			continue;
		by = successor(en, d);
		if (by != NULL)
			infer_replaced(en, d, by);
	}
}

void
outcomes_of_retired(struct engine *en, struct host *h)
{
	for (size_t i = 0; i < h->rare->n_devices; i++) {
		struct device *d = h->rare->devices[i];

		if (d->gone)
			continue;
		say_outcome(en, &(struct change_outcome){ .subject = d->id,
			.kind = OUTCOME_RETIRED, .at = en->now.wall,
			.by = "tocsind", .source = OUTCOME_INFERRED,
			.note = "" });
		risk_close(en, d, en->now);
	}
}

/* ---- told by people ---- */

struct outcome_wish {
	const char *device;
	const char *host;
	const char *note;
	enum outcome_kind kind;
	struct wall at;
	bool has_kind, has_at;
	bool gone, has_gone;
	bool imported;
};

static void
get_kind(struct json_read *r, struct outcome_wish *o)
{
	const char *text = json_get_cstr(r, 16);

	o->has_kind = true;
	if (!json_failed(r) && !outcome_kind_parse(text, strlen(text),
			&o->kind))
		json_fail(r, "'%s' is none of failed replaced retired healthy "
			"wrong_alarm", text);
}

static void
get_at(struct json_read *r, struct outcome_wish *o)
{
	const char *text = json_get_cstr(r, 40);

	o->has_at = true;
	if (!json_failed(r) && wall_parse(text, strlen(text), &o->at) < 0)
		json_fail(r, "not a time such as 2026-05-01T22:00:00Z");
}

static void
get_member(struct json_read *r, struct json_str key, struct outcome_wish *o)
{
	if (json_str_is(key, "device")) {
		o->device = json_get_cstr(r, 255);
	} else if (json_str_is(key, "host")) {
		o->host = json_get_cstr(r, NAME_MAX_BYTES);
	} else if (json_str_is(key, "note")) {
		o->note = json_get_cstr(r, 1000);
	} else if (json_str_is(key, "outcome")) {
		get_kind(r, o);
	} else if (json_str_is(key, "at")) {
		get_at(r, o);
	} else if (json_str_is(key, "gone")) {
		o->gone = json_get_bool(r);
		o->has_gone = true;
	} else if (json_str_is(key, "imported")) {
		o->imported = json_get_bool(r);
	} else {
		json_unknown(r);
	}
}

static int
read_wish(struct engine *en, const struct engine_wish *w,
	struct outcome_wish *o, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	*o = (struct outcome_wish){ .device = "", .host = "", .note = "",
		.at = en->now.wall };
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key))
			get_member(&r, key, o);
	if ((rc = json_close(&r, e)) < 0)
		return rc;
	if (!o->has_kind)
		return tc_fail(e, TC_EINVAL, "/outcome: what became of it?");
	if ((o->device[0] != '\0') == (o->host[0] != '\0'))
		return tc_fail(e, TC_EINVAL, "device or host is needed, one "
			"of them");
	if (o->at.ms < 0 || o->at.ms > en->now.wall.ms + AHEAD_MS)
		return tc_fail(e, TC_ERANGE, "/at: must not be to come");
	if (!o->has_gone)
		o->gone = o->kind == OUTCOME_REPLACED ||
			o->kind == OUTCOME_RETIRED;
	return 0;
}

static void
audit_outcome(struct engine *en, const struct engine_wish *w,
	const struct outcome_wish *o, uint32_t subject)
{
	struct strbuf body = { 0 };
	struct json_write j;

	json_begin(&j, &body);
	json_put_object(&j);
	if (o->device[0] != '\0')
		json_add_str(&j, "device", o->device);
	else
		json_add_str(&j, "host", o->host);
	json_add_str(&j, "outcome", outcome_kind_id(o->kind));
	json_add_wall(&j, "at", o->at);
	json_add_str(&j, "note", o->note);
	json_put_end(&j);
	say_audit(en, w->actor, "outcome.note", subject, strbuf_str(&body));
	strbuf_free(&body);
}

static void
reply_outcome(struct strbuf *reply, const struct outcome_wish *o,
	const struct host *h, const struct device *d, uint64_t prediction)
{
	struct strbuf text = { 0 };
	struct json_write j;

	json_begin(&j, &text);
	json_put_object(&j);
	json_add_str(&j, "outcome", outcome_kind_id(o->kind));
	json_add_wall(&j, "at", o->at);
	json_add_str(&j, "host", h->name);
	if (d != NULL)
		json_add_u64(&j, "device", d->id);
	else
		json_add_null(&j, "device");
	if (prediction != 0)
		json_add_u64(&j, "prediction", prediction);
	else
		json_add_null(&j, "prediction");
	json_put_end(&j);
	if (!text.failed)
		strbuf_add(reply, text.p + 1, text.n - 2);
	strbuf_free(&text);
}

static int
find_whom(struct engine *en, const struct outcome_wish *o, struct host **h,
	struct device **d, struct tc_err *e)
{
	char name[NAME_MAX_BYTES + 1];
	int rc;

	*d = NULL;
	if (o->device[0] != '\0') {
		if ((rc = device_by_name(en, o->device, d, e)) == 0)
			*h = (*d)->host;
		return rc;
	}
	if ((rc = name_fold(o->host, strlen(o->host), name, e)) < 0)
		return rc;
	*h = host_find(en, name);
	return *h != NULL ? 0 : tc_fail(e, TC_ENOENT, "no host '%s'", name);
}

int
order_note_outcome(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct outcome_wish o;
	struct host *h;
	struct device *d;
	uint64_t prediction;
	int rc;

	if ((rc = read_wish(en, w, &o, e)) < 0 ||
	    (rc = find_whom(en, &o, &h, &d, e)) < 0)
		return rc;
	prediction = d != NULL && d->level != LEVEL_NONE &&
		d->level_since.ms <= o.at.ms && o.kind != OUTCOME_HEALTHY ?
		d->prediction_id : 0;
	say_outcome(en, &(struct change_outcome){
		.subject = d != NULL ? d->id : h->id, .kind = o.kind,
		.at = o.at, .by = w->actor, .note = o.note,
		.source = o.imported ? OUTCOME_IMPORTED : OUTCOME_REPORTED });
	audit_outcome(en, w, &o, d != NULL ? d->id : h->id);
	/* what is heard of it later brings it back */
	if (d != NULL && o.gone && d->at.ms <= o.at.ms)
		device_leave(en, d, o.at);
	if (d != NULL)
		alert_end(en, "acceptance_revoked", h->name, en->now.wall);
	reply_outcome(reply, &o, h, d, prediction);
	return 0;
}
