/*
 * What people are told of a window: seven fields, in UTC and in their own
 * time, none of them left to be guessed.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "plan/window.h"

static const char *
what(const struct window *w)
{
	switch (w->type) {
	case WINDOW_INSTANCE_REBOOT:
		return "reboot of instances";
	case WINDOW_HOST_REBOOT:
		return "reboot of hosts";
	case WINDOW_POWER:
		return "work on the power";
	case WINDOW_NETWORK:
		return "work on the network";
	}
	return "";
}

static const char *
todo(const struct window *w)
{
	return w->todo[0] != '\0' ? w->todo : "nothing";
}

static void
put_lasting(struct strbuf *out, const struct window *w)
{
	/* to the minute, for people */
	int64_t minutes = (w->to.ms - w->from.ms + 59999) / 60000;

	if (minutes >= 60)
		strbuf_printf(out, "%lld h", (long long)(minutes / 60));
	if (minutes % 60 != 0 || minutes < 60)
		strbuf_printf(out, "%s%lld min", minutes >= 60 ? " " : "",
			(long long)(minutes % 60));
}

/* "2026-01-31 02:00 UTC (03:00 CET, Europe/Vienna)" */
static void
put_moment(struct strbuf *out, const struct window *w, struct wall at)
{
	static const struct zone utc = { .std_name = "UTC" };
	char text[ZONE_TEXT], local[ZONE_TEXT];

	zone_format(&utc, at, text, sizeof(text));
	strbuf_puts(out, text);
	if (w->zone_id[0] == '\0')
		return;
	zone_format(&w->zone, at, local, sizeof(local));
	strbuf_printf(out, " (%s, %s)", strncmp(text, local, 11) == 0 ?
		local + 11 : local, w->zone_id);
}

static void
put_hosts(struct strbuf *out, const struct window *w,
	const struct notice_hosts *hosts)
{
	if (w->partition[0] != '\0')
		strbuf_printf(out, "all %zu of partition %s", hosts->all,
			w->partition);
	else
		strbuf_printf(out, "%zu", hosts->all);
	for (size_t i = 0; i < hosts->n; i++)
		strbuf_printf(out, "%s%s", i == 0 ? ": " : ", ",
			hosts->names[i]);
	if (hosts->n > 0 && hosts->n < hosts->all)
		strbuf_printf(out, " and %zu more", hosts->all - hosts->n);
	for (size_t i = 0; i < w->n_vms; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "; VMs: " : ", ",
			w->vms[i]);
}

static void
put_what(struct strbuf *out, const struct window *w)
{
	strbuf_puts(out, what(w));
	if (w->reason[0] != '\0')
		strbuf_printf(out, ": %s", w->reason);
}

void
notice_text(struct strbuf *out, const struct window *w,
	const struct notice_hosts *hosts)
{
	strbuf_puts(out, "What: ");
	put_what(out, w);
	strbuf_puts(out, "\nWhich hosts: ");
	put_hosts(out, w, hosts);
	strbuf_puts(out, "\nFrom: ");
	put_moment(out, w, w->from);
	strbuf_puts(out, "\nUntil: ");
	put_moment(out, w, w->to);
	strbuf_puts(out, "\nHow long: ");
	put_lasting(out, w);
	strbuf_printf(out, "\nWhat happens: %s\nWhat you must do: %s\n",
		window_effect(w), todo(w));
}

static void
add_built(struct json_write *j, const char *key, struct strbuf *text)
{
	json_add_str(j, key, strbuf_str(text));
	strbuf_reset(text);
}

static void
add_moment(struct json_write *j, const char *key, const struct window *w,
	struct wall at)
{
	char local[ZONE_TEXT];

	json_add_object(j, key);
	json_add_wall(j, "utc", at);
	json_add_str(j, "local", zone_format(&w->zone, at, local,
		sizeof(local)));
	json_add_str(j, "zone", w->zone_id[0] != '\0' ? w->zone_id : "UTC");
	json_put_end(j);
}

void
notice_add_members(struct json_write *j, const struct window *w,
	const struct notice_hosts *hosts)
{
	struct strbuf text = { 0 };

	put_what(&text, w);
	add_built(j, "what", &text);
	put_hosts(&text, w, hosts);
	add_built(j, "hosts", &text);
	add_moment(j, "from", w, w->from);
	add_moment(j, "to", w, w->to);
	put_lasting(&text, w);
	add_built(j, "how_long", &text);
	json_add_str(j, "effect", window_effect(w));
	json_add_str(j, "what_to_do", todo(w));
	notice_text(&text, w, hosts);
	add_built(j, "text", &text);
	strbuf_free(&text);
}
