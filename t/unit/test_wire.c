/*
 * wire: batches of observations, labels, Prometheus text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "t/lib/story.h"
#include "wire/batch.h"
#include "wire/labels.h"
#include "wire/prom.h"

#define NOW_MS INT64_C(1767225600000)

static const char design_example[] =
	"{\"host\": \"h1\", \"batch\": \"018f-1\", \"sent_ms\": 1767225600123,\n"
	" \"observations\": [{\"probe\": \"smart\", \"at_ms\": 1767225600000, "
	"\"outcome\": \"ok\", \"reason\": \"none\",\n"
	"   \"device\": {\"kind\": \"disk\", \"model\": \"ST4000DM000\", "
	"\"serial\": \"Z300XXXX\", \"wwn\": \"5000c500\"},\n"
	"   \"metrics\": {\"smart_197_raw\": 16, \"temperature_celsius\": 33.0,"
	" \"cpu_seconds_total\": {\"mode=\\\"idle\\\"\": 12.5}}}]}";

static int
parse(const char *text, struct batch *b, struct tc_err *e)
{
	size_t n = strlen(text);
	char *exact = malloc(n + !n);
	int rc;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, text, n);
	rc = batch_parse(exact, n, b, e);
	free(exact);
	return rc;
}

START_TEST(the_example_of_the_design_is_read)
{
	const struct observation *ob;
	struct tc_err e = { 0 };
	struct batch b;

	ck_assert_msg(parse(design_example, &b, &e) == 0, "%s", e.text);
	ck_assert_str_eq(b.host, "h1");
	ck_assert_str_eq(b.id, "018f-1");
	ck_assert_int_eq(b.sent.ms, INT64_C(1767225600123));
	ck_assert_uint_eq(b.n, 1);
	ob = &b.items[0];
	ck_assert_str_eq(ob->probe, "smart");
	ck_assert_int_eq(ob->at.ms, NOW_MS);
	ck_assert_int_eq(ob->outcome, TOCSIN_OK);
	ck_assert_int_eq(ob->reason, TOCSIN_WHY_NONE);
	ck_assert_str_eq(ob->text, "");
	ck_assert_str_eq(ob->device.kind, "disk");
	ck_assert_str_eq(ob->device.serial, "Z300XXXX");
	ck_assert_uint_eq(ob->n_metrics, 3);
	ck_assert_str_eq(ob->metrics[0].name, "smart_197_raw");
	ck_assert_str_eq(ob->metrics[0].instance, "");
	ck_assert(metric_number(&ob->metrics[0]) == 16);
	ck_assert_str_eq(ob->metrics[2].name, "cpu_seconds_total");
	ck_assert_str_eq(ob->metrics[2].instance, "mode=\"idle\"");
	ck_assert(ob->metrics[2].v.f64 == 12.5);
	arena_free(&b.arena);
}
END_TEST

START_TEST(the_host_is_folded)
{
	struct batch b;

	ck_assert_int_eq(parse("{\"host\":\"Node-A.Example\",\"observations\":[]}",
		&b, NULL), 0);
	ck_assert_str_eq(b.host, "node-a.example");
	ck_assert_str_eq(b.id, "");
	ck_assert_int_eq(b.sent.ms, 0);
	ck_assert_uint_eq(b.n, 0);
	arena_free(&b.arena);
}
END_TEST

#define OB(inside) "{\"host\":\"h\",\"observations\":[" \
	"{\"probe\":\"p\",\"at_ms\":1,\"outcome\":\"ok\"" inside "}]}"

static const struct refusal {
	const char *text;
	const char *error;	/* begins so */
} refusals[] = {
	{ "", "the document: the text ends where a value is expected" },
	{ "[]", "the document: not an object" },
	{ "{}", "the document: host is missing" },
	{ "{\"host\":\"h\"}", "the document: observations is missing" },
	{ "{\"host\":\"a b\",\"observations\":[]}", "/host: byte 1 (0x20)" },
	{ "{\"host\":\"\",\"observations\":[]}", "/host: an empty name" },
	{ "{\"host\":7,\"observations\":[]}", "/host: not a string" },
	{ "{\"hots\":\"h\"}", "/hots: unknown field" },
	{ "{\"host\":\"h\",\"host\":\"h\"}", "/host: the same key twice" },
	{ "{\"host\":\"h\",\"sent_ms\":1.5}", "/sent_ms: not an integer" },
	{ "{\"host\":\"h\",\"sent_ms\":-1}", "/sent_ms: not in 0" },
	{ "{\"host\":\"h\",\"observations\":{}}", "/observations: not an array" },
	{ "{\"host\":\"h\",\"observations\":[{}]}",
		"/observations/0: probe is missing" },
	{ "{\"host\":\"h\",\"observations\":[{\"probe\":\"\"}]}",
		"/observations/0/probe: not a name" },
	{ "{\"host\":\"h\",\"observations\":[{\"probe\":\"p\",\"at_ms\":1,"
	  "\"outcome\":\"good\"}]}",
		"/observations/0/outcome: not one of ok, fail, unknown" },
	{ "{\"host\":\"h\",\"observations\":[{\"probe\":\"p\",\"at_ms\":1,"
	  "\"outcome\":\"fail\"}]}", "/observations/0: reason is missing" },
	{ OB(",\"reason\":\"tired\""),
		"/observations/0/reason: not a reason that is known: 'tired'" },
	{ OB(",\"colour\":1"), "/observations/0/colour: unknown field" },
	{ OB(",\"device\":{}"), "/observations/0/device: kind is missing" },
	{ OB(",\"device\":{\"kind\":\"disk\",\"path\":\"/dev/sda\"}"),
		"/observations/0/device/path: unknown field" },
	{ OB(",\"metrics\":{\"smart_197_raw\":\"x\"}"),
		"/observations/0/metrics/smart_197_raw: not a number" },
	{ OB(",\"metrics\":{\"smart_197_raw\":NaN}"),
		"/observations/0/metrics/smart_197_raw: 'N' where a value" },
	{ OB(",\"metrics\":{\"smart_197_raw\":null}"),
		"/observations/0/metrics/smart_197_raw: not a number" },
	{ OB(",\"metrics\":{\"a b\":1}"),
		"/observations/0/metrics/a b: not a name of a metric" },
	{ OB(",\"metrics\":{\"m\":{\"mode=idle\":1}}"),
		"/observations/0/metrics/m/mode=idle: a label is written" },
	{ OB(",\"metrics\":{\"m\":{\"a=\\\"1\\\",a=\\\"2\\\"\":1}}"),
		"/observations/0/metrics/m/a=\"1\",a=\"2\": a label twice" },
	{ OB(",\"metrics\":{\"m\":{\"a=\\\"1\\\",b=\\\"2\\\"\":1,"
	     "\"b=\\\"2\\\",a=\\\"1\\\"\":1}}"),
		"/observations/0/metrics/m: the same labels twice" },
	{ OB(",\"metrics\":{\"m\":{\"a=\\\"1\\\"\":{}}}"),
		"/observations/0/metrics/m/a=\"1\": not a number" },
	{ OB(",\"text\":\"a\\u0000b\""), "/observations/0/text: a NUL" },
};

START_TEST(what_is_wrong_is_refused_with_its_place)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct tc_err e = { 0 };
		struct batch b;

		ck_assert_msg(parse(r->text, &b, &e) == TC_EINVAL, "taken: %s",
			r->text);
		ck_assert_msg(strncmp(e.text, r->error, strlen(r->error)) == 0,
			"%s\n→ %s\nnot %s", r->text, e.text, r->error);
	}
}
END_TEST

START_TEST(instances_are_made_canonical)
{
	struct batch b;
	const struct metric *m;

	ck_assert_int_eq(parse(OB(",\"metrics\":{\"m\":{"
		"\"b=\\\"x\\\\\\\"y\\\",a=\\\"1\\\"\":1,\"\":2}}"), &b, NULL), 0);
	m = b.items[0].metrics;
	ck_assert_str_eq(m[0].instance, "a=\"1\",b=\"x\\\"y\"");
	ck_assert_str_eq(m[1].instance, "");
	arena_free(&b.arena);
}
END_TEST

static int
parse_metrics(int n)
{
	struct strbuf sb = { 0 };
	struct batch b;
	int rc;

	strbuf_puts(&sb, "{\"host\":\"h\",\"observations\":[{\"probe\":\"p\","
		"\"at_ms\":1,\"outcome\":\"ok\",\"metrics\":{");
	for (int i = 0; i < n; i++)
		strbuf_printf(&sb, "%s\"m%d\":%d", i ? "," : "", i, i);
	strbuf_puts(&sb, "}}]}");
	rc = parse(sb.p, &b, NULL);
	if (rc == 0) {
		ck_assert_uint_eq(b.items[0].n_metrics, (size_t)n);
		arena_free(&b.arena);
	}
	strbuf_free(&sb);
	return rc;
}

static int
parse_observations(int n)
{
	struct strbuf sb = { 0 };
	struct batch b;
	int rc;

	strbuf_puts(&sb, "{\"host\":\"h\",\"observations\":[");
	for (int i = 0; i < n; i++)
		strbuf_printf(&sb, "%s{\"probe\":\"p\",\"at_ms\":%d,"
			"\"outcome\":\"ok\"}", i ? "," : "", i);
	strbuf_puts(&sb, "]}");
	rc = parse(sb.p, &b, NULL);
	if (rc == 0)
		arena_free(&b.arena);
	strbuf_free(&sb);
	return rc;
}

START_TEST(limits_hold)
{
	ck_assert_int_eq(parse_metrics(BATCH_METRICS_MAX), 0);
	ck_assert_int_eq(parse_metrics(BATCH_METRICS_MAX + 1), TC_EINVAL);
	ck_assert_int_eq(parse_observations(BATCH_OBSERVATIONS_MAX), 0);
	ck_assert_int_eq(parse_observations(BATCH_OBSERVATIONS_MAX + 1),
		TC_EINVAL);
}
END_TEST

START_TEST(too_old_and_too_new_are_found_by_index)
{
	static const int64_t at[] = { NOW_MS, NOW_MS - BATCH_OLDEST_MS - 1,
		NOW_MS - BATCH_OLDEST_MS, NOW_MS + BATCH_AHEAD_MS,
		NOW_MS + BATCH_AHEAD_MS + 1, 0 };
	struct observation items[ARRAY_LEN(at)] = { 0 };
	struct batch b = { .items = items, .n = ARRAY_LEN(at) };
	size_t bad[2] = { 99, 99 };

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		items[i].at.ms = at[i];
	ck_assert_uint_eq(batch_check_times(&b, (struct wall){ NOW_MS }, bad, 2),
		3);
	ck_assert_uint_eq(bad[0], 1);
	ck_assert_uint_eq(bad[1], 4);
}
END_TEST

/* ---- there and back ---- */

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct metric
random_metric(uint64_t *state, const char *name, const char *instance)
{
	struct metric m = { .name = name, .instance = instance };
	uint64_t v = next_random(state);

	switch (v % 4) {
	case 0:
		m.type = TOCSIN_U64;
		m.v.u64 = v | UINT64_C(1) << 62;
		break;
	case 1:
		m.type = TOCSIN_I64;
		m.v.i64 = INT64_MIN + (int64_t)(v >> 8);
		break;
	case 2:
		m.v.f64 = (double)(v >> 40) / 256;
		break;
	default:
		memcpy(&m.v.f64, &v, sizeof(v));
		if (!isfinite(m.v.f64))
			m.v.f64 = -0.0;
		break;
	}
	return m;
}

static void
assert_same_observation(const struct observation *a,
	const struct observation *b)
{
	ck_assert_str_eq(a->probe, b->probe);
	ck_assert_int_eq(a->at.ms, b->at.ms);
	ck_assert_int_eq(a->outcome, b->outcome);
	ck_assert_int_eq(a->reason, b->reason);
	ck_assert_str_eq(a->text, b->text);
	ck_assert_str_eq(a->device.kind, b->device.kind);
	ck_assert_str_eq(a->device.model, b->device.model);
	ck_assert_uint_eq(a->n_metrics, b->n_metrics);
	for (size_t i = 0; i < a->n_metrics; i++) {
		ck_assert_str_eq(a->metrics[i].name, b->metrics[i].name);
		ck_assert_str_eq(a->metrics[i].instance, b->metrics[i].instance);
		ck_assert_int_eq(a->metrics[i].type, b->metrics[i].type);
		ck_assert_mem_eq(&a->metrics[i].v, &b->metrics[i].v, 8);
	}
}

static void
assert_batch_round_trip(const struct batch *b)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	struct batch back;

	ck_assert_int_eq(batch_write(b, &text), 0);
	ck_assert_msg(parse(text.p, &back, &e) == 0, "%s\n%s", e.text, text.p);
	ck_assert_str_eq(back.host, b->host);
	ck_assert_str_eq(back.id, b->id);
	ck_assert_int_eq(back.sent.ms, b->sent.ms);
	ck_assert_uint_eq(back.n, b->n);
	for (size_t i = 0; i < b->n; i++)
		assert_same_observation(&b->items[i], &back.items[i]);
	arena_free(&back.arena);
	strbuf_free(&text);
}

START_TEST(every_batch_comes_back_as_it_was_written)
{
	static const char *const texts[] = { "", "plain", "\"q\" \\ \n\t\x01",
		"\xe9\x8c\xae \xf0\x9f\x94\x94" };
	uint64_t state = 42;

	for (int round = 0; round < 500; round++) {
		struct metric metrics[6];
		struct observation items[3];
		struct batch b = { .host = "h1", .id = texts[round % 2],
			.sent = { round }, .items = items,
			.n = (size_t)(round % 4) };

		metrics[0] = random_metric(&state, "a", "");
		metrics[1] = random_metric(&state, "b", "cpu=\"0\"");
		metrics[2] = random_metric(&state, "b", "cpu=\"1\",x=\"\\\\\"");
		metrics[3] = random_metric(&state, "c", "");
		metrics[4] = random_metric(&state, "c", "y=\"\xc3\xa9\"");
		metrics[5] = random_metric(&state, "d:e_f", "");
		for (size_t i = 0; i < b.n; i++)
			items[i] = (struct observation){ .probe = "smart",
				.at = { (int64_t)(next_random(&state) >> 24) },
				.outcome = TOCSIN_FAIL,
				.reason = TOCSIN_WHY_DEVICE_FAILED,
				.text = texts[(size_t)round / 2 % 4],
				.device = { i % 2 ? "disk" : "",
					i % 2 ? texts[3] : "", "", "" },
				.metrics = metrics,
				.n_metrics = next_random(&state) % 7 };
		assert_batch_round_trip(&b);
	}
}
END_TEST

START_TEST(metrics_of_one_name_are_written_together)
{
	struct metric metrics[] = {
		{ "a", "x=\"1\"", TOCSIN_F64, { .f64 = 1 } },
		{ "b", "", TOCSIN_F64, { .f64 = NAN } },
		{ "c", "", TOCSIN_F64, { .f64 = 3 } },
		{ "a", "x=\"2\"", TOCSIN_F64, { .f64 = 2 } },
	};
	struct observation ob = { .probe = "p", .text = "", .metrics = metrics,
		.n_metrics = ARRAY_LEN(metrics) };
	struct batch b = { .host = "h", .id = "", .items = &ob, .n = 1 };
	struct strbuf text = { 0 };

	ck_assert_int_eq(batch_write(&b, &text), 0);
	ck_assert_str_eq(text.p, "{\"host\":\"h\",\"observations\":[{"
		"\"probe\":\"p\",\"at_ms\":0,\"outcome\":\"ok\","
		"\"reason\":\"none\",\"metrics\":{\"a\":{\"x=\\\"1\\\"\":1,"
		"\"x=\\\"2\\\"\":2},\"c\":3}}]}");
	strbuf_free(&text);
}
END_TEST

START_TEST(every_failing_allocation_is_survived)
{
	struct strbuf text = { 0 };
	int rc = TC_ENOMEM;
	struct batch b;

	for (long n = 1; rc == TC_ENOMEM; n++) {
		mem_fail_at(n);
		rc = parse(design_example, &b, NULL);
		mem_fail_at(0);
	}
	ck_assert_int_eq(rc, 0);
	rc = TC_ENOMEM;
	for (long n = 1; rc == TC_ENOMEM; n++) {
		strbuf_free(&text);
		mem_fail_at(n);
		rc = batch_write(&b, &text);
		mem_fail_at(0);
	}
	ck_assert_int_eq(rc, 0);
	strbuf_free(&text);
	arena_free(&b.arena);
}
END_TEST

START_TEST(prometheus_text_is_escaped)
{
	static const struct prom_label labels[] = { { "host", "h\"1\"\\\n" },
		{ "state", "ok" } };
	struct strbuf sb = { 0 };

	prom_family(&sb, "tocsin_x", "gauge", "Back\\slash\nand line.");
	prom_sample(&sb, "tocsin_x", labels, 2, 0.5);
	prom_sample(&sb, "tocsin_x", NULL, 0, INFINITY);
	prom_sample(&sb, "tocsin_x", labels + 1, 1, 9007199254740992);
	ck_assert_str_eq(sb.p, "# HELP tocsin_x Back\\\\slash\\nand line.\n"
		"# TYPE tocsin_x gauge\n"
		"tocsin_x{host=\"h\\\"1\\\"\\\\\\n\",state=\"ok\"} 0.5\n"
		"tocsin_x +Inf\n"
		"tocsin_x{state=\"ok\"} 9007199254740992\n");
	strbuf_free(&sb);
}
END_TEST

struct seen {
	struct strbuf text;
	int n;
	int stop_after;
};

static int
note_point(void *arg, const struct prom_point *p)
{
	struct seen *s = arg;

	strbuf_printf(&s->text, "%u %d %.*s", p->line, (int)p->type,
		(int)p->name_n, p->name);
	for (size_t i = 0; i < p->n_labels; i++)
		strbuf_printf(&s->text, " %.*s=%.*s", (int)p->labels[i].key_n,
			p->labels[i].key, (int)p->labels[i].value_n,
			p->labels[i].value);
	strbuf_puts(&s->text, " ");
	strbuf_put_double(&s->text, p->value);
	if (p->has_time)
		strbuf_printf(&s->text, " @%lld", (long long)p->at_ms);
	strbuf_putc(&s->text, '\n');
	return ++s->n == s->stop_after ? TC_EFULL : 0;
}

START_TEST(prometheus_text_is_read)
{
	static const char text[] = "# HELP a_total Some \\n help.\n"
		"# TYPE a_total counter\n"
		"a_total 12\n"
		"a_total{mode=\"idle\",x=\"\\\"}\",} 0.25 1767225600000\r\n"
		"\n# a comment\n"
		"# TYPE h histogram\n"
		"h_bucket{ le = \"+Inf\" } 3\n"
		"other NaN\n"
		"b:c 1.7976931348623157e+308\n"
		"d -Inf -5";
	struct seen s = { .stop_after = -1 };
	struct tc_err e = { 0 };

	ck_assert_msg(prom_parse(text, sizeof(text) - 1, note_point, &s, &e) ==
		0, "%s", e.text);
	ck_assert_str_eq(s.text.p, "3 1 a_total 12\n"
		"4 1 a_total mode=idle x=\\\"} 0.25 @1767225600000\n"
		"8 3 h_bucket le=+Inf 3\n"
		"9 0 other NaN\n"
		"10 0 b:c 1.7976931348623157e+308\n"
		"11 0 d -Inf @-5\n");
	strbuf_free(&s.text);
	s = (struct seen){ .stop_after = 2 };
	ck_assert_int_eq(prom_parse(text, sizeof(text) - 1, note_point, &s, &e),
		TC_EFULL);
	ck_assert_int_eq(s.n, 2);
	strbuf_free(&s.text);
}
END_TEST

START_TEST(wrong_prometheus_text_says_the_line)
{
	static const char *const bad[][2] = {
		{ "1a 1", "line 1: not the name of a metric" },
		{ "a 1\na", "line 2: not a number" },
		{ "a x", "line 1: not a number" },
		{ "a 0x10", "line 1: not a number" },
		{ "a 1 2 3", "line 1: something behind the sample" },
		{ "a 1 2.5", "line 1: not a time in milliseconds" },
		{ "a{b} 1", "line 1: a label is written name=\"value\"" },
		{ "a{b=\"x} 1", "line 1: a label without its closing quote" },
		{ "a{b=\"\\x\"} 1", "line 1: an unknown escape in a label" },
		{ "a{b=\"x\" c=\"y\"} 1", "line 1: labels end with }" },
		{ "a{=\"x\"} 1", "line 1: not the name of a label" },
		{ "a{b=\"\\", "line 1: a label without its closing quote" },
		{ "a{", "line 1: not the name of a label" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct seen s = { .stop_after = -1 };
		struct tc_err e = { 0 };

		ck_assert_int_eq(prom_parse(bad[i][0], strlen(bad[i][0]),
			note_point, &s, &e), TC_EPROTO);
		ck_assert_str_eq(e.text, bad[i][1]);
		strbuf_free(&s.text);
	}
}
END_TEST

int
main(void)
{
	return STORIES("wire", the_example_of_the_design_is_read,
		the_host_is_folded, what_is_wrong_is_refused_with_its_place,
		instances_are_made_canonical, limits_hold,
		too_old_and_too_new_are_found_by_index,
		every_batch_comes_back_as_it_was_written,
		metrics_of_one_name_are_written_together,
		every_failing_allocation_is_survived,
		prometheus_text_is_escaped, prometheus_text_is_read,
		wrong_prometheus_text_says_the_line);
}
