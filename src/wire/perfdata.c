#include "wire/perfdata.h"

#include <math.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "wire/labels.h"
#include "wire/utf8.h"

/* ---- units ---- */

/*
 * KB, MB… are powers of 1024: check_disk and its like have always counted so.
 */
static const struct uom {
	const char *text;
	enum tocsin_unit unit;
	double factor;
	double shift;	/* base = (value + shift) × factor */
} uoms[] = {
	{ "", TOCSIN_COUNT, 1, 0 },
	{ "c", TOCSIN_COUNT, 1, 0 },
	{ "s", TOCSIN_SECONDS, 1, 0 },
	{ "ms", TOCSIN_SECONDS, 1e-3, 0 },
	{ "us", TOCSIN_SECONDS, 1e-6, 0 },
	{ "ns", TOCSIN_SECONDS, 1e-9, 0 },
	{ "%", TOCSIN_RATIO, 0.01, 0 },
	{ "B", TOCSIN_BYTES, 1, 0 },
	{ "KB", TOCSIN_BYTES, 0x1p10, 0 },
	{ "kB", TOCSIN_BYTES, 0x1p10, 0 },
	{ "MB", TOCSIN_BYTES, 0x1p20, 0 },
	{ "GB", TOCSIN_BYTES, 0x1p30, 0 },
	{ "TB", TOCSIN_BYTES, 0x1p40, 0 },
	{ "PB", TOCSIN_BYTES, 0x1p50, 0 },
	{ "KiB", TOCSIN_BYTES, 0x1p10, 0 },
	{ "MiB", TOCSIN_BYTES, 0x1p20, 0 },
	{ "GiB", TOCSIN_BYTES, 0x1p30, 0 },
	{ "TiB", TOCSIN_BYTES, 0x1p40, 0 },
	{ "PiB", TOCSIN_BYTES, 0x1p50, 0 },
	{ "C", TOCSIN_CELSIUS, 1, 0 },
	{ "degC", TOCSIN_CELSIUS, 1, 0 },
	{ "F", TOCSIN_CELSIUS, 5.0 / 9.0, -32 },
	{ "K", TOCSIN_CELSIUS, 1, -273.15 },
};

static const struct uom *
uom_of(struct perf_text t)
{
	for (size_t i = 0; i < ARRAY_LEN(uoms); i++)
		if (strlen(uoms[i].text) == t.n &&
		    memcmp(uoms[i].text, t.p, t.n) == 0)
			return &uoms[i];
	return &uoms[0];
}

static double
to_base(const struct uom *u, double v)
{
	return (v + u->shift) * u->factor;
}

/* ---- numbers ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How much of the text is a number; a comma may stand for the point. */
static size_t
number_length(struct perf_text t)
{
	size_t i = 0, exp;

	if (i < t.n && (t.p[i] == '-' || t.p[i] == '+'))
		i++;
	while (i < t.n && (is_digit(t.p[i]) || t.p[i] == '.' || t.p[i] == ','))
		i++;
	if (i == t.n || (t.p[i] != 'e' && t.p[i] != 'E'))
		return i;
	exp = i + 1;
	if (exp < t.n && (t.p[exp] == '-' || t.p[exp] == '+'))
		exp++;
	if (exp == t.n || !is_digit(t.p[exp]))
		return i;
	while (exp < t.n && is_digit(t.p[exp]))
		exp++;
	return exp;
}

static bool
read_number(struct perf_text t, double *out)
{
	char copy[64];

	if (t.n == 0 || t.n >= sizeof(copy))
		return false;
	for (size_t i = 0; i < t.n; i++)
		copy[i] = t.p[i] == ',' ? '.' : t.p[i];
	return double_parse(copy, t.n, out) == 0 && isfinite(*out);
}

static struct perf_text
cut(struct perf_text t, size_t from, size_t to)
{
	return (struct perf_text){ t.p + from, to - from };
}

/* ---- ranges ---- */

static bool
read_bound(struct perf_text t, double empty, double *out)
{
	if (t.n == 0) {
		*out = empty;
		return true;
	}
	return read_number(t, out);
}

bool
perf_range_parse(struct perf_text t, struct perf_range *out)
{
	struct perf_range r = { .set = t.n > 0, .from = 0, .to = INFINITY };
	struct perf_text from;
	const char *colon;

	*out = (struct perf_range){ .from = 0, .to = INFINITY };
	if (t.n == 0)
		return true;
	if (t.p[0] == '@') {
		r.inside = true;
		t = cut(t, 1, t.n);
	}
	colon = t.n > 0 ? memchr(t.p, ':', t.n) : NULL;
	if (colon != NULL) {
		from = cut(t, 0, (size_t)(colon - t.p));
		t = cut(t, from.n + 1, t.n);
		if (from.n == 1 && from.p[0] == '~')
			r.from = -INFINITY;
		else if (!read_bound(from, 0, &r.from))
			return false;
	}
	if (!read_bound(t, INFINITY, &r.to) || r.from > r.to)
		return false;
	*out = r;
	return true;
}

static bool
read_range(struct perf_text t, const struct uom *u, struct perf_range *out)
{
	if (!perf_range_parse(t, out))
		return false;
	out->from = to_base(u, out->from);
	out->to = to_base(u, out->to);
	return true;
}

/* ---- items ---- */

static bool
label_ok(const char *label, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = utf8_len(label + i, n - i);
		unsigned char c = (unsigned char)label[i];

		if (len == 0 || c < 0x20 || c == 0x7f || c == '=')
			return false;
		i += len;
	}
	return n > 0;
}

/*
 * 'in quotes, '' is one quote' or bare; up to its '='.  *t moves behind it.
 * Bare labels may hold blanks: check_disk of old did that.
 */
static bool
read_label(struct perf_text *t, struct perf_point *out)
{
	bool quoted = t->n > 0 && t->p[0] == '\'';
	size_t i = quoted, n = 0;

	for (; i < t->n; i++) {
		if (quoted && t->p[i] == '\'') {
			if (i + 1 == t->n || t->p[i + 1] != '\'')
				break;
			i++;
		} else if (!quoted && t->p[i] == '=') {
			break;
		}
		if (n == PERF_LABEL_MAX)
			return false;
		out->label[n++] = t->p[i];
	}
	out->label[n] = '\0';
	i += quoted;
	if (i >= t->n || t->p[i] != '=' || !label_ok(out->label, n))
		return false;
	*t = cut(*t, i + 1, t->n);
	return true;
}

/* The next of the fields between semicolons. */
static struct perf_text
next_field(struct perf_text *t)
{
	const char *end = t->n > 0 ? memchr(t->p, ';', t->n) : NULL;
	size_t n = end != NULL ? (size_t)(end - t->p) : t->n;
	struct perf_text field = cut(*t, 0, n);

	*t = cut(*t, end != NULL ? n + 1 : n, t->n);
	return field;
}

static bool
read_limit(struct perf_text t, const struct uom *u, double *out)
{
	*out = NAN;
	if (t.n == 0)
		return true;
	/* "U" and a repeated unit are seen in the wild. */
	if (!read_number(cut(t, 0, number_length(t)), out))
		return t.p[0] == 'U';
	*out = to_base(u, *out);
	return true;
}

static bool
read_value(struct perf_text field, struct perf_point *out,
	const struct uom **u)
{
	size_t n = number_length(field);
	struct perf_text uom = cut(field, n, field.n);

	*u = &uoms[0];
	if (field.n == 1 && field.p[0] == 'U') {
		out->unknown = true;
		return true;
	}
	if (uom.n >= sizeof(out->uom) ||
	    !read_number(cut(field, 0, n), &out->value))
		return false;
	memcpy(out->uom, uom.p, uom.n);
	out->uom[uom.n] = '\0';
	*u = uom_of(uom);
	out->counter = strcmp(out->uom, "c") == 0;
	out->unit = (*u)->unit;
	out->value = to_base(*u, out->value);
	return isfinite(out->value);
}

static bool
read_point(struct perf_text t, struct perf_point *out)
{
	const struct uom *u;

	*out = (struct perf_point){ .min = NAN, .max = NAN };
	if (!read_label(&t, out) || !read_value(next_field(&t), out, &u))
		return false;
	if (!read_range(next_field(&t), u, &out->warn) ||
	    !read_range(next_field(&t), u, &out->crit)) {
		/* Thresholds are the plugin's affair: the value counts. */
		out->warn.set = out->crit.set = false;
		return true;
	}
	return read_limit(next_field(&t), u, &out->min) &&
		read_limit(next_field(&t), u, &out->max);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* An item ends at a blank behind its '='; quotes keep blanks. */
static size_t
item_length(struct perf_text t)
{
	bool quoted = t.n > 0 && t.p[0] == '\'', value = false;
	size_t i = quoted;

	for (; i < t.n; i++) {
		if (quoted && t.p[i] == '\'')
			quoted = false;
		else if (!quoted && t.p[i] == '=')
			value = true;
		else if (t.p[i] == '\n' ||
		    (!quoted && value && is_blank(t.p[i])))
			break;
	}
	return i;
}

size_t
perfdata_parse(struct perf_text t, perf_sink *sink, void *arg)
{
	struct perf_point point;
	size_t bad = 0, n = 0, len;

	for (;;) {
		while (t.n > 0 && is_blank(t.p[0]))
			t = cut(t, 1, t.n);
		if (t.n == 0)
			return bad;
		len = item_length(t);
		if (n < PERF_POINTS_MAX && read_point(cut(t, 0, len), &point)) {
			sink(arg, &point);
			n++;
		} else {
			bad++;
		}
		t = cut(t, len, t.n);
	}
}

/* ---- output ---- */

static size_t
length_to(const char *p, size_t n, char c)
{
	const char *at = n > 0 ? memchr(p, c, n) : NULL;

	return at != NULL ? (size_t)(at - p) : n;
}

void
perfdata_split(const char *out, size_t n, struct perf_output *res)
{
	size_t line = length_to(out, n, '\n');
	size_t bar = length_to(out, line, '|');
	size_t more;

	*res = (struct perf_output){ .text = { out, bar } };
	while (res->text.n > 0 && is_blank(res->text.p[res->text.n - 1]))
		res->text.n--;
	if (bar < line)
		res->data[0] = (struct perf_text){ out + bar + 1,
			line - bar - 1 };
	out += line;
	n -= line;
	more = length_to(out, n, '|');
	if (more < n)
		res->data[1] = (struct perf_text){ out + more + 1,
			n - more - 1 };
}

/* ---- names ---- */

/* "load1", "rta", "Active Users"; not "/var", not "C:\". */
static bool
is_word(const char *label)
{
	for (const char *p = label; *p != '\0'; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

		if (!letter && (p == label || (!is_digit(*p) &&
		    *p != '_' && *p != '-' && *p != ' ')))
			return false;
	}
	return true;
}

static void
put_folded(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		char c = *text;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c < 'a' || c > 'z') && !is_digit(c))
			c = '_';
		strbuf_putc(out, c);
	}
}

static void
put_suffix(struct strbuf *out, const char *suffix)
{
	size_t n = strlen(suffix);

	if (n > 0 && (out->n < n || memcmp(out->p + out->n - n, suffix, n) != 0))
		strbuf_puts(out, suffix);
}

void
perf_metric(const char *family, const struct perf_point *point,
	struct strbuf *name, struct strbuf *instance)
{
	static const char *const suffixes[] = { [TOCSIN_COUNT] = "",
		[TOCSIN_SECONDS] = "_seconds", [TOCSIN_BYTES] = "_bytes",
		[TOCSIN_CELSIUS] = "_celsius", [TOCSIN_RATIO] = "_ratio",
		[TOCSIN_BOOLEAN] = "" };

	strbuf_reset(name);
	strbuf_reset(instance);
	if (family[0] < 'A' || (family[0] > 'Z' && family[0] < 'a') ||
	    family[0] > 'z')
		strbuf_puts(name, "exec_");
	put_folded(name, family);
	strbuf_putc(name, '_');
	if (is_word(point->label)) {
		put_folded(name, point->label);
	} else {
		strbuf_puts(name, "value");
		strbuf_puts(instance, "label=\"");
		labels_escape(instance, point->label, strlen(point->label));
		strbuf_putc(instance, '"');
	}
	if (name->n > PERF_NAME_MAX - 16)
		name->n = PERF_NAME_MAX - 16;
	put_suffix(name, suffixes[point->unit]);
	if (point->counter)
		put_suffix(name, "_total");
	if (name->p != NULL)
		name->p[name->n] = '\0';
}
