/* Alerts, messages, recommendations, windows and the audit trail, kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/db/yard.h"
#include "t/lib/story.h"

static struct change *
add(struct change_set *cs, enum change_kind kind)
{
	struct change *c = change_add(cs, kind);

	ck_assert_ptr_nonnull(c);
	return c;
}

/* Of host 1; ended_ms 0 = it fires. */
static void
put_alert(struct change_set *cs, uint64_t id, int64_t ended_ms)
{
	static const struct tag tags[] = { { "team", "web" },
		{ "quote", "\"\\\n" } };

	add(cs, CHANGE_ALERT)->u.alert = (struct alert){ .id = id,
		.key = "host_unhealthy/h1", .kind = "host_unhealthy",
		.severity = SEVERITY_CRITICAL, .subject = 1, .host = "h1",
		.partition = "rack1", .tags = tags, .n_tags = 2,
		.firing = ended_ms == 0, .since = { T0 },
		.ended = { ended_ms }, .summary = "h1 is unhealthy",
		.body = "{\"reason\":\"no_reply\"}",
		.acked_by = ended_ms == 0 ? "" : "ann" };
}

static void
put_message(struct change_set *cs, uint64_t id, uint64_t alert, bool firing)
{
	add(cs, CHANGE_OUTBOX)->u.outbox = (struct change_outbox){ .id = id,
		.alert = alert, .receiver = "ops", .firing = firing,
		.at = { T0 + 1 }, .payload = "{\"status\":\"firing\"}" };
}

static void
put_delivery(struct change_set *cs, uint64_t id, bool done, const char *error)
{
	add(cs, CHANGE_DELIVERY)->u.delivery = (struct change_delivery){
		.outbox = id, .done = done, .attempts = 3, .at = { T0 + 9 },
		.error = error };
}

static void
put_audit(struct change_set *cs, const char *actor, const char *body)
{
	add(cs, CHANGE_AUDIT)->u.audit = (struct change_audit){
		.at = { T0 }, .actor = actor, .action = "brake.release",
		.subject = 1, .body = body };
}

struct left {
	size_t n_alerts, n_plans, n_windows, n_messages, n_audit, n_notes;
	uint64_t alert[8], plan[8], window[8], message[8], note[8];
	bool done[8];
	char error[8][32];
	char text[8][64];
	struct store_ids ids;
};

static int
see_alert(void *arg, const struct alert *a)
{
	struct left *l = arg;

	ck_assert(l->n_alerts < 8);
	ck_assert_str_eq(a->key, "host_unhealthy/h1");
	ck_assert_str_eq(a->kind, "host_unhealthy");
	ck_assert_int_eq(a->severity, SEVERITY_CRITICAL);
	ck_assert_str_eq(a->host, "h1");
	ck_assert_str_eq(a->partition, "rack1");
	ck_assert_uint_eq(a->n_tags, 2);
	ck_assert_str_eq(a->tags[1].key, "quote");
	ck_assert_str_eq(a->tags[1].value, "\"\\\n");
	ck_assert_int_eq(a->since.ms, T0);
	ck_assert_str_eq(a->body, "{\"reason\":\"no_reply\"}");
	ck_assert(a->firing == (a->ended.ms == 0));
	ck_assert_str_eq(a->acked_by, a->firing ? "" : "ann");
	l->alert[l->n_alerts++] = a->id;
	return 0;
}

static int
see_plan(void *arg, const struct change_plan *p)
{
	struct left *l = arg;

	ck_assert(l->n_plans < 8);
	ck_assert_uint_eq(p->host, 1);
	ck_assert_int_eq(p->action, PLAN_HOST_EVACUATE);
	snprintf(l->text[l->n_plans], sizeof(l->text[0]), "%s", p->body);
	l->plan[l->n_plans++] = p->id;
	return 0;
}

static int
see_window(void *arg, const struct change_window *w)
{
	struct left *l = arg;

	ck_assert(l->n_windows < 8 && !w->ended);
	l->window[l->n_windows++] = w->id;
	return 0;
}

static int
see_note(void *arg, const struct change_note *n)
{
	struct left *l = arg;

	ck_assert(l->n_notes < 8 && !n->ended);
	ck_assert_str_eq(n->body, "{}");
	l->note[l->n_notes++] = n->id;
	return 0;
}

static int
see_message(void *arg, const struct change_outbox *o,
	const struct change_delivery *d)
{
	struct left *l = arg;

	ck_assert(l->n_messages < 8);
	ck_assert_str_eq(o->receiver, "ops");
	ck_assert_str_eq(o->payload, "{\"status\":\"firing\"}");
	ck_assert_uint_eq(d->outbox, o->id);
	l->done[l->n_messages] = d->done;
	snprintf(l->error[l->n_messages], sizeof(l->error[0]), "%s", d->error);
	l->message[l->n_messages++] = o->id;
	return 0;
}

static void
see_ids(void *arg, const struct store_ids *ids)
{
	((struct left *)arg)->ids = *ids;
}

static void
load(struct yard *y, struct left *l)
{
	struct store_loader to = { .arg = l, .alert = see_alert,
		.plan = see_plan, .window = see_window, .outbox = see_message,
		.note = see_note, .ids = see_ids };
	struct tc_err e = { 0 };

	memset(l, 0, sizeof(*l));
	ck_assert_msg(y->ops->load(y->s, &to, &e) == 0, "load: %s", e.text);
}

static void
open_new(struct yard *y)
{
	yard_init(y, &store_sqlite);
	yard_open(y);
	yard_hosts(y, 1);
}

static void
reopen(struct yard *y)
{
	yard_close(y);
	yard_open(y);
}

START_TEST(alerts_that_fire_and_their_messages_come_back)
{
	struct change_set *cs = set_new();
	struct tc_err e = { 0 };
	struct left l;
	struct yard y;

	open_new(&y);
	put_alert(cs, 4, 0);
	put_message(cs, 11, 4, true);
	put_alert(cs, 5, 0);
	put_message(cs, 12, 5, true);
	put_message(cs, 13, 5, true);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	cs = set_new();
	put_delivery(cs, 11, true, "");
	put_delivery(cs, 12, true, "");
	put_delivery(cs, 13, false, "HTTP 500");
	put_alert(cs, 5, T0 + 60000);
	put_message(cs, 14, 5, false);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	reopen(&y);
	load(&y, &l);
	ck_assert_uint_eq(l.n_alerts, 1);
	ck_assert_uint_eq(l.alert[0], 4);
	/* 11: its alert fires, so that it is known who was told */
	ck_assert_uint_eq(l.n_messages, 3);
	ck_assert_uint_eq(l.message[0], 11);
	ck_assert(l.done[0]);
	ck_assert_uint_eq(l.message[1], 13);
	ck_assert(!l.done[1]);
	ck_assert_str_eq(l.error[1], "HTTP 500");
	ck_assert_uint_eq(l.message[2], 14);
	ck_assert_uint_eq(l.ids.alert, 5);
	ck_assert_uint_eq(l.ids.outbox, 14);
	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(y.ops->alerts(y.s, (struct wall){ T0 + 1 }, 10,
		see_alert, &l, &e), 0);
	ck_assert_uint_eq(l.n_alerts, 2);
	ck_assert_uint_eq(l.alert[0], 5);
	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(y.ops->alerts(y.s, (struct wall){ T0 + 60001 }, 10,
		see_alert, &l, &e), 0);
	ck_assert_uint_eq(l.n_alerts, 1);
	ck_assert_int_eq(y.ops->deliveries(y.s, 5, see_message, &l, &e), 0);
	ck_assert_uint_eq(l.n_messages, 3);
	ck_assert_str_eq(l.error[1], "HTTP 500");
	yard_fini(&y);
}
END_TEST

/* The transaction of the alert is that of its message. */
START_TEST(an_alert_and_its_message_are_kept_together_or_not_at_all)
{
	struct change_set *cs = set_new();
	struct left l;
	struct yard y;

	open_new(&y);
	put_alert(cs, 1, 0);
	put_message(cs, 1, 77, true);	/* of an alert that is none */
	ck_assert_int_eq(yard_put(&y, cs), TC_EINVAL);
	load(&y, &l);
	ck_assert_uint_eq(l.n_alerts + l.n_messages, 0);
	yard_fini(&y);
}
END_TEST

static void
put_plan(struct change_set *cs, uint64_t id, enum plan_state state,
	const char *body)
{
	add(cs, CHANGE_PLAN)->u.plan = (struct change_plan){ .id = id,
		.host = 1, .state = state, .action = PLAN_HOST_EVACUATE,
		.since = { T0 }, .at = { T0 }, .body = body };
}

static void
put_window(struct change_set *cs, uint64_t id, bool ended)
{
	add(cs, CHANGE_WINDOW)->u.window = (struct change_window){ .id = id,
		.ended = ended, .body = "{}" };
}

static void
put_note(struct change_set *cs, uint64_t id, bool ended)
{
	add(cs, CHANGE_NOTE)->u.note = (struct change_note){ .id = id,
		.ended = ended, .body = "{}" };
}

START_TEST(open_plans_windows_and_comments_come_back)
{
	struct change_set *cs = set_new();
	struct tc_err e = { 0 };
	struct left l;
	struct yard y;

	open_new(&y);
	put_plan(cs, 1, PLAN_STATE_RECOMMENDED, "{\"v\":1}");
	put_plan(cs, 2, PLAN_STATE_RECOMMENDED, "{}");
	put_window(cs, 1, false);
	put_window(cs, 2, false);
	put_note(cs, 1, false);
	put_note(cs, 2, false);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	cs = set_new();
	put_plan(cs, 1, PLAN_STATE_HELD, "{\"v\":2}");
	put_plan(cs, 2, PLAN_STATE_WITHDRAWN, "{}");
	put_window(cs, 2, true);
	put_note(cs, 1, true);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	reopen(&y);
	load(&y, &l);
	ck_assert_uint_eq(l.n_plans, 1);
	ck_assert_uint_eq(l.plan[0], 1);
	ck_assert_str_eq(l.text[0], "{\"v\":2}");
	ck_assert_uint_eq(l.n_windows, 1);
	ck_assert_uint_eq(l.window[0], 1);
	ck_assert_uint_eq(l.ids.plan, 2);
	ck_assert_uint_eq(l.ids.window, 2);
	ck_assert_uint_eq(l.n_notes, 1);
	ck_assert_uint_eq(l.note[0], 2);
	ck_assert_uint_eq(l.ids.note, 2);
	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(y.ops->plans(y.s, 0, 10, see_plan, &l, &e), 0);
	ck_assert_uint_eq(l.n_plans, 2);
	ck_assert_uint_eq(l.plan[0], 2);
	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(y.ops->plans(y.s, 1, 10, see_plan, &l, &e), 0);
	ck_assert_uint_eq(l.n_plans, 1);
	yard_fini(&y);
}
END_TEST

/* ---- the audit trail ---- */

static void
tamper(struct yard *y, const char *sql)
{
	yard_close(y);
	yard_exec(y->path, sql);
	yard_open(y);
}

static int
verify(struct yard *y, uint64_t *rows, char *why, size_t size)
{
	unsigned char last[32];
	struct tc_err e = { 0 };
	int rc = y->ops->audit_verify(y->s, rows, last, &e);

	snprintf(why, size, "%s", e.text);
	return rc;
}

static void
five_acts(struct yard *y)
{
	for (int i = 0; i < 5; i++) {
		struct change_set *cs = set_new();

		put_audit(cs, "ann", "{\"reason\":\"tested\"}");
		ck_assert_int_eq(yard_put(y, cs), 0);
	}
}

static int
see_audit(void *arg, const struct store_audit *a)
{
	struct left *l = arg;

	ck_assert_str_eq(a->actor, "ann");
	ck_assert_str_eq(a->action, "brake.release");
	ck_assert_uint_eq(a->subject, 1);
	l->message[l->n_audit++] = a->seq;
	return 0;
}

START_TEST(the_audit_trail_is_a_chain)
{
	struct left l = { 0 };
	struct tc_err e = { 0 };
	char why[512];
	uint64_t rows = 9;
	struct yard y;

	open_new(&y);
	ck_assert_int_eq(verify(&y, &rows, why, sizeof(why)), 0);
	ck_assert_uint_eq(rows, 0);
	five_acts(&y);
	reopen(&y);
	ck_assert_int_eq(verify(&y, &rows, why, sizeof(why)), 0);
	ck_assert_uint_eq(rows, 5);
	ck_assert_int_eq(y.ops->audit(y.s, 2, 2, see_audit, &l, &e), 0);
	ck_assert_uint_eq(l.n_audit, 2);
	/* the last three */
	l.n_audit = 0;
	ck_assert_int_eq(y.ops->audit(y.s, UINT64_MAX, 3, see_audit, &l, &e), 0);
	ck_assert_uint_eq(l.n_audit, 3);
	l.n_audit = 0;
	ck_assert_int_eq(y.ops->audit(y.s, 2, 2, see_audit, &l, &e), 0);
	ck_assert_uint_eq(l.message[0], 3);
	yard_fini(&y);
}
END_TEST

START_TEST(whoever_changes_the_trail_is_found_out)
{
	static const struct {
		const char *sql;
		const char *why;
	} acts[] = {
		{ "UPDATE audit SET body = '{}' WHERE seq = 3",
			"audit row 3: it was changed" },
		{ "UPDATE audit SET actor = 'annb', action = 'rake.release' "
			"WHERE seq = 2", "audit row 2: it was changed" },
		{ "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 5",
			"audit row 5: it was changed" },
		{ "DELETE FROM audit WHERE seq = 2",
			"audit row 3: a row is missing before it" },
		{ "UPDATE audit SET before = zeroblob(32) WHERE seq = 4",
			"audit row 4: it does not follow the row before" },
		{ "DELETE FROM audit WHERE seq = 1",
			"audit row 2: a row is missing before it" },
	};

	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct yard y;
		char why[512];
		uint64_t rows;

		open_new(&y);
		five_acts(&y);
		tamper(&y, acts[i].sql);
		ck_assert_int_eq(verify(&y, &rows, why, sizeof(why)),
			TC_ECORRUPT);
		ck_assert_str_eq(why, acts[i].why);
		yard_fini(&y);
	}
}
END_TEST

int
main(void)
{
	return STORIES("alerts in the store",
		alerts_that_fire_and_their_messages_come_back,
		an_alert_and_its_message_are_kept_together_or_not_at_all,
		open_plans_windows_and_comments_come_back,
		the_audit_trail_is_a_chain,
		whoever_changes_the_trail_is_found_out);
}
