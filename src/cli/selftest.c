/*
 * tocsin selftest clock: the engine over the dates that broke others, with
 * the clock stepped and the machine asleep.  Each case is the same story,
 * told at another time: what moves must be the same, to the millisecond.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/virtual.h"
#include "wire/json_write.h"

#define HOSTS 20
#define CHECKS (HOSTS * 2)
#define INTERVAL_S 15
#define STORY_H 36
/* When in the story the special moment is, and when the clock is moved. */
#define MOMENT_H 12
#define MOVED_H (MOMENT_H + 3)
#define HOUR_MS INT64_C(3600000)

/* Symbol, what is tried, when the special moment is. */
struct when {
	const char *name;
	const char *at;
	int64_t step_ms;	/* the wall clock is moved there */
	int64_t sleep_s;
};

/* The story at a time when nothing is special: all others must equal it. */
static const struct when plain = { "plain day", "2026-06-10T00:00:00Z", 0, 0 };

#define DAY_MS (24 * HOUR_MS)
static const struct when cases[] = {
	{ "leap day 2000", "2000-02-29T00:00:00Z", 0, 0 },
	{ "after leap day 2000", "2000-03-01T00:00:00Z", 0, 0 },
	{ "leap day 2012", "2012-02-29T00:00:00Z", 0, 0 },
	{ "after leap day 2012", "2012-03-01T00:00:00Z", 0, 0 },
	{ "leap day 2024", "2024-02-29T00:00:00Z", 0, 0 },
	{ "leap day 2028", "2028-02-29T00:00:00Z", 0, 0 },
	{ "after leap day 2028", "2028-03-01T00:00:00Z", 0, 0 },
	{ "no leap day 2100", "2100-03-01T00:00:00Z", 0, 0 },
	{ "year end 1999", "2000-01-01T00:00:00Z", 0, 0 },
	{ "year end 2024", "2025-01-01T00:00:00Z", 0, 0 },
	{ "year end 2026", "2027-01-01T00:00:00Z", 0, 0 },
	{ "leap second 2016", "2016-12-31T23:59:60Z", 0, 0 },
	{ "DST begins, US 2026", "2026-03-08T10:00:00Z", 0, 0 },
	{ "DST begins, EU 2026", "2026-03-29T01:00:00Z", 0, 0 },
	{ "DST ends, EU 2026", "2026-10-25T01:00:00Z", 0, 0 },
	{ "DST ends, US 2026", "2026-11-01T09:00:00Z", 0, 0 },
	{ "2^31 s", "2038-01-19T03:14:08Z", 0, 0 },
	{ "2^32 s", "2106-02-07T06:28:16Z", 0, 0 },
	{ "step +1 h", "2026-06-10T00:00:00Z", HOUR_MS, 0 },
	{ "step -1 h", "2026-06-10T00:00:00Z", -HOUR_MS, 0 },
	{ "step +1 day", "2026-06-10T00:00:00Z", DAY_MS, 0 },
	{ "step -1 day", "2026-06-10T00:00:00Z", -DAY_MS, 0 },
	{ "step +1 year", "2026-06-10T00:00:00Z", 365 * DAY_MS, 0 },
	{ "step -1 year", "2026-06-10T00:00:00Z", -365 * DAY_MS, 0 },
	{ "asleep 2 h", "2026-06-10T00:00:00Z", 0, 2 * 3600 },
};

/* h3 fails for two minutes around the moment, others in hours beside it. */
static enum tocsin_reason
story(void *arg, size_t i, struct dur since)
{
	static const struct { size_t host; int64_t from_s, to_s; } faults[] = {
		{ 3, MOMENT_H * 3600 - 60, MOMENT_H * 3600 + 60 },
		{ 7, 2 * 3600, 2 * 3600 + 600 },
		{ 9, 11 * 3600, 11 * 3600 + 20 },
		{ 11, MOMENT_H * 3600, MOMENT_H * 3600 + 120 },
		{ 5, (MOVED_H + 3) * 3600, (MOVED_H + 3) * 3600 + 120 },
	};
	int64_t s = since.ns / 1000000000;

	(void)arg;
	for (size_t k = 0; k < ARRAY_LEN(faults); k++)
		if (i / 2 == faults[k].host && s >= faults[k].from_s &&
		    s < faults[k].to_s)
			return TOCSIN_WHY_CONNECT_REFUSED;
	return TOCSIN_WHY_NONE;
}

struct told {
	struct virtual_counts counts;
	char *log;		/* owned */
};

/* The window of h11 lies on the wall clock: it is over when that is moved. */
static int
tell(const struct when *w, struct told *out, struct tc_err *e)
{
	char names[HOSTS][8];
	struct virtual_check checks[CHECKS];
	struct virtual_plan plan = { checks, CHECKS, { 0 }, story, NULL };
	struct virtual *v;
	struct wall moment;
	int rc = wall_parse(w->at, strlen(w->at), &moment);

	if (rc < 0)
		return tc_fail(e, rc, "%s: %s is no time", w->name, w->at);
	for (size_t i = 0; i < CHECKS; i++) {
		snprintf(names[i / 2], sizeof(names[0]), "h%zu", i / 2);
		checks[i] = (struct virtual_check){ names[i / 2], i % 2 == 0 ?
			"ping" : "tcp:22", dur_s(INTERVAL_S) };
	}
	plan.from.ms = moment.ms - MOMENT_H * HOUR_MS;
	v = virtual_new(&plan);
	if (v == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	virtual_run(v, dur_s(MOMENT_H * 3600 - 7200));
	rc = virtual_window(v, "h11", (struct wall){ moment.ms - HOUR_MS },
		(struct wall){ moment.ms + HOUR_MS }, e);
	virtual_run(v, dur_s(MOVED_H * 3600));
	if (w->step_ms != 0)
		virtual_step_wall(v, w->step_ms);
	if (w->sleep_s != 0)
		virtual_sleep(v, dur_s(w->sleep_s));
	virtual_run(v, dur_s(STORY_H * 3600));
	*out = (struct told){ virtual_counts(v), mem_strdup(virtual_log(v)) };
	virtual_free(v);
	if (rc == 0 && out->log == NULL)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	return rc;
}

/* ---- the calendar itself ---- */

static const struct { const char *in, *out; } times[] = {
	{ "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z" },
	{ "2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z" },
	{ "2100-02-28T23:59:59.999Z", "2100-02-28T23:59:59.999Z" },
	{ "2038-01-19T03:14:08Z", "2038-01-19T03:14:08.000Z" },
	{ "2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00.000Z" },
	{ "2015-02-29T00:00:00Z", NULL },
	{ "2100-02-29T00:00:00Z", NULL },
	{ "2026-01-01T24:00:01Z", NULL },
};

/* NULL, or what is wrong. */
static const char *
calendar_fault(void)
{
	char text[WALL_TEXT];
	struct wall w;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int rc = wall_parse(times[i].in, strlen(times[i].in), &w);

		if (times[i].out == NULL ? rc == 0 : rc < 0 ||
		    strcmp(wall_format(w, text, sizeof(text)),
			times[i].out) != 0)
			return times[i].in;
	}
	/* Every day of four centuries follows the one before. */
	for (int32_t day = date_to_days((struct date){ 1900, 1, 1 });
	     day < date_to_days((struct date){ 2300, 1, 1 }); day++) {
		struct date d = date_from_days(day);

		if (!date_is_valid(d) || date_to_days(d) != day)
			return "the days of 1900 to 2300";
	}
	return NULL;
}

/* ---- told ---- */

struct report {
	struct cli *c;
	struct json_write json;
	struct table table;
	size_t wrong;
};

static void
add_row(struct report *r, const char *name, const char *at,
	const struct virtual_counts *n, const char *verdict)
{
	char runs[24], moves[24];

	snprintf(runs, sizeof(runs), "%llu", (unsigned long long)n->runs);
	snprintf(moves, sizeof(moves), "%llu", (unsigned long long)n->moves);
	r->wrong += strcmp(verdict, "good") != 0;
	if (r->c->out.format == OUT_JSON) {
		json_put_object(&r->json);
		json_add_str(&r->json, "case", name);
		json_add_str(&r->json, "at", at);
		json_add_u64(&r->json, "runs", n->runs);
		json_add_u64(&r->json, "moves", n->moves);
		json_add_str(&r->json, "verdict", verdict);
		json_put_end(&r->json);
		return;
	}
	table_row(&r->table);
	table_set(&r->table, 0, name, NULL);
	table_set(&r->table, 1, at, NULL);
	table_set(&r->table, 2, runs, NULL);
	table_set(&r->table, 3, moves, NULL);
	table_set(&r->table, 4, verdict, NULL);
}

static const char *
judge(const struct when *w, const struct told *t, const struct told *plainly)
{
	uint64_t steps = w->step_ms != 0;
	uint64_t asleep = (uint64_t)(w->sleep_s / INTERVAL_S) * CHECKS;

	if (t->counts.doubled != 0)
		return "a slot twice";
	if (t->counts.skipped != 0)
		return "a slot left out";
	if (t->counts.clock_steps != steps)
		return "steps not told";
	if (t->counts.runs + asleep + CHECKS < plainly->counts.runs ||
	    t->counts.runs > plainly->counts.runs)
		return "runs lost";
	return strcmp(t->log, plainly->log) == 0 ? "good" : "other verdicts";
}

static int
try_all(struct report *r, struct tc_err *e)
{
	struct told base = { 0 };
	const char *fault = calendar_fault();
	int rc = tell(&plain, &base, e);

	if (rc == 0)
		add_row(r, plain.name, plain.at, &base.counts,
			base.counts.moves > 0 ? judge(&plain, &base, &base) :
			"nothing moved");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(cases); i++) {
		struct told t = { 0 };

		rc = tell(&cases[i], &t, e);
		if (rc == 0)
			add_row(r, cases[i].name, cases[i].at, &t.counts,
				judge(&cases[i], &t, &base));
		mem_free(t.log);
	}
	add_row(r, "calendar", fault != NULL ? fault : "1900 to 2300",
		&(struct virtual_counts){ 0 }, fault != NULL ? "wrong" : "good");
	mem_free(base.log);
	return rc;
}

int
verb_selftest(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "case", "CASE", false, false },
		{ "at", "AT", false, false },
		{ "runs", "RUNS", true, false },
		{ "moves", "MOVES", true, false },
		{ "verdict", "VERDICT", false, true },
	};
	struct report r = { .c = c, .table = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) } };
	int rc;

	if (strcmp(c->rest.operands[0], "clock") != 0)
		return tc_fail(e, TC_EINVAL, "selftest clock");
	if (c->out.format == OUT_JSON) {
		json_begin(&r.json, &c->out.text);
		json_put_object(&r.json);
		json_add_array(&r.json, "items");
	}
	rc = try_all(&r, e);
	if (c->out.format == OUT_JSON) {
		json_put_end(&r.json);
		json_put_end(&r.json);
		strbuf_puts(&c->out.text, "\n");
	}
	table_print(&r.table, &c->out);
	table_free(&r.table);
	if (rc < 0)
		return rc;
	out_say(&c->out, "%zu of %zu cases good\n",
		ARRAY_LEN(cases) + 2 - r.wrong, ARRAY_LEN(cases) + 2);
	return r.wrong == 0 ? CLI_OK : CLI_ERROR;
}
