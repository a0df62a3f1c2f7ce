/*
 * tocsin rehearse: what was recorded, once more in days to come.  The engine
 * runs over it twice, across those days and across plain ones; what moves in
 * one and not in the other is listed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/recorded.h"
#include "wire/json_write.h"

/* Nothing is special about it. */
#define PLAIN_DAY "2026-06-10T00:00:00Z"
#define DAYS_MAX 400
#define LISTED_MAX 1000

struct run {
	struct virtual_counts counts;
	char *log;		/* owned */
};

static int
read_day(const char *option, const char *text, struct wall *out,
	struct tc_err *e)
{
	struct date d;

	if (text == NULL)
		return tc_fail(e, TC_EINVAL, "rehearse needs --from and --to");
	if (date_parse(text, strlen(text), &d) == 0) {
		*out = wall_from_days(date_to_days(d));
		return 0;
	}
	if (wall_parse(text, strlen(text), out) < 0)
		return tc_fail(e, TC_EINVAL,
			"%s: '%s' is no day such as 2028-02-28", option, text);
	return 0;
}

static int
run(struct recorded *r, struct wall from, struct dur length, struct run *out,
	struct tc_err *e)
{
	struct virtual_plan plan = { r->plan, r->n, from, recorded_answer, r };
	struct virtual *v = virtual_new(&plan);

	if (v == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	virtual_run(v, length);
	*out = (struct run){ virtual_counts(v), mem_strdup(virtual_log(v)) };
	virtual_free(v);
	return out->log != NULL ? 0 : tc_fail(e, TC_ENOMEM, "out of memory");
}

/* ---- told ---- */

struct report {
	struct cli *c;
	struct json_write json;
	struct wall from;
	uint64_t n;
};

/* "123.450 h7 check.state …" as the calendar has it. */
static void
say_move(struct report *r, const char *line, size_t n, bool only_there)
{
	char at[WALL_TEXT], move[512];
	const char *rest = memchr(line, ' ', n);
	unsigned long long s = 0;

	if (rest == NULL || r->n++ >= LISTED_MAX)
		return;
	for (const char *p = line; *p >= '0' && *p <= '9'; p++)
		s = s * 10 + (unsigned long long)(*p - '0');
	wall_format(wall_add(r->from, dur_s((int64_t)s)), at, sizeof(at));
	rest++;
	snprintf(move, sizeof(move), "%.*s", (int)(n - (size_t)(rest - line)),
		rest);
	if (r->c->out.format == OUT_JSON) {
		json_put_object(&r->json);
		json_add_str(&r->json, "at", at);
		json_add_bool(&r->json, "only_there", only_there);
		json_add_str(&r->json, "move", move);
		json_put_end(&r->json);
		return;
	}
	out_say(&r->c->out, "%s %s %s\n", only_there ? "moved  " : "missing",
		at, move);
}

static bool
has_line(const char *log, const char *line, size_t n)
{
	for (const char *at = log; *at != '\0';) {
		size_t m = strcspn(at, "\n");

		if (m == n && memcmp(at, line, n) == 0)
			return true;
		at += m + (at[m] == '\n');
	}
	return false;
}

/* Lines of `a` that `b` lacks. */
static void
say_only(struct report *r, const char *a, const char *b, bool only_there)
{
	while (*a != '\0') {
		size_t n = strcspn(a, "\n");

		if (!has_line(b, a, n))
			say_move(r, a, n, only_there);
		a += n + (a[n] == '\n');
	}
}

static void
say_pair(struct report *r, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	if (r->c->out.format == OUT_JSON)
		json_add_u64(&r->json, key, n);
	out_pair(&r->c->out, key, text);
}

static void
say_sum(struct report *r, const struct recorded *rec, const struct run *there)
{
	const struct virtual_counts *n = &there->counts;

	say_pair(r, "hosts", rec->hosts);
	say_pair(r, "checks", rec->n);
	say_pair(r, "runs", n->runs);
	say_pair(r, "moves", n->moves);
	say_pair(r, "slots_twice", n->doubled);
	say_pair(r, "slots_left_out", n->skipped);
	out_say(&r->c->out, "%zu hosts, %zu checks: %llu runs, %llu moves, "
		"%llu slots twice, %llu left out\n", rec->hosts, rec->n,
		(unsigned long long)n->runs, (unsigned long long)n->moves,
		(unsigned long long)n->doubled,
		(unsigned long long)n->skipped);
}

static int
compare(struct report *r, const struct recorded *rec, const struct run *there,
	const struct run *plain)
{
	struct cli *c = r->c;

	if (c->out.format == OUT_JSON) {
		json_begin(&r->json, &c->out.text);
		json_put_object(&r->json);
	}
	say_sum(r, rec, there);
	if (c->out.format == OUT_JSON)
		json_add_array(&r->json, "differences");
	if (strcmp(there->log, plain->log) != 0) {
		say_only(r, there->log, plain->log, true);
		say_only(r, plain->log, there->log, false);
	}
	if (c->out.format == OUT_JSON) {
		json_put_end(&r->json);
		json_put_end(&r->json);
		strbuf_putc(&c->out.text, '\n');
	}
	out_say(&c->out, r->n == 0 ? "all as on a plain day\n" :
		"%llu moves differ from a plain day's\n",
		(unsigned long long)r->n);
	return r->n == 0 && there->counts.doubled == 0 &&
		there->counts.skipped == 0 ? CLI_OK : CLI_ERROR;
}

static int
rehearse(struct cli *c, struct recorded *rec, struct wall from, struct wall to,
	struct tc_err *e)
{
	struct report r = { .c = c, .from = from };
	struct run there = { 0 }, plain = { 0 };
	struct wall day;
	struct dur length;
	int rc = wall_parse(PLAIN_DAY, strlen(PLAIN_DAY), &day);

	tc_bug_if(rc < 0);
	if (wall_diff(to, from, &length) < 0 || length.ns == 0 ||
	    length.ns > dur_s(DAYS_MAX * INT64_C(86400)).ns)
		return tc_fail(e, TC_EINVAL, "--to: later than --from, by at "
			"most %d days", DAYS_MAX);
	rc = run(rec, from, length, &there, e);
	if (rc == 0)
		rc = run(rec, day, length, &plain, e);
	if (rc == 0)
		rc = compare(&r, rec, &there, &plain);
	mem_free(there.log);
	mem_free(plain.log);
	return rc;
}

int
verb_rehearse(struct cli *c, struct tc_err *e)
{
	struct recorded rec;
	struct wall from, to;
	char path[512];
	int rc;

	snprintf(path, sizeof(path), "%s/tocsin.db", c->opt.state_dir != NULL ?
		c->opt.state_dir : TOCSIN_STATEDIR);
	if ((rc = read_day("--from", c->opt.from, &from, e)) < 0 ||
	    (rc = read_day("--to", c->opt.to, &to, e)) < 0 ||
	    (rc = recorded_load(c->opt.replay != NULL ? c->opt.replay : path,
		    &rec, e)) < 0)
		return rc;
	rc = rehearse(c, &rec, from, to, e);
	recorded_free(&rec);
	return rc;
}
