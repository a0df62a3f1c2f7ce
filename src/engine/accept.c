/*
 * Accepting with a tripwire: a person has looked at a static bad value and
 * lives with it.  Until it moves by more than delta, or the day comes, it
 * speaks neither for nor against the device; then everybody is told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

#define SAVED_VERSION 1
#define DAY_MS INT64_C(86400000)
/* So long a broken tripwire is told, if nobody takes it up. */
#define TOLD_DAYS 7

/* ---- the values ---- */

/* The counters are known by two names; the probe's own is the plainer. */
bool
accept_counter(const char *metric, enum counter *out)
{
	if (counter_from_metric(metric, strlen(metric), out))
		return true;
	for (int c = 0; c < COUNTER_N; c++) {
		if (strcmp(metric, risk_decoded_name((enum counter)c)) == 0) {
			*out = (enum counter)c;
			return true;
		}
	}
	return false;
}

bool
accept_value(const struct device *d, const char *metric, int64_t *out)
{
	enum counter c;

	if (!accept_counter(metric, &c))
		return drive_value(&d->drive, metric, out);
	if (!(d->features.seen & 1u << c))
		return false;
	*out = d->features.past[c].now;
	return true;
}

const struct features *
accept_features(const struct device *d, struct features *copy)
{
	if (d->n_accepted == 0)
		return &d->features;
	*copy = d->features;
	for (uint32_t i = 0; i < d->n_accepted; i++) {
		enum counter c;

		if (accept_counter(d->accepted[i].what.metric, &c))
			features_forgive(copy, c);
	}
	return copy;
}

size_t
accept_list(const struct device *d, struct acceptance out[ACCEPTED_MAX])
{
	for (uint32_t i = 0; i < d->n_accepted; i++)
		out[i] = d->accepted[i].what;
	return d->n_accepted;
}

/* ---- saved ---- */

static void
write_one(struct json_write *w, const struct accepted *a)
{
	json_put_object(w);
	json_add_str(w, "metric", a->what.metric);
	json_add_i64(w, "value", a->what.value);
	json_add_i64(w, "delta", a->what.delta);
	json_add_i64(w, "until_ms", a->what.until.ms);
	json_add_i64(w, "at_ms", a->at.ms);
	json_add_str(w, "by", a->by);
	json_add_str(w, "reason", a->reason);
	json_put_end(w);
}

/* A version byte, then JSON; nothing = the row is deleted. */
void
say_accepted(struct engine *en, const struct device *d)
{
	struct strbuf text = { 0 };
	struct json_write w;

	if (d->n_accepted == 0) {
		say_state(en, d->id, "accept", NULL, 0);
		return;
	}
	strbuf_putc(&text, SAVED_VERSION);
	json_begin(&w, &text);
	json_put_array(&w);
	for (uint32_t i = 0; i < d->n_accepted; i++)
		write_one(&w, &d->accepted[i]);
	json_put_end(&w);
	if (!text.failed)
		say_state(en, d->id, "accept", text.p, text.n);
	strbuf_free(&text);
}

static void
read_one(struct json_read *r, struct accepted *a)
{
	struct json_str key;

	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "metric"))
			snprintf(a->what.metric, sizeof(a->what.metric), "%s",
				json_get_cstr(r, VERDICT_NAME - 1));
		else if (json_str_is(key, "value"))
			a->what.value = json_get_int(r, INT64_MIN, INT64_MAX);
		else if (json_str_is(key, "delta"))
			a->what.delta = json_get_int(r, 0, ACCEPT_DELTA_MAX);
		else if (json_str_is(key, "until_ms"))
			a->what.until.ms = json_get_int(r, 0, INT64_MAX);
		else if (json_str_is(key, "at_ms"))
			a->at.ms = json_get_int(r, 0, INT64_MAX);
		else if (json_str_is(key, "by"))
			snprintf(a->by, sizeof(a->by), "%s",
				json_get_cstr(r, sizeof(a->by) - 1));
		else if (json_str_is(key, "reason"))
			snprintf(a->reason, sizeof(a->reason), "%s",
				json_get_cstr(r, sizeof(a->reason) - 1));
		else
			json_skip(r);
	}
}

int
accept_restore(struct device *d, const void *bytes, size_t n)
{
	const char *p = bytes;
	struct accepted list[ACCEPTED_MAX] = { 0 };
	struct accepted *kept;
	struct json_read r;
	uint32_t count = 0;
	char *text;

	if (n < 1 || p[0] != SAVED_VERSION)
		return n < 1 ? TC_ECORRUPT : TC_ENEWER;
	text = mem_strndup(p + 1, n - 1);
	if (text == NULL)
		return TC_ENOMEM;
	json_open(&r, text, strlen(text));
	if (json_enter_array(&r))
		while (count < ACCEPTED_MAX && json_next_item(&r))
			read_one(&r, &list[count++]);
	if (json_close(&r, NULL) < 0)
		count = 0;
	mem_free(text);
	if (count == 0)
		return TC_ECORRUPT;
	kept = mem_alloc_array(count, sizeof(*kept));
	if (kept == NULL)
		return TC_ENOMEM;
	memcpy(kept, list, count * sizeof(*kept));
	mem_free(d->accepted);
	d->accepted = kept;
	d->n_accepted = count;
	return 0;
}

/* ---- the tripwire ---- */

static void
tell_broken(struct engine *en, struct device *d, const struct accepted *a,
	int64_t value)
{
	char title[HOST_TITLE], summary[HOST_TITLE + 256];
	struct strbuf body = { 0 };
	struct json_write w;

	host_title(d->host, title);
	snprintf(summary, sizeof(summary), "%s: %s %s: %s went from %" PRId64
		" to %" PRId64 "; %s had accepted it", title, d->ident.kind,
		d->ident.serial, a->what.metric, a->what.value, value, a->by);
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", d->host->name);
	json_add_str(&w, "serial", d->ident.serial);
	json_add_str(&w, "metric", a->what.metric);
	json_add_i64(&w, "accepted", a->what.value);
	json_add_i64(&w, "value", value);
	json_put_end(&w);
	alert_raise(en, &(struct alert_wish){ .kind = "acceptance_revoked",
		.severity = SEVERITY_WARNING, .host = d->host,
		.summary = summary, .body = strbuf_str(&body) }, en->now.wall);
	strbuf_free(&body);
}

static void
revoke(struct engine *en, struct device *d, uint32_t i, const char *why)
{
	struct accepted a = d->accepted[i];
	struct strbuf body = { 0 };
	struct json_write w;
	int64_t value = a.what.value;

	(void)accept_value(d, a.what.metric, &value);
	d->accepted[i] = d->accepted[--d->n_accepted];
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", d->host->name);
	json_add_str(&w, "serial", d->ident.serial);
	json_add_str(&w, "metric", a.what.metric);
	json_add_i64(&w, "accepted", a.what.value);
	json_add_i64(&w, "value", value);
	json_add_str(&w, "why", why);
	json_add_str(&w, "by", a.by);
	json_put_end(&w);
	say_audit(en, "tocsind", "acceptance.revoke", d->id,
		strbuf_str(&body));
	strbuf_free(&body);
	say_accepted(en, d);
	mark(en, d->host, DIRTY_URGENT);
	if (strcmp(why, "moved") == 0)
		tell_broken(en, d, &a, value);
}

bool
accept_tend(struct engine *en, struct device *d, struct wall now)
{
	bool any = false;
	uint32_t i = 0;

	while (i < d->n_accepted) {
		const struct acceptance *a = &d->accepted[i].what;
		int64_t value = a->value;

		(void)accept_value(d, a->metric, &value);
		switch (accept_check(a, value, now)) {
		case ACCEPT_HOLDS:
			i++;
			continue;
		case ACCEPT_MOVED:
			revoke(en, d, i, "moved");
			break;
		case ACCEPT_EXPIRED:
			revoke(en, d, i, "expired");
			break;
		}
		any = true;
	}
	return any;
}

/* What has been told for a week is left to the verdicts. */
static void
end_old_alerts(struct engine *en, struct wall now)
{
	const char *host[16];
	struct live_alert *a;
	size_t at = 0, n = 0;

	while (n < ARRAY_LEN(host) && (a = hash_next(&en->alerts, &at)) != NULL)
		if (strcmp(a->shown.kind, "acceptance_revoked") == 0 &&
		    now.ms - a->shown.since.ms > TOLD_DAYS * DAY_MS)
			host[n++] = a->h != NULL ? a->h->name : "";
	while (n > 0)
		alert_end(en, "acceptance_revoked", host[--n], now);
}

/* Expiry does not wait for data, nor does silence; looked at once a minute. */
void
devices_step(struct engine *en, struct now now)
{
	size_t at = 0;
	struct device *d;

	if (now.wall.ms >= en->accepts_at.ms &&
	    now.wall.ms - en->accepts_at.ms < 60000)
		return;
	en->accepts_at = now.wall;
	end_old_alerts(en, now.wall);
	outcomes_step(en);
	while ((d = hash_next(&en->devices, &at)) != NULL)
		if (d->n_accepted > 0 && accept_tend(en, d, now.wall))
			risk_judge(en, d, now);
}

/* ---- shown ---- */

const struct snap_accepted *
accept_show(struct arena *a, const struct device *d)
{
	struct snap_accepted *out = arena_alloc(a,
		d->n_accepted * sizeof(*out));

	for (uint32_t i = 0; out != NULL && i < d->n_accepted; i++) {
		const struct accepted *from = &d->accepted[i];
		const char *metric = arena_strdup(a, from->what.metric);
		const char *by = arena_strdup(a, from->by);
		const char *reason = arena_strdup(a, from->reason);

		if (metric == NULL || by == NULL || reason == NULL)
			return NULL;
		out[i] = (struct snap_accepted){ .metric = metric,
			.value = from->what.value, .delta = from->what.delta,
			.until = from->what.until, .at = from->at, .by = by,
			.reason = reason };
	}
	return out;
}
