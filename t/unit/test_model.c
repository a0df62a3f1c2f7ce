/*
 * model: names, reasons, states, changes.
 */
#include <string.h>

#include "model/change.h"
#include "model/name.h"
#include "model/reason.h"
#include "model/state.h"
#include "t/lib/story.h"

START_TEST(every_reason_has_its_own_id_and_reads_back)
{
	for (unsigned code = 0; code < 256; code++) {
		enum tocsin_reason r = (enum tocsin_reason)code, back;

		if (!reason_is_known(code))
			continue;
		ck_assert(reason_parse(reason_id(r), strlen(reason_id(r)), &back));
		ck_assert_uint_eq(back, code);
		ck_assert_uint_gt(strlen(reason_words(r)), 0);
	}
	ck_assert(!reason_is_known(255));
	ck_assert_str_eq(reason_id((enum tocsin_reason)255), "unknown_reason");
}
END_TEST

START_TEST(our_own_trouble_is_never_the_targets)
{
	static const enum tocsin_reason ours[] = { TOCSIN_WHY_LOCAL_RESOURCE,
		TOCSIN_WHY_LOCAL_NO_ROUTE, TOCSIN_WHY_LOCAL_PERMISSION,
		TOCSIN_WHY_ICMP_UNAVAILABLE, TOCSIN_WHY_EXEC_FAILED,
		TOCSIN_WHY_EXEC_TIMEOUT, TOCSIN_WHY_PROBE_CRASHED,
		TOCSIN_WHY_STALE, (enum tocsin_reason)250 };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		ck_assert_int_eq(reason_outcome(ours[i]), TOCSIN_UNKNOWN);
	ck_assert_int_eq(reason_outcome(TOCSIN_WHY_CONNECT_REFUSED), TOCSIN_FAIL);
}
END_TEST

START_TEST(shown_state_is_a_function_of_three_things)
{
	ck_assert_int_eq(state_of(HEALTH_UNHEALTHY, DISPOSITION_IN_SERVICE, 0),
		STATE_UNHEALTHY);
	ck_assert_int_eq(state_of(HEALTH_UNHEALTHY, DISPOSITION_MAINTENANCE, 0),
		STATE_MAINTENANCE);
	ck_assert_int_eq(state_of(HEALTH_HEALTHY, DISPOSITION_IN_SERVICE,
		UNIT_ASLEEP), STATE_ASLEEP);
	ck_assert_int_eq(state_of(HEALTH_HEALTHY, DISPOSITION_IN_SERVICE,
		UNIT_ASLEEP | UNIT_FLAPPING), STATE_FLAPPING);
	ck_assert_int_eq(state_of(HEALTH_UNHEALTHY, DISPOSITION_IN_SERVICE,
		UNIT_FLAPPING), STATE_UNHEALTHY);
	ck_assert_int_eq(state_of(HEALTH_STALE, DISPOSITION_PROBATION, 0),
		STATE_STALE);
	ck_assert_int_eq(state_of(HEALTH_HEALTHY, DISPOSITION_RETIRED, 0),
		STATE_RETIRED);
}
END_TEST

START_TEST(severity_is_one_strict_order)
{
	for (int a = 0; a < STATE_COUNT_; a++)
		for (int b = 0; b < STATE_COUNT_; b++)
			ck_assert(!(state_worse((enum unit_state)a,
					    (enum unit_state)b) &&
				state_worse((enum unit_state)b,
					(enum unit_state)a)));
	ck_assert(state_worse(STATE_UNHEALTHY, STATE_SUSPECT));
	ck_assert(state_worse(STATE_UNKNOWN, STATE_HEALTHY));
	ck_assert(health_worse(HEALTH_STALE, HEALTH_UNKNOWN));
}
END_TEST

START_TEST(names_are_folded_or_refused_with_the_place)
{
	char out[NAME_MAX_BYTES + 1] = "untouched";
	char longest[NAME_MAX_BYTES + 2];
	struct tc_err e = { 0 };

	memset(longest, 'a', sizeof(longest));
	ck_assert_int_eq(name_fold("Web-01.Rack_2", 13, out, &e), 0);
	ck_assert_str_eq(out, "web-01.rack_2");
	ck_assert_int_eq(name_fold("a", 1, out, &e), 0);
	ck_assert_int_eq(name_fold(longest, NAME_MAX_BYTES, out, &e), 0);
	strcpy(out, "untouched");	/* lint: literal fits */
	ck_assert_int_eq(name_fold(longest, NAME_MAX_BYTES + 1, out, &e),
		TC_EINVAL);
	ck_assert_int_eq(name_fold("", 0, out, &e), TC_EINVAL);
	ck_assert_int_eq(name_fold("-a", 2, out, &e), TC_EINVAL);
	ck_assert_int_eq(name_fold("a.", 2, out, &e), TC_EINVAL);
	ck_assert_int_eq(name_fold("a/b", 3, out, &e), TC_EINVAL);
	ck_assert_str_eq(e.text, "byte 1 (0x2f) may not stand in a name");
	ck_assert_int_eq(name_fold("a\0b", 3, out, &e), TC_EINVAL);
	ck_assert_int_eq(name_fold("h\xc3\xa9", 3, out, &e), TC_EINVAL);
	ck_assert_str_eq(out, "untouched");
	ck_assert(name_is_metric("cpu_seconds_total", 17));
	ck_assert(!name_is_metric("9lives", 6));
	ck_assert(!name_is_metric("a-b", 3));
}
END_TEST

START_TEST(an_address_is_one_that_can_be_asked)
{
	static const char *const good[] = { "", "192.0.2.1", "0.0.0.0",
		"web-1.example.org", "web_1", "2001:db8::1", "::1", "::",
		"fe80::1%eth0", "::ffff:192.0.2.1", "1.2.3.4.in-addr.arpa",
		"3com" };
	static const char *const bad[] = { "300.1.1.1", "1.2.3", "12", "1.2.3.",
		"1.2.3.4.5", "1..2.3", "0001.2.3.4", ".", "192.0.2.1:80",
		"web:80", "a b", "a/b", "h\xc3\xa9", "web::1x" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(name_is_address(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!name_is_address(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_change_set_survives_lack_of_memory)
{
	for (long n = 1; n < 6; n++) {
		struct change_set *cs;
		size_t added = 0;

		mem_fail_at(n);
		cs = change_set_new();
		for (int i = 0; cs != NULL && i < 40; i++)
			added += change_add(cs, CHANGE_EVENT) != NULL;
		mem_fail_at(0);
		ck_assert(cs == NULL || cs->n == added);
		change_set_free(cs);
	}
}
END_TEST

int
main(void)
{
	return STORIES("model", every_reason_has_its_own_id_and_reads_back,
		our_own_trouble_is_never_the_targets,
		shown_state_is_a_function_of_three_things,
		severity_is_one_strict_order,
		names_are_folded_or_refused_with_the_place,
		an_address_is_one_that_can_be_asked,
		a_change_set_survives_lack_of_memory);
}
