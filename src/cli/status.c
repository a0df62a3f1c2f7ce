/*
 * tocsin status: the summary in a few lines.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"
#include "model/state.h"

static void
say_head(struct cli *c, const struct doc *s)
{
	const char *state = doc_text(s, "state");
	char words[WORDS_SIZE];
	struct wall since = doc_wall(s, "since");
	struct wall started = doc_wall(s, "started");

	out_paint(&c->out, out_paint_of(state), "%s", state);
	if (since.ms)
		out_say(&c->out, " %s", words_for(since, c->now, words));
	out_paint(&c->out, PAINT_DIM, "   tocsind %s at %s",
		doc_text(s, "version"), c->url);
	if (started.ms)
		out_paint(&c->out, PAINT_DIM, ", up %s", words_span(
			dur_ms(c->now.ms - started.ms), words));
	out_say(&c->out, "\n");
	if (doc_true(s, "degraded"))
		out_paint(&c->out, PAINT_BAD, "degraded: %s\n",
			doc_text(s, "degraded_why"));
}

/* "1 unhealthy, 2 suspect, 40 healthy": the worst first, none left out. */
static void
say_counts(struct cli *c, const struct doc *counts)
{
	bool done[STATE_COUNT_] = { false };
	bool first = true;

	for (;;) {
		int worst = -1;

		for (int i = 0; i < STATE_COUNT_; i++) {
			if (!done[i] && (worst < 0 || state_worse(
			    (enum unit_state)i, (enum unit_state)worst)))
				worst = i;
		}
		if (worst < 0)
			break;
		done[worst] = true;
		if (doc_number(counts, state_id((enum unit_state)worst),
				0) < 1)
			continue;
		out_say(&c->out, "%s%.0f ", first ? "" : ", ", doc_number(
			counts, state_id((enum unit_state)worst), 0));
		out_paint(&c->out, out_paint_of(state_id(
			(enum unit_state)worst)), "%s",
			state_id((enum unit_state)worst));
		first = false;
	}
	out_say(&c->out, "\n");
}

static void
say_body(struct cli *c, const struct doc *s)
{
	double hosts = doc_number(s, "hosts", 0);
	double unjudged = doc_number(s, "devices_unjudged", 0);
	double devices = doc_number(s, "devices", 0);
	char words[WORDS_SIZE];

	out_say(&c->out, "%s: ", words_count(hosts, "host", "hosts", words));
	if (hosts > 0)
		say_counts(c, doc_get(s, "counts"));
	else
		out_say(&c->out, "nothing is watched yet\n");
	out_say(&c->out, "%s", words_count(doc_number(s, "checks", 0),
		"check", "checks", words));
	out_say(&c->out, ", %s", words_count(devices, "device", "devices",
		words));
	if (unjudged > 0 && devices < 2)
		out_paint(&c->out, PAINT_DOUBT, " without data to judge by");
	else if (unjudged > 0)
		out_paint(&c->out, PAINT_DOUBT, ", %.0f of them without "
			"data to judge by", unjudged);
	out_say(&c->out, "\n");
}

/* What is held back is said before what is at risk. */
static void
say_deeds(struct cli *c, const struct doc *s)
{
	const struct doc *brakes = doc_get(s, "brakes");
	double alerts = doc_number(s, "alerts", 0);
	double plans = doc_number(s, "evacuations", 0);
	char words[WORDS_SIZE];

	if (alerts > 0 || plans > 0) {
		out_say(&c->out, "%s firing (tocsin alerts)",
			words_count(alerts, "alert", "alerts", words));
		out_say(&c->out, ", %s (tocsin evacuations)\n", words_count(
			plans, "recommendation", "recommendations", words));
	}
	for (const struct doc *b = brakes ? brakes->first : NULL; b;
	     b = b->next)
		show_brake(c, b);
}

static void
print_pairs(struct cli *c, const struct doc *s)
{
	for (const struct doc *t = s->first; t; t = t->next) {
		if (t->kind == JSON_STRING || t->kind == JSON_NUMBER)
			out_pair(&c->out, t->key, t->text);
		else if (t->kind == JSON_BOOL)
			out_pair(&c->out, t->key, t->number != 0 ? "true" :
				"false");
		else if (t->kind == JSON_OBJECT && c->out.format == OUT_KV) {
			for (const struct doc *m = t->first; m; m = m->next) {
				char key[96];

				snprintf(key, sizeof(key), "%s_%s", t->key,
					m->key);
				out_pair(&c->out, key, m->text);
			}
		}
	}
}

static void
print_risks(struct cli *c, const struct doc *risks)
{
	static const struct column columns[] = {
		{ "host", "HOST", false, false },
		{ "level", "LEVEL", false, true },
		{ "risk", "IN 30 D", true, false },
		{ "reason", "BECAUSE", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };

	if (!risks || risks->n == 0)
		return;
	out_say(&c->out, "\n");
	out_paint(&c->out, PAINT_BOLD, "at risk\n");
	for (const struct doc *r = risks->first; r; r = r->next) {
		table_row(&t);
		show_text(&t, 0, r, "host");
		show_text(&t, 1, r, "level");
		show_share(&t, 2, r, "risk");
		show_text(&t, 3, r, "reason");
	}
	table_print(&t, &c->out);
	table_free(&t);
}

int
verb_status(struct cli *c, struct tc_err *e)
{
	struct doc *s;
	const struct doc *risks;
	int rc;

	if ((rc = api_get(c, "/v1/summary", &s, e)) < 0)
		return rc;
	api_print(c);
	say_head(c, s);
	say_body(c, s);
	say_deeds(c, s);
	print_pairs(c, s);
	risks = doc_get(s, "at_risk");
	print_risks(c, risks);
	return c->opt.fail && risks && risks->n > 0 ? CLI_AT_RISK : CLI_OK;
}
