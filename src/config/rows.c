#include "config/rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define ROWS_MAX 256

static const char by_default[] = "default";

void
reader_fail(struct reader *rd, unsigned line, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	config_errors_add(rd->errs, false, reader_origin(rd, line), "%s", text);
}

void *
reader_alloc(struct reader *rd, size_t n, size_t size)
{
	void *p = n <= SIZE_MAX / size ? arena_alloc(rd->arena, n * size) :
		NULL;

	if (p == NULL)
		rd->no_memory = true;
	return p;
}

struct opt_origin
reader_origin(const struct reader *rd, unsigned line)
{
	return (struct opt_origin){ rd->file, line };
}

/* ---- the nearest name ---- */

/* Letters in another order are one slip, not two. */
static bool
is_swapped(const char *a, const char *b)
{
	int count[256] = { 0 };
	size_t n = strlen(a);

	if (n != strlen(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		count[(unsigned char)a[i]]++;
		count[(unsigned char)b[i]]--;
	}
	for (size_t i = 0; i < ARRAY_LEN(count); i++)
		if (count[i] != 0)
			return false;
	return true;
}

void
nearest_offer(struct nearest *near, const char *name)
{
	size_t max = strlen(near->wanted) / 3 + 1;
	size_t d = is_swapped(near->wanted, name) ? 1 :
		edit_distance(near->wanted, name, max);

	if (d > max || (near->best != NULL && d >= near->distance))
		return;
	near->best = name;
	near->distance = d;
}

const char *
nearest_text(const struct nearest *near, char *text, size_t size)
{
	text[0] = '\0';
	if (near->best != NULL)
		snprintf(text, size, "; did you mean '%s'?", near->best);
	return text;
}

/* ---- structure ---- */

static const struct node *
get_kind(struct reader *rd, const struct node *parent, const char *where,
	const char *key, enum node_kind kind)
{
	const struct node *n = node_get(parent, key);

	if (n == NULL || node_is_null(n))
		return NULL;
	if (n->kind == kind)
		return n;
	reader_fail(rd, n->line, "%s%s%s: not a %s", where,
		where[0] != '\0' ? ": " : "", key,
		kind == NODE_MAP ? "map (key: value)" : "list");
	return NULL;
}

const struct node *
reader_map(struct reader *rd, const struct node *parent, const char *where,
	const char *key)
{
	return get_kind(rd, parent, where, key, NODE_MAP);
}

const struct node *
reader_list(struct reader *rd, const struct node *parent, const char *where,
	const char *key)
{
	return get_kind(rd, parent, where, key, NODE_LIST);
}

void
reader_texts(struct reader *rd, const struct node *parent, const char *where,
	const char *key, struct config_list *out)
{
	const struct node *list = reader_list(rd, parent, where, key);

	*out = (struct config_list){ .origin = { by_default, 0 } };
	if (list == NULL)
		return;
	out->origin = reader_origin(rd, list->line);
	out->items = reader_alloc(rd, list->n, sizeof(*out->items));
	for (size_t i = 0; i < list->n && out->items != NULL; i++) {
		const struct node *n = list->items[i];

		if (n->kind != NODE_SCALAR || n->text[0] == '\0')
			reader_fail(rd, n->line, "%s: %s: not a text", where,
				key);
		else
			out->items[out->n++] = n->text;
	}
}

/* Keys go with the tree. */
static const char *
keep_text(struct reader *rd, const char *text)
{
	const char *copy = arena_strdup(rd->arena, text);

	if (copy == NULL)
		rd->no_memory = true;
	return copy != NULL ? copy : "";
}

void
reader_tags(struct reader *rd, const struct node *map, const char *where,
	struct tag **out, size_t *n)
{
	struct tag *tags = reader_alloc(rd, map->n, sizeof(*tags));

	*n = 0;
	*out = tags;
	for (size_t i = 0; i < map->n && tags != NULL; i++) {
		const struct node *value = map->items[i];

		if (map->keys[i][0] == '\0' || strlen(map->keys[i]) > 128)
			reader_fail(rd, map->key_lines[i],
				"%s: a key of 1 to 128 bytes is wanted", where);
		else if (value->kind != NODE_SCALAR ||
		    strlen(value->text) > 1024)
			reader_fail(rd, value->line, "%s: %s: not a text of at "
				"most 1024 bytes", where, map->keys[i]);
		else
			tags[(*n)++] = (struct tag){
				keep_text(rd, map->keys[i]), value->text };
	}
}

/* ---- sets of values ---- */

size_t
rows_count(const struct tocsin_opt *rows)
{
	size_t n = 0;

	while (n < ROWS_MAX && rows[n].name != NULL)
		n++;
	return n;
}

static bool
values_alloc(struct reader *rd, const struct tocsin_opt *rows,
	struct config_values *out)
{
	*out = (struct config_values){ .rows = rows, .n = rows_count(rows) };
	out->v = reader_alloc(rd, out->n, sizeof(*out->v));
	out->origins = reader_alloc(rd, out->n, sizeof(*out->origins));
	return out->v != NULL && out->origins != NULL;
}

bool
values_init(struct reader *rd, const struct tocsin_opt *rows,
	struct config_values *out)
{
	struct tc_err e;

	if (!values_alloc(rd, rows, out))
		return false;
	for (size_t i = 0; i < out->n; i++) {
		out->origins[i].file = by_default;
		out->v[i].s = "";
		if (rows[i].dflt == NULL || value_parse(&rows[i],
			rows[i].dflt, true, &out->v[i], &e) == 0)
			continue;
		/* a plugin's row; ours are tested */
		reader_fail(rd, 0, "the default of the option '%s' is wrong: "
			"%s", rows[i].name, e.text);
	}
	return true;
}

bool
values_copy(struct reader *rd, const struct config_values *from,
	struct config_values *out)
{
	if (!values_alloc(rd, from->rows, out))
		return false;
	memcpy(out->v, from->v, out->n * sizeof(*out->v));
	memcpy(out->origins, from->origins, out->n * sizeof(*out->origins));
	return true;
}

static bool
is_listed(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* A key of the map that is being read. */
struct at {
	const char *where;
	const char *key;
	unsigned line;
};

static void
fail_unknown(struct reader *rd, const struct at *at,
	struct config_values *const *sets, const char *const *other)
{
	struct nearest near = { .wanted = at->key };
	char hint[160];

	for (; *sets != NULL; sets++)
		for (size_t i = 0; i < (*sets)->n; i++)
			nearest_offer(&near, (*sets)->rows[i].name);
	for (; *other != NULL; other++)
		nearest_offer(&near, *other);
	reader_fail(rd, at->line, "%s%sunknown key '%.60s'%s", at->where,
		at->where[0] != '\0' ? ": " : "", at->key,
		nearest_text(&near, hint, sizeof(hint)));
}

static void
read_value(struct reader *rd, const struct node *n, const char *where,
	struct config_values *set, size_t i)
{
	const struct tocsin_opt *row = &set->rows[i];
	const char *colon = where[0] != '\0' ? ": " : "";
	struct tc_err e;

	set->origins[i] = reader_origin(rd, n->line);
	if (i < 64)
		set->set |= UINT64_C(1) << i;
	if (n->kind != NODE_SCALAR)
		reader_fail(rd, n->line, "%s%s%s: one value is wanted, not a %s",
			where, colon, row->name,
			n->kind == NODE_MAP ? "map" : "list");
	else if (node_is_null(n))
		reader_fail(rd, n->line, "%s%s%s: no value", where, colon,
			row->name);
	else if (value_parse(row, n->text, n->plain, &set->v[i], &e) < 0)
		reader_fail(rd, n->line, "%s%s%s: %s", where, colon, row->name,
			e.text);
}

/* False when no set has the row. */
static bool
read_key(struct reader *rd, const struct node *map, size_t at,
	struct config_values *const *sets, const char *where)
{
	for (; *sets != NULL; sets++) {
		struct config_values *set = *sets;

		for (size_t i = 0; i < set->n; i++) {
			if (strcmp(set->rows[i].name, map->keys[at]) != 0)
				continue;
			read_value(rd, map->items[at], where, set, i);
			return true;
		}
	}
	return false;
}

void
values_read(struct reader *rd, const struct node *map, const char *where,
	struct config_values *const *sets, const char *const *other)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct at at = { where, map->keys[i], map->key_lines[i] };

		if (!read_key(rd, map, i, sets, where) &&
		    !is_listed(other, at.key))
			fail_unknown(rd, &at, sets, other);
	}
	for (; *sets != NULL; sets++) {
		struct config_values *set = *sets;

		for (size_t i = 0; i < set->n; i++)
			if (set->rows[i].dflt == NULL &&
			    set->origins[i].line == 0)
				reader_fail(rd, map->line, "%s%s'%s' is missing",
					where, where[0] != '\0' ? ": " : "",
					set->rows[i].name);
	}
}
