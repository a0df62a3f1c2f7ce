/*
 * Every route against the description in openapi.json: what it answers, to
 * whom, and how lists go on while the story.fleet changes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "http/route.h"
#include "t/lib/http_story.h"

START_TEST(r120_the_summary_tells_all_in_4_kib)
{
	json_t *b;
	char *text;

	http_begin(1000);
	b = http_get("/v1/summary", 200);
	ck_assert_str_eq(json_text_of(b, "state"), "unhealthy");
	ck_assert_int_eq(json_integer_value(json_object_get(
		json_object_get(b, "counts"), "unhealthy")), 200);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "hosts")), 1000);
	ck_assert_uint_eq(json_array_size(json_object_get(b, "at_risk")), 10);
	text = json_dumps(b, JSON_COMPACT);
	ck_assert_uint_le(strlen(text), 4096);
	free(text);
	json_decref(b);
	http_end();
}
END_TEST

static void
with_long_names(struct snap_host *h, size_t i, struct arena *a)
{
	char *name = arena_alloc(a, 254);

	memset(name, 'a' + (int)(i % 26), 253);
	h->name = name;
	if (h->rare->n_devices != 0) {
		name = arena_alloc(a, 1001);
		memset(name, '"', 1000);
		fake_rare(h)->risk_reason = name;
	}
}

START_TEST(r120_the_summary_has_4_kib_whatever_the_names)
{
	json_t *b;
	struct answer a;

	http_begin(1);
	story.fleet = (struct fake_fleet){ .n_hosts = 26, .sick_every = 1,
		.generation = 2, .tweak = with_long_names };
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/summary", 200);
	ck_assert_uint_ge(json_array_size(json_object_get(b, "at_risk")), 2);
	json_decref(b);
	a = client_once(&story.ask);
	ck_assert_uint_le(a.n, 4096);
	answer_free(&a);
	http_end();
}
END_TEST

START_TEST(a_host_is_told_whole)
{
	json_t *b, *d;

	http_begin(100);
	b = http_get("/v1/hosts/h00034", 200);
	ck_assert_str_eq(json_text_of(b, "name"), "h00034");
	ck_assert_str_eq(json_text_of(b, "state"), "unhealthy");
	ck_assert_str_eq(json_text_of(b, "reason"), "connect_refused");
	ck_assert_str_eq(json_text_of(b, "reason_check"), "tcp:8000");
	ck_assert_str_eq(json_text_of(b, "level"), "likely");
	ck_assert_uint_eq(json_array_size(json_object_get(b, "checks")), 2);
	d = json_array_get(json_object_get(b, "devices"), 0);
	ck_assert_str_eq(json_text_of(d, "model"), "ST4000DM000");
	json_decref(b);
	b = http_get("/v1/hosts/H00034", 200);	/* folded */
	ck_assert_str_eq(json_text_of(b, "name"), "h00034");
	json_decref(b);
	http_wants("/v1/hosts/h99999", 404);
	http_wants("/v1/hosts/h%c3%a4", 400);
	http_wants("/v1/hosts/-h", 400);
	http_end();
}
END_TEST

START_TEST(a_host_has_checks_devices_evidence)
{
	json_t *b;

	http_begin(100);
	b = http_get("/v1/hosts/h00034/checks", 200);
	ck_assert_uint_eq(json_n_items(b), 2);
	ck_assert_str_eq(json_text_of(json_item(b, 1), "key"), "tcp:8000");
	json_decref(b);
	b = http_get("/v1/hosts/h00034/devices", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	json_decref(b);
	b = http_get("/v1/hosts/h00034/evidence", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(json_item(b, 0),
		"evidence")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(json_item(b, 0),
		"counter_evidence")), 1);
	json_decref(b);
	b = http_get("/v1/hosts/h00001/devices", 200);
	ck_assert_uint_eq(json_n_items(b), 0);
	json_decref(b);
	http_wants("/v1/hosts/nobody/checks", 404);
	http_wants("/v1/hosts/nobody/devices", 404);
	http_wants("/v1/hosts/nobody/evidence", 404);
	http_end();
}
END_TEST

static void
without_verdict(struct snap_host *h, size_t i, struct arena *a)
{
	static const double odd[] = { 1, 0, 2, HUGE_VAL };
	static const struct snap_name names[] = {
		{ "b_total", "cpu=\"0\"" }, { "a", "" },
		{ "b_total", "cpu=\"1\"" }, { "c", "" } };
	static const struct snap_names odd_names = { 4, names };
	static const struct snap_live never = { .at = { 0 } };
	struct snap_check *ping = (void *)(uintptr_t)&h->checks[0];
	struct snap_check *tcp = (void *)(uintptr_t)&h->checks[1];
	struct snap_kind *kind = arena_alloc(a, sizeof(*kind));

	(void)i;
	if (h->rare->n_devices != 0) {
		struct snap_device *d = arena_alloc(a, sizeof(*d));

		*d = (struct snap_device){ .id = 9, .ident = { "disk", "", "",
			"" }, .reason = TOCSIN_WHY_NONE };
		fake_rare(h)->devices = d;
		h->level = LEVEL_NONE;
		fake_rare(h)->risk = -1;
	}
	*kind = *ping->kind;
	kind->names = &odd_names;
	ping->kind = kind;
	ping->live = fake_live(a, &never, odd, 4);
	tcp->live = fake_live(a, &never, odd, 1);
	tcp->since.ms = 0;
}

START_TEST(what_is_not_known_is_null)
{
	json_t *b, *d, *m;

	http_begin(1);
	story.fleet = (struct fake_fleet){ .n_hosts = 10, .sick_every = 7,
		.generation = 2, .tweak = without_verdict };
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/hosts/h00006", 200);
	ck_assert(json_is_null(json_object_get(b, "risk")));
	d = json_array_get(json_object_get(b, "devices"), 0);
	ck_assert(json_is_false(json_object_get(d, "judged")));
	ck_assert(json_is_null(json_object_get(d, "serial")));
	d = json_array_get(json_object_get(b, "checks"), 1);
	ck_assert(json_is_null(json_object_get(d, "at")));
	ck_assert(json_is_null(json_object_get(d, "outcome")));
	/* instances that lie apart are put together, infinity is null */
	m = json_object_get(json_array_get(json_object_get(b, "checks"), 0),
		"metrics");
	ck_assert_uint_eq(json_object_size(m), 3);
	ck_assert_uint_eq(json_object_size(json_object_get(m, "b_total")), 2);
	ck_assert(json_is_null(json_object_get(m, "c")));
	json_decref(b);
	http_wants("/v1/hosts/h00006/evidence", 200);
	http_wants("/v1/hosts/h00006/devices", 200);
	b = http_get("/v1/predictions", 200);
	ck_assert_uint_eq(json_n_items(b), 0);
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(hosts_are_filtered)
{
	http_begin(1000);
	http_counts("/v1/hosts", 100);
	http_counts("/v1/hosts?limit=7", 7);
	http_wants("/v1/hosts?limit=-1", 400);
	http_wants("/v1/hosts?limit=", 400);
	http_counts("/v1/hosts?limit=10000", 1000);
	http_counts("/v1/hosts?partition=rack3&limit=1000", 100);
	http_counts("/v1/hosts?partition=RACK3&limit=1000", 100);
	http_counts("/v1/hosts?partition=rack77", 0);
	http_counts("/v1/hosts?state=unhealthy&limit=1000", 200);
	http_counts("/v1/hosts?state=unhealthy,healthy&limit=1000", 1000);
	http_counts("/v1/hosts?state=stale", 0);
	http_counts("/v1/hosts?level=likely&limit=1000", 142);
	http_counts("/v1/hosts?level=likely&state=unhealthy&limit=1000", 28);
	http_counts("/v1/hosts?tag=team&limit=1000", 1000);
	http_counts("/v1/hosts?tag=team%3Dweb&limit=1000", 500);
	http_counts("/v1/hosts?tag=team%3Dnone", 0);
	http_counts("/v1/hosts?tag=tea", 0);
	http_counts("/v1/hosts?q=H0099&limit=1000", 10);
	http_counts("/v1/hosts?q=127.1.0.254&limit=1000", 3);
	http_wants("/v1/hosts?state=ill", 400);
	http_wants("/v1/hosts?state=", 400);
	http_wants("/v1/hosts?state=healthy,", 400);
	http_wants("/v1/hosts?level=high", 400);
	http_wants("/v1/hosts?partition=_", 400);
	http_wants("/v1/hosts?limit=0", 400);
	http_wants("/v1/hosts?limit=10001", 400);
	http_wants("/v1/hosts?limit=-1", 400);
	http_wants("/v1/hosts?limit=1e3", 400);
	http_wants("/v1/hosts?limit=", 400);
	http_wants("/v1/hosts?cursor=!!!", 400);
	http_wants("/v1/hosts?cursor=cDE", 400);	/* of another list */
	http_wants("/v1/hosts?cursor=", 400);
	http_wants("/v1/hosts?colour=red", 400);
	http_end();
}
END_TEST

/* Walks all pages by Link; `step` may change the story.fleet between them. */
static size_t
walk(const char *first, void (*step)(size_t page))
{
	char target[2048], last[64] = "";
	size_t n = 0, page = 0;
	const char *link;
	struct answer a;
	json_t *b;

	snprintf(target, sizeof(target), "%s", first);
	do {
		story.ask.target = target;
		a = client_once(&story.ask);
		ck_assert_int_eq(a.status, 200);
		b = json_loads(a.body, 0, NULL);
		for (size_t i = 0; i < json_n_items(b); i++, n++) {
			const char *name = json_text_of(json_item(b, i), "name");

			ck_assert_str_gt(name, last);
			snprintf(last, sizeof(last), "%s", name);
		}
		link = answer_header(&a, "Link");
		ck_assert((link == NULL) ==
			json_is_null(json_object_get(b, "next")));
		if (link != NULL)
			snprintf(target, sizeof(target), "%.*s",
				(int)strcspn(link + 1, ">"), link + 1);
		json_decref(b);
		answer_free(&a);
		if (step != NULL)
			step(page);
		page++;
	} while (link != NULL);
	return n;
}

static void
shrink(size_t page)
{
	story.fleet.n_hosts = page % 2 == 0 ? 900 : 1000;
	story.fleet.generation++;
	fake_io_publish(&story.io, &story.fleet);
}

START_TEST(pages_go_on_while_the_fleet_changes)
{
	http_begin(1000);
	ck_assert_uint_eq(walk("/v1/hosts?limit=1", NULL), 1000);
	ck_assert_uint_eq(walk("/v1/hosts?limit=64", NULL), 1000);
	ck_assert_uint_eq(walk("/v1/hosts?limit=1000", NULL), 1000);
	ck_assert_uint_eq(walk("/v1/hosts?limit=33&state=unhealthy", NULL),
		200);
	ck_assert_uint_eq(walk("/v1/hosts?limit=10&tag=team%3Dweb&q=h00",
		NULL), 500);
	ck_assert_uint_eq(walk("/v1/partitions?limit=3", NULL), 10);
	ck_assert_uint_ge(walk("/v1/hosts?limit=90", shrink), 900);
	http_end();
}
END_TEST

START_TEST(an_empty_fleet_has_empty_lists)
{
	http_begin(0);
	http_counts("/v1/hosts", 0);
	http_counts("/v1/partitions", 0);
	http_counts("/v1/predictions", 0);
	http_wants("/v1/summary", 200);
	http_wants("/v1/hosts/h00001", 404);
	http_end();
}
END_TEST

START_TEST(partitions_are_told)
{
	json_t *b;

	http_begin(250);
	http_counts("/v1/partitions", 3);
	b = http_get("/v1/partitions/Rack2", 200);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "hosts")), 50);
	ck_assert_str_eq(json_text_of(b, "state"), "unhealthy");
	json_decref(b);
	http_wants("/v1/partitions/rack9", 404);
	http_wants("/v1/partitions/..x", 400);
	http_end();
}
END_TEST

START_TEST(the_server_tells_about_itself)
{
	struct answer a;

	http_begin(3);
	story.ask.token = NULL;
	http_wants("/healthz", 200);
	http_wants("/readyz", 200);
	story.io.not_ready = true;
	http_wants("/readyz", 503);
	http_wants("/openapi.json", 200);
	http_wants("/", 404);	/* no page was installed */
	http_wants("/page/app.js", 404);
	story.ask.token = "viewer-token";
	story.ask.target = "/metrics";
	a = client_once(&story.ask);
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(answer_header(&a, "Content-Type"),
		"text/plain; version=0.0.4; charset=utf-8");
	ck_assert_ptr_nonnull(strstr(a.body,
		"\ntocsin_hosts{state=\"healthy\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(a.body, "\ntocsin_host_risk_ratio{host="
		"\"h00001\",partition=\"rack0\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(a.body, "\ntocsin_fake_total 1\n"));
	answer_free(&a);
	http_end();
}
END_TEST

/* HELP, then TYPE, then samples of that name, and no name twice. */
START_TEST(metrics_are_well_formed)
{
	char seen[4096] = " ", name[128] = "", word[160];
	struct answer a;
	size_t n;

	http_begin(20);
	story.ask.target = "/metrics";
	a = client_once(&story.ask);
	ck_assert_int_eq(a.status, 200);
	ck_assert_int_eq(a.body[a.n - 1], '\n');
	for (const char *at = a.body; *at != '\0'; at += n + 1) {
		n = strcspn(at, "\n");
		if (sscanf(at, "# HELP %127s", name) == 1) {
			snprintf(word, sizeof(word), " %s ", name);
			ck_assert_msg(!strstr(seen, word), "%s twice", name);
			ck_assert_uint_lt(strlen(seen) + strlen(name) + 2,
				sizeof(seen));
			strncat(seen, word + 1, sizeof(word));
		} else if (strncmp(at, "# TYPE ", 7) == 0) {
			ck_assert_int_eq(strncmp(at + 7, name, strlen(name)),
				0);
		} else {
			ck_assert_int_eq(strncmp(at, name, strlen(name)), 0);
			ck_assert_ptr_nonnull(strchr("{ ",
				at[strlen(name)]));
		}
	}
	answer_free(&a);
	http_end();
}
END_TEST

START_TEST(only_who_may_may)
{
	static const struct {
		const char *target;
		/* agent of that host, of another, viewer, operator, admin */
		int status[5];
	} rows[] = {
		{ "/v1/summary", { 403, 403, 200, 200, 200 } },
		{ "/v1/partitions", { 403, 403, 200, 200, 200 } },
		{ "/v1/partitions/rack0", { 403, 403, 200, 200, 200 } },
		{ "/v1/hosts", { 403, 403, 200, 200, 200 } },
		{ "/v1/hosts/h00001", { 200, 403, 200, 200, 200 } },
		{ "/v1/hosts/H00001", { 200, 403, 200, 200, 200 } },
		{ "/v1/hosts/h00001/checks", { 200, 403, 200, 200, 200 } },
		{ "/v1/hosts/h00001/devices", { 200, 403, 200, 200, 200 } },
		{ "/v1/hosts/h00001/evidence", { 200, 403, 200, 200, 200 } },
		{ "/v1/hosts/nobody", { 403, 403, 404, 404, 404 } },
		{ "/v1/predictions", { 403, 403, 200, 200, 200 } },
		{ "/v1/predictions/7", { 403, 403, 200, 200, 200 } },
		{ "/v1/events", { 403, 403, 200, 200, 200 } },
		{ "/v1/series?host=h00001&metric=x",
			{ 403, 403, 200, 200, 200 } },
		{ "/v1/tokens", { 403, 403, 403, 403, 200 } },
	};
	static const char *const tokens[] = { "agent-token-2", "agent-token-3",
		"viewer-token", "operator-token", "admin-token" };

	http_begin(3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t k = 0; k < ARRAY_LEN(tokens); k++) {
			story.ask.token = tokens[k];
			http_wants(rows[i].target, rows[i].status[k]);
		}
	}
	http_end();
}
END_TEST

/* "/v1/hosts/{h}/checks" → "/v1/hosts/7/checks" */
static const char *
real_path(const char *pattern, char *out, size_t size)
{
	const char *open = strchr(pattern, '{');

	if (open == NULL)
		return pattern;
	snprintf(out, size, "%.*s7%s", (int)(open - pattern), pattern,
		strchr(open, '}') + 1);
	return out;
}

START_TEST(without_a_token_only_the_public_is_shown)
{
	char path[128];
	const struct route *routes;
	size_t n;

	http_begin(3);
	routes = route_table(&n);
	for (size_t i = 0; i < n; i++) {
		const struct route *r = &routes[i];

		story.ask.token = NULL;
		story.ask.method = r->method;
		story.ask.body = strcmp(r->method, "POST") == 0 ? "{}" : NULL;
		if (r->who != MAY_ANYBODY)
			http_wants(real_path(r->pattern, path, sizeof(path)),
				401);
	}
	http_end();
}
END_TEST

static const char *
method_key(const char *method)
{
	static const char *const pairs[][2] = { { "GET", "get" },
		{ "POST", "post" }, { "PUT", "put" }, { "PATCH", "patch" },
		{ "DELETE", "delete" } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strcmp(pairs[i][0], method) == 0)
			return pairs[i][1];
	return "";
}

START_TEST(every_route_is_described)
{
	const json_t *paths;
	const struct route *routes;
	size_t n;

	http_begin(0);
	paths = json_object_get(story.schema.doc, "paths");
	routes = route_table(&n);
	for (size_t i = 0; i < n; i++) {
		const json_t *path = json_object_get(paths, routes[i].pattern);
		const char *m = routes[i].method;
		const json_t *op = json_object_get(path, method_key(m));
		const json_t *params = json_object_get(op, "parameters");
		size_t k, told = 0, named = 0;
		json_t *p;

		ck_assert_msg(op != NULL, "%s %s is not described", m,
			routes[i].pattern);
		json_array_foreach(params, k, p) {
			const char *ref = json_string_value(
				json_object_get(p, "$ref"));

			told += ref != NULL ? strstr(ref, "/limit") ||
				strstr(ref, "/cursor") :
				strcmp(json_text_of(p, "in"), "query") == 0;
		}
		for (const char *at = routes[i].params; *at != '\0';) {
			named++;
			at += strcspn(at, " ");
			at += strspn(at, " ");
		}
		ck_assert_msg(told == named, "%s: %zu parameters, %zu told",
			routes[i].pattern, named, told);
	}
	http_end();
}
END_TEST

START_TEST(strange_paths_and_methods_are_refused)
{
	struct answer a;

	http_begin(3);
	http_wants("/v1", 404);
	http_wants("/v1/", 404);
	http_wants("/v1/nothing", 404);
	http_wants("/v1/hosts/h00001/nothing", 404);
	http_wants("/v1/hosts//checks", 404);
	http_wants("/v2/summary", 404);
	story.ask.method = "DELETE";
	http_wants("/v1/summary", 405);
	story.ask.target = "/v1/tokens";
	a = client_once(&story.ask);
	ck_assert_int_eq(a.status, 405);
	ck_assert_str_eq(answer_header(&a, "Allow"), "GET, HEAD, POST");
	answer_free(&a);
	http_end();
}
END_TEST

START_TEST(r124_what_did_not_change_is_not_sent_again)
{
	struct answer a;
	char tag[128], header[256];
	static const char *const targets[] = { "/v1/summary", "/v1/hosts",
		"/v1/hosts/h00001", "/v1/hosts/h00001/checks",
		"/v1/partitions", "/v1/predictions" };

	http_begin(100);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		story.ask.target = targets[i];
		story.ask.headers = NULL;
		a = client_once(&story.ask);
		ck_assert_int_eq(a.status, 200);
		snprintf(tag, sizeof(tag), "%s", answer_header(&a, "ETag"));
		ck_assert_int_eq(strncmp(tag, "W/\"", 3), 0);
		answer_free(&a);
		snprintf(header, sizeof(header), "If-None-Match: %s\r\n", tag);
		story.ask.headers = header;
		a = client_once(&story.ask);
		ck_assert_int_eq(a.status, 304);
		ck_assert_str_eq(answer_header(&a, "ETag"), tag);
		ck_assert_uint_eq(a.n, 0);
		answer_free(&a);
		story.fleet.generation++;
		fake_io_publish(&story.io, &story.fleet);
		a = client_once(&story.ask);
		ck_assert_int_eq(a.status, 200);
		ck_assert_str_ne(answer_header(&a, "ETag"), tag);
		answer_free(&a);
	}
	story.ask.headers = "If-None-Match: \"x\", *\r\n";
	story.ask.target = "/v1/summary";
	a = client_once(&story.ask);
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	http_end();
}
END_TEST

/* The body is shared for as long as the snapshot lives; its head is not. */
START_TEST(the_age_is_of_now)
{
	json_t *b;

	http_begin(100);
	b = http_get("/v1/summary", 200);
	ck_assert_int_lt(json_integer_value(json_object_get(b, "age_ms")),
		60000);
	json_decref(b);
	story.io.clock.ahead_ns = dur_s(65).ns;
	b = http_get("/v1/summary", 200);
	ck_assert_int_ge(json_integer_value(json_object_get(b, "age_ms")),
		65000);
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(head_is_get_without_a_body)
{
	struct answer a;

	http_begin(100);
	story.ask.method = "HEAD";
	story.ask.target = "/v1/hosts?limit=10";
	a = client_once(&story.ask);
	ck_assert_int_eq(a.status, 200);
	ck_assert_int_gt(strtol(answer_header(&a, "Content-Length"), NULL, 10),
		500);
	answer_free(&a);
	http_end();
}
END_TEST

START_TEST(many_requests_use_one_connection)
{
	struct answer a;
	int fd;

	http_begin(1000);
	fd = client_open(http_port(story.server));
	for (int i = 0; i < 300; i++) {
		story.ask.target = i % 3 == 0 ? "/v1/hosts?limit=1000" :
			i % 3 == 1 ? "/v1/hosts/h00033" : "/v1/nothing";
		a = client_ask(fd, &story.ask);
		ck_assert_int_eq(a.status, i % 3 == 2 ? 404 : 200);
		answer_free(&a);
	}
	close(fd);
	http_end();
}
END_TEST

START_TEST(hostile_text_stays_text)
{
	json_t *b;

	http_begin(3);
	story.ask.method = "GET";
	http_wants("/v1/hosts?q=%22%3E%3Cscript%3E", 200);
	http_wants("/v1/%22%3C/script%3E", 404);
	http_wants("/v1/hosts?%3Cb%3E=1", 400);
	http_wants("/v1/hosts/%22%27%3C", 400);
	b = http_get("/v1/hosts?state=%22%7D%5D", 400);
	ck_assert_ptr_nonnull(strstr(json_text_of(b, "detail"), "\"}]"));
	json_decref(b);
	http_end();
}
END_TEST

int
main(void)
{
	return STORIES("http",
		r120_the_summary_tells_all_in_4_kib,
		r120_the_summary_has_4_kib_whatever_the_names, a_host_is_told_whole,
		a_host_has_checks_devices_evidence, what_is_not_known_is_null,
		hosts_are_filtered, pages_go_on_while_the_fleet_changes,
		an_empty_fleet_has_empty_lists, partitions_are_told,
		the_server_tells_about_itself, metrics_are_well_formed,
		only_who_may_may, without_a_token_only_the_public_is_shown,
		every_route_is_described,
		strange_paths_and_methods_are_refused,
		r124_what_did_not_change_is_not_sent_again, the_age_is_of_now,
		head_is_get_without_a_body, many_requests_use_one_connection,
		hostile_text_stays_text);
}
