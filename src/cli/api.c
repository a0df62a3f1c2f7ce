/*
 * The server, asked.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "wire/json_write.h"

#define DEFAULT_URL "http://127.0.0.1:8420"
#define PAGE_ITEMS 1000

static const char *
state_dir_of(const struct cli *c)
{
	return c->opt.state_dir ? c->opt.state_dir : TOCSIN_STATEDIR;
}

/* One line of DIR/server.url; false when there is none. */
static bool
read_url(struct cli *c)
{
	struct strbuf text = {0};
	char path[512];
	bool found;

	snprintf(path, sizeof(path), "%s/server.url", state_dir_of(c));
	found = access(path, R_OK) == 0 &&
		client_read_token(path, &text, NULL) == 0 &&
		text.n < sizeof(c->url);
	if (found)
		memcpy(c->url, text.p, text.n + 1);
	strbuf_free(&text);
	return found;
}

static void
choose_url(struct cli *c)
{
	const char *env = getenv("TOCSIN_SERVER");

	if (c->opt.server)
		snprintf(c->url, sizeof(c->url), "%s", c->opt.server);
	else if (c->opt.state_dir && read_url(c))
		return;
	else if (env && *env)
		snprintf(c->url, sizeof(c->url), "%s", env);
	else if (!read_url(c))
		snprintf(c->url, sizeof(c->url), DEFAULT_URL);
}

static int
choose_token(struct cli *c, struct client *client, struct tc_err *e)
{
	const char *env = getenv("TOCSIN_TOKEN");
	struct strbuf token = {0};
	char path[512];
	int rc = 0;

	snprintf(path, sizeof(path), "%s/admin.token", state_dir_of(c));
	if (c->opt.token_file)
		rc = client_read_token(c->opt.token_file, &token, e);
	else if (!c->opt.state_dir && env && *env)
		strbuf_puts(&token, env);
	else if (access(path, R_OK) == 0)
		rc = client_read_token(path, &token, e);
	if (rc == 0)
		rc = client_set_token(client, strbuf_str(&token), e);
	strbuf_free(&token);
	return rc;
}

static int
open_one(struct cli *c, struct client **out, struct tc_err *e)
{
	struct client_conf conf = { .url = c->url, .ca_file = c->opt.ca_file,
		.user_agent = "tocsin/" TOCSIN_VERSION,
		.reply_max = (size_t)256 << 20 };
	int rc;

	if ((rc = client_open(&conf, out, e)) < 0)
		return rc;
	return choose_token(c, *out, e);
}

int
api_open(struct cli *c, struct tc_err *e)
{
	if (c->client)
		return 0;
	choose_url(c);
	return open_one(c, &c->client, e);
}

int
api_clone(struct cli *c, struct client **out, struct tc_err *e)
{
	int rc = api_open(c, e);

	return rc < 0 ? rc : open_one(c, out, e);
}

static int
refuse(const struct cli *c, struct tc_err *e)
{
	char why[384];

	client_problem(&c->reply, why, sizeof(why));
	if (c->reply.status == 401 && c->opt.state_dir && !c->opt.token_file)
		return tc_fail(e, TC_EPERM, "%s: %s; %s/admin.token is not "
			"of this server, or may not be read", c->url, why,
			c->opt.state_dir);
	if (c->reply.status == 401)
		return tc_fail(e, TC_EPERM, "%s: %s (--token-file, "
			"$TOCSIN_TOKEN or --state-dir says who asks)", c->url,
			why);
	return tc_fail(e, c->reply.status == 404 ? TC_ENOENT : TC_EPROTO,
		"%s: %s", c->url, why);
}

int
api_send(struct cli *c, const char *method, const char *path,
	const struct strbuf *body, struct doc **out, struct tc_err *e) /* lint: a request is so */
{
	struct client_request q = { .method = method, .path = path,
		.timeout = dur_s(30) };
	struct strbuf copy = {0};
	int rc;

	if (body && body->failed)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (body) {
		q.body = strbuf_str(body);
		q.n = body->n;
	}
	if ((rc = api_open(c, e)) < 0 ||
	    (rc = client_send(c->client, &q, &c->reply, e)) < 0)
		return rc;
	if (c->reply.status < 200 || c->reply.status > 299)
		return refuse(c, e);
	/* the reader changes what it reads; --json prints what came */
	strbuf_add(&copy, c->reply.body.p, c->reply.body.n);
	rc = doc_parse(&c->arena, &copy, out, e);
	if (rc < 0)
		rc = tc_wrap(e, "%s%s: is this a tocsind?", c->url, path);
	else
		c->now = doc_wall(*out, "generated_at");
	if (c->now.ms == 0)
		c->now = c->clock->wall(c->clock);
	strbuf_free(&copy);
	return rc;
}

int
api_get(struct cli *c, const char *path, struct doc **out, struct tc_err *e)
{
	return api_send(c, "GET", path, NULL, out, e);
}

void
api_escape(struct strbuf *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= 'a' && *p <= 'z') || strchr("-._~", *p))
			strbuf_putc(out, (char)*p);
		else
			strbuf_printf(out, "%%%02X", *p);
	}
}

void
api_filter(struct strbuf *path, const char *name, const char *value)
{
	if (!value)
		return;
	strbuf_printf(path, "%c%s=", strchr(path->p, '?') ? '&' : '?', name);
	api_escape(path, value);
}

void
api_put_names(struct json_write *w, const char *key, const char *names)
{
	json_add_array(w, key);
	while (*names) {
		size_t n = strcspn(names, ",");

		if (n > 0)
			json_put_str_n(w, names, n);
		names += n + (names[n] == ',');
	}
	json_put_end(w);
}

/* Under sudo it is who called it, not root. */
void
api_put_person(const struct cli *c, struct json_write *w)
{
	const char *name = c->opt.person ? c->opt.person : getenv("SUDO_USER");
	const struct passwd *p = name && *name ? NULL : getpwuid(getuid());

	if (p)
		name = p->pw_name;
	if (name && *name)
		json_add_str(w, "person", name);
}

void
api_print(struct cli *c)
{
	if (c->out.format != OUT_JSON)
		return;
	strbuf_add(&c->out.text, c->reply.body.p, c->reply.body.n);
	if (c->reply.body.n == 0 ||
	    c->reply.body.p[c->reply.body.n - 1] != '\n')
		strbuf_putc(&c->out.text, '\n');
}

/* ---- lists ---- */

static void
put_doc(struct json_write *w, const struct doc *t)
{
	switch (t->kind) {
	case JSON_BAD:
	case JSON_NULL:
		json_put_null(w);
		return;
	case JSON_BOOL:
		json_put_bool(w, t->number != 0);
		return;
	case JSON_NUMBER:
		json_put_raw(w, t->text, strlen(t->text));
		return;
	case JSON_STRING:
		json_put_str(w, t->text);
		return;
	case JSON_ARRAY:
		json_put_array(w);
		break;
	case JSON_OBJECT:
		json_put_object(w);
		break;
	}
	for (const struct doc *child = t->first; child; child = child->next) {
		if (t->kind == JSON_OBJECT)
			json_put_key(w, child->key);
		put_doc(w, child);
	}
	json_put_end(w);
}

/* The pages as if they had been one, in the place of the last reply. */
static void
print_list(struct cli *c, const struct doc *items, const struct doc *page)
{
	struct json_write w;

	if (c->out.format != OUT_JSON)
		return;
	json_begin(&w, &c->out.text);
	json_put_object(&w);
	json_put_key(&w, "items");
	put_doc(&w, items);
	json_add_null(&w, "next");
	json_add_str(&w, "generated_at", doc_text(page, "generated_at"));
	json_add_i64(&w, "age_ms", (int64_t)doc_number(page, "age_ms", 0));
	json_put_end(&w);
	strbuf_putc(&c->out.text, '\n');
}

/* Takes the page's items over; how many are still wanted. */
static uint64_t
take_items(struct doc *items, struct doc ***end, const struct doc *page,
	uint64_t wanted)
{
	const struct doc *list = doc_get(page, "items");
	struct doc *next;

	for (struct doc *t = list ? list->first : NULL; t && wanted > 0;
	     t = next) {
		next = t->next;
		t->next = NULL;
		**end = t;
		*end = &t->next;
		items->n++;
		wanted--;
	}
	return wanted;
}

int
api_list(struct cli *c, const char *path, uint64_t limit, struct doc **out,
	struct tc_err *e)
{
	struct doc *items = arena_alloc(&c->arena, sizeof(*items));
	struct doc **end = items ? &items->first : NULL;
	struct doc *page = NULL;
	struct strbuf full = {0};
	const char *cursor = "";
	uint64_t wanted = limit ? limit : UINT64_MAX;
	int rc = items ? 0 : tc_fail(e, TC_ENOMEM, "out of memory");

	while (rc == 0) {
		strbuf_reset(&full);
		strbuf_printf(&full, "%s%climit=%d", path,
			strchr(path, '?') ? '&' : '?',
			wanted < PAGE_ITEMS ? (int)wanted : PAGE_ITEMS);
		if (*cursor) {
			strbuf_puts(&full, "&cursor=");
			api_escape(&full, cursor);
		}
		rc = api_get(c, strbuf_str(&full), &page, e);
		if (rc < 0)
			break;
		wanted = take_items(items, &end, page, wanted);
		cursor = doc_text(page, "next");
		if (!*cursor || wanted == 0)
			break;
	}
	strbuf_free(&full);
	if (rc < 0)
		return rc;
	items->kind = JSON_ARRAY;
	items->key = items->text = "";
	print_list(c, items, page);
	*out = items;
	return 0;
}
