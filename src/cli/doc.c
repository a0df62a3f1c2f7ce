#include "cli/doc.h"

#include <stdio.h>

/* C0, DEL, and C1 as UTF-8 writes it (C2 80 … C2 9F). */
static void
blank_controls(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = ' ';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = ' ';
	}
}

static const char *
keep_text(struct json_read *r, struct arena *a, struct json_str s)
{
	char *copy = arena_strndup(a, s.p, s.n);

	if (!copy) {
		json_fail_memory(r);
		return "";
	}
	blank_controls(copy);
	return copy;
}

static void
read_number(struct json_read *r, struct arena *a, struct doc *t)
{
	struct json_num num = json_get_num(r);
	char text[32];
	int n;

	switch (num.type) {
	case TOCSIN_F64:
		t->number = num.v.f64;
		n = snprintf(text, sizeof(text), "%.15g", num.v.f64);
		break;
	case TOCSIN_U64:
		t->number = (double)num.v.u64;
		n = snprintf(text, sizeof(text), "%llu",
			(unsigned long long)num.v.u64);
		break;
	case TOCSIN_I64:
	default:
		t->number = (double)num.v.i64;
		n = snprintf(text, sizeof(text), "%lld",
			(long long)num.v.i64);
		break;
	}
	t->text = keep_text(r, a, (struct json_str){ text, (size_t)n });
}

static struct doc *read_value(struct json_read *r, struct arena *a);

/* One member or item more, behind *end. */
static void
add_child(struct json_read *r, struct arena *a, struct doc *parent,
	struct doc ***end)
{
	struct doc *child = read_value(r, a);

	if (!child)
		return;
	**end = child;
	*end = &child->next;
	parent->n++;
}

static void
read_children(struct json_read *r, struct arena *a, struct doc *t)
{
	struct doc **end = &t->first;
	struct json_str key;

	if (t->kind == JSON_ARRAY) {
		json_enter_array(r);
		while (json_next_item(r))
			add_child(r, a, t, &end);
		return;
	}
	json_enter_object(r);
	while (json_next_key(r, &key)) {
		struct doc **place = end;
		const char *name = keep_text(r, a, key);

		add_child(r, a, t, &end);
		if (*place)
			(*place)->key = name;
	}
}

/* As deep as the reader goes: 32. */
static struct doc *
read_value(struct json_read *r, struct arena *a)
{
	struct doc *t = arena_alloc(a, sizeof(*t));

	if (!t) {
		json_fail_memory(r);
		return NULL;
	}
	t->kind = json_peek(r);
	t->key = t->text = "";
	switch (t->kind) {
	case JSON_BAD:
		json_skip(r);
		break;
	case JSON_NULL:
		json_get_null(r);
		break;
	case JSON_BOOL:
		t->number = json_get_bool(r);
		break;
	case JSON_NUMBER:
		read_number(r, a, t);
		break;
	case JSON_STRING:
		t->text = keep_text(r, a, json_get_str(r));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		read_children(r, a, t);
		break;
	}
	return t;
}

int
doc_parse(struct arena *a, struct strbuf *text, struct doc **out,
	struct tc_err *e)
{
	struct json_read r;
	struct doc *t;
	int rc;

	if (!strbuf_reserve(text, 1))
		return tc_fail(e, TC_ENOMEM, "out of memory");
	text->p[text->n] = '\0';
	json_open(&r, text->p, text->n);
	t = read_value(&r, a);
	if ((rc = json_close(&r, e)) < 0)
		return rc;
	*out = t;
	return 0;
}

const struct doc *
doc_get(const struct doc *t, const char *key)
{
	if (!t || t->kind != JSON_OBJECT)
		return NULL;
	for (const struct doc *c = t->first; c; c = c->next) {
		if (strcmp(c->key, key) == 0)
			return c;
	}
	return NULL;
}

const char *
doc_text(const struct doc *t, const char *key)
{
	const struct doc *c = doc_get(t, key);

	return c ? c->text : "";
}

double
doc_number(const struct doc *t, const char *key, double otherwise)
{
	const struct doc *c = doc_get(t, key);

	return c && c->kind == JSON_NUMBER ? c->number : otherwise;
}

bool
doc_true(const struct doc *t, const char *key)
{
	const struct doc *c = doc_get(t, key);

	return c && c->kind == JSON_BOOL && c->number != 0;
}

struct wall
doc_wall(const struct doc *t, const char *key)
{
	const char *text = doc_text(t, key);
	struct wall w = { 0 };

	if (wall_parse(text, strlen(text), &w) < 0)
		w.ms = 0;
	return w;
}
