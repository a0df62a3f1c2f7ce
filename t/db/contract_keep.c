/* Of every back end too: what goes when it is old, and what never does. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "t/db/contract.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

#define DAY_MS INT64_C(86400000)

static struct wall
days_ago(int64_t days)
{
	struct clock *clock = clock_system();

	return (struct wall){ clock->wall(clock).ms - days * DAY_MS };
}

static struct change *
add(struct change_set *cs, enum change_kind kind)
{
	struct change *c = change_add(cs, kind);

	ck_assert_ptr_nonnull(c);
	return c;
}

/* ended < 0: it fires. */
static void
put_alert(struct change_set *cs, uint64_t id, int64_t since, int64_t ended)
{
	add(cs, CHANGE_ALERT)->u.alert = (struct alert){ .id = id,
		.key = "host_unhealthy/h1", .kind = "host_unhealthy",
		.severity = SEVERITY_CRITICAL, .subject = 1, .host = "h1",
		.partition = "rack1", .firing = ended < 0,
		.since = days_ago(since),
		.ended = { ended < 0 ? 0 : days_ago(ended).ms },
		.summary = "h1", .body = "{}", .acked_by = "" };
}

static void
put_message(struct change_set *cs, uint64_t id, uint64_t alert, bool done)
{
	add(cs, CHANGE_OUTBOX)->u.outbox = (struct change_outbox){ .id = id,
		.alert = alert, .receiver = "ops", .firing = true,
		.at = days_ago(90), .payload = "{}" };
	add(cs, CHANGE_DELIVERY)->u.delivery = (struct change_delivery){
		.outbox = id, .done = done, .attempts = 1,
		.at = days_ago(90), .error = "" };
}

static void
put_all(struct yard *y)
{
	struct change_set *cs = set_new();

	for (uint64_t seq = 1; seq <= 700; seq++)
		add(cs, CHANGE_EVENT)->u.event = (struct change_event){
			.seq = seq, .at = days_ago(seq <= 690 ? 90 : 1),
			.kind = "host.ok", .subject = 1, .body = "{}" };
	put_alert(cs, 1, 95, 90);
	put_message(cs, 1, 1, true);
	put_alert(cs, 2, 95, 90);	/* somebody is to be told yet */
	put_message(cs, 2, 2, false);
	put_alert(cs, 3, 95, -1);	/* it fires */
	put_message(cs, 3, 3, true);
	put_alert(cs, 4, 95, 1);
	put_message(cs, 4, 4, true);
	for (int i = 0; i < 700; i++)
		add(cs, CHANGE_AUDIT)->u.audit = (struct change_audit){
			.at = days_ago(i < 690 ? 90 : 1), .actor = "ann",
			.action = "brake.release", .subject = 1, .body = "{}" };
	ck_assert_int_eq(yard_put(y, cs), 0);
}

struct seen {
	size_t n;
	uint64_t first, last;
	uint64_t ids[8];
	size_t forgotten;	/* rows of the trail that say so */
};

static int
see_event(void *arg, const struct store_event *ev)
{
	struct seen *s = arg;

	if (s->n++ == 0)
		s->first = ev->seq;
	s->last = ev->seq;
	return 0;
}

static int
see_alert(void *arg, const struct alert *a)
{
	struct seen *s = arg;

	ck_assert(s->n < 8);
	s->ids[s->n++] = a->id;
	return 0;
}

static int
see_audit(void *arg, const struct store_audit *a)
{
	struct seen *s = arg;

	if (s->n++ == 0)
		s->first = a->seq;
	s->last = a->seq;
	s->forgotten += strcmp(a->action, "audit.forget") == 0;
	return 0;
}

static struct seen
events(struct yard *y)
{
	struct seen s = { 0 };
	struct tc_err e = { 0 };

	ck_assert_int_eq(y->ops->events(y->s, 0, 10000, see_event, &s, &e), 0);
	return s;
}

static struct seen
alerts(struct yard *y)
{
	struct seen s = { 0 };
	struct tc_err e = { 0 };

	ck_assert_int_eq(y->ops->alerts(y->s, (struct wall){ 0 }, 100,
		see_alert, &s, &e), 0);
	return s;
}

static struct seen
audit(struct yard *y)
{
	struct seen s = { 0 };
	struct tc_err e = { 0 };

	ck_assert_int_eq(y->ops->audit(y->s, 0, 10000, see_audit, &s, &e), 0);
	return s;
}

static void
open_filled(struct yard *y)
{
	yard_init(y, contract_ops);
	yard_open(y);
	yard_hosts(y, 1);
	put_all(y);
	yard_close(y);
}

START_TEST(events_alerts_and_the_audit_trail_go_when_they_are_old)
{
	struct clock *clock = clock_system();
	struct mono end = mono_add(clock->mono(clock), dur_s(60));
	unsigned char last[32];
	struct tc_err e = { 0 };
	uint64_t rows = 0;
	struct seen s;
	struct yard y;

	open_filled(&y);
	y.conf.keep_alerts = dur_s(30 * 86400);
	y.conf.keep_events = dur_s(30 * 86400);
	y.conf.keep_audit = dur_s(30 * 86400);
	yard_open(&y);
	while (events(&y).n > 10 || alerts(&y).n > 3 || audit(&y).first < 691)
		ck_assert(mono_before(clock->mono(clock), end));
	s = events(&y);
	ck_assert_uint_eq(s.first, 691);
	ck_assert_uint_eq(s.last, 700);
	s = alerts(&y);
	ck_assert_uint_eq(s.n, 3);
	for (size_t i = 0; i < s.n; i++)
		ck_assert_uint_ne(s.ids[i], 1);
	s = audit(&y);
	ck_assert_uint_eq(s.forgotten, s.last - 700);
	ck_assert_uint_ge(s.forgotten, 1);
	ck_assert_msg(y.ops->audit_verify(y.s, &rows, last, &e) == 0, "%s",
		e.text);
	ck_assert_uint_eq(rows, s.n);
	yard_fini(&y);
}
END_TEST

static int
no_subject(void *arg, const struct change_subject *c)
{
	(void)arg;
	(void)c;
	return 0;
}

static void
see_ids(void *arg, const struct store_ids *ids)
{
	*(struct store_ids *)arg = *ids;
}

/* All of it is too old: numbers go on, none comes twice. */
START_TEST(the_last_of_each_stays_however_old_it_is)
{
	struct clock *clock = clock_system();
	struct mono end = mono_add(clock->mono(clock), dur_s(60));
	struct store_ids ids = { 0 };
	struct store_loader to = { .arg = &ids, .subject = no_subject,
		.ids = see_ids };
	struct tc_err e = { 0 };
	struct yard y;

	open_filled(&y);
	y.conf.keep_alerts = dur_s(3600);
	y.conf.keep_events = dur_s(3600);
	yard_open(&y);
	while (events(&y).n > 1)
		ck_assert(mono_before(clock->mono(clock), end));
	ck_assert_uint_eq(events(&y).last, 700);
	ck_assert_int_eq(y.ops->load(y.s, &to, &e), 0);
	ck_assert_uint_eq(ids.alert, 4);
	ck_assert_uint_eq(ids.outbox, 4);
	yard_fini(&y);
}
END_TEST

START_TEST(nothing_goes_that_nobody_said_may)
{
	struct yard y;

	open_filled(&y);
	yard_open(&y);
	ck_assert_int_eq(y.ops->flush(y.s, dur_s(10)), 0);
	ck_assert_uint_eq(events(&y).n, 700);
	ck_assert_uint_eq(alerts(&y).n, 4);
	ck_assert_uint_eq(audit(&y).n, 700);
	yard_fini(&y);
}
END_TEST

/* ---- the calendar ---- */

#define HOUR_MS INT64_C(3600000)

/* Noon of days around those that calendars get wrong. */
static const struct date odd_days[] = {
	{ 2000, 2, 28 }, { 2000, 2, 29 }, { 2000, 3, 1 },
	{ 2012, 2, 29 }, { 2024, 2, 29 }, { 2024, 12, 31 }, { 2025, 1, 1 },
	{ 2028, 2, 28 }, { 2028, 2, 29 }, { 2028, 3, 1 },
	{ 2038, 1, 19 }, { 2038, 1, 20 }, { 2100, 2, 28 }, { 2100, 3, 1 },
};

static int64_t
noon_of(size_t i)
{
	return wall_from_days(date_to_days(odd_days[i])).ms +
		12 * HOUR_MS;
}

/* A day of its own, raw and in a bucket of a day. */
static void
check_day(struct yard *y, size_t i)
{
	static struct seen_points seen;
	struct store_series_query q = { .subject = 1, .metric = "load_1m",
		.from = { noon_of(i) - 12 * HOUR_MS }, .limit = 4096,
		.to = { noon_of(i) + 12 * HOUR_MS } };

	ck_assert_int_eq(yard_series(y, &q, &seen), 0);
	ck_assert_uint_eq(seen.n, 2);
	for (size_t j = 0; j < seen.n; j++) {
		ck_assert_int_eq(seen.p[j].at.ms,
			noon_of(i) + (int64_t)j * HOUR_MS);
		ck_assert(seen.p[j].value == (double)(2 * i + j));
	}
	q.step = dur_s(86400);
	ck_assert_int_eq(yard_series(y, &q, &seen), 0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.p[0].at.ms, noon_of(i) - 12 * HOUR_MS);
	ck_assert_uint_eq(seen.p[0].count, 2);
	ck_assert(seen.p[0].max == (double)(2 * i + 1));
}

static void
check_days(struct yard *y)
{
	for (size_t i = 0; i < ARRAY_LEN(odd_days); i++)
		check_day(y, i);
}

static void
live_odd_days(void)
{
	struct change_set *cs = set_new();
	struct tc_err e = { 0 };
	struct yard y;

	yard_init(&y, contract_ops);
	yard_open(&y);
	yard_hosts(&y, 1);
	for (size_t i = 0; i < 2 * ARRAY_LEN(odd_days); i++)
		row_f64(cs, set_row(cs, 1, "cpu", noon_of(i / 2) +
			(int64_t)(i % 2) * HOUR_MS), "load_1m", (double)i);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	check_days(&y);
	ck_assert_msg(y.ops->compact(y.s, (struct wall){ noon_of(
		ARRAY_LEN(odd_days) - 1) + 2 * DAY_MS }, &e) == 0, "%s", e.text);
	check_days(&y);
	yard_close(&y);
	yard_open(&y);
	check_days(&y);
	yard_fini(&y);
}

START_TEST(r130_leap_days_and_year_ends_are_days_like_others)
{
	live_odd_days();
}
END_TEST

/* ---- time zones ---- */

static void
put_rows(sqlite3 *db, const char *table, struct strbuf *out)
{
	char sql[200];
	sqlite3_stmt *st;

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", table);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		strbuf_printf(out, "%s", table);
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const unsigned char *p = sqlite3_column_blob(st, i);

			strbuf_putc(out, '|');
			for (int k = 0; k < sqlite3_column_bytes(st, i); k++)
				strbuf_printf(out, "%02x", p[k]);
		}
		strbuf_putc(out, '\n');
	}
	sqlite3_finalize(st);
}

/* All rows of all tables; but when the file itself was made. */
static void
table_rows(const char *path, struct strbuf *out)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_master "
		"WHERE type = 'table' AND name <> 'migration' ORDER BY name",
		-1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		put_rows(db, (const char *)sqlite3_column_text(st, 0), out);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* Around midnight UTC, which is 16:00 or 10:00 elsewhere, of odd days. */
static void
fill_in_zone(const char *zone, struct strbuf *out)
{
	struct change_set *cs = set_new();
	struct yard y;

	setenv("TZ", zone, 1);
	tzset();
	yard_init(&y, contract_ops);
	yard_open(&y);
	yard_hosts(&y, 1);
	for (size_t i = 0; i < 4 * ARRAY_LEN(odd_days); i++)
		row_f64(cs, set_row(cs, 1, "cpu", noon_of(i / 4) - 13 * HOUR_MS +
			(int64_t)(i % 4) * HOUR_MS), "load_1m", (double)i);
	set_event(cs, 1, 1, "host.state");
	set_state(cs, 1, "check", "x");
	ck_assert_int_eq(yard_put(&y, cs), 0);
	yard_close(&y);
	table_rows(y.path, out);
	yard_fini(&y);
	/* packed, too, and in buckets of a day: the same days */
	live_odd_days();
	unsetenv("TZ");
	tzset();
}

/* Told by the first row that differs. */
static void
same_rows(const char *zone, const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

		ck_assert_msg(n == m && memcmp(a, b, n) == 0,
			"%s:\n%.900s\nnot\n%.900s", zone, a, b);
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
	}
}

START_TEST(r131_the_rows_are_the_same_in_every_time_zone)
{
	static const char *const zones[] = { "Pacific/Kiritimati",
		"America/Los_Angeles", "Asia/Tokyo", "Europe/Vienna" };
	struct strbuf utc = { 0 };

	fill_in_zone("UTC", &utc);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&utc), "event|"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&utc), "\ntick|"));
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		struct strbuf there = { 0 };

		fill_in_zone(zones[i], &there);
		same_rows(zones[i], there.p, utc.p);
		strbuf_free(&there);
	}
	strbuf_free(&utc);
}
END_TEST

int
contract_keep_run(const char *suite)
{
	return STORIES(suite,
		events_alerts_and_the_audit_trail_go_when_they_are_old,
		the_last_of_each_stays_however_old_it_is,
		nothing_goes_that_nobody_said_may,
		r130_leap_days_and_year_ends_are_days_like_others,
		r131_the_rows_are_the_same_in_every_time_zone);
}
