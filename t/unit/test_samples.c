/*
 * Samples as text: back to the bit, and errors that name the field.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/story.h"
#include "wire/sample_text.h"

static const struct sample_text odd[] = {
	{ { 1767225600123 }, "h1", "", "load_1m", "", TOCSIN_F64, 0 },
	{ { 0 }, "h1", "Z300 \"x\", y", "a", "cpu=\"0\",mode=\"idle\"",
		TOCSIN_F64, UINT64_C(0x8000000000000000) },
	{ { -1 }, "h1", "", "a", "", TOCSIN_F64, 1 },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x7ff0000000000000) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0xfff0000000000000) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x7ff8000000000000) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0xfff8000000000000) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x7ff0000000000001) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x4340000000000000) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x4340000000000001) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x7fefffffffffffff) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_F64, UINT64_C(0x3fb999999999999a) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_U64, UINT64_MAX },
	{ { 1 }, "h1", "", "a", "", TOCSIN_U64, UINT64_C(9007199254740993) },
	{ { 1 }, "h1", "", "a", "", TOCSIN_U64, 7 },
	{ { 1 }, "h1", "", "a", "", TOCSIN_I64, (uint64_t)INT64_MIN },
	{ { 1 }, "h1", "", "a", "", TOCSIN_I64, (uint64_t)-1 },
	{ { 1 }, "h1", "", "a", "", TOCSIN_I64, INT64_MAX },
	{ { 1 }, "h1", "", "a", "", TOCSIN_I64, UINT64_C(9007199254740993) },
};

static void
must_be(const struct sample_text *a, const struct sample_text *b,
	const char *line)
{
	ck_assert_msg(a->at.ms == b->at.ms && a->type == b->type &&
		a->bits == b->bits, "%s: %llx", line,
		(unsigned long long)a->bits);
	ck_assert_str_eq(a->host, b->host);
	ck_assert_str_eq(a->device, b->device);
	ck_assert_str_eq(a->metric, b->metric);
	ck_assert_str_eq(a->instance, b->instance);
}

START_TEST(every_value_comes_back_to_the_bit)
{
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct strbuf csv = { 0 }, json = { 0 };
		struct sample_text back;
		struct tc_err e = { 0 };
		char line[400];

		sample_csv_put(&csv, &odd[i]);
		snprintf(line, sizeof(line), "%s", csv.p);
		csv.p[--csv.n] = '\0';
		ck_assert_msg(sample_csv_parse(csv.p, csv.n, &back, &e) == 0,
			"%s: %s", line, e.text);
		must_be(&back, &odd[i], line);
		sample_json_put(&json, &odd[i]);
		snprintf(line, sizeof(line), "%s", json.p);
		json.p[--json.n] = '\0';
		ck_assert_msg(sample_json_parse(json.p, json.n, &back, &e) == 0,
			"%s: %s", line, e.text);
		must_be(&back, &odd[i], line);
		strbuf_free(&csv);
		strbuf_free(&json);
	}
}
END_TEST

static void
refused(const char *text, const char *word)
{
	struct sample_text s;
	struct tc_err e = { 0 };
	char line[300];
	int rc;

	snprintf(line, sizeof(line), "%s", text);
	rc = text[0] == '{' ? sample_json_parse(line, strlen(line), &s, &e) :
		sample_csv_parse(line, strlen(line), &s, &e);
	ck_assert_msg(rc < 0, "taken: %s", text);
	ck_assert_msg(strstr(e.text, word) != NULL, "%s: %s", text, e.text);
}

#define AT "2026-05-01T22:00:00.000Z"

START_TEST(an_error_names_the_field)
{
	refused("yesterday,h1,,a,,1,f64", "at:");
	refused(AT ",h 1,,a,,1,f64", "host");
	refused(AT ",h1,,a b,,1,f64", "metric:");
	refused(AT ",h1,,a,,one,f64", "value:");
	refused(AT ",h1,,a,,-1,u64", "value:");
	refused(AT ",h1,,a,,18446744073709551616,u64", "value:");
	refused(AT ",h1,,a,,NaN:3ff0000000000000,f64", "value:");
	refused(AT ",h1,,a,,1,f32", "type:");
	refused(AT ",h1,,a,\"x,1,f64", "instance:");
	refused(AT ",h1,,a,x=\x93,1,f64", "instance: byte 3 is not UTF-8");
	refused(AT ",h1,Z\xc0\x80,a,,1,f64", "device: byte 2 is not UTF-8");
	refused(AT ",h1,,a", "instance:");
	refused(AT ",h1,,a,,1,f64,more", "too many");
	refused("", "host:");
	refused("{\"at\":\"" AT "\",\"host\":\"h1\",\"device\":\"\","
		"\"metric\":\"a\",\"instance\":\"\"}", "value:");
	refused("{\"at\":\"" AT "\",\"host\":\"h1\",\"device\":\"\","
		"\"metric\":\"a\",\"instance\":\"\",\"value\":1.5,"
		"\"type\":\"u64\"}", "value:");
	refused("{\"at\":\"" AT "\",\"host\":\"h1\",\"devise\":\"\"}",
		"/devise");
	refused("{\"at\":\"" AT "\"}", "host:");
	refused("{", "");
}
END_TEST

START_TEST(older_exports_have_no_type)
{
	char line[] = AT ",H1,,load_1m,,0.5";
	struct sample_text s;

	ck_assert_int_eq(sample_csv_parse(line, strlen(line), &s, NULL), 0);
	ck_assert_str_eq(s.host, "h1");
	ck_assert_int_eq(s.type, TOCSIN_F64);
	ck_assert_uint_eq(s.bits, UINT64_C(0x3fe0000000000000));
}
END_TEST

int
main(void)
{
	return STORIES("samples", every_value_comes_back_to_the_bit,
		an_error_names_the_field, older_exports_have_no_type);
}
