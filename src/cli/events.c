/*
 * tocsin events: what happened, the latest last.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"

#define FOLLOW_MS 2000

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

static void
flush_out(struct cli *c)
{
	fwrite(strbuf_str(&c->out.text), 1, c->out.text.n, stdout);
	fflush(stdout);
	strbuf_reset(&c->out.text);
	arena_reset(&c->arena);
}

/* Until it is interrupted, or the server goes. */
static int
follow(struct cli *c, uint64_t after, struct tc_err *e)
{
	const struct doc *items;
	struct doc *page;
	int rc;

	for (;;) {
		if ((rc = get_events(c, after, 1000, &page, e)) < 0)
			return rc;
		items = doc_get(page, "items");
		if (items && items->n > 0) {
			api_print(c);
			print_events(c, items);
			after = (uint64_t)doc_number(page, "last",
				(double)after);
		}
		flush_out(c);
		poll(NULL, 0, FOLLOW_MS);
	}
}

int
verb_events(struct cli *c, struct tc_err *e)
{
	uint64_t after = c->opt.after;
	uint64_t limit = c->opt.limit ? c->opt.limit : 50;
	uint64_t last = 0;
	const struct doc *items;
	struct doc *page;
	int rc;

	if (after == UINT64_MAX) {
		if ((rc = find_last(c, &last, e)) < 0)
			return rc;
		after = last > limit ? last - limit : 0;
	}
	if ((rc = get_events(c, after, limit, &page, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(page, "items");
	print_events(c, items);
	if (!items || items->n == 0)
		out_say(&c->out, "nothing happened\n");
	if (!c->opt.follow)
		return CLI_OK;
	flush_out(c);
	return follow(c, last > after ? last : after, e);
}
