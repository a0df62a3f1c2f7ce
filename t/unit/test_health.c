/*
 * health: streaks, silence, doubt, and restarts.
 */
#include <string.h>

#include "health/check.h"
#include "health/observer.h"
#include "t/lib/story.h"

static const struct check_rule rule = {
	.interval = { INT64_C(15000000000) },
	.timeout = { INT64_C(5000000000) },
	.fail_after = 3, .clear_after = 2, .stale_after = 3,
};

struct story {
	struct check_state c;
	struct check_move move;
	int64_t s;	/* now, seconds */
	int moves;
};

static struct story
begin(void)
{
	struct story st = { .s = 1000 };

	check_state_init(&st.c, (struct now){ { st.s * 1000000000 },
		{ st.s * 1000 } });
	return st;
}

/* One observation every 15 s: o = OK, F = failure, u = could not measure, p = its
 * parent is down, . = silence. */
static void
play(struct story *st, const char *seq)
{
	for (; *seq != '\0'; seq++) {
		struct now now = { { (st->s + 15) * 1000000000 },
			{ (st->s + 15) * 1000 } };
		struct check_seen seen = { TOCSIN_OK, TOCSIN_WHY_NONE };

		st->s += 15;
		if (*seq == 'F')
			seen = (struct check_seen){ TOCSIN_FAIL,
				TOCSIN_WHY_CONNECT_REFUSED };
		if (*seq == 'u')
			seen = (struct check_seen){ TOCSIN_UNKNOWN,
				TOCSIN_WHY_LOCAL_RESOURCE };
		if (*seq == 'p')
			seen = (struct check_seen){ TOCSIN_UNKNOWN,
				TOCSIN_WHY_PARENT_DOWN };
		if (*seq != '.')
			st->moves += check_observe(&st->c, &rule, seen, now,
				&st->move);
		st->moves += check_age(&st->c, &rule, now, &st->move);
	}
}

static enum health
after(const char *seq)
{
	struct story st = begin();

	play(&st, seq);
	return (enum health)st.c.health;
}

START_TEST(three_in_a_row_convict_and_one_success_resets)
{
	ck_assert_int_eq(after(""), HEALTH_UNKNOWN);
	ck_assert_int_eq(after("o"), HEALTH_HEALTHY);
	ck_assert_int_eq(after("oF"), HEALTH_SUSPECT);
	ck_assert_int_eq(after("oFF"), HEALTH_SUSPECT);
	ck_assert_int_eq(after("oFFo"), HEALTH_HEALTHY);
	ck_assert_int_eq(after("oFFF"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFoFF"), HEALTH_SUSPECT);
}
END_TEST

START_TEST(r005_exactly_one_transition_to_unhealthy_at_the_sixth)
{
	struct story st = begin();
	int convicted = 0;

	for (const char *p = "FFoFFF"; *p != '\0'; p++) {
		char one[2] = { *p, '\0' };

		play(&st, one);
		convicted += st.c.health == HEALTH_UNHEALTHY;
	}
	ck_assert_int_eq(convicted, 1);
	ck_assert_int_eq(st.c.health, HEALTH_UNHEALTHY);
}
END_TEST

START_TEST(one_stray_success_does_not_acquit)
{
	ck_assert_int_eq(after("FFFo"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFFoFo"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFFoo"), HEALTH_HEALTHY);
}
END_TEST

START_TEST(what_we_could_not_measure_convicts_nobody)
{
	ck_assert_int_eq(after("ou"), HEALTH_HEALTHY);
	ck_assert_int_eq(after("ouuuuuuuu"), HEALTH_UNKNOWN);
	ck_assert_int_eq(after("oFFuF"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFFuuuuuuuu"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("ouuuuuuuuo"), HEALTH_HEALTHY);
}
END_TEST

START_TEST(p10_what_its_parent_explains_is_forgotten)
{
	ck_assert_int_eq(after("oFFp"), HEALTH_UNKNOWN);
	/* the two before it no longer count, and it takes three again */
	ck_assert_int_eq(after("oFFpFF"), HEALTH_SUSPECT);
	ck_assert_int_eq(after("oFFpFFF"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("oFpppppppo"), HEALTH_HEALTHY);
	/* heard of, so not stale; and not known to be well either */
	ck_assert_int_eq(after("opppppppp"), HEALTH_UNKNOWN);
	/* who was convicted before stays so */
	ck_assert_int_eq(after("FFFpppp"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFFppoo"), HEALTH_HEALTHY);
}
END_TEST

START_TEST(p10_a_verdict_that_was_held_is_given_later)
{
	struct check_rule patient = rule;
	struct story st = begin();
	struct now now;

	patient.fail_after = 1000;
	play(&st, "o");
	for (int i = 0; i < 5; i++) {
		st.s += 15;
		now = (struct now){ { st.s * 1000000000 }, { st.s * 1000 } };
		check_observe(&st.c, &patient, (struct check_seen){
			TOCSIN_FAIL, TOCSIN_WHY_NO_REPLY }, now, &st.move);
	}
	ck_assert_int_eq(st.c.health, HEALTH_SUSPECT);
	ck_assert(!check_convict(&st.c, &patient, now.wall, &st.move));
	ck_assert(check_convict(&st.c, &rule, now.wall, &st.move));
	ck_assert_int_eq(st.move.to, HEALTH_UNHEALTHY);
	ck_assert_int_eq(st.move.reason, TOCSIN_WHY_NO_REPLY);
	ck_assert(!check_convict(&st.c, &rule, now.wall, &st.move));
	/* after an answer there is nothing left to be given */
	st = begin();
	play(&st, "oFFo");
	ck_assert(!check_convict(&st.c, &rule, now.wall, &st.move));
}
END_TEST

START_TEST(r128_silence_is_stale_after_three_intervals)
{
	ck_assert_int_eq(after("o..."), HEALTH_HEALTHY);
	ck_assert_int_eq(after("o...."), HEALTH_STALE);
	ck_assert_int_eq(after("...."), HEALTH_STALE);
	ck_assert_int_eq(after("o....o"), HEALTH_HEALTHY);
	ck_assert_int_eq(after("oF....F"), HEALTH_SUSPECT);
}
END_TEST

START_TEST(absence_of_data_never_heals)
{
	ck_assert_int_eq(after("FFF...."), HEALTH_STALE);
	ck_assert_int_eq(after("FFF....o"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFF....u"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(after("FFF....oo"), HEALTH_HEALTHY);
}
END_TEST

/* All 4^9 sequences: no forbidden move (it would abort), and the laws. */
START_TEST(every_short_sequence_obeys_the_laws)
{
	static const char kinds[] = "oFu.";

	for (unsigned n = 0; n < 1U << 18; n++) {
		char seq[10] = { 0 };
		enum health h;

		for (unsigned i = 0; i < 9; i++)
			seq[i] = kinds[(n >> (2 * i)) & 3];
		h = after(seq);
		if (memcmp(seq + 6, "FFF", 3) == 0)
			ck_assert_msg(h == HEALTH_UNHEALTHY, "%s", seq);
		if (memcmp(seq + 7, "oo", 2) == 0)
			ck_assert_msg(h == HEALTH_HEALTHY, "%s", seq);
		if (strstr(seq, "FF") == NULL && strstr(seq, "Fu") == NULL &&
		    strstr(seq, "F.") == NULL)
			ck_assert_msg(h != HEALTH_UNHEALTHY, "%s", seq);
	}
}
END_TEST

/* Cut anywhere: what follows is judged as if nothing had happened. */
START_TEST(p11_a_restart_changes_no_verdict)
{
	static const char kinds[] = "oFu";

	for (unsigned n = 0; n < 6561; n++) {
		char seq[9] = { 0 };
		unsigned digits = n;

		for (unsigned i = 0; i < 8; i++, digits /= 3)
			seq[i] = kinds[digits % 3];
		for (size_t cut = 0; cut <= 8; cut++) {
			struct story whole = begin(), st = begin();
			unsigned char saved[CHECK_SAVED_BYTES];
			char head[9] = { 0 };

			memcpy(head, seq, cut);
			play(&whole, seq);
			play(&st, head);
			check_state_save(&st.c, &rule, saved);
			ck_assert_int_eq(check_state_restore(saved,
				sizeof(saved), (struct mono){ st.s * 1000000000 },
				&st.c, NULL), 0);
			play(&st, seq + cut);
			if (whole.c.health == HEALTH_UNKNOWN)
				continue;	/* doubt may come later, never sooner */
			ck_assert_msg(st.c.health == whole.c.health ||
				strstr(seq, "uuu") != NULL, "%s cut at %zu", seq,
				cut);
		}
	}
}
END_TEST

START_TEST(strange_saved_bytes_are_refused)
{
	struct story st = begin();
	unsigned char saved[CHECK_SAVED_BYTES];
	struct tc_err e = { 0 };

	check_state_save(&st.c, &rule, saved);
	for (size_t n = 0; n < sizeof(saved); n++)
		ck_assert_int_eq(check_state_restore(saved, n,
			(struct mono){ 0 }, &st.c, &e), TC_ECORRUPT);
	saved[0] = 3;
	ck_assert_int_eq(check_state_restore(saved, sizeof(saved),
		(struct mono){ 0 }, &st.c, &e), TC_ENEWER);
	saved[0] = 2;
	for (unsigned v = 0; v < 256; v++) {
		saved[1] = (unsigned char)v;
		saved[2] = (unsigned char)(255 - v);
		ck_assert(check_state_restore(saved, sizeof(saved),
			(struct mono){ 0 }, &st.c, &e) < 0);
	}
}
END_TEST

START_TEST(states_saved_by_the_first_version_are_read)
{
	/* unhealthy, connect_refused, 3 fails, 1,000,000 and 999,000 ms */
	static const unsigned char old[40] = { 1, 3, 3, 1, 0, 0, 1, 0, 3, 0, 0,
		0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x42, 0x0f, 0, 0,
		0, 0, 0, 0x58, 0x3e, 0x0f };
	struct check_state c;

	ck_assert_int_eq(check_state_restore(old, sizeof(old),
		(struct mono){ 5 }, &c, NULL), 0);
	ck_assert_int_eq(c.health, HEALTH_UNHEALTHY);
	ck_assert_int_eq(c.reason, TOCSIN_WHY_CONNECT_REFUSED);
	ck_assert_uint_eq(c.fails, 3);
	ck_assert_int_eq(c.at.ms, 1000000);
	ck_assert_int_eq(c.since.ms, 999000);
	ck_assert_int_eq(c.heard.ns, 5);
	ck_assert(!c.flapping && c.turns == 0);
}
END_TEST

START_TEST(age_is_due_exactly_when_it_moves)
{
	struct story st = begin();
	struct mono due;

	play(&st, "oo");
	due = check_age_due(&st.c, &rule);
	ck_assert(!check_age(&st.c, &rule, (struct now){ { due.ns - 1 }, { 0 } },
		&st.move));
	ck_assert(check_age(&st.c, &rule, (struct now){ due, { 0 } }, &st.move));
	ck_assert_int_eq(st.move.to, HEALTH_STALE);
	ck_assert_int_eq(st.move.reason, TOCSIN_WHY_STALE);
}
END_TEST

static struct mono
at(double s)
{
	return (struct mono){ (int64_t)(s * 1e9) };
}

static void
note_all(struct observer *o, struct observer_mark *hosts, size_t n,
	enum observer_kind kind, double s)
{
	for (size_t i = 0; i < n; i++)
		observer_note(o, NULL, &hosts[i], kind, at(s));
}

START_TEST(r059_most_silent_at_once_is_doubt_and_few_are_not)
{
	struct observer o = { 0 };
	struct observer_mark hosts[30] = { { 0 } };

	note_all(&o, hosts, 30, OBSERVER_HEARD, 100);
	ck_assert(!observer_update(&o, at(100)));
	note_all(&o, hosts, 3, OBSERVER_SILENT, 100.5);
	ck_assert(!observer_update(&o, at(100.5)));
	/* The answers of second 100 are too old to speak for the way. */
	ck_assert(observer_update(&o, at(102.75)));
	ck_assert(o.suspect);
	ck_assert_int_eq(o.why, OBSERVER_WHY_ALL_AT_ONCE);
	/* Nothing heard at all is no reason to trust. */
	ck_assert(!observer_update(&o, at(140)));
	ck_assert(!observer_update(&o, at(150)));
	note_all(&o, hosts + 3, 27, OBSERVER_HEARD, 160);
	ck_assert(!observer_update(&o, at(160)));
	ck_assert(o.suspect);
	ck_assert(observer_update(&o, at(165)));
	ck_assert(!o.suspect);
}
END_TEST

START_TEST(r059_one_host_that_is_asked_often_counts_once)
{
	struct observer o = { 0 };
	struct observer_mark hosts[2] = { { 0 } };

	for (int s = 100; s < 200; s++) {
		note_all(&o, hosts, 2, OBSERVER_SILENT, s);
		ck_assert(!observer_update(&o, at(s)));
	}
}
END_TEST

START_TEST(long_silence_of_results_is_forgotten)
{
	struct observer o = { 0 };
	struct observer_mark hosts[10] = { { 0 } };

	note_all(&o, hosts, 10, OBSERVER_SILENT, 50);
	ck_assert_int_ne(observer_ground(&o, at(50)), OBSERVER_WHY_NONE);
	ck_assert_int_eq(observer_ground(&o, at(1000)), OBSERVER_WHY_NONE);
	note_all(&o, hosts, 10, OBSERVER_HEARD, 1000);
	ck_assert_int_eq(observer_ground(&o, at(1000)), OBSERVER_WHY_NONE);
}
END_TEST

START_TEST(r059_errors_and_delays_of_our_own_have_their_names)
{
	struct observer o = { 0 };
	struct observer_mark hosts[10] = { { 0 } };

	note_all(&o, hosts, 10, OBSERVER_LOCAL, 50);
	ck_assert_int_eq(observer_ground(&o, at(50)),
		OBSERVER_WHY_LOCAL_ERRORS);
	note_all(&o, hosts, 10, OBSERVER_LATE, 51);
	ck_assert_int_eq(observer_ground(&o, at(51)),
		OBSERVER_WHY_MISSED_SLOTS);
	ck_assert_int_eq(observer_kind_of(TOCSIN_WHY_LOCAL_NO_ROUTE),
		OBSERVER_LOCAL);
	ck_assert_int_eq(observer_kind_of(TOCSIN_WHY_LOCAL_PERMISSION),
		OBSERVER_LOCAL);
	ck_assert_int_eq(observer_kind_of(TOCSIN_WHY_LOCAL_RESOURCE),
		OBSERVER_LOCAL);
	ck_assert_int_eq(observer_kind_of(TOCSIN_WHY_CONNECT_REFUSED),
		OBSERVER_HEARD);
}
END_TEST

START_TEST(r059_a_witness_clears_us_and_a_silent_gateway_does_not)
{
	struct observer_control controls[2] = { { .witness = false },
		{ .witness = true } };
	struct observer o = { .controls = controls, .n_controls = 2 };
	struct observer_mark hosts[10] = { { 0 } };

	/* Who never answered says nothing by not answering. */
	for (int s = 0; s < 5; s++)
		observer_note_control(&controls[0], TOCSIN_WHY_NO_REPLY, at(s));
	note_all(&o, hosts, 1, OBSERVER_SILENT, 5);
	ck_assert_int_eq(observer_ground(&o, at(5)), OBSERVER_WHY_NONE);
	observer_note_control(&controls[1], TOCSIN_WHY_NONE, at(9));
	note_all(&o, hosts, 10, OBSERVER_SILENT, 10);
	ck_assert_int_eq(observer_ground(&o, at(10)), OBSERVER_WHY_NONE);
	observer_note_control(&controls[1], TOCSIN_WHY_NO_REPLY, at(10.5));
	ck_assert_int_eq(observer_ground(&o, at(10.5)),
		OBSERVER_WHY_ALL_AT_ONCE);
	/* Both knew to answer, and one host is enough. */
	observer_note_control(&controls[0], TOCSIN_WHY_NONE, at(20));
	observer_note_control(&controls[0], TOCSIN_WHY_LOCAL_NO_ROUTE, at(22));
	observer_note_control(&controls[1], TOCSIN_WHY_NO_REPLY, at(22));
	note_all(&o, hosts, 1, OBSERVER_SILENT, 22);
	ck_assert_int_eq(observer_ground(&o, at(22)), OBSERVER_WHY_CONTROLS);
	/* One's own lack of rights is no answer and no silence. */
	observer_note_control(&controls[0], TOCSIN_WHY_ICMP_UNAVAILABLE, at(23));
	ck_assert_uint_ne(controls[0].misses, 0);
}
END_TEST

START_TEST(r059_loss_asks_for_more_failures_and_much_of_it_is_doubt)
{
	struct observer o = { 0 };
	struct observer_mark hosts[100] = { { 0 } };

	for (int i = 0; i < 100; i++)
		observer_note_loss(&o, NULL, &hosts[i], 0, at(100));
	ck_assert_uint_eq(observer_need(&o, NULL, at(100)), 0);
	/* One that loses much has a bad cable: that is its own. */
	for (int i = 0; i < 50; i++)
		observer_note_loss(&o, NULL, &hosts[7], 1, at(101));
	ck_assert_uint_eq(observer_need(&o, NULL, at(101)), 0);
	for (int i = 0; i < 10; i++)
		observer_note_loss(&o, NULL, &hosts[i], 1, at(140));
	for (int i = 10; i < 100; i++)
		observer_note_loss(&o, NULL, &hosts[i], 0, at(140));
	ck_assert_uint_eq(observer_need(&o, NULL, at(140)), 9);
	ck_assert_int_eq(observer_ground(&o, at(140)), OBSERVER_WHY_NONE);
	for (int i = 0; i < 100; i++)
		observer_note_loss(&o, NULL, &hosts[i], 2, at(150));
	ck_assert_int_eq(observer_ground(&o, at(150)), OBSERVER_WHY_LOSS);
	ck_assert_uint_eq(observer_need(&o, NULL, at(150)), OBSERVER_NEED_MOST);
	ck_assert_uint_eq(observer_need(&o, NULL, at(190)), 0);
}
END_TEST

/* Half of the fleet is of another partition, and loses nothing. */
START_TEST(r022_loss_of_one_partition_is_not_of_another)
{
	struct observer o = { 0 };
	struct observer_ring lossy = { 0 }, sound = { 0 };
	struct observer_mark hosts[80] = { { 0 } };

	for (int i = 0; i < 40; i++) {
		observer_note_loss(&o, &lossy, &hosts[i], 1, at(100));
		if (i < 10)
			observer_note_loss(&o, &sound, &hosts[40 + i], 0,
				at(100));
	}
	/* ten answers are too few to tell */
	ck_assert_uint_gt(observer_need(&o, &sound, at(100)), 3);
	for (int i = 10; i < 40; i++)
		observer_note_loss(&o, &sound, &hosts[40 + i], 0, at(100));
	ck_assert_uint_eq(observer_need(&o, &sound, at(100)), 0);
	ck_assert_uint_gt(observer_need(&o, &lossy, at(100)), 3);
	/* nor do answers from before the loss */
	for (int i = 0; i < 40; i++)
		observer_note_loss(&o, &sound, &hosts[40 + i], 0, at(200));
	for (int i = 0; i < 40; i++)
		observer_note_loss(&o, &lossy, &hosts[i], 1, at(201));
	ck_assert_uint_gt(observer_need(&o, &sound, at(201)), 3);
}
END_TEST

START_TEST(r059_a_doubt_that_comes_again_and_again_calms_down_later)
{
	struct observer o = { 0 };
	struct observer_mark hosts[10] = { { 0 } };
	int begun = 0;

	/* Three seconds cut, three seconds not, for five minutes. */
	for (double s = 100; s < 400; s += 0.5) {
		bool cut = (int)s / 3 % 2 == 0;

		note_all(&o, hosts, 10, cut ? OBSERVER_SILENT : OBSERVER_HEARD,
			s);
		begun += observer_update(&o, at(s)) && o.suspect;
	}
	ck_assert_int_eq(begun, 1);
	/* Ten seconds not: it ends, begins, and then lasts longer. */
	for (double s = 1000; s < 1600; s += 0.5) {
		bool cut = (int)s % 15 < 5;

		note_all(&o, hosts, 10, cut ? OBSERVER_SILENT : OBSERVER_HEARD,
			s);
		begun += observer_update(&o, at(s)) && o.suspect;
	}
	ck_assert_int_le(begun, 4);
}
END_TEST

int
main(void)
{
	return STORIES("health", three_in_a_row_convict_and_one_success_resets,
		r005_exactly_one_transition_to_unhealthy_at_the_sixth,
		one_stray_success_does_not_acquit,
		what_we_could_not_measure_convicts_nobody,
		p10_what_its_parent_explains_is_forgotten,
		p10_a_verdict_that_was_held_is_given_later,
		r128_silence_is_stale_after_three_intervals,
		absence_of_data_never_heals,
		every_short_sequence_obeys_the_laws,
		p11_a_restart_changes_no_verdict,
		strange_saved_bytes_are_refused,
		states_saved_by_the_first_version_are_read,
		age_is_due_exactly_when_it_moves,
		r059_most_silent_at_once_is_doubt_and_few_are_not,
		r059_one_host_that_is_asked_often_counts_once,
		r059_errors_and_delays_of_our_own_have_their_names,
		r059_a_witness_clears_us_and_a_silent_gateway_does_not,
		r059_loss_asks_for_more_failures_and_much_of_it_is_doubt,
		r022_loss_of_one_partition_is_not_of_another,
		r059_a_doubt_that_comes_again_and_again_calms_down_later,
		long_silence_of_results_is_forgotten);
}
