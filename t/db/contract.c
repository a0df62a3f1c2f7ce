#include "t/db/contract.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

static void
open_new(struct yard *y)
{
	yard_init(y, contract_ops);
	yard_open(y);
}

/* ---- what open() hands back ---- */

struct seen_all {
	size_t n_subjects, n_states, n_predictions, n_tokens;
	struct change_subject subject[16];
	char key[16][64];
	struct change_state state[16];
	char bytes[16][64];
	uint64_t prediction[16];
	struct store_token token[16];
	char role[16][16], host_name[16][32];
	uint64_t event_seq, prediction_id;
	uint32_t subject_id, token_id;
	bool clean;
};

static int
see_subject(void *arg, const struct change_subject *c)
{
	struct seen_all *a = arg;

	ck_assert(a->n_subjects < 16);
	snprintf(a->key[a->n_subjects], 64, "%s", c->key);
	a->subject[a->n_subjects++] = *c;
	return 0;
}

static int
see_state(void *arg, const struct change_state *c)
{
	struct seen_all *a = arg;

	ck_assert(a->n_states < 16);
	snprintf(a->bytes[a->n_states], 64, "%.*s", (int)c->n,
		(const char *)c->bytes);
	a->state[a->n_states++] = *c;
	return 0;
}

static int
see_open_prediction(void *arg, const struct change_prediction *c)
{
	struct seen_all *a = arg;

	ck_assert(a->n_predictions < 16);
	a->prediction[a->n_predictions++] = c->id;
	return 0;
}

static int
see_token(void *arg, const struct store_token *t)
{
	struct seen_all *a = arg;

	ck_assert(a->n_tokens < 16);
	snprintf(a->role[a->n_tokens], 16, "%s", t->role);
	snprintf(a->host_name[a->n_tokens], 32, "%s", t->host_name);
	a->token[a->n_tokens++] = *t;
	return 0;
}

static void
see_seq(void *arg, uint64_t event_seq, uint64_t prediction_id,
	uint32_t subject_id, uint32_t token_id, bool clean) /* lint: the seam's */
{
	struct seen_all *a = arg;

	a->event_seq = event_seq;
	a->prediction_id = prediction_id;
	a->subject_id = subject_id;
	a->token_id = token_id;
	a->clean = clean;
}

static void
load(struct yard *y, struct seen_all *a)
{
	struct store_loader to = { a, see_subject, see_state,
		see_open_prediction, see_token, see_seq };
	struct tc_err e = { 0 };

	memset(a, 0, sizeof(*a));
	ck_assert_msg(y->ops->load(y->s, &to, &e) == 0, "load: %s", e.text);
}

static void
reopen(struct yard *y)
{
	yard_close(y);
	yard_open(y);
}

START_TEST(a_new_store_is_empty_and_clean)
{
	struct seen_all a;
	struct yard y;

	open_new(&y);
	load(&y, &a);
	ck_assert_uint_eq(a.n_subjects + a.n_states + a.n_predictions, 0);
	ck_assert_uint_eq(a.event_seq, 0);
	ck_assert_uint_eq(a.subject_id, 0);
	ck_assert(a.clean);
	yard_fini(&y);
}
END_TEST

START_TEST(subjects_come_back_parents_first)
{
	struct change_set *cs = set_new();
	struct seen_all a;
	struct yard y;

	open_new(&y);
	set_subject(cs, 9, SUBJECT_PARTITION, 0, "rack1");
	set_subject(cs, 2, SUBJECT_HOST, 0, "h0");	/* older, no child of it */
	set_subject(cs, 3, SUBJECT_HOST, 9, "h1");
	set_subject(cs, 1, SUBJECT_DEVICE, 3, "disk/M/S/W");
	ck_assert_int_eq(yard_put(&y, cs), 0);
	reopen(&y);
	load(&y, &a);
	ck_assert_uint_eq(a.n_subjects, 4);
	ck_assert_str_eq(a.key[0], "rack1");
	ck_assert_str_eq(a.key[1], "h0");
	ck_assert_str_eq(a.key[2], "h1");
	ck_assert_str_eq(a.key[3], "disk/M/S/W");
	ck_assert_uint_eq(a.subject[2].parent, 9);
	ck_assert_int_eq(a.subject[3].kind, SUBJECT_DEVICE);
	ck_assert_uint_eq(a.subject_id, 9);
	yard_fini(&y);
}
END_TEST

START_TEST(a_subject_keeps_its_id_when_its_description_changes)
{
	struct change_set *cs;
	struct seen_all a;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 2);
	cs = set_new();
	set_subject(cs, 2, SUBJECT_HOST, YARD_PARTITION, "h2");
	cs->items[0].u.subject.body = "{\"address\":\"10.0.0.2\"}";
	cs->items[0].u.subject.retired = true;
	ck_assert_int_eq(yard_put(&y, cs), 0);
	load(&y, &a);
	ck_assert_uint_eq(a.n_subjects, 3);
	ck_assert(!a.subject[1].retired);
	ck_assert(a.subject[2].retired);
	yard_fini(&y);
}
END_TEST

START_TEST(two_subjects_cannot_share_a_name)
{
	struct change_set *cs = set_new();
	struct seen_all a;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	set_subject(cs, 7, SUBJECT_HOST, YARD_PARTITION, "h1");
	ck_assert_int_eq(yard_put(&y, cs), TC_EINVAL);
	load(&y, &a);
	ck_assert_uint_eq(a.n_subjects, 2);
	yard_fini(&y);
}
END_TEST

START_TEST(states_are_replaced_and_deleted_by_subject_and_kind)
{
	struct change_set *cs = set_new();
	struct seen_all a;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 2);
	set_state(cs, 1, "check", "one");
	set_state(cs, 1, "host", "two");
	set_state(cs, 2, "check", "three");
	ck_assert_int_eq(yard_put(&y, cs), 0);
	cs = set_new();
	set_state(cs, 1, "check", "four");
	set_state(cs, 2, "check", NULL);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	reopen(&y);
	load(&y, &a);
	ck_assert_uint_eq(a.n_states, 2);
	ck_assert_str_eq(a.bytes[0], "four");
	ck_assert_str_eq(a.bytes[1], "two");
	yard_fini(&y);
}
END_TEST

START_TEST(a_set_is_committed_whole_or_not_at_all)
{
	struct change_set *cs = set_new();
	struct seen_all a;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	set_state(cs, 1, "check", "kept?");
	set_event(cs, 5, 1, "check.state");
	set_state(cs, 77, "check", "of nobody");
	ck_assert_int_eq(yard_put(&y, cs), TC_EINVAL);
	load(&y, &a);
	ck_assert_uint_eq(a.n_states, 0);
	ck_assert_uint_eq(a.event_seq, 0);
	yard_fini(&y);
}
END_TEST

static struct change_set *
all_kinds(void)
{
	struct change_set *cs = set_new();

	set_subject(cs, 1, SUBJECT_HOST, 0, "h1");
	set_event(cs, 7, 1, "host.state");
	set_state(cs, 1, "check", "streak");
	row_f64(cs, set_row(cs, 1, "p", T0), "m_ratio", 1);
	set_prediction(cs, 3, 1, T0, (struct prediction_text){ "watch", "{}" });
	return cs;
}

START_TEST(a_set_given_again_changes_nothing)
{
	size_t accepted, duplicates;
	struct seen_all a;
	struct yard y;

	open_new(&y);
	ck_assert_int_eq(yard_put(&y, all_kinds()), 0);
	ck_assert_int_eq(yard_put_counted(&y, all_kinds(), &accepted,
		&duplicates), 0);
	ck_assert_uint_eq(accepted, 0);
	ck_assert_uint_eq(duplicates, 1);
	load(&y, &a);
	ck_assert_uint_eq(a.n_subjects, 1);
	ck_assert_uint_eq(a.n_states, 1);
	ck_assert_uint_eq(a.n_predictions, 1);
	ck_assert_uint_eq(a.event_seq, 7);
	yard_fini(&y);
}
END_TEST

static _Atomic int good, bad;

static void
tally(struct change_set *cs)
{
	if (cs->rc == 0)
		good++;
	else
		bad++;
	change_set_free(cs);
}

START_TEST(one_bad_set_does_not_sink_the_others)
{
	struct seen_all a;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	good = bad = 0;
	for (uint64_t i = 1; i <= 100; i++) {
		struct change_set *cs = set_new();

		set_event(cs, i, i % 10 == 0 ? 99 : 1, "check.state");
		cs->done = tally;
		ck_assert_int_eq(y.ops->submit(y.s, cs), 0);
	}
	ck_assert_int_eq(y.ops->flush(y.s, dur_s(30)), 0);
	ck_assert_int_eq(good, 90);
	ck_assert_int_eq(bad, 10);
	load(&y, &a);
	ck_assert_uint_eq(a.event_seq, 99);
	ck_assert_int_eq(y.degraded, -1);
	yard_fini(&y);
}
END_TEST

/* Seconds may pass between two sets here: fewer commits, not one. */
START_TEST(calm_sets_share_a_commit_with_the_next_that_is_awaited)
{
	struct store_stats before, after;
	struct seen_all a;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	y.ops->stats(y.s, &before);
	good = bad = 0;
	/* More than a transaction takes. */
	for (uint64_t i = 1; i <= 3000; i++) {
		struct change_set *cs = set_new();

		set_event(cs, i, 1, "check.state");
		cs->done = tally;
		cs->calm = true;
		ck_assert_int_eq(y.ops->submit(y.s, cs), 0);
	}
	ck_assert_int_eq(yard_put(&y, set_new()), 0);
	ck_assert_int_eq(good, 3000);
	y.ops->stats(y.s, &after);
	ck_assert_uint_eq(after.sets - before.sets, 3001);
	ck_assert_uint_lt(after.commits - before.commits, 500);
	load(&y, &a);
	ck_assert_uint_eq(a.event_seq, 3000);
	yard_fini(&y);
}
END_TEST

START_TEST(calm_sets_are_committed_though_nobody_comes)
{
	struct change_set *cs = set_new();
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	set_event(cs, 1, 1, "check.state");
	cs->calm = true;
	ck_assert_int_eq(yard_put(&y, cs), 0);
	yard_fini(&y);
}
END_TEST

START_TEST(a_set_without_done_is_freed_by_the_store)
{
	struct change_set *cs = set_new();
	struct seen_all a;
	struct yard y;

	open_new(&y);
	set_subject(cs, 1, SUBJECT_HOST, 0, "h1");
	ck_assert_int_eq(y.ops->submit(y.s, cs), 0);
	ck_assert_int_eq(y.ops->flush(y.s, dur_s(30)), 0);
	load(&y, &a);
	ck_assert_uint_eq(a.n_subjects, 1);
	yard_fini(&y);
}
END_TEST

START_TEST(an_orderly_stop_is_told_from_another)
{
	struct seen_all a;
	struct yard y, copy;
	char command[256];

	open_new(&y);
	yard_hosts(&y, 1);
	reopen(&y);
	load(&y, &a);
	ck_assert(a.clean);
	/* The files as a killed server would leave them. */
	yard_init(&copy, contract_ops);
	snprintf(command, sizeof(command), "cp %s* %s/", y.path, copy.dir);
	ck_assert_int_eq(system(command), 0);	/* lint: copies files in a test */
	yard_open(&copy);
	load(&copy, &a);
	ck_assert(!a.clean);
	yard_fini(&copy);
	yard_fini(&y);
}
END_TEST

START_TEST(an_offline_visit_does_not_make_a_crash_look_clean)
{
	struct seen_all a;
	struct yard y, copy;
	char command[256];

	open_new(&y);
	yard_hosts(&y, 1);
	yard_init(&copy, contract_ops);
	snprintf(command, sizeof(command), "cp %s* %s/", y.path, copy.dir);
	ck_assert_int_eq(system(command), 0);	/* lint: copies files in a test */
	yard_fini(&y);
	copy.conf.offline = true;
	yard_open(&copy);
	yard_close(&copy);
	copy.conf.offline = false;
	yard_open(&copy);
	load(&copy, &a);
	ck_assert(!a.clean);
	yard_fini(&copy);
}
END_TEST

/* ---- batches and repeats ---- */

static struct change_set *
batch_of(uint32_t host, const char *id, int64_t at_ms)
{
	struct change_set *cs = set_new();
	struct change_history *row;

	cs->batch_host = host;
	cs->batch_id = id;
	row = set_row(cs, host, "cpu", at_ms);
	row_f64(cs, row, "cpu_seconds_total", 1.5);
	row = set_row(cs, host, "memory", at_ms);
	row_f64(cs, row, "memory_available_bytes", 1 << 30);
	return cs;
}

START_TEST(a_repeated_batch_is_counted_and_not_doubled)
{
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct store_series_query q = { .subject = 1,
		.metric = "cpu_seconds_total", .from = { 0 },
		.to = { T0 * 2 } };
	size_t accepted, duplicates;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	ck_assert_int_eq(yard_put_counted(&y, batch_of(1, "b1", T0),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(accepted, 2);
	ck_assert_uint_eq(duplicates, 0);
	ck_assert_int_eq(yard_put_counted(&y, batch_of(1, "b1", T0),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(accepted, 0);
	ck_assert_uint_eq(duplicates, 2);
	/* Another name for the same rows: the key tells. */
	ck_assert_int_eq(yard_put_counted(&y, batch_of(1, "b2", T0),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(duplicates, 2);
	/* A known name for other rows: taken at its word. */
	ck_assert_int_eq(yard_put_counted(&y, batch_of(1, "b1", T0 + 15000),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(duplicates, 2);
	reopen(&y);
	ck_assert_int_eq(yard_put_counted(&y, batch_of(1, "b2", T0 + 15000),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(duplicates, 2);
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 1);
	ck_assert_double_eq(seen->p[0].value, 1.5);
	yard_fini(&y);
	free(seen);
}
END_TEST

START_TEST(the_last_256_batches_of_a_host_are_known)
{
	size_t accepted, duplicates;
	char id[32];
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 2);
	for (int i = 0; i < 1500; i++) {
		struct change_set *cs;

		snprintf(id, sizeof(id), "b%d", i);
		cs = batch_of(1, NULL, T0 + i * 15000);
		cs->batch_id = arena_strdup(&cs->arena, id);
		ck_assert_int_eq(y.ops->submit(y.s, cs), 0);
	}
	for (int i = 1500 - 256; i < 1500; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		ck_assert_int_eq(yard_put_counted(&y,
			batch_of(1, id, T0 + i * 15000 + 1), &accepted,
			&duplicates), 0);
		ck_assert_uint_eq(duplicates, 2);
	}
	/* Long ago, and another host's. */
	ck_assert_int_eq(yard_put_counted(&y, batch_of(1, "b3", T0 + 1),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(accepted, 2);
	ck_assert_int_eq(yard_put_counted(&y, batch_of(2, "b1499", T0),
		&accepted, &duplicates), 0);
	ck_assert_uint_eq(accepted, 2);
	yard_fini(&y);
}
END_TEST

/* ---- series ---- */

START_TEST(series_come_back_exactly_with_their_times)
{
	static const double values[] = { 0, -0.0, 1.5, -1, 9007199254740992.0,
		9007199254740993.0, 1e300, 5e-324, INFINITY, -INFINITY, 33.1,
		4294967296.0, 255, 256, 0.1 };
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct store_series_query q = { .subject = 1, .metric = "m_ratio",
		.from = { T0 }, .to = { T0 + 15000 * 15 } };
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct change_set *cs = set_new();
		struct change_history *row = set_row(cs, 1, "p",
			T0 + (int64_t)i * 15000);

		row_f64(cs, row, "before_ratio", 7.25);
		row_f64(cs, row, "m_ratio", values[i]);
		row_f64(cs, row, "after_ratio", 3);
		ck_assert_int_eq(yard_put(&y, cs), 0);
	}
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, ARRAY_LEN(values));
	for (size_t i = 0; i < seen->n; i++) {
		ck_assert(memcmp(&seen->p[i].value, &values[i], 8) == 0);
		ck_assert_int_eq(seen->p[i].at.ms, T0 + (int64_t)i * 15000);
		ck_assert_uint_eq(seen->p[i].count, 1);
	}
	q.to.ms = T0 + 15000;	/* exclusive */
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 1);
	q.subject = 2;
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 0);
	q.metric = "unheard_of";
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 0);
	yard_fini(&y);
	free(seen);
}
END_TEST

START_TEST(integers_of_64_bits_share_rows_with_doubles)
{
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct change_set *cs = set_new();
	struct store_series_query q = { .subject = 1, .from = { 0 },
		.to = { T0 * 2 } };
	struct change_history *row;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	row = set_row(cs, 1, "smart", T0);
	row_value(cs, row, &(struct change_series){ .name = "smart_1_raw",
		.type = TOCSIN_U64 }, UINT64_MAX);
	row_value(cs, row, &(struct change_series){ .name = "offset_total",
		.type = TOCSIN_I64 }, (uint64_t)INT64_MIN);
	row_value(cs, row, &(struct change_series){ .name = "drift_total",
		.type = TOCSIN_I64 }, (uint64_t)-3);
	row_f64(cs, row, "temperature_celsius", 33.25);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	q.metric = "smart_1_raw";
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_double_eq(seen->p[0].value, 18446744073709551615.0);
	q.metric = "offset_total";
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_double_eq(seen->p[0].value, -9223372036854775808.0);
	q.metric = "drift_total";
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_double_eq(seen->p[0].value, -3);
	q.metric = "temperature_celsius";
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_double_eq(seen->p[0].value, 33.25);
	yard_fini(&y);
	free(seen);
}
END_TEST

/* Rows of the partition that carry two metrics of each of three hosts. */
static void
sweep(struct yard *y, int64_t at_ms, double base)
{
	struct change_set *cs = set_new();
	struct change_history *row = set_row(cs, YARD_PARTITION, "ping", at_ms);

	row->counted = false;
	for (uint32_t host = 1; host <= 3; host++) {
		double v = base + host;
		uint64_t bits;

		memcpy(&bits, &v, sizeof(bits));
		row_value(cs, row, &(struct change_series){ .subject = host,
			.name = "ping_rtt_seconds" }, bits);
		row_value(cs, row, &(struct change_series){ .subject = host,
			.name = "ping_loss_ratio" }, 0);
	}
	ck_assert_int_eq(yard_put(y, cs), 0);
}

START_TEST(a_sweep_is_read_by_each_host_in_it)
{
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct store_series_query q = { .subject = 2,
		.metric = "ping_rtt_seconds", .from = { T0 },
		.to = { T0 + 3600000 } };
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 3);
	for (int i = 0; i < 40; i++)
		sweep(&y, T0 + i * 15000, i * 10);
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 40);
	ck_assert_double_eq(seen->p[0].value, 2);
	ck_assert_double_eq(seen->p[39].value, 392);
	q.subject = YARD_PARTITION;
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 0);
	yard_fini(&y);
	free(seen);
}
END_TEST

static void
put_instances(struct yard *y, int64_t at_ms, double v)
{
	struct change_set *cs = set_new();
	struct change_history *row = set_row(cs, 1, "cpu", at_ms);

	for (int cpu = 0; cpu < 3; cpu++) {
		char instance[32];
		double value = v + cpu * 100;
		uint64_t bits;

		snprintf(instance, sizeof(instance), "cpu=\"%d\"", cpu);
		memcpy(&bits, &value, sizeof(bits));
		row_value(cs, row, &(struct change_series){
			.name = "cpu_seconds_total", .instance = instance },
			bits);
	}
	ck_assert_int_eq(yard_put(y, cs), 0);
}

START_TEST(instances_come_one_after_the_other_or_alone)
{
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct store_series_query q = { .subject = 1,
		.metric = "cpu_seconds_total", .from = { T0 },
		.to = { T0 + 3600000 } };
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	for (int i = 0; i < 10; i++)
		put_instances(&y, T0 + i * 15000, i);
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 30);
	for (size_t i = 0; i < 30; i++) {
		char instance[32];

		snprintf(instance, sizeof(instance), "cpu=\"%zu\"", i / 10);
		ck_assert_str_eq(seen->p[i].instance, instance);
		ck_assert_double_eq(seen->p[i].value,
			(double)(i % 10 + i / 10 * 100));
	}
	q.instance = "cpu=\"1\"";
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 10);
	ck_assert_double_eq(seen->p[9].value, 109);
	/* The limit cuts all instances at the same time. */
	q.instance = NULL;
	q.limit = 14;
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 12);
	ck_assert_int_eq(seen->p[3].at.ms, T0 + 45000);
	ck_assert_int_eq(seen->p[11].at.ms, T0 + 45000);
	yard_fini(&y);
	free(seen);
}
END_TEST

START_TEST(a_step_gives_mean_min_max_and_count_by_the_clock)
{
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct store_series_query q = { .subject = 1, .metric = "m_ratio",
		.from = { T0 + 30000 }, .to = { T0 + 600000 },
		.step = dur_s(120) };
	struct change_set *cs = set_new();
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	for (int i = 0; i < 40; i++)
		row_f64(cs, set_row(cs, 1, "p", T0 + i * 15000), "m_ratio", i);
	row_f64(cs, set_row(cs, 1, "p", T0 + 45001), "m_ratio", NAN);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 5);
	ck_assert_int_eq(seen->p[0].at.ms, T0);
	ck_assert_uint_eq(seen->p[0].count, 6);	/* two lie before `from` */
	ck_assert_double_eq(seen->p[0].min, 2);
	ck_assert_double_eq(seen->p[0].max, 7);
	ck_assert_double_eq(seen->p[0].value, 4.5);
	ck_assert_int_eq(seen->p[4].at.ms, T0 + 480000);
	ck_assert_uint_eq(seen->p[4].count, 8);
	ck_assert_double_eq(seen->p[4].value, 35.5);
	q.limit = 2;
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 2);
	ck_assert_uint_eq(seen->p[1].count, 8);
	yard_fini(&y);
	free(seen);
}
END_TEST

START_TEST(a_layout_may_change_from_row_to_row)
{
	struct seen_points *seen = calloc(1, sizeof(*seen));
	struct store_series_query q = { .subject = 1, .metric = "m_ratio",
		.from = { 0 }, .to = { T0 * 2 } };
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	for (int i = 0; i < 6; i++) {
		struct change_set *cs = set_new();
		struct change_history *row = set_row(cs, 1, "p", T0 + i);

		for (int k = 0; k < i % 3; k++) {
			char name[32];

			snprintf(name, sizeof(name), "x%d_ratio", k);
			row_f64(cs, row, name, 0.5);
		}
		row_f64(cs, row, "m_ratio", i);
		ck_assert_int_eq(yard_put(&y, cs), 0);
	}
	ck_assert_int_eq(yard_series(&y, &q, seen), 0);
	ck_assert_uint_eq(seen->n, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_double_eq(seen->p[i].value, (double)i);
	yard_fini(&y);
	free(seen);
}
END_TEST

/* ---- events, predictions, tokens ---- */

struct seen_events {
	size_t n;
	uint64_t seq[64];
	char subject[64][64];
};

static int
see_event(void *arg, const struct store_event *ev)
{
	struct seen_events *seen = arg;

	seen->seq[seen->n] = ev->seq;
	snprintf(seen->subject[seen->n++], 64, "%s", ev->subject_name);
	return 0;
}

START_TEST(events_are_read_in_order_from_a_place)
{
	struct change_set *cs = set_new();
	struct seen_events seen = { 0 };
	struct tc_err e;
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 1);
	set_subject(cs, 5, SUBJECT_DEVICE, 1, "disk/M/S/W");
	set_subject(cs, 6, SUBJECT_CHECK, 1, "tcp:8000");
	set_event(cs, 10, 1, "host.state");
	set_event(cs, 11, 5, "prediction");
	set_event(cs, 15, 6, "check.state");
	set_event(cs, 16, 0, "server.start");
	set_event(cs, 17, YARD_PARTITION, "brake");
	ck_assert_int_eq(yard_put(&y, cs), 0);
	ck_assert_int_eq(y.ops->events(y.s, 10, 3, see_event, &seen, &e), 0);
	ck_assert_uint_eq(seen.n, 3);
	ck_assert_uint_eq(seen.seq[0], 11);
	ck_assert_str_eq(seen.subject[0], "h1/disk/M/S/W");
	ck_assert_str_eq(seen.subject[1], "h1/tcp:8000");
	ck_assert_str_eq(seen.subject[2], "");
	seen.n = 0;
	ck_assert_int_eq(y.ops->events(y.s, 16, 9, see_event, &seen, &e), 0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_str_eq(seen.subject[0], "rack1");
	/* of a host and what it has, the last ones */
	seen.n = 0;
	ck_assert_int_eq(y.ops->events_of(y.s, 1, 9, see_event, &seen, &e), 0);
	ck_assert_uint_eq(seen.n, 3);
	ck_assert_uint_eq(seen.seq[0], 10);
	ck_assert_uint_eq(seen.seq[2], 15);
	ck_assert_str_eq(seen.subject[2], "h1/tcp:8000");
	seen.n = 0;
	ck_assert_int_eq(y.ops->events_of(y.s, 1, 2, see_event, &seen, &e), 0);
	ck_assert_uint_eq(seen.n, 2);
	ck_assert_uint_eq(seen.seq[0], 11);
	yard_fini(&y);
}
END_TEST

static int
see_prediction(void *arg, const struct change_prediction *p)
{
	struct seen_all *a = arg;

	snprintf(a->bytes[a->n_predictions], 64, "%s %s", p->level, p->body);
	a->prediction[a->n_predictions++] = p->id;
	return 0;
}

static void
predictions(struct yard *y, uint64_t id, int64_t as_of, struct seen_all *a)
{
	struct tc_err e = { 0 };

	a->n_predictions = 0;
	ck_assert_int_eq(y->ops->predictions(y->s, id, (struct wall){ as_of },
		see_prediction, a, &e), 0);
}

START_TEST(a_verdict_stands_until_the_next_one)
{
	struct change_set *cs = set_new();
	struct seen_all a = { 0 };
	struct yard y;

	open_new(&y);
	yard_hosts(&y, 2);
	set_prediction(cs, 1, 1, T0, (struct prediction_text){ "watch", "{1}" });
	set_prediction(cs, 2, 2, T0, (struct prediction_text){ "watch", "{2}" });
	set_prediction(cs, 3, 1, T0 + 10,
		(struct prediction_text){ "likely", "{3}" });
	set_prediction(cs, 4, 2, T0 + 20,
		(struct prediction_text){ "none", "{4}" });
	ck_assert_int_eq(yard_put(&y, cs), 0);
	predictions(&y, 0, T0 + 5, &a);
	ck_assert_uint_eq(a.n_predictions, 2);
	predictions(&y, 0, T0 + 10, &a);
	ck_assert_uint_eq(a.n_predictions, 2);
	ck_assert_uint_eq(a.prediction[0], 2);
	ck_assert_uint_eq(a.prediction[1], 3);
	predictions(&y, 0, T0 + 20, &a);
	ck_assert_uint_eq(a.n_predictions, 1);
	ck_assert_str_eq(a.bytes[0], "likely {3}");
	predictions(&y, 1, 0, &a);
	ck_assert_uint_eq(a.n_predictions, 1);
	ck_assert_str_eq(a.bytes[0], "watch {1}");
	predictions(&y, 0, T0 - 1, &a);
	ck_assert_uint_eq(a.n_predictions, 0);
	reopen(&y);
	load(&y, &a);
	ck_assert_uint_eq(a.n_predictions, 1);
	ck_assert_uint_eq(a.prediction[0], 3);
	ck_assert_uint_eq(a.prediction_id, 3);
	yard_fini(&y);
}
END_TEST

START_TEST(tokens_are_durable_at_once_and_bound_to_hosts)
{
	struct store_token t = { .id = 1, .sha256 = { 1 }, .role = "agent",
		.host_name = "h1", .name = "n", .created = { T0 } };
	struct tc_err e = { 0 };
	struct seen_all a;
	struct yard y;

	open_new(&y);
	ck_assert_int_eq(y.ops->token_put(y.s, &t, &e), 0);
	yard_hosts(&y, 1);
	t = (struct store_token){ .id = 2, .sha256 = { 2 }, .role = "agent",
		.host_name = "h1", .name = "n", .created = { T0 } };
	ck_assert_int_eq(y.ops->token_put(y.s, &t, &e), 0);
	t = (struct store_token){ .id = 3, .sha256 = { 3 }, .role = "admin",
		.name = "root", .created = { T0 }, .until = { T0 + 9 } };
	ck_assert_int_eq(y.ops->token_put(y.s, &t, &e), 0);
	t.id = 4;	/* the same secret under another number */
	ck_assert_int_eq(y.ops->token_put(y.s, &t, &e), TC_EINVAL);
	t = (struct store_token){ .id = 3, .sha256 = { 9 }, .role = "admin" };
	ck_assert_int_eq(y.ops->token_put(y.s, &t, &e), TC_EEXIST);
	ck_assert_int_eq(y.ops->token_revoke(y.s, 3, (struct wall){ T0 + 1 },
		&e), 0);
	ck_assert_int_eq(y.ops->token_revoke(y.s, 3, (struct wall){ T0 + 2 },
		&e), TC_ENOENT);
	reopen(&y);
	load(&y, &a);
	ck_assert_uint_eq(a.n_tokens, 3);
	ck_assert_uint_eq(a.token[0].host, 0);
	ck_assert_str_eq(a.host_name[0], "h1");
	ck_assert_uint_eq(a.token[1].host, 1);
	ck_assert_str_eq(a.host_name[1], "h1");
	ck_assert_str_eq(a.role[2], "admin");
	ck_assert_int_eq(a.token[2].revoked.ms, T0 + 1);
	ck_assert_int_eq(a.token[1].until.ms, 0);
	ck_assert_int_eq(a.token[2].until.ms, T0 + 9);
	ck_assert_int_eq(a.token[2].sha256[0], 3);
	ck_assert_uint_eq(a.token_id, 3);
	yard_fini(&y);
}
END_TEST

START_TEST(what_does_not_fit_into_the_queue_stays_the_callers)
{
	struct change_set *cs;
	struct store_stats stats;
	int refused = 0;
	struct yard y;

	yard_init(&y, contract_ops);
	y.conf.queue_cap = 4;
	yard_open(&y);
	good = bad = 0;
	for (uint64_t i = 1; i <= 2000; i++) {
		int rc;

		cs = set_new();
		set_event(cs, i, 0, "k");
		cs->done = tally;
		rc = y.ops->submit(y.s, cs);
		if (rc == 0)
			continue;
		ck_assert_int_eq(rc, TC_EFULL);
		change_set_free(cs);
		refused++;
	}
	ck_assert_int_eq(y.ops->flush(y.s, dur_s(30)), 0);
	ck_assert_int_eq(good + refused, 2000);
	ck_assert_int_eq(bad, 0);
	y.ops->stats(y.s, &stats);
	ck_assert_uint_eq(stats.sets, (uint64_t)good);
	ck_assert(stats.commits <= stats.sets);
	ck_assert(stats.db_bytes > 0);
	ck_assert_uint_eq(stats.queue_len, 0);
	yard_fini(&y);
}
END_TEST

int
contract_run(const char *suite)
{
	return STORIES(suite,
		a_new_store_is_empty_and_clean,
		subjects_come_back_parents_first,
		a_subject_keeps_its_id_when_its_description_changes,
		two_subjects_cannot_share_a_name,
		states_are_replaced_and_deleted_by_subject_and_kind,
		a_set_is_committed_whole_or_not_at_all,
		a_set_given_again_changes_nothing,
		one_bad_set_does_not_sink_the_others,
		calm_sets_share_a_commit_with_the_next_that_is_awaited,
		calm_sets_are_committed_though_nobody_comes,
		a_set_without_done_is_freed_by_the_store,
		an_orderly_stop_is_told_from_another,
		an_offline_visit_does_not_make_a_crash_look_clean,
		a_repeated_batch_is_counted_and_not_doubled,
		the_last_256_batches_of_a_host_are_known,
		series_come_back_exactly_with_their_times,
		integers_of_64_bits_share_rows_with_doubles,
		a_sweep_is_read_by_each_host_in_it,
		instances_come_one_after_the_other_or_alone,
		a_step_gives_mean_min_max_and_count_by_the_clock,
		a_layout_may_change_from_row_to_row,
		events_are_read_in_order_from_a_place,
		a_verdict_stands_until_the_next_one,
		tokens_are_durable_at_once_and_bound_to_hosts,
		what_does_not_fit_into_the_queue_stays_the_callers);
}
