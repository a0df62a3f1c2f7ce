#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "cli/words.h"
#include "model/reason.h"

void
show_device(const struct doc *device, char *text, size_t size)
{
	const char *model = doc_text(device, "model");
	const char *serial = doc_text(device, "serial");
	const char *wwn = doc_text(device, "wwn");

	if (!*serial)
		serial = wwn;
	snprintf(text, size, "%s%s%s", model, *model && *serial ? " " : "",
		serial);
	if (!*text)
		snprintf(text, size, "%s without a name",
			*doc_text(device, "kind") ? doc_text(device, "kind") :
			"device");
}

const char *
show_state(const char *id)
{
	if (strcmp(id, "maintenance") == 0)
		return "in maintenance";
	if (strcmp(id, "evacuating") == 0)
		return "being evacuated";
	return strcmp(id, "diagnosing") == 0 ? "being diagnosed" : id;
}

const char *
show_reason(const char *id)
{
	enum tocsin_reason reason;

	if (!*id || strcmp(id, "none") == 0)
		return "";
	return reason_parse(id, strlen(id), &reason) ? reason_words(reason) :
		id;
}

void
show_brake(struct cli *c, const struct doc *b)
{
	double limit = doc_number(b, "limit", -1);
	double bad = doc_number(b, "bad", 0);
	bool contagion = strcmp(doc_text(b, "cause"), "contagion") == 0;
	char words[WORDS_SIZE];

	out_say(&c->out, "the brake of ");
	out_paint(&c->out, PAINT_BOLD, "%s", doc_text(b, "partition"));
	out_say(&c->out, " is ");
	out_paint(&c->out, PAINT_BAD, "latched");
	out_say(&c->out, " %s: %.0f of %s hosts %s bad",
		words_for(doc_wall(b, "since"), c->now, words), bad,
		doc_text(b, "hosts"), bad > 0.5 && bad < 1.5 ? "is" : "are");
	if (contagion)
		out_say(&c->out, ", and vm %s was on one after the other of "
			"them", doc_text(b, "suspect"));
	else if (limit >= 0)
		out_say(&c->out, ", more than %.0f at once", limit);
	out_say(&c->out, "; a person releases it: tocsin brake release %s "
		"--reason TEXT\n", doc_text(b, "partition"));
}

void
show_why_not(struct cli *c, const struct doc *why_not, const char *head)
{
	for (const struct doc *w = why_not ? why_not->first : NULL; w;
	     w = w->next)
		out_say(&c->out, "%s%s\n", head, doc_text(w, "words"));
}

void
show_names(const struct doc *names, size_t max, char *text, size_t size)
{
	size_t n = 0, shown = 0;

	*text = '\0';
	for (const struct doc *t = names ? names->first : NULL;
	     t && shown < max && n < size; t = t->next, shown++)
		n += (size_t)snprintf(text + n, size - n, "%s%s",
			n ? ", " : "", t->text);
	if (names && names->n > shown && n < size)
		snprintf(text + n, size - n, " and %zu more",
			names->n - shown);
}

static void
join_names(const struct doc *names, struct strbuf *all)
{
	for (const struct doc *k = names ? names->first : NULL; k; k = k->next)
		strbuf_printf(all, "%s%s", all->n ? "," : "", k->text);
}

void
show_pair_names(struct cli *c, const char *key, const struct doc *names)
{
	struct strbuf all = {0};

	join_names(names, &all);
	out_pair(&c->out, key, strbuf_str(&all));
	strbuf_free(&all);
}

void
show_name_list(struct table *t, size_t column, const struct doc *names,
	size_t max)
{
	struct strbuf all = {0};
	char words[512];

	join_names(names, &all);
	show_names(names, max, words, sizeof(words));
	table_set(t, column, strbuf_str(&all), words);
	strbuf_free(&all);
}

void
show_age(struct cli *c, struct table *t, size_t column,
	const struct doc *from, const char *key)
{
	char words[WORDS_SIZE];

	words_age(doc_wall(from, key), c->now, words);
	table_set(t, column, doc_text(from, key), words);
}

void
show_share(struct table *t, size_t column, const struct doc *from,
	const char *key)
{
	double p = doc_number(from, key, -1);
	char words[WORDS_SIZE] = "";

	if (p >= 0)
		words_share(p, words);
	table_set(t, column, doc_text(from, key), words);
}

void
show_text(struct table *t, size_t column, const struct doc *from,
	const char *key)
{
	table_set(t, column, doc_text(from, key), NULL);
}

/* The highest ever of what stands so now, or a count of counts. */
static bool
said_before(const struct doc *evidence, const struct doc *row)
{
	const char *stat = doc_text(row, "stat");

	if (strcmp(stat, "kinds_nonzero") == 0)
		return true;
	if (strcmp(stat, "max") != 0)
		return false;
	for (const struct doc *t = evidence->first; t != row; t = t->next) {
		if (strcmp(doc_text(t, "metric"), doc_text(row, "metric")) ==
		    0 && strcmp(doc_text(t, "stat"), "now") == 0)
			return true;
	}
	return false;
}

void
show_because(const struct doc *evidence, size_t max, char *text, size_t size)
{
	size_t n = 0;

	*text = '\0';
	for (const struct doc *row = evidence ? evidence->first : NULL;
	     row && max > 0; row = row->next) {
		char words[WORDS_SIZE];
		int more;

		if (doc_number(row, "contribution", 0) <= 0 ||
		    said_before(evidence, row))
			continue;
		words_evidence(doc_text(row, "metric"),
			doc_text(row, "stat"), doc_number(row, "value", 0),
			words);
		more = snprintf(text + n, size - n, "%s%s", n ? ", " : "",
			words);
		if (more < 0 || (size_t)more >= size - n)
			return;
		n += (size_t)more;
		max--;
	}
}
