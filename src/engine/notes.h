/*
 * What people say of alerts and hosts, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_NOTES_H
#define TOCSIN_ENGINE_NOTES_H

#include "engine/core.h"

/* Those whose time has come end; an acknowledged alert is told again. */
void notes_step(struct engine *en, struct wall now);
/* The acknowledgement that stands for alerts of this key, or NULL. */
const struct note *notes_ack_of(const struct engine *en, const char *key);
/* The alert is over: what was said of it ends, but for what has an end. */
void notes_end_with(struct engine *en, const char *key);
/* A severer alert is news: it was not acknowledged. */
void notes_drop_ack(struct engine *en, struct live_alert *a);
void notes_free(struct engine *en);
int show_notes(struct engine *en, struct snapshot *s);
/* By whom the alert is said to be acknowledged, from the note (or NULL). */
void alert_show_ack(struct live_alert *a, const struct note *n);

int order_ack_alert(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_comment_alert(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_comment_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_drop_comment(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);

#endif
