/*
 * tocsin explain HOST: what its checks say, what holds it, and why we think
 * that a drive of it will fail.  Also by the name on a drive's label.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "cli/risk.h"
#include "cli/score.h"
#include "cli/show.h"
#include "cli/units.h"
#include "cli/words.h"

#define OTHERS_NAMED 8

static bool
is_kind(const struct doc *row, const char *kind)
{
	return strcmp(doc_text(row, "kind"), kind) == 0;
}

static bool
is_same_measure(const struct doc *a, const struct doc *b)
{
	return strcmp(doc_text(a, "metric"), doc_text(b, "metric")) == 0 &&
		strcmp(doc_text(a, "stat"), doc_text(b, "stat")) == 0;
}

/* People read one line for one measure, however many rules it met. */
static bool
is_joined(const struct cli *c, const struct doc *a, const struct doc *b)
{
	return c->out.format == OUT_TEXT && is_kind(a, "rule") &&
		is_kind(b, "rule") && is_same_measure(a, b);
}

/* What there is to say of the value before. */
static void
baseline_words(const struct doc *row, char *text, size_t size)
{
	double change = doc_number(row, "change", 0);

	*text = '\0';
	if (is_kind(row, "model"))
		snprintf(text, size, "of %s with such counters",
			doc_text(row, "baseline"));
	else if ((change > 0 || change < 0) &&
		strcmp(doc_text(row, "metric"), "device") != 0 &&
		strcmp(doc_text(row, "stat"), "quiet_days") != 0 &&
		strcmp(doc_text(row, "stat"), "days_nonzero") != 0)
		snprintf(text, size, "was %s", doc_text(row, "baseline"));
}

static void
add_evidence(struct cli *c, struct table *t, const struct doc *row)
{
	double points = doc_number(row, "contribution", 0);
	char text[WORDS_SIZE * 2], words[WORDS_SIZE];

	for (const struct doc *b = row->next; b; b = b->next)
		if (is_joined(c, row, b))
			points += doc_number(b, "contribution", 0);
	table_row(t);
	snprintf(text, sizeof(text), "%+.2f", points);
	table_set(t, 0, doc_text(row, "contribution"), points > 0 ||
		points < 0 ? text : "");
	words_evidence(doc_text(row, "metric"), doc_text(row, "stat"),
		doc_number(row, "value", 0), words);
	table_set(t, 1, words, NULL);
	baseline_words(row, text, sizeof(text));
	table_set(t, 2, doc_text(row, "baseline"), text);
	if (is_kind(row, "model"))
		table_set(t, 3, doc_text(row, "observed_at"), "");
	else
		show_age(c, t, 3, row, "observed_at");
	table_set(t, 4, doc_text(row, "rule"), is_kind(row, "model") ?
		"its model" : NULL);
	show_text(t, 5, row, "metric");
	show_text(t, 6, row, "stat");
	show_text(t, 7, row, "value");
}

/* What let a rule apply often stands there by itself as well. */
static bool
is_repeated(const struct cli *c, const struct doc *rows,
	const struct doc *row)
{
	for (const struct doc *t = rows->first; t != row; t = t->next)
		if (is_joined(c, t, row) || (!is_kind(row, "rule") &&
			is_same_measure(t, row)))
			return true;
	return false;
}

/* It has no points of its own; people are told of it in one line. */
static bool
is_beside(const struct cli *c, const struct doc *row)
{
	return c->out.format == OUT_TEXT && (is_kind(row, "condition") ||
		is_kind(row, "gate"));
}

static void
print_evidence(struct cli *c, const char *title, const struct doc *rows)
{
	static const struct column columns[] = {
		{ "contribution", "POINTS", true, false },
		{ "evidence", "EVIDENCE", false, false },
		{ "baseline", "BEFORE", false, false },
		{ "observed_at", "SEEN", false, false },
		{ "rule", "RULE", false, false },
		{ "metric", "", false, false },
		{ "stat", "", false, false },
		{ "value", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "    " };

	for (const struct doc *row = rows ? rows->first : NULL; row;
	     row = row->next) {
		if (!is_repeated(c, rows, row) && !is_beside(c, row))
			add_evidence(c, &t, row);
	}
	if (t.n > 0)
		out_say(&c->out, "  %s\n", title);
	table_print(&t, &c->out);
	table_free(&t);
}

/* "seen beside it: 9 uncorrectable errors (was 6), 1 command timeout" */
static void
say_beside(struct cli *c, const struct doc *rows)
{
	char words[WORDS_SIZE], before[WORDS_SIZE];
	bool first = true;

	for (const struct doc *row = rows ? rows->first : NULL; row;
	     row = row->next) {
		if (!is_beside(c, row) || is_repeated(c, rows, row) ||
		    doc_number(row, "value", 0) < 1)
			continue;
		words_evidence(doc_text(row, "metric"), doc_text(row, "stat"),
			doc_number(row, "value", 0), words);
		baseline_words(row, before, sizeof(before));
		out_say(&c->out, "%s%s", first ? "  seen beside it: " : ", ",
			words);
		if (*before)
			out_say(&c->out, " (%s)", before);
		first = false;
	}
	if (!first)
		out_say(&c->out, "\n");
}

static void
say_missing(struct cli *c, const struct doc *missing)
{
	bool first = true;

	if (!missing || missing->n == 0)
		return;
	out_say(&c->out, "  missing: ");
	for (const struct doc *m = missing->first; m; m = m->next) {
		out_say(&c->out, "%s%s", first ? "" : ", ",
			words_metric(m->text, 0));
		out_pair(&c->out, "missing", m->text);
		first = false;
	}
	out_say(&c->out, " (the drive does not tell)\n");
}

/* Values that were left out: a person lives with them. */
static void
say_accepted(struct cli *c, const struct doc *list)
{
	char words[WORDS_SIZE];

	for (const struct doc *a = list ? list->first : NULL; a; a = a->next) {
		words_evidence(doc_text(a, "metric"), "now",
			doc_number(a, "value", 0), words);
		out_say(&c->out, "  accepted: %s, by %s until %.10s: %s\n",
			words, doc_text(a, "by"), doc_text(a, "until"),
			doc_text(a, "reason"));
		out_pair(&c->out, "accepted", doc_text(a, "metric"));
	}
}

static void
say_flip(struct cli *c, const struct doc *v)
{
	const struct doc *flip = doc_get(v, "nearest_flip");
	char words[WORDS_SIZE];

	if (!flip || flip->kind != JSON_OBJECT) {
		out_say(&c->out, "  no single counter would change it soon\n");
		return;
	}
	words_evidence(doc_text(flip, "metric"), doc_text(flip, "stat"),
		doc_number(flip, "needed", 0), words);
	out_say(&c->out, "  it would be ");
	out_paint(&c->out, out_paint_of(doc_text(flip, "to")), "%s",
		doc_text(flip, "to"));
	out_say(&c->out, " with: %s (now %s)\n", words,
		doc_text(flip, "value"));
	out_pair(&c->out, "flip_to", doc_text(flip, "to"));
	out_pair(&c->out, "flip_metric", doc_text(flip, "metric"));
	out_pair(&c->out, "flip_stat", doc_text(flip, "stat"));
	out_pair(&c->out, "flip_needed", doc_text(flip, "needed"));
}

/* What a colleague would do about it. */
static const char *
advice(const char *level)
{
	if (strcmp(level, "imminent") == 0)
		return "leave it now";
	if (strcmp(level, "likely") == 0)
		return "plan to replace it";
	return "keep an eye on it";
}

static void
say_verdict(struct cli *c, const struct doc *v)
{
	const char *level = doc_text(v, "level");
	double d30 = risk_d30(v), d90 = doc_number(doc_get(v, "risk"), "d90", 0);
	struct wall since = doc_wall(v, "since");
	char words[WORDS_SIZE], lead[64];

	out_paint(&c->out, out_paint_of(level), "%s", level);
	if (since.ms)
		out_say(&c->out, " %s", words_for(since, c->now, words));
	out_say(&c->out, ": %s\n", advice(level));
	if (d30 > 0)
		out_say(&c->out, "  %s to fail within 30 days",
			words_share(d30, words));
	if (d30 > 0 && d90 > d30)
		out_say(&c->out, ", %s within 90", words_share(d90, words));
	risk_lead(v, lead, sizeof(lead));
	if (d30 > 0 && *lead)
		out_say(&c->out, "; such drives failed after %s", lead);
	if (d30 > 0)
		out_say(&c->out, "\n");
}

static double
sum_of(const struct doc *rows)
{
	double sum = 0;

	for (const struct doc *row = rows ? rows->first : NULL; row;
	     row = row->next)
		sum += doc_number(row, "contribution", 0);
	return sum;
}

/* That the points add up can be seen. */
static void
say_points(struct cli *c, const struct doc *v)
{
	double against = sum_of(doc_get(v, "counter_evidence"));

	if (!*doc_text(v, "pack"))
		return;
	out_paint(&c->out, PAINT_DIM, "  points: %+.2f to begin with, %+.2f "
		"for it", doc_number(v, "base", 0),
		sum_of(doc_get(v, "evidence")));
	if (against < 0)
		out_paint(&c->out, PAINT_DIM, ", %+.2f against", against);
	out_paint(&c->out, PAINT_DIM, ": %s in all, by %.40s\n",
		doc_text(v, "score"), doc_text(v, "pack"));
}

/* What to tell us when something was done about it. */
static void
say_next(struct cli *c, const struct doc *v)
{
	const char *serial = doc_text(doc_get(v, "device"), "serial");

	if (*serial)
		out_say(&c->out, "  once it is out: tocsin outcome failed %s "
			"--gone (or replaced); to live with it: tocsin accept "
			"%s\n", serial, serial);
}

/* One drive: the verdict, what it rests on, and what would change it. */
static void
explain_device(struct cli *c, const struct doc *v)
{
	char name[256];

	show_device(doc_get(v, "device"), name, sizeof(name));
	out_say(&c->out, "\n");
	out_paint(&c->out, PAINT_BOLD, "%s", name);
	out_say(&c->out, "\n  ");
	out_pair(&c->out, "device", name);
	out_pair(&c->out, "level", doc_text(v, "level"));
	out_pair(&c->out, "risk_d30", doc_text(doc_get(v, "risk"), "d30"));
	out_pair(&c->out, "score", doc_text(v, "score"));
	out_pair(&c->out, "pack", doc_text(v, "pack"));
	say_verdict(c, v);
	print_evidence(c, "what speaks for it", doc_get(v, "evidence"));
	print_evidence(c, "what speaks against it",
		doc_get(v, "counter_evidence"));
	say_beside(c, doc_get(v, "evidence"));
	say_accepted(c, doc_get(v, "accepted"));
	say_missing(c, doc_get(v, "missing"));
	score_say_ours(c, v);
	say_flip(c, v);
	say_points(c, v);
	say_next(c, v);
}

/* Drives that need no page of their own: how many, and a few names. */
static void
say_others(struct cli *c, const struct doc **all, size_t n, bool judged)
{
	char name[256];
	size_t count = 0, named = 0;

	for (size_t i = 0; i < n; i++)
		count += risk_level(all[i]) == 0 &&
			doc_true(all[i], "judged") == judged;
	snprintf(name, sizeof(name), "%zu", count);
	out_pair(&c->out, judged ? "others_good" : "others_not_judged", name);
	if (count == 0)
		return;
	out_say(&c->out, "\n%zu %sdevice%s: ", count, count < n ? "other " :
		"", count == 1 ? "" : "s");
	if (judged)
		out_paint(&c->out, PAINT_GOOD, "nothing points to a failure");
	else
		out_paint(&c->out, PAINT_DOUBT, "no data that a rule could "
			"use, which is not the same as good");
	out_say(&c->out, "\n");
	for (size_t i = 0; i < n && named < OTHERS_NAMED; i++) {
		if (risk_level(all[i]) != 0 ||
		    doc_true(all[i], "judged") != judged)
			continue;
		show_device(doc_get(all[i], "device"), name, sizeof(name));
		out_say(&c->out, "  %s\n", name);
		named++;
	}
	if (count > named)
		out_say(&c->out, "  and %zu more\n", count - named);
}

/* "2 times in a row, 3 convict" */
static void
say_fails(struct cli *c, double fails, double needed)
{
	if (needed < 1.5)
		out_say(&c->out, " (once is enough to convict)");
	else if (fails < 1.5)
		out_say(&c->out, " (once, %.0f times convict)", needed);
	else
		out_say(&c->out, " (%.0f times in a row, %.0f convict)", fails,
			needed);
}

static const char *
words_good(size_t n, char text[WORDS_SIZE])
{
	if (n == 0)
		snprintf(text, WORDS_SIZE, "nothing of it is checked");
	else if (n == 1)
		snprintf(text, WORDS_SIZE, "its one check is good");
	else
		snprintf(text, WORDS_SIZE, "all of its %zu checks are good", n);
	return text;
}

/* What it hangs on, and what hangs on it. */
static void
explain_kin(struct cli *c, const struct doc *h)
{
	const char *parent = doc_text(h, "parent");
	const char *behind = doc_text(h, "behind");
	double below = doc_number(h, "hosts_below", 0);

	if (*parent)
		out_pair(&c->out, "parent", parent);
	if (*behind)
		out_pair(&c->out, "behind", behind);
	if (*behind && strcmp(behind, parent) == 0)
		out_say(&c->out, "  it hangs on %s, which is down\n", parent);
	else if (*behind)
		out_say(&c->out, "  it hangs on %s, and that on %s, which is "
			"down\n", parent, behind);
	else if (*parent)
		out_say(&c->out, "  it hangs on %s\n", parent);
	if (below > 0)
		out_say(&c->out, "  %.0f %s on it\n", below, below < 2 ?
			"host hangs" : "hosts hang");
}

/* Now: what the checks say. */
static void
explain_health(struct cli *c, const struct doc *h)
{
	const char *state = doc_text(h, "state");
	const struct doc *checks = doc_get(h, "checks");
	struct wall since = doc_wall(h, "since");
	char words[WORDS_SIZE];
	size_t n_bad = 0;

	out_paint(&c->out, PAINT_BOLD, "%s", doc_text(h, "name"));
	out_say(&c->out, " is ");
	out_paint(&c->out, out_paint_of(state), "%s", show_state(state));
	if (since.ms)
		out_say(&c->out, " %s", words_for(since, c->now, words));
	out_say(&c->out, ".\n");
	out_pair(&c->out, "host", doc_text(h, "name"));
	out_pair(&c->out, "state", state);
	out_pair(&c->out, "since", doc_text(h, "since"));
	explain_kin(c, h);
	for (const struct doc *k = checks ? checks->first : NULL; k;
	     k = k->next) {
		const char *health = doc_text(k, "health");
		const char *text = doc_text(k, "text");
		double fails = doc_number(k, "fails", 0);

		if (strcmp(health, "healthy") == 0)
			continue;
		n_bad++;
		out_say(&c->out, "  %s is ", doc_text(k, "key"));
		out_paint(&c->out, out_paint_of(health), "%s", health);
		out_say(&c->out, ": %s", *text ? text :
			show_reason(doc_text(k, "reason")));
		if (fails > 0)
			say_fails(c, fails, doc_number(k, "fail_after", 0));
		if (doc_wall(k, "at").ms == 0)
			out_say(&c->out, "\n");
		else
			out_say(&c->out, ", seen %s\n", words_age(
				doc_wall(k, "at"), c->now, words));
	}
	if (n_bad == 0 && checks)
		out_say(&c->out, "  %s\n", words_good(checks->n, words));
}

static void
print_explain_json(struct cli *c, const struct strbuf *host,
	const struct strbuf *evidence, const struct plan_doc *plan)
{
	strbuf_puts(&c->out.text, "{\"host\":");
	strbuf_add(&c->out.text, host->p, host->n);
	strbuf_puts(&c->out.text, ",\"evidence\":");
	strbuf_add(&c->out.text, evidence->p, evidence->n);
	strbuf_puts(&c->out.text, ",\"why_not\":");
	strbuf_add(&c->out.text, plan->why_json.p, plan->why_json.n);
	strbuf_puts(&c->out.text, ",\"evacuation\":");
	if (plan->plan)
		strbuf_add(&c->out.text, plan->plan_json.p, plan->plan_json.n);
	else
		strbuf_puts(&c->out.text, "null");
	strbuf_puts(&c->out.text, "}\n");
}

/* What nobody could read is no evidence; it is said. */
static void
say_undecoded(struct cli *c, const struct doc *device)
{
	const struct doc *metrics = doc_get(device, "metrics");
	double n = doc_number(metrics, "smart_undecoded_count", 0);
	char words[WORDS_SIZE];

	out_pair(&c->out, "undecoded", doc_text(metrics,
		"smart_undecoded_count"));
	if (n >= 1)
		out_say(&c->out, "  undecoded: %s of it, packed as nobody here "
			"knows; worth nothing to any rule\n", words_count(n,
			"value", "values", words));
}

/* By the name on the label, for whoever stands before the shelf. */
static int
explain_label(struct cli *c, const char *name, struct tc_err *e)
{
	struct strbuf path = {0};
	const struct doc *v;
	struct doc *r;
	char text[256];
	int rc;

	strbuf_puts(&path, "/v1/devices/");
	api_escape(&path, name);
	rc = api_get(c, strbuf_str(&path), &r, e);
	strbuf_free(&path);
	if (rc == TC_ENOENT)
		return tc_fail(e, rc, "there is no host and no device '%s'",
			name);
	if (rc < 0)
		return rc;
	api_print(c);
	v = doc_get(r, "verdict");
	out_say(&c->out, "in host ");
	out_paint(&c->out, PAINT_BOLD, "%s", doc_text(r, "host"));
	out_say(&c->out, "\n");
	out_pair(&c->out, "host", doc_text(r, "host"));
	if (risk_level(v) > 0) {
		explain_device(c, v);
		say_undecoded(c, doc_get(r, "device"));
		return c->opt.fail ? CLI_AT_RISK : CLI_OK;
	}
	show_device(doc_get(v, "device"), text, sizeof(text));
	out_say(&c->out, "%s: %s\n", text, doc_true(v, "judged") ?
		"nothing points to a failure" :
		"no data that a rule could use, which is not the same as good");
	out_pair(&c->out, "level", doc_text(v, "level"));
	say_accepted(c, doc_get(v, "accepted"));
	say_undecoded(c, doc_get(r, "device"));
	return CLI_OK;
}

static int
status_of(const struct cli *c, const struct doc *items)
{
	for (const struct doc *v = items ? items->first : NULL; v; v = v->next)
		if (c->opt.fail && risk_level(v) > 0)
			return CLI_AT_RISK;
	return CLI_OK;
}

static int
explain_devices(struct cli *c, const struct doc *items, struct tc_err *e)
{
	const struct doc **all;
	int rc;

	if (!items || items->n == 0) {
		out_say(&c->out, "No device of it is known: nobody can say "
			"what will break.\n");
		return 0;
	}
	if ((rc = risk_sort(c, items, &all, e)) < 0)
		return rc;
	for (size_t i = 0; i < items->n; i++) {
		if (risk_level(all[i]) > 0)
			explain_device(c, all[i]);
	}
	say_others(c, all, items->n, true);
	say_others(c, all, items->n, false);
	return 0;
}

/* `path` is the host's, `h` what it says. */
static int
explain_host(struct cli *c, struct strbuf *path, const struct doc *h,
	struct tc_err *e)
{
	struct strbuf host = {0}, evidence = {0};
	struct plan_doc plan = {0};
	struct doc *v;
	int rc;

	strbuf_add(&host, c->reply.body.p, c->reply.body.n);
	strbuf_puts(path, "/evidence");
	if ((rc = api_get(c, strbuf_str(path), &v, e)) < 0)
		goto out;
	strbuf_add(&evidence, c->reply.body.p, c->reply.body.n);
	if ((rc = plan_get(c, c->rest.operands[0], &plan, e)) < 0)
		goto out;
	if (c->out.format == OUT_JSON) {
		print_explain_json(c, &host, &evidence, &plan);
	} else {
		explain_health(c, h);
		plan_say(c, &plan);
		units_explain(c, h);
		rc = explain_devices(c, doc_get(v, "items"), e);
	}
	if (rc == 0)
		rc = status_of(c, doc_get(v, "items"));
out:
	strbuf_free(&host);
	strbuf_free(&evidence);
	plan_free(&plan);
	return rc;
}

int
verb_explain(struct cli *c, struct tc_err *e)
{
	struct strbuf path = {0};
	struct doc *h;
	int rc;

	strbuf_puts(&path, "/v1/hosts/");
	api_escape(&path, c->rest.operands[0]);
	rc = api_get(c, strbuf_str(&path), &h, e);
	if (rc == TC_ENOENT)
		rc = explain_label(c, c->rest.operands[0], e);
	else if (rc == 0)
		rc = explain_host(c, &path, h, e);
	strbuf_free(&path);
	return rc;
}
