#include "base/args.h"

#include <stdint.h>
#include <string.h>

#include "base/units.h"

static int
add_to_list(const struct arg *row, const char *text, struct arg_list *list,
	struct tc_err *e)
{
	if (list->n == list->max)
		return tc_fail(e, TC_EINVAL, "--%s: at most %zu", row->name,
			list->max);
	list->items[list->n++] = text;
	return 0;
}

static int
set_value(const struct arg *row, const char *text, void *into,
	struct tc_err *e)
{
	char *to = (char *)into + row->at;
	struct dur d;
	uint64_t v;

	switch (row->type) {
	case ARG_FLAG:
		*(bool *)(void *)to = true;
		return 0;
	case ARG_STRING:
		if (*text == '\0')
			return tc_fail(e, TC_EINVAL, "--%s: empty", row->name);
		memcpy(to, &text, sizeof(text));
		return 0;
	case ARG_DUR:
		if (dur_parse(text, &d, e) < 0)
			return tc_wrap(e, "--%s", row->name);
		if (d.ns <= 0)
			return tc_fail(e, TC_EINVAL, "--%s: must be more than 0",
				row->name);
		memcpy(to, &d, sizeof(d));
		return 0;
	case ARG_SIZE:
		if (size_parse(text, &v, e) < 0)
			return tc_wrap(e, "--%s", row->name);
		memcpy(to, &v, sizeof(v));
		return 0;
	case ARG_COUNT:
		if (u64_parse(text, strlen(text), &v) < 0)
			return tc_fail(e, TC_EINVAL, "--%s: '%.40s' is no count",
				row->name, text);
		memcpy(to, &v, sizeof(v));
		return 0;
	case ARG_LIST:
		if (*text == '\0')
			return tc_fail(e, TC_EINVAL, "--%s: empty", row->name);
		return add_to_list(row, text, (void *)to, e);
	}
	return TC_EINVAL;
}

static int
set_defaults(const struct arg *rows, void *into, struct tc_err *e)
{
	int rc = 0;

	for (const struct arg *row = rows; row && row->name && rc == 0; row++) {
		if (row->dflt)
			rc = set_value(row, row->dflt, into, e);
	}
	return rc;
}

static const struct arg *
find_row(const struct arg *rows, const char *name, size_t n)
{
	for (const struct arg *row = rows; row && row->name; row++) {
		if (strlen(row->name) == n && memcmp(row->name, name, n) == 0)
			return row;
	}
	return NULL;
}

static void
nearest(const struct arg *rows, const char *name, const char **best,
	size_t *best_d)
{
	for (const struct arg *row = rows; row && row->name; row++) {
		size_t d = edit_distance(name, row->name, 3);

		if (d < *best_d) {
			*best_d = d;
			*best = row->name;
		}
	}
}

static int
unknown_option(const struct arg_program *p, const struct arg_verb *verb,
	const char *text, struct tc_err *e)
{
	const char *best = NULL;
	size_t d = 4;

	nearest(p->rows, text + 2, &best, &d);
	nearest(verb ? verb->rows : NULL, text + 2, &best, &d);
	if (best)
		return tc_fail(e, TC_EINVAL, "%.60s: no such option; --%s?",
			text, best);
	return tc_fail(e, TC_EINVAL, "%.60s: no such option", text);
}

/* One option at argv[i]; how many words it took, or an error. */
static int
take_option(const struct arg_program *p, const struct arg_verb *verb,
	char **argv, void *into, struct tc_err *e)
{
	const char *name = argv[0] + 2;
	const char *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct arg *row = find_row(p->rows, name, n);
	int rc;

	if (!row && verb)
		row = find_row(verb->rows, name, n);
	if (!row)
		return unknown_option(p, verb, argv[0], e);
	if (row->type == ARG_FLAG) {
		if (eq)
			return tc_fail(e, TC_EINVAL, "--%s takes no value",
				row->name);
		return (rc = set_value(row, "", into, e)) < 0 ? rc : 1;
	}
	if (!eq && !argv[1])
		return tc_fail(e, TC_EINVAL, "--%s needs %s", row->name,
			row->value);
	rc = set_value(row, eq ? eq + 1 : argv[1], into, e);
	return rc < 0 ? rc : eq ? 1 : 2;
}

static int
take_verb(const struct arg_program *p, const char *word, void *into,
	struct arg_rest *rest, struct tc_err *e) /* lint: argc and argv are one thing */
{
	const char *best = NULL;
	size_t best_d = 3;

	for (const struct arg_verb *v = p->verbs; v->name; v++) {
		size_t d;

		if (strcmp(v->name, word) == 0) {
			rest->verb = v;
			return set_defaults(v->rows, into, e);
		}
		d = edit_distance(word, v->name, 2);
		if (d < best_d) {
			best_d = d;
			best = v->name;
		}
	}
	if (best)
		return tc_fail(e, TC_EINVAL, "%.60s: no such command; %s?",
			word, best);
	return tc_fail(e, TC_EINVAL, "%.60s: no such command", word);
}

static int
check_operands(const struct arg_program *p, const struct arg_rest *rest,
	struct tc_err *e)
{
	unsigned max = rest->verb ? rest->verb->max : 0;
	unsigned min = rest->verb ? rest->verb->min : 0;

	if (rest->n > max)
		return tc_fail(e, TC_EINVAL, "%.60s: one word too many",
			rest->operands[max]);
	if (rest->n < min)
		return tc_fail(e, TC_EINVAL, "%s %s needs %s", p->name,
			rest->verb->name, rest->verb->operands);
	for (unsigned i = 0; i < rest->n; i++)
		if (rest->operands[i][0] == '\0')
			return tc_fail(e, TC_EINVAL, "%s %s: '' is nothing; "
				"it takes %s", p->name, rest->verb->name,
				rest->verb->operands);
	return 0;
}

int
args_parse(const struct arg_program *p, int argc, char **argv, void *into,
	struct arg_rest *rest, struct tc_err *e) /* lint: argc and argv are one thing */
{
	char **words = argv + 1;	/* operands gather here */
	bool options = true;
	unsigned n = 0;
	int rc;

	*rest = (struct arg_rest){0};
	if ((rc = set_defaults(p->rows, into, e)) < 0)
		return rc;
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && strncmp(word, "--", 2) == 0) {
			rc = take_option(p, rest->verb, argv + i, into, e);
			if (rc < 0)
				return rc;
			i += rc - 1;
		} else if (options && word[0] == '-' && word[1]) {
			return tc_fail(e, TC_EINVAL, "%.60s: no such option",
				word);
		} else if (p->verbs && !rest->verb) {
			if ((rc = take_verb(p, word, into, rest, e)) < 0)
				return rc;
		} else {
			words[n++] = word;
		}
	}
	rest->operands = (const char *const *)words;
	rest->n = n;
	return check_operands(p, rest, e);
}
