#include "t/lib/http_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/route.h"

struct http_story story;

static const char *
in_source(const char *name)
{
	static char path[512];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof(path), "%s/%s", top != NULL ? top : ".", name);
	return path;
}

void
http_begin(size_t n_hosts)
{
	struct http_conf conf = { .listen = "127.0.0.1:0",
		.openapi_path = in_source("src/http/openapi.json") };
	struct tc_err e = { 0 };
	json_error_t je;

	story.schema.doc = json_load_file(conf.openapi_path, 0, &je);
	ck_assert_msg(story.schema.doc != NULL, "%s:%d: %s", conf.openapi_path,
		je.line, je.text);
	story.fleet = (struct fake_fleet){ .n_hosts = n_hosts, .sick_every = 7,
		.down_every = 5, .generation = 1 };
	fake_io_init(&story.io, &story.fleet);
	ck_assert_msg(http_start(&conf, &story.io.io, &story.server, &e) == 0, "%s",
		e.text);
	story.ask = (struct ask){ .port = http_port(story.server),
		.token = "viewer-token" };
}

void
http_end(void)
{
	http_stop(story.server);
	fake_io_fini(&story.io);
	json_decref(story.schema.doc);
}

/* The pattern of the route, for the description. */
static const char *
pattern_of(const char *method, const char *target)
{
	char text[1024], allow[64];
	const struct route *route;
	struct target t;

	snprintf(text, sizeof(text), "%s", target);
	if (target_parse(text, &t, NULL) < 0)
		return NULL;
	route = route_find(method, &t, allow, sizeof(allow));
	return route != NULL ? route->pattern : NULL;
}

/* The body must be what the description says of this status. */
static void
check_described(const struct answer *a, const char *method, json_t *body)
{
	const char *pattern = pattern_of(method, story.ask.target);
	const json_t *rule = NULL;
	const char *type = "application/problem+json";
	char lower[16];
	size_t i;

	for (i = 0; method[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(method[i] | 0x20);
	lower[i] = '\0';
	if (pattern != NULL)
		rule = schema_of_reply(&story.schema, lower, pattern, a->status,
			&type);
	else
		rule = json_object_get(json_object_get(json_object_get(
			story.schema.doc, "components"), "schemas"), "Problem");
	ck_assert_msg(rule != NULL, "%s %s → %d is not described: %s", method,
		story.ask.target, a->status, a->body);
	ck_assert_msg(schema_match(&story.schema, rule, body), "%s %s → %d: %s\n%s",
		method, story.ask.target, a->status, story.schema.why, a->body);
	ck_assert_str_eq(answer_header(a, "Content-Type"), type);
	ck_assert_str_eq(answer_header(a, "X-Content-Type-Options"),
		"nosniff");
	ck_assert_ptr_nonnull(answer_header(a, "Cache-Control"));
}

/* Asks, wants that status, gives the body (to be freed). */
json_t *
http_get(const char *target, int status)
{
	const char *method = story.ask.method;
	struct answer a;
	json_error_t je;
	json_t *body;

	if (method == NULL)
		method = story.ask.body != NULL ? "POST" : "GET";
	story.ask.target = target;
	a = client_once(&story.ask);
	ck_assert_msg(a.status == status, "%s %s: wanted %d, got %d %s",
		method, target, status, a.status, a.body);
	body = json_loads(a.body, JSON_REJECT_DUPLICATES, &je);
	ck_assert_msg(json_is_object(body), "%s: %s: %s", target, je.text,
		a.body);
	check_described(&a, method, body);
	answer_free(&a);
	return body;
}

void
http_wants(const char *target, int status)
{
	json_decref(http_get(target, status));
}

const char *
json_text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "(none)";
}

json_t *
json_item(json_t *body, size_t i)
{
	return json_array_get(json_object_get(body, "items"), i);
}

size_t
json_n_items(json_t *body)
{
	return json_array_size(json_object_get(body, "items"));
}

void
http_counts(const char *target, size_t n)
{
	json_t *b = http_get(target, 200);

	ck_assert_msg(json_n_items(b) == n, "%s: wanted %zu, got %zu", target, n,
		json_n_items(b));
	json_decref(b);
}

