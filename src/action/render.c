#include "action/render.h"

#include <ctype.h>
#include <string.h>

#include "wire/json_write.h"

#define SUMMARY_MAX 1024	/* PagerDuty cuts there */

static const char *
status_of(const struct note *n)
{
	return n->alert->firing ? "firing" : "resolved";
}

static void
add_tags(struct json_write *w, const struct alert *a)
{
	json_add_object(w, "tags");
	for (size_t i = 0; i < a->n_tags; i++)
		json_add_str(w, a->tags[i].key, a->tags[i].value);
	json_put_end(w);
}

/* What was measured, as the engine says it: one JSON object. */
static void
add_detail(struct json_write *w, const char *key, const struct alert *a)
{
	size_t n = strlen(a->body);

	if (n == 0 || n > DETAIL_MAX_BYTES)
		json_add_null(w, key);
	else
		json_add_raw(w, key, a->body, n);
}

static void
render_webhook(struct strbuf *out, const struct note *n)
{
	const struct alert *a = n->alert;
	struct json_write w;

	json_begin(&w, out);
	json_put_object(&w);
	json_add_u64(&w, "version", 1);
	json_add_str(&w, "id", n->id);
	json_add_wall(&w, "at", n->at);
	json_add_str(&w, "status", status_of(n));
	json_add_u64(&w, "alert", a->id);
	json_add_str(&w, "key", a->key);
	json_add_str(&w, "kind", a->kind);
	json_add_str(&w, "severity", severity_id(a->severity));
	json_add_str(&w, "summary", a->summary);
	json_add_str(&w, "host", a->host);
	json_add_str(&w, "address", n->address);
	json_add_str(&w, "partition", a->partition);
	add_tags(&w, a);
	json_add_wall(&w, "since", a->since);
	if (a->firing)
		json_add_null(&w, "ended");
	else
		json_add_wall(&w, "ended", a->ended);
	json_add_str(&w, "link", n->link);
	add_detail(&w, "detail", a);
	json_put_end(&w);
}

/* ---- Alertmanager v2 ---- */

/* Names that are ours, or that Alertmanager gives a meaning. */
static bool
is_reserved(const char *key)
{
	static const char *const names[] = { "alertname", "host", "partition",
		"severity" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return key[0] == '_' || key[0] == '\0' ||
		isdigit((unsigned char)key[0]) != 0;
}

static void
add_tag_label(struct json_write *w, const struct tag *tag,
	struct strbuf *name)
{
	strbuf_reset(name);
	if (is_reserved(tag->key))
		strbuf_puts(name, "tag_");
	for (const char *p = tag->key; *p != '\0'; p++)
		strbuf_putc(name, isalnum((unsigned char)*p) != 0 ? *p : '_');
	if (tag->value[0] != '\0' && !name->failed)
		json_add_str(w, name->p, tag->value);
}

/* Labels are the alert's identity there: nothing that moves may be in them. */
static void
add_labels(struct json_write *w, const struct alert *a)
{
	struct strbuf name = { 0 };

	json_add_object(w, "labels");
	json_add_str(w, "alertname", a->kind);
	if (a->host[0] != '\0')
		json_add_str(w, "host", a->host);
	if (a->partition[0] != '\0')
		json_add_str(w, "partition", a->partition);
	json_add_str(w, "severity", severity_id(a->severity));
	for (size_t i = 0; i < a->n_tags; i++)
		add_tag_label(w, &a->tags[i], &name);
	json_put_end(w);
	strbuf_free(&name);
}

static void
render_alertmanager(struct strbuf *out, const struct note *n)
{
	const struct alert *a = n->alert;
	struct strbuf lines = { 0 };
	struct json_write w;

	render_lines(&lines, n);
	json_begin(&w, out);
	json_put_object(&w);
	add_labels(&w, a);
	json_add_object(&w, "annotations");
	json_add_str(&w, "summary", a->summary);
	json_add_str(&w, "description", strbuf_str(&lines));
	if (n->address[0] != '\0')
		json_add_str(&w, "address", n->address);
	json_put_end(&w);
	json_add_wall(&w, "startsAt", a->since);
	if (!a->firing)
		json_add_wall(&w, "endsAt", a->ended);
	if (n->link[0] != '\0')
		json_add_str(&w, "generatorURL", n->link);
	json_put_end(&w);
	out->failed = out->failed || lines.failed;
	strbuf_free(&lines);
}

/* ---- PagerDuty Events v2 ---- */

static void
add_pager_payload(struct json_write *w, const struct note *n)
{
	const struct alert *a = n->alert;
	const char *source = a->host[0] != '\0' ? a->host :
		a->partition[0] != '\0' ? a->partition : "tocsin";
	size_t len = strlen(a->summary);

	json_add_object(w, "payload");
	json_put_key(w, "summary");
	json_put_str_n(w, a->summary, len < SUMMARY_MAX ? len : SUMMARY_MAX);
	json_add_str(w, "source", source);
	json_add_str(w, "severity", severity_id(a->severity));
	json_add_wall(w, "timestamp", a->since);
	json_add_str(w, "group", a->partition);
	json_add_str(w, "class", a->kind);
	json_add_object(w, "custom_details");
	json_add_str(w, "address", n->address);
	add_tags(w, a);
	add_detail(w, "detail", a);
	json_put_end(w);
	json_put_end(w);
}

static void
render_pagerduty(struct strbuf *out, const struct note *n)
{
	const struct alert *a = n->alert;
	struct strbuf key = { 0 };
	struct json_write w;

	strbuf_puts(&key, "tocsin-");
	strbuf_put_u64(&key, a->id);
	strbuf_putc(&key, '-');
	strbuf_put_i64(&key, a->since.ms);
	json_begin(&w, out);
	json_put_object(&w);
	json_add_str(&w, "event_action", a->firing ? "trigger" : "resolve");
	json_add_str(&w, "dedup_key", strbuf_str(&key));
	json_add_str(&w, "client", "Tocsin");
	if (n->link[0] != '\0') {
		json_add_array(&w, "links");
		json_put_object(&w);
		json_add_str(&w, "href", n->link);
		json_add_str(&w, "text", "Tocsin");
		json_put_end(&w);
		json_put_end(&w);
	}
	add_pager_payload(&w, n);
	json_put_end(&w);
	out->failed = out->failed || key.failed;
	strbuf_free(&key);
}

/* ---- Slack ---- */

static const char *
colour_of(const struct alert *a)
{
	if (!a->firing)
		return "#2e7d32";
	switch (a->severity) {
	case SEVERITY_INFO:
		return "#1565c0";
	case SEVERITY_WARNING:
		return "#f9a825";
	case SEVERITY_CRITICAL:
		return "#c62828";
	}
	return "#616161";
}

/* Its three control characters; so no name can mention a channel. */
static void
add_slack_text(struct json_write *w, const char *key, const struct strbuf *sb)
{
	struct strbuf out = { 0 };

	for (const char *p = strbuf_str(sb); *p != '\0'; p++) {
		if (*p == '&')
			strbuf_puts(&out, "&amp;");
		else if (*p == '<')
			strbuf_puts(&out, "&lt;");
		else if (*p == '>')
			strbuf_puts(&out, "&gt;");
		else
			strbuf_putc(&out, *p);
	}
	json_add_str(w, key, strbuf_str(&out));
	w->out->failed = w->out->failed || out.failed || sb->failed;
	strbuf_free(&out);
}

static void
render_slack(struct strbuf *out, const struct note *n)
{
	struct strbuf text = { 0 };
	struct json_write w;

	json_begin(&w, out);
	json_put_object(&w);
	render_title(&text, n);
	add_slack_text(&w, "text", &text);
	json_add_array(&w, "attachments");
	json_put_object(&w);
	json_add_str(&w, "color", colour_of(n->alert));
	json_add_str(&w, "fallback", n->alert->summary);
	strbuf_reset(&text);
	render_lines(&text, n);
	add_slack_text(&w, "text", &text);
	json_add_i64(&w, "ts", n->at.ms / 1000);
	json_put_end(&w);
	json_put_end(&w);
	json_put_end(&w);
	strbuf_free(&text);
}

void
render(struct strbuf *out, enum action_type type, const struct note *n)
{
	switch (type) {
	case ACTION_WEBHOOK:
	case ACTION_EXEC:
		render_webhook(out, n);
		return;
	case ACTION_ALERTMANAGER:
		render_alertmanager(out, n);
		return;
	case ACTION_SLACK:
		render_slack(out, n);
		return;
	case ACTION_PAGERDUTY:
		render_pagerduty(out, n);
		return;
	case ACTION_SMTP:
		render_mail(out, n);
		return;
	}
}
