/*
 * tocsin outcome: what became of a device or a host; tocsin scorecard: how
 * often we were right.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/score.h"
#include "cli/show.h"
#include "cli/words.h"
#include "model/outcome.h"
#include "wire/json_write.h"

/* ---- what is known ---- */

static void
add_outcome(struct cli *c, struct table *t, const struct doc *o)
{
	const struct doc *device = doc_get(o, "device");
	char text[256] = "the host itself";

	table_row(t);
	show_age(c, t, 0, o, "at");
	show_text(t, 1, o, "outcome");
	show_text(t, 2, o, "host");
	if (device && device->kind == JSON_OBJECT)
		show_device(device, text, sizeof(text));
	table_set(t, 3, text, NULL);
	show_text(t, 4, o, "source");
	show_text(t, 5, o, "by");
	show_text(t, 6, o, "note");
	show_text(t, 7, o, "predictions");
	show_text(t, 8, o, "id");
}

static int
list(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "at", "WHEN", false, false },
		{ "outcome", "OUTCOME", false, false },
		{ "host", "HOST", false, false },
		{ "device", "DEVICE", false, false },
		{ "source", "SOURCE", false, false },
		{ "by", "BY", false, false },
		{ "note", "NOTE", false, false },
		{ "predictions", "CLOSED", true, false },
		{ "id", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	const struct doc *items;
	char path[96];
	struct doc *reply;
	int rc;

	snprintf(path, sizeof(path), "/v1/outcomes?after=%llu&limit=%llu",
		(unsigned long long)(c->opt.after != UINT64_MAX ?
			c->opt.after : 0),
		(unsigned long long)(c->opt.limit ? c->opt.limit : 1000));
	if ((rc = api_get(c, path, &reply, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(reply, "items");
	for (const struct doc *o = items ? items->first : NULL; o; o = o->next)
		add_outcome(c, &t, o);
	table_print(&t, &c->out);
	if (!items || items->n == 0)
		out_say(&c->out, "no outcome is known\n");
	table_free(&t);
	return CLI_OK;
}

/* ---- a new one ---- */

static bool
is_kind(const char *text)
{
	enum outcome_kind kind;

	return outcome_kind_parse(text, strlen(text), &kind);
}

static int
read_at(struct cli *c, struct wall *at, struct tc_err *e)
{
	const char *text = c->opt.at;

	if (!text)
		return 0;
	if (wall_parse(text, strlen(text), at) < 0)
		return tc_fail(e, TC_EINVAL, "--at: '%.40s' is no time such as "
			"2026-05-01T22:00:00Z", text);
	return 0;
}

static int
note(struct cli *c, const char *kind, const char *device, struct tc_err *e)
{
	struct strbuf body = {0};
	struct wall at = { 0 };
	struct json_write w;
	struct doc *reply;
	int rc;

	if ((rc = read_at(c, &at, e)) < 0)
		return rc;
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "outcome", kind);
	if (device)
		json_add_str(&w, "device", device);
	else
		json_add_str(&w, "host", c->opt.host);
	if (c->opt.at)
		json_add_wall(&w, "at", at);
	if (c->opt.note)
		json_add_str(&w, "note", c->opt.note);
	if (c->opt.gone)
		json_add_bool(&w, "gone", true);
	json_put_end(&w);
	rc = api_send(c, "POST", "/v1/outcomes", &body, &reply, e);
	strbuf_free(&body);
	if (rc < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "noted: %s of %s is %s", device ? device : "the host",
		doc_text(reply, "host"), kind);
	if (*doc_text(reply, "prediction"))
		out_say(&c->out, ", which closes prediction %s",
			doc_text(reply, "prediction"));
	out_say(&c->out, "\n");
	out_pair(&c->out, "host", doc_text(reply, "host"));
	out_pair(&c->out, "outcome", doc_text(reply, "outcome"));
	out_pair(&c->out, "prediction", doc_text(reply, "prediction"));
	return 0;
}

int
verb_outcome(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";
	const char *device = c->rest.n > 1 ? c->rest.operands[1] : NULL;

	if (strcmp(what, "list") == 0 && !device)
		return list(c, e);
	if (is_kind(what) && !device != !c->opt.host)
		return note(c, what, device, e);
	return tc_fail(e, TC_EINVAL, "tocsin outcome list, or failed, "
		"replaced, retired, healthy or wrong_alarm with a DEVICE or "
		"--host HOST");
}

/* ---- the scorecard ---- */

static void
set_share(struct table *t, size_t column, const struct doc *share)
{
	char text[64];

	if (doc_number(share, "share", -1) < 0)
		snprintf(text, sizeof(text), "%s of %s, too few",
			doc_text(share, "k"), doc_text(share, "n"));
	else
		snprintf(text, sizeof(text), "%.0f %% (%.0f to %.0f)",
			doc_number(share, "share", 0) * 100,
			doc_number(share, "low", 0) * 100,
			doc_number(share, "high", 0) * 100);
	table_set(t, column, doc_text(share, "share"), text);
}

static void
set_false(struct table *t, size_t column, const struct doc *f)
{
	char text[64];

	if (doc_number(f, "per_host_year", -1) < 0)
		snprintf(text, sizeof(text), "%s, too short a time",
			doc_text(f, "n"));
	else
		snprintf(text, sizeof(text), "%.3g (%.2g to %.2g)",
			doc_number(f, "per_host_year", 0),
			doc_number(f, "low", 0), doc_number(f, "high", 0));
	table_set(t, column, doc_text(f, "per_host_year"), text);
}

static void
set_lead(struct table *t, const struct doc *lead)
{
	const struct doc *m = doc_get(lead, "median");
	char text[96] = "not enough data";

	if (m)
		snprintf(text, sizeof(text), "%s days (%s to %s); %s to %s",
			doc_text(m, "days"), doc_text(m, "low"),
			doc_text(m, "high"),
			doc_text(doc_get(lead, "p10"), "days"),
			doc_text(doc_get(lead, "p90"), "days"));
	table_set(t, 5, doc_text(m, "days"), text);
}

static void
print_card(struct cli *c, const char *pack, const struct doc *card)
{
	static const struct column columns[] = {
		{ "pack", "", false, false },
		{ "level", "LEVEL", false, true },
		{ "precision", "RIGHT", false, false },
		{ "recall", "OF FAILURES", false, false },
		{ "false_per_host_year", "FALSE PER HOST-YEAR", false, false },
		{ "lead_days", "WARNED BEFORE", false, false },
		{ "open", "OPEN", true, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };
	const struct doc *levels = doc_get(card, "levels");

	for (const struct doc *l = levels ? levels->first : NULL; l;
	     l = l->next) {
		table_row(&t);
		table_set(&t, 0, pack, NULL);
		show_text(&t, 1, l, "level");
		set_share(&t, 2, doc_get(l, "precision"));
		set_share(&t, 3, doc_get(l, "recall"));
		set_false(&t, 4, doc_get(l, "false_alarms"));
		set_lead(&t, doc_get(l, "lead_time"));
		show_text(&t, 6, l, "open");
	}
	table_print(&t, &c->out);
	table_free(&t);
}

/* Which rules led alarms, and how often wrongly; the most wrong first. */
static void
print_rules(struct cli *c, const struct doc *rules)
{
	static const struct column columns[] = {
		{ "rule", "RULE", false, false },
		{ "level", "LEVEL", false, true },
		{ "precision", "RIGHT", false, false },
		{ "false", "FALSE", true, false },
		{ "false_per_host_year", "FALSE PER HOST-YEAR", false, false },
		{ "open", "OPEN", true, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };

	if (!rules || rules->n == 0)
		return;
	out_say(&c->out, "\nby the rule that led the alarm, the most wrong "
		"first\n");
	for (const struct doc *r = rules->first; r; r = r->next) {
		const struct doc *levels = doc_get(r, "levels");

		for (const struct doc *l = levels ? levels->first : NULL; l;
		     l = l->next) {
			const struct doc *f = doc_get(l, "false_alarms");

			table_row(&t);
			show_text(&t, 0, r, "rule");
			show_text(&t, 1, l, "level");
			set_share(&t, 2, doc_get(l, "precision"));
			show_text(&t, 3, f, "n");
			set_false(&t, 4, f);
			show_text(&t, 5, l, "open");
		}
	}
	table_print(&t, &c->out);
	table_free(&t);
}

/* Something was ever said of one. */
static bool
spoke_of_hosts(const struct doc *card)
{
	const struct doc *levels = doc_get(card, "levels");

	for (const struct doc *l = levels ? levels->first : NULL; l;
	     l = l->next)
		if (doc_number(doc_get(l, "precision"), "n", 0) > 0 ||
		    doc_number(l, "open", 0) > 0)
			return true;
	return false;
}

int
verb_scorecard(struct cli *c, struct tc_err *e)
{
	const struct doc *all, *packs;
	struct doc *r;
	int rc = api_get(c, "/v1/predictor/scorecard", &r, e);

	if (rc < 0)
		return rc;
	api_print(c);
	all = doc_get(r, "all");
	packs = doc_get(r, "packs");
	out_say(&c->out, "%s device%s on %s host%s, watched %.1f host-years; "
		"%s failed\n", doc_text(all, "devices"),
		doc_number(all, "devices", 0) == 1 ? "" : "s",
		doc_text(all, "hosts"),
		doc_number(all, "hosts", 0) == 1 ? "" : "s",
		doc_number(all, "host_years", 0), doc_text(all, "failed"));
	print_card(c, "all", all);
	if (spoke_of_hosts(doc_get(r, "hosts"))) {
		out_say(&c->out, "\nhosts, by their own signals\n");
		print_card(c, "hosts", doc_get(r, "hosts"));
	}
	print_rules(c, doc_get(r, "rules"));
	for (const struct doc *p = packs ? packs->first : NULL; p;
	     p = p->next) {
		out_say(&c->out, "\nby %.40s, since %.10s\n",
			doc_text(p, "pack"), doc_text(p, "from"));
		print_card(c, doc_text(p, "pack"), p);
	}
	out_say(&c->out, "\nin brackets: 95 %% intervals; an alarm is wrong "
		"after %s days without a failure;\nbelow %s nothing is said\n",
		doc_text(r, "settle_days"), doc_text(r, "enough"));
	return CLI_OK;
}

/* ---- for explain ---- */

static const struct doc *
level_in(const struct doc *card, const char *level)
{
	const struct doc *levels = doc_get(card, "levels");

	for (const struct doc *l = levels ? levels->first : NULL; l;
	     l = l->next)
		if (strcmp(doc_text(l, "level"), level) == 0)
			return l;
	return NULL;
}

void
score_say_ours(struct cli *c, const struct doc *verdict)
{
	const char *level = doc_text(verdict, "level");
	const struct doc *share, *risk = doc_get(verdict, "risk");
	const char *card = strcmp(doc_text(doc_get(verdict, "device"), "kind"),
		"host") == 0 ? "hosts" : "all";
	struct tc_err e = {0};
	struct doc *r = NULL;

	if (api_get(c, "/v1/predictor/scorecard", &r, &e) < 0)
		r = NULL;
	share = doc_get(level_in(doc_get(r, card), level), "precision");
	if (share && doc_number(share, "share", -1) >= 0) {
		out_say(&c->out, "  of %s such verdicts here %s came true "
			"(%.0f %%; %.0f to %.0f %%)\n", doc_text(share, "n"),
			doc_text(share, "k"),
			doc_number(share, "share", 0) * 100,
			doc_number(share, "low", 0) * 100,
			doc_number(share, "high", 0) * 100);
		out_pair(&c->out, "right_by", "scorecard");
		out_pair(&c->out, "right_share", doc_text(share, "share"));
		return;
	}
	if (doc_number(risk, "d90", -1) < 0)
		return;
	out_say(&c->out, "  too few such verdicts here (%s came true of %s) to "
		"say how often they do:\n  the figures above are of drives with "
		"such a score in the pack's own history\n",
		*doc_text(share, "k") ? doc_text(share, "k") : "0",
		*doc_text(share, "n") ? doc_text(share, "n") : "0");
	out_pair(&c->out, "right_by", "pack");
}
