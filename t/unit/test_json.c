/*
 * wire: JSON in and out.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "t/lib/story.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

/* Text in memory of its own size, so that a sanitizer sees every step out. */
static char *
exact(const char *text, size_t n)
{
	char *copy = malloc(n + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

static int
check_n(const char *text, size_t n, struct tc_err *e)
{
	char *copy = exact(text, n);
	struct json_read r;
	int rc;

	json_open(&r, copy, n);
	json_skip(&r);
	rc = json_close(&r, e);
	free(copy);
	return rc;
}

static int
check(const char *text)
{
	struct tc_err e;

	return check_n(text, strlen(text), &e);
}

START_TEST(what_the_grammar_allows_is_read)
{
	static const char *const good[] = { "0", "-0", "1", "-1.5e-3", "1E+2",
		" [ ] ", "{}", "[1,2]", "{\"a\":{\"b\":[null,true,false]}}",
		"\"\\u0000\"", "\"\\uD834\\uDD1E\"", "\"\\/\"", "\"\x7f\"",
		"\t\r\n\"\xf4\x8f\xbf\xbf\"\n", "[\"\xe2\x82\xac\"]",
		"123456789012345678901234567890", "1e-999", "\"\"",
		"{\"\":1,\" \":2}", "[[[[[[[[]]]]]]]]", "1.7976931348623157e308" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(check(good[i]) == 0, "refused: %s", good[i]);
}
END_TEST

START_TEST(what_the_grammar_forbids_is_refused)
{
	static const char *const bad[] = { "", " ", "01", "-", "+1", ".5", "1.",
		"1e", "1e+", "0x1", "NaN", "Infinity", "-Infinity", "tru",
		"truee", "nul", "[1,]", "[,1]", "[1 2]", "[1", "[", "]", "{",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}",
		"{\"a\" 1}", "{1:1}", "{\"a\":1 \"b\":2}", "\"", "\"a", "\"\\",
		"\"\\\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
		"\"\\ud800\\", "\"a\nb\"", "\"a\tb\"", "\"\x80\"", "\"\xc0\x80\"",
		"\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
		"\xef\xbb\xbf{}", "1 2", "[] []", "/* */ 1", "1e999", "-1e999",
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "\f1", "--1",
		"1-2", "[1}", "{\"a\":1]" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(check(bad[i]) == TC_EINVAL, "taken: %s", bad[i]);
}
END_TEST

START_TEST(a_nul_byte_is_no_end)
{
	struct tc_err e;

	ck_assert_int_eq(check_n("1\0", 2, &e), TC_EINVAL);
	ck_assert_int_eq(check_n("\"a\0b\"", 5, &e), TC_EINVAL);
	ck_assert_str_eq(e.text,
		"the document: control character 0x00 in a string (byte 2)");
	ck_assert_int_eq(check_n("[1,\0 2]", 7, &e), TC_EINVAL);
	ck_assert_int_eq(check_n("{\"a\"\0:1}", 8, &e), TC_EINVAL);
}
END_TEST

START_TEST(every_cut_of_a_text_is_an_error_and_never_a_step_out)
{
	static const char text[] = "{\"k\\u20ac\":[1.5e3,\"\xf0\x9f\x94\x94 \\n\","
		"true,null,{\"\":-0.25}],\"z\":\"0123456789abcdef\"}";

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		ck_assert_int_eq(check_n(text, n, NULL), TC_EINVAL);
	ck_assert_int_eq(check_n(text, sizeof(text) - 1, NULL), 0);
}
END_TEST

START_TEST(depth_is_bounded)
{
	char text[2 * 100 + 1] = "";
	struct tc_err e;

	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	ck_assert_int_eq(check(text), 0);
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	ck_assert_int_eq(check_n(text, 200, &e), TC_EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "nested deeper than 32"));
}
END_TEST

/* Reads {"observations": [{"metrics": {name: number}}]}. */
static int
read_metrics(char *text, struct tc_err *e)
{
	struct json_str key;
	struct json_read r;

	json_open(&r, text, strlen(text));
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (!json_str_is(key, "observations")) {
			json_unknown(&r);
			break;
		}
		json_enter_array(&r);
		while (json_next_item(&r)) {
			json_enter_object(&r);
			while (json_next_key(&r, &key))
				json_get_double(&r);
		}
	}
	return json_close(&r, e);
}

static void
expect_error(const char *text, const char *want)
{
	char *copy = exact(text, strlen(text));
	struct tc_err e = { 0 };

	ck_assert_int_eq(read_metrics(copy, &e), TC_EINVAL);
	ck_assert_str_eq(e.text, want);
	free(copy);
}

START_TEST(an_error_names_the_place)
{
	expect_error("{\"observations\":[{\"a\":1},{\"a\":1,\"smart_197_raw\":\"x\"}]}",
		"/observations/1/smart_197_raw: not a number (byte 48)");
	expect_error("{\"hots\":1}", "/hots: unknown field (byte 1)");
	expect_error("{\"observations\":[{\"a/b~c\":true}]}",
		"/observations/0/a~1b~0c: not a number (byte 26)");
	expect_error("{\"observations\":[3]}",
		"/observations/0: not an object (byte 17)");
	expect_error("[]", "the document: not an object (byte 0)");
	expect_error("{\"observations\":[{\"a\":1,\"a\":2}]}",
		"/observations/0/a: the same key twice (byte 24)");
	expect_error("{\"observations\":[{\"a\":1}",
		"/observations/0: the text ends where ',' or ']' is expected "
		"(byte 24)");
	expect_error("{\"observations\":[{\"a\":1 \"b\":2}]}",
		"/observations/0: '\"' where ',' or '}' is expected (byte 24)");
	expect_error("{\"observations\":[{\"a\":tru}]}",
		"/observations/0/a: not a number (byte 22)");
}
END_TEST

START_TEST(a_long_pointer_is_cut)
{
	struct strbuf sb = { 0 };
	struct tc_err e = { 0 };

	strbuf_puts(&sb, "{\"observations\":[{\"");
	for (int i = 0; i < 2000; i++)
		strbuf_puts(&sb, "/");
	strbuf_puts(&sb, "\":null}]}");
	ck_assert_int_eq(read_metrics(sb.p, &e), TC_EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "\xe2\x80\xa6: not a number"));
	ck_assert_uint_lt(strlen(e.text), 320);
	strbuf_free(&sb);
}
END_TEST

START_TEST(strings_are_unescaped_in_place)
{
	char text[] = "[\"a\\u00e9\\n\\\"\\\\\\/\\b\\f\\r\\t\\ud83d\\udd14z\","
		"\"plain\",\"x\\u0000y\"]";
	struct json_read r;
	struct json_str s;

	json_open(&r, text, strlen(text));
	json_enter_array(&r);
	ck_assert(json_next_item(&r));
	s = json_get_str(&r);
	ck_assert_str_eq(s.p, "a\xc3\xa9\n\"\\/\b\f\r\t\xf0\x9f\x94\x94z");
	ck_assert(json_next_item(&r));
	ck_assert_str_eq(json_get_cstr(&r, 5), "plain");
	ck_assert(json_next_item(&r));
	s = json_get_str(&r);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_mem_eq(s.p, "x\0y", 4);
	ck_assert(!json_next_item(&r));
	ck_assert_int_eq(json_close(&r, NULL), 0);
}
END_TEST

START_TEST(a_c_string_is_short_enough_and_without_nul)
{
	char nul[] = "\"x\\u0000y\"", longer[] = "\"123456\"";
	struct json_read r;

	json_open(&r, nul, strlen(nul));
	ck_assert_str_eq(json_get_cstr(&r, 10), "");
	ck_assert_int_eq(json_close(&r, NULL), TC_EINVAL);
	json_open(&r, longer, strlen(longer));
	ck_assert_str_eq(json_get_cstr(&r, 5), "");
	ck_assert_int_eq(json_close(&r, NULL), TC_EINVAL);
}
END_TEST

static struct json_num
num(const char *text)
{
	char *copy = exact(text, strlen(text));
	struct json_num out;
	struct json_read r;

	json_open(&r, copy, strlen(text));
	out = json_get_num(&r);
	ck_assert_int_eq(json_close(&r, NULL), 0);
	free(copy);
	return out;
}

START_TEST(integers_beyond_2_53_stay_exact)
{
	struct json_num v = num("9007199254740992");

	ck_assert_int_eq(v.type, TOCSIN_F64);
	ck_assert(v.v.f64 == 9007199254740992.0);
	v = num("9007199254740993");
	ck_assert_int_eq(v.type, TOCSIN_U64);
	ck_assert_uint_eq(v.v.u64, UINT64_C(9007199254740993));
	v = num("18446744073709551615");
	ck_assert_int_eq(v.type, TOCSIN_U64);
	ck_assert_uint_eq(v.v.u64, UINT64_MAX);
	v = num("18446744073709551616");
	ck_assert_int_eq(v.type, TOCSIN_F64);
	ck_assert(v.v.f64 == 18446744073709551616.0);
	v = num("-9223372036854775808");
	ck_assert_int_eq(v.type, TOCSIN_I64);
	ck_assert_int_eq(v.v.i64, INT64_MIN);
	v = num("-9223372036854775809");
	ck_assert_int_eq(v.type, TOCSIN_F64);
	v = num("9007199254740993.0");
	ck_assert_int_eq(v.type, TOCSIN_F64);
	v = num("-0");
	ck_assert(v.type == TOCSIN_F64 && signbit(v.v.f64));
}
END_TEST

START_TEST(doubles_are_read_as_strtod_reads_them)
{
	static const char *const texts[] = { "0.1", "1e22", "1e23", "1e-22",
		"1e-23", "123456789012345678.0", "0.30000000000000004",
		"2.2250738585072011e-308", "4.9e-324", "1.7976931348623157e308",
		"9007199254740993e-10", "0.000001", "33.0",
		"179769313486231580793728971405301e270" };
	unsigned seed = 7;
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert(num(texts[i]).v.f64 == strtod(texts[i], NULL));
	for (int i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		snprintf(text, sizeof(text), "%u.%0*ue%d", seed % 1000,
			(int)(seed % 17), seed >> 3, (int)(seed >> 8) % 40 - 20);
		ck_assert_msg(num(text).v.f64 == strtod(text, NULL), "%s", text);
	}
}
END_TEST

START_TEST(a_point_far_down_and_a_high_exponent_meet_again)
{
	struct strbuf sb = { 0 };

	strbuf_puts(&sb, "0.");
	for (int i = 0; i < 4100; i++)
		strbuf_putc(&sb, '0');
	strbuf_puts(&sb, "1e4090");
	ck_assert(num(sb.p).v.f64 == strtod(sb.p, NULL));
	strbuf_free(&sb);
}
END_TEST

START_TEST(an_int_has_bounds_and_no_fraction)
{
	static const char *const bad[] = { "1.0", "1e2", "-6", "11",
		"99999999999999999999999" };
	struct json_read r;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *copy = exact(bad[i], strlen(bad[i]));

		json_open(&r, copy, strlen(copy));
		ck_assert_int_eq(json_get_int(&r, -5, 10), 0);
		ck_assert_int_eq(json_close(&r, NULL), TC_EINVAL);
		free(copy);
	}
	char least[] = "-9223372036854775808";

	json_open(&r, least, strlen(least));
	ck_assert(json_get_int(&r, INT64_MIN, INT64_MAX) == INT64_MIN);
	ck_assert_int_eq(json_close(&r, NULL), 0);
}
END_TEST

START_TEST(thousands_of_keys_and_one_twice)
{
	struct strbuf sb = { 0 };
	struct tc_err e;

	strbuf_putc(&sb, '{');
	for (int i = 0; i < 5000; i++)
		strbuf_printf(&sb, "%s\"k%d\":{\"a\":%d}", i ? "," : "", i, i);
	strbuf_puts(&sb, "}");
	ck_assert_int_eq(check_n(sb.p, sb.n, &e), 0);
	sb.n--;
	strbuf_puts(&sb, ",\"k17\":0}");
	ck_assert_int_eq(check_n(sb.p, sb.n, &e), TC_EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/k17: the same key twice"));
	strbuf_free(&sb);
}
END_TEST

START_TEST(the_writer_writes_and_the_reader_agrees)
{
	struct strbuf sb = { 0 };
	struct json_write w;

	json_begin(&w, &sb);
	json_put_object(&w);
	json_add_str(&w, "s", "a\"\\\n\x01\x7f\xc3\xa9\xff");
	json_add_str(&w, "none", NULL);
	json_add_array(&w, "list");
	json_put_u64(&w, UINT64_MAX);
	json_put_i64(&w, INT64_MIN);
	json_put_double(&w, 0.1);
	json_put_double(&w, NAN);
	json_put_double(&w, -INFINITY);
	json_put_double(&w, 9007199254740994.0);
	json_put_double(&w, -33.25);
	json_put_array(&w);
	json_put_end(&w);
	json_put_object(&w);
	json_put_end(&w);
	json_put_end(&w);
	json_add_bool(&w, "b", true);
	json_add_wall(&w, "at", (struct wall){ 1767225600123 });
	json_add_raw(&w, "raw", "[1]", 3);
	json_put_end(&w);
	ck_assert_str_eq(strbuf_str(&sb), "{\"s\":\"a\\\"\\\\\\n\\u0001\\u007f"
		"\xc3\xa9\xef\xbf\xbd\",\"none\":null,\"list\":"
		"[18446744073709551615,-9223372036854775808,0.1,null,null,"
		"9007199254740994.0,-33.25,[],{}],\"b\":true,"
		"\"at\":\"2026-01-01T00:00:00.123Z\",\"raw\":[1]}");
	ck_assert_int_eq(check(sb.p), 0);
	strbuf_free(&sb);
}
END_TEST

static void
assert_round_trip(double v)
{
	struct strbuf sb = { 0 };
	struct json_write w;
	struct json_num back;

	json_begin(&w, &sb);
	json_put_double(&w, v);
	back = num(strbuf_str(&sb));
	ck_assert_msg(back.type == TOCSIN_F64 &&
		memcmp(&back.v.f64, &v, sizeof(v)) == 0,
		"%a → %s", v, strbuf_str(&sb));
	strbuf_free(&sb);
}

START_TEST(every_double_comes_back_bit_for_bit)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	double v;

	for (int i = 0; i < 50000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(&v, &state, sizeof(v));
		if (isfinite(v))
			assert_round_trip(v);
		assert_round_trip((double)(state >> 40) / 1000);
		assert_round_trip(-(double)(state >> 44) / 64);
		assert_round_trip((double)(int64_t)state);
	}
	assert_round_trip(-0.0);
	assert_round_trip(DBL_MIN);
	assert_round_trip(DBL_MAX);
	assert_round_trip(4.9e-324);
}
END_TEST

START_TEST(out_of_memory_is_an_error_with_a_name)
{
	struct tc_err e = { 0 };
	int rc = TC_ENOMEM;

	for (long n = 1; rc == TC_ENOMEM; n++) {
		mem_fail_at(n);
		rc = check_n("{\"a\":{\"b\":1}}", 13, &e);
		mem_fail_at(0);
		ck_assert(rc == 0 || rc == TC_ENOMEM);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_ptr_nonnull(strstr(e.text, "out of memory"));
}
END_TEST

int
main(void)
{
	return STORIES("json", what_the_grammar_allows_is_read,
		what_the_grammar_forbids_is_refused, a_nul_byte_is_no_end,
		every_cut_of_a_text_is_an_error_and_never_a_step_out,
		depth_is_bounded, an_error_names_the_place,
		a_long_pointer_is_cut, strings_are_unescaped_in_place,
		a_c_string_is_short_enough_and_without_nul,
		integers_beyond_2_53_stay_exact,
		doubles_are_read_as_strtod_reads_them,
		a_point_far_down_and_a_high_exponent_meet_again,
		an_int_has_bounds_and_no_fraction,
		thousands_of_keys_and_one_twice,
		the_writer_writes_and_the_reader_agrees,
		every_double_comes_back_bit_for_bit,
		out_of_memory_is_an_error_with_a_name);
}
