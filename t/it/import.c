/*
 * History brought from elsewhere: where no server runs, into its store; the
 * server then judges what it finds.  A running one takes only what is new.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

static struct it it;
static struct strbuf out;

static void
begin(void)
{
	it_init(&it);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"partitions:\n  - name: rack1\n    hosts: [{name: h1}]\n",
		it.dir);
}

static int
import(const char *file, const char *host, const char *format)
{
	char state[128], path[128];
	const char *argv[] = { it_cli(), "import", path, "--state-dir", state,
		"--format", format, host ? "--host" : NULL, host, NULL };

	snprintf(state, sizeof(state), "%s/state", it.dir);
	snprintf(path, sizeof(path), "%s/%s", it.dir, file);
	strbuf_reset(&out);
	return it_run(&it, &out, argv);
}

/* A good drive, and one that goes bad; the last day so many days ago. */
static void
write_csv(const char *name, int until)
{
	struct clock *clock = clock_system();
	int32_t today = wall_to_days(clock->wall(clock));
	struct strbuf csv = { 0 };

	strbuf_puts(&csv, "date,serial_number,model,capacity_bytes,failure,"
		"smart_5_raw,smart_187_raw,smart_188_raw,smart_197_raw,"
		"smart_198_raw\n");
	for (int day = 5; day >= 0; day--) {
		struct date d = date_from_days(today - until - day);
		int n = 5 - day;

		strbuf_printf(&csv, "%04d-%02d-%02d,Z-BAD,ST4000DM000,4000,0,"
			"%d,%d,0,%d,0\n%04d-%02d-%02d,Z-GOOD,ST4000DM000,4000,"
			"0,0,0,0,0,0\n", (int)d.year, (int)d.month,
			(int)d.day, n * 64, n, n * 24, (int)d.year,
			(int)d.month, (int)d.day);
	}
	it_write(&it, name, "%s", strbuf_str(&csv));
	strbuf_free(&csv);
}

static bool
answers(void *arg)
{
	struct it_reply r;
	bool yes;

	it_get(&it, arg, &r);
	yes = r.status == 200;
	it_reply_fini(&r);
	return yes;
}

/*
 * A drive that came this moment is known a publication after its batch was
 * acknowledged, a tenth of a second at the most.
 */
static size_t
points(const char *metric)
{
	struct it_reply r;
	char path[160];
	size_t n = 0;

	snprintf(path, sizeof(path), "/v1/series?host=h1&device=Z-BAD&metric=%s"
		"&from=2020-01-01T00:00:00Z", metric);
	it_wait(answers, path, 10);
	it_get(&it, path, &r);
	ck_assert_msg(r.status == 200, "%ld %s", r.status,
		strbuf_str(&r.text));
	n = json_array_size(it_at(r.json, "series.0.points"));
	it_reply_fini(&r);
	return n;
}

START_TEST(history_is_judged_when_the_server_starts)
{
	struct it_reply r;

	begin();
	write_csv("drives.csv", 9);	/* older than a server would take */
	ck_assert_int_eq(import("drives.csv", "H1", "text"), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "12 of 12 rows taken, 0 were"));
	ck_assert_ptr_nonnull(strstr(out.p, "2 drives of h1\n"));
	ck_assert_int_eq(import("drives.csv", "h1", "kv"), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "accepted=0\nduplicates=12\n"));
	it_start_server(&it);
	ck_assert(it_wait_text(&it, "/v1/predictions", "items.0.host", "h1",
		10));
	it_get(&it, "/v1/predictions", &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 1);
	ck_assert_str_eq(it_text(&r, "items.0.device.serial"), "Z-BAD");
	it_reply_fini(&r);
	ck_assert_uint_eq(points("smart_197_raw"), 6);
	/* nobody was seen alive by it */
	it_get(&it, "/v1/hosts/h1", &r);
	ck_assert_str_eq(it_text(&r, "state"), "unknown");
	it_reply_fini(&r);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

/* The own history, judged backwards and mined. */
static void
look_back(void)
{
	struct strbuf text = { 0 };
	char db[160];

	snprintf(db, sizeof(db), "%s/state/tocsin.db", it.dir);
	ck_assert_int_eq(it_run(&it, &text, (const char *const[]){ it_cli(),
		"backtest", "--db", db, "--emit", "-", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&text), "Z-A,2020-01-05,M,") != NULL,
		"%s", strbuf_str(&text));
	strbuf_reset(&text);
	ck_assert_int_eq(it_run(&it, &text, (const char *const[]){ it_cli(),
		"backtest", "--db", db, "--json", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&text), "\"failed\":1") != NULL, "%s",
		strbuf_str(&text));
	strbuf_reset(&text);
	ck_assert_int_eq(it_run(&it, &text, (const char *const[]){ it_cli(),
		"mine", "--db", db, NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&text), "2 things, 1 failed") != NULL,
		"%s", strbuf_str(&text));
	strbuf_free(&text);
}

START_TEST(r039_failures_of_a_file_are_outcomes)
{
	struct it_reply r;

	begin();
	it_write(&it, "f.csv", "date,serial_number,model,failure,smart_5_raw,"
		"smart_197_raw\n2020-01-01,Z-A,M,0,0,0\n"
		"2020-01-01,Z-B,M,0,0,0\n2020-01-05,Z-A,M,0,0,800\n"
		"2020-01-06,Z-A,M,1,0,900\n2020-01-07,Z-B,M,0,0,0\n");
	ck_assert_int_eq(import("f.csv", "h1", "text"), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "1 failed: noted as outcomes\n"));
	ck_assert_int_eq(import("f.csv", "h1", "text"), 0);	/* harmless */
	look_back();
	it_start_server(&it);
	it_get(&it, "/v1/outcomes", &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 1);
	ck_assert_str_eq(it_text(&r, "items.0.device.serial"), "Z-A");
	ck_assert_str_eq(it_text(&r, "items.0.outcome"), "failed");
	ck_assert_str_eq(it_text(&r, "items.0.source"), "imported");
	ck_assert_str_eq(it_text(&r, "items.0.at"), "2020-01-06T00:00:00.000Z");
	it_reply_fini(&r);
	/* it is gone: nobody is to leave it now */
	it_get(&it, "/v1/predictions", &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 0);
	it_reply_fini(&r);
	it_get(&it, "/v1/predictor/scorecard", &r);
	ck_assert_double_eq(it_number(&r, "all.failed"), 1);
	ck_assert_double_gt(it_number(&r, "all.host_years"), 5);
	it_reply_fini(&r);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

START_TEST(a_running_server_takes_what_is_new)
{
	begin();
	it_start_server(&it);
	write_csv("old.csv", 9);
	ck_assert_int_eq(import("old.csv", "h1", "text"), 1);
	write_csv("new.csv", 1);
	ck_assert_int_eq(import("new.csv", "h1", "json"), 0);
	ck_assert_str_eq(strbuf_str(&out), "{\"rows\":12,\"accepted\":12,"
		"\"duplicates\":0,\"offline\":false}\n");
	ck_assert_uint_eq(points("smart_197_raw"), 6);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

START_TEST(batches_are_lines_and_bad_files_are_refused)
{
	begin();
	it_start_server(&it);	/* makes the store */
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	it_write(&it, "batches", "{\"host\":\"h2\",\"observations\":[{\"probe\":"
		"\"cpu\",\"at_ms\":1577836800000,\"outcome\":\"ok\",\"metrics\":"
		"{\"load\":1}}]}\n\n{\"host\":\"h2\",\"observations\":["
		"{\"probe\":\"cpu\",\"at_ms\":1577836801000,\"outcome\":\"ok\","
		"\"metrics\":{\"load\":2}}]}");
	ck_assert_int_eq(import("batches", NULL, "kv"), 0);
	ck_assert_str_eq(strbuf_str(&out),
		"rows=2\naccepted=2\nduplicates=0\n");
	it_write(&it, "bad", "{\"host\":\"h2\",\"observations\":[{]}\n");
	ck_assert_int_eq(import("bad", NULL, "kv"), 1);
	it_write(&it, "bad.csv", "date,serial_number,failure,smart_5_raw\n"
		"2013-01-01,a,0,1\n2013-13-01,a,0,1\n");
	ck_assert_int_eq(import("bad.csv", "h2", "kv"), 1);
	ck_assert_int_eq(import("missing", "h2", "kv"), 1);
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("import", history_is_judged_when_the_server_starts,
		r039_failures_of_a_file_are_outcomes,
		a_running_server_takes_what_is_new,
		batches_are_lines_and_bad_files_are_refused);
}
