#include "http/view.h"

#include <string.h>

#include "base/mem.h"
#include "http/problem.h"
#include "model/name.h"
#include "wire/verdict.h"

void
add_time(struct json_write *w, const char *key, struct wall at)
{
	if (at.ms != 0)
		json_add_wall(w, key, at);
	else
		json_add_null(w, key);
}

void
add_probability(struct json_write *w, const char *key, double p)
{
	if (p >= 0)
		json_add_double(w, key, p);
	else
		json_add_null(w, key);
}

void
add_id(struct json_write *w, const char *key, uint64_t id)
{
	if (id != 0)
		json_add_u64(w, key, id);
	else
		json_add_null(w, key);
}

void
add_tags(struct json_write *w, const struct snap_host *h)
{
	json_add_object(w, "tags");
	for (size_t i = 0; i < h->n_tags; i++)
		json_add_str(w, h->tags[i].key, h->tags[i].value);
	json_put_end(w);
}

bool
host_has_tag(const struct snap_host *h, const char *tag)
{
	size_t n = strcspn(tag, "=:");
	const char *value = tag[n] != '\0' ? tag + n + 1 : NULL;

	for (size_t i = 0; i < h->n_tags; i++) {
		const struct tag *t = &h->tags[i];

		if (strlen(t->key) == n && memcmp(t->key, tag, n) == 0 &&
		    (value == NULL || strcmp(t->value, value) == 0))
			return true;
	}
	return false;
}

static bool
seen_before(const struct snap_name *m, size_t i)
{
	for (size_t k = i; k-- > 0;) {
		if (strcmp(m[k].name, m[i].name) == 0)
			return true;
	}
	return false;
}

/* All instances of the name of the i-th. */
static void
add_instances(struct json_write *w, const struct snap_names *names,
	const double *values, size_t i)
{
	const struct snap_name *m = names->of;
	const char *name = m[i].name;

	json_add_object(w, name);
	for (; i < names->n; i++) {
		if (m[i].name == name || strcmp(m[i].name, name) == 0)
			json_add_double(w, m[i].instance, values[i]);
	}
	json_put_end(w);
}

/*
 * Instances of one name lie side by side as a rule; what lies apart is put
 * together, for no key may stand twice.
 */
static void
add_metrics(struct json_write *w, const struct snap_names *names,
	const double *values)
{
	size_t n = names != NULL ? names->n : 0;
	const struct snap_name *m = n > 0 ? names->of : NULL;
	const char *last = "";
	bool sorted = true;

	json_add_object(w, "metrics");
	for (size_t i = 0; i < n; i++) {
		if (m[i].name == last || strcmp(m[i].name, last) == 0)
			continue;
		sorted = sorted && strcmp(m[i].name, last) > 0;
		if (!sorted && seen_before(m, i))
			continue;
		last = m[i].name;
		if (m[i].instance[0] == '\0')
			json_add_double(w, m[i].name, values[i]);
		else
			add_instances(w, names, values, i);
	}
	json_put_end(w);
}

static void
add_known(struct json_write *w, const char *key, const char *text)
{
	json_add_str(w, key, text[0] != '\0' ? text : NULL);
}

void
put_check(struct json_write *w, const struct snap_chunk *in,
	const struct snap_check *c)
{
	const struct snap_live *live = snap_live(in, c->live);

	json_put_object(w);
	json_add_u64(w, "id", c->id);
	json_add_str(w, "key", c->kind->key);
	json_add_str(w, "layer", snap_layer_id(c->layer));
	json_add_str(w, "probe", c->kind->probe);
	json_add_bool(w, "passive", c->passive);
	json_add_str(w, "health", health_id(c->health));
	json_add_str(w, "outcome", live->at.ms == 0 ? NULL :
		outcome_id(live->outcome));
	json_add_str(w, "reason", reason_id(c->reason));
	json_add_str(w, "text", c->text);
	add_time(w, "since", c->since);
	add_time(w, "at", live->at);
	json_add_u64(w, "fails", live->fails);
	json_add_u64(w, "oks", live->oks);
	json_add_double(w, "interval_seconds",
		dur_to_seconds(c->kind->rule.interval));
	json_add_u64(w, "fail_after", c->kind->rule.fail_after);
	json_add_u64(w, "clear_after", c->kind->rule.clear_after);
	json_add_bool(w, "flapping", c->flapping);
	json_add_u64(w, "changes", live->changes);
	add_metrics(w, c->kind->names, live->values);
	json_put_end(w);
}

void
add_accepted(struct json_write *w, const struct snap_device *d)
{
	json_add_array(w, "accepted");
	for (size_t i = 0; i < d->n_accepted; i++) {
		const struct snap_accepted *a = &d->accepted[i];

		json_put_object(w);
		json_add_str(w, "metric", a->metric);
		json_add_i64(w, "value", a->value);
		json_add_i64(w, "delta", a->delta);
		json_add_wall(w, "until", a->until);
		json_add_wall(w, "at", a->at);
		json_add_str(w, "by", a->by);
		json_add_str(w, "reason", a->reason);
		json_put_end(w);
	}
	json_put_end(w);
}

void
put_device(struct json_write *w, const struct snap_chunk *in,
	const struct snap_device *d)
{
	json_put_object(w);
	json_add_u64(w, "id", d->id);
	add_known(w, "kind", d->ident.kind);
	add_known(w, "model", d->ident.model);
	add_known(w, "serial", d->ident.serial);
	add_known(w, "wwn", d->ident.wwn);
	json_add_bool(w, "judged", d->judged);
	json_add_str(w, "level", level_name(d->level));
	if (d->judged)
		verdict_write_risk(w, &d->risk);
	else
		json_add_null(w, "risk");
	add_id(w, "prediction", d->prediction_id);
	add_time(w, "level_since", d->level_since);
	json_add_str(w, "reason", reason_id(d->reason));
	json_add_bool(w, "asleep", d->asleep);
	add_time(w, "at", d->at);
	add_metrics(w, d->names, d->names != NULL ?
		snap_live(in, d->live)->values : NULL);
	add_accepted(w, d);
	json_put_end(w);
}

void
put_prediction(struct json_write *w, const struct snap_host *h,
	const struct snap_device *d)
{
	struct prediction_item item = { .id = d->prediction_id,
		.host = h->name, .device = d->ident,
		.since = d->level_since, .verdict = d->verdict };

	prediction_write(w, &item);
}

void
put_own_prediction(struct json_write *w, const struct snap_host *h)
{
	struct prediction_item item = { .id = h->rare->outlook->prediction_id,
		.host = h->name, .device = { "host", "", "", "" },
		.since = h->rare->outlook->level_since,
		.verdict = h->rare->outlook->verdict };

	prediction_write(w, &item);
}

/* Only where it hangs on something, or something on it. */
static void
add_kin(struct json_write *w, const struct snap_host *h, bool whole)
{
	if (h->rare->kin == NULL)
		return;
	if (h->rare->kin->parent[0] != '\0')
		json_add_str(w, "parent", h->rare->kin->parent);
	if (h->rare->kin->behind[0] != '\0')
		json_add_str(w, "behind", h->rare->kin->behind);
	if (whole && h->rare->kin->n_below != 0)
		json_add_u64(w, "hosts_below", h->rare->kin->n_below);
}

static void
put_row(struct json_write *w, const struct snap_host *h)
{
	json_put_object(w);
	json_add_str(w, "name", h->name);
	json_add_str(w, "partition", h->partition);
	json_add_str(w, "address", h->address);
	json_add_str(w, "state", state_id(h->state));
	json_add_str(w, "reason", reason_id(h->reason));
	add_time(w, "since", h->since);
	json_add_str(w, "level", level_name(h->level));
	add_probability(w, "risk", h->rare->risk);
	if (h->n_tags != 0)	/* 10 bytes less in most rows */
		add_tags(w, h);
	add_kin(w, h, false);
	json_put_end(w);
}

static void
put_flags(struct json_write *w, unsigned flags)
{
	json_add_array(w, "flags");
	if (flags & UNIT_FLAPPING)
		json_put_str(w, "flapping");
	if (flags & UNIT_ASLEEP)
		json_put_str(w, "asleep");
	json_put_end(w);
}

static void
put_host(struct json_write *w, const struct snap_chunk *in,
	const struct snap_host *h)
{
	json_put_object(w);
	json_add_str(w, "name", h->name);
	json_add_u64(w, "id", h->id);
	json_add_str(w, "partition", h->partition);
	json_add_str(w, "address", h->address);
	json_add_str(w, "owner", host_owner_id(h->owner));
	add_tags(w, h);
	json_add_str(w, "state", state_id(h->state));
	json_add_str(w, "health", health_id(h->health));
	json_add_str(w, "disposition", disposition_id(h->disposition));
	put_flags(w, h->flags);
	json_add_str(w, "reason", reason_id(h->reason));
	json_add_str(w, "reason_check", h->rare->reason_check);
	json_add_str(w, "reason_text", h->rare->reason_text);
	add_kin(w, h, true);
	add_time(w, "since", h->since);
	json_add_str(w, "level", level_name(h->level));
	add_probability(w, "risk", h->rare->risk);
	json_add_str(w, "risk_reason", h->rare->risk_reason);
	json_add_str(w, "cause_hint", cause_id(h->cause));
	if (h->rare->replace_device != 0)
		json_add_u64(w, "replace_device", h->rare->replace_device);
	if (h->rare->diagnosis != NULL)
		json_add_raw(w, "diagnosis", h->rare->diagnosis,
			strlen(h->rare->diagnosis));
	else
		json_add_null(w, "diagnosis");
	json_add_array(w, "checks");
	for (size_t i = 0; i < h->n_checks; i++)
		put_check(w, in, &h->checks[i]);
	json_put_end(w);
	json_add_array(w, "devices");
	for (size_t i = 0; i < h->rare->n_devices; i++)
		put_device(w, in, &h->rare->devices[i]);
	json_put_end(w);
	add_host_units(w, in, h);
	json_put_end(w);
}

static struct snap_text *
make_text(const struct snap_chunk *c, enum chunk_text what)
{
	struct strbuf text = { 0 };
	struct snap_text *out = NULL;
	struct json_write w;
	size_t at[SNAP_CHUNK_HOSTS + 1] = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		json_begin(&w, &text);
		if (what == TEXT_ROWS)
			put_row(&w, c->hosts[i]);
		else
			put_host(&w, c, c->hosts[i]);
		strbuf_putc(&text, ',');
		at[i + 1] = text.n;
	}
	if (!text.failed)
		out = mem_alloc(sizeof(*out) + text.n + 1);
	if (out != NULL) {
		out->n = text.n;
		out->p = (char *)(out + 1);
		memcpy(out + 1, strbuf_str(&text), text.n + 1);
		memcpy(out->at, at, sizeof(at));
	}
	strbuf_free(&text);
	return out;
}

const struct snap_text *
chunk_text(struct snap_chunk *c, enum chunk_text what)
{
	/* Nothing that observations move one by one is in a row. */
	_Atomic(struct snap_text *) *cache = what == TEXT_ROWS ?
		&c->frame->rows : &c->whole;
	struct snap_text *t = atomic_load(cache);

	if (t != NULL)
		return t;
	t = make_text(c, what);
	return t != NULL ? snapshot_cache(cache, t) : NULL;
}

const struct snap_host *
find_host(struct request *r, struct snap_chunk **chunk, size_t *at)
{
	const struct snapshot *s = request_snapshot(r);
	const char *asked = r->target.segs[2];
	char name[NAME_MAX_BYTES + 1];
	struct tc_err e = { 0 };

	if (name_fold(asked, strlen(asked), name, &e) < 0) {
		problem_set(r, 400, "invalid", "host: %s", e.text);
		return NULL;
	}
	if (!snapshot_find(s, name, chunk, at)) {
		problem_set(r, 404, "not_found", "there is no host %s", name);
		return NULL;
	}
	return (*chunk)->hosts[*at];
}

int
read_name(const struct target *t, const char *param, char *to,
	const char **out, struct tc_err *e)
{
	const char *text = target_get(t, param);

	*out = NULL;
	if (text == NULL)
		return 0;
	if (name_fold(text, strlen(text), to, e) < 0)
		return tc_wrap(e, "%s", param);
	*out = to;
	return 0;
}

int
check_words(const char *name, const char *list,
	bool (*knows)(const char *, size_t), struct tc_err *e)
{
	size_t n;

	for (; list != NULL; list = list[n] == ',' ? list + n + 1 : NULL) {
		n = strcspn(list, ",");
		if (!knows(list, n))
			return tc_fail(e, TC_EINVAL, "%s: there is no '%.*s'",
				name, (int)(n < 32 ? n : 32), list);
	}
	return 0;
}

bool
knows_level(const char *id, size_t n)
{
	enum level l;

	return level_from_name(id, n, &l);
}

/* Unreserved characters of RFC 3986 as they are, the others escaped. */
void
put_escaped(struct strbuf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || strchr("-._~", c)) {
			strbuf_putc(out, (char)c);
			continue;
		}
		strbuf_putc(out, '%');
		strbuf_putc(out, hex[c >> 4]);
		strbuf_putc(out, hex[c & 15]);
	}
}

/* The request's own target with another cursor. */
static void
add_link_next(struct request *r, const char *cursor)
{
	struct strbuf *link = &r->reply.link;
	const struct target *t = &r->target;

	strbuf_putc(link, '<');
	for (size_t i = 0; i < t->n_segs; i++) {
		strbuf_putc(link, '/');
		put_escaped(link, t->segs[i]);
	}
	strbuf_putc(link, '?');
	for (size_t i = 0; i < t->n_params; i++) {
		if (strcmp(t->params[i].name, "cursor") == 0)
			continue;
		put_escaped(link, t->params[i].name);
		strbuf_putc(link, '=');
		put_escaped(link, t->params[i].value);
		strbuf_putc(link, '&');
	}
	strbuf_puts(link, "cursor=");
	put_escaped(link, cursor);
	strbuf_puts(link, ">; rel=\"next\"");
}

void
list_end(struct request *r, struct json_write *w, char kind, const char *key)
{
	struct strbuf cursor = { 0 };

	json_put_end(w);
	if (key != NULL) {
		cursor_put(&cursor, kind, key);
		add_link_next(r, strbuf_str(&cursor));
	}
	json_add_str(w, "next", key != NULL ? strbuf_str(&cursor) : NULL);
	strbuf_free(&cursor);
}

void
list_end_seq(struct json_write *w, uint64_t after)
{
	json_put_end(w);
	if (after != 0)
		json_add_u64(w, "next", after);
	else
		json_add_null(w, "next");
}
