/*
 * /v1/hosts and what is under one host.
 */
#include <string.h>

#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"
#include "wire/verdict.h"

struct filter {
	const char *partition;	/* folded */
	const char *state;	/* lists with commas */
	const char *level;
	const char *tag;	/* "key", "key=value", "key:value" */
	const char *q;		/* part of the name or the address */
	char part_text[NAME_MAX_BYTES + 1];
};

static bool
passes(const struct filter *f, const struct snap_host *h)
{
	if (f->partition != NULL && strcmp(f->partition, h->partition) != 0)
		return false;
	if (f->state != NULL && !list_has(f->state, state_id(h->state)))
		return false;
	if (f->level != NULL && !list_has(f->level, level_name(h->level)))
		return false;
	if (f->tag != NULL && !host_has_tag(h, f->tag))
		return false;
	return f->q == NULL || strcasestr(h->name, f->q) != NULL ||
		strcasestr(h->address, f->q) != NULL;
}

static bool
knows_state(const char *id, size_t n)
{
	enum unit_state s;

	return state_parse(id, n, &s);
}

static int
read_filter(const struct target *t, struct filter *f, struct tc_err *e)
{
	int rc;

	*f = (struct filter){ .state = target_get(t, "state"),
		.level = target_get(t, "level"), .tag = target_get(t, "tag"),
		.q = target_get(t, "q") };
	if ((rc = read_name(t, "partition", f->part_text, &f->partition,
			e)) < 0)
		return rc;
	if ((rc = check_words("state", f->state, knows_state, e)) < 0)
		return rc;
	return check_words("level", f->level, knows_level, e);
}

struct page {
	const struct filter *filter;
	bool all;		/* the filter lets everything pass */
	size_t left;
	const char *last;	/* the last name given */
	bool more;
};

/* False when the page is full. */
static bool
take_hosts(struct request *r, struct snap_chunk *c, size_t at, struct page *p)
{
	const struct snap_text *t = NULL;

	if (p->all && p->left >= c->n - at) {
		t = chunk_text(c, TEXT_ROWS);
		if (t == NULL) {
			r->reply.body.failed = true;
			return false;
		}
		reply_share(r, t->p + t->at[at], t->n - t->at[at]);
		p->left -= c->n - at;
		p->last = c->hosts[c->n - 1]->name;
		return true;
	}
	for (; at < c->n; at++) {
		if (!passes(p->filter, c->hosts[at]))
			continue;
		if (p->left == 0) {
			p->more = true;
			return false;
		}
		if (t == NULL && (t = chunk_text(c, TEXT_ROWS)) == NULL) {
			r->reply.body.failed = true;
			return false;
		}
		reply_share(r, t->p + t->at[at], t->at[at + 1] - t->at[at]);
		p->left--;
		p->last = c->hosts[at]->name;
	}
	return true;
}

static void
list_hosts(struct request *r, const struct snapshot *s,
	const struct filter *f, const char *after, size_t limit)
{
	struct page page = { .filter = f, .left = limit,
		.all = f->partition == NULL && f->state == NULL &&
			f->level == NULL && f->tag == NULL && f->q == NULL };
	struct reply *rep = &r->reply;
	struct json_write w;
	size_t chunk, at;

	reply_open(r, &w, s);
	json_add_array(&w, "items");
	if (snapshot_after(s, after, &chunk, &at)) {
		for (; chunk < s->n_chunks; chunk++, at = 0) {
			if (!take_hosts(r, s->chunks[chunk], at, &page))
				break;
		}
	}
	if (rep->n_pieces != 0)
		rep->pieces[rep->n_pieces - 1].n--;	/* the comma */
	list_end(r, &w, 'h', page.more ? page.last : NULL);
	json_put_end(&w);
}

void
view_hosts(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	const struct snapshot *s = request_snapshot(r);
	const char *cursor = target_get(&r->target, "cursor");
	char after[CURSOR_KEY_BYTES] = "";
	struct tc_err e = { 0 };
	struct filter filter;
	uint64_t limit;

	if (read_filter(&r->target, &filter, &e) < 0 ||
	    target_u64(&r->target, "limit", limits, &limit, &e) < 0 ||
	    (cursor != NULL && cursor_parse(cursor, 'h', after, &e) < 0)) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (!reply_unchanged(r, s, false))
		list_hosts(r, s, &filter, after, (size_t)limit);
}

void
view_host(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const struct snap_text *t;
	struct snap_chunk *chunk;
	struct json_write w;
	size_t at;

	if (find_host(r, &chunk, &at) == NULL || reply_unchanged(r, s, true))
		return;
	t = chunk_text(chunk, TEXT_HOSTS);
	if (t == NULL) {
		r->reply.body.failed = true;
		return;
	}
	/* the members of the shared object go on where the head ends */
	reply_open(r, &w, s);
	strbuf_putc(&r->reply.body, ',');
	strbuf_add(&r->reply.body, t->p + t->at[at] + 1,
		t->at[at + 1] - t->at[at] - 2);
}

/* Opens {…, "host": …, "items": [; NULL when there is nothing to list. */
static const struct snap_host *
open_items(struct request *r, struct json_write *w, struct snap_chunk **in)
{
	const struct snapshot *s = request_snapshot(r);
	const struct snap_host *h;
	size_t at;

	h = find_host(r, in, &at);
	if (h == NULL || reply_unchanged(r, s, true))
		return NULL;
	reply_open(r, w, s);
	json_add_str(w, "host", h->name);
	json_add_array(w, "items");
	return h;
}

static void
close_items(struct json_write *w)
{
	json_put_end(w);
	json_add_null(w, "next");
	json_put_end(w);
}

void
view_checks(struct request *r)
{
	struct json_write w;
	struct snap_chunk *in;
	const struct snap_host *h = open_items(r, &w, &in);

	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n_checks; i++)
		put_check(&w, in, &h->checks[i]);
	close_items(&w);
}

void
view_devices(struct request *r)
{
	struct json_write w;
	struct snap_chunk *in;
	const struct snap_host *h = open_items(r, &w, &in);

	if (h == NULL)
		return;
	for (size_t i = 0; i < h->rare->n_devices; i++)
		put_device(&w, in, &h->rare->devices[i]);
	close_items(&w);
}

/* Of every device, those with nothing to say included. */
void
put_evidence(struct json_write *w, const struct snap_device *d)
{
	json_put_object(w);
	json_put_key(w, "device");
	device_id_write(w, &d->ident);
	json_add_bool(w, "judged", d->judged);
	add_id(w, "prediction", d->prediction_id);
	add_time(w, "since", d->level_since);
	add_accepted(w, d);
	if (d->verdict != NULL) {
		verdict_write_members(w, d->verdict);
		json_put_end(w);
		return;
	}
	json_add_str(w, "level", level_name(d->level));
	json_add_array(w, "evidence");
	json_put_end(w);
	json_add_array(w, "counter_evidence");
	json_put_end(w);
	json_add_array(w, "missing");
	json_put_end(w);
	json_put_end(w);
}

/* The host's own signals, as of a device of kind "host". */
static void
put_own_evidence(struct json_write *w, const struct snap_host *h)
{
	if (h->rare->outlook == NULL)
		return;
	json_put_object(w);
	json_put_key(w, "device");
	device_id_write(w, &(struct device_id){ "host", "", "", "" });
	json_add_bool(w, "judged", true);
	add_id(w, "prediction", h->rare->outlook->prediction_id);
	add_time(w, "since", h->rare->outlook->level_since);
	verdict_write_members(w, h->rare->outlook->verdict);
	json_put_end(w);
}

void
view_evidence(struct request *r)
{
	struct json_write w;
	struct snap_chunk *in;
	const struct snap_host *h = open_items(r, &w, &in);

	if (h == NULL)
		return;
	put_own_evidence(&w, h);
	for (size_t i = 0; i < h->rare->n_devices; i++)
		put_evidence(&w, &h->rare->devices[i]);
	close_items(&w);
}
