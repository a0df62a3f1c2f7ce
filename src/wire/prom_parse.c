#include <string.h>

#include "base/units.h"
#include "wire/prom.h"

struct reading {
	const char *p;		/* in the line at hand */
	const char *end;	/* of the line */
	unsigned line;
	const char *family;	/* of the last TYPE line */
	size_t family_n;
	enum prom_type type;
	struct label labels[LABELS_MAX];
};

static int
fail(const struct reading *in, struct tc_err *e, const char *what)
{
	return tc_fail(e, TC_EPROTO, "line %u: %s", in->line, what);
}

static void
skip_blanks(struct reading *in)
{
	while (in->p < in->end && (*in->p == ' ' || *in->p == '\t'))
		in->p++;
}

static bool
take(struct reading *in, char c)
{
	skip_blanks(in);
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

/* A word up to a blank. */
static size_t
take_word(struct reading *in, const char **word)
{
	skip_blanks(in);
	*word = in->p;
	while (in->p < in->end && *in->p != ' ' && *in->p != '\t')
		in->p++;
	return (size_t)(in->p - *word);
}

static size_t
take_name(struct reading *in, bool colons)
{
	const char *from = in->p;

	for (; in->p < in->end; in->p++) {
		char c = *in->p;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			c == '_' || (colons && c == ':');

		if (!letter && (in->p == from || c < '0' || c > '9'))
			break;
	}
	return (size_t)(in->p - from);
}

/* ---- comments ---- */

static enum prom_type
type_of(const char *word, size_t n)
{
	static const char *const names[] = { [PROM_UNTYPED] = "untyped",
		[PROM_COUNTER] = "counter", [PROM_GAUGE] = "gauge",
		[PROM_HISTOGRAM] = "histogram", [PROM_SUMMARY] = "summary" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == n && memcmp(names[i], word, n) == 0)
			return (enum prom_type)i;
	return PROM_UNTYPED;
}

/* "# TYPE name counter"; every other comment says nothing to us. */
static void
read_comment(struct reading *in)
{
	const char *word;
	size_t n;

	in->p++;
	n = take_word(in, &word);
	if (n != 4 || memcmp(word, "TYPE", 4) != 0)
		return;
	in->family_n = take_word(in, &in->family);
	n = take_word(in, &word);
	in->type = type_of(word, n);
}

/* Histograms and summaries name their samples with a suffix. */
static enum prom_type
type_for(const struct reading *in, const char *name, size_t n)
{
	bool whole = in->type == PROM_HISTOGRAM || in->type == PROM_SUMMARY;

	if (in->family_n == 0 || n < in->family_n ||
	    memcmp(name, in->family, in->family_n) != 0 ||
	    (n != in->family_n && !(whole && name[in->family_n] == '_')))
		return PROM_UNTYPED;
	return in->type;
}

/* ---- samples ---- */

static int
read_label(struct reading *in, struct label *l, struct tc_err *e)
{
	skip_blanks(in);
	l->key = in->p;
	l->key_n = take_name(in, false);
	if (l->key_n == 0)
		return fail(in, e, "not the name of a label");
	if (!take(in, '=') || !take(in, '"'))
		return fail(in, e, "a label is written name=\"value\"");
	l->value = in->p;
	while (in->p < in->end && *in->p != '"') {
		if (*in->p == '\\' && ++in->p < in->end && *in->p != '\\' &&
		    *in->p != '"' && *in->p != 'n')
			return fail(in, e, "an unknown escape in a label");
		if (in->p < in->end)
			in->p++;
	}
	if (in->p == in->end)
		return fail(in, e, "a label without its closing quote");
	l->value_n = (size_t)(in->p - l->value);
	in->p++;
	return 0;
}

static int
read_labels(struct reading *in, struct prom_point *point, struct tc_err *e)
{
	int rc;

	if (!take(in, '{'))
		return 0;
	while (!take(in, '}')) {
		if (point->n_labels == LABELS_MAX)
			return fail(in, e, "too many labels");
		if ((rc = read_label(in, &in->labels[point->n_labels], e)) < 0)
			return rc;
		point->n_labels++;
		if (take(in, ',') || (in->p < in->end && *in->p == '}'))
			continue;
		return fail(in, e, "labels end with }");
	}
	return 0;
}

/* "e+09", as Go writes it: at most two digits; false when it is none. */
static bool
plain_exponent(const char *p, size_t n, int *out)
{
	bool minus = n > 1 && p[1] == '-';
	size_t i = n > 1 && (minus || p[1] == '+') ? 2 : 1;
	int v = 0;

	if (n < i + 1 || n > i + 2 || (p[0] != 'e' && p[0] != 'E'))
		return false;
	for (; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*out = minus ? -v : v;
	return true;
}

/*
 * Decimals below 2^53 times a power of ten up to 10^22: both factors are
 * exact, so it is rounded once, as strtod() would.
 */
static bool
plain_number(const char *p, size_t n, double *out)
{
	static const double tens[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
		1e18, 1e19, 1e20, 1e21, 1e22 };
	uint64_t v = 0;
	int after = 0, exponent = 0;
	bool point = false;
	size_t i;

	for (i = 0; i < n && i < 19; i++) {
		if (p[i] == '.' && !point && i > 0 && i + 1 < n) {
			point = true;
			continue;
		}
		if (p[i] < '0' || p[i] > '9')
			break;
		v = v * 10 + (uint64_t)(p[i] - '0');
		after += point;
	}
	if (i == 0 || v > UINT64_C(1) << 53 || p[i - 1] == '.' ||
	    (i < n && !plain_exponent(p + i, n - i, &exponent)))
		return false;
	exponent -= after;
	if (exponent < -22 || exponent > 22)
		return false;
	*out = exponent < 0 ? (double)v / tens[-exponent] :
		(double)v * tens[exponent];
	return true;
}

bool
prom_number(const char *p, size_t n, double *out)
{
	return plain_number(p, n, out) || double_parse(p, n, out) == 0;
}

static int
read_sample(struct reading *in, prom_sink *sink, void *arg, struct tc_err *e)
{
	struct prom_point point = { .name = in->p, .labels = in->labels,
		.line = in->line };
	const char *word;
	size_t n;
	int rc;

	point.name_n = take_name(in, true);
	if (point.name_n == 0 || (in->p < in->end && *in->p != '{' &&
	    *in->p != ' ' && *in->p != '\t'))
		return fail(in, e, "not the name of a metric");
	if ((rc = read_labels(in, &point, e)) < 0)
		return rc;
	n = take_word(in, &word);
	if (!prom_number(word, n, &point.value))
		return fail(in, e, "not a number");
	n = take_word(in, &word);
	point.has_time = n != 0;
	if (n != 0 && i64_parse(word, n, &point.at_ms) < 0)
		return fail(in, e, "not a time in milliseconds");
	skip_blanks(in);
	if (in->p != in->end)
		return fail(in, e, "something behind the sample");
	point.type = type_for(in, point.name, point.name_n);
	return sink(arg, &point);
}

int
prom_parse(const char *text, size_t n, prom_sink *sink, void *arg,
	struct tc_err *e)
{
	const char *next = text, *end = text + n;
	struct reading in = { .line = 0 };
	int rc = 0;

	while (next < end && rc == 0) {
		const char *stop = memchr(next, '\n', (size_t)(end - next));

		in.p = next;
		in.end = stop != NULL ? stop : end;
		next = stop != NULL ? stop + 1 : end;
		in.line++;
		if (in.end > in.p && in.end[-1] == '\r')
			in.end--;
		skip_blanks(&in);
		if (in.p == in.end)
			continue;
		if (*in.p == '#')
			read_comment(&in);
		else
			rc = read_sample(&in, sink, arg, e);
	}
	return rc;
}
