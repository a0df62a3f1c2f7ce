/*
 * drive: what a drive says of itself is judged by its meaning.
 */
#include <check.h>
#include <string.h>

#include "predict/drive.h"
#include "predict/eval.h"
#include "t/lib/card.h"
#include "t/lib/story.h"

#define DAY0 20000

static struct drive_rules rules;

static void
see(struct drive_state *s, const char *metric, double value, int day)
{
	(void)drive_observe(s, metric, value, wall_from_days(DAY0 + day));
}

static struct verdict
judge(const struct drive_state *s, int day)
{
	struct verdict v = { .judged_at = wall_from_days(DAY0 + day) };

	if (rules.n == 0)
		ck_assert_int_eq(drive_rules_builtin(&rules, NULL), 0);
	drive_judge(&rules, s, NULL, 0, &v);
	return v;
}

static bool
says(const struct verdict *v, const char *rule)
{
	for (uint32_t i = 0; i < v->n_evidence; i++)
		if (strcmp(v->evidence[i].rule, rule) == 0)
			return true;
	return false;
}

START_TEST(p1_104_percent_used_with_all_spare_is_wear_not_failure)
{
	struct drive_state s = { 0 };
	struct verdict v;

	see(&s, "wear_ratio", 1.04, 0);
	see(&s, "spare_ratio", 1, 0);
	see(&s, "media_errors", 0, 0);
	/* some say "degraded" and "failed" for nothing but that */
	see(&s, "critical_warning", 4, 0);
	see(&s, "smart_passed", 0, 0);
	v = judge(&s, 0);
	ck_assert_int_eq(v.level, LEVEL_NONE);
	ck_assert_uint_eq(v.kinds, 1u << VERDICT_WEAR);
	ck_assert_uint_eq(v.n_evidence, 1);
	ck_assert_str_eq(v.evidence[0].rule, "worn-out");
	ck_assert_int_eq(v.evidence[0].value, 104);
	ck_assert_str_eq(v.evidence[0].stat, "percent");
	/* the spare goes as well: now it is failing */
	see(&s, "spare_ratio", 0.05, 1);
	v = judge(&s, 1);
	ck_assert_int_eq(v.level, LEVEL_LIKELY);
	ck_assert(says(&v, "own-status-failed"));
}
END_TEST

START_TEST(p1_spare_below_its_threshold_or_read_only_is_left_now)
{
	struct drive_state low = { 0 }, read_only = { 0 }, warm = { 0 };

	see(&low, "critical_warning", 1, 0);
	ck_assert_int_eq(judge(&low, 0).level, LEVEL_IMMINENT);
	see(&read_only, "critical_warning", 8, 0);
	ck_assert_int_eq(judge(&read_only, 0).level, LEVEL_IMMINENT);
	see(&warm, "critical_warning", 2, 0);
	ck_assert_int_eq(judge(&warm, 0).level, LEVEL_NONE);
}
END_TEST

START_TEST(a_failed_own_status_is_likely_at_least)
{
	struct drive_state s = { 0 };

	see(&s, "smart_passed", 1, 0);
	ck_assert_int_eq(judge(&s, 0).level, LEVEL_NONE);
	see(&s, "smart_passed", 0, 1);
	ck_assert_int_eq(judge(&s, 1).level, LEVEL_LIKELY);
}
END_TEST

START_TEST(old_errors_are_history_new_ones_are_not)
{
	struct drive_state s = { 0 };
	struct verdict v;

	see(&s, "media_errors", 3, 0);
	see(&s, "grown_defects", 200, 0);
	see(&s, "crc_errors", 87, 0);
	v = judge(&s, 0);
	ck_assert_uint_eq(v.n_evidence, 0);
	see(&s, "media_errors", 4, 5);
	v = judge(&s, 5);
	ck_assert_int_eq(v.level, LEVEL_WATCH);
	ck_assert(says(&v, "media-errors-rise"));
	ck_assert_int_eq(v.evidence[0].change, 1);
	/* a month of quiet */
	ck_assert_int_eq(judge(&s, 36).level, LEVEL_NONE);
	see(&s, "grown_defects", 300, 40);
	ck_assert_int_eq(judge(&s, 40).level, LEVEL_LIKELY);
}
END_TEST

START_TEST(link_errors_are_the_paths_not_the_drives)
{
	struct drive_state s = { 0 };
	struct verdict v;

	see(&s, "crc_errors", 0, 0);
	see(&s, "crc_errors", 5000, 1);
	v = judge(&s, 1);
	ck_assert_int_eq(v.level, LEVEL_NONE);
	ck_assert_uint_eq(v.kinds, 1u << VERDICT_PATH);
}
END_TEST

START_TEST(p2_what_is_accepted_is_quiet_until_it_moves)
{
	struct acceptance a = { .metric = "crc_errors", .value = 87,
		.until = wall_from_days(DAY0 + 365) };
	struct drive_state s = { 0 };
	struct verdict v = { .judged_at = wall_from_days(DAY0 + 3) };

	see(&s, "crc_errors", 80, 0);
	see(&s, "crc_errors", 87, 1);
	ck_assert(says(&(struct verdict[]){ judge(&s, 3) }[0],
		"link-errors-rise"));
	drive_judge(&rules, &s, &a, 1, &v);
	ck_assert_uint_eq(v.n_evidence, 0);
	see(&s, "crc_errors", 88, 3);
	drive_judge(&rules, &s, &a, 1, &v);
	ck_assert_uint_eq(v.n_evidence, 1);
	ck_assert_int_eq(accept_check(&a, 87, wall_from_days(DAY0)),
		ACCEPT_HOLDS);
	ck_assert_int_eq(accept_check(&a, 88, wall_from_days(DAY0)),
		ACCEPT_MOVED);
	ck_assert_int_eq(accept_check(&a, 86, wall_from_days(DAY0)),
		ACCEPT_MOVED);
	ck_assert_int_eq(accept_check(&a, 87, wall_from_days(DAY0 + 365)),
		ACCEPT_EXPIRED);
}
END_TEST

START_TEST(the_rows_alone_say_the_level_again)
{
	struct pack *card = card_new();
	struct features f = { 0 };
	struct drive_state s = { 0 };
	struct verdict v, again;
	struct tc_err e = { 0 };

	see(&s, "critical_warning", 8, 0);
	see(&s, "wear_ratio", 1.2, 0);
	(void)judge(&s, 0);
	eval_device(card, &f, "", wall_from_days(DAY0), &v);
	drive_judge(&rules, &s, NULL, 0, &v);
	ck_assert_int_eq(eval_recompute(card, &v, &again, &e), 0);
	ck_assert_int_eq(drive_recompute(&rules, &v, &again, &e), 0);
	ck_assert_int_eq(again.level, LEVEL_IMMINENT);
	ck_assert_mem_eq(&v, &again, sizeof(v));
	v.evidence[0].value = 0;
	ck_assert_int_eq(drive_recompute(&rules, &v, &again, &e), TC_EINVAL);
	pack_free(card);
}
END_TEST

static void
fill(struct drive_state *s)
{
	see(s, "critical_warning", 4, 0);
	see(s, "wear_ratio", 0.3125, 0);
	see(s, "media_errors", 3, 0);
	see(s, "media_errors", 30, 5);
	see(s, "grown_defects", 9007199254740991.0, 6);
	see(s, "grown_defects", 7, 7);
}

START_TEST(p11_saved_and_restored_it_is_the_same_drive)
{
	unsigned char bytes[DRIVE_SAVED_MAX], again[DRIVE_SAVED_MAX];
	struct drive_state s = { 0 }, t = { 0 };
	size_t n = drive_save(&s, bytes);

	ck_assert_int_eq(drive_restore(bytes, n, &t, NULL), 0);
	ck_assert_mem_eq(&s, &t, sizeof(s));
	fill(&s);
	n = drive_save(&s, bytes);
	ck_assert_int_eq(drive_restore(bytes, n, &t, NULL), 0);
	ck_assert_mem_eq(&s, &t, sizeof(s));
	ck_assert_uint_eq(drive_save(&t, again), n);
	ck_assert_mem_eq(bytes, again, n);
	ck_assert(says(&(struct verdict[]){ judge(&t, 10) }[0],
		"media-errors-many"));
}
END_TEST

START_TEST(damaged_bytes_are_refused_and_change_nothing)
{
	unsigned char bytes[DRIVE_SAVED_MAX + 1];
	struct drive_state s = { 0 }, t = { .seen = 0 };
	struct tc_err e = { 0 };
	size_t n;

	fill(&s);
	n = drive_save(&s, bytes);
	for (size_t cut = 0; cut < n; cut++)
		ck_assert_int_eq(drive_restore(bytes, cut, &t, &e),
			TC_ECORRUPT);
	ck_assert_int_eq(drive_restore(bytes, n + 1, &t, &e), TC_ECORRUPT);
	bytes[1] = 2;
	ck_assert_int_eq(drive_restore(bytes, n, &t, &e), TC_ENEWER);
	bytes[1] = 1;
	memset(bytes + 6, 0xff, 8);	/* not a number */
	ck_assert_int_eq(drive_restore(bytes, n, &t, &e), TC_ECORRUPT);
	ck_assert_uint_eq(t.seen, 0);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const char *const bad[] = {
		"{", "{}", "{\"rules\": [{}]}",
		"{\"rules\": [{\"id\": \"a\", \"source\": \"b\"}]}",
		"{\"rules\": [{\"id\": \"a\", \"source\": \"b\", \"metric\": "
			"\"wear_ratio\", \"ge\": 1, \"kind\": \"wear\", "
			"\"level\": \"likely\"}]}",
		"{\"rules\": [{\"id\": \"a\", \"source\": \"b\", \"metric\": "
			"\"crc_errors\", \"rise\": 1, \"kind\": \"path\"}]}",
		"{\"rules\": [{\"id\": \"a\", \"source\": \"b\", \"metric\": "
			"\"critical_warning\", \"bit\": 9, \"kind\": \"path\"}]}",
	};
	struct drive_state s = { 0 };
	struct drive_rules none;
	struct tc_err e = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(drive_rules_parse(bad[i], strlen(bad[i]),
			&none, &e), TC_EINVAL);
	ck_assert(!drive_observe(&s, "no_such", 1, wall_from_days(1)));
	ck_assert(!drive_observe(&s, "wear_ratio", -1, wall_from_days(1)));
}
END_TEST

int
main(void)
{
	return STORIES("drive", p1_104_percent_used_with_all_spare_is_wear_not_failure,
		p1_spare_below_its_threshold_or_read_only_is_left_now,
		a_failed_own_status_is_likely_at_least,
		old_errors_are_history_new_ones_are_not,
		link_errors_are_the_paths_not_the_drives,
		p2_what_is_accepted_is_quiet_until_it_moves,
		the_rows_alone_say_the_level_again, p11_saved_and_restored_it_is_the_same_drive,
		damaged_bytes_are_refused_and_change_nothing,
		nonsense_is_refused);
}
