/*
 * tocsin status: the summary in a few lines.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/follow.h"
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

/* ---- --watch ---- */

/* Beside events: how old what is seen may grow. */
#define REDRAW_S 2

struct watch {
	struct cli *c;
	bool terminal;
	bool dirty;
	struct mono drawn;
	struct strbuf last;	/* what was said before */
};

static void
draw(struct cli *c, const struct doc *s)
{
	say_head(c, s);
	say_body(c, s);
	say_deeds(c, s);
	print_pairs(c, s);
	print_risks(c, doc_get(s, "at_risk"));
}

/* One line that changes only with what matters. */
static void
say_line(struct cli *c, const struct doc *s)
{
	const struct doc *brakes = doc_get(s, "brakes");
	const struct doc *levels = doc_get(s, "levels");
	double at_risk = doc_number(levels, "watch", 0) +
		doc_number(levels, "likely", 0) +
		doc_number(levels, "imminent", 0);
	char words[WORDS_SIZE];

	out_say(&c->out, "%s: ", doc_text(s, "state"));
	say_counts(c, doc_get(s, "counts"));
	while (c->out.text.n > 0 && c->out.text.p[c->out.text.n - 1] == '\n')
		c->out.text.n--;
	out_say(&c->out, "; %s at risk", words_count(at_risk, "host",
		"hosts", words));
	out_say(&c->out, ", %s", words_count(doc_number(s, "alerts", 0),
		"alert", "alerts", words));
	out_say(&c->out, ", %s", words_count(doc_number(s, "evacuations", 0),
		"recommendation", "recommendations", words));
	for (const struct doc *b = brakes ? brakes->first : NULL; b;
	     b = b->next)
		out_say(&c->out, ", brake of %s latched",
			doc_text(b, "partition"));
	if (doc_true(s, "degraded"))
		out_say(&c->out, ", degraded");
}

/* In lines: only what is not as before, with the time. */
static void
print_change(struct watch *w, const struct doc *s)
{
	struct cli *c = w->c;
	const char *key;

	if (c->out.format == OUT_TEXT)
		say_line(c, s);
	else
		strbuf_puts(&c->out.text, doc_text(s, "generation"));
	key = strbuf_str(&c->out.text);
	if (strcmp(key, strbuf_str(&w->last)) == 0) {
		strbuf_reset(&c->out.text);
		return;
	}
	strbuf_reset(&w->last);
	strbuf_puts(&w->last, key);
	strbuf_reset(&c->out.text);
	if (c->out.format == OUT_JSON) {
		api_print(c);
		return;
	}
	if (c->out.format == OUT_TEXT)
		strbuf_printf(&c->out.text, "%s  %s\n",
			doc_text(s, "generated_at"), strbuf_str(&w->last));
	print_pairs(c, s);
	if (c->out.format == OUT_KV)
		strbuf_putc(&c->out.text, '\n');
}

static int
look(struct watch *w, struct tc_err *e)
{
	struct cli *c = w->c;
	struct doc *s = NULL;
	int rc = api_get(c, "/v1/summary", &s, e);

	w->drawn = c->clock->mono(c->clock);
	w->dirty = false;
	if (w->terminal)
		strbuf_puts(&c->out.text, "\033[H\033[J");
	if (rc < 0 && w->terminal)
		out_paint(&c->out, PAINT_BAD, "%s\n", e->text);
	else if (rc == 0 && w->terminal)
		draw(c, s);
	else if (rc == 0)
		print_change(w, s);
	if (rc < 0 && !w->terminal)
		return rc;
	arena_reset(&c->arena);
	return out_flush(&c->out) < 0 ? TC_EIO : rc;
}

static int
watch_event(void *arg, const char *kind, struct strbuf *json)
{
	struct watch *w = arg;

	(void)kind;
	(void)json;
	w->dirty = true;
	return 0;
}

static int
watch_tick(void *arg)
{
	struct watch *w = arg;
	struct clock *clock = w->c->clock;
	struct dur age = mono_diff(clock->mono(clock), w->drawn);
	struct tc_err e = {0};

	if (w->dirty || age.ns >= dur_s(REDRAW_S).ns)
		(void)look(w, &e);	/* who went may come back */
	return 0;
}

static int
watch(struct cli *c, struct tc_err *e)
{
	struct watch w = { .c = c, .terminal = c->out.format == OUT_TEXT &&
		isatty(1) };
	struct follow f = { .c = c, .event = watch_event, .tick = watch_tick,
		.arg = &w };
	int rc = look(&w, e);

	if (rc == 0)
		rc = follow_events(&f, e);
	strbuf_free(&w.last);
	return rc;
}

int
verb_status(struct cli *c, struct tc_err *e)
{
	struct doc *s;
	const struct doc *risks;
	int rc;

	if (c->opt.watch)
		return watch(c, e);
	if ((rc = api_get(c, "/v1/summary", &s, e)) < 0)
		return rc;
	api_print(c);
	draw(c, s);
	risks = doc_get(s, "at_risk");
	return c->opt.fail && risks && risks->n > 0 ? CLI_AT_RISK : CLI_OK;
}
