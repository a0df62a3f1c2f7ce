/* Out of service and back: the steps there are, and what each asks for. */
#include <string.h>

#include "plan/repair.h"
#include "t/lib/story.h"

static int
step(enum disposition from, enum disposition to, const struct diagnosis *d)
{
	struct tc_err e = { 0 };
	int rc = repair_step(from, to, d, &e);

	ck_assert(rc == 0 || (rc == TC_EEXIST && e.text[0] != '\0'));
	return rc;
}

START_TEST(r016_the_way_back_is_quarantine_diagnosis_probation)
{
	static const enum disposition way[] = { DISPOSITION_IN_SERVICE,
		DISPOSITION_REBOOTING, DISPOSITION_EVACUATING,
		DISPOSITION_QUARANTINED, DISPOSITION_DIAGNOSING,
		DISPOSITION_PROBATION, DISPOSITION_IN_SERVICE };
	const struct diagnosis sound = { .result = RESULT_REPAIRED };
	struct tc_err e = { 0 };

	for (size_t i = 1; i < ARRAY_LEN(way); i++)
		ck_assert_int_eq(step(way[i - 1], way[i], &sound), 0);
	ck_assert_int_eq(repair_step(DISPOSITION_QUARANTINED,
		DISPOSITION_IN_SERVICE, &sound, &e), TC_EEXIST);
	ck_assert_str_eq(e.text, "no step from quarantined to in_service; "
		"there are: diagnosing, retired");
	/* who was quarantined comes back by probation alone */
	for (int d = 0; d <= DISPOSITION_RETIRED; d++)
		if (step((enum disposition)d, DISPOSITION_IN_SERVICE,
			&sound) == 0)
			ck_assert(d != DISPOSITION_QUARANTINED &&
				d != DISPOSITION_DIAGNOSING &&
				d != DISPOSITION_RETIRED);
	/* to stay is no step */
	for (int d = 0; d <= DISPOSITION_RETIRED; d++)
		ck_assert_int_eq(step((enum disposition)d,
			(enum disposition)d, NULL), 0);
}
END_TEST

START_TEST(r018_nobody_leaves_quarantine_without_a_result)
{
	struct diagnosis d = { .result = RESULT_OPEN };

	ck_assert_int_eq(step(DISPOSITION_DIAGNOSING, DISPOSITION_PROBATION,
		NULL), TC_EEXIST);
	ck_assert_int_eq(step(DISPOSITION_DIAGNOSING, DISPOSITION_PROBATION,
		&d), TC_EEXIST);
	d.result = RESULT_SCRAPPED;	/* not back, but out */
	ck_assert_int_eq(step(DISPOSITION_DIAGNOSING, DISPOSITION_PROBATION,
		&d), TC_EEXIST);
	ck_assert_int_eq(step(DISPOSITION_DIAGNOSING, DISPOSITION_RETIRED,
		&d), 0);
	ck_assert_int_eq(step(DISPOSITION_QUARANTINED, DISPOSITION_RETIRED,
		NULL), TC_EEXIST);
	d.result = RESULT_NO_FAULT_FOUND;
	ck_assert_int_eq(step(DISPOSITION_DIAGNOSING, DISPOSITION_PROBATION,
		&d), 0);
}
END_TEST

static int
merge(struct diagnosis *d, const char *text, struct tc_err *e)
{
	char json[1200];

	ck_assert_uint_lt(strlen(text), sizeof(json));
	memcpy(json, text, strlen(text) + 1);
	return diagnosis_merge(d, json, strlen(json), e);
}

START_TEST(r018_a_diagnosis_is_laid_over_the_last_one_and_comes_back)
{
	struct diagnosis d = { .by = "anna", .at = { 1767225600000 } }, back;
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };

	ck_assert_int_eq(merge(&d, "{\"memory\":\"bad\",\"ticket\":\"T-7\"}",
		&e), 0);
	ck_assert_int_eq(merge(&d, "{\"disk\":\"good\",\"result\":"
		"\"repaired\",\"note\":\"DIMM 3 \\u00fc\"}", &e), 0);
	ck_assert_int_eq(d.parts[REPAIR_MEMORY], FINDING_BAD);
	ck_assert_int_eq(d.parts[REPAIR_DISK], FINDING_GOOD);
	ck_assert_int_eq(d.parts[REPAIR_PSU], FINDING_UNTESTED);
	ck_assert_str_eq(d.ticket, "T-7");
	diagnosis_write(&d, &text);
	ck_assert_msg(diagnosis_parse(text.p, text.n, &back, &e) == 0, "%s",
		e.text);
	ck_assert_mem_eq(d.parts, back.parts, sizeof(d.parts));
	ck_assert_int_eq(back.result, RESULT_REPAIRED);
	ck_assert_str_eq(back.note, d.note);
	ck_assert_str_eq(back.by, "anna");
	ck_assert_int_eq(back.at.ms, d.at.ms);
	strbuf_free(&text);
}
END_TEST

START_TEST(what_is_wrong_is_named_and_changes_nothing)
{
	static const struct { const char *json, *said; } rows[] = {
		{ "", "ends where a value" },
		{ "[]", "not an object" },
		{ "{\"memory\":\"fine\"}", "/memory: not one of" },
		{ "{\"memory\":3}", "/memory: not a string" },
		{ "{\"memory\":\"good\",\"fan\":\"bad\"}", "/fan" },
		{ "{\"memory\":\"good\",\"by\":\"mallory\"}", "/by" },
		{ "{\"memory\":\"good\",\"result\":\"ok\"}", "/result" },
		{ "{\"ticket\":\"01234567890123456789012345678901234567890123456"
		  "78901234567890123456789\"}", "/ticket" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diagnosis d = { .ticket = "T" };
		struct tc_err e = { 0 };

		ck_assert_int_eq(merge(&d, rows[i].json, &e), TC_EINVAL);
		ck_assert_msg(strstr(e.text, rows[i].said) != NULL, "%s: %s",
			rows[i].json, e.text);
		ck_assert_int_eq(d.parts[REPAIR_MEMORY], FINDING_UNTESTED);
		ck_assert_str_eq(d.ticket, "T");
	}
}
END_TEST

int
main(void)
{
	return STORIES("repair",
		r016_the_way_back_is_quarantine_diagnosis_probation,
		r018_nobody_leaves_quarantine_without_a_result,
		r018_a_diagnosis_is_laid_over_the_last_one_and_comes_back,
		what_is_wrong_is_named_and_changes_nothing);
}
