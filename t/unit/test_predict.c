/*
 * predict: what a disk's counters are remembered as, and how they are judged.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "predict/builtin.h"
#include "predict/eval.h"
#include "predict/features.h"
#include "predict/host.h"
#include "predict/rules.h"
#include "t/lib/card.h"
#include "t/lib/features.h"
#include "t/lib/story.h"

START_TEST(a_counter_never_reported_is_unknown_not_zero)
{
	struct features f = { 0 };

	ck_assert(!ask(&f, "smart_197_raw.now", DAY0).known);
	ck_assert(!ask(&f, "device.kinds_nonzero", DAY0).known);
	see(&f, COUNTER_REALLOCATED, 0, DAY0);
	ck_assert(!ask(&f, "smart_197_raw.now", DAY0).known);
	ck_feature(&f, "smart_5_raw.now", DAY0, 0);
	ck_feature(&f, "device.kinds_nonzero", DAY0, 0);
}
END_TEST

START_TEST(the_first_value_is_a_baseline_however_late)
{
	struct features f = { 0 };

	see(&f, COUNTER_REALLOCATED, 0, DAY0);
	see(&f, COUNTER_PENDING, 64, DAY0 + 20);
	ck_feature(&f, "smart_197_raw.rise_7d", DAY0 + 20, 0);
	ck_feature(&f, "smart_197_raw.rise_30d", DAY0 + 20, 0);
	ck_feature(&f, "smart_197_raw.rises", DAY0 + 20, 0);
	ck_feature(&f, "smart_197_raw.max", DAY0 + 20, 64);
	ck_feature(&f, "smart_197_raw.quiet_days", DAY0 + 20,
		QUIET_SINCE_FIRST_SIGHT);
}
END_TEST

START_TEST(a_rise_shows_for_its_window_and_no_longer)
{
	struct features f = { 0 };

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 16, DAY0 + 100);
	ck_feature(&f, "smart_197_raw.rise_1d", DAY0 + 100, 16);
	ck_feature(&f, "smart_197_raw.rise_1d", DAY0 + 101, 0);
	ck_feature(&f, "smart_197_raw.rise_7d", DAY0 + 106, 16);
	ck_feature(&f, "smart_197_raw.rise_7d", DAY0 + 107, 0);
	ck_feature(&f, "smart_197_raw.rise_30d", DAY0 + 129, 16);
	ck_feature(&f, "smart_197_raw.rise_30d", DAY0 + 130, 0);
	ck_feature(&f, "smart_197_raw.rise_30d", DAY0 + 5000, 0);
	ck_feature(&f, "smart_197_raw.quiet_days", DAY0 + 190, 90);
	/* asking changes nothing, and observing the same neither */
	see(&f, COUNTER_PENDING, 16, DAY0 + 107);
	ck_feature(&f, "smart_197_raw.rise_7d", DAY0 + 107, 0);
	ck_feature(&f, "smart_197_raw.rise_30d", DAY0 + 107, 16);
}
END_TEST

START_TEST(pending_sectors_may_fall_reallocated_ones_rebaseline)
{
	struct features f = { 0 };

	see(&f, COUNTER_PENDING, 8, DAY0);
	see(&f, COUNTER_PENDING, 0, DAY0 + 1);
	ck_feature(&f, "smart_197_raw.rise_7d", DAY0 + 1, 0);
	ck_feature(&f, "smart_197_raw.max", DAY0 + 1, 8);
	see(&f, COUNTER_PENDING, 4, DAY0 + 9);
	ck_feature(&f, "smart_197_raw.rise_7d", DAY0 + 9, 4);

	see(&f, COUNTER_REALLOCATED, 100, DAY0);
	see(&f, COUNTER_REALLOCATED, 10, DAY0 + 5);
	see(&f, COUNTER_REALLOCATED, 12, DAY0 + 6);
	ck_feature(&f, "smart_5_raw.rise_7d", DAY0 + 6, 2);
	ck_feature(&f, "smart_5_raw.rise_30d", DAY0 + 6, 2);
	ck_assert_int_eq(ask(&f, "smart_5_raw.now", DAY0 + 6).baseline, 10);
}
END_TEST

START_TEST(rises_of_one_day_are_one_event)
{
	struct features f = { 0 };

	for (uint64_t v = 0; v < 24; v++)
		see(&f, COUNTER_PENDING, v, DAY0);
	ck_feature(&f, "smart_197_raw.rises", DAY0, 1);
	see(&f, COUNTER_PENDING, 30, DAY0 + 3);
	ck_feature(&f, "smart_197_raw.rises", DAY0 + 3, 2);
	ck_feature(&f, "smart_197_raw.rises_30d", DAY0 + 29, 2);
	ck_feature(&f, "smart_197_raw.rises_30d", DAY0 + 30, 1);
	ck_feature(&f, "smart_197_raw.rises_30d", DAY0 + 33, 0);
}
END_TEST

START_TEST(p1_packed_timeouts_are_small_counters)
{
	/* raws that users took for billions of failures */
	ck_assert_uint_eq(counter_decode(COUNTER_TIMEOUTS, 4295032833), 1);
	ck_assert_uint_eq(counter_decode(COUNTER_TIMEOUTS, 4295032841), 9);
	ck_assert_uint_eq(counter_decode(COUNTER_TIMEOUTS, 94490722326), 22);
	ck_assert_uint_eq(counter_decode(COUNTER_PENDING, UINT64_MAX),
		UINT32_MAX);
}
END_TEST

START_TEST(what_comes_late_cannot_rewrite_what_is_newer)
{
	struct features f = { 0 };

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 5, DAY0 + 10);
	ck_assert(!features_observe(&f, COUNTER_PENDING, 99, DAY0 + 9,
		wall_from_days(DAY0 + 9)));
	ck_feature(&f, "smart_197_raw.now", DAY0 + 10, 5);
	/* another counter's value of yesterday is still news */
	see(&f, COUNTER_REALLOCATED, 0, DAY0 + 8);
	see(&f, COUNTER_REALLOCATED, 7, DAY0 + 9);
	ck_feature(&f, "smart_5_raw.now", DAY0 + 10, 7);
	ck_feature(&f, "smart_5_raw.rise_1d", DAY0 + 10, 0);
	ck_feature(&f, "smart_5_raw.rise_7d", DAY0 + 10, 7);
}
END_TEST

/* A plain re-telling of the definition, over a full daily history. */
static void
windows_agree(unsigned seed)
{
	enum { DAYS = 400 };
	struct features f = { 0 };
	uint32_t truth[DAYS];
	uint32_t value = 0;

	for (int d = 0; d < DAYS; d++) {
		seed = seed * 1103515245u + 12345u;
		if ((seed >> 16) % 9 == 0)
			value = (seed >> 20) % 64;
		truth[d] = value;
		if (d == 0 || (seed >> 18) % 3 == 0 || value != truth[d - 1])
			see(&f, COUNTER_PENDING, value, DAY0 + d);
		for (int w = 1; w <= 30; w += w == 1 ? 6 : 23) {
			uint32_t then = truth[d >= w ? d - w : 0];
			const char *name = w == 1 ? "smart_197_raw.rise_1d" :
				w == 7 ? "smart_197_raw.rise_7d" :
				"smart_197_raw.rise_30d";

			ck_feature(&f, name, DAY0 + d,
				value > then ? value - then : 0);
		}
	}
}

START_TEST(windows_agree_with_a_full_history)
{
	for (unsigned seed = 1; seed < 40; seed++)
		windows_agree(seed);
}
END_TEST

static void
random_features(unsigned seed, struct features *f, int days)
{
	for (int d = 0; d < days; d++) {
		for (int c = 0; c < COUNTER_N; c++) {
			seed = seed * 1103515245u + 12345u;
			if ((seed >> 16) % 11 == 0)
				see(f, (enum counter)c, (seed >> 19) % 300,
					DAY0 + d);
		}
	}
}

START_TEST(a_restart_changes_nothing)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	unsigned char bytes[FEATURES_SAVED_MAX], again[FEATURES_SAVED_MAX];
	struct verdict a, b;

	for (unsigned seed = 1; seed < 200; seed++) {
		struct features f = { 0 }, g;
		size_t n;

		random_features(seed, &f, (int)(seed % 60));
		n = features_save(&f, bytes);
		ck_assert_int_eq(features_restore(bytes, n, &g, NULL), 0);
		ck_assert_uint_eq(features_save(&g, again), n);
		ck_assert_mem_eq(bytes, again, n);
		random_features(seed + 7, &f, 90);
		random_features(seed + 7, &g, 90);
		eval_device(pack, &f, "", wall_from_days(DAY0 + 95), &a);
		eval_device(pack, &g, "", wall_from_days(DAY0 + 95), &b);
		ck_assert_mem_eq(&a, &b, sizeof(a));
	}
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(damaged_bytes_are_refused_and_change_nothing)
{
	struct features f = { 0 }, g;
	unsigned char bytes[FEATURES_SAVED_MAX];
	struct tc_err e = { 0 };
	size_t n;

	random_features(3, &f, 50);
	n = features_save(&f, bytes);
	memset(&g, 0x55, sizeof(g));
	for (size_t cut = 0; cut < n; cut++)
		ck_assert_int_eq(features_restore(bytes, cut, &g, &e),
			TC_ECORRUPT);
	bytes[1] = 4;
	ck_assert_int_eq(features_restore(bytes, n, &g, &e), TC_ENEWER);
	bytes[1] = 3;
	bytes[2] = 0xff;
	ck_assert_int_eq(features_restore(bytes, n, &g, &e), TC_ECORRUPT);
	for (size_t i = 0; i < sizeof(g); i++)
		ck_assert_uint_eq(((unsigned char *)&g)[i], 0x55);
}
END_TEST

START_TEST(a_clean_disk_is_judged_clean)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	struct features f = { 0 };
	struct verdict v;

	for (int c = 0; c < COUNTER_N; c++)
		see(&f, (enum counter)c, 0, DAY0);
	/* command timeouts alone say nothing */
	see(&f, COUNTER_TIMEOUTS, 94490722326, DAY0 + 1);
	eval_device(pack, &f, "", wall_from_days(DAY0 + 2), &v);
	ck_assert_int_eq(v.level, LEVEL_NONE);
	ck_assert(!v.gate_open);
	ck_assert(!v.blind);
	ck_assert_uint_eq(v.n_evidence, 0);
	ck_assert_double_eq(v.risk.d30, pack->clean.d30);
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(a_disk_that_says_nothing_is_unknown_not_clean)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	struct features f = { 0 };
	struct verdict v;

	eval_device(pack, &f, "", wall_from_days(DAY0), &v);
	ck_assert(v.blind);
	ck_assert_int_eq(v.level, LEVEL_NONE);
	ck_assert(v.risk.d30 < 0);
	ck_assert_uint_eq(v.n_missing, 5);
	ck_assert_str_eq(v.missing[0], "smart_5_raw");
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

/* 197: 0 → 8 → 24 in three days. */
START_TEST(r031_growing_pending_sectors_flag_at_the_second_step)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	struct features f = { 0 };
	struct verdict v;

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 8, DAY0 + 1);
	eval_device(pack, &f, "", wall_from_days(DAY0 + 1), &v);
	ck_assert_int_eq(v.score, -128 + 45 + 25 + 25);
	ck_assert_int_eq(v.level, LEVEL_WATCH);
	ck_assert(v.flip.known);
	ck_assert_int_eq(v.flip.to, LEVEL_LIKELY);
	see(&f, COUNTER_PENDING, 24, DAY0 + 3);
	eval_device(pack, &f, "", wall_from_days(DAY0 + 3), &v);
	ck_assert_int_eq(v.score, -128 + 45 + 20 + 25 + 25 + 25 + 30 + 15);
	ck_assert_int_eq(v.level, LEVEL_IMMINENT);
	ck_assert_str_eq(v.evidence[0].metric, "smart_197_raw");
	ck_assert_str_eq(v.evidence[0].stat, "now");
	ck_assert_int_eq(v.evidence[0].value, 24);
	ck_assert_int_eq(v.evidence[0].contribution, 65);
	ck_assert_uint_eq(v.n_missing, 4);
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(r031_a_constant_24_for_a_year_does_not_escalate)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	struct features f = { 0 };
	struct verdict first, v;

	see(&f, COUNTER_PENDING, 24, DAY0);
	eval_device(pack, &f, "", wall_from_days(DAY0), &first);
	for (int32_t d = DAY0; d < DAY0 + 366; d++) {
		see(&f, COUNTER_PENDING, 24, d);
		eval_device(pack, &f, "", wall_from_days(d), &v);
		ck_assert_int_le(v.level, first.level);
	}
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(p3_a_verdict_is_recomputed_from_its_evidence_alone)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	struct verdict v, again;
	struct tc_err e = { 0 };
	bool open;

	for (unsigned seed = 1; seed < 2000; seed++) {
		struct features f = { 0 };
		int32_t day = DAY0 + (int32_t)(seed % 150);

		random_features(seed, &f, (int)(seed % 50));
		eval_device(pack, &f, "", wall_from_days(day), &v);
		ck_assert_msg(eval_recompute(pack, &v, &again, &e) == 0, "%s",
			e.text);
		ck_assert_mem_eq(&v, &again, sizeof(v));
		ck_assert_int_eq(v.score, eval_score(pack, &f, NULL, day, &open));
		ck_assert_int_eq(v.gate_open, open);
		if (v.n_evidence == 0)
			continue;
		v.evidence[0].contribution++;
		ck_assert_int_eq(eval_recompute(pack, &v, &again, &e),
			v.evidence[0].kind == EVIDENCE_RULE ? TC_EINVAL : 0);
	}
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(the_built_in_pack_recomputes_and_says_its_models)
{
	static const char *const models[] = { "", "ST3000DM001-1CH166",
		"ST4000DM000-1F2168", "WDC WD30EFRX-68EUZN0", "nobody's" };
	struct pack *pack = NULL;
	struct verdict v, again;
	struct tc_err e = { 0 };
	int32_t day = DAY0 + 60;
	bool open;

	ck_assert_int_eq(pack_builtin(&pack, NULL), 0);
	for (unsigned seed = 1; seed < 2000; seed++) {
		const char *model = models[seed % 5];
		struct features f = { 0 };

		random_features(seed, &f, (int)(seed % 50));
		eval_device(pack, &f, model, wall_from_days(day), &v);
		ck_assert_msg(eval_recompute(pack, &v, &again, &e) == 0, "%s",
			e.text);
		ck_assert_mem_eq(&v, &again, sizeof(v));
		ck_assert_int_eq(v.score, eval_score(pack, &f,
			pack_model_find(pack, model), day, &open));
	}
	pack_free(pack);
}
END_TEST

START_TEST(growing_pending_sectors_escalate_constant_ones_do_not)
{
	struct features grows = { 0 }, stays = { 0 };
	struct pack *pack = NULL;
	struct verdict v;
	enum level first;

	ck_assert_int_eq(pack_builtin(&pack, NULL), 0);
	see(&grows, COUNTER_PENDING, 0, DAY0 - 40);
	see(&grows, COUNTER_PENDING, 8, DAY0);
	eval_device(pack, &grows, "", wall_from_days(DAY0), &v);
	ck_assert_int_eq(v.level, LEVEL_WATCH);
	see(&grows, COUNTER_PENDING, 24, DAY0 + 3);
	eval_device(pack, &grows, "", wall_from_days(DAY0 + 3), &v);
	ck_assert_int_eq(v.level, LEVEL_IMMINENT);
	ck_assert(v.lead_known);
	see(&stays, COUNTER_PENDING, 24, DAY0);
	eval_device(pack, &stays, "", wall_from_days(DAY0), &v);
	first = v.level;
	for (int32_t d = 1; d < 366; d++) {
		see(&stays, COUNTER_PENDING, 24, DAY0 + d);
		eval_device(pack, &stays, "", wall_from_days(DAY0 + d), &v);
		ck_assert_int_le(v.level, first);
	}
	pack_free(pack);
}
END_TEST

START_TEST(host_risk_names_its_reason)
{
	struct host_device d[] = {
		{ 7, LEVEL_NONE, { 0.1, 0.2, 0.3 }, 0 },
		{ 8, LEVEL_WATCH, { 0.0, 0.1, 0.2 }, 0 },
		{ 9, LEVEL_NONE, { -1, -1, -1 }, 0 },
	};
	struct host_risk h;

	host_combine(d, 3, NULL, NULL, &h);
	ck_assert_int_eq(h.level, LEVEL_WATCH);
	ck_assert_uint_eq(h.device, 8);
	ck_assert_uint_eq(h.n_blind, 1);
	ck_assert_double_eq_tol(h.risk.d30, 1 - 0.8 * 0.9, 1e-12);
	host_combine(d, 0, NULL, NULL, &h);
	ck_assert_uint_eq(h.device, 0);
	ck_assert(h.risk.d30 < 0);
}
END_TEST

/* The shipped pack with one piece of its text replaced. */
static void
ck_pack_fault(const char *from, const char *to, const char *want)
{
	struct strbuf text = { 0 }, bad = { 0 };
	struct pack *pack = card_load(&text), *none = NULL;
	struct tc_err e = { 0 };
	const char *at = strstr(text.p, from);

	ck_assert_msg(at, "%s", from);
	strbuf_add(&bad, text.p, (size_t)(at - text.p));
	strbuf_puts(&bad, to);
	strbuf_puts(&bad, at + strlen(from));
	ck_assert_int_lt(pack_parse(bad.p, bad.n, &none, &e), 0);
	ck_assert_ptr_null(none);
	ck_assert_msg(strstr(e.text, want), "\"%s\" lacks \"%s\"", e.text, want);
	pack_free(pack);
	strbuf_free(&text);
	strbuf_free(&bad);
}

START_TEST(faults_of_a_pack_are_named_by_json_pointer)
{
	ck_pack_fault("\"ge\": 1024", "\"ge\": 12", "/rules/0/bins/1/ge: must be "
		"above the bin before it");
	ck_pack_fault("\"hundredths\": 20", "\"hundredths\": \"20\"",
		"/rules/0/bins/0/hundredths: must be an integer");
	ck_pack_fault("\"hundredths\": 20", "\"weight\": 20",
		"/rules/0/bins/0/weight: unknown key");
	ck_pack_fault("smart_5_raw.rise_7d", "smart_5_raw.rise_8d",
		"/rules/1/feature: \"smart_5_raw.rise_8d\" is no feature");
	ck_pack_fault("\"unit\": \"days\"", "\"unit\": \"hours\"",
		"/rules/3/unit: the feature is in days");
	ck_pack_fault("\"likely\": -30", "\"likely\": -130",
		"/levels/likely: must be above");
	ck_pack_fault("\"feature_set\": 1", "\"feature_set\": 3",
		"/feature_set: feature set 3, we have 2");
	ck_pack_fault("\"id\": \"reported-now\"", "\"id\": \"pending-now\"",
		"another rule has this id");
	ck_pack_fault("\"at_least\": 2", "\"at_least\": 9",
		"/gate/1/at_least: must be 1 to 5");
	ck_pack_fault("\"version\": \"1.0.0\"", "\"version\": \"one\"",
		"/version: must be a version");
	ck_pack_fault("\"name\"", "\"name\": \"x\", \"name\"",
		"duplicate object key");
	ck_pack_fault("\"from\": null", "\"from\": 3",
		"/calibration/rows/0/from: must be null");
	ck_pack_fault("\"rules\": [", "\"rules\": 5, \"x\": [",
		"/x: unknown key");
}
END_TEST

START_TEST(wrong_types_and_bounds_of_a_pack_are_named_too)
{
	static const struct { const char *from, *to, *want; } faults[] = {
		{ "{", "[", "line" },
		{ "{\n", "3 {", "line" },
		{ "\"name\": \"additive-card\"", "\"name\": 5",
			"/name: must be a string" },
		{ "additive-card", "Additive card", "/name: only a-z" },
		{ "additive-card", "", "/name: must have 1 to 31 bytes" },
		{ "\"name\": \"additive-card\",", "", "/name: is missing" },
		{ "1.0.0", "1.0.0x", "/version: must be a version" },
		{ "\"version\": \"1.0.0\"", "\"version\": 1",
			"/version: must be a string" },
		{ "\"feature_set\": 1", "\"feature_set\": 0",
			"/feature_set: must be 1 to" },
		{ "-128", "-1.28", "/base_hundredths: must be an integer" },
		{ "\"gate\": [", "\"gate\": 1, \"g\": [", "/g: unknown key" },
		{ "\"at_least\": 1", "\"at_least\": \"1\"",
			"/gate/0/at_least: must be an integer" },
		{ "\"at_least\": 1, \"of\": [", "\"at_least\": 1, \"of\": [{},",
			"/gate/0/of/0/feature: is missing" },
		{ "\"at_least\": 1, \"of\": [", "\"at_least\": 1, \"of\": [1,",
			"/gate/0/of/0: must be an object" },
		{ "\"ge\": 1}", "\"ge\": -1}", "/gate/0/of/0/ge: must be 0" },
		{ "{\"at_least\": 1,", "{\"least\": 1,",
			"/gate/0/least: unknown key" },
		{ "\"id\": \"reallocated-now\", \"version\": 1",
			"\"id\": \"reallocated-now\", \"version\": 0",
			"/rules/0/version: must be 1" },
		{ "\"id\": \"reallocated-now\"", "\"id\": \"gate\"",
			"/rules/0/id: another rule" },
		{ "\"smart_5_raw.now\", \"unit\": \"count\"",
			"\"smart_5_raw.now\", \"unit\": 1",
			"/rules/0/unit: must be a string" },
		{ "\"feature\": \"smart_5_raw.now\", \"unit\"",
			"\"feature\": 7, \"unit\"",
			"/rules/0/feature: must be a feature" },
		{ "\"feature\": \"smart_5_raw.now\", \"unit\"",
			"\"feature\": \"smart_198_raw.rise_7d\", \"unit\"",
			"/rules/0/feature" },
		{ "\"bins\": [", "\"bins\": [{},",
			"/rules/0/bins/0/ge: is missing" },
		{ "\"bins\": [", "\"when\": [], \"bins\": [",
			"/rules/0/when: must have 1 to 2 items" },
		{ "\"bins\": [", "\"when\": [{\"feature\": 1}], \"bins\": [",
			"/rules/0/when/0/feature" },
		{ "\"bins\": [", "\"when\": 4, \"bins\": [",
			"/rules/0/when: must be an array" },
		{ "\"hundredths\": 20", "\"hundredths\": 200000",
			"/rules/0/bins/0/hundredths: must be -100000" },
		{ "\"watch\": -113, ", "", "/levels/watch: is missing" },
		{ "\"watch\": -113, ", "\"watch\": -113, \"none\": 0, ",
			"/levels/none: unknown key" },
		{ "\"clean\": {", "\"clean\": {\"d1\": 0, ",
			"/calibration/clean/d1: unknown key" },
		{ "\"d7\": 0.0003", "\"d7\": 1.5", "d7: must be 0 to 1" },
		{ "\"d7\": 0.0003", "\"d7\": \"x\"", "must be a probability" },
		{ "\"d7\": 0.0003", "\"d7\": 0.5", "d30: must not be below d7" },
		{ "\"d90\": 0.006", "\"d90\": 0.001",
			"d90: must not be below d30" },
		{ "\"from\": null, \"d7\": 0.0006",
			"\"from\": null, \"d7\": 0.0001",
			"/calibration/rows/0: risk must not fall" },
		{ "\"from\": -90", "\"from\": -190",
			"/calibration/rows/2/from: must be above" },
		{ "\"from\": -90", "\"from\": null",
			"/calibration/rows/2/from: must be an integer" },
		{ "\"from\": -90", "\"x\": 1, \"from\": -90",
			"/calibration/rows/2/x: unknown key" },
		{ "[72, 692]", "[72]", "lead_days: must have 2 to 2" },
		{ "[72, 692]", "[72, 7]", "lead_days/1: must be 72" },
		{ "[72, 692]", "[-2, 7]", "lead_days/0: must be 0" },
		{ "\"lead_days\": [72, 692]", "\"x\": 1", "x: unknown key" },
		{ "\"source\": \"the same", "\"source\": 1, \"s\": \"the same",
			"/calibration/s: unknown key" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		ck_pack_fault(faults[i].from, faults[i].to, faults[i].want);
}
END_TEST

START_TEST(a_pack_that_could_overflow_the_evidence_is_refused)
{
	struct strbuf text = { 0 }, big = { 0 };
	struct pack *pack = card_load(&text), *none = NULL;
	const char *at = strstr(text.p, "\"rules\": [");
	struct tc_err e = { 0 };

	strbuf_add(&big, text.p, (size_t)(at - text.p) + 10);
	for (int i = 0; i < 30; i++)
		strbuf_printf(&big, "{\"id\": \"r%d\", \"version\": 1, "
			"\"feature\": \"smart_5_raw.now\", \"unit\": \"count\", "
			"\"source\": \"x\", \"bins\": [{\"ge\": 1, "
			"\"hundredths\": 1}], \"when\": [{\"feature\": "
			"\"smart_197_raw.now\", \"ge\": 1}, {\"feature\": "
			"\"smart_187_raw.now\", \"lt\": 9}]},", i);
	strbuf_puts(&big, at + 10);
	ck_assert_int_eq(pack_parse(big.p, big.n, &none, &e), TC_EFULL);
	ck_assert_msg(strstr(e.text, "rows of evidence"), "%s", e.text);
	strbuf_reset(&big);
	for (int i = 0; i < PACK_JSON_MAX + 1; i++)
		strbuf_putc(&big, ' ');
	ck_assert_int_eq(pack_parse(big.p, big.n, &none, &e), TC_EFULL);
	ck_assert_ptr_null(none);
	pack_free(pack);
	strbuf_free(&text);
	strbuf_free(&big);
}
END_TEST

/* The shipped pack, but reported-now counts only beside pending sectors. */
static struct pack *
pack_with_condition(void)
{
	static const char id[] = "\"id\": \"reported-now\",";
	struct strbuf text = { 0 }, sb = { 0 };
	struct pack *pack = card_load(&text);
	const char *at = strstr(text.p, id);
	struct tc_err e = { 0 };

	pack_free(pack);
	pack = NULL;
	strbuf_add(&sb, text.p, (size_t)(at - text.p));
	strbuf_puts(&sb, "\"when\": [{\"feature\": \"smart_197_raw.now\", "
		"\"ge\": 1}], ");
	strbuf_puts(&sb, at);
	ck_assert_msg(pack_parse(sb.p, sb.n, &pack, &e) == 0, "%s", e.text);
	strbuf_free(&text);
	strbuf_free(&sb);
	return pack;
}

START_TEST(a_rule_with_a_condition_shows_it)
{
	struct pack *pack = pack_with_condition();
	struct features f = { 0 };
	struct verdict v, again;
	struct tc_err e = { 0 };
	int conditions = 0;

	see(&f, COUNTER_REPORTED, 5, DAY0);
	see(&f, COUNTER_PENDING, 0, DAY0);
	eval_device(pack, &f, "", wall_from_days(DAY0), &v);
	ck_assert_int_eq(v.score, -128);
	see(&f, COUNTER_PENDING, 1, DAY0 + 1);
	eval_device(pack, &f, "", wall_from_days(DAY0 + 1), &v);
	/* the condition, the maximum of 197, and two kinds of trouble */
	ck_assert_int_eq(v.score, -128 + 20 + 25 + 25);
	for (uint32_t i = 0; i < v.n_evidence; i++)
		conditions += v.evidence[i].kind == EVIDENCE_CONDITION;
	ck_assert_int_eq(conditions, 1);
	ck_assert_int_eq(eval_recompute(pack, &v, &again, &e), 0);
	ck_assert_mem_eq(&v, &again, sizeof(v));
	for (uint32_t i = 0; i < v.n_evidence; i++) {
		if (v.evidence[i].kind == EVIDENCE_CONDITION)
			v.evidence[i].value = 0;
	}
	ck_assert_int_eq(eval_recompute(pack, &v, &again, &e), TC_EINVAL);
	ck_assert_msg(strstr(e.text, "its condition is not shown"), "%s",
		e.text);
	pack_free(pack);
}
END_TEST

START_TEST(a_condition_may_be_bounded_above)
{
	static const char bounded[] = "\"when\": [{\"feature\": "
		"\"smart_197_raw.days_nonzero\", \"ge\": 2, \"lt\": 5}], ";
	static const char id[] = "\"id\": \"reported-now\",";
	struct strbuf text = { 0 }, sb = { 0 };
	struct pack *pack = card_load(&text);
	const char *at = strstr(text.p, id);
	struct features f = { 0 };
	bool open;

	pack_free(pack);
	pack = NULL;
	strbuf_add(&sb, text.p, (size_t)(at - text.p));
	strbuf_puts(&sb, bounded);
	strbuf_puts(&sb, at);
	ck_assert_int_eq(pack_parse(sb.p, sb.n, &pack, NULL), 0);
	see(&f, COUNTER_REPORTED, 5, DAY0);
	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 1, DAY0 + 10);
	ck_feature(&f, "smart_197_raw.days_nonzero", DAY0 + 14, 4);
	/* on days 2, 3 and 4 the five reported errors count */
	ck_assert_int_eq(eval_score(pack, &f, NULL, DAY0 + 12, &open) -
		eval_score(pack, &f, NULL, DAY0 + 11, &open), 20);
	ck_assert_int_eq(eval_score(pack, &f, NULL, DAY0 + 14, &open) -
		eval_score(pack, &f, NULL, DAY0 + 15, &open), 20);
	pack_free(pack);
	strbuf_free(&text);
	strbuf_free(&sb);
}
END_TEST

START_TEST(a_model_has_its_say_where_it_is_known)
{
	static const char models[] = "\"models\": [{\"model\": \"ST4000\", "
		"\"hundredths\": -40, \"drives\": 90, \"failed\": 3}, "
		"{\"model\": \"ST4000DM000\", \"hundredths\": 70, "
		"\"drives\": 80, \"failed\": 60}], ";
	struct strbuf text = { 0 }, sb = { 0 };
	struct pack *pack = card_load(&text);
	const char *at = strstr(text.p, "\"rules\": [");
	struct features f = { 0 };
	struct verdict v, again, plain;
	struct tc_err e = { 0 };

	pack_free(pack);
	pack = NULL;
	strbuf_add(&sb, text.p, (size_t)(at - text.p));
	strbuf_puts(&sb, models);
	strbuf_puts(&sb, at);
	ck_assert_int_eq(pack_parse(sb.p, sb.n, &pack, NULL), 0);
	ck_assert_ptr_null(pack_model_find(pack, "ST4000VN"));
	ck_assert_int_eq(pack_model_find(pack, "ST4000 x")->weight, -40);
	see(&f, COUNTER_PENDING, 9, DAY0);
	eval_device(pack, &f, "unheard of", wall_from_days(DAY0), &plain);
	eval_device(pack, &f, "ST4000DM000-1F2168", wall_from_days(DAY0), &v);
	ck_assert_int_eq(v.score, plain.score + 70);
	ck_assert_int_eq(eval_recompute(pack, &v, &again, &e), 0);
	ck_assert_mem_eq(&v, &again, sizeof(v));
	ck_assert_int_eq(v.evidence[0].kind, EVIDENCE_MODEL);
	ck_assert_int_eq(v.evidence[0].value, 60);
	v.evidence[0].contribution = 71;
	ck_assert_int_eq(eval_recompute(pack, &v, &again, &e), TC_EINVAL);
	pack_free(pack);
	strbuf_free(&text);
	strbuf_free(&sb);
}
END_TEST

START_TEST(a_forged_verdict_is_refused)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);
	struct features f = { 0 };
	struct verdict v, bad, again;
	struct tc_err e = { 0 };

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 50, DAY0 + 1);
	eval_device(pack, &f, "", wall_from_days(DAY0 + 1), &v);
	bad = v;
	bad.pack[0] = 'x';
	ck_assert_int_eq(eval_recompute(pack, &bad, &again, &e), TC_EINVAL);
	bad = v;
	(void)snprintf(bad.evidence[0].rule, VERDICT_NAME, "no-such-rule");
	ck_assert_int_eq(eval_recompute(pack, &bad, &again, &e), TC_EINVAL);
	bad = v;
	bad.evidence[1] = bad.evidence[0];
	ck_assert_int_eq(eval_recompute(pack, &bad, &again, &e), TC_EINVAL);
	bad = v;
	for (uint32_t i = 0; i < bad.n_evidence; i++)
		bad.evidence[i].kind = EVIDENCE_RULE == bad.evidence[i].kind ?
			EVIDENCE_RULE : EVIDENCE_CONDITION;
	ck_assert_int_eq(eval_recompute(pack, &bad, &again, &e), TC_EINVAL);
	ck_assert_msg(strstr(e.text, "opened the gate"), "%s", e.text);
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(names_go_out_and_come_back)
{
	enum level level;
	enum counter counter;
	struct feature_ref ref;

	for (int i = 0; i < LEVEL_N; i++) {
		const char *id = level_name((enum level)i);

		ck_assert(level_from_name(id, strlen(id), &level));
		ck_assert_int_eq(level, i);
		ck_assert_uint_gt(strlen(level_text((enum level)i)), 0);
	}
	ck_assert(!level_from_name("urgent", 6, &level));
	ck_assert(!counter_from_metric("smart_9_raw", 11, &counter));
	ck_assert(!feature_ref_parse("smart_5_raw", 11, &ref));
	ck_assert(!feature_ref_parse("device.now", 10, &ref));
	ck_assert(!feature_ref_parse("disk.kinds_nonzero", 18, &ref));
	for (int i = 0; i < STAT_N; i++) {
		ck_assert_uint_gt(strlen(stat_name((enum stat_kind)i)), 0);
		ck_assert_uint_gt(strlen(stat_unit((enum stat_kind)i)), 0);
	}
	ck_assert_str_eq(evidence_kind_name(EVIDENCE_CONDITION), "condition");
}
END_TEST

START_TEST(a_pack_is_known_by_its_bytes)
{
	struct strbuf text = { 0 };
	struct pack *a = card_load(&text), *b = NULL;

	ck_assert_int_eq(strncmp(a->id, "additive-card@1.0.0+sha256:", 27), 0);
	ck_assert_uint_eq(strlen(a->id), 27 + 64);
	strbuf_puts(&text, " ");
	ck_assert_int_eq(pack_parse(text.p, text.n, &b, NULL), 0);
	ck_assert_str_ne(a->id, b->id);
	ck_assert_int_eq(a->settle_days, 90);
	pack_free(a);
	pack_free(b);
	strbuf_free(&text);
}
END_TEST

START_TEST(running_out_of_memory_is_an_error_not_a_crash)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text), *none = NULL;
	struct tc_err e = { 0 };

	mem_fail_at(1);
	ck_assert_int_eq(pack_parse(text.p, text.n, &none, &e), TC_ENOMEM);
	mem_fail_at(0);
	ck_assert_ptr_null(none);
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

int
main(void)
{
	return STORIES("predict",
		a_counter_never_reported_is_unknown_not_zero,
		the_first_value_is_a_baseline_however_late,
		a_rise_shows_for_its_window_and_no_longer,
		pending_sectors_may_fall_reallocated_ones_rebaseline,
		rises_of_one_day_are_one_event,
		p1_packed_timeouts_are_small_counters,
		what_comes_late_cannot_rewrite_what_is_newer,
		windows_agree_with_a_full_history,
		a_restart_changes_nothing,
		damaged_bytes_are_refused_and_change_nothing,
		a_clean_disk_is_judged_clean,
		a_disk_that_says_nothing_is_unknown_not_clean,
		r031_growing_pending_sectors_flag_at_the_second_step,
		r031_a_constant_24_for_a_year_does_not_escalate,
		p3_a_verdict_is_recomputed_from_its_evidence_alone,
		the_built_in_pack_recomputes_and_says_its_models,
		growing_pending_sectors_escalate_constant_ones_do_not,
		host_risk_names_its_reason,
		faults_of_a_pack_are_named_by_json_pointer,
		wrong_types_and_bounds_of_a_pack_are_named_too,
		a_pack_that_could_overflow_the_evidence_is_refused,
		a_rule_with_a_condition_shows_it,
		a_condition_may_be_bounded_above,
		a_model_has_its_say_where_it_is_known,
		a_forged_verdict_is_refused,
		names_go_out_and_come_back,
		a_pack_is_known_by_its_bytes,
		running_out_of_memory_is_an_error_not_a_crash);
}
