/*
 * perfdata: what real plugins print, and what broken ones do.
 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/story.h"
#include "wire/perfdata.h"

struct seen {
	struct perf_point points[8];
	size_t n;
	size_t bad;
};

static void
note(void *arg, const struct perf_point *p)
{
	struct seen *s = arg;

	if (s->n < ARRAY_LEN(s->points))
		s->points[s->n] = *p;
	s->n++;
}

static struct seen
parse(const char *text)
{
	struct seen s = { .n = 0 };

	s.bad = perfdata_parse((struct perf_text){ text, strlen(text) }, note, &s);
	return s;
}

static void
ck_metric(const struct perf_point *p, const char *family, const char *name,
	const char *instance)
{
	struct strbuf n = { 0 }, i = { 0 };

	perf_metric(family, p, &n, &i);
	ck_assert_str_eq(strbuf_str(&n), name);
	ck_assert_str_eq(strbuf_str(&i), instance);
	strbuf_free(&n);
	strbuf_free(&i);
}

START_TEST(a_ping_is_read_in_base_units)
{
	struct seen s = parse(
		"rta=38.5ms;100.0;500.0;0.0 pl=20%;20;60;0;");

	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.bad, 0);
	ck_assert_double_eq_tol(s.points[0].value, 0.0385, 1e-12);
	ck_assert_double_eq_tol(s.points[0].warn.to, 0.1, 1e-12);
	ck_assert_double_eq_tol(s.points[0].crit.to, 0.5, 1e-12);
	ck_assert_double_eq(s.points[0].min, 0);
	ck_assert(isnan(s.points[0].max));
	ck_metric(&s.points[0], "ping", "ping_rta_seconds", "");
	ck_assert_double_eq_tol(s.points[1].value, 0.2, 1e-12);
	ck_metric(&s.points[1], "ping", "ping_pl_ratio", "");
}
END_TEST

START_TEST(every_unit_becomes_its_base_unit)
{
	static const struct {
		const char *text;
		double value;
		const char *name;
	} cases[] = {
		{ "a=1s", 1, "x_a_seconds" }, { "a=2us", 2e-6, "x_a_seconds" },
		{ "a=3B", 3, "x_a_bytes" }, { "a=3KB", 3072, "x_a_bytes" },
		{ "a=1MiB", 1048576, "x_a_bytes" },
		{ "a_bytes=1GB", 1073741824, "x_a_bytes" },
		{ "a=50%", 0.5, "x_a_ratio" }, { "a=7c", 7, "x_a_total" },
		{ "a=20C", 20, "x_a_celsius" }, { "a=212F", 100, "x_a_celsius" },
		{ "a=1,5", 1.5, "x_a" }, { "a=-2.5e3", -2500, "x_a" },
		{ "a=3dBm", 3, "x_a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seen s = parse(cases[i].text);

		ck_assert_msg(s.n == 1, "%s", cases[i].text);
		ck_assert_double_eq_tol(s.points[0].value, cases[i].value, 1e-9);
		ck_metric(&s.points[0], "x", cases[i].name, "");
	}
}
END_TEST

START_TEST(labels_are_quoted_and_strange)
{
	struct seen s = parse("'/my home'=1B 'it''s'=2 /var=3B Active Users=4 "
		"'a\"b\\'=5");

	ck_assert_uint_eq(s.n, 5);
	ck_metric(&s.points[0], "disk", "disk_value_bytes",
		"label=\"/my home\"");
	ck_assert_str_eq(s.points[1].label, "it's");
	ck_metric(&s.points[2], "disk", "disk_value_bytes", "label=\"/var\"");
	ck_metric(&s.points[3], "disk", "disk_active_users", "");
	ck_metric(&s.points[4], "9", "exec_9_value", "label=\"a\\\"b\\\\\"");
}
END_TEST

static bool
alerts_on(const struct perf_range *r, double value)
{
	bool in = value >= r->from && value <= r->to;

	return r->set && in == r->inside;
}

START_TEST(ranges_alert_as_the_guidelines_say)
{
	static const struct {
		const char *range;
		double quiet, alerts;
	} cases[] = {
		{ "10", 10, 10.1 }, { "10", 0, -0.1 }, { "10:", 10, 9.9 },
		{ "~:10", -1e9, 10.1 }, { "10:20", 15, 21 },
		{ "@10:20", 9, 10 }, { "@5", 6, 5 },
	};
	struct perf_range r;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert(perf_range_parse((struct perf_text){ cases[i].range,
			strlen(cases[i].range) }, &r));
		ck_assert(!alerts_on(&r, cases[i].quiet));
		ck_assert(alerts_on(&r, cases[i].alerts));
	}
	ck_assert(!perf_range_parse((struct perf_text){ "20:10", 5 }, &r));
	ck_assert(!perf_range_parse((struct perf_text){ "a:b", 3 }, &r));
	ck_assert(perf_range_parse((struct perf_text){ "", 0 }, &r));
	ck_assert(!alerts_on(&r, -5));
}
END_TEST

START_TEST(what_is_malformed_is_counted_and_skipped)
{
	struct seen s = parse("=3 'b=3 c=x d=1e999 e=--1 ''=4");

	ck_assert_uint_eq(s.n, 0);
	ck_assert_uint_gt(s.bad, 0);
	s = parse("a=1 =2 b=3");
	ck_assert_uint_eq(s.n, 2);
	ck_assert_uint_eq(s.bad, 1);
	s = parse("a=U;1;2 b=3;zzz;1");
	ck_assert_uint_eq(s.n, 2);
	ck_assert(s.points[0].unknown);
	ck_assert(!s.points[1].warn.set);
	s = parse("\xff\xfe=1 a\x01=2");
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(output_is_split_as_nagios_does)
{
	static const char text[] = "OK - fine | a=1 b=2\nmore words\n"
		"and more | c=3\nd=4\n";
	struct perf_output out;
	struct seen s = { .n = 0 };

	perfdata_split(text, strlen(text), &out);
	ck_assert_uint_eq(out.text.n, strlen("OK - fine"));
	for (int i = 0; i < 2; i++)
		s.bad += perfdata_parse(out.data[i], note, &s);
	ck_assert_uint_eq(s.n, 4);
	ck_assert_uint_eq(s.bad, 0);
	ck_assert_str_eq(s.points[3].label, "d");
	perfdata_split("", 0, &out);
	ck_assert_uint_eq(out.text.n + out.data[0].n + out.data[1].n, 0);
}
END_TEST

int
main(void)
{
	return STORIES("perfdata", a_ping_is_read_in_base_units,
		every_unit_becomes_its_base_unit, labels_are_quoted_and_strange,
		ranges_alert_as_the_guidelines_say,
		what_is_malformed_is_counted_and_skipped,
		output_is_split_as_nagios_does);
}
