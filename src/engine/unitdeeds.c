/*
 * What is recommended for VMs and roles, and what people are told of them
 * and of silent agents.
 */
#include <stdio.h>
#include <string.h>

#include "engine/backup.h"
#include "engine/inside.h"
#include "engine/unit.h"
#include "wire/json_write.h"

/* A stateful role inside makes the whole VM so. */
static enum unit_class
class_of(const struct unit *u)
{
	enum unit_class cls = u->cls;

	for (const struct unit *r = u->host->rare->units; u->is_vm && r != NULL;
	     r = r->next)
		if (r->vm == u)
			cls = plan_class_with(cls, r->cls);
	return cls;
}

struct unit_plan_view
unit_view_of(const struct engine *en, const struct unit *u)
{
	const struct host *h = u->host;

	return (struct unit_plan_view){ .is_vm = u->is_vm, .cls = class_of(u),
		.health = u->health, .dead = u->dead,
		.in_window = unit_window(u) != NULL ||
			h->disposition != DISPOSITION_IN_SERVICE,
		.brake = h->part->brake.latched,
		.observer_suspect = en->observer.suspect && h->part->doubted,
		.backup_old = backup_is_old(en, h), .flapping = u->flapping,
		.recommend = (h->part->off >> SWITCH_RECOMMEND & 1) == 0 };
}

/* ---- plans ---- */

void
unit_withdraw(struct engine *en, struct unit *u, struct wall at)
{
	if (u->plan == NULL)
		return;
	u->plan->state = PLAN_STATE_WITHDRAWN;
	say_plan(en, u->host, u, at);
	host_plan_free(en, u->plan);
	u->plan = NULL;
}

static void
plan_unit(struct engine *en, struct unit *u, struct wall at)
{
	struct unit_plan_view v = unit_view_of(en, u);
	enum plan_action action = plan_unit_action(&v);
	struct host_plan next;

	u->why_not = plan_unit_why_not(&v, action);
	if (action == PLAN_NONE) {
		unit_withdraw(en, u, at);
		return;
	}
	next = (struct host_plan){ .action = action, .why_not = u->why_not,
		.state = plan_is_held(u->why_not) ? PLAN_STATE_HELD :
			PLAN_STATE_RECOMMENDED };
	if (u->plan == NULL || u->plan->action != action) {
		unit_withdraw(en, u, at);
		u->plan = host_plan_new(en);
		if (u->plan == NULL)
			return;
		next.id = ++en->plan_id;
		next.since = at;
	} else if (u->plan->state == next.state &&
		u->plan->why_not == next.why_not) {
		return;
	} else {
		next.id = u->plan->id;
		next.since = u->plan->since;
	}
	*u->plan = next;
	say_plan(en, u->host, u, at);
}

/* ---- alerts ---- */

static const char *
kind_of_trouble(const struct unit *u)
{
	return u->is_vm ? "vm_unhealthy" : "role_unhealthy";
}

static void
write_body(struct strbuf *body, const struct unit *u)
{
	struct json_write w;
	char url[64];

	json_begin(&w, body);
	json_put_object(&w);
	json_add_str(&w, "host", u->host->name);
	json_add_str(&w, "unit", u->path);
	json_add_str(&w, "kind", u->is_vm ? "vm" : "role");
	json_add_u64(&w, "id", u->id);
	json_add_str(&w, "health", health_id(u->health));
	json_add_str(&w, "reason", reason_id(u->reason));
	json_add_array(&w, "signals");
	for (int i = 0; i < SIGNAL_COUNT_; i++)
		if (u->by >> i & 1)
			json_put_str(&w, signal_id((enum signal_side)i));
	json_put_end(&w);
	json_add_str(&w, "cause_hint", cause_id(u->host->rare->risk.cause));
	if (u->failed.ms != 0) {
		json_add_wall(&w, "failed_at", u->failed);
		json_add_wall(&w, "detected_at", u->since);
	}
	snprintf(url, sizeof(url), "/v1/units/%u", u->id);
	json_add_str(&w, "url", url);
	json_put_end(&w);
}

static void
raise_trouble(struct engine *en, struct unit *u, struct wall at)
{
	struct strbuf body = { 0 };
	char summary[800];

	snprintf(summary, sizeof(summary), "%s on %s: %s, %s", u->path,
		u->host->name, health_id(u->health), reason_words(u->reason));
	write_body(&body, u);
	alert_raise(en, &(struct alert_wish){ .kind = kind_of_trouble(u),
		.severity = SEVERITY_CRITICAL, .host = u->host, .unit = u,
		.summary = summary, .body = strbuf_str(&body) }, at);
	strbuf_free(&body);
}

static const char *
kind_of_flapping(const struct unit *u)
{
	return u->is_vm ? "vm_flapping" : "role_flapping";
}

static void
raise_unit_flapping(struct engine *en, struct unit *u, struct wall at)
{
	const struct check *c = unit_flapper(u);
	struct strbuf body = { 0 };
	char summary[800];

	if (c == NULL)
		return;
	snprintf(summary, sizeof(summary), "%s on %s: %s is flapping, %u "
		"changes of its verdict within %u runs", u->path,
		u->host->name, c->kind->key, check_turns(&c->st),
		c->kind->rule.flap_within);
	write_body(&body, u);
	alert_raise(en, &(struct alert_wish){ .kind = kind_of_flapping(u),
		.severity = SEVERITY_CRITICAL, .host = u->host, .unit = u,
		.summary = summary, .body = strbuf_str(&body) }, at);
	strbuf_free(&body);
}

/* Three silences, three reasons; none of them names hardware. */
static enum severity
severity_of(enum tocsin_reason why)
{
	return why == TOCSIN_WHY_NEVER_CONNECTED ||
		why == TOCSIN_WHY_REPORTED_ERROR ? SEVERITY_CRITICAL :
		SEVERITY_WARNING;
}

static void
raise_silence(struct engine *en, struct host *h, struct unit *u,
	enum tocsin_reason why)
{
	const char *whose = u != NULL ? u->path : h->name;
	struct strbuf body = { 0 };
	struct json_write w;
	char summary[800];

	snprintf(summary, sizeof(summary), "the agent of %s: %s", whose,
		reason_words(why));
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", h->name);
	json_add_str(&w, "unit", u != NULL ? u->path : NULL);
	json_add_str(&w, "reason", reason_id(why));
	json_add_str(&w, "class", why == TOCSIN_WHY_REPORTED_ERROR ?
		"software" : "unknown");
	json_put_end(&w);
	alert_raise(en, &(struct alert_wish){ .kind = "agent_silent",
		.severity = severity_of(why), .host = h, .unit = u,
		.summary = summary, .body = strbuf_str(&body) },
		en->now.wall);
	strbuf_free(&body);
}

void
unit_alerts_end(struct engine *en, const struct unit *u, struct wall at)
{
	alert_end(en, kind_of_trouble(u), u->path, at);
	alert_end(en, kind_of_flapping(u), u->path, at);
	alert_end(en, "agent_silent", u->path, at);
	alert_end(en, "maintenance_overrun", u->path, at);
}

static void
alerts_of_trouble(struct engine *en, struct unit *u, bool quiet,
	struct wall at)
{
	alert_end(en, kind_of_flapping(u), u->path, at);
	if (u->health == HEALTH_UNHEALTHY || u->health == HEALTH_IMPAIRED) {
		if (!quiet)
			raise_trouble(en, u, at);
	} else if (u->health == HEALTH_HEALTHY ||
		u->health == HEALTH_UNREACHABLE) {
		/* what it hangs on has an alert of its own */
		alert_end(en, kind_of_trouble(u), u->path, at);
	}
}

static void
alerts_of_unit(struct engine *en, struct unit *u, struct now now)
{
	bool alarm = beat_alarms(&u->beat, &u->rule,
			awake_in(en, u->host->part, now));
	bool quiet = unit_window(u) != NULL;
	enum tocsin_reason why;

	/* While it comes and goes one alert stands for the others. */
	if (!u->flapping)
		alerts_of_trouble(en, u, quiet, now.wall);
	else if (!quiet && u->health != HEALTH_UNREACHABLE &&
	    (u->host->flags & UNIT_FLAPPING) == 0)
		raise_unit_flapping(en, u, now.wall);
	if (u->is_vm && u->health == HEALTH_HEALTHY)
		alert_end(en, "maintenance_overrun", u->path, now.wall);
	if (!u->is_vm)
		return;
	beat_judge(&u->beat, &u->rule, awake_in(en, u->host->part, now), &why);
	if (alarm && !quiet)
		raise_silence(en, u->host, u, why);
	else if (!alarm && u->alarming)
		alert_end(en, "agent_silent", u->path, now.wall);
	u->alarming = alarm;
}

void
units_step(struct engine *en, struct host *h, struct now now)
{
	for (struct unit *u = h->rare->units; u != NULL; u = u->next) {
		plan_unit(en, u, now.wall);
		alerts_of_unit(en, u, now);
	}
}

void
watch_step(struct engine *en, struct host *h, struct now now)
{
	struct watch *w = h->rare->watch;
	bool alarm = w != NULL && h->present &&
		beat_alarms(&w->beat, &w->rule, awake_in(en, h->part, now));
	enum tocsin_reason why;

	if (w == NULL)
		return;
	beat_judge(&w->beat, &w->rule, awake_in(en, h->part, now), &why);
	if (alarm && h->rare->window == NULL)
		raise_silence(en, h, NULL, why);
	else if (!alarm && w->alarming)
		alert_end(en, "agent_silent", h->name, now.wall);
	w->alarming = alarm;
}
