/*
 * tocsin accept: a person lives with a static bad value, until it moves.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "wire/json_write.h"

static int
find_until(struct cli *c, struct wall *until, struct tc_err *e)
{
	const char *to = c->opt.to;

	if ((to != NULL) == (c->opt.lasting.ns > 0))
		return tc_fail(e, TC_EINVAL, "accept needs --for 90d or "
			"--to TIME, one of them");
	if (to && wall_parse(to, strlen(to), until) < 0)
		return tc_fail(e, TC_EINVAL, "--to: '%.40s' is no time such as "
			"2026-05-01T22:00:00Z", to);
	if (!to)
		*until = wall_add(c->clock->wall(c->clock), c->opt.lasting);
	return 0;
}

static void
put_acceptance(const struct cli *c, struct wall until, struct strbuf *body)
{
	struct json_write w;

	json_begin(&w, body);
	json_put_object(&w);
	if (c->opt.metric)
		json_add_str(&w, "metric", c->opt.metric);
	if (c->opt.delta > 0)
		json_add_u64(&w, "delta", c->opt.delta);
	json_add_wall(&w, "until", until);
	json_add_str(&w, "reason", c->opt.reason);
	json_put_end(&w);
}

static void
device_path(struct strbuf *path, const char *device)
{
	strbuf_puts(path, "/v1/devices/");
	api_escape(path, device);
	strbuf_puts(path, "/accept");
}

static void
say_reply(struct cli *c, const struct doc *r)
{
	out_pair(&c->out, "device", doc_text(r, "device"));
	out_pair(&c->out, "host", doc_text(r, "host"));
	out_pair(&c->out, "level", doc_text(r, "level"));
	out_pair(&c->out, "accepted", doc_text(r, "accepted"));
}

int
verb_accept(struct cli *c, struct tc_err *e)
{
	bool remove = c->rest.n > 1 && strcmp(c->rest.operands[0], "remove") ==
		0;
	const char *device = c->rest.operands[remove ? 1 : 0];
	struct strbuf path = {0}, body = {0};
	struct wall until;
	struct doc *reply;
	int rc;

	if (c->rest.n > 1 && !remove)
		return tc_fail(e, TC_EINVAL, "tocsin accept DEVICE or remove "
			"DEVICE");
	if (!remove && !c->opt.reason)
		return tc_fail(e, TC_EINVAL, "accept needs --reason: why may "
			"it be?");
	if (!remove && (rc = find_until(c, &until, e)) < 0)
		return rc;
	device_path(&path, device);
	if (!remove)
		put_acceptance(c, until, &body);
	rc = api_send(c, remove ? "DELETE" : "POST", strbuf_str(&path),
		remove ? NULL : &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		if (remove)
			out_say(&c->out, "nothing of %s on %s is accepted any "
				"more; it is %s now\n", device,
				doc_text(reply, "host"),
				doc_text(reply, "level"));
		else
			out_say(&c->out, "%s on %s: accepted until it moves; "
				"it is %s now\n", device,
				doc_text(reply, "host"),
				doc_text(reply, "level"));
		say_reply(c, reply);
	}
	strbuf_free(&path);
	strbuf_free(&body);
	return rc;
}
