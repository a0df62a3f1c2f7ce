#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct dur_unit {
	const char *name;
	int64_t ns;
} dur_units[] = {
	{ "d", INT64_C(86400000000000) }, { "h", INT64_C(3600000000000) },
	{ "m", INT64_C(60000000000) }, { "s", 1000000000 },
	{ "ms", 1000000 }, { "us", 1000 }, { "ns", 1 },
};

static const struct size_unit {
	const char *name;
	unsigned shift;
} size_units[] = {
	{ "", 0 }, { "B", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 },
	{ "TiB", 40 },
};

int
u64_parse(const char *text, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (n == 0)
		return TC_EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return TC_EINVAL;
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			return TC_ERANGE;
	}
	*out = v;
	return 0;
}

int
i64_parse(const char *text, size_t n, int64_t *out)
{
	int negative = n > 0 && text[0] == '-';
	uint64_t v;
	int rc = u64_parse(text + negative, n - (size_t)negative, &v);

	if (rc < 0)
		return rc;
	if (v > (uint64_t)INT64_MAX + (uint64_t)negative)
		return TC_ERANGE;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int
double_parse(const char *text, size_t n, double *out)
{
	char copy[64];
	char *end;
	double v;

	if (n == 0 || n >= sizeof(copy) || strchr(" \t\n", text[0]) != NULL)
		return TC_EINVAL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (strpbrk(copy, "xXpP") != NULL)
		return TC_EINVAL;
	errno = 0;
	v = strtod(copy, &end);
	if (end != copy + n)
		return TC_EINVAL;
	if (errno == ERANGE && isinf(v))
		return TC_ERANGE;
	*out = v;
	return 0;
}

static size_t
leading_digits(const char *text)
{
	return strspn(text, "0123456789");
}

int
dur_parse(const char *text, struct dur *out, struct tc_err *e)
{
	size_t n = leading_digits(text);
	const char *unit = text + n;
	uint64_t v;
	int64_t ns;

	if (n == 0)
		return tc_fail(e, TC_EINVAL,
			"'%.40s' is not a duration such as 15s", text);
	if (u64_parse(text, n, &v) < 0 || v > INT64_MAX)
		return tc_fail(e, TC_ERANGE, "'%.40s' is too long", text);
	if (v == 0 && *unit == '\0') {
		out->ns = 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(dur_units); i++) {
		if (strcmp(unit, dur_units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow((int64_t)v, dur_units[i].ns, &ns))
			return tc_fail(e, TC_ERANGE, "'%.40s' is too long",
				text);
		out->ns = ns;
		return 0;
	}
	if (*unit == '\0')
		return tc_fail(e, TC_EINVAL, "'%.40s': the unit is missing; one "
			"of ms s m h d", text);
	if (*unit == '.')
		return tc_fail(e, TC_EINVAL, "'%.40s' is not a whole number; "
			"1.5s is 1500ms", text);
	return tc_fail(e, TC_EINVAL, "'%.40s': unknown unit '%.20s'; one of "
		"ms s m h d", text, unit);
}

void
dur_print(struct strbuf *sb, struct dur d)
{
	if (d.ns == 0) {
		strbuf_puts(sb, "0s");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(dur_units); i++) {
		if (d.ns % dur_units[i].ns != 0)
			continue;
		strbuf_put_i64(sb, d.ns / dur_units[i].ns);
		strbuf_puts(sb, dur_units[i].name);
		return;
	}
}

int
size_parse(const char *text, uint64_t *out, struct tc_err *e)
{
	size_t n = leading_digits(text);
	uint64_t v;

	if (n == 0)
		return tc_fail(e, TC_EINVAL,
			"'%.40s' is not a size such as 64MiB", text);
	for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
		if (strcmp(text + n, size_units[i].name) != 0)
			continue;
		if (u64_parse(text, n, &v) < 0 ||
		    v > UINT64_MAX >> size_units[i].shift)
			return tc_fail(e, TC_ERANGE, "'%.40s' is too large",
				text);
		*out = v << size_units[i].shift;
		return 0;
	}
	return tc_fail(e, TC_EINVAL, "'%.40s': unknown unit '%.20s'; one of "
		"KiB MiB GiB TiB", text, text + n);
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t
edit_distance(const char *a, const char *b, size_t max)
{
	size_t row[65];
	size_t na = strlen(a), nb = strlen(b);

	if (na > 64 || nb > 64)
		return max + 1;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[nb] > max ? max + 1 : row[nb];
}
