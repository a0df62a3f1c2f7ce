/*
 * The orders to accept a bad value, and to take that back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

#define DAY_MS INT64_C(86400000)
#define YEARS_MAX 10

struct accept_wish {
	struct accepted a;
	bool has_value;
};

static int
read_wish(const struct engine_wish *w, struct accept_wish *out,
	struct tc_err *e)
{
	struct json_read r;
	struct json_str key;

	memset(out, 0, sizeof(*out));
	json_open(&r, w->body, w->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			struct accepted *a = &out->a;

			if (json_str_is(key, "metric")) {
				snprintf(a->what.metric, VERDICT_NAME, "%s",
					json_get_cstr(&r, VERDICT_NAME - 1));
			} else if (json_str_is(key, "value")) {
				a->what.value = json_get_int(&r, 0, INT64_MAX);
				out->has_value = true;
			} else if (json_str_is(key, "delta")) {
				a->what.delta = json_get_int(&r, 0, ACCEPT_DELTA_MAX);
			} else if (json_str_is(key, "until")) {
				const char *t = json_get_cstr(&r, 40);

				if (!json_failed(&r) && wall_parse(t, strlen(t),
					&a->what.until) < 0)
					json_fail(&r, "not a time such as "
						"2026-05-01T22:00:00Z");
			} else if (json_str_is(key, "reason")) {
				snprintf(a->reason, sizeof(a->reason), "%s",
					json_get_cstr(&r,
						sizeof(a->reason) - 1));
			} else {
				json_unknown(&r);
			}
		}
	return json_close(&r, e);
}

static int
check_wish(struct engine *en, const struct accept_wish *w, struct tc_err *e)
{
	int64_t until = w->a.what.until.ms, now = en->now.wall.ms;

	if (w->a.reason[0] == '\0')
		return tc_fail(e, TC_EINVAL, "/reason: why it may be is to be "
			"said");
	if (until == 0)
		return tc_fail(e, TC_EINVAL, "/until: until when is to be said");
	if (until <= now || until - now > YEARS_MAX * 366 * DAY_MS)
		return tc_fail(e, TC_ERANGE, "/until: must be to come, within "
			"%d years", YEARS_MAX);
	if (w->has_value && w->a.what.metric[0] == '\0')
		return tc_fail(e, TC_EINVAL, "/value: of which metric?");
	return 0;
}

/* Replaced by its metric; else one more. */
static int
put_accepted(struct device *d, const struct accepted *a, struct tc_err *e)
{
	struct accepted *list;
	uint32_t i = 0;

	while (i < d->n_accepted &&
	       strcmp(d->accepted[i].what.metric, a->what.metric) != 0)
		i++;
	if (i == ACCEPTED_MAX)
		return tc_fail(e, TC_EEXIST, "this device has %d accepted "
			"values", ACCEPTED_MAX);
	if (i == d->n_accepted) {
		list = mem_alloc_array(ACCEPTED_MAX, sizeof(*list));
		if (list == NULL)
			return tc_fail(e, TC_ENOMEM, "out of memory");
		if (i > 0)
			memcpy(list, d->accepted, i * sizeof(*list));
		mem_free(d->accepted);
		d->accepted = list;
		d->n_accepted++;
	}
	d->accepted[i] = *a;
	return 0;
}

/* The metrics that speak for a failure now. */
static size_t
find_bad(const struct device *d, char out[ACCEPTED_MAX][VERDICT_NAME])
{
	size_t n = 0;

	for (uint32_t i = 0; d->verdict != NULL && i < d->verdict->n_evidence;
	     i++) {
		const struct verdict_evidence *row = &d->verdict->evidence[i];
		int64_t value;
		size_t k = 0;

		if (!accept_value(d, row->metric, &value) || value == 0)
			continue;
		while (k < n && strcmp(out[k], row->metric) != 0)
			k++;
		if (k == n && n < ACCEPTED_MAX)
			memcpy(out[n++], row->metric, VERDICT_NAME);
	}
	return n;
}

static int
accept_one(struct engine *en, struct device *d, struct accept_wish *w,
	struct tc_err *e)
{
	const char *metric = w->a.what.metric;
	enum counter c;
	int64_t value;

	if (!accept_value(d, metric, &value))
		return tc_fail(e, TC_ENOENT, "/metric: this device never told "
			"'%s', or it is none that is judged", metric);
	if (w->has_value && w->a.what.value != value)
		return tc_fail(e, TC_EEXIST, "/value: it is %" PRId64 " by now",
			value);
	if (accept_counter(metric, &c))
		snprintf(w->a.what.metric, VERDICT_NAME, "%s",
			counter_metric(c));
	w->a.what.value = value;
	w->a.at = en->now.wall;
	return put_accepted(d, &w->a, e);
}

static int
accept_all(struct engine *en, struct device *d, struct accept_wish *w,
	struct tc_err *e)
{
	char bad[ACCEPTED_MAX][VERDICT_NAME];
	size_t n = find_bad(d, bad);
	int rc = 0;

	if (n == 0)
		return tc_fail(e, TC_ENOENT, "nothing speaks against this "
			"device: which metric?");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		memcpy(w->a.what.metric, bad[i], VERDICT_NAME);
		rc = accept_one(en, d, w, e);
	}
	return rc;
}

static void
audit_accept(struct engine *en, const struct engine_wish *wish,
	const struct device *d, const char *action, const char *reason)
{
	struct strbuf list = { 0 };

	for (uint32_t i = 0; i < d->n_accepted; i++)
		strbuf_printf(&list, "%s%s=%" PRId64, i > 0 ? " " : "",
			d->accepted[i].what.metric, d->accepted[i].what.value);
	audit_change(en, wish, action, d->id, (const char *const[]){ reason,
		"", strbuf_str(&list) });
	strbuf_free(&list);
}

static void
reply_device(struct strbuf *reply, const struct device *d)
{
	struct strbuf text = { 0 };
	struct json_write w;

	json_begin(&w, &text);
	json_put_object(&w);
	json_add_u64(&w, "device", d->id);
	json_add_str(&w, "host", d->host->name);
	json_add_str(&w, "level", level_name(d->level));
	json_add_u64(&w, "accepted", d->n_accepted);
	json_put_end(&w);
	if (!text.failed)
		strbuf_add(reply, text.p + 1, text.n - 2);
	strbuf_free(&text);
}

int
order_accept_value(struct engine *en, const struct engine_wish *wish,
	struct strbuf *reply, struct tc_err *e)
{
	struct accept_wish w;
	struct device *d;
	int rc;

	if ((rc = device_by_name(en, wish->target, &d, e)) < 0 ||
	    (rc = read_wish(wish, &w, e)) < 0 ||
	    (rc = check_wish(en, &w, e)) < 0)
		return rc;
	snprintf(w.a.by, sizeof(w.a.by), "%s", wish->actor);
	rc = w.a.what.metric[0] != '\0' ? accept_one(en, d, &w, e) :
		accept_all(en, d, &w, e);
	if (rc < 0)
		return rc;
	say_accepted(en, d);
	alert_end(en, "acceptance_revoked", d->host->name, en->now.wall);
	audit_accept(en, wish, d, "device.accept", w.a.reason);
	risk_judge(en, d, en->now);
	mark(en, d->host, DIRTY_URGENT);
	reply_device(reply, d);
	return 0;
}

int
order_drop_accepted(struct engine *en, const struct engine_wish *wish,
	struct strbuf *reply, struct tc_err *e)
{
	struct device *d;
	int rc;

	if ((rc = device_by_name(en, wish->target, &d, e)) < 0)
		return rc;
	if (d->n_accepted == 0)
		return tc_fail(e, TC_ENOENT, "nothing is accepted of this "
			"device");
	d->n_accepted = 0;
	say_accepted(en, d);
	audit_accept(en, wish, d, "device.unaccept", "");
	risk_judge(en, d, en->now);
	mark(en, d->host, DIRTY_URGENT);
	reply_device(reply, d);
	return 0;
}
