/*
 * outlook: what hosts say of themselves, redundancy, and whose fault it is.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "predict/host.h"
#include "predict/outlook.h"
#include "predict/redundancy.h"
#include "predict/signals.h"
#include "t/lib/story.h"

#define DAY0 20000
#define HOUR_MS INT64_C(3600000)

static struct outlook_pack pack;

/* Any numbers, the same in every run. */
static int
some(uint32_t *state, int below)
{
	*state = *state * 1664525u + 1013904223u;
	return (int)((*state >> 8) % (uint32_t)below);
}

static bool
hear(struct signals *s, uint8_t source, const struct signal_metric *m,
	size_t n, struct wall at)
{
	struct signals_heard heard;

	signals_begin(&heard, s, source, at);
	for (size_t i = 0; i < n; i++) {
		uint8_t signal = signal_of_metric(m[i].name);

		if (signal != SIGNAL_NONE)
			signals_tell(&heard, (enum signal)signal, &m[i]);
	}
	return signals_end(&heard);
}

static struct wall
on(int day, int hour)
{
	return (struct wall){ wall_from_days(DAY0 + day).ms + hour * HOUR_MS };
}

static bool
see(struct signals *s, const char *metric, double value, struct wall at)
{
	return hear(s, 1, &(struct signal_metric){ metric, "", value }, 1, at);
}

static struct verdict *
judge(const struct signals *s, struct wall at)
{
	static struct verdict v;
	static struct verdict again;

	if (pack.n_rules == 0)
		ck_assert_int_eq(outlook_builtin(&pack, NULL), 0);
	outlook_judge(&pack, s, at, &v);
	/* whatever is judged, is judged the same from its evidence alone */
	ck_assert_int_eq(outlook_recompute(&pack, &v, &again, NULL), 0);
	ck_assert_int_eq(again.level, v.level);
	ck_assert_int_eq(again.score, v.score);
	ck_assert(again.risk.d30 == v.risk.d30);
	return &v;
}

static bool
says(const struct verdict *v, const char *rule)
{
	for (uint32_t i = 0; i < v->n_evidence; i++)
		if (strcmp(v->evidence[i].rule, rule) == 0)
			return true;
	return false;
}

static bool
misses(const struct verdict *v, const char *signal)
{
	for (uint32_t i = 0; i < v->n_missing; i++)
		if (strcmp(v->missing[i], signal) == 0)
			return true;
	return false;
}

START_TEST(a_host_without_any_sign_has_no_risk_of_its_own)
{
	struct signals s = { 0 };
	struct verdict *v = judge(&s, on(0, 0));

	ck_assert(v->blind && v->risk.d30 < 0);
	ck_assert(misses(v, "ecc_corrected") && misses(v, "ping_loss"));
	see(&s, "memory_corrected_errors_total", 900, on(0, 0));
	v = judge(&s, on(0, 1));
	/* what was counted before we looked is history */
	ck_assert(!v->gate_open && v->level == LEVEL_NONE);
	ck_assert(!misses(v, "ecc_corrected") && misses(v, "ping_loss"));
	signals_free(&s);
}
END_TEST

START_TEST(corrected_errors_are_watched_and_lost_words_are_urgent)
{
	struct signals s = { 0 };
	struct verdict *v;

	see(&s, "memory_corrected_errors_total", 0, on(0, 0));
	see(&s, "memory_uncorrected_errors_total", 0, on(0, 0));
	ck_assert(see(&s, "memory_corrected_errors_total", 40, on(1, 0)));
	v = judge(&s, on(1, 1));
	ck_assert_int_eq(v->level, LEVEL_NONE);
	ck_assert(says(v, "ecc-corrected") && v->flip.known);
	/* the nearest is no hundred more, but one that cannot be corrected */
	ck_assert_str_eq(v->flip.rule, "ecc-uncorrected");
	ck_assert_int_eq(v->flip.to, LEVEL_LIKELY);
	see(&s, "memory_corrected_errors_total", 400, on(1, 2));
	v = judge(&s, on(1, 3));
	ck_assert_int_eq(v->level, LEVEL_WATCH);
	ck_assert_int_eq(v->evidence[0].value, 400);
	see(&s, "memory_uncorrected_errors_total", 2, on(1, 4));
	v = judge(&s, on(1, 5));
	ck_assert_int_eq(v->level, LEVEL_IMMINENT);
	ck_assert_str_eq(v->evidence[0].rule, "ecc-uncorrected");
	/* and it passes with the days */
	v = judge(&s, on(40, 0));
	ck_assert_int_eq(v->level, LEVEL_NONE);
	signals_free(&s);
}
END_TEST

START_TEST(a_fall_is_another_baseline_and_a_second_teller_is_not_mixed_in)
{
	struct signals s = { 0 };
	struct signal_metric m = { "disk_errors_total", "", 500 };

	see(&s, "disk_errors_total", 7, on(0, 0));
	ck_assert(!see(&s, "disk_errors_total", 0, on(0, 1)));
	ck_assert(see(&s, "disk_errors_total", 1, on(0, 2)));
	ck_assert_int_eq(signals_get(&s, SIGNAL_IO_ERRORS, SIGNAL_RISE_7D,
		on(0, 3)).value, 1);
	/* a scrape of the same host counts from elsewhere */
	ck_assert(!hear(&s, 2, &m, 1, on(0, 2)));
	ck_assert_int_eq(signals_get(&s, SIGNAL_IO_ERRORS, SIGNAL_RISE_7D,
		on(0, 3)).value, 1);
	/* the first fell silent: the second is a baseline */
	ck_assert(!hear(&s, 2, &m, 1, on(1, 0)));
	m.value = 501;
	ck_assert(hear(&s, 2, &m, 1, on(1, 1)));
	ck_assert_int_eq(signals_get(&s, SIGNAL_IO_ERRORS, SIGNAL_RISE_7D,
		on(1, 2)).value, 2);
	signals_free(&s);
}
END_TEST

START_TEST(windows_are_as_long_as_they_say)
{
	struct signals s = { 0 };
	uint32_t sum = 0, state = 7;

	see(&s, "unclean_reboots_total", 0, on(0, 0));
	for (int day = 1; day < 120; day++) {
		int by = some(&state, 3) == 0 ? some(&state, 4) : 0;

		sum += (uint32_t)by;
		see(&s, "unclean_reboots_total", sum, on(day, 5));
		if (day == 60)
			ck_assert_int_ge(signals_get(&s, SIGNAL_UNCLEAN,
				SIGNAL_RISE_30D, on(day, 6)).value,
				signals_get(&s, SIGNAL_UNCLEAN, SIGNAL_RISE_7D,
				on(day, 6)).value);
	}
	sum++;
	see(&s, "unclean_reboots_total", sum, on(200, 0));
	ck_assert_int_eq(signals_get(&s, SIGNAL_UNCLEAN, SIGNAL_RISE_30D,
		on(200, 1)).value, 1);
	ck_assert_int_eq(signals_get(&s, SIGNAL_UNCLEAN, SIGNAL_RISE_30D,
		on(229, 1)).value, 1);
	ck_assert_int_eq(signals_get(&s, SIGNAL_UNCLEAN, SIGNAL_RISE_30D,
		on(230, 1)).value, 0);
	ck_assert_int_eq(signals_get(&s, SIGNAL_UNCLEAN, SIGNAL_QUIET_DAYS,
		on(230, 1)).value, 30);
	signals_free(&s);
}
END_TEST

static void
see_latency(struct signals *s, const double *ms, size_t n, struct wall at)
{
	static const char *const names[] = { "sda", "sdb", "sdc", "sdd", "sde",
		"sdf" };
	struct signal_metric m[ARRAY_LEN(names)];

	for (size_t i = 0; i < n; i++)
		m[i] = (struct signal_metric){ "disk_read_latency_seconds",
			names[i], ms[i] / 1000 };
	(void)hear(s, 1, m, n, at);
}

START_TEST(latency_is_judged_against_its_own_past_and_its_peers)
{
	struct signals s = { 0 };
	double ms[6] = { 5, 5, 6, 5, 4, 5 };
	struct feature_value v;

	for (int h = 0; h < 20; h++)
		see_latency(&s, ms, 6, on(0, h));
	/* a day's past is the least */
	v = signals_get(&s, SIGNAL_DISK_LATENCY, SIGNAL_OF_PAST, on(0, 19));
	ck_assert(!v.known);
	for (int h = 0; h < 72; h++)
		see_latency(&s, ms, 6, on(1, h));
	v = signals_get(&s, SIGNAL_DISK_LATENCY, SIGNAL_OF_PAST, on(4, 0));
	ck_assert(v.known && v.value > 90 && v.value < 110);
	ms[3] = 120;
	for (int m = 0; m < 240; m++)
		see_latency(&s, ms, 6, (struct wall){ on(4, 0).ms +
			m * INT64_C(60000) });
	v = signals_get(&s, SIGNAL_DISK_LATENCY, SIGNAL_OF_PAST, on(4, 4));
	ck_assert_int_gt(v.value, 300);
	v = signals_get(&s, SIGNAL_DISK_LATENCY, SIGNAL_OF_PEERS, on(4, 4));
	ck_assert_int_gt(v.value, 400);
	ck_assert(says(judge(&s, on(4, 4)), "disk-latency-past"));
	ck_assert_int_eq(outlook_cause(&pack, judge(&s, on(4, 4)), LEVEL_NONE),
		CAUSE_DEVICE);
	/* slow alone moves nobody */
	ck_assert_int_le(judge(&s, on(4, 4))->level, LEVEL_WATCH);
	/* silent for hours: nobody knows any more */
	ck_assert(!signals_get(&s, SIGNAL_DISK_LATENCY, SIGNAL_OF_PAST,
		on(4, 9)).known);
	signals_free(&s);
}
END_TEST

START_TEST(a_failure_is_likely_followed_by_another)
{
	struct signals s = { 0 };
	double risk;

	signals_event(&s, SIGNAL_FAILURES, on(0, 3));
	risk = judge(&s, on(1, 0))->risk.d30;
	/* LANL: 47 to 57 % within 30 days; ours is no larger */
	ck_assert(risk > 0.4 && risk < 0.6);
	/* but nobody is moved for having failed once */
	ck_assert_int_eq(judge(&s, on(1, 0))->level, LEVEL_WATCH);
	risk = judge(&s, on(20, 0))->risk.d30;
	ck_assert(risk > 0.2 && risk < 0.3);
	signals_event(&s, SIGNAL_FAILURES, on(21, 0));
	signals_event(&s, SIGNAL_FAILURES, on(22, 0));
	ck_assert_int_eq(judge(&s, on(22, 1))->level, LEVEL_LIKELY);
	ck_assert_int_eq(outlook_cause(&pack, judge(&s, on(22, 1)),
		LEVEL_NONE), CAUSE_UNKNOWN);
	ck_assert(!judge(&s, on(60, 0))->gate_open);
	signals_free(&s);
}
END_TEST

START_TEST(r020_the_cause_is_named_from_positive_evidence_only)
{
	struct signals s = { 0 };

	see(&s, "ping_rtt_seconds", 0.001, on(0, 0));
	ck_assert_int_eq(outlook_cause(&pack, judge(&s, on(0, 0)), LEVEL_NONE),
		CAUSE_UNKNOWN);
	ck_assert_int_eq(outlook_cause(&pack, NULL, LEVEL_LIKELY),
		CAUSE_DEVICE);
	see(&s, "kernel_oopses_total", 0, on(0, 0));
	see(&s, "kernel_oopses_total", 1, on(0, 1));
	ck_assert_int_eq(outlook_cause(&pack, judge(&s, on(0, 2)), LEVEL_NONE),
		CAUSE_HOST_OS);
	see(&s, "memory_uncorrected_errors_total", 0, on(0, 1));
	see(&s, "memory_uncorrected_errors_total", 1, on(0, 2));
	ck_assert_int_eq(outlook_cause(&pack, judge(&s, on(0, 3)), LEVEL_NONE),
		CAUSE_MEMORY);
	ck_assert_str_eq(cause_id(CAUSE_HOST_OS), "host_os");
	signals_free(&s);
}
END_TEST

START_TEST(r040_another_shape_begins_another_past)
{
	struct signals s = { 0 };

	for (int h = 0; h < 60; h++)
		see(&s, "ping_rtt_seconds", 0.001, on(0, h));
	for (int m = 0; m < 90; m++)
		see(&s, "ping_rtt_seconds", 0.050, (struct wall){
			on(2, 12).ms + m * INT64_C(60000) });
	ck_assert_int_gt(signals_get(&s, SIGNAL_PING_RTT, SIGNAL_OF_PAST,
		on(2, 14)).value, 300);
	signals_new_past(&s);
	see(&s, "ping_rtt_seconds", 0.050, on(2, 14));
	ck_assert(!signals_get(&s, SIGNAL_PING_RTT, SIGNAL_OF_PAST,
		on(2, 15)).known);
	ck_assert_int_eq(judge(&s, on(2, 15))->n_evidence, 0);
	signals_free(&s);
}
END_TEST

START_TEST(what_was_saved_comes_back_and_nothing_else)
{
	struct signals s = { 0 }, back = { 0 };
	struct strbuf bytes = { 0 }, again = { 0 };
	double ms[3] = { 1, 2, 3 };
	struct tc_err e = { 0 };

	see_latency(&s, ms, 3, on(0, 0));
	see(&s, "ping_loss_ratio", 0.25, on(0, 0));
	see(&s, "disk_errors_total", 0, on(0, 0));
	see(&s, "disk_errors_total", 70000, on(3, 0));
	signals_event(&s, SIGNAL_FAILURES, on(3, 1));
	ck_assert_int_eq(signals_save(&s, &bytes), 0);
	ck_assert_int_eq(signals_restore(bytes.p, bytes.n, &back, &e), 0);
	ck_assert_int_eq(signals_save(&back, &again), 0);
	ck_assert_uint_eq(bytes.n, again.n);
	ck_assert_mem_eq(bytes.p, again.p, bytes.n);
	signals_free(&back);
	for (size_t n = 0; n < bytes.n; n++)
		ck_assert_int_eq(signals_restore(bytes.p, n, &back, NULL),
			TC_ECORRUPT);
	bytes.p[1] = 9;
	ck_assert_int_eq(signals_restore(bytes.p, bytes.n, &back, NULL),
		TC_ENEWER);
	strbuf_free(&bytes);
	strbuf_free(&again);
	signals_free(&s);
}
END_TEST

START_TEST(a_forged_row_is_refused)
{
	struct signals s = { 0 };
	static struct verdict v, out;

	signals_event(&s, SIGNAL_FAILURES, on(0, 0));
	v = *judge(&s, on(0, 1));
	v.evidence[0].contribution += 100;
	ck_assert_int_eq(outlook_recompute(&pack, &v, &out, NULL), TC_EINVAL);
	v = *judge(&s, on(0, 1));
	v.evidence[1] = v.evidence[0];
	ck_assert_int_eq(outlook_recompute(&pack, &v, &out, NULL), TC_EINVAL);
	signals_free(&s);
}
END_TEST

static struct host_risk
combine(const char *text, struct host_device *d, size_t n,
	const char *const *serials)
{
	struct redundancy r;
	struct tc_err e = { 0 };
	struct host_risk h;

	ck_assert_msg(redundancy_parse(text, &r, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < n; i++)
		d[i].group = redundancy_group_of(&r, serials[i], "");
	host_combine(d, n, &r, NULL, &h);
	return h;
}

START_TEST(a_mirrored_disk_that_fails_is_replaced_not_fled)
{
	static const char *const serials[] = { "s1", "s2", "s3" };
	struct host_device d[] = {
		{ 1, LEVEL_IMMINENT, { 0.2, 0.56, 0.8 }, 0 },
		{ 2, LEVEL_NONE, { 0.001, 0.002, 0.005 }, 0 },
		{ 3, LEVEL_NONE, { 0.001, 0.002, 0.005 }, 0 },
	};
	struct host_risk h = combine("mirror:S1+S2", d, 3, serials);

	ck_assert_int_eq(h.level, LEVEL_NONE);
	ck_assert_double_lt(h.risk.d30, 0.005);
	ck_assert_int_eq(h.spared, LEVEL_IMMINENT);
	ck_assert_uint_eq(h.spared_device, 1);
	/* alone it is the host's */
	h = combine("mirror:S2+S3", d, 3, serials);
	ck_assert_int_eq(h.level, LEVEL_IMMINENT);
	ck_assert_uint_eq(h.device, 1);
	ck_assert_uint_eq(h.spared_device, 0);
	/* a mirror whose other half nobody has seen is none */
	h = combine("mirror:S1+GONE", d, 1, serials);
	ck_assert_int_eq(h.level, LEVEL_IMMINENT);
	ck_assert_double_gt(h.risk.d30, 0.5);
	/* both halves */
	d[1] = (struct host_device){ 2, LEVEL_LIKELY, { 0.05, 0.2, 0.4 }, 0 };
	h = combine("mirror:*", d, 2, serials);
	ck_assert_int_eq(h.level, LEVEL_LIKELY);
	ck_assert_double_eq_tol(h.risk.d30, 0.56 * 0.2, 1e-12);
}
END_TEST

/* Every way in which n disks may fail, one by one. */
static double
by_hand(const double *p, int n, int spare)
{
	double sum = 0;

	for (int set = 0; set < 1 << n; set++) {
		double one = 1;
		int failed = 0;

		for (int i = 0; i < n; i++) {
			one *= set >> i & 1 ? p[i] : 1 - p[i];
			failed += set >> i & 1;
		}
		sum += failed > spare ? one : 0;
	}
	return sum;
}

START_TEST(a_group_is_lost_as_often_as_counting_says)
{
	static const char *const serials[] = { "a", "b", "c", "d", "e", "f" };
	static const char *const texts[] = { "raid5:*", "raid6:*",
		"mirror:*", "raid6:a+b+c+d+e+f" };
	static const int spares[] = { 1, 2, 5, 2 };
	struct host_device d[6];
	uint32_t state = 11;
	double p[6];

	for (int round = 0; round < 50; round++)
		for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
			for (int i = 0; i < 6; i++) {
				p[i] = some(&state, 1000) / 1000.0;
				d[i] = (struct host_device){ (uint32_t)i + 1,
					LEVEL_NONE, { p[i], p[i], p[i] }, 0 };
			}
			ck_assert_double_eq_tol(combine(texts[t], d, 6,
				serials).risk.d30, by_hand(p, 6, spares[t]),
				1e-9);
		}
}
END_TEST

START_TEST(drives_that_have_a_level_and_no_number_are_spared_too)
{
	static const char *const serials[] = { "n1", "n2" };
	struct host_device d[] = {
		{ 1, LEVEL_IMMINENT, { -1, -1, -1 }, 0 },
		{ 2, LEVEL_NONE, { -1, -1, -1 }, 0 },
	};
	struct host_risk h = combine("mirror:n1+n2", d, 2, serials);

	ck_assert_int_eq(h.level, LEVEL_NONE);
	ck_assert_uint_eq(h.spared_device, 1);
	ck_assert(h.risk.d30 < 0);
	d[1].level = LEVEL_WATCH;
	ck_assert_int_eq(combine("mirror:n1+n2", d, 2, serials).level,
		LEVEL_WATCH);
}
END_TEST

START_TEST(the_hosts_own_signals_join_in)
{
	struct host_device d = { 1, LEVEL_WATCH, { 0.01, 0.04, 0.1 }, 0 };
	struct host_own own = { true, LEVEL_LIKELY, { 0.2, 0.5, 0.7 } };
	struct host_risk h;

	host_combine(&d, 1, NULL, &own, &h);
	ck_assert_int_eq(h.level, LEVEL_LIKELY);
	ck_assert(h.own && h.device == 0);
	ck_assert_double_eq_tol(h.risk.d30, 1 - 0.96 * 0.5, 1e-12);
	own.level = LEVEL_NONE;
	host_combine(&d, 1, NULL, &own, &h);
	ck_assert(!h.own && h.device == 1);
}
END_TEST

START_TEST(a_wrong_declaration_says_where)
{
	static const char *const bad[] = { "raid7:a+b", "mirror", "mirror:",
		"mirror:a++b", "mirror:+a", ":a" };
	struct redundancy r;
	struct tc_err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(redundancy_parse(bad[i], &r, &e), TC_EINVAL);
	ck_assert_int_eq(redundancy_parse("  ", &r, &e), 0);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_int_eq(redundancy_parse("mirror:a+b raid6:*", &r, &e), 0);
	ck_assert_uint_eq(redundancy_group_of(&r, "B", ""), 0);
	ck_assert_uint_eq(redundancy_group_of(&r, "x", "a"), 0);
	ck_assert_uint_eq(redundancy_group_of(&r, "x", ""), 1);
}
END_TEST

START_TEST(rules_without_a_source_or_unit_are_refused)
{
	static const char head[] = "{\"name\":\"x\",\"version\":\"1.0.0\","
		"\"prior\":{\"d7\":0.1,\"d30\":0.2,\"d90\":0.3,"
		"\"source\":\"s\"},\"levels\":{\"watch\":1,\"likely\":2,"
		"\"imminent\":3},\"rules\":[{\"id\":\"a\",\"version\":1,"
		"\"signal\":\"ping_loss\",\"stat\":\"permille\",";
	static const struct { const char *rest; int rc; } cases[] = {
		{ "\"unit\":\"permille\",\"cause\":\"unknown\",\"may_reach\":"
			"\"watch\",\"source\":\"s\",\"bins\":[{\"ge\":1,"
			"\"hundredths\":5}]}]}", 0 },
		{ "\"unit\":\"count\",\"cause\":\"unknown\",\"may_reach\":"
			"\"watch\",\"source\":\"s\",\"bins\":[{\"ge\":1,"
			"\"hundredths\":5}]}]}", TC_EINVAL },
		{ "\"unit\":\"permille\",\"cause\":\"unknown\",\"may_reach\":"
			"\"watch\",\"bins\":[{\"ge\":1,\"hundredths\":5}]}]}",
			TC_EINVAL },
		{ "\"unit\":\"permille\",\"cause\":\"gremlins\",\"may_reach\":"
			"\"watch\",\"source\":\"s\",\"bins\":[{\"ge\":1,"
			"\"hundredths\":5}]}]}", TC_EINVAL },
		{ "\"unit\":\"permille\",\"cause\":\"unknown\",\"may_reach\":"
			"\"watch\",\"source\":\"s\",\"bins\":[{\"ge\":2,"
			"\"hundredths\":5},{\"ge\":1,\"hundredths\":5}]}]}",
			TC_EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf text = { 0 };
		struct outlook_pack p;
		struct tc_err e = { 0 };

		strbuf_puts(&text, head);
		strbuf_puts(&text, cases[i].rest);
		ck_assert_int_eq(outlook_parse(text.p, text.n, &p, &e),
			cases[i].rc);
		strbuf_free(&text);
	}
}
END_TEST

int
main(void)
{
	return STORIES("outlook",
		a_host_without_any_sign_has_no_risk_of_its_own,
		corrected_errors_are_watched_and_lost_words_are_urgent,
		a_fall_is_another_baseline_and_a_second_teller_is_not_mixed_in,
		windows_are_as_long_as_they_say,
		latency_is_judged_against_its_own_past_and_its_peers,
		a_failure_is_likely_followed_by_another,
		r020_the_cause_is_named_from_positive_evidence_only,
		r040_another_shape_begins_another_past,
		what_was_saved_comes_back_and_nothing_else,
		a_forged_row_is_refused,
		a_mirrored_disk_that_fails_is_replaced_not_fled,
		a_group_is_lost_as_often_as_counting_says,
		drives_that_have_a_level_and_no_number_are_spared_too,
		the_hosts_own_signals_join_in,
		a_wrong_declaration_says_where,
		rules_without_a_source_or_unit_are_refused);
}
