/*
 * Hosts out of trust: their disposition from step to step, and what the
 * diagnosis found.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "plan/repair.h"

static void
say_diagnosis(struct engine *en, const struct host *h)
{
	struct strbuf text = { 0 };

	if (h->rare->diagnosis == NULL) {
		say_state(en, h->id, "diagnosis", NULL, 0);
		return;
	}
	diagnosis_write(h->rare->diagnosis, &text);
	if (!text.failed)
		say_state(en, h->id, "diagnosis", text.p, text.n);
	strbuf_free(&text);
}

/* Made when there is none; NULL = no memory. */
static struct diagnosis *
diagnosis_of(struct host *h)
{
	struct host_rare *own = host_rare(h);

	if (own != NULL && own->diagnosis == NULL)
		own->diagnosis = MEM_NEW(struct diagnosis);
	return own != NULL ? own->diagnosis : NULL;
}

static void
forget_diagnosis(struct host *h)
{
	mem_free(h->rare->diagnosis);
	host_own_rare(h)->diagnosis = NULL;
}

int
diagnosis_restore(struct host *h, const void *p, size_t n)
{
	struct diagnosis *d = diagnosis_of(h);
	char *text = mem_strndup(p, n);
	int rc = TC_ENOMEM;

	if (text != NULL && d != NULL)
		rc = diagnosis_parse(text, n, d, NULL) < 0 ?
			TC_ECORRUPT : 0;
	mem_free(text);
	return rc;
}

/*
 * Nothing of a refused order is stored with it, but that it was refused; at
 * once, so that events stay in order.
 */
static void
audit_refusal(struct engine *en, const struct host *h,
	const struct engine_wish *w, enum disposition to)
{
	struct change_set *lent = en->lent;

	en->lent = NULL;
	audit_change(en, w, "host.refused", h->id, (const char *const[]){
		"no such step", disposition_id(h->disposition),
		disposition_id(to) });
	facts_flush(en);
	en->lent = lent;
}

int
host_dispose(struct engine *en, struct host *h, const struct engine_wish *w,
	enum disposition to, struct tc_err *e)
{
	int rc = repair_step(h->disposition, to, h->rare->diagnosis, e);

	if (rc < 0) {
		audit_refusal(en, h, w, to);
		return rc;
	}
	/* Another time out of trust is looked into anew. */
	if (to == DISPOSITION_QUARANTINED && h->disposition != to &&
	    h->disposition != DISPOSITION_DIAGNOSING &&
	    h->rare->diagnosis != NULL) {
		forget_diagnosis(h);
		say_diagnosis(en, h);
	}
	h->disposition = to;
	return 0;
}

int
order_diagnose_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e)
{
	struct host *h = host_find(en, w->target);
	struct strbuf before = { 0 }, after = { 0 };
	struct diagnosis d = { .result = RESULT_OPEN };
	int rc;

	if (h == NULL || !h->present)
		return tc_fail(e, TC_ENOENT, "no host '%s'", w->target);
	if (h->rare->diagnosis != NULL)
		d = *h->rare->diagnosis;
	else if (diagnosis_of(h) == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	diagnosis_write(&d, &before);
	rc = diagnosis_merge(&d, w->body, w->n, e);
	if (rc == 0) {
		snprintf(d.by, sizeof(d.by), "%s", w->actor);
		d.at = en->now.wall;
		*h->rare->diagnosis = d;
		diagnosis_write(&d, &after);
		say_diagnosis(en, h);
		mark(en, h, DIRTY_URGENT);
		audit_change(en, w, "host.diagnosis", h->id,
			(const char *const[]){ "", strbuf_str(&before),
			strbuf_str(&after) });
		strbuf_printf(reply, "\"name\":\"%s\",\"diagnosis\":%s",
			h->name, strbuf_str(&after));
	} else if (h->rare->diagnosis->at.ms == 0) {
		forget_diagnosis(h);	/* there was none before */
	}
	strbuf_free(&before);
	strbuf_free(&after);
	return rc;
}
