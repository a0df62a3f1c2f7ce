/*
 * 40 of 1,000 hosts flagged at once, told by the commands that a person would
 * type: foreseen, latched, seen everywhere, released with a name and a reason.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

#define HOSTS 1000
#define FLAGGED 40

static struct it it;
static struct strbuf out;

static void
begin(void)
{
	struct strbuf y = { 0 };

	it_init(&it);
	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"evacuate: {at_once: 50, per_hour: 50, per_day: 50}\n"
		"partitions:\n  - name: rack1\n    hosts:\n", it.dir);
	for (int i = 0; i < HOSTS; i++)
		strbuf_printf(&y, "      - {name: h%d}\n", i);
	it_write(&it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
	it_start_server(&it);
}

/* tocsin with these words; blanks part them, '_' stands for a blank. */
static int
tocsin_as(const char *token_file, const char *words)
{
	char text[1024], state[128], *save = NULL;
	const char *argv[24] = { it_cli() };
	size_t n = 1;

	snprintf(text, sizeof(text), "%s", words);
	for (char *p = strtok_r(text, " ", &save); p && n < 19;
	     p = strtok_r(NULL, " ", &save)) {
		for (char *q = strchr(p, '_'); q; q = strchr(q, '_'))
			*q = ' ';
		argv[n++] = p;
	}
	snprintf(state, sizeof(state), "%s/state", it.dir);
	argv[n++] = "--state-dir";
	argv[n++] = state;
	if (token_file) {
		argv[n++] = "--token-file";
		argv[n++] = token_file;
	}
	argv[n] = NULL;
	strbuf_reset(&out);
	return it_run(&it, &out, argv);
}

static void
says(const char *words, int status, const char *want)
{
	int got = tocsin_as(NULL, words);

	ck_assert_msg(got == status, "tocsin %s ends with %d", words, got);
	ck_assert_msg(strstr(strbuf_str(&out), want) != NULL,
		"tocsin %s: no '%s' in\n%s", words, want, strbuf_str(&out));
}

static size_t
count(const char *what)
{
	size_t n = 0;

	for (const char *p = strbuf_str(&out); (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* A disk that goes bad within five days, as an agent would have told. */
static void
flag(int host)
{
	struct clock *clock = clock_system();
	int64_t now = clock->wall(clock).ms;
	struct strbuf body = { 0 };
	struct it_reply r;

	strbuf_printf(&body, "{\"host\":\"h%d\",\"observations\":[", host);
	for (int day = 5; day >= 0; day--)
		strbuf_printf(&body, "%s{\"probe\":\"smart\",\"at_ms\":%lld,"
			"\"outcome\":\"ok\",\"device\":{\"kind\":\"disk\","
			"\"model\":\"ST4000DM000\",\"serial\":\"Z%d\"},"
			"\"metrics\":{\"smart_197_raw\":%d,\"smart_5_raw\":%d,"
			"\"smart_187_raw\":%d}}", day == 5 ? "" : ",",
			(long long)(now - day * INT64_C(86400000)), host,
			(5 - day) * 24, (5 - day) * 64, 5 - day);
	strbuf_puts(&body, "]}");
	it_call(&it, "POST /v1/observations", NULL, strbuf_str(&body), &r);
	ck_assert_msg(r.status == 202, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	strbuf_free(&body);
}

/* tocsin WORD WORD … --state-dir …, into a file */
static pid_t
start(const char *log, const char *const *words)
{
	char state[128];
	const char *argv[16] = { it_cli() };
	size_t n = 1;

	while (*words)
		argv[n++] = *words++;
	snprintf(state, sizeof(state), "%s/state", it.dir);
	argv[n++] = "--state-dir";
	argv[n] = state;
	return it_spawn(&it, log, argv);
}

struct line {
	const char *log;
	const char *text;
};

static bool
stands_in(void *arg)
{
	const struct line *l = arg;

	strbuf_reset(&out);
	it_read(&it, l->log, &out);
	return strstr(strbuf_str(&out), l->text) != NULL;
}

static void
wait_line(const char *log, const char *text)
{
	struct line l = { log, text };

	ck_assert_msg(it_wait(stands_in, &l, 20), "%s: no '%s' in\n%s", log,
		text, strbuf_str(&out));
}

/* Each event once, in order; how many. */
static size_t
check_seqs(const char *log)
{
	unsigned long last = 0, seq;
	size_t n = 0;

	strbuf_reset(&out);
	it_read(&it, log, &out);
	for (const char *p = strbuf_str(&out);
	     (p = strstr(p, "{\"seq\":")) != NULL; p++, n++) {
		seq = strtoul(p + 7, NULL, 10);
		ck_assert_msg(seq > last, "%s: %lu after %lu", log, seq, last);
		last = seq;
	}
	return n;
}

/* Gone without a word, and back where it was. */
static void
restart(void)
{
	struct strbuf y = { 0 };

	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	it_read(&it, "tocsin.yaml", &y);
	it_write(&it, "tocsin.yaml", "listen: %.120s\n%s", it.url + 7,
		strchr(strbuf_str(&y), '\n') + 1);
	strbuf_free(&y);
	it_start_server(&it);
}

/* h0,h1,…: so many */
static void
simulate(int n, int status, const char *want)
{
	struct strbuf words = { 0 };

	strbuf_puts(&words, "simulate --fail --hosts h0");
	for (int i = 1; i < n; i++)
		strbuf_printf(&words, ",h%d", i);
	says(strbuf_str(&words), status, want);
	strbuf_free(&words);
}

static void
make_token(const char *file, const char *words)
{
	ck_assert_int_eq(tocsin_as(NULL, words), 0);
	it_write(&it, file, "%s", strbuf_str(&out));
}

/* The last is judged a moment after its batch was answered. */
static bool
all_are_bad(void *arg)
{
	struct it_reply r;
	double bad;

	(void)arg;
	it_get(&it, "/v1/summary", &r);
	bad = it_number(&r, "brakes.0.bad");
	it_reply_fini(&r);
	return bad > FLAGGED - 0.5;
}

static bool
all_recommended(void *arg)
{
	(void)arg;
	tocsin_as(NULL, "evacuations --format kv");
	return count(" state=recommended ") == FLAGGED;
}

static void
seen_everywhere(void)
{
	says("status", 0, "the brake of rack1 is latched");
	says("status", 0, ": 40 of 1000 hosts are bad");
	says("evacuations", 0, "the brake of rack1 is latched");
	says("evacuations", 0, "more than 30 at once");
	says("evacuations h7", 0,
		"not done: the brake of its partition is latched");
	says("evacuations h7", 0, "may take its load: 3 of 1000 hosts of "
		"rack1: h100, h101, h102");
	says("host h7", 0, "not done: the brake of its partition");
	says("explain h7", 0, "not done: the brake of its partition");
	says("explain h100", 0, "no evacuation: nothing is wrong with it");
	says("alerts", 0, "brake latched");
	says("events --limit 1000", 0, "brake.latched");
	says("brake --fail --format kv", 3, "partition=rack1 brake=latched ");
	says("evacuations --fail --format kv", 3, " state=held ");
	ck_assert_uint_eq(count(" state=held "), FLAGGED);
	says("simulate --hosts h200", 0, "the brake is latched already");
}

START_TEST(forty_of_a_thousand_are_held_until_a_person_says_so)
{
	const char *follow[] = { "events", "--follow", "--json", "--after",
		"0", NULL };
	const char *watch[] = { "status", "--watch", NULL };
	char ada[128], bob[128];
	pid_t follower, watcher;
	size_t before;

	begin();
	follower = start("follow.log", follow);
	watcher = start("watch.log", watch);
	wait_line("watch.log", "0 hosts at risk, 0 alerts");
	make_token("ada", "token create --role operator --name ada");
	make_token("bob", "token create --role viewer --name bob");
	snprintf(ada, sizeof(ada), "%s/ada", it.dir);
	snprintf(bob, sizeof(bob), "%s/bob", it.dir);
	says("signal h100 --source lb --outcome ok", 0, "h100: ok is taken");
	says("signal h101 --source lb --outcome ok", 0, "signal:lb");
	says("signal h102 --source lb --outcome ok", 0, "signal:lb");

	simulate(30, 0, "30 of 1000 hosts would be bad, now 0; the brake "
		"would stay open (up to 30 pass)");
	simulate(FLAGGED, 3, "40 of 1000 hosts would be bad, now 0; the brake "
		"would latch");
	says("status", 0, "1000 hosts");
	ck_assert_uint_eq(count("latched"), 0);	/* it was only a question */

	for (int i = 0; i < FLAGGED; i++)
		flag(i);
	ck_assert(it_wait(all_are_bad, NULL, 20));
	seen_everywhere();
	wait_line("watch.log", " 40 recommendations, brake of rack1 "
		"latched\n");

	says("brake release rack1", 2, "");
	ck_assert_int_eq(tocsin_as(bob, "brake release rack1 --reason x"), 1);
	ck_assert_int_eq(tocsin_as(ada, "brake release rack1 --reason "
		"one_bad_batch,_replaced"), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "the brake of rack1 is open"));
	ck_assert_int_eq(tocsin_as(ada, "brake release rack1 --reason x"), 1);

	says("brake --fail --format kv", 0, " released_by=ada ");
	ck_assert(it_wait(all_recommended, NULL, 10));
	says("status", 0, "1000 hosts");
	ck_assert_uint_eq(count("latched"), 0);
	says("events --limit 1000", 0, "one bad batch, replaced");

	/* who looked on saw all of it */
	wait_line("follow.log", "brake.latched");
	wait_line("follow.log", "one bad batch, replaced");
	wait_line("watch.log", "40 recommendations\n");
	before = check_seqs("follow.log");
	ck_assert_uint_gt(before, FLAGGED);

	/* more of it latches it again; nothing is lost or told twice */
	restart();
	flag(FLAGGED);
	ck_assert(it_wait_text(&it, "/v1/summary", "brakes.0.partition",
		"rack1", 20));
	wait_line("watch.log", "41 recommendations, brake of rack1 latched\n");
	wait_line("follow.log", "waiting for it");
	wait_line("follow.log", "\"bad\":41");
	ck_assert_uint_gt(check_seqs("follow.log"), before);
	ck_assert_int_eq(it_end(&follower, SIGTERM), -SIGTERM);
	ck_assert_int_eq(it_end(&watcher, SIGTERM), -SIGTERM);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("brake_story",
		forty_of_a_thousand_are_held_until_a_person_says_so);
}
