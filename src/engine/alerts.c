/*
 * Alerts: one for each trouble of each subject, from its begin to its end.
 * Missing data never ends one, and a maintenance window begins none.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/outlook.h"
#include "engine/notes.h"
#include "engine/unit.h"
#include "wire/json_write.h"

static void
write_key(char *out, size_t size, const char *kind, const char *of)
{
	snprintf(out, size, "%s/%s", kind, of);
}

static const char *
of_whom(const struct alert_wish *w)
{
	if (w->unit != NULL)
		return w->unit->path;
	if (w->host != NULL)
		return w->host->name;
	return w->part != NULL ? w->part->name : "server";
}

void
say_alert(struct engine *en, const struct live_alert *a)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_ALERT) : NULL;
	struct alert *out;
	struct tag *tags;

	if (c == NULL)
		return;
	out = &c->u.alert;
	*out = a->shown;
	out->key = fact_text(cs, a->shown.key);
	out->host = fact_text(cs, a->shown.host);
	out->partition = fact_text(cs, a->shown.partition);
	out->summary = fact_text(cs, a->shown.summary);
	out->body = fact_text(cs, a->shown.body);
	out->acked_by = fact_text(cs, a->shown.acked_by);
	out->tags = NULL;
	out->n_tags = 0;
	tags = a->h != NULL ? arena_alloc(&cs->arena,
		a->h->n_tags * sizeof(*tags)) : NULL;
	for (size_t i = 0; tags != NULL && i < a->h->n_tags; i++)
		tags[i] = (struct tag){ fact_text(cs, a->h->tags[i].key),
			fact_text(cs, a->h->tags[i].value) };
	out->tags = tags;
	out->n_tags = tags != NULL ? a->h->n_tags : 0;
}

static void
live_free(struct live_alert *a)
{
	mem_free((void *)(uintptr_t)a->shown.key);
	mem_free((void *)(uintptr_t)a->shown.summary);
	mem_free((void *)(uintptr_t)a->shown.body);
	mem_free((void *)(uintptr_t)a->shown.acked_by);
	mem_free(a);
}

void
alerts_free(struct engine *en)
{
	struct live_alert *a;
	size_t at = 0;

	while ((a = hash_next(&en->alerts, &at)) != NULL)
		live_free(a);
	hash_free(&en->alerts);
}

/* Kinds are constants of ours; a stored one is matched to them. */
static const char *
kind_of(const char *text)
{
	static const char *const kinds[] = { "host_unhealthy", "role_unhealthy",
		"host_flapping", "vm_flapping", "role_flapping",
		"host_stale", "host_at_risk", "brake_latched", "store_degraded",
		"store_replaced", "store_damaged", "backup_old", "host_backup_old",
		"token_expires",
		"observer_suspect", "maintenance_overrun",
		"maintenance_notice", "maintenance_conflict",
		"partition_outage", "acceptance_revoked",
		"vm_unhealthy", "agent_silent", "device_replace" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], text) == 0)
			return kinds[i];
	return "other";
}

static struct live_alert *
live_new(struct engine *en, const struct alert *from, struct host *h)
{
	struct live_alert *a = MEM_NEW(struct live_alert);

	if (a == NULL)
		return NULL;
	a->h = h;
	a->shown = *from;
	a->shown.kind = kind_of(from->kind);
	a->shown.key = mem_strdup(from->key);
	a->shown.summary = mem_strdup(from->summary);
	a->shown.body = mem_strdup(from->body);
	a->shown.acked_by = mem_strdup(from->acked_by);
	a->shown.tags = NULL;
	a->shown.n_tags = 0;
	if (a->shown.key == NULL || a->shown.summary == NULL ||
	    a->shown.body == NULL || a->shown.acked_by == NULL ||
	    hash_put_str(&en->alerts, a->shown.key, a) < 0) {
		live_free(a);
		return NULL;
	}
	return a;
}

static void
say_alert_event(struct engine *en, const struct live_alert *a, struct wall at)
{
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_u64(&w, "id", a->shown.id);
	json_add_str(&w, "kind", a->shown.kind);
	json_add_str(&w, "severity", severity_id(a->shown.severity));
	json_add_str(&w, "summary", a->shown.summary);
	json_put_end(&w);
	say_event(en, a->shown.firing ? "alert.firing" : "alert.resolved",
		a->shown.subject, at, strbuf_str(&body));
	strbuf_free(&body);
}

static void
make_severer(struct engine *en, struct live_alert *a,
	const struct alert_wish *w, struct wall at)
{
	char *summary, *body;

	if (w->severity <= a->shown.severity)
		return;
	summary = mem_strdup(w->summary);
	body = mem_strdup(w->body);
	if (summary == NULL || body == NULL) {
		mem_free(summary);
		mem_free(body);
		return;
	}
	mem_free((void *)(uintptr_t)a->shown.summary);
	mem_free((void *)(uintptr_t)a->shown.body);
	a->shown.summary = summary;
	a->shown.body = body;
	a->shown.severity = w->severity;
	notes_drop_ack(en, a);
	say_alert(en, a);
	say_alert_event(en, a, at);
}

/* One incident, one page: the first few alone, the rest as their partition's. */
#define OUTAGE_FROM 4
#define OUTAGE_UNTIL 1

static bool
in_outage(const struct engine *en, const struct part *p)
{
	char key[600];

	write_key(key, sizeof(key), "partition_outage", p->name);
	return hash_get_str(&en->alerts, key) != NULL;
}

static void
count_alerting(struct engine *en, struct part *p, int by, struct wall at)
{
	char summary[300], body[64];

	p->n_alerting = (size_t)((ptrdiff_t)p->n_alerting + by);
	if (p->n_alerting <= OUTAGE_UNTIL) {
		alert_end(en, "partition_outage", p->name, at);
		return;
	}
	if (by < 0 || p->n_alerting < OUTAGE_FROM)
		return;
	snprintf(summary, sizeof(summary), "%s: %zu alerts of its %zu hosts; "
		"further ones are told as one", p->name, p->n_alerting,
		p->n_hosts);
	snprintf(body, sizeof(body), "{\"hosts\":%zu}", p->n_hosts);
	alert_raise(en, &(struct alert_wish){ .kind = "partition_outage",
		.severity = SEVERITY_CRITICAL, .part = p, .summary = summary,
		.body = body }, at);
}

void
alert_raise(struct engine *en, const struct alert_wish *w, struct wall at)
{
	alert_raise_of(en, w, of_whom(w), at);
}

void
alert_raise_of(struct engine *en, const struct alert_wish *w, const char *of,
	struct wall at)
{
	struct part *part = w->host != NULL ? w->host->part : w->part;
	struct alert fresh = { .kind = w->kind, .severity = w->severity,
		.host = w->host != NULL ? w->host->name : "",
		.partition = part != NULL ? part->name : "",
		.subject = w->unit != NULL ? w->unit->id :
			w->host != NULL ? w->host->id :
			part != NULL ? part->id : 0,
		.firing = true, .since = at, .summary = w->summary,
		.body = w->body, .acked_by = "" };
	char key[700];
	const struct note *ack;
	struct live_alert *a;

	write_key(key, sizeof(key), w->kind, of);
	a = hash_get_str(&en->alerts, key);
	if (a != NULL) {
		make_severer(en, a, w, at);
		return;
	}
	fresh.id = ++en->alert_id;
	fresh.key = key;
	/* Switched off, nobody is told; it is shown all the same. */
	fresh.grouped = (w->host != NULL && in_outage(en, w->host->part)) ||
		(part != NULL && (part->off >> SWITCH_NOTIFY & 1) != 0);
	/* come back while somebody still looks after it: no news */
	ack = notes_ack_of(en, key);
	fresh.grouped = fresh.grouped || ack != NULL;
	a = live_new(en, &fresh, w->host);
	if (a == NULL)
		return;
	if (ack != NULL)
		alert_show_ack(a, ack);
	say_alert(en, a);
	say_alert_event(en, a, at);
	en->changed = true;
	if (w->host != NULL)
		count_alerting(en, w->host->part, 1, at);
}

void
alert_end(struct engine *en, const char *kind, const char *of, struct wall at)
{
	char key[700];
	struct live_alert *a;

	write_key(key, sizeof(key), kind, of);
	a = hash_remove_str(&en->alerts, key);
	if (a == NULL)
		return;
	a->shown.firing = false;
	a->shown.ended = at;
	say_alert(en, a);
	say_alert_event(en, a, at);
	notes_end_with(en, key);
	if (a->h != NULL)
		count_alerting(en, a->h->part, -1, at);
	live_free(a);
	en->changed = true;
}

struct live_alert *
alert_find_id(struct engine *en, uint64_t id)
{
	struct live_alert *a;
	size_t at = 0;

	while ((a = hash_next(&en->alerts, &at)) != NULL)
		if (a->shown.id == id)
			break;
	return a;
}

int
engine_restore_alert(struct engine *en, const struct alert *from)
{
	struct alert a = *from;
	struct host *h = subject_get(en, from->subject, SUBJECT_HOST);
	struct part *p = subject_get(en, from->subject, SUBJECT_PARTITION);
	struct unit *u = unit_of_id(en, from->subject);

	if (u != NULL)
		h = u->host;
	if (from->id > en->alert_id)
		en->alert_id = from->id;
	if (h == NULL && p == NULL && from->subject != 0)
		return TC_ENOENT;
	if (h != NULL)
		h->part->n_alerting++;
	a.host = h != NULL ? h->name : "";
	a.partition = h != NULL ? h->part->name : p != NULL ? p->name : "";
	return live_new(en, &a, h) != NULL ? 0 : TC_ENOMEM;
}

/* ---- what a host gives rise to ---- */

/* It is to be left, and nobody of its partition may take what is on it. */
static bool
is_blocked(const struct host *h)
{
	return h->rare->plan != NULL && h->part->n_hosts > 1 &&
		h->rare->plan->action == PLAN_HOST_EVACUATE &&
		(h->rare->plan->why_not >> WHY_NOT_NO_TARGET & 1) != 0;
}

static void
write_host_body(struct strbuf *body, const struct host *h)
{
	const struct check *worst = host_worst(h);
	struct json_write w;
	char url[300];

	json_begin(&w, body);
	json_put_object(&w);
	json_add_str(&w, "host", h->name);
	json_add_str(&w, "address", host_address(h));
	json_add_str(&w, "health", health_id(h->health));
	json_add_str(&w, "reason", reason_id(h->reason));
	json_add_str(&w, "check", worst != NULL ? worst->kind->key : "");
	json_add_str(&w, "text", worst != NULL && worst->text != NULL ?
		worst->text : "");
	json_add_u64(&w, "fails", worst != NULL ? worst->st.fails : 0);
	json_add_str(&w, "level", level_name(h->rare->risk.level));
	if (h->rare->failed.ms != 0) {
		json_add_wall(&w, "failed_at", h->rare->failed);
		json_add_wall(&w, "detected_at", h->since);
	}
	if (h->down)
		json_add_u64(&w, "unreachable_hosts", h->rare->n_below);
	if (is_blocked(h))
		json_add_str(&w, "blocked", why_not_id(WHY_NOT_NO_TARGET));
	snprintf(url, sizeof(url), "/v1/hosts/%s", h->name);
	json_add_str(&w, "url", url);
	json_put_end(&w);
}

void
host_title(const struct host *h, char out[HOST_TITLE])
{
	if (host_address(h)[0] != '\0')
		snprintf(out, HOST_TITLE, "%s (%s)", h->name, host_address(h));
	else
		snprintf(out, HOST_TITLE, "%s", h->name);
}

static const char *
nowhere(const struct host *h)
{
	return is_blocked(h) ? "; no host of its partition has room for what "
		"is on it" : "";
}

static void
raise_health(struct engine *en, struct host *h, const char *kind,
	enum severity severity, struct wall at)
{
	const struct check *worst = host_worst(h);
	struct strbuf body = { 0 };
	char title[HOST_TITLE], summary[HOST_TITLE + 384], behind[64] = "";

	host_title(h, title);
	if (h->down && h->rare->n_below > 0)
		snprintf(behind, sizeof(behind), "; %u hosts that hang on it "
			"are unreachable", h->rare->n_below);
	snprintf(summary, sizeof(summary), "%s: %s %s%s%s", title,
		worst != NULL ? worst->kind->key : "host",
		reason_words(h->reason), behind, nowhere(h));
	write_host_body(&body, h);
	alert_raise(en, &(struct alert_wish){ kind, severity, h, NULL, summary,
		strbuf_str(&body) }, at);
	strbuf_free(&body);
}

static void
raise_risk(struct engine *en, struct host *h, struct wall at)
{
	struct strbuf body = { 0 };
	char title[HOST_TITLE], summary[HOST_TITLE + 256];

	host_title(h, title);
	snprintf(summary, sizeof(summary), "%s: failure %s, %.0f %% within 30 "
		"days%s", title, level_name(h->rare->risk.level),
		h->rare->risk.risk.d30 * 100, nowhere(h));
	write_host_body(&body, h);
	alert_raise(en, &(struct alert_wish){ "host_at_risk",
		h->rare->risk.level == LEVEL_IMMINENT ? SEVERITY_CRITICAL :
			SEVERITY_WARNING, h, NULL, summary,
		strbuf_str(&body) }, at);
	strbuf_free(&body);
}

static void
raise_replace(struct engine *en, struct host *h, struct wall at)
{
	struct strbuf body = { 0 };
	struct arena words = { 0 };
	char title[HOST_TITLE], summary[HOST_TITLE + 400];

	host_title(h, title);
	snprintf(summary, sizeof(summary), "%s: %s", title,
		replace_words(&words, h));
	write_host_body(&body, h);
	alert_raise(en, &(struct alert_wish){ "device_replace",
		SEVERITY_WARNING, h, NULL, summary, strbuf_str(&body) }, at);
	strbuf_free(&body);
	arena_free(&words);
}

static void
raise_flapping(struct engine *en, struct host *h, struct wall at)
{
	const struct check *c = host_flapper(h);
	struct strbuf body = { 0 };
	char title[HOST_TITLE], summary[HOST_TITLE + 256];
	struct json_write w;

	if (c == NULL)
		return;
	host_title(h, title);
	snprintf(summary, sizeof(summary), "%s: %s is flapping, %u changes of "
		"its verdict within %u runs", title, c->kind->key,
		check_turns(&c->st), c->kind->rule.flap_within);
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", h->name);
	json_add_str(&w, "address", host_address(h));
	json_add_str(&w, "check", c->kind->key);
	json_add_str(&w, "health", health_id(h->health));
	json_add_str(&w, "reason", reason_id(h->reason));
	json_add_u64(&w, "changes", check_turns(&c->st));
	json_add_u64(&w, "within", c->kind->rule.flap_within);
	json_put_end(&w);
	alert_raise(en, &(struct alert_wish){ "host_flapping",
		SEVERITY_CRITICAL, h, NULL, summary, strbuf_str(&body) }, at);
	strbuf_free(&body);
}

static void
alerts_of_health(struct engine *en, struct host *h, struct wall at)
{
	switch (h->health) {
	case HEALTH_UNREACHABLE:
		/* What it depends on is told of; nothing more is known. */
		break;
	case HEALTH_UNHEALTHY:
	case HEALTH_IMPAIRED:
		alert_end(en, "host_stale", h->name, at);
		/* its host stands again, a service of it does not */
		if (h->host_health == HEALTH_HEALTHY)
			alert_end(en, "host_unhealthy", h->name, at);
		if (h->rare->window == NULL)
			raise_health(en, h, h->host_health == h->health ?
				"host_unhealthy" : "role_unhealthy",
				SEVERITY_CRITICAL, at);
		break;
	case HEALTH_STALE:
		if (h->rare->window == NULL)
			raise_health(en, h, "host_stale", SEVERITY_WARNING, at);
		break;
	case HEALTH_HEALTHY:
		alert_end(en, "host_stale", h->name, at);
		alert_end(en, "host_unhealthy", h->name, at);
		alert_end(en, "role_unhealthy", h->name, at);
		alert_end(en, "maintenance_overrun", h->name, at);
		break;
	case HEALTH_UNKNOWN:
	case HEALTH_SUSPECT:
	case HEALTH_OVERLOADED:
		/* Heard of again, but not well: nothing else ends. */
		alert_end(en, "host_stale", h->name, at);
		break;
	}
}

void
alerts_of_host(struct engine *en, struct host *h, struct now now)
{
	if (!h->present) {
		alert_end(en, "host_stale", h->name, now.wall);
		alert_end(en, "host_unhealthy", h->name, now.wall);
		alert_end(en, "role_unhealthy", h->name, now.wall);
		alert_end(en, "host_at_risk", h->name, now.wall);
		alert_end(en, "host_flapping", h->name, now.wall);
		alert_end(en, "maintenance_overrun", h->name, now.wall);
		alert_end(en, "acceptance_revoked", h->name, now.wall);
		alert_end(en, "agent_silent", h->name, now.wall);
		alert_end(en, "device_replace", h->name, now.wall);
		return;
	}
	/*
	 * While it comes and goes, one alert stands for the others: they
	 * neither begin nor end, and follow its health when it is over.
	 */
	if ((h->flags & UNIT_FLAPPING) != 0) {
		if (h->rare->window == NULL)
			raise_flapping(en, h, now.wall);
	} else {
		alerts_of_health(en, h, now.wall);
		alert_end(en, "host_flapping", h->name, now.wall);
	}
	if (h->rare->risk.level >= LEVEL_LIKELY && h->rare->window == NULL)
		raise_risk(en, h, now.wall);
	else if (h->rare->risk.level < LEVEL_LIKELY)
		alert_end(en, "host_at_risk", h->name, now.wall);
	if (h->rare->risk.spared >= LEVEL_LIKELY)
		raise_replace(en, h, now.wall);
	else
		alert_end(en, "device_replace", h->name, now.wall);
}

void
alerts_move(struct engine *en, const struct host *h, struct part *to)
{
	struct live_alert *a;
	size_t at = 0;

	while ((a = hash_next(&en->alerts, &at)) != NULL)
		if (a->h == h) {
			h->part->n_alerting--;
			to->n_alerting++;
			a->shown.partition = to->name;
		}
}
