#include "engine/shared.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "health/load.h"
#include "predict/signals.h"

static const char *
interned(struct shared *s, const char *text)
{
	return intern_name(s->names, intern_put(s->names, text,
		strlen(text)));
}

void
shared_free(struct shared *s)
{
	size_t at = 0;
	void *p;

	while ((p = hash_next(&s->kinds, &at)) != NULL)
		mem_free(p);
	at = 0;
	while ((p = hash_next(&s->shapes, &at)) != NULL)
		mem_free(p);
	hash_free(&s->kinds);
	hash_free(&s->shapes);
}

/* ---- kinds ---- */

static size_t
n_rows(const struct tocsin_opt *rows)
{
	size_t n = 0;

	while (rows != NULL && rows[n].name != NULL)
		n++;
	return n;
}

static size_t
text_bytes(const char *text)
{
	return text != NULL ? strlen(text) + 1 : 0;
}

/* The same bytes for the same kind: no padding, no address of the caller's. */
static int
ident_of(struct shared *s, const struct kind_wish *w, struct strbuf *out)
{
	const void *const names[] = { interned(s, w->key),
		interned(s, w->probe), interned(s, w->origin), w->opt_rows };
	const int64_t times[] = { w->rule.interval.ns, w->rule.timeout.ns,
		w->rule.recheck.ns, w->rule.recheck_timeout.ns,
		w->rule.fail_after, w->rule.clear_after, w->rule.stale_after,
		w->rule.fail_some, w->rule.fail_of, w->rule.flap_after,
		w->rule.flap_within, w->rule.flap_clear };
	size_t n = n_rows(w->opt_rows);

	if (names[0] == NULL || names[1] == NULL || names[2] == NULL)
		return TC_ENOMEM;
	strbuf_add(out, names, sizeof(names));
	strbuf_add(out, times, sizeof(times));
	for (size_t i = 0; i < n; i++) {
		const struct tocsin_value *v = &w->opts[i];

		strbuf_add(out, &v->i, sizeof(v->i));
		strbuf_add(out, &v->d, sizeof(v->d));
		strbuf_add(out, v->s != NULL ? v->s : "",
			v->s != NULL ? strlen(v->s) + 1 : 1);
	}
	return out->failed ? TC_ENOMEM : 0;
}

static unsigned
traits_of(const char *probe)
{
	if (strcmp(probe, "ping") == 0)
		return KIND_PING | KIND_PROMPT;
	if (strcmp(probe, "tcp") == 0)
		return KIND_PROMPT;
	if (strcmp(probe, "cpu") == 0)
		return KIND_CPU;
	return strncmp(probe, "signal", 6) == 0 ? KIND_SIGNAL : 0;
}

/* Values and their texts behind the ident, aligned. */
static void
copy_opts(struct check_kind *k, const struct kind_wish *w, size_t at)
{
	size_t n = n_rows(w->opt_rows);
	struct tocsin_value *opts = (void *)((char *)k + at);
	char *text = (char *)(opts + n);

	for (size_t i = 0; i < n; i++) {
		size_t bytes = text_bytes(w->opts[i].s);

		opts[i] = w->opts[i];
		if (bytes == 0)
			continue;
		memcpy(text, w->opts[i].s, bytes);
		opts[i].s = text;
		text += bytes;
	}
	k->opt_rows = w->opt_rows;
	k->opts = opts;
}

static struct check_kind *
kind_new(struct shared *s, const struct kind_wish *w, const struct strbuf *id)
{
	size_t n = n_rows(w->opt_rows);
	size_t at = (sizeof(struct check_kind) + id->n + 15) & ~(size_t)15;
	size_t bytes = at + n * sizeof(struct tocsin_value);
	struct check_kind *k;

	for (size_t i = 0; i < n; i++)
		bytes += text_bytes(w->opts[i].s);
	k = mem_alloc(bytes);
	if (k == NULL)
		return NULL;
	k->n_ident = id->n;
	memcpy(k->ident, id->p, id->n);
	if (hash_put(&s->kinds, k->ident, id->n, k) < 0) {
		mem_free(k);
		return NULL;
	}
	k->key = interned(s, w->key);
	k->probe = interned(s, w->probe);
	k->traits = traits_of(w->probe);
	k->origin = interned(s, w->origin);
	k->rule = w->rule;
	copy_opts(k, w, at);
	return k;
}

const struct check_kind *
kind_get(struct shared *s, const struct kind_wish *w)
{
	struct strbuf id = { 0 };
	struct check_kind *k = NULL;

	if (ident_of(s, w, &id) == 0) {
		k = hash_get(&s->kinds, id.p, id.n);
		if (k == NULL)
			k = kind_new(s, w, &id);
	}
	strbuf_free(&id);
	if (k != NULL)
		k->refs++;
	return k;
}

void
kind_put(struct shared *s, const struct check_kind *k)
{
	struct check_kind *own = (struct check_kind *)(uintptr_t)k;

	if (own == NULL || --own->refs > 0)
		return;
	hash_remove(&s->kinds, own->ident, own->n_ident);
	mem_free(own);
}

struct kind_wish
kind_as_wish(const struct check_kind *k)
{
	return (struct kind_wish){ k->key, k->probe, k->origin, k->rule,
		k->opt_rows, k->opts };
}

/* ---- shapes ---- */

static size_t
names_bytes(size_t n)
{
	return n * sizeof(struct metric_name);
}

/* Behind the names; every metric is looked up once, when its shape is new. */
static void
find_signals(struct metric_shape *shape)
{
	uint8_t *signals = (uint8_t *)&shape->of[shape->n];

	shape->signals = signals;
	for (size_t i = 0; i < shape->n; i++) {
		signals[i] = signal_of_metric(shape->of[i].name);
		shape->tells = shape->tells || signals[i] != SIGNAL_NONE;
		shape->loads = shape->loads ||
			load_tells(shape->of[i].name);
	}
}

/* Takes over `fresh`, or frees it when the same shape is there already. */
static struct metric_shape *
shape_get(struct shared *s, struct metric_shape *fresh)
{
	struct metric_shape *known = hash_get(&s->shapes, fresh->of,
		names_bytes(fresh->n));

	if (known != NULL || hash_put(&s->shapes, fresh->of,
		    names_bytes(fresh->n), fresh) < 0) {
		mem_free(fresh);
		fresh = known;
	} else {
		find_signals(fresh);
	}
	if (fresh != NULL)
		fresh->refs++;
	return fresh;
}

const struct metric_shape *
shape_ref(const struct metric_shape *shape)
{
	if (shape != NULL)
		((struct metric_shape *)(uintptr_t)shape)->refs++;
	return shape;
}

void
shape_put(struct shared *s, const struct metric_shape *shape)
{
	struct metric_shape *own = (struct metric_shape *)(uintptr_t)shape;

	if (own == NULL || --own->refs > 0)
		return;
	hash_remove(&s->shapes, own->of, names_bytes(own->n));
	mem_free(own);
}

static bool
is_named(const struct metric_name *name, const struct metric *m)
{
	return name->instance[0] == m->instance[0] &&
		strcmp(name->name, m->name) == 0 &&
		(m->instance[0] == '\0' ||
		strcmp(name->instance, m->instance) == 0);
}

static size_t
place_of(const struct metric_shape *shape, const struct metric *m, size_t hint)
{
	size_t n = shape != NULL ? shape->n : 0;

	for (size_t k = hint; k < n; k++)
		if (is_named(&shape->of[k], m))
			return k;
	for (size_t k = 0; k < hint && k < n; k++)
		if (is_named(&shape->of[k], m))
			return k;
	return SIZE_MAX;
}

/* The shape with room for what is new in `ob`; its new names are not set. */
static struct metric_shape *
widened(const struct metric_list *list, size_t more)
{
	size_t old = metrics_n(list);
	struct metric_shape *shape =
		mem_alloc(sizeof(*shape) + names_bytes(old + more) +
			(old + more) * sizeof(*shape->signals));

	if (shape == NULL)
		return NULL;
	if (old > 0)
		memcpy(shape->of, list->shape->of, names_bytes(old));
	shape->n = (uint32_t)old;
	return shape;
}

static void
add_name(struct shared *s, struct metric_shape *shape, const struct metric *m)
{
	struct metric_name to = { interned(s, m->name), "" };

	if (m->instance[0] != '\0')
		to.instance = interned(s, m->instance);
	if (to.name == NULL || to.instance == NULL)
		return;
	/* All are interned: the same text is the same pointer. */
	for (size_t i = 0; i < shape->n; i++)
		if (shape->of[i].name == to.name &&
		    (shape->of[i].instance == to.instance ||
			(to.instance[0] == '\0' &&
			shape->of[i].instance[0] == '\0')))
			return;
	shape->of[shape->n++] = to;
}

/* For more values than there are; the new ones are 0. */
static bool
make_room(struct metric_list *list, size_t n)
{
	size_t old = metrics_n(list);
	bool near = old <= METRICS_NEAR;
	double *values = list->values.near;

	if (n > METRICS_NEAR) {
		values = mem_resize_array(near ? NULL : list->values.far, n,
			sizeof(*values));
		if (values == NULL)
			return false;
		if (near)
			memcpy(values, list->values.near,
				old * sizeof(*values));
		list->values.far = values;
	}
	memset(values + old, 0, (n - old) * sizeof(*values));
	return true;
}

/* New names: another shape, and room for its values. */
static void
widen(struct shared *s, struct metric_list *list, const struct observation *ob,
	size_t max)
{
	struct metric_shape *shape = widened(list, ob->n_metrics);
	const struct metric_shape *was = list->shape;
	size_t old = metrics_n(list);

	for (size_t i = 0; shape != NULL && i < ob->n_metrics &&
	     shape->n < max; i++)
		add_name(s, shape, &ob->metrics[i]);
	if (shape == NULL || shape->n == old) {
		mem_free(shape);
		return;
	}
	shape = shape_get(s, shape);
	if (shape == NULL || !make_room(list, shape->n)) {
		shape_put(s, shape);
		return;
	}
	list->shape = shape;
	shape_put(s, was);
}

static double *
own_values(struct metric_list *list)
{
	return (double *)(uintptr_t)metrics_values(list);
}

static bool
put_whole(struct metric_list *list, const struct observation *ob)
{
	const struct metric_shape *shape = list->shape;
	double *values = own_values(list);

	if (ob->n_metrics != metrics_n(list))
		return false;
	for (size_t i = 0; i < ob->n_metrics; i++) {
		if (!is_named(&shape->of[i], &ob->metrics[i]))
			return false;
		values[i] = metric_number(&ob->metrics[i]);
	}
	return true;
}

/* What is there of them is in the same order: each behind the one before. */
static bool
put_values(struct metric_list *list, const struct observation *ob)
{
	double *values = own_values(list);
	size_t next = 0;
	bool all = true;

	for (size_t i = 0; i < ob->n_metrics; i++) {
		size_t at = place_of(list->shape, &ob->metrics[i], next);

		if (at == SIZE_MAX) {
			all = false;
			continue;
		}
		values[at] = metric_number(&ob->metrics[i]);
		next = at + 1;
	}
	return all;
}

bool
metrics_keep(struct shared *s, struct metric_list *list,
	const struct observation *ob, size_t max)
{
	if (put_whole(list, ob))
		return true;
	if (!put_values(list, ob)) {
		widen(s, list, ob, max);
		put_values(list, ob);
	}
	return false;
}

void
metrics_free(struct shared *s, struct metric_list *list)
{
	if (metrics_n(list) > METRICS_NEAR)
		mem_free(list->values.far);
	shape_put(s, list->shape);
	*list = (struct metric_list){ 0 };
}
