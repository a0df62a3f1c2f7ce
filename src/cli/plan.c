#include "cli/plan.h"

#include <stdio.h>
#include <string.h>

#include "cli/show.h"
#include "cli/words.h"

#define NAMES_SHOWN 8

static void
keep_reply(const struct cli *c, struct strbuf *to)
{
	size_t n = c->reply.body.n;

	while (n > 0 && c->reply.body.p[n - 1] == '\n')
		n--;
	strbuf_add(to, c->reply.body.p, n);
}

int
plan_get(struct cli *c, const char *host, struct plan_doc *out,
	struct tc_err *e)
{
	struct strbuf path = {0};
	const char *id;
	int rc;

	strbuf_puts(&path, "/v1/hosts/");
	api_escape(&path, host);
	strbuf_puts(&path, "/why-not");
	if ((rc = api_get(c, strbuf_str(&path), &out->why, e)) < 0)
		goto out;
	keep_reply(c, &out->why_json);
	id = doc_text(out->why, "evacuation");
	if (!*id)
		goto out;
	strbuf_reset(&path);
	strbuf_puts(&path, "/v1/evacuations/");
	api_escape(&path, id);
	rc = api_get(c, strbuf_str(&path), &out->plan, e);
	if (rc == 0)
		keep_reply(c, &out->plan_json);
	else if (c->reply.status == 404 || c->reply.status == 403)
		rc = 0;	/* withdrawn in between, or not for an agent's eyes */
out:
	strbuf_free(&path);
	return rc;
}

void
plan_free(struct plan_doc *p)
{
	strbuf_free(&p->why_json);
	strbuf_free(&p->plan_json);
}

/* Why the others may not: "2 not healthy, 1 at risk". */
static void
say_others(struct cli *c, const struct doc *counts)
{
	static const struct { const char *id; const char *words; } rows[] = {
		{ "itself", "the host itself" },
		{ "not_healthy", "not healthy" },
		{ "at_risk", "at risk" },
		{ "not_in_service", "not in service" },
		{ "maintenance", "in maintenance" },
		{ "being_left", "to be left" },
		{ "full", "full" },
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double n = doc_number(counts, rows[i].id, 0);

		if (n < 0.5)
			continue;
		out_say(&c->out, "%s%.0f %s", first ? "  the others: " : ", ",
			n, rows[i].words);
		first = false;
	}
	out_say(&c->out, first ? "" : "\n");
}

/* "2 of 20 hosts of rack1: h1, h2" */
void
plan_say_targets(struct cli *c, const struct doc *p)
{
	const struct doc *counts = doc_get(p, "partition_hosts");
	double eligible = doc_number(counts, "eligible", 0), all = 0;
	char names[512], words[WORDS_SIZE];

	for (const struct doc *n = counts ? counts->first : NULL; n; n = n->next)
		all += n->number;
	if (all < 0.5)
		return;
	show_names(doc_get(p, "targets"), NAMES_SHOWN, names, sizeof(names));
	out_say(&c->out, "  may take its load: %.0f of %s of %s%s%s\n",
		eligible, words_count(all, "host", "hosts", words),
		doc_text(p, "partition"), *names ? ": " : "", names);
	say_others(c, counts);
}

static void
say_plan(struct cli *c, const struct doc *p)
{
	bool moves = strcmp(doc_text(p, "action"), "host.evacuate") == 0;
	const char *state = doc_text(p, "state");
	char words[WORDS_SIZE];

	out_say(&c->out, moves ? "should be evacuated, " :
		"should be taken out of rotation, ");
	out_paint(&c->out, out_paint_of(state), "%s", state);
	out_say(&c->out, " %s: %s", words_for(doc_wall(p, "since"), c->now,
		words), doc_text(p, "reason"));
	out_paint(&c->out, PAINT_DIM, "   evacuation %s\n", doc_text(p, "id"));
	show_why_not(c, doc_get(p, "why_not"), "  not done: ");
	if (moves)
		plan_say_targets(c, p);
	out_pair(&c->out, "evacuation", doc_text(p, "id"));
	out_pair(&c->out, "evacuation_state", state);
	out_pair(&c->out, "action", doc_text(p, "action"));
	out_pair(&c->out, "evacuation_reason", doc_text(p, "reason"));
	show_pair_names(c, "targets", doc_get(p, "targets"));
}

void
plan_set_why_not(struct table *t, size_t column, const struct doc *why_not)
{
	struct strbuf codes = {0}, words = {0};

	for (const struct doc *w = why_not ? why_not->first : NULL; w;
	     w = w->next) {
		const char *code = doc_text(w, "code");

		strbuf_printf(&codes, "%s%s", codes.n ? "," : "", code);
		if (strcmp(code, "recommend_only") != 0)
			strbuf_printf(&words, "%s%s", words.n ? "; " : "",
				doc_text(w, "words"));
	}
	table_set(t, column, strbuf_str(&codes), strbuf_str(&words));
	strbuf_free(&codes);
	strbuf_free(&words);
}

void
plan_say(struct cli *c, const struct plan_doc *p)
{
	const struct doc *why = doc_get(p->plan ? p->plan : p->why, "why_not");

	if (p->plan)
		say_plan(c, p->plan);
	else
		show_why_not(c, why, "no evacuation: ");
	for (const struct doc *w = why ? why->first : NULL; w; w = w->next)
		out_pair(&c->out, "why_not", doc_text(w, "code"));
}
