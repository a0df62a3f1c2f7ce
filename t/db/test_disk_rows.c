/*
 * The own history as rows of disks: what stood in the store comes back, day by
 * day, and nothing of tomorrow is seen today.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/backtest.h"
#include "predict/builtin.h"
#include "store/disk_rows.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

#define DAY_MS INT64_C(86400000)
#define DAY0 20000
#define HOST 1u

/* ---- a history ---- */

static void
add_disk(struct yard *y, uint32_t id, const char *body)
{
	struct change_set *cs = set_new();

	set_subject(cs, id, SUBJECT_DEVICE, HOST, body);
	cs->items[cs->n - 1].u.subject.body = body;
	ck_assert_int_eq(yard_put(y, cs), 0);
}

static void
measure(struct yard *y, uint32_t id, int day, const char *metric, double v)
{
	struct change_set *cs = set_new();
	struct change_history *row = set_row(cs, id, "smart",
		(DAY0 + day) * DAY_MS + 3600000);

	row_f64(cs, row, metric, v);
	row_f64(cs, row, "smart_5_raw", 0);
	ck_assert_int_eq(yard_put(y, cs), 0);
}

static void
fails(struct yard *y, uint32_t id, int day)
{
	struct change_set *cs = set_new();
	struct change *c = change_add(cs, CHANGE_OUTCOME);

	c->u.outcome = (struct change_outcome){ .subject = id,
		.kind = OUTCOME_FAILED, .at.ms = (DAY0 + day) * DAY_MS + 7,
		.by = "ann", .note = "" };
	ck_assert_int_eq(yard_put(y, cs), 0);
}

static void
begin(struct yard *y)
{
	yard_init(y, &store_sqlite);
	yard_open(y);
	yard_hosts(y, 1);
	add_disk(y, 11, "{\"kind\":\"disk\",\"model\":\"M\",\"serial\":\"A\"}");
	add_disk(y, 12, "{\"kind\":\"disk\",\"model\":\"M\",\"serial\":\"B\"}");
}

/* ---- read ---- */

struct seen_row {
	char serial[16];
	int32_t day;
	uint32_t seen;
	uint64_t pending;
	bool failure;
};

static size_t
read_rows(struct yard *y, struct seen_row *out, size_t cap)
{
	struct drives *d = NULL;
	struct tc_err e = { 0 };
	struct row row;
	size_t n = 0;
	int rc;

	ck_assert_msg(drives_open(y->path, &d, &e) == 0, "%s", e.text);
	while ((rc = drives_source(d)->next(drives_source(d), &row, &e)) > 0) {
		ck_assert_uint_lt(n, cap);
		out[n] = (struct seen_row){ .day = row.day - DAY0,
			.seen = row.seen, .failure = row.failure,
			.pending = row.raw[COUNTER_PENDING] };
		memcpy(out[n].serial, row.serial, row.serial_n);
		n++;
	}
	ck_assert_msg(rc == 0, "%s", e.text);
	ck_assert_double_eq(drives_progress(d), 1);
	drives_close(d);
	return n;
}

START_TEST(what_was_measured_comes_back_day_by_day)
{
	struct seen_row rows[16] = { 0 };
	struct yard y;

	begin(&y);
	measure(&y, 11, 0, "smart_197_raw", 0);
	measure(&y, 11, 2, "smart_197_raw", 8);
	measure(&y, 12, 1, "smart_197_raw", 1);
	fails(&y, 11, 3);	/* nothing was read on that day */
	ck_assert_uint_eq(read_rows(&y, rows, ARRAY_LEN(rows)), 4);
	ck_assert_str_eq(rows[0].serial, "A");
	ck_assert_int_eq(rows[0].day, 0);
	ck_assert_uint_eq(rows[0].seen, 1u << COUNTER_REALLOCATED |
		1u << COUNTER_PENDING);
	ck_assert_int_eq(rows[1].day, 2);
	ck_assert_uint_eq(rows[1].pending, 8);
	ck_assert(!rows[1].failure);
	ck_assert_int_eq(rows[2].day, 3);
	ck_assert_uint_eq(rows[2].seen, 0);
	ck_assert(rows[2].failure);
	ck_assert_str_eq(rows[3].serial, "B");
	yard_fini(&y);
}
END_TEST

/* As when it was measured: what our probe could not decode is worth nothing. */
START_TEST(p1_values_are_decoded_as_the_engine_decoded_them)
{
	struct seen_row rows[16] = { 0 };
	struct yard y;
	struct change_set *cs;
	struct change_history *row;

	begin(&y);
	cs = set_new();
	row = set_row(cs, 11, "smart", DAY0 * DAY_MS);
	row_f64(cs, row, "smart_197_raw", 43733456846851.0);
	row_f64(cs, row, "smart_undecoded_count", 1);
	row_f64(cs, row, "reallocated_sectors", 3);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	ck_assert_uint_eq(read_rows(&y, rows, ARRAY_LEN(rows)), 1);
	ck_assert_uint_eq(rows[0].seen, 1u << COUNTER_REALLOCATED);
	yard_fini(&y);
}
END_TEST

/* ---- the canary ---- */

struct heard {
	size_t n;
	struct backtest_change change[256];
};

static int
hear(void *ctx, const struct backtest_change *c, struct tc_err *e)
{
	struct heard *h = ctx;

	(void)e;
	ck_assert_uint_lt(h->n, ARRAY_LEN(h->change));
	h->change[h->n] = *c;
	h->change[h->n].model = NULL;
	h->change[h->n++].serial = c->serial[0] == 'A' ? "A" : "B";
	return 0;
}

static void
backtest_of(struct yard *y, const struct pack *pack, struct heard *h,
	int last_day)
{
	struct backtest_opts opts = { .change = hear, .ctx = h };
	struct backtest_report *r = MEM_NEW(struct backtest_report);
	struct drives *d = NULL;
	size_t n = 0;

	h->n = 0;
	ck_assert_int_eq(drives_open(y->path, &d, NULL), 0);
	ck_assert_int_eq(backtest_run(drives_source(d), pack, &opts, r, NULL),
		0);
	drives_close(d);
	mem_free(r);
	for (size_t i = 0; i < h->n; i++)
		if (h->change[i].day - DAY0 <= last_day)
			h->change[n++] = h->change[i];
	h->n = n;
}

/* Two disks, one of which goes bad; what follows day 15 is another each time. */
static void
tell_history(struct yard *y, unsigned future)
{
	unsigned dice = future;

	for (int day = 0; day < 30; day++) {
		double bad = day < 5 ? 0 : day * 4;

		dice = dice * 1664525u + 1013904223u;
		if (day > 15)
			bad = dice >> 23;
		measure(y, 11, day, "smart_197_raw", bad);
		measure(y, 12, day, "smart_197_raw", day > 15 ? bad / 3 : 0);
	}
	if (future % 2 == 1)
		fails(y, 11, 16 + (int)future);
}

static void
check_same(const struct backtest_change *a, const struct backtest_change *b)
{
	ck_assert_str_eq(a->serial, b->serial);
	ck_assert_int_eq(a->day, b->day);
	ck_assert_int_eq(a->score, b->score);
	ck_assert_int_eq(a->level, b->level);
	ck_assert_mem_eq(&a->risk, &b->risk, sizeof(a->risk));	/* exactly */
}

START_TEST(p20_whatever_the_future_is_the_past_was_judged_the_same)
{
	struct heard *first = MEM_NEW(struct heard);
	struct heard *other = MEM_NEW(struct heard);
	struct pack *pack = NULL;
	struct yard y;

	ck_assert_int_eq(pack_builtin(&pack, NULL), 0);
	for (unsigned future = 0; future < 6; future++) {
		begin(&y);
		tell_history(&y, future);
		backtest_of(&y, pack, future == 0 ? first : other, 15);
		yard_fini(&y);
		ck_assert_uint_gt(first->n, 0);
		if (future == 0)
			continue;
		ck_assert_uint_eq(first->n, other->n);
		for (size_t i = 0; i < first->n; i++)
			check_same(&first->change[i], &other->change[i]);
	}
	pack_free(pack);
	mem_free(first);
	mem_free(other);
}
END_TEST

START_TEST(r036_the_disks_are_a_table_for_mining)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	struct yard y;
	struct change_set *cs;

	begin(&y);
	cs = set_new();
	set_subject(cs, HOST, SUBJECT_HOST, 0, "h1");
	cs->items[cs->n - 1].u.subject.body = "{\"partition\":\"r1\",\"tags\":"
		"{\"rack\":\"a \\\"7\\\"\",\"agent_version\":\"2.1\"}}";
	ck_assert_int_eq(yard_put(&y, cs), 0);
	add_disk(&y, 13, "{\"kind\":\"disk\",\"model\":\"M,2\","
		"\"serial\":\"Z300ABCD\"}");
	fails(&y, 13, 3);
	ck_assert_msg(drives_table(y.path, false, &text, &e) == 0, "%s", e.text);
	ck_assert_str_eq(strbuf_str(&text), "serial_number,host,model,firmware,"
		"batch,partition,kernel,agent,\"rack\",\"agent_version\","
		"failure\n"
		"\"A\",\"h1\",\"M\",\"\",\"\",\"r1\",\"\",\"\",\"a 7\",\"2.1\",0\n"
		"\"B\",\"h1\",\"M\",\"\",\"\",\"r1\",\"\",\"\",\"a 7\",\"2.1\",0\n"
		"\"Z300ABCD\",\"h1\",\"M,2\",\"\",\"Z300\",\"r1\",\"\",\"\","
		"\"a 7\",\"2.1\",1\n");
	strbuf_free(&text);
	ck_assert_int_lt(drives_table("/nowhere/tocsin.db", false, &text, &e),
		0);
	yard_fini(&y);
}
END_TEST

static void
runs(struct yard *y, uint32_t id, int day, const char *metric,
	const char *label)	/* lint: a row of the story */
{
	struct change_set *cs = set_new();
	struct change_history *row = set_row(cs, id, metric,
		(DAY0 + day) * DAY_MS);

	row_f64(cs, row, metric, 1);
	((struct change_series *)(uintptr_t)row->series)[0].instance = label;
	ck_assert_int_eq(yard_put(y, cs), 0);
}

static void
moves_to(struct yard *y, uint64_t seq, int day, const char *body)
{
	struct change_set *cs = set_new();
	struct change *c = change_add(cs, CHANGE_EVENT);

	c->u.event = (struct change_event){ .seq = seq,
		.at.ms = (DAY0 + day) * DAY_MS, .kind = "host.state",
		.subject = HOST, .body = body };
	ck_assert_int_eq(yard_put(y, cs), 0);
}

/* What ran when it failed counts, not what runs now. */
START_TEST(r037_versions_are_those_that_ran_when_it_failed)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	struct yard y;

	begin(&y);
	runs(&y, 11, 0, "firmware_info", "version=\"F,1\"");
	runs(&y, 11, 9, "firmware_info", "version=\"F2\"");
	runs(&y, 12, 0, "firmware_info", "version=\"F,1\"");
	runs(&y, 12, 9, "firmware_info", "version=\"F2\"");
	runs(&y, HOST, 0, "kernel_info", "release=\"6.1\"");
	runs(&y, HOST, 0, "agent_info", "version=\"2.0\"");
	runs(&y, HOST, 3, "agent_info", "version=\"2.1\"");
	runs(&y, HOST, 8, "agent_info", "version=\"2.2\"");
	fails(&y, 11, 5);
	ck_assert_msg(drives_table(y.path, false, &text, &e) == 0, "%s", e.text);
	ck_assert_str_eq(strbuf_str(&text), "serial_number,host,model,firmware,"
		"batch,partition,kernel,agent,failure\n"
		"\"A\",\"h1\",\"M\",\"F,1\",\"\",\"\",\"6.1\",\"2.1\",1\n"
		"\"B\",\"h1\",\"M\",\"F2\",\"\",\"\",\"6.1\",\"2.2\",0\n");
	strbuf_reset(&text);

	moves_to(&y, 1, 1, "{\"from\":\"suspect\",\"to\":\"unhealthy\","
		"\"window\":7}");
	ck_assert_int_eq(drives_table(y.path, true, &text, &e), 0);
	ck_assert_str_eq(strbuf_str(&text), "host,partition,kernel,agent,"
		"failure\n\"h1\",\"\",\"6.1\",\"2.2\",0\n");
	strbuf_reset(&text);
	moves_to(&y, 2, 4, "{\"from\":\"suspect\",\"to\":\"unhealthy\"}");
	ck_assert_int_eq(drives_table(y.path, true, &text, &e), 0);
	ck_assert_str_eq(strbuf_str(&text), "host,partition,kernel,agent,"
		"failure\n\"h1\",\"\",\"6.1\",\"2.1\",1\n");
	strbuf_free(&text);
	yard_fini(&y);
}
END_TEST

int
main(void)
{
	return STORIES("drives", what_was_measured_comes_back_day_by_day,
		p1_values_are_decoded_as_the_engine_decoded_them,
		p20_whatever_the_future_is_the_past_was_judged_the_same,
		r036_the_disks_are_a_table_for_mining,
		r037_versions_are_those_that_ran_when_it_failed);
}
