/*
 * Lines between tocsin-smartd and its caller.
 */
#include "smart/helper.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "smart/json.h"
#include "smart/print.h"

#define X(sym, id) [sym] = (id),
static const char *const kinds[] = { SMART_KIND_TABLE(X) };
static const char *const whys[] = { SMART_HELPER_WHY_TABLE(X) };
#undef X

const char *
smart_helper_why_name(enum smart_helper_why why)
{
	return whys[why];
}

static void
put_text(struct strbuf *out, const char *key, const char *text)
{
	strbuf_printf(out, ",\"%s\":", key);
	smart_print_text(text, out);
}

void
smart_helper_put_device(struct strbuf *out, const struct smart_helper_device *d)
{
	strbuf_printf(out, "{\"id\":%u", (unsigned)d->id);
	put_text(out, "path", d->path);
	put_text(out, "type", d->type);
	put_text(out, "name", d->name);
	put_text(out, "model", d->model);
	put_text(out, "serial", d->serial);
	put_text(out, "wwn", d->wwn);
	put_text(out, "reason", whys[d->why]);
	strbuf_putc(out, '}');
}

void
smart_helper_put_reading(struct strbuf *out,
	const struct smart_helper_reading *r)
{
	strbuf_printf(out, "{\"id\":%u", (unsigned)r->id);
	put_text(out, "kind", kinds[r->kind]);
	put_text(out, "reason", whys[r->why]);
	if (r->exit.has) {
		strbuf_puts(out, ",\"exit\":");
		strbuf_put_u64(out, r->exit.v);
	}
	strbuf_puts(out, ",\"bytes\":");
	strbuf_put_u64(out, r->bytes);
	strbuf_puts(out, "}\n");
}

struct listing {
	struct smart_helper_list *list;
	bool is_list;
};

/* The place in a table of names, or −1. */
static int
find_name(const char *const *names, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0)
			return (int)i;
	}
	return -1;
}

static int
get_text(char *out, size_t size, const struct smart_json_event *ev,
	struct tc_err *e)
{
	if (ev->kind != SMART_JSON_STRING)
		return 0;
	if (ev->n >= size || ev->cut)
		return tc_fail(e, TC_EPROTO, "%s is too long", ev->path);
	memcpy(out, ev->text, ev->n + 1);
	return 0;
}

static int
get_id(uint32_t *out, const struct smart_json_event *ev, struct tc_err *e)
{
	uint64_t v;

	if (ev->kind != SMART_JSON_NUMBER ||
		u64_parse(ev->text, ev->n, &v) < 0 || v == 0 || v > UINT32_MAX)
		return tc_fail(e, TC_EPROTO, "%s is no id", ev->path);
	*out = (uint32_t)v;
	return 0;
}

static int
get_why(enum smart_helper_why *out, const struct smart_json_event *ev,
	struct tc_err *e)
{
	int at = find_name(whys, ARRAY_LEN(whys), ev->text);

	if (at < 0)
		return tc_fail(e, TC_EPROTO, "unknown reason '%.40s'", ev->text);
	*out = (enum smart_helper_why)at;
	return 0;
}

static bool
is_leaf(const struct smart_json_event *ev)
{
	return ev->kind >= SMART_JSON_STRING;
}

static int
visit_list(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	struct listing *g = arg;
	struct smart_helper_list *l = g->list;
	struct smart_helper_device *d = l->n != 0 ? &l->items[l->n - 1] : NULL;
	const char *key;

	if (strcmp(ev->path, "error") == 0 && is_leaf(ev))
		return tc_fail(e, TC_EPROTO, "the helper says: %.200s", ev->text);
	if (strcmp(ev->path, "devices") == 0 && ev->kind == SMART_JSON_ARRAY)
		g->is_list = true;
	if (strcmp(ev->path, "devices[]") == 0 && ev->kind == SMART_JSON_OBJECT) {
		if (l->n == l->max)
			return tc_fail(e, TC_EPROTO, "more than %zu devices",
				l->max);
		memset(&l->items[l->n++], 0, sizeof(*l->items));
		return 0;
	}
	if (strncmp(ev->path, "devices[].", 10) != 0 || !is_leaf(ev) || d == NULL)
		return 0;
	key = ev->path + 10;
	if (strcmp(key, "id") == 0)
		return get_id(&d->id, ev, e);
	if (strcmp(key, "path") == 0)
		return get_text(d->path, sizeof(d->path), ev, e);
	if (strcmp(key, "type") == 0)
		return get_text(d->type, sizeof(d->type), ev, e);
	if (strcmp(key, "name") == 0)
		return get_text(d->name, sizeof(d->name), ev, e);
	if (strcmp(key, "model") == 0)
		return get_text(d->model, sizeof(d->model), ev, e);
	if (strcmp(key, "serial") == 0)
		return get_text(d->serial, sizeof(d->serial), ev, e);
	if (strcmp(key, "wwn") == 0)
		return get_text(d->wwn, sizeof(d->wwn), ev, e);
	if (strcmp(key, "reason") == 0)
		return get_why(&d->why, ev, e);
	return 0;
}

int
smart_helper_get_devices(const char *line, size_t n,
	struct smart_helper_list *out, struct tc_err *e)
{
	struct listing g = { .list = out };
	int rc;

	out->n = 0;
	if ((rc = smart_json_walk(line, n, visit_list, &g, e)) < 0)
		return rc;
	if (!g.is_list)
		return tc_fail(e, TC_EPROTO, "not a list of devices");
	for (size_t i = 0; i < out->n; i++) {
		if (out->items[i].id == 0)
			return tc_fail(e, TC_EPROTO, "a device without an id");
	}
	return 0;
}

static int
visit_reading(void *arg, const struct smart_json_event *ev, struct tc_err *e)
{
	struct smart_helper_reading *r = arg;
	uint64_t v;
	int at;

	if (!is_leaf(ev))
		return 0;
	if (strcmp(ev->path, "error") == 0)
		return tc_fail(e, TC_EPROTO, "the helper says: %.200s", ev->text);
	if (strcmp(ev->path, "id") == 0)
		return get_id(&r->id, ev, e);
	if (strcmp(ev->path, "reason") == 0)
		return get_why(&r->why, ev, e);
	if (strcmp(ev->path, "kind") == 0) {
		at = find_name(kinds, ARRAY_LEN(kinds), ev->text);
		if (at < 0)
			return tc_fail(e, TC_EPROTO, "unknown kind '%.40s'",
				ev->text);
		r->kind = (enum smart_kind)at;
		return 0;
	}
	if (strcmp(ev->path, "exit") != 0 && strcmp(ev->path, "bytes") != 0)
		return 0;
	if (u64_parse(ev->text, ev->n, &v) < 0)
		return tc_fail(e, TC_EPROTO, "%s is no number", ev->path);
	if (ev->path[0] == 'e')
		r->exit = smart_u64(v);
	else
		r->bytes = v;
	return 0;
}

int
smart_helper_get_reading(const char *line, size_t n,
	struct smart_helper_reading *out, struct tc_err *e)
{
	struct smart_helper_reading r = { 0 };
	int rc;

	if ((rc = smart_json_walk(line, n, visit_reading, &r, e)) < 0)
		return rc;
	if (r.id == 0 || r.bytes > SMART_HELPER_DATA_MAX)
		return tc_fail(e, TC_EPROTO, "not a reading");
	*out = r;
	return 0;
}
