/*
 * check_tocsin: Tocsin asked the way Nagios, Icinga and their kin ask.  One
 * line, performance data, exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "model/level.h"
#include "model/state.h"

enum verdict { V_OK, V_WARNING, V_CRITICAL, V_UNKNOWN };

struct wish {
	struct cli_options opt;
	struct dur max_age;
	struct dur timeout;
};

#define OPT(field) offsetof(struct wish, opt.field)

static const struct arg rows[] = {
	{ "server", ARG_STRING, OPT(server), "URL", NULL,
		"where tocsind is; else from --state-dir, $TOCSIN_SERVER, "
		"http://127.0.0.1:8420" },
	{ "token-file", ARG_STRING, OPT(token_file), "FILE", NULL,
		"who asks; else $TOCSIN_TOKEN; a viewer's will do" },
	{ "ca-file", ARG_STRING, OPT(ca_file), "FILE", NULL,
		"certificates that the server's is checked against" },
	{ "state-dir", ARG_STRING, OPT(state_dir), "DIR", NULL,
		"of a server on this machine" },
	{ "host", ARG_STRING, OPT(host), "NAME", NULL,
		"this host alone; else the whole fleet" },
	{ "level", ARG_STRING, OPT(level), "LEVEL", "likely",
		"WARNING from this level of risk on: watch, likely, imminent" },
	{ "max-age", ARG_DUR, offsetof(struct wish, max_age), "TIME", "60s",
		"UNKNOWN when the state that is told is older" },
	{ "timeout", ARG_DUR, offsetof(struct wish, timeout), "TIME", "10s",
		"UNKNOWN when there is no answer within" },
	ARG_ASKS_ROWS(OPT(asks)),
	{ .name = NULL }
};

static const struct arg_section sections[] = {
	{ "EXIT STATUS", "0\tOK\n\n"
		"1\tWARNING: hosts at risk or in doubt; the store is "
		"degraded\n\n2\tCRITICAL: hosts are broken\n\n"
		"3\tUNKNOWN: no answer, an old one, or wrong usage" },
	{ "SEE ALSO", "tocsin(1), tocsind(8)" },
	{ NULL, NULL }
};

static const struct arg_program program = {
	.name = "check_tocsin", .section = 1, .version = TOCSIN_VERSION,
	.date = "2026-11-21", .help = "ask Tocsin, as a Nagios plugin",
	.about = "Tells in one line, with performance data, what tocsind says "
		"of the fleet or of one host.",
	.rows = rows, .more = sections,
};

static enum verdict
judge_state(const char *id)
{
	enum unit_state s;

	if (!state_parse(id, strlen(id), &s))
		return V_UNKNOWN;
	switch (s) {
	case STATE_UNHEALTHY:
	case STATE_IMPAIRED:
	case STATE_UNREACHABLE:
		return V_CRITICAL;
	case STATE_SUSPECT:
	case STATE_OVERLOADED:
	case STATE_FLAPPING:
	case STATE_STALE:
		return V_WARNING;
	case STATE_UNKNOWN:
	case STATE_COUNT_:
		return V_UNKNOWN;
	case STATE_HEALTHY:
	case STATE_ASLEEP:
	case STATE_MAINTENANCE:
	case STATE_REBOOTING:
	case STATE_EVACUATING:
	case STATE_QUARANTINED:
	case STATE_DIAGNOSING:
	case STATE_RETIRED:
		return V_OK;
	}
	return V_UNKNOWN;
}

static enum verdict
worse(enum verdict a, enum verdict b)
{
	static const int bad[] = { 0, 2, 3, 1 };	/* CRITICAL beats UNKNOWN */

	return bad[a] >= bad[b] ? a : b;
}

/* One line whatever a host says: a bar begins performance data. */
static void
put_text(struct strbuf *line, const char *text)
{
	for (; *text != '\0'; text++)
		strbuf_putc(line, *text == '|' || *text == '\n' ? '/' : *text);
}

static double
sum_of(const struct doc *counts, enum verdict v)
{
	double sum = 0;

	for (int i = 0; i < STATE_COUNT_; i++) {
		const char *id = state_id((enum unit_state)i);

		if (judge_state(id) == v)
			sum += doc_number(counts, id, 0);
	}
	return sum;
}

static double
at_risk(const struct doc *levels, enum level from)
{
	double sum = 0;

	for (int i = (int)from; i < LEVEL_N; i++)
		sum += doc_number(levels, level_name((enum level)i), 0);
	return sum;
}

static enum verdict
judge_fleet(const struct doc *s, enum level from, struct strbuf *line)
{
	const struct doc *counts = doc_get(s, "counts");
	const struct doc *top = doc_get(s, "at_risk");
	double hosts = doc_number(s, "hosts", 0);
	double broken = sum_of(counts, V_CRITICAL);
	double doubt = sum_of(counts, V_WARNING);
	double unknown = sum_of(counts, V_UNKNOWN);
	double risk = at_risk(doc_get(s, "levels"), from);

	strbuf_printf(line, "%.0f of %.0f hosts broken, %.0f at risk, %.0f in "
		"doubt, %.0f unknown", broken, hosts, risk, doubt, unknown);
	if (risk > 0 && top != NULL && top->first != NULL) {
		strbuf_printf(line, "; %s: ", doc_text(top->first, "host"));
		put_text(line, doc_text(top->first, "reason"));
	}
	if (doc_true(s, "degraded")) {
		strbuf_puts(line, "; degraded: ");
		put_text(line, doc_text(s, "degraded_why"));
	}
	strbuf_printf(line, " | broken=%.0f;;0;0;%.0f at_risk=%.0f;0;;0;%.0f "
		"doubt=%.0f;0;;0;%.0f unknown=%.0f;;;0;%.0f", broken, hosts,
		risk, hosts, doubt, hosts, unknown, hosts);
	if (broken > 0)
		return V_CRITICAL;
	return risk > 0 || doubt > 0 || doc_true(s, "degraded") ? V_WARNING :
		hosts > 0 && unknown >= hosts ? V_UNKNOWN : V_OK;
}

static enum verdict
judge_host(const struct doc *h, enum level from, struct strbuf *line)
{
	const char *state = doc_text(h, "state");
	const char *words = show_reason(doc_text(h, "reason"));
	const char *name = doc_text(h, "level");
	double risk = doc_number(h, "risk", -1);
	enum level level = LEVEL_NONE;
	enum verdict v = judge_state(state);

	(void)level_from_name(name, strlen(name), &level);
	strbuf_printf(line, "%s is %s", doc_text(h, "name"), state);
	if (v != V_OK && words[0] != '\0') {
		const char *check = doc_text(h, "reason_check");

		strbuf_printf(line, ": %s%s%s", check, *check ? " " : "",
			words);
	}
	if (level != LEVEL_NONE) {
		strbuf_printf(line, "; failure %s: ", name);
		put_text(line, doc_text(h, "risk_reason"));
	}
	if (risk >= 0)
		strbuf_printf(line, " | risk=%.4f;;;0;1", risk);
	return level != LEVEL_NONE && level >= from ? worse(v, V_WARNING) : v;
}

static int
ask(struct cli *c, struct dur timeout, struct doc **out, struct tc_err *e)
{
	struct strbuf path = { 0 };
	int rc;

	strbuf_puts(&path, c->opt.host != NULL ? "/v1/hosts/" : "/v1/summary");
	if (c->opt.host != NULL)
		api_escape(&path, c->opt.host);
	if ((rc = api_open(c, e)) == 0) {
		client_cut(c->client, mono_add(c->clock->mono(c->clock),
			timeout));
		rc = api_get(c, strbuf_str(&path), out, e);
	}
	strbuf_free(&path);
	return rc;
}

static enum verdict
check(struct wish *w, struct strbuf *line, struct tc_err *e)
{
	struct cli c = { .clock = clock_system(), .opt = w->opt };
	enum level from = LEVEL_NONE;
	enum verdict v = V_UNKNOWN;
	struct doc *d;
	double age_s;

	if (!level_from_name(w->opt.level, strlen(w->opt.level), &from) ||
	    from == LEVEL_NONE) {
		tc_fail(e, TC_EINVAL, "--level: watch, likely or imminent");
		return V_UNKNOWN;
	}
	if (ask(&c, w->timeout, &d, e) < 0)
		goto out;
	v = w->opt.host != NULL ? judge_host(d, from, line) :
		judge_fleet(d, from, line);
	age_s = doc_number(d, "age_ms", 0) / 1000;
	strbuf_printf(line, "%s age=%.3fs;;%.0f;0",
		memchr(line->p, '|', line->n) != NULL ? "" : " |", age_s,
		dur_to_seconds(w->max_age));
	if (age_s > dur_to_seconds(w->max_age)) {
		tc_fail(e, TC_ETIMEOUT, "the state is %.0f s old", age_s);
		v = V_UNKNOWN;
	}
out:
	client_close(c.client);
	client_reply_free(&c.reply);
	arena_free(&c.arena);
	return v;
}

int
main(int argc, char **argv)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };
	struct wish w = { 0 };
	struct arg_rest rest;
	struct strbuf line = { 0 };
	struct tc_err e = { 0 };
	enum verdict v = V_UNKNOWN;

	if (args_parse(&program, argc, argv, &w, &rest, &e) == 0) {
		if (args_asks_any(&w.opt.asks))
			return args_print(&program, &w.opt.asks, stdout) == 0 ?
				V_OK : V_UNKNOWN;
		v = check(&w, &line, &e);
	}
	printf("TOCSIN %s: ", words[v]);
	if (e.text[0] != '\0') {
		struct strbuf why = { 0 };

		put_text(&why, e.text);
		printf("%s%s", strbuf_str(&why), line.n != 0 ? "; " : "");
		strbuf_free(&why);
	}
	printf("%s\n", strbuf_str(&line));
	strbuf_free(&line);
	return (int)v;
}
