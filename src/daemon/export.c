/*
 * The summary for a second place: state_dir/export/summary.json and
 * status.html, replaced whole every few seconds, readable when the server is
 * gone; the time they were made stands in them.
 *
 * Written by the loop: a few KiB into the page cache, renamed, not synced. A
 * power cut may lose the newest; it never leaves half a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "wire/json_write.h"

#define EXPORT_EVERY_S 5
#define EXPORT_ALERTS 50

static void
replace(const char *dir, const char *name, const struct strbuf *text)
{
	char path[4200], tmp[4208];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		0644);
	if (fd < 0 || write(fd, strbuf_str(text), text->n) !=
		(ssize_t)text->n || rename(tmp, path) < 0)
		log_at(WARN, "export", "not written path=%s errno=%d", path,
			errno);
	if (fd >= 0)
		close(fd);
}

/* ---- summary.json ---- */

static void
put_alerts(struct json_write *w, const struct snapshot *s)
{
	json_add_u64(w, "alerts_firing", s->n_alerts);
	json_add_array(w, "alerts");
	for (size_t i = 0; i < s->n_alerts && i < EXPORT_ALERTS; i++) {
		const struct alert *a = &s->alerts[i];

		json_put_object(w);
		json_add_str(w, "severity", severity_id(a->severity));
		json_add_str(w, "kind", a->kind);
		json_add_wall(w, "since", a->since);
		json_add_str(w, "summary", a->summary);
		json_put_end(w);
	}
	json_put_end(w);
}

static void
put_latched(struct json_write *w, const struct snapshot *s)
{
	json_add_array(w, "brakes");
	for (size_t i = 0; i < s->n_partitions; i++) {
		const struct snap_partition *p = &s->partitions[i];

		if (!p->brake.latched)
			continue;
		json_put_object(w);
		json_add_str(w, "partition", p->name);
		json_add_wall(w, "since", p->brake.since);
		json_add_str(w, "reason", p->brake.reason);
		json_put_end(w);
	}
	json_put_end(w);
}

static void
write_json(struct strbuf *out, const struct snapshot *s)
{
	struct json_write w;

	json_begin(&w, out);
	json_put_object(&w);
	json_add_wall(&w, "generated_at", s->at);
	json_add_str(&w, "state", state_id(s->worst));
	json_add_wall(&w, "since", s->since);
	json_add_u64(&w, "hosts", s->n_hosts);
	json_add_object(&w, "counts");
	for (int i = 0; i < STATE_COUNT_; i++)
		json_add_u64(&w, state_id((enum unit_state)i), s->counts[i]);
	json_put_end(&w);
	json_add_bool(&w, "observer_suspect", s->observer_suspect);
	json_add_str(&w, "observer_reason", s->observer_why);
	json_add_bool(&w, "degraded", s->degraded);
	json_add_array(&w, "at_risk");
	for (size_t i = 0; i < s->n_top; i++) {
		json_put_object(&w);
		json_add_str(&w, "host", s->top[i]->name);
		json_add_str(&w, "level", level_name(s->top[i]->level));
		json_add_str(&w, "reason", s->top[i]->rare->risk_reason);
		json_put_end(&w);
	}
	json_put_end(&w);
	put_latched(&w, s);
	put_alerts(&w, s);
	json_add_str(&w, "version", s->version);
	json_put_end(&w);
	strbuf_putc(out, '\n');
}

/* ---- status.html: no script, no style from elsewhere ---- */

static void
put_html(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			strbuf_puts(out, "&lt;");
			break;
		case '>':
			strbuf_puts(out, "&gt;");
			break;
		case '&':
			strbuf_puts(out, "&amp;");
			break;
		case '"':
			strbuf_puts(out, "&quot;");
			break;
		default:
			strbuf_putc(out, *text);
		}
	}
}

static void
put_counts(struct strbuf *out, const struct snapshot *s)
{
	strbuf_puts(out, "<p>");
	for (int i = 0; i < STATE_COUNT_; i++)
		if (s->counts[i] != 0)
			strbuf_printf(out, "<b>%zu</b> %s &nbsp; ",
				s->counts[i], state_id((enum unit_state)i));
	strbuf_puts(out, "</p>\n");
}

static void
write_html(struct strbuf *out, const struct snapshot *s)
{
	char at[WALL_TEXT];

	strbuf_puts(out, "<!doctype html>\n<html lang=\"en\"><meta "
		"charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"30\">"
		"<title>Tocsin</title>\n<body style=\"font:16px sans-serif;"
		"max-width:60em;margin:2em auto;padding:0 1em\">\n");
	strbuf_printf(out, "<h1>%s</h1>\n<p>as of %s; written every %d s: if "
		"that is long ago, the server is gone and this is old</p>\n",
		state_id(s->worst), wall_format(s->at, at, sizeof(at)),
		EXPORT_EVERY_S);
	if (s->observer_suspect)
		strbuf_puts(out, "<p><b>The server itself may be cut off.</b>"
			"</p>\n");
	put_counts(out, s);
	strbuf_puts(out, "<h2>Alerts</h2>\n<ul>\n");
	for (size_t i = 0; i < s->n_alerts && i < EXPORT_ALERTS; i++) {
		strbuf_printf(out, "<li>%s: ",
			severity_id(s->alerts[i].severity));
		put_html(out, s->alerts[i].summary);
		strbuf_puts(out, "</li>\n");
	}
	strbuf_printf(out, "</ul>\n<p>%zu in all</p>\n<h2>Will break</h2>\n"
		"<ul>\n", s->n_alerts);
	for (size_t i = 0; i < s->n_top; i++) {
		strbuf_printf(out, "<li>%s: ", level_name(s->top[i]->level));
		put_html(out, s->top[i]->name);
		strbuf_puts(out, ", ");
		put_html(out, s->top[i]->rare->risk_reason);
		strbuf_puts(out, "</li>\n");
	}
	strbuf_puts(out, "</ul>\n</body></html>\n");
}

static void
write_both(void *arg, struct mono now)
{
	struct daemon *d = arg;
	struct strbuf text = { 0 };
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/export", d->config->state_dir);
	if (mkdir(dir, 0755) == 0 || errno == EEXIST) {
		write_json(&text, d->published);
		if (!text.failed)
			replace(dir, "summary.json", &text);
		strbuf_reset(&text);
		write_html(&text, d->published);
		if (!text.failed)
			replace(dir, "status.html", &text);
	}
	strbuf_free(&text);
	sched_at(d->sched, &d->export, mono_add(now, dur_s(EXPORT_EVERY_S)));
}

void
export_start(struct daemon *d)
{
	sched_timer_init(&d->export, write_both, d);
	sched_at(d->sched, &d->export, (struct mono){ 0 });
}
