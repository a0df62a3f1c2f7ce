/*
 * What an alert looks like to each kind of receiver.  Pure: the same alert
 * gives the same bytes.  No secret is in them: they are stored.
 */
#ifndef TOCSIN_ACTION_RENDER_H
#define TOCSIN_ACTION_RENDER_H

#include "action/action.h"
#include "base/strbuf.h"

struct note {
	const struct alert *alert;
	const char *id;		/* idempotency key of this message */
	const char *address;	/* of the host, "" = not known */
	const char *link;	/* "" = none */
	struct wall at;		/* when the message was made */
};

#define DETAIL_MAX_BYTES 16384	/* of an alert's body that is passed on */

/*
 * JSON, but for smtp: an RFC 5322 message from its Subject on.  pagerduty:
 * without the routing key; alertmanager: one alert, without endsAt while it
 * fires.
 */
void render(struct strbuf *out, enum action_type type, const struct note *n);

/* ---- shared by the templates ---- */
/* "FIRING critical: h1 is unhealthy" */
void render_title(struct strbuf *out, const struct note *n);
/* Lines for people: where, since when, reason and evidence, link. */
void render_lines(struct strbuf *out, const struct note *n);
void render_mail(struct strbuf *out, const struct note *n);

#endif
