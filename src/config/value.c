/*
 * One value: text to number or word, within the bounds of its row, and back.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "config/rows.h"
#include "wire/json_write.h"

static int
parse_bool(const char *text, int64_t *out, struct tc_err *e)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*out = (int64_t)(i % 2);
		return 0;
	}
	return tc_fail(e, TC_EINVAL, "'%.40s' is not true or false", text);
}

static int
parse_enum(const struct tocsin_opt *row, const char *text, int64_t *out,
	struct tc_err *e)
{
	const char *at = row->choices != NULL ? row->choices : "";
	size_t n = strlen(text), index = 0;

	for (;; index++) {
		size_t len = strcspn(at, "|");

		if (len == n && memcmp(at, text, n) == 0) {
			*out = (int64_t)index;
			return 0;
		}
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	return tc_fail(e, TC_EINVAL, "'%.40s' is not one of %s", text,
		row->choices != NULL ? row->choices : "nothing");
}

/* A whole number of the row's own kind: plain, ns or bytes. */
static int
parse_whole(const struct tocsin_opt *row, const char *text, int64_t *out,
	struct tc_err *e)
{
	struct dur d;
	uint64_t bytes;
	int rc;

	if (row->type == TOCSIN_OPT_DUR) {
		if (strcmp(text, "off") == 0)
			text = "0s";
		if ((rc = dur_parse(text, &d, e)) == 0)
			*out = d.ns;
		return rc;
	}
	if (row->type == TOCSIN_OPT_SIZE) {
		if ((rc = size_parse(text, &bytes, e)) < 0)
			return rc;
		if (bytes > INT64_MAX)
			return tc_fail(e, TC_ERANGE, "'%.40s' is too large",
				text);
		*out = (int64_t)bytes;
		return 0;
	}
	rc = i64_parse(text, strlen(text), out);
	if (rc == 0)
		return 0;
	return tc_fail(e, rc, rc == TC_ERANGE ? "'%.40s' is too large" :
		"'%.40s' is not a whole number", text);
}

static int
check_whole(const struct tocsin_opt *row, int64_t v, struct tc_err *e)
{
	int64_t bound;

	if (row->min != NULL && parse_whole(row, row->min, &bound, NULL) == 0 &&
	    v < bound)
		return tc_fail(e, TC_ERANGE, "must be at least %s", row->min);
	if (row->max != NULL && parse_whole(row, row->max, &bound, NULL) == 0 &&
	    v > bound)
		return tc_fail(e, TC_ERANGE, "must be at most %s", row->max);
	return 0;
}

static int
parse_float(const struct tocsin_opt *row, const char *text, double *out,
	struct tc_err *e)
{
	double v, bound;

	if (double_parse(text, strlen(text), &v) < 0 || !isfinite(v))
		return tc_fail(e, TC_EINVAL, "'%.40s' is not a number", text);
	if (row->min != NULL &&
	    double_parse(row->min, strlen(row->min), &bound) == 0 && v < bound)
		return tc_fail(e, TC_ERANGE, "must be at least %s", row->min);
	if (row->max != NULL &&
	    double_parse(row->max, strlen(row->max), &bound) == 0 && v > bound)
		return tc_fail(e, TC_ERANGE, "must be at most %s", row->max);
	*out = v;
	return 0;
}

static int
check_length(const struct tocsin_opt *row, const char *text, struct tc_err *e)
{
	uint64_t bound, n = strlen(text);

	if (row->min != NULL &&
	    u64_parse(row->min, strlen(row->min), &bound) == 0 && n < bound)
		return tc_fail(e, TC_ERANGE, "must have at least %s bytes",
			row->min);
	if (row->max != NULL &&
	    u64_parse(row->max, strlen(row->max), &bound) == 0 && n > bound)
		return tc_fail(e, TC_ERANGE, "must have at most %s bytes",
			row->max);
	return 0;
}

int
value_parse(const struct tocsin_opt *row, const char *text, bool plain,
	struct tocsin_value *out, struct tc_err *e)
{
	struct tocsin_value v = { .s = "" };
	/* a plugin may have any number here */
	int rc = tc_fail(e, TC_EUNSUP, "an option of an unknown type");

	switch (row->type) {
	case TOCSIN_OPT_BOOL:
	case TOCSIN_OPT_INT:
	case TOCSIN_OPT_FLOAT:
		if (!plain)
			return tc_fail(e, TC_EINVAL,
				"'%.40s' may not stand in quotes", text);
		break;
	case TOCSIN_OPT_DUR:
	case TOCSIN_OPT_SIZE:
	case TOCSIN_OPT_STRING:
	case TOCSIN_OPT_SECRET:
	case TOCSIN_OPT_ENUM:
		break;
	}
	switch (row->type) {
	case TOCSIN_OPT_BOOL:
		rc = parse_bool(text, &v.i, e);
		break;
	case TOCSIN_OPT_INT:
	case TOCSIN_OPT_DUR:
	case TOCSIN_OPT_SIZE:
		if ((rc = parse_whole(row, text, &v.i, e)) == 0)
			rc = check_whole(row, v.i, e);
		break;
	case TOCSIN_OPT_FLOAT:
		rc = parse_float(row, text, &v.d, e);
		break;
	case TOCSIN_OPT_STRING:
	case TOCSIN_OPT_SECRET:
		v.s = text;
		rc = check_length(row, text, e);
		break;
	case TOCSIN_OPT_ENUM:
		rc = parse_enum(row, text, &v.i, e);
		break;
	}
	if (rc == 0)
		*out = v;
	return rc;
}

static void
print_choice(const struct tocsin_opt *row, int64_t index, struct strbuf *out)
{
	const char *at = row->choices != NULL ? row->choices : "";

	for (; index > 0 && (at = strchr(at, '|')) != NULL; index--)
		at++;
	if (at == NULL)
		return;
	strbuf_add(out, at, strcspn(at, "|"));
}

/* A secret's being there may be seen; of an address, the machine as well. */
static void
print_secret(const struct tocsin_opt *row, const char *s, struct strbuf *out)
{
	const char *host = strstr(s, "://"), *at;
	struct strbuf shown = { 0 };
	size_t n;

	if (strcmp(row->name, "url") == 0 && host != NULL) {
		host += 3;
		n = strcspn(host, "/?#");
		at = memchr(host, '@', n);
		strbuf_add(&shown, s, (size_t)(host - s));
		if (at != NULL)
			strbuf_puts(&shown, "***@");
		at = at != NULL ? at + 1 : host;
		strbuf_add(&shown, at, (size_t)(host + n - at));
		if (host[n] != '\0')
			strbuf_puts(&shown, "/***");
	} else if (s[0] != '\0') {
		strbuf_puts(&shown, "***");
	}
	json_quote(out, strbuf_str(&shown), shown.n);
	strbuf_free(&shown);
}

void
value_print(const struct tocsin_opt *row, const struct tocsin_value *v,
	struct strbuf *out)
{
	switch (row->type) {
	case TOCSIN_OPT_BOOL:
		strbuf_puts(out, v->i != 0 ? "true" : "false");
		break;
	case TOCSIN_OPT_INT:
		strbuf_put_i64(out, v->i);
		break;
	case TOCSIN_OPT_DUR:
		dur_print(out, (struct dur){ v->i });
		break;
	case TOCSIN_OPT_SIZE:
		if (v->i != 0 && v->i % (1 << 20) == 0)
			strbuf_printf(out, "%lldMiB", (long long)v->i >> 20);
		else if (v->i != 0 && v->i % 1024 == 0)
			strbuf_printf(out, "%lldKiB", (long long)v->i >> 10);
		else
			strbuf_put_i64(out, v->i);
		break;
	case TOCSIN_OPT_FLOAT:
		strbuf_put_double(out, v->d);
		break;
	case TOCSIN_OPT_STRING:
		json_quote(out, v->s, strlen(v->s));
		break;
	case TOCSIN_OPT_SECRET:
		print_secret(row, v->s, out);
		break;
	case TOCSIN_OPT_ENUM:
		print_choice(row, v->i, out);
		break;
	}
}
