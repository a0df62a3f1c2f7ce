/*
 * /v1/predictions: what is open now from the snapshot; what was open at an
 * earlier time, and single ones, from the store.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"
#include "model/name.h"

struct wanted {
	const char *level;	/* list with commas, NULL = any */
	const char *partition;
	const char *host;
	uint64_t limit;
	/* the last one given before: host and device */
	char after_host[NAME_MAX_BYTES + 1];
	uint64_t after_device;
};

/* "h1/17" */
static int
read_cursor(const struct target *t, struct wanted *want, struct tc_err *e)
{
	const char *cursor = target_get(t, "cursor");
	char key[CURSOR_KEY_BYTES];
	char *slash;

	if (cursor == NULL)
		return 0;
	if (cursor_parse(cursor, 'd', key, e) < 0)
		return TC_EINVAL;
	slash = strchr(key, '/');
	if (slash == NULL || slash - key > NAME_MAX_BYTES ||
	    u64_parse(slash + 1, strlen(slash + 1), &want->after_device) < 0)
		return tc_fail(e, TC_EINVAL, "cursor: not one of this list");
	*slash = '\0';
	memcpy(want->after_host, key, strlen(key) + 1);
	return 0;
}

static bool
wants_host(const struct wanted *want, const struct snap_host *h)
{
	if (h->level == LEVEL_NONE && h->rare->replace_device == 0)
		return false;
	if (want->host != NULL && strcmp(want->host, h->name) != 0)
		return false;
	return want->partition == NULL ||
		strcmp(want->partition, h->partition) == 0;
}

static bool
wants_device(const struct wanted *want, const struct snap_host *h,
	const struct snap_device *d)
{
	if (d->prediction_id == 0 || d->verdict == NULL)
		return false;
	if (strcmp(h->name, want->after_host) == 0 &&
	    d->id <= want->after_device)
		return false;
	return want->level == NULL ||
		list_has(want->level, level_name(d->verdict->level));
}

/* Devices of a host by their id, so that a page may end amid a host. */
static const struct snap_device *
next_device(const struct wanted *want, const struct snap_host *h,
	uint64_t after)
{
	const struct snap_device *best = NULL;

	for (size_t i = 0; i < h->rare->n_devices; i++) {
		const struct snap_device *d = &h->rare->devices[i];

		if (d->id > after && wants_device(want, h, d) &&
		    (best == NULL || d->id < best->id))
			best = d;
	}
	return best;
}

struct place {
	const struct snap_host *host;
	uint64_t device;
};

/* The host's own comes before those of its devices. */
static bool
wants_own(const struct wanted *want, const struct snap_host *h)
{
	return h->rare->outlook != NULL &&
		h->rare->outlook->prediction_id != 0 &&
		strcmp(h->name, want->after_host) != 0 &&
		(want->level == NULL ||
		 list_has(want->level,
			level_name(h->rare->outlook->verdict->level)));
}

/* False when there are more than fit. */
static bool
list_host(struct json_write *w, struct wanted *want,
	const struct snap_host *h, struct place *last)
{
	const struct snap_device *d = next_device(want, h, 0);

	if (wants_own(want, h)) {
		if (want->limit == 0)
			return false;
		want->limit--;
		put_own_prediction(w, h);
		*last = (struct place){ h, 0 };
	}
	for (; d != NULL; d = next_device(want, h, d->id)) {
		if (want->limit == 0)
			return false;
		want->limit--;
		put_prediction(w, h, d);
		*last = (struct place){ h, d->id };
	}
	return true;
}

static void
list_now(struct request *r, const struct snapshot *s, struct wanted *want)
{
	struct place last = { 0 };
	struct json_write w;
	bool whole = true;
	char key[CURSOR_KEY_BYTES];

	reply_open(r, &w, s);
	json_add_array(&w, "items");
	for (size_t c = 0; c < s->n_chunks && whole; c++) {
		const struct snap_chunk *chunk = s->chunks[c];

		for (size_t i = 0; i < chunk->n && whole; i++) {
			const struct snap_host *h = chunk->hosts[i];

			if (wants_host(want, h) &&
			    strcmp(h->name, want->after_host) >= 0)
				whole = list_host(&w, want, h, &last);
		}
	}
	if (!whole)
		snprintf(key, sizeof(key), "%s/%" PRIu64, last.host->name,
			last.device);
	list_end(r, &w, 'd', whole ? NULL : key);
	json_put_end(&w);
}

struct stored {
	struct json_write *w;
	uint64_t left;
	size_t n;
};

static int
put_stored(void *arg, uint64_t id, const char *json)
{
	struct stored *s = arg;

	(void)id;
	if (s->left == 0)
		return 1;
	s->left--;
	s->n++;
	json_put_raw(s->w, json, strlen(json));
	return 0;
}

static void
list_stored(struct request *r, struct wall as_of, uint64_t limit)
{
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	struct json_write w;
	struct stored stored = { .w = &w, .left = limit };
	int rc;

	reply_open(r, &w, NULL);
	json_add_wall(&w, "as_of", as_of);
	json_add_array(&w, "items");
	rc = io->predictions(io, 0, as_of, put_stored, &stored, &e);
	if (rc < 0) {
		problem_err(r, rc, &e);
		return;
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

void
view_predictions(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	const struct target *t = &r->target;
	const struct snapshot *s;
	char host[NAME_MAX_BYTES + 1], partition[NAME_MAX_BYTES + 1];
	struct wanted want = { .level = target_get(t, "level") };
	struct wall as_of = { 0 };
	struct tc_err e = { 0 };

	if (read_name(t, "host", host, &want.host, &e) < 0 ||
	    read_name(t, "partition", partition, &want.partition, &e) < 0 ||
	    check_words("level", want.level, knows_level, &e) < 0 ||
	    read_cursor(t, &want, &e) < 0 ||
	    target_u64(t, "limit", limits, &want.limit, &e) < 0 ||
	    target_wall(t, "as_of", &as_of, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (target_get(t, "as_of") == NULL) {
		s = request_snapshot(r);
		if (!reply_unchanged(r, s, false))
			list_now(r, s, &want);
	} else if (want.level != NULL || want.host != NULL ||
		want.partition != NULL || target_get(t, "cursor") != NULL) {
		problem_set(r, 400, "invalid",
			"as_of: goes with limit only");
	} else if (!r->on_reader) {
		wait_read(r);
	} else {
		list_stored(r, as_of, want.limit);
	}
}

static const struct snap_device *
device_of(const struct snap_host *h, uint64_t prediction)
{
	for (size_t i = 0; i < h->rare->n_devices; i++) {
		const struct snap_device *d = &h->rare->devices[i];

		if (d->prediction_id == prediction && d->verdict != NULL)
			return d;
	}
	return NULL;
}

static const struct snap_device *
find_open(const struct snapshot *s, uint64_t id, const struct snap_host **host)
{
	const struct snap_device *d = NULL;

	for (size_t c = 0; c < s->n_chunks && d == NULL; c++) {
		for (size_t i = 0; i < s->chunks[c]->n && d == NULL; i++) {
			*host = s->chunks[c]->hosts[i];
			d = device_of(*host, id);
		}
	}
	return d;
}

/* {"generated_at": …, "age_ms": …, and the members of `json` */
static void
reply_with(struct request *r, const struct snapshot *s, const char *json)
{
	struct json_write w;

	if (json[0] != '{' || json[1] == '}')
		return;
	reply_open(r, &w, s);
	strbuf_putc(&r->reply.body, ',');
	strbuf_puts(&r->reply.body, json + 1);
}

static int
put_stored_one(void *arg, uint64_t id, const char *json)
{
	(void)id;
	reply_with(arg, NULL, json);
	return 1;
}

static void
reply_open_one(struct request *r, const struct snapshot *s,
	const struct snap_host *h, const struct snap_device *d)
{
	struct strbuf text = { 0 };
	struct json_write w;

	json_begin(&w, &text);
	put_prediction(&w, h, d);
	reply_with(r, s, strbuf_str(&text));
	if (text.failed)
		r->reply.body.failed = true;
	strbuf_free(&text);
}

void
view_prediction(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *text = r->target.segs[2];
	const struct snap_device *d;
	const struct snap_host *h;
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	uint64_t id;
	int rc;

	if (u64_parse(text, strlen(text), &id) < 0 || id == 0) {
		problem_set(r, 404, "not_found", "there is no such prediction");
		return;
	}
	if ((d = find_open(s, id, &h)) != NULL) {
		reply_open_one(r, s, h, d);
		return;
	}
	if (!r->on_reader) {
		wait_read(r);
		return;
	}
	rc = io->predictions(io, id, (struct wall){ 0 }, put_stored_one, r,
		&e);
	if (rc < 0 && rc != TC_ENOENT)
		problem_err(r, rc, &e);
	else if (r->reply.status == 0)
		problem_set(r, 404, "not_found", "there is no such prediction");
}
