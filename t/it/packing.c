/*
 * The real tocsind packs closed hours: what was posted is answered the same
 * before and after, kills in the middle of packing lose nothing, what is
 * acknowledged meanwhile is there, and pruning drops whole blocks, with the
 * count first.
 */
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

#define HOUR_MS INT64_C(3600000)
#define HOURS 30
#define HOSTS 6
#define STEP_MS 120000
#define ROWS (HOUR_MS / STEP_MS)
#define DAY_HOURS_LEAST 5	/* of the first day: 150 rows */

static const char *const metrics[] = { "bytes_total", "load_1m", "noise_ratio",
	"zero_ratio", "tiny_seconds", "steady" };
#define METRICS 6

struct scene {
	struct it it;
	int64_t begin_ms;	/* of the first hour; the last ended hours ago */
	int64_t end_ms;
	int64_t live_ms;	/* this hour, which is open */
	int live;		/* batches acknowledged for now */
	char *before[HOSTS][METRICS];
};

static void
configure(struct scene *s, const char *pack_after)
{
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\nretention: {pack_after: %s}\n"
		"partitions:\n  - name: rack1\n    hosts: []\n", s->it.dir,
		pack_after);
}

/* Counters to 2^53, decimals, full doubles, -0, the least there is. */
static void
add_values(struct strbuf *body, int host, int64_t row)
{
	uint64_t noise = (uint64_t)row * 2654435761u % 1000003u;

	strbuf_printf(body, "\"bytes_total\":%" PRId64 ",",
		INT64_C(9007199254740992) - (HOURS * ROWS - row) * 4099);
	strbuf_printf(body, "\"load_1m\":%d.%02d,", (int)(row % 40),
		(int)(noise % 100));
	strbuf_printf(body, "\"noise_ratio\":%.17g,",
		1.0 / ((double)noise + host + 3));
	strbuf_printf(body, "\"zero_ratio\":%s,", row % 2 ? "-0.0" : "0.0");
	strbuf_printf(body, "\"tiny_seconds\":%s,",
		row % 7 ? "5e-324" : "1.7976931348623157e308");
	strbuf_puts(body, "\"steady\":42");
}

static void
add_row(struct strbuf *body, int host, int64_t at_ms, int64_t row)
{
	strbuf_printf(body, "%s{\"probe\":\"cpu\",\"at_ms\":%" PRId64
		",\"outcome\":\"ok\",\"reason\":\"none\",\"metrics\":{",
		body->p[body->n - 1] == '[' ? "" : ",", at_ms);
	add_values(body, host, row);
	strbuf_puts(body, "}}");
}

/* 202 and how many of them were new. */
static long
send(struct scene *s, struct strbuf *body, int *accepted)
{
	struct it_reply r;
	long status;

	strbuf_puts(body, "]}");
	it_call(&s->it, "POST /v1/observations", NULL, strbuf_str(body), &r);
	status = r.status;
	*accepted = (int)it_number(&r, "accepted");
	it_reply_fini(&r);
	strbuf_free(body);
	return status;
}

static void
begin_batch(struct strbuf *body, int host, const char *id)
{
	struct clock *clock = clock_system();

	strbuf_printf(body, "{\"host\":\"h%d\",\"batch\":\"%s\",\"sent_ms\":%"
		PRId64 ",\"observations\":[", host, id,
		clock->wall(clock).ms);
}

static void
post_hour(struct scene *s, int host, int64_t hour, int new)
{
	struct strbuf body = { 0 };
	int accepted;
	char id[40];

	snprintf(id, sizeof(id), "%s-%" PRId64, new ? "b" : "again", hour);
	begin_batch(&body, host, id);
	for (int64_t i = 0; i < ROWS; i++)
		add_row(&body, host, s->begin_ms + hour * HOUR_MS + i * STEP_MS,
			hour * ROWS + i);
	ck_assert_int_eq(send(s, &body, &accepted), 202);
	ck_assert_int_eq(accepted, new);
}

/* What an agent sends while the past is being packed. */
static bool
post_now(struct scene *s)
{
	struct strbuf body = { 0 };
	int accepted;
	char id[32];

	snprintf(id, sizeof(id), "live-%d", s->live);
	begin_batch(&body, HOSTS, id);
	add_row(&body, HOSTS, s->live_ms + s->live * 1000, s->live);
	if (send(s, &body, &accepted) != 202)
		return false;
	s->live++;
	return true;
}

/* The series of an answer, as text; the caller's. */
static char *
series(struct scene *s, int host, const char *metric, const char *step)
{
	struct it_reply r;
	char path[256], *text;

	snprintf(path, sizeof(path), "/v1/series?host=h%d&metric=%s&from=%"
		PRId64 "&to=%" PRId64 "&limit=10000%s", host, metric,
		s->begin_ms, s->end_ms, step);
	it_get(&s->it, path, &r);
	ck_assert_msg(r.status == 200, "%s", strbuf_str(&r.text));
	text = json_dumps(it_at(r.json, "series.0.points"), JSON_COMPACT);
	ck_assert_ptr_nonnull(text);
	it_reply_fini(&r);
	return text;
}

static size_t
live_points(struct scene *s)
{
	struct it_reply r;
	char path[200];
	size_t n;

	snprintf(path, sizeof(path), "/v1/series?host=h%d&metric=steady&from=%"
		PRId64 "&to=%" PRId64 "&limit=10000", HOSTS,
		s->live_ms, s->live_ms + 2 * HOUR_MS);
	it_get(&s->it, path, &r);
	n = json_array_size(it_at(r.json, "series.0.points"));
	it_reply_fini(&r);
	return n;
}

static void
must_answer_the_same(struct scene *s)
{
	for (int h = 0; h < HOSTS; h++) {
		for (int m = 0; m < METRICS; m++) {
			char *now = series(s, h, metrics[m], "");

			ck_assert_msg(strcmp(now, s->before[h][m]) == 0,
				"h%d %s:\n%.300s\nwas\n%.300s", h, metrics[m],
				now, s->before[h][m]);
			free(now);
		}
	}
}

/* Asked beside the server; −1 when there is no answer. */
static int64_t
number(struct scene *s, const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	char path[128];
	int64_t n = -1;

	snprintf(path, sizeof(path), "%s/state/tocsin.db", s->it.dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
	    SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

#define PACKED_MS "SELECT value * 60000 FROM meta WHERE key = 'packed'"

struct progress {
	struct scene *s;
	int64_t from_ms;	/* an hour beyond this is packed */
};

static bool
has_come_further(void *arg)
{
	struct progress *p = arg;

	return number(p->s, PACKED_MS) > p->from_ms;
}

static bool
is_packed(void *arg)
{
	struct scene *s = arg;

	ck_assert(post_now(s));
	return number(s, PACKED_MS) >= s->end_ms &&
		number(s, "SELECT count(*) FROM tick WHERE slot < "
			"(SELECT value FROM meta WHERE key = 'packed')") == 0;
}

/* Kills as soon as an hour more is packed, again and again; how many hit. */
static int
kill_in_the_middle(struct scene *s, int times)
{
	struct progress p = { s, 0 };
	int hits = 0;

	for (int i = 0; i < times; i++) {
		it_start_server(&s->it);
		ck_assert(it_wait(has_come_further, &p, 30));
		it_end(&s->it.server, SIGKILL);
		p.from_ms = number(s, PACKED_MS);
		ck_assert_int_gt(p.from_ms, s->begin_ms);
		hits += p.from_ms < s->end_ms;
		if (p.from_ms >= s->end_ms)
			break;
	}
	return hits;
}

/* tocsin db WORD…, its output; the exit status. */
static int
db(struct scene *s, struct strbuf *out, const char *const *words)
{
	const char *argv[16] = { it_cli(), "db" };
	char dir[128];
	size_t n = 2;

	snprintf(dir, sizeof(dir), "%s/state", s->it.dir);
	for (; *words != NULL; words++)
		argv[n++] = *words;
	argv[n++] = "--state-dir";
	argv[n++] = dir;
	strbuf_reset(out);
	return it_run(&s->it, out, argv);
}
#define DB(s, out, ...) db(s, out, (const char *const[]){ __VA_ARGS__, NULL })

static void
verify(struct scene *s)
{
	struct strbuf out = { 0 };

	ck_assert_msg(DB(s, &out, "verify") == 0, "%s", strbuf_str(&out));
	strbuf_free(&out);
}

static void
scene_init(struct scene *s)
{
	struct clock *clock = clock_system();

	memset(s, 0, sizeof(*s));
	it_init(&s->it);
	/* It ends before this hour and one more began. */
	s->live_ms = clock->wall(clock).ms / HOUR_MS * HOUR_MS;
	s->end_ms = s->live_ms - HOUR_MS;
	/* A day of at most 128 rows is packed with others: ours has more. */
	while (24 - (s->end_ms / HOUR_MS - HOURS) % 24 < DAY_HOURS_LEAST)
		s->end_ms -= HOUR_MS;
	s->begin_ms = s->end_ms - HOURS * HOUR_MS;
	configure(s, "0s");
	it_start_server(&s->it);
	for (int64_t hour = 0; hour < HOURS; hour++) {
		for (int h = 0; h < HOSTS; h++)
			post_hour(s, h, hour, ROWS);
	}
	for (int h = 0; h < HOSTS; h++) {
		for (int m = 0; m < METRICS; m++)
			s->before[h][m] = series(s, h, metrics[m], "");
	}
}

static void
scene_fini(struct scene *s)
{
	for (int h = 0; h < HOSTS; h++) {
		for (int m = 0; m < METRICS; m++)
			free(s->before[h][m]);
	}
	it_fini(&s->it);
}

START_TEST(packed_hours_answer_as_before_whatever_happens_meanwhile)
{
	struct scene s;
	char *rolled, *raw;

	scene_init(&s);
	raw = series(&s, 1, "bytes_total", "&step=1h");
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	configure(&s, "1s");
	ck_assert_int_ge(kill_in_the_middle(&s, 4), 1);
	it_start_server(&s.it);
	must_answer_the_same(&s);
	ck_assert(it_wait(is_packed, &s, 60));
	must_answer_the_same(&s);
	rolled = series(&s, 1, "bytes_total", "&step=1h");
	ck_assert_str_eq(rolled, raw);
	/* Repeats of what lies in blocks are known. */
	post_hour(&s, 2, 3, 0);
	ck_assert_int_eq(number(&s, "SELECT count(*) FROM late"), 0);
	verify(&s);
	it_end(&s.it.server, SIGKILL);
	it_start_server(&s.it);
	must_answer_the_same(&s);
	ck_assert_uint_eq(live_points(&s), (size_t)s.live);
	free(rolled);
	free(raw);
	scene_fini(&s);
}
END_TEST

/* The points of an answer from this time on. */
static json_t *
points_from(const char *text, int64_t from_ms)
{
	json_t *all = json_loads(text, 0, NULL);
	json_t *out = json_array();
	json_t *point;
	size_t i;

	json_array_foreach(all, i, point) {
		if (json_integer_value(json_array_get(point, 0)) >= from_ms)
			json_array_append(out, point);
	}
	json_decref(all);
	return out;
}

static void
must_answer_from(struct scene *s, int64_t from_ms)
{
	for (int m = 0; m < METRICS; m++) {
		json_t *want = points_from(s->before[1][m], from_ms);
		char *text = series(s, 1, metrics[m], "");
		json_t *now = json_loads(text, 0, NULL);

		ck_assert_msg(json_equal(want, now), "%s: %zu points, not %zu",
			metrics[m], json_array_size(now),
			json_array_size(want));
		json_decref(want);
		json_decref(now);
		free(text);
	}
}

/* Of "rows=123" in the output. */
static int64_t
figure(const struct strbuf *out, const char *key)
{
	const char *at = strstr(strbuf_str(out), key);

	ck_assert_msg(at != NULL, "no %s in %s", key, strbuf_str(out));
	return strtoll(at + strlen(key), NULL, 10);
}

/* "before=TIME": raw history is answered from there on. */
static int64_t
edge_of(const struct strbuf *out)
{
	const char *at = strstr(strbuf_str(out), "before=");
	struct wall edge = { 0 };

	ck_assert_ptr_nonnull(at);
	at += strlen("before=");
	ck_assert_int_eq(wall_parse(at, strcspn(at, "\n"), &edge), 0);
	return edge.ms;
}

START_TEST(r077_prune_counts_first_drops_whole_hours_and_asks_if_much_would_go)
{
	struct strbuf out = { 0 };
	char expected[24], copy[160];
	int64_t rows, edge_ms;
	struct it_reply r;
	struct scene s;

	scene_init(&s);
	configure(&s, "1s");
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	it_start_server(&s.it);
	ck_assert(it_wait(is_packed, &s, 60));
	snprintf(copy, sizeof(copy), "%s/copy.db", s.it.dir);
	ck_assert_int_eq(DB(&s, &out, "backup", copy), 0);
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);

	/* Of 30 hours more than half, whatever the hour: refused, all stays. */
	ck_assert_int_ne(DB(&s, &out, "prune", "--older-than", "4h"), 0);
	ck_assert_int_eq(DB(&s, &out, "prune", "--older-than", "20h",
		"--dry-run", "--format", "kv"), 0);
	rows = figure(&out, "rows=");
	ck_assert_int_eq(rows, (edge_of(&out) - s.begin_ms) / HOUR_MS * ROWS *
		HOSTS);
	ck_assert_int_ne(DB(&s, &out, "prune", "--older-than", "20h",
		"--expected", "7"), 0);
	snprintf(expected, sizeof(expected), "%" PRId64, rows);
	/* A server that runs does it beside all else. */
	it_start_server(&s.it);
	must_answer_the_same(&s);
	ck_assert_int_eq(DB(&s, &out, "prune", "--older-than", "20h",
		"--expected", expected, "--format", "kv"), 0);
	ck_assert_int_eq(figure(&out, "pruned="), rows);
	edge_ms = edge_of(&out);
	must_answer_from(&s, edge_ms);
	it_get(&s.it, "/v1/audit?last=20", &r);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text), "history.prune"));
	it_reply_fini(&r);
	it_end(&s.it.server, SIGKILL);
	verify(&s);
	it_start_server(&s.it);
	must_answer_from(&s, edge_ms);
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	/* Copies are nobody's to prune. */
	ck_assert_int_eq(DB(&s, &out, "restore", copy), 0);
	it_start_server(&s.it);
	must_answer_the_same(&s);
	strbuf_free(&out);
	scene_fini(&s);
}
END_TEST

int
main(void)
{
	return STORIES("packing",
		packed_hours_answer_as_before_whatever_happens_meanwhile,
	r077_prune_counts_first_drops_whole_hours_and_asks_if_much_would_go);
}
