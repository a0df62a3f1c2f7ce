/*
 * plan: windows, what repeats, zones, notices.
 */
#include <stdio.h>
#include <string.h>

#include "plan/window.h"
#include "t/lib/story.h"

static struct wall
at(const char *text)
{
	struct wall w;

	ck_assert_msg(wall_parse(text, strlen(text), &w) == 0, "%s", text);
	return w;
}

static struct zone
zone(const char *rule)
{
	struct tc_err e = { 0 };
	struct zone z;

	ck_assert_msg(zone_parse(rule, strlen(rule), &z, &e) == 0, "%s",
		e.text);
	return z;
}

#define VIENNA "CET-1CEST,M3.5.0,M10.5.0/3"

START_TEST(zones_follow_their_rule)
{
	static const struct { const char *rule, *utc, *local; } rows[] = {
		{ "", "2026-07-01T00:00:00Z", "2026-07-01 00:00 UTC" },
		{ "UTC0", "2026-07-01T00:00:00Z", "2026-07-01 00:00 UTC" },
		{ VIENNA, "2026-03-29T00:59:00Z", "2026-03-29 01:59 CET" },
		{ VIENNA, "2026-03-29T01:00:00Z", "2026-03-29 03:00 CEST" },
		{ VIENNA, "2026-10-25T00:59:00Z", "2026-10-25 02:59 CEST" },
		{ VIENNA, "2026-10-25T01:00:00Z", "2026-10-25 02:00 CET" },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:00Z",
			"2026-03-08 01:59 EST" },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z",
			"2026-03-08 03:00 EDT" },
		/* the south: summer over the new year */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-12-31T14:00:00Z",
			"2026-01-01 01:00 AEDT" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-06-30T14:00:00Z",
			"2026-07-01 00:00 AEST" },
		/* Dublin's winter is its deviation */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T12:00:00Z",
			"2026-01-01 12:00 GMT" },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T12:00:00Z",
			"2026-07-01 13:00 IST" },
		{ "<+0545>-5:45", "2026-01-01T00:00:00Z",
			"2026-01-01 05:45 +0545" },
		{ "<-03>3", "2026-01-01T00:00:00Z", "2025-12-31 21:00 -03" },
		{ "XXX0YYY,J60/0,J300/0", "2024-03-01T00:00:00Z",
			"2024-03-01 01:00 YYY" },
		{ "XXX0YYY,59/0,300/0", "2024-02-29T00:00:00Z",
			"2024-02-29 01:00 YYY" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone z = zone(rows[i].rule);
		char text[ZONE_TEXT];

		ck_assert_str_eq(zone_format(&z, at(rows[i].utc), text,
			sizeof(text)), rows[i].local);
	}
}
END_TEST

START_TEST(strange_rules_are_refused)
{
	static const char *const bad[] = { "C", "CET", "CET-1CEST,M3.5.0",
		"CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
		"CET-1 ", "<CET-1", "CET-1CEST,J0,J1", "CET-999", "1", ",",
		"CET-1CEST,M3.5.0,M10.5.0/3x",
		"A234567890A234567890A234567890A234567890A234567890A23456789"
		"0A234567890A234567890A234567890A234567890-1" };
	static const char *const ids[] = { "", "/etc/passwd", "../x", "a/../b",
		"a b", "1", "a;b" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct zone z;

		ck_assert_msg(zone_parse(bad[i], strlen(bad[i]), &z, NULL) ==
			TC_EINVAL, "%s", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ck_assert_msg(!zone_id_is_valid(ids[i]), "%s", ids[i]);
	ck_assert(zone_id_is_valid("America/Argentina/Buenos_Aires"));
	ck_assert(zone_id_is_valid("Etc/GMT+5"));
}
END_TEST

static void
comes(const struct repeat *r, const struct zone *z, const char *after,
	const char *want)
{
	char text[WALL_TEXT];
	struct span s;
	bool any = repeat_next(r, z, at(after), &s);

	ck_assert_msg(any == (want != NULL), "after %s", after);
	if (any)
		ck_assert_str_eq(wall_format(s.from, text, sizeof(text)), want);
}

START_TEST(how_soon_it_comes_again_at_the_soonest)
{
	static const struct { struct repeat r; int hours; } rows[] = {
		{ { .every = REPEAT_DAY }, 24 },
		{ { .every = REPEAT_WEEK, .days = 1 << 3 }, 7 * 24 },
		{ { .every = REPEAT_WEEK, .days = 1 | 1 << 6 }, 24 },
		{ { .every = REPEAT_MONTH, .days = 1 << 1 }, 28 * 24 },
		{ { .every = REPEAT_MONTH, .days = 1 | 1 << 1 }, 24 },
		{ { .every = REPEAT_MONTH, .days = 1 << 28 | 1 }, 24 },
	};
	struct zone utc, vienna;

	ck_assert_int_eq(zone_parse("", 0, &utc, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(repeat_shortest(&rows[i].r, &utc,
			at("2026-01-01T00:00:00Z")).ns,
			dur_s(rows[i].hours * INT64_C(3600)).ns);
	/* the day of the change to summer time has 23 hours */
	ck_assert_int_eq(zone_parse("CET-1CEST,M3.5.0,M10.5.0/3", 26, &vienna,
		NULL), 0);
	ck_assert_int_eq(repeat_shortest(&rows[0].r, &vienna,
		at("2026-01-01T00:00:00Z")).ns, dur_s(23 * 3600).ns);
}
END_TEST

START_TEST(r108_what_repeats_is_reckoned_when_asked)
{
	struct zone utc = zone(""), vienna = zone(VIENNA);
	struct repeat day = { .every = REPEAT_DAY, .minute = 150,
		.lasting = dur_s(3600) };
	struct repeat week = { .every = REPEAT_WEEK, .days = 1U << 6,
		.minute = 150, .lasting = dur_s(3600) };
	struct repeat month = { .every = REPEAT_MONTH, .days = 1U << 31,
		.minute = 0, .lasting = dur_s(60),
		.until = at("2026-04-01T00:00:00Z") };
	struct repeat last = { .every = REPEAT_MONTH, .days = 1,
		.minute = 0, .lasting = dur_s(60) };

	comes(&day, &utc, "2026-01-01T02:30:00Z", "2026-01-01T02:30:00.000Z");
	comes(&day, &utc, "2026-01-01T02:30:01Z", "2026-01-02T02:30:00.000Z");
	comes(&day, &utc, "2035-12-31T03:00:00Z", "2036-01-01T02:30:00.000Z");
	/* the hour that is left out, and the one that comes twice */
	comes(&day, &vienna, "2026-03-28T12:00:00Z",
		"2026-03-29T01:30:00.000Z");
	comes(&day, &vienna, "2026-03-29T12:00:00Z",
		"2026-03-30T00:30:00.000Z");
	comes(&day, &vienna, "2026-10-24T12:00:00Z",
		"2026-10-25T00:30:00.000Z");
	comes(&day, &vienna, "2026-10-25T00:31:00Z",
		"2026-10-26T01:30:00.000Z");
	comes(&week, &vienna, "2026-01-01T00:00:00Z",
		"2026-01-04T01:30:00.000Z");
	comes(&month, &utc, "2026-02-01T00:00:00Z",
		"2026-03-31T00:00:00.000Z");
	comes(&month, &utc, "2026-03-31T00:00:01Z", NULL);
	comes(&last, &utc, "2024-02-01T00:00:00Z", "2024-02-29T00:00:00.000Z");
	comes(&last, &utc, "2100-02-01T00:00:00Z", "2100-02-28T00:00:00.000Z");
	comes(&day, &utc, "1969-12-31T12:00:00Z", "1970-01-01T02:30:00.000Z");
}
END_TEST

static void
read_window(const char *json, struct window *w)
{
	char text[1024];
	struct tc_err e = { 0 };

	snprintf(text, sizeof(text), "%s", json);
	ck_assert_msg(window_read(text, strlen(text), w, &e) == 0, "%s",
		e.text);
}

START_TEST(a_window_is_read_as_it_was_written)
{
	static const char text[] = "{\"id\":7,\"type\":\"network\","
		"\"from\":\"2026-01-01T01:30:00.000Z\","
		"\"to\":\"2026-01-01T03:30:00.000Z\",\"grace\":\"2m\","
		"\"notice\":\"1d\",\"hosts\":[\"a\",\"b\"],"
		"\"effect\":\"slow\",\"what_to_do\":\"drain\","
		"\"zone\":\"Europe/Vienna\",\"zone_rule\":\"" VIENNA "\","
		"\"repeat\":{\"every\":\"month\",\"on\":[1,15,-1],"
		"\"at\":\"02:30\",\"for\":\"2h\","
		"\"until\":\"2036-01-01T00:00:00.000Z\"},"
		"\"provider\":\"aws\",\"provider_id\":\"e-1\","
		"\"accept_conflict\":true,\"by\":\"ops\","
		"\"person\":\"Ada\",\"reason\":\"switch\"}";
	struct strbuf out = { 0 };
	struct window w;

	read_window(text, &w);
	window_write(&out, &w);
	ck_assert_str_eq(strbuf_str(&out), text);
	window_fini(&w);
	strbuf_reset(&out);
	read_window("{\"type\":\"host-reboot\",\"hosts\":[\"B\",\"a\","
		"\"b\"],\"repeat\":{\"every\":\"week\",\"on\":[\"mon\","
		"\"fri\"],\"at\":\"00:00\",\"for\":\"1h\"}}", &w);
	ck_assert_uint_eq(w.n_hosts, 2);
	ck_assert_str_eq(w.hosts[0], "a");
	ck_assert_uint_eq(w.repeat.days, 1U | 1U << 4);
	window_fini(&w);
	strbuf_free(&out);
}
END_TEST

START_TEST(r103_a_notice_has_all_seven_fields)
{
	static const char *const names[] = { "a", "b" };
	struct notice_hosts hosts = { names, 2, 5 };
	static const char *const lines[] = { "What: work on the power: new PDU",
		"Which hosts: 5: a, b and 3 more",
		"From: 2026-07-01 22:00 UTC (2026-07-02 00:00 CEST, "
		"Europe/Vienna)", "Until: 2026-07-01 23:30 UTC "
		"(2026-07-02 01:30 CEST, Europe/Vienna)", "How long: 1 h 30 min",
		"What happens: the host loses power for a time",
		"What you must do: nothing" };
	struct strbuf text = { 0 };
	struct json_write j;
	struct window w;

	read_window("{\"type\":\"power\",\"hosts\":[\"a\"],"
		"\"from\":\"2026-07-01T22:00:00Z\","
		"\"to\":\"2026-07-01T23:30:00Z\",\"reason\":\"new PDU\","
		"\"zone\":\"Europe/Vienna\",\"zone_rule\":\"" VIENNA "\"}",
		&w);
	notice_text(&text, &w, &hosts);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_msg(strstr(strbuf_str(&text), lines[i]) != NULL,
			"%s\n%s", lines[i], strbuf_str(&text));
	strbuf_reset(&text);
	json_begin(&j, &text);
	json_put_object(&j);
	notice_add_members(&j, &w, &hosts);
	json_put_end(&j);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text),
		"\"what_to_do\":\"nothing\""));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text),
		"\"local\":\"2026-07-02 00:00 CEST\""));
	strbuf_free(&text);
	window_fini(&w);
}
END_TEST

START_TEST(windows_that_repeat_meet_or_do_not)
{
	static const char head[] = "{\"hosts\":[\"a\"],%s}";
	static const struct { const char *a, *b; bool meet; } rows[] = {
		{ "\"from\":\"2026-01-01T00:00:00Z\",\"to\":"
			"\"2026-01-01T01:00:00Z\"", "\"from\":"
			"\"2026-01-01T01:00:00Z\",\"to\":"
			"\"2026-01-01T02:00:00Z\"", false },
		{ "\"from\":\"2026-01-01T00:00:00Z\",\"to\":"
			"\"2026-01-01T01:00:01Z\"", "\"from\":"
			"\"2026-01-01T01:00:00Z\",\"to\":"
			"\"2026-01-01T02:00:00Z\"", true },
		{ "\"repeat\":{\"every\":\"day\",\"at\":\"02:00\","
			"\"for\":\"1h\"}", "\"from\":"
			"\"2026-05-05T02:30:00Z\",\"to\":"
			"\"2026-05-05T02:31:00Z\"", true },
		{ "\"repeat\":{\"every\":\"day\",\"at\":\"02:00\","
			"\"for\":\"1h\"}", "\"repeat\":{\"every\":"
			"\"week\",\"on\":[\"mon\"],\"at\":\"03:00\","
			"\"for\":\"1h\"}", false },
		{ "\"repeat\":{\"every\":\"month\",\"on\":[31],\"at\":"
			"\"02:00\",\"for\":\"1h\"}", "\"repeat\":{"
			"\"every\":\"week\",\"on\":[\"sat\"],\"at\":"
			"\"02:30\",\"for\":\"1h\"}", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[600];
		struct window a, b;

		snprintf(text, sizeof(text), head, rows[i].a);
		read_window(text, &a);
		snprintf(text, sizeof(text), head, rows[i].b);
		read_window(text, &b);
		if (a.repeat.every != REPEAT_NEVER)
			window_begin(&a, at("2026-01-01T00:00:00Z"));
		if (b.repeat.every != REPEAT_NEVER)
			window_begin(&b, at("2026-01-01T00:00:00Z"));
		ck_assert_msg(window_meets(&a, &b) == rows[i].meet, "%zu", i);
		ck_assert(window_meets(&b, &a) == rows[i].meet);
		window_fini(&a);
		window_fini(&b);
	}
}
END_TEST

int
main(void)
{
	return STORIES("window", zones_follow_their_rule,
		strange_rules_are_refused,
		how_soon_it_comes_again_at_the_soonest,
		r108_what_repeats_is_reckoned_when_asked,
		a_window_is_read_as_it_was_written,
		r103_a_notice_has_all_seven_fields,
		windows_that_repeat_meet_or_do_not);
}
