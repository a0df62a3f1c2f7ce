#include "agent/goodbye.h"

#include <stdio.h>

#include "agent/pending.h"
#include "base/log.h"

#define PATIENCE dur_ms(900)

struct into {
	struct spool *spool;
	struct clock *clock;
};

static int
put_batch(void *arg, const struct batch *b, const struct strbuf *text)
{
	const struct into *in = arg;
	struct tc_err e = { 0 };

	return spool_put(in->spool, text, (uint32_t)b->n,
		in->clock->wall(in->clock), &e);
}

void
goodbye_send(const struct agent_conf *conf, struct spool *spool,
	struct clock *clock, const char *why)
{
	struct wall now = clock->wall(clock);
	struct into in = { spool, clock };
	struct pending pending = { 0 };
	struct sender *sender = NULL;
	struct tc_err e = { 0 };
	char text[256], name[64];
	struct sender_conf to = { .url = conf->server,
		.token_file = conf->token_file, .ca_file = conf->ca_file,
		.user_agent = name, .spool = spool, .clock = clock };
	struct observation ob = { .probe = "agent", .at = now,
		.outcome = TOCSIN_UNKNOWN,
		.reason = TOCSIN_WHY_REPORTED_ERROR, .text = text,
		.device = { "", "", "", "" } };

	snprintf(name, sizeof(name), "%s/%s", agent_program.name,
		agent_program.version);
	snprintf(text, sizeof(text), "%s %s, ended: %s", agent_program.name,
		agent_program.version, why);
	if (pending_add(&pending, &ob) == 0 &&
	    pending_flush(&pending, conf->host, now, put_batch, &in) == 0 &&
	    sender_start(&to, &sender, &e) == 0) {
		sender_wake(sender);
		sender_stop(sender, mono_add(clock->mono(clock), PATIENCE));
	} else {
		log_at(WARN, "agent", "its end is not told: %s", e.text);
	}
	pending_free(&pending);
}
