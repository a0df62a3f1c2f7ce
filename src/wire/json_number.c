/*
 * Numbers of the JSON reader: integers exact, doubles correctly rounded.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "wire/json_scan.h"

#define EXACT_MAX (UINT64_C(1) << 53)

/* A number as written: (−1)^negative × mant × 10^exp10. */
struct number {
	char *from;
	char *to;
	bool negative;
	bool integer;
	uint64_t mant;	/* exact while digits ≤ 19 */
	int digits;	/* significant ones */
	int exp10;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char *
take_digits(char *p, struct number *num)
{
	for (; is_digit(*p); p++) {
		num->mant = num->mant * 10 + (uint64_t)(*p - '0');
		num->digits += num->mant != 0 || num->digits > 0;
	}
	return p;
}

static char *
take_exponent(char *p, struct number *num)
{
	bool negative = *p == '-';
	int v = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; is_digit(*p); p++)
		if (v < 100000)
			v = v * 10 + (*p - '0');
	num->exp10 += negative ? -v : v;
	return p;
}

/* The grammar of RFC 8259 §6. */
static bool
scan_number(struct json_read *r, struct number *num)
{
	char *p = r->at, *dot;

	*num = (struct number){ .from = p, .integer = true };
	if (*p == '-') {
		num->negative = true;
		p++;
	}
	if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
		goto bad;
	p = take_digits(p, num);
	if (*p == '.') {
		num->integer = false;
		dot = p;
		p = take_digits(p + 1, num);
		if (p == dot + 1)
			goto bad;
		/* so far down that no exponent brings it back */
		num->exp10 = p - dot > 1000000 ? -1000000000 :
			(int)(dot + 1 - p);
	}
	if (*p == 'e' || *p == 'E') {
		num->integer = false;
		p = take_exponent(p + 1, num);
		if (!is_digit(p[-1]))
			goto bad;
	}
	num->to = p;
	r->at = p;
	return true;
bad:
	r->mark = p;
	json_fail(r, "not a number");
	return false;
}

static double
slow_double(struct json_read *r, const struct number *num)
{
	char behind = *num->to;
	double v;

	*num->to = '\0';
	v = strtod(num->from, NULL);
	*num->to = behind;
	if (isinf(v)) {
		json_fail(r, "a number too large");
		return 0;
	}
	return v;
}

/*
 * mant ≤ 2^53 and 10^|exp10| ≤ 10^22 are exact doubles, so one operation is
 * rounded once: the correctly rounded value (Clinger 1990).
 */
static double
to_double(struct json_read *r, const struct number *num)
{
	static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
		1e19, 1e20, 1e21, 1e22 };
	double v;

	if (num->digits > 19 || num->mant > EXACT_MAX || num->exp10 < -22 ||
	    num->exp10 > 22 || FLT_EVAL_METHOD != 0)
		return slow_double(r, num);
	v = (double)num->mant;
	v = num->exp10 < 0 ? v / tens[-num->exp10] : v * tens[num->exp10];
	return num->negative ? -v : v;
}

/* The magnitude of an integer, when 64 bits hold it. */
static bool
to_u64(const struct number *num, uint64_t *out)
{
	uint64_t v = 0;

	if (!num->integer || num->digits > 20)
		return false;
	if (num->digits <= 19) {
		*out = num->mant;
		return true;
	}
	for (const char *p = num->from + num->negative; p < num->to; p++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*out = v;
	return true;
}

static bool
get_number(struct json_read *r, struct number *num)
{
	return json_begin_value(r, JSON_NUMBER, "not a number") &&
		scan_number(r, num);
}

struct json_num
json_get_num(struct json_read *r)
{
	struct json_num out = { .type = TOCSIN_F64 };
	struct number num;
	uint64_t v;

	if (!get_number(r, &num))
		return out;
	if (!to_u64(&num, &v) || v <= EXACT_MAX ||
	    (num.negative && v > (uint64_t)INT64_MAX + 1)) {
		out.v.f64 = to_double(r, &num);
		return out;
	}
	if (num.negative) {
		out.type = TOCSIN_I64;
		out.v.i64 = (int64_t)(0 - v);
	} else {
		out.type = TOCSIN_U64;
		out.v.u64 = v;
	}
	return out;
}

double
json_get_double(struct json_read *r)
{
	struct number num;

	return get_number(r, &num) ? to_double(r, &num) : 0;
}

int64_t
json_get_int(struct json_read *r, int64_t min, int64_t max)
{
	struct number num;
	uint64_t v;
	int64_t i;

	if (!get_number(r, &num))
		return 0;
	if (!num.integer) {
		json_fail(r, "not an integer");
		return 0;
	}
	if (!to_u64(&num, &v) ||
	    v > (uint64_t)INT64_MAX + (uint64_t)num.negative)
		goto range;
	i = num.negative ? (int64_t)(0 - v) : (int64_t)v;
	if (i < min || i > max)
		goto range;
	return i;
range:
	json_fail(r, "not in %lld…%lld", (long long)min, (long long)max);
	return 0;
}

uint64_t
json_get_u64(struct json_read *r)
{
	struct number num;
	uint64_t v;

	if (!get_number(r, &num))
		return 0;
	if (to_u64(&num, &v) && (!num.negative || v == 0))
		return v;
	json_fail(r, "not an integer from 0 to 2^64 - 1");
	return 0;
}
