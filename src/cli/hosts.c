/*
 * tocsin hosts: one line each; tocsin host NAME: all of one.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "cli/show.h"
#include "cli/units.h"
#include "cli/words.h"

/* The reason matters where something is wrong. */
static void
set_why(struct table *t, size_t column, const struct doc *host)
{
	const char *id = doc_text(host, "reason");
	bool fine = strcmp(doc_text(host, "state"), "healthy") == 0;
	const char *behind = doc_text(host, "behind");
	char text[300];

	if (*behind) {
		snprintf(text, sizeof(text), "behind %s, which is down",
			behind);
		table_set(t, column, id, text);
		return;
	}
	table_set(t, column, id, fine ? "" : show_reason(id));
}

int
verb_hosts(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "host", "HOST", false, false },
		{ "state", "STATE", false, true },
		{ "since", "SINCE", false, false },
		{ "reason", "WHY", false, false },
		{ "level", "OUTLOOK", false, true },
		{ "risk", "IN 30 D", true, false },
		{ "partition", "PARTITION", false, false },
		{ "address", "ADDRESS", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	struct strbuf path = {0};
	struct doc *items;
	int rc;

	strbuf_puts(&path, "/v1/hosts");
	api_filter(&path, "state", c->opt.state);
	api_filter(&path, "level", c->opt.level);
	api_filter(&path, "partition", c->opt.partition);
	api_filter(&path, "tag", c->opt.tag);
	api_filter(&path, "q", c->opt.match);
	rc = api_list(c, strbuf_str(&path), c->opt.limit, &items, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	for (const struct doc *h = items->first; h; h = h->next) {
		table_row(&t);
		show_text(&t, 0, h, "name");
		show_text(&t, 1, h, "state");
		show_age(c, &t, 2, h, "since");
		set_why(&t, 3, h);
		table_set(&t, 4, doc_text(h, "level"), strcmp(doc_text(h,
			"level"), "none") == 0 ? "" : NULL);
		show_share(&t, 5, h, "risk");
		show_text(&t, 6, h, "partition");
		show_text(&t, 7, h, "address");
	}
	table_print(&t, &c->out);
	if (items->n == 0)
		out_say(&c->out, "no such hosts\n");
	table_free(&t);
	return CLI_OK;
}

/* ---- one host ---- */

static void
say_host(struct cli *c, const struct doc *h)
{
	const char *state = doc_text(h, "state");
	const char *text = doc_text(h, "reason_text");
	struct wall since = doc_wall(h, "since");
	char words[WORDS_SIZE];

	out_paint(&c->out, PAINT_BOLD, "%s", doc_text(h, "name"));
	out_say(&c->out, " is ");
	out_paint(&c->out, out_paint_of(state), "%s", show_state(state));
	if (since.ms)
		out_say(&c->out, " %s", words_for(since, c->now, words));
	if (*doc_text(h, "behind"))
		out_say(&c->out, ": behind %s, which is down",
			doc_text(h, "behind"));
	else if (*doc_text(h, "reason_check"))
		out_say(&c->out, ": %s: %s", doc_text(h, "reason_check"),
			*text ? text : show_reason(doc_text(h, "reason")));
	out_paint(&c->out, PAINT_DIM, "   partition %s",
		doc_text(h, "partition"));
	if (*doc_text(h, "address"))
		out_paint(&c->out, PAINT_DIM, ", %s", doc_text(h, "address"));
	if (*doc_text(h, "parent"))
		out_paint(&c->out, PAINT_DIM, ", hangs on %s",
			doc_text(h, "parent"));
	out_paint(&c->out, PAINT_DIM, ", from %s\n", doc_text(h, "owner"));
	if (strcmp(doc_text(h, "level"), "none") == 0)
		return;
	out_say(&c->out, "outlook ");
	out_paint(&c->out, out_paint_of(doc_text(h, "level")), "%s",
		doc_text(h, "level"));
	if (doc_number(h, "risk", -1) >= 0)
		out_say(&c->out, ", %s within 30 days", words_share(
			doc_number(h, "risk", -1), words));
	out_say(&c->out, ": %s\n", doc_text(h, "risk_reason"));
}

static void
print_checks(struct cli *c, const struct doc *checks)
{
	static const struct column columns[] = {
		{ "check", "CHECK", false, false },
		{ "health", "HEALTH", false, true },
		{ "at", "SEEN", false, false },
		{ "reason", "WHY", false, false },
		{ "fails", "", false, false },
		{ "since", "", false, false },
		{ "text", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };

	if (!checks || checks->n == 0)
		return;
	out_paint(&c->out, PAINT_BOLD, "\nchecks\n");
	for (const struct doc *k = checks->first; k; k = k->next) {
		const char *why = show_reason(doc_text(k, "reason"));
		const char *text = doc_text(k, "text");

		table_row(&t);
		show_text(&t, 0, k, "key");
		show_text(&t, 1, k, "health");
		show_age(c, &t, 2, k, "at");
		table_set(&t, 3, doc_text(k, "reason"), *text ? text : why);
		show_text(&t, 4, k, "fails");
		show_text(&t, 5, k, "since");
		show_text(&t, 6, k, "text");
	}
	table_print(&t, &c->out);
	table_free(&t);
}

/* What a drive says of itself, where it says anything. */
static void
drive_words(const struct doc *m, char *text, size_t size)
{
	static const char *const counts[] = { "pending_sectors",
		"reallocated_sectors", "offline_uncorrectable",
		"reported_uncorrectable", "media_errors", "grown_defects",
		"uncorrected_errors", "crc_errors" };
	double v = doc_number(m, "temperature_celsius", -300);
	size_t n = 0;

	*text = '\0';
	for (size_t i = 0; i < ARRAY_LEN(counts) && n < size; i++) {
		double count = doc_number(m, counts[i], 0);

		if (count > 0)
			n += (size_t)snprintf(text + n, size - n, "%s%.15g %s",
				n ? ", " : "", count, words_metric(counts[i], count));
	}
	if (v > -300 && n < size)
		n += (size_t)snprintf(text + n, size - n, "%s%.0f °C",
			n ? ", " : "", v);
	v = doc_number(m, "wear_ratio", -1);
	if (v >= 0 && n < size)
		n += (size_t)snprintf(text + n, size - n, "%s%.0f %% worn",
			n ? ", " : "", v * 100);
	v = doc_number(m, "power_on_hours", -1);
	if (v >= 0 && n < size)
		snprintf(text + n, size - n, "%s%.0f h on", n ? ", " : "", v);
}

static void
print_devices(struct cli *c, const struct doc *devices)
{
	static const struct column columns[] = {
		{ "device", "DEVICE", false, false },
		{ "outlook", "OUTLOOK", false, true },
		{ "risk", "IN 30 D", true, false },
		{ "at", "SEEN", false, false },
		{ "values", "SAYS", false, false },
		{ "judged", "", false, false },
		{ "reason", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };

	if (!devices || devices->n == 0)
		return;
	out_paint(&c->out, PAINT_BOLD, "\ndevices\n");
	for (const struct doc *d = devices->first; d; d = d->next) {
		bool judged = doc_true(d, "judged");
		char text[256];

		table_row(&t);
		show_device(d, text, sizeof(text));
		table_set(&t, 0, text, NULL);
		table_set(&t, 1, judged ? doc_text(d, "level") : "unknown",
			judged && strcmp(doc_text(d, "level"), "none") == 0 ?
			"ok" : NULL);
		show_share(&t, 2, doc_get(d, "risk"), "d30");
		show_age(c, &t, 3, d, "at");
		drive_words(doc_get(d, "metrics"), text, sizeof(text));
		if (!*text)
			snprintf(text, sizeof(text), "%s", show_reason(
				doc_text(d, "reason")));
		table_set(&t, 4, text, NULL);
		table_set(&t, 5, judged ? "true" : "false", NULL);
		show_text(&t, 6, d, "reason");
	}
	table_print(&t, &c->out);
	table_free(&t);
}

int
verb_host(struct cli *c, struct tc_err *e)
{
	static const char *const keys[] = { "name", "state", "since", "reason",
		"reason_check", "reason_text", "partition", "address", "owner",
		"health", "disposition", "level", "risk", "risk_reason" };
	struct strbuf path = {0};
	struct plan_doc plan = {0};
	struct doc *h;
	int rc;

	strbuf_puts(&path, "/v1/hosts/");
	api_escape(&path, c->rest.operands[0]);
	rc = api_get(c, strbuf_str(&path), &h, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	if (c->out.format == OUT_JSON)
		return CLI_OK;
	rc = plan_get(c, c->rest.operands[0], &plan, e);
	if (rc < 0)
		goto out;
	say_host(c, h);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		out_pair(&c->out, keys[i], doc_text(h, keys[i]));
	plan_say(c, &plan);
	print_checks(c, doc_get(h, "checks"));
	print_devices(c, doc_get(h, "devices"));
	units_print(c, h);
out:
	plan_free(&plan);
	return rc;
}
