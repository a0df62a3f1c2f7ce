/*
 * tocsin events: what happened, the latest last.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/show.h"
#include "cli/words.h"

static int
get_events(struct cli *c, uint64_t after, uint64_t limit, struct doc **out,
	struct tc_err *e)
{
	char path[96];

	snprintf(path, sizeof(path), "/v1/events?after=%llu&limit=%llu",
		(unsigned long long)after, (unsigned long long)limit);
	return api_get(c, path, out, e);
}

static int
any_after(struct cli *c, uint64_t after, bool *any, struct tc_err *e)
{
	const struct doc *items;
	struct doc *page;
	int rc = get_events(c, after, 1, &page, e);

	if (rc < 0)
		return rc;
	items = doc_get(page, "items");
	*any = items && items->n > 0;
	return 0;
}

/*
 * The number of the last event.  Numbers only rise, but with gaps: doubled
 * until there is none behind, then halved.
 */
static int
find_last(struct cli *c, uint64_t *last, struct tc_err *e)
{
	uint64_t low = 0, high = 1;
	bool any = true;
	int rc;

	while ((rc = any_after(c, high - 1, &any, e)) == 0 && any) {
		low = high;
		high *= 2;
		if (high >= UINT64_C(1) << 62)
			break;
	}
	/* an event with a number ≥ low is there, none ≥ high */
	while (rc == 0 && high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		rc = any_after(c, middle - 1, &any, e);
		if (any)
			low = middle;
		else
			high = middle;
	}
	*last = low;
	return rc;
}

/* {"from":"healthy","to":"suspect"} → "from=healthy to=suspect" */
static void
body_words(const struct doc *body, char *text, size_t size)
{
	size_t n = 0;

	*text = '\0';
	for (const struct doc *m = body ? body->first : NULL; m && n < size;
	     m = m->next) {
		if (!*m->text)
			continue;
		n += (size_t)snprintf(text + n, size - n, "%s%s=%s",
			n ? " " : "", m->key, m->text);
	}
}

static void
print_events(struct cli *c, const struct doc *items)
{
	static const struct column columns[] = {
		{ "seq", "", false, false },
		{ "at", "AT", false, false },
		{ "kind", "WHAT", false, false },
		{ "subject", "OF", false, false },
		{ "body", "MORE", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };

	for (const struct doc *ev = items ? items->first : NULL; ev;
	     ev = ev->next) {
		char text[512];

		table_row(&t);
		show_text(&t, 0, ev, "seq");
		show_age(c, &t, 1, ev, "at");
		show_text(&t, 2, ev, "kind");
		show_text(&t, 3, ev, "subject");
		body_words(doc_get(ev, "body"), text, sizeof(text));
		table_set(&t, 4, text, NULL);
	}
	table_print(&t, &c->out);
	table_free(&t);
}

/* ---- as they happen ---- */

static void
say_event(struct cli *c, const struct doc *ev)
{
	char text[512], at[WALL_TEXT];
	struct wall when = doc_wall(ev, "at");

	body_words(doc_get(ev, "body"), text, sizeof(text));
	out_paint(&c->out, PAINT_DIM, "%s  ",
		wall_format(when, at, sizeof(at)));
	out_paint(&c->out, PAINT_BOLD, "%s", doc_text(ev, "kind"));
	out_say(&c->out, "  %s%s%s\n", doc_text(ev, "subject"), *text ? "  " :
		"", text);
}

static int
take_event(void *arg, const char *kind, struct strbuf *json)
{
	struct cli *c = arg;
	struct tc_err e = {0};
	struct doc *ev;

	if (c->out.format == OUT_JSON)
		strbuf_printf(&c->out.text, "%s\n", strbuf_str(json));
	if (doc_parse(&c->arena, json, &ev, &e) < 0) {
		fprintf(stderr, "tocsin: an event that is none: %s\n", e.text);
	} else if (strcmp(kind, "reset") == 0) {
		out_say(&c->out, "what happened before event %s is not kept "
			"any more\n", doc_text(ev, "oldest"));
		out_pair(&c->out, "reset", doc_text(ev, "oldest"));
	} else if (c->out.format == OUT_TEXT) {
		say_event(c, ev);
	} else if (c->out.format == OUT_KV) {
		struct doc one = { .kind = JSON_ARRAY, .first = ev, .n = 1 };

		print_events(c, &one);
	}
	out_flush(&c->out);
	arena_reset(&c->arena);
	return 0;
}

static int
events_of(struct cli *c, const char *host, struct tc_err *e)
{
	struct strbuf path = { 0 };
	const struct doc *items;
	struct doc *page;
	int rc;

	if (c->opt.follow || c->opt.after != UINT64_MAX)
		return tc_fail(e, TC_EINVAL,
			"--follow and --after are of all hosts");
	strbuf_printf(&path, "/v1/events?limit=%llu&host=",
		(unsigned long long)(c->opt.limit ? c->opt.limit : 50));
	api_escape(&path, host);
	rc = api_get(c, strbuf_str(&path), &page, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	items = doc_get(page, "items");
	print_events(c, items);
	if (!items || items->n == 0)
		out_say(&c->out, "nothing happened to %s\n", host);
	return CLI_OK;
}

int
verb_events(struct cli *c, struct tc_err *e)
{
	uint64_t after = c->opt.after;
	uint64_t limit = c->opt.limit ? c->opt.limit : 50;
	struct follow f = { .c = c, .after = &after, .event = take_event,
		.arg = c };
	uint64_t last = 0;
	const struct doc *items;
	struct doc *page;
	int rc;

	if (c->rest.n > 0)
		return events_of(c, c->rest.operands[0], e);
	if (after == UINT64_MAX) {
		if ((rc = find_last(c, &last, e)) < 0)
			return rc;
		after = last > limit ? last - limit : 0;
	}
	if (c->opt.follow)
		return follow_events(&f, e);
	if ((rc = get_events(c, after, limit, &page, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(page, "items");
	print_events(c, items);
	if (!items || items->n == 0)
		out_say(&c->out, "nothing happened\n");
	return CLI_OK;
}
