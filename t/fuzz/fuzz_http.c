/*
 * The first line is the target of a request, the others are header lines.
 * What passes the guard and the parser must hold no byte that they forbid.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/guard.h"
#include "http/query.h"
#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
want(bool ok)
{
	if (!ok)
		abort();
}

static void
want_clean(const char *text)
{
	for (; *text != '\0'; text++)
		want((unsigned char)*text >= 0x20 && *text != 0x7f);
}

/* A cursor that is taken must be one that we would give. */
static void
try_cursor(const char *text)
{
	char key[CURSOR_KEY_BYTES], again[CURSOR_KEY_BYTES];
	struct strbuf made = { 0 };

	if (cursor_parse(text, 'h', key, NULL) < 0)
		return;
	cursor_put(&made, 'h', key);
	want(cursor_parse(strbuf_str(&made), 'h', again, NULL) == 0);
	want(strcmp(key, again) == 0);
	strbuf_free(&made);
}

static void
try_target(char *text)
{
	static const uint64_t limits[3] = { 1, 10000, 100 };
	struct wall at = { 0 };
	struct target t;
	char allow[64];
	uint64_t n = 0;
	const char *value;

	guard_uri(text);
	if (target_parse(text, &t, NULL) < 0)
		return;
	want(t.n_segs <= TARGET_SEGMENTS_MAX);
	want(t.n_params <= TARGET_PARAMS_MAX);
	for (size_t i = 0; i < t.n_segs; i++)
		want_clean(t.segs[i]);
	for (size_t i = 0; i < t.n_params; i++) {
		want_clean(t.params[i].name);
		want_clean(t.params[i].value);
		list_has(t.params[i].value, "stale");
		try_cursor(t.params[i].value);
	}
	value = target_get(&t, "limit");
	if (target_u64(&t, "limit", limits, &n, NULL) == 0)
		want(n >= 1 && n <= 10000 && (value != NULL || n == 100));
	target_wall(&t, "from", &at, NULL);
	target_unknown(&t, "limit cursor from");
	route_find("GET", &t, allow, sizeof(allow));
	route_find("BREW", &t, allow, sizeof(allow));
	want(strlen(allow) < sizeof(allow));
}

/* As libmicrohttpd cuts it: at the colon, blanks before the value gone. */
static void
try_header(struct guard *g, char *line)
{
	char *value = strchr(line, ':');

	if (value == NULL)
		return;
	*value++ = '\0';
	guard_header(g, line, value + strspn(value, " \t"));
}

static void
try_guard(char *line)
{
	struct guard g = { 0 };
	const char *token;
	char *next;
	size_t n = 0;

	guard_line(&g, "POST", "/", 1, "HTTP/1.1");
	for (; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		try_header(&g, line);
	}
	if (!guard_finish(&g)) {
		want(g.status >= 400 && g.status < 600 && g.why != NULL);
		return;
	}
	want(g.n_host == 1 && g.n_length + g.n_transfer <= 1 && g.n_auth <= 1);
	want(g.has_body == (g.n_transfer != 0 || g.length_bytes != 0));
	token = guard_bearer(g.auth, &n);
	want(token == NULL || (n > 0 && memchr(token, ' ', n) == NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *rest;

	if (text == NULL)
		return 0;
	if (size != 0)
		memcpy(text, data, size);
	text[size] = '\0';
	rest = strchr(text, '\n');
	if (rest != NULL)
		*rest++ = '\0';
	if (rest != NULL)
		try_guard(rest);
	try_target(text);
	free(text);
	return 0;
}
