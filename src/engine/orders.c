/*
 * What people order: hosts, brakes, windows, acknowledgements, signals of
 * other monitors.  Each order that changes something leaves one audit row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/devices.h"
#include "engine/inside.h"
#include "engine/notes.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

void
say_audit(struct engine *en, const char *actor, const char *action,
	uint32_t subject, const char *body)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_AUDIT) : NULL;

	if (c == NULL)
		return;
	c->u.audit = (struct change_audit){ .at = en->now.wall,
		.actor = fact_text(cs, actor), .action = fact_text(cs, action),
		.subject = subject, .body = fact_text(cs, body) };
	say_event(en, action, subject, en->now.wall, body);
}

void
audit_change(struct engine *en, const struct engine_wish *w,
	const char *action, uint32_t subject, const char *const texts[3])
{
	struct strbuf body = { 0 };
	struct json_write j;

	json_begin(&j, &body);
	json_put_object(&j);
	json_add_str(&j, "target", w->target);
	json_add_str(&j, "reason", texts[0]);
	json_add_str(&j, "before", texts[1]);
	json_add_str(&j, "after", texts[2]);
	if (en->person[0] != '\0')
		json_add_str(&j, "person", en->person);
	json_put_end(&j);
	say_audit(en, w->actor, action, subject, strbuf_str(&body));
	strbuf_free(&body);
}

/*
 * Who answers for an order: a token with a name is that person's; of one that
 * many hold, who says to be it.  "" = nobody.
 */
const char *
person_of(const struct engine *en, const struct engine_wish *w)
{
	bool shared = w->actor[0] == '\0' ||
		strcmp(w->actor, "admin.token") == 0;

	return shared ? en->person : w->actor;
}

/* A reason and the person behind it; all other members are refused. */
static int
read_reason(struct engine *en, const struct engine_wish *w, char *reason,
	size_t size, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;

	reason[0] = '\0';
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "reason"))
				snprintf(reason, size, "%s",
					json_get_cstr(&r, size - 1));
			else if (json_str_is(key, "person"))
				snprintf(en->person, sizeof(en->person), "%s",
					json_get_cstr(&r,
					sizeof(en->person) - 1));
			else
				json_unknown(&r);
		}
	return json_close(&r, e);
}

/* ---- brakes ---- */

static int
release_brake(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct part *p = hash_get_str(&en->parts, w->target);
	char reason[256];
	int rc;

	if (p == NULL)
		return tc_fail(e, TC_ENOENT, "no partition '%s'", w->target);
	if ((rc = read_reason(en, w, reason, sizeof(reason), e)) < 0)
		return rc;
	if (person_of(en, w)[0] == '\0')
		return tc_fail(e, TC_EINVAL, "/person: a brake is released by "
			"a named person, and this token is nobody's own");
	if ((rc = brake_release(&p->brake, person_of(en, w), reason, p->n_bad,
		    en->now.wall, e)) < 0)
		return rc;
	say_brake(en, p);
	alert_end(en, "brake_latched", p->name, en->now.wall);
	audit_change(en, w, "brake.release", p->id, (const char *const[]){
		reason, "latched", "open" });
	for (size_t i = 0; i < en->n_sorted; i++)
		if (en->sorted[i]->part == p)
			mark(en, en->sorted[i], DIRTY_URGENT);
	strbuf_printf(reply, "\"partition\":\"%s\",\"latched\":false", p->name);
	return 0;
}

/* ---- switches ---- */

struct switch_wish {
	char partition[NAME_MAX_BYTES + 1];
	char reason[256];
	char person[64];
	enum plan_switch which;
	bool on, has_on, has_which;
};

static void
get_function(struct json_read *r, struct switch_wish *s)
{
	const char *text = json_get_cstr(r, 32);

	s->has_which = true;
	if (!json_failed(r) && !switch_parse(text, strlen(text), &s->which))
		json_fail(r, "'%s' is none of recommend notify "
			"maintenance_edit", text);
}

static int
read_switch(const struct engine_wish *w, struct switch_wish *s,
	struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	memset(s, 0, sizeof(*s));
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "function")) {
				get_function(&r, s);
			} else if (json_str_is(key, "partition")) {
				snprintf(s->partition, sizeof(s->partition),
					"%s", json_get_cstr(&r,
					NAME_MAX_BYTES));
			} else if (json_str_is(key, "reason")) {
				snprintf(s->reason, sizeof(s->reason), "%s",
					json_get_cstr(&r, 255));
			} else if (json_str_is(key, "person")) {
				snprintf(s->person, sizeof(s->person), "%s",
					json_get_cstr(&r, 63));
			} else if (json_str_is(key, "on")) {
				s->on = json_get_bool(&r);
				s->has_on = true;
			} else {
				json_unknown(&r);
			}
		}
	rc = json_close(&r, e);
	if (rc == 0 && (!s->has_on || !s->has_which || s->reason[0] == '\0'))
		rc = tc_fail(e, TC_EINVAL, "function, partition, on and reason "
			"are needed");
	return rc;
}

static int
turn_switch(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct switch_wish s;
	char what[NAME_MAX_BYTES + 40];
	unsigned char byte;
	struct part *p;
	int rc = read_switch(w, &s, e);

	if (rc < 0)
		return rc;
	p = hash_get_str(&en->parts, s.partition);
	if (p == NULL)
		return tc_fail(e, TC_ENOENT, "no partition '%s'", s.partition);
	if (s.on)
		p->off &= ~(1U << s.which);
	else
		p->off |= 1U << s.which;
	snprintf(en->person, sizeof(en->person), "%s", s.person);
	byte = (unsigned char)p->off;
	say_state(en, p->id, "switch", &byte, 1);
	for (size_t i = 0; i < en->n_sorted; i++)
		if (en->sorted[i]->part == p &&
		    en->sorted[i]->rare->plan != NULL)
			mark(en, en->sorted[i], DIRTY_URGENT);
	en->changed = true;
	snprintf(what, sizeof(what), "%s of %s", switch_id(s.which), p->name);
	audit_change(en, w, "switch.turn", p->id, (const char *const[]){
		s.reason, what, s.on ? "on" : "off" });
	strbuf_printf(reply, "\"partition\":\"%s\",\"function\":\"%s\","
		"\"on\":%s", p->name, switch_id(s.which),
		s.on ? "true" : "false");
	return 0;
}

int
engine_order(struct engine *en, const struct engine_wish *wish,	/* lint: one call of the daemon */
	struct now now, struct change_set *cs, struct strbuf *reply,
	struct tc_err *e)
{
	static int (*const doers[])(struct engine *,
		const struct engine_wish *, struct strbuf *, struct tc_err *) = {
		[ORDER_HOST_PUT] = order_put_host,
		[ORDER_HOST_PATCH] = order_patch_host,
		[ORDER_HOST_DELETE] = order_delete_host,
		[ORDER_HOST_DIAGNOSE] = order_diagnose_host,
		[ORDER_BRAKE_RELEASE] = release_brake,
		[ORDER_WINDOW_CREATE] = order_create_window,
		[ORDER_WINDOW_DELETE] = order_delete_window,
		[ORDER_WINDOW_IMPORT] = order_import_windows,
		[ORDER_ALERT_ACK] = order_ack_alert,
		[ORDER_ALERT_COMMENT] = order_comment_alert,
		[ORDER_HOST_COMMENT] = order_comment_host,
		[ORDER_COMMENT_DELETE] = order_drop_comment,
		[ORDER_SIGNAL] = order_take_signal,
		[ORDER_SWITCH] = turn_switch,
		[ORDER_ACCEPT] = order_accept_value,
		[ORDER_UNACCEPT] = order_drop_accepted,
		[ORDER_ARTIFACT] = order_put_artifact,
		[ORDER_OUTCOME] = order_note_outcome,
	};
	int rc;

	en->now = now;
	en->lent = cs;
	en->person[0] = '\0';
	rc = doers[wish->kind](en, wish, reply, e);
	/* Of a refused order nothing is stored: what moved before it waits. */
	if (rc == 0)
		step(en, now);
	en->lent = NULL;
	return rc;
}
