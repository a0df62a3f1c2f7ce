/*
 * plan: brakes that latch, actions of the layer that failed, targets.
 */
#include <string.h>

#include "base/macros.h"
#include "plan/urgency.h"
#include "plan/brake.h"
#include "plan/choose.h"
#include "plan/ladder.h"
#include "plan/room.h"
#include "plan/units.h"
#include "plan/window.h"
#include "t/lib/story.h"

#define BIT(w) (1U << WHY_NOT_##w)

static struct plan_view
well(void)
{
	return (struct plan_view){ .health = HEALTH_HEALTHY,
		.host_health = HEALTH_HEALTHY, .level = LEVEL_NONE,
		.disposition = DISPOSITION_IN_SERVICE, .recommend = true };
}

START_TEST(r060_the_thirty_first_of_a_thousand_latches)
{
	struct brake b = { 0 };

	ck_assert_uint_eq(brake_limit(1000), 30);
	ck_assert_uint_eq(brake_hard_limit(1000), 100);
	ck_assert_uint_eq(brake_limit(3), 2);
	ck_assert_uint_eq(brake_limit(99), 2);
	ck_assert_uint_eq(brake_limit(100), 3);
	for (size_t bad = 0; bad <= 30; bad++)
		ck_assert(!brake_update(&b, bad, 1000, (struct wall){ 1 }));
	ck_assert(brake_update(&b, 31, 1000, (struct wall){ 7 }));
	ck_assert(b.latched);
	ck_assert_int_eq(b.since.ms, 7);
}
END_TEST

START_TEST(r062_dipping_below_reopens_nothing)
{
	struct brake b = { 0 };
	int latches = 0;

	for (int i = 0; i < 100; i++)
		latches += brake_update(&b, i % 2 == 0 ? 31 : 5, 1000,
			(struct wall){ i });
	ck_assert_int_eq(latches, 1);
	ck_assert(b.latched);
}
END_TEST

START_TEST(a_release_wants_a_name_and_a_reason_and_tolerates_what_it_saw)
{
	struct brake b = { 0 };
	struct tc_err e = { 0 };

	ck_assert_int_eq(brake_release(&b, "ann", "why", 0, (struct wall){ 1 },
		&e), TC_EEXIST);
	brake_update(&b, 40, 1000, (struct wall){ 1 });
	ck_assert_int_eq(brake_release(&b, "", "why", 40, (struct wall){ 2 },
		&e), TC_EINVAL);
	ck_assert_int_eq(brake_release(&b, "ann", "", 40, (struct wall){ 2 },
		&e), TC_EINVAL);
	ck_assert(b.latched);
	ck_assert_int_eq(brake_release(&b, "ann", "disks replaced", 40,
		(struct wall){ 2 }, &e), 0);
	ck_assert(!brake_update(&b, 40, 1000, (struct wall){ 3 }));
	ck_assert(brake_update(&b, 41, 1000, (struct wall){ 4 }));
	ck_assert_int_eq(brake_release(&b, "bob", "again", 41,
		(struct wall){ 5 }, &e), 0);
	ck_assert(!brake_update(&b, 2, 1000, (struct wall){ 6 }));
	ck_assert(brake_update(&b, 31, 1000, (struct wall){ 7 }));
}
END_TEST

START_TEST(a_brake_survives_a_restart)
{
	struct brake b = { 0 }, back;
	unsigned char saved[BRAKE_SAVED_BYTES];
	struct tc_err e = { 0 };

	brake_update(&b, 5, 10, (struct wall){ 77 });
	brake_release(&b, "ann", "x", 5, (struct wall){ 88 }, &e);
	brake_update(&b, 6, 10, (struct wall){ 99 });
	brake_save(&b, saved);
	ck_assert_int_eq(brake_restore(saved, sizeof(saved), &back, &e), 0);
	ck_assert(memcmp(&b.released, &back.released, sizeof(b.released)) == 0);
	ck_assert(back.latched);
	ck_assert_int_eq(back.since.ms, 99);
	ck_assert_str_eq(back.released_by, "ann");
	ck_assert_int_eq(brake_restore(saved, 3, &back, &e), TC_ECORRUPT);
	saved[0] = 9;
	ck_assert_int_eq(brake_restore(saved, sizeof(saved), &back, &e),
		TC_ECORRUPT);
}
END_TEST

START_TEST(r061_contagion_latches_and_is_what_it_says_after_a_restart)
{
	struct brake b = { 0 }, back;
	unsigned char saved[BRAKE_SAVED_BYTES];
	struct tc_err e = { 0 };

	ck_assert(!brake_update(&b, 3, 200, (struct wall){ 5 }));
	ck_assert(brake_contagion(&b, 42, 3, 200, (struct wall){ 6 }));
	ck_assert(!brake_contagion(&b, 43, 4, 200, (struct wall){ 7 }));
	brake_save(&b, saved);
	ck_assert_int_eq(brake_restore(saved, sizeof(saved), &back, &e), 0);
	ck_assert_str_eq(brake_cause_id(back.cause), "contagion");
	ck_assert_uint_eq(back.vm, 42);
	ck_assert_int_eq(back.since.ms, 6);
	/* what is there is tolerated by who released it, the next is not */
	ck_assert_int_eq(brake_release(&b, "ann", "image rolled back", 3,
		(struct wall){ 8 }, &e), 0);
	ck_assert(!brake_update(&b, 3, 200, (struct wall){ 9 }));
	ck_assert(brake_contagion(&b, 42, 4, 200, (struct wall){ 10 }));
	brake_release(&b, "ann", "x", 4, (struct wall){ 11 }, &e);
	ck_assert(brake_update(&b, 7, 200, (struct wall){ 12 }));
	ck_assert_str_eq(brake_cause_id(b.cause), "too_many");
	ck_assert_uint_eq(b.vm, 0);
}
END_TEST

START_TEST(r006_only_the_layer_that_failed_is_acted_on)
{
	struct plan_view v = well();

	ck_assert_int_eq(plan_action_of(&v), PLAN_NONE);
	v.health = HEALTH_UNHEALTHY;
	ck_assert_int_eq(plan_action_of(&v), PLAN_ROLE_OUT_OF_ROTATION);
	ck_assert(!plan_is_bad(&v));
	v.host_health = HEALTH_UNHEALTHY;
	ck_assert_int_eq(plan_action_of(&v), PLAN_HOST_EVACUATE);
	ck_assert(plan_is_bad(&v));
	v = well();
	v.level = LEVEL_IMMINENT;
	ck_assert_int_eq(plan_action_of(&v), PLAN_HOST_EVACUATE);
	v.in_window = true;
	ck_assert_int_eq(plan_action_of(&v), PLAN_NONE);
	v = well();
	v.level = LEVEL_IMMINENT;
	v.disposition = DISPOSITION_QUARANTINED;
	ck_assert_int_eq(plan_action_of(&v), PLAN_NONE);
}
END_TEST

START_TEST(every_inaction_has_a_reason)
{
	struct plan_view v = well();

	for (int h = HEALTH_UNKNOWN; h <= HEALTH_STALE; h++)
		for (int l = LEVEL_NONE; l <= LEVEL_IMMINENT; l++)
			for (int flags = 0; flags < 16; flags++) {
				enum plan_action a;

				v.health = v.host_health = (enum health)h;
				v.level = (enum level)l;
				v.in_window = flags & 1;
				v.brake = flags & 2;
				v.observer_suspect = flags & 4;
				v.recommend = !(flags & 8);
				a = plan_action_of(&v);
				ck_assert_uint_ne(plan_why_not(&v, a, true), 0);
				if (a == PLAN_HOST_EVACUATE)
					ck_assert(plan_is_held(plan_why_not(&v,
						a, true)) == (flags > 1));
			}
}
END_TEST

/*
 * What a convicted host needs: its load is healed elsewhere, unless the brake
 * or the contagion says no, or others hang on it; then it needs a human.
 */
START_TEST(r061_what_a_host_needs_by_class_brake_and_contagion)
{
	enum { HOST, IMMINENT, SWITCH, ROLE, WELL };
	static const struct {
		int class;
		bool brake, contagion;
		enum plan_action action;
		bool held, human;
	} rows[] = {
		{ HOST, false, false, PLAN_HOST_EVACUATE, false, false },
		{ HOST, true, false, PLAN_HOST_EVACUATE, true, true },
		{ HOST, false, true, PLAN_HOST_EVACUATE, true, true },
		{ HOST, true, true, PLAN_HOST_EVACUATE, true, true },
		{ IMMINENT, false, false, PLAN_HOST_EVACUATE, false, false },
		{ IMMINENT, true, false, PLAN_HOST_EVACUATE, true, true },
		{ SWITCH, false, false, PLAN_HOST_EVACUATE, true, true },
		{ SWITCH, true, false, PLAN_HOST_EVACUATE, true, true },
		{ SWITCH, false, true, PLAN_HOST_EVACUATE, true, true },
		{ ROLE, false, false, PLAN_ROLE_OUT_OF_ROTATION, false,
			false },
		{ ROLE, true, false, PLAN_ROLE_OUT_OF_ROTATION, false, false },
		{ ROLE, false, true, PLAN_ROLE_OUT_OF_ROTATION, false, false },
		{ WELL, false, false, PLAN_NONE, false, false },
		{ WELL, true, true, PLAN_NONE, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool down = rows[i].class == HOST || rows[i].class == SWITCH;
		bool fails = down || rows[i].class == ROLE;
		const struct plan_view v = { .recommend = true,
			.health = fails ? HEALTH_UNHEALTHY : HEALTH_HEALTHY,
			.host_health = down ? HEALTH_UNHEALTHY :
				HEALTH_HEALTHY,
			.level = rows[i].class == IMMINENT ? LEVEL_IMMINENT :
				LEVEL_NONE,
			.below = rows[i].class == SWITCH,
			.brake = rows[i].brake,
			.contagion = rows[i].contagion };
		enum plan_action action = plan_action_of(&v);
		unsigned why = plan_why_not(&v, action, true);

		ck_assert_msg(action == rows[i].action, "row %zu: %s", i,
			plan_action_id(action));
		ck_assert_msg(plan_is_held(why) == rows[i].held, "row %zu", i);
		ck_assert_msg((why >> WHY_NOT_NEEDS_HUMAN & 1) ==
			rows[i].human, "row %zu", i);
		ck_assert_msg((why >> WHY_NOT_CONTAGION & 1) ==
			(rows[i].contagion && action == PLAN_HOST_EVACUATE),
			"row %zu", i);
	}
}
END_TEST

START_TEST(r035_a_prediction_never_skips_a_brake)
{
	struct plan_view v = well();
	unsigned why;

	v.level = LEVEL_IMMINENT;
	v.brake = true;
	why = plan_why_not(&v, plan_action_of(&v), true);
	ck_assert(why & BIT(BRAKE));
	ck_assert(plan_is_held(why));
	v.brake = false;
	why = plan_why_not(&v, plan_action_of(&v), false);
	ck_assert(why & BIT(NO_TARGET));
}
END_TEST

START_TEST(r017_no_sick_host_is_ever_a_target)
{
	for (int h = HEALTH_UNKNOWN; h <= HEALTH_STALE; h++)
		for (int d = DISPOSITION_IN_SERVICE; d <= DISPOSITION_RETIRED;
			d++)
			for (int l = LEVEL_NONE; l <= LEVEL_IMMINENT; l++)
				for (int w = 0; w < 2; w++) {
					struct plan_view v = { (enum health)h,
						(enum health)h,
						(enum disposition)d,
						(enum level)l, w, false, false,
						true };
					bool good = h == HEALTH_HEALTHY &&
						d == DISPOSITION_IN_SERVICE &&
						l == LEVEL_NONE && w == 0;

					ck_assert((plan_target(&v) ==
						TARGET_ELIGIBLE) == good);
				}
}
END_TEST

START_TEST(a_window_covers_its_hosts_for_its_time)
{
	char h1[] = "h1", h2[] = "h2";
	char *hosts[] = { h1, h2 };
	struct window w = { .from = { 100 }, .to = { 200 },
		.grace = dur_ms(50), .hosts = hosts, .n_hosts = 2 };

	ck_assert(window_covers(&w, "h1", "rack1"));
	ck_assert(!window_covers(&w, "h3", "rack1"));
	ck_assert(!window_runs(&w, (struct wall){ 99 }));
	ck_assert(window_runs(&w, (struct wall){ 100 }));
	ck_assert(!window_runs(&w, (struct wall){ 200 }));
	ck_assert(!window_is_over(&w, (struct wall){ 249 }));
	ck_assert(window_is_over(&w, (struct wall){ 250 }));
	strcpy(w.partition, "rack2");	/* lint: literal fits */
	ck_assert(!window_covers(&w, "h1", "rack1"));
	ck_assert(window_covers(&w, "h9", "rack2"));
}
END_TEST

START_TEST(r012_no_path_leads_from_a_stateful_class_to_a_fresh_disk)
{
	for (int h = HEALTH_UNKNOWN; h <= HEALTH_STALE; h++)
		for (unsigned bits = 0; bits < 64; bits++) {
			struct unit_plan_view v = { .is_vm = bits & 1,
				.cls = UNIT_STATEFUL, .health = (enum health)h,
				.dead = bits & 2, .in_window = bits & 4,
				.brake = bits & 8, .recommend = bits & 16,
				.observer_suspect = bits & 32 };
			enum plan_action a = plan_unit_action(&v);

			while (a != PLAN_NONE) {
				ck_assert_int_ne(a, PLAN_VM_RESTART_FRESH);
				a = plan_unit_next(a);
			}
		}
	ck_assert_int_eq(plan_restart_of(UNIT_STATELESS),
		PLAN_VM_RESTART_FRESH);
	ck_assert_int_eq(plan_restart_of(UNIT_STATEFUL), PLAN_VM_RESTART_KEEP);
	/* One stateful role makes its VM so. */
	ck_assert_int_eq(plan_class_with(UNIT_STATELESS, UNIT_STATEFUL),
		UNIT_STATEFUL);
	ck_assert_int_eq(plan_class_with(UNIT_STATEFUL, UNIT_STATELESS),
		UNIT_STATEFUL);
}
END_TEST

START_TEST(r006_a_role_is_taken_out_of_rotation_and_no_more)
{
	struct unit_plan_view v = { .health = HEALTH_UNHEALTHY, .dead = true,
		.recommend = true };

	ck_assert_int_eq(plan_unit_action(&v), PLAN_ROLE_OUT_OF_ROTATION);
	ck_assert_int_eq(plan_unit_next(PLAN_ROLE_OUT_OF_ROTATION),
		PLAN_ROLE_RESTART);
	ck_assert_int_eq(plan_unit_next(PLAN_ROLE_RESTART), PLAN_NONE);
	v.in_window = true;
	ck_assert_int_eq(plan_unit_action(&v), PLAN_NONE);
	v.in_window = false;
	v.health = HEALTH_UNREACHABLE;
	ck_assert_int_eq(plan_unit_action(&v), PLAN_NONE);
	ck_assert_uint_eq(plan_unit_why_not(&v, PLAN_NONE),
		1U << WHY_NOT_PARENT);
}
END_TEST

START_TEST(r014_the_ladder_waits_reboots_waits_and_then_moves)
{
	const struct ladder_rule rule = { dur_s(60), dur_s(900) };

	ck_assert(ladder_from(&rule, PLAN_HOST_WAIT).ns == 0);
	ck_assert(ladder_from(&rule, PLAN_HOST_REBOOT).ns == dur_s(60).ns);
	ck_assert(ladder_from(&rule, PLAN_HOST_EVACUATE).ns == dur_s(960).ns);
	ck_assert(ladder_from(&rule, PLAN_DEVICE_REPLACE).ns < 0);
	ck_assert_int_eq(ladder_next(PLAN_HOST_WAIT), PLAN_HOST_REBOOT);
	ck_assert_int_eq(ladder_next(PLAN_HOST_REBOOT), PLAN_HOST_EVACUATE);
	ck_assert_int_eq(ladder_next(PLAN_HOST_EVACUATE), PLAN_NONE);
}
END_TEST

START_TEST(r015_a_load_goes_where_there_is_room_for_it)
{
	struct tag full[] = { { "capacity", "64GiB" }, { "load", "64GiB" } };
	struct tag half[] = { { "load", "32GiB" }, { "capacity", "64GiB" } };
	struct tag wrong[] = { { "capacity", "lots" }, { "load", "-1" } };
	const uint64_t gib = UINT64_C(1) << 30;
	struct room_sum sum = { 0 };
	struct plan_view v = well();
	struct room r;

	ck_assert(room_is_full(full, 2));
	ck_assert(!room_is_full(half, 2));
	ck_assert(!room_is_full(wrong, 2));
	ck_assert(!room_is_full(NULL, 0));
	v.full = true;
	ck_assert_int_eq(plan_target(&v), TARGET_FULL);
	r = room_of(half, 2);
	ck_assert(r.limited && r.left == 32 * gib && r.load == 32 * gib);
	room_add(&sum, &r);
	room_add(&sum, &r);
	/* two have 32 each: as one piece it must fit into one */
	ck_assert(room_suffices(&sum, 0, 32 * gib, true));
	ck_assert(!room_suffices(&sum, 0, 33 * gib, true));
	ck_assert(room_suffices(&sum, 0, 64 * gib, false));
	ck_assert(!room_suffices(&sum, 1, 64 * gib, false));
	ck_assert(!room_suffices(&sum, UINT64_MAX, 1, false));
	/* nobody said how much, of the load or of one host */
	ck_assert(room_suffices(&sum, UINT64_MAX, 0, true));
	r = room_of(wrong, 2);
	ck_assert(!r.limited && r.load == 0);
	room_add(&sum, &r);
	ck_assert(room_suffices(&sum, UINT64_MAX, UINT64_MAX, true));
}
END_TEST

START_TEST(r086_the_time_it_takes_against_the_time_that_is_left)
{
	struct evacuation_pace pace = { dur_s(1800), 100u << 20 };
	struct tag tags[] = { { "team", "web" }, { "evacuation_time", "2h" } };
	struct tag size = { "evacuation_size", "1TiB" };
	struct tag wrong = { "evacuation_time", "soon" };
	struct plan_urgency u = plan_urgency(dur_s(2000), true, dur_s(3600));

	ck_assert_int_eq(u.is, URGENCY_URGENT);
	ck_assert(!u.accept_loss);
	u = plan_urgency(dur_s(4000), true, dur_s(3600));
	ck_assert_int_eq(u.is, URGENCY_START_NOW);
	ck_assert(u.accept_loss);
	u = plan_urgency(dur_s(2000), true, dur_s(3 * 86400));
	ck_assert_int_eq(u.is, URGENCY_PLANNED);
	/* as much again must be to spare */
	u = plan_urgency(dur_s(2 * 86400), true, dur_s(3 * 86400));
	ck_assert_int_eq(u.is, URGENCY_URGENT);
	/* not known is not plenty */
	u = plan_urgency(dur_s(1), false, dur_s(0));
	ck_assert_int_eq(u.is, URGENCY_URGENT);
	ck_assert_str_eq(urgency_id(URGENCY_START_NOW), "start_now");

	ck_assert_int_eq(evacuation_estimate(tags, 2, &pace).ns,
		dur_s(7200).ns);
	ck_assert_int_eq(evacuation_estimate(&size, 1, &pace).ns,
		dur_s(10485 + 1).ns);
	ck_assert_int_eq(evacuation_estimate(&wrong, 1, &pace).ns,
		dur_s(1800).ns);
}
END_TEST

int
main(void)
{
	return STORIES("plan",
		r012_no_path_leads_from_a_stateful_class_to_a_fresh_disk,
		r006_a_role_is_taken_out_of_rotation_and_no_more,
		r014_the_ladder_waits_reboots_waits_and_then_moves,
		r060_the_thirty_first_of_a_thousand_latches,
		r062_dipping_below_reopens_nothing,
		a_release_wants_a_name_and_a_reason_and_tolerates_what_it_saw,
		a_brake_survives_a_restart,
		r061_contagion_latches_and_is_what_it_says_after_a_restart,
		r006_only_the_layer_that_failed_is_acted_on,
		every_inaction_has_a_reason,
		r061_what_a_host_needs_by_class_brake_and_contagion,
		r035_a_prediction_never_skips_a_brake,
		r017_no_sick_host_is_ever_a_target,
		a_window_covers_its_hosts_for_its_time,
		r015_a_load_goes_where_there_is_room_for_it,
		r086_the_time_it_takes_against_the_time_that_is_left);
}
