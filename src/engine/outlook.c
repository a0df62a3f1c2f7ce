/*
 * The host's own signals: heard, judged, told, kept.
 */
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "engine/outlook.h"
#include "wire/json_write.h"
#include "wire/verdict.h"

#define JUDGE_EVERY_S 300
#define SAVE_RISEN_S 600
#define SAVE_EVERY_S 3600
#define SPREAD_S 3600

void
outlook_free(struct engine *en, struct host_outlook *o)
{
	if (o == NULL)
		return;
	signals_free(&o->signals);
	if (o->told != NULL)
		mem_free(o->told->verdict);
	mem_free(o->told);
	slab_give(&en->outlooks, o);
}

static uint32_t
seconds_of(struct wall at)
{
	return (uint32_t)(at.ms / 1000);
}

/* Negative after a step back of the clock; 0 is never. */
static int32_t
seconds_since(struct wall now, uint32_t then)
{
	return then == 0 ? INT32_MAX : (int32_t)(seconds_of(now) - then);
}

/* Saved for the first time at any moment of the hour, not all at once. */
static struct host_outlook *
outlook_of(struct engine *en, struct host *h, struct wall now)
{
	if (h->outlook == NULL)
		h->outlook = slab_take(&en->outlooks);
	if (h->outlook != NULL && h->outlook->saved_s == 0)
		h->outlook->saved_s = seconds_of(now) - h->id % SPREAD_S;
	return h->outlook;
}

/* NULL = no memory. */
static struct outlook_told *
told_of(struct host_outlook *o)
{
	if (o->told == NULL)
		o->told = MEM_NEW(struct outlook_told);
	return o->told;
}

/* ---- told ---------------------------------------------------------------- */

static void
say_signals(struct engine *en, struct host *h, struct wall now)
{
	struct strbuf bytes = { 0 };

	if (signals_save(&h->outlook->signals, &bytes) == 0)
		say_state(en, h->id, "signals", bytes.p, bytes.n);
	strbuf_free(&bytes);
	h->outlook->saved_s = seconds_of(now);
	h->outlook->unsaved = false;
}

static void
say_outlook(struct engine *en, const struct host *h, const struct verdict *v)
{
	const struct outlook_told *told = h->outlook->told;

	say_prediction(en, h->id, h->id, &(struct prediction_item){
		told->prediction_id, h->name, { "host", "", "", "" },
		told->level_since, v });
}

static void
level_moved(struct engine *en, struct host *h, const struct verdict *v,
	enum level from)
{
	struct outlook_told *told = h->outlook->told;
	char body[256];

	told->level_since = v->judged_at;
	if (v->level != LEVEL_NONE)
		told->prediction_id = ++en->prediction_id;
	say_outlook(en, h, v);
	snprintf(body, sizeof(body), "{\"from\":\"%s\",\"to\":\"%s\","
		"\"risk\":%.4f,\"prediction\":%llu}", level_name(from),
		level_name(v->level), v->risk.d30,
		(unsigned long long)told->prediction_id);
	say_event(en, "prediction.level", h->id, v->judged_at, body);
	if (v->level == LEVEL_NONE)
		told->prediction_id = 0;
}

/* ---- judged -------------------------------------------------------------- */

static void
keep_verdict(struct host_outlook *o, const struct verdict *v)
{
	o->level = v->level;
	o->open = v->gate_open;
	mem_free(o->told->verdict);
	o->told->verdict = NULL;
	if (v->n_evidence == 0)
		return;
	o->told->verdict = mem_alloc(verdict_bytes(v));
	if (o->told->verdict != NULL)
		memcpy(o->told->verdict, v, verdict_bytes(v));
}

/* What spoke for nothing, and is gone, leaves nothing behind. */
static void
drop_told(struct host_outlook *o)
{
	const struct outlook_told *t = o->told;

	if (t->verdict != NULL || t->prediction_id != 0 ||
	    t->level_since.ms != 0)
		return;
	mem_free(o->told);
	o->told = NULL;
}

static void
judge(struct engine *en, struct host *h, struct wall now)
{
	struct host_outlook *o = h->outlook;
	enum level from = o->level;
	const struct verdict *was = host_verdict(h);
	int32_t score = was != NULL ? was->score : 0;
	struct verdict v;

	outlook_judge(&en->outlook, &o->signals, now, &v);
	o->judged_s = seconds_of(now);
	if ((v.n_evidence == 0 && was == NULL && from == LEVEL_NONE) ||
	    told_of(o) == NULL)
		return;
	keep_verdict(o, &v);
	mark(en, h, from != v.level ? DIRTY_URGENT : DIRTY_COSMETIC);
	if (from != v.level)
		level_moved(en, h, &v, from);
	else if (v.level != LEVEL_NONE && v.score != score)
		say_outlook(en, h, &v);
	drop_told(o);
	risk_fold(en, h);
}

static void
tend(struct engine *en, struct host *h, bool rose, struct wall now)
{
	struct host_outlook *o = h->outlook;
	int32_t unsaved_s = seconds_since(now, o->saved_s);

	o->unsaved = o->unsaved || rose;
	if (en->pack != NULL &&
	    (rose || seconds_since(now, o->judged_s) >= JUDGE_EVERY_S))
		judge(en, h, now);
	if (unsaved_s >= SAVE_EVERY_S ||
	    (o->unsaved && unsaved_s >= SAVE_RISEN_S))
		say_signals(en, h, now);
}

/* ---- heard --------------------------------------------------------------- */

/* By its places, when they are those of the shape; else by name. */
static bool
hear_signals(struct signals *s, const struct check *c,
	const struct observation *ob)
{
	const uint8_t *signals = c->whole ? c->metrics.shape->signals : NULL;
	struct signals_heard heard;

	signals_begin(&heard, s, (uint8_t)(c->id & 0xff), ob->at);
	for (size_t i = 0; i < ob->n_metrics; i++) {
		const struct metric *m = &ob->metrics[i];
		uint8_t signal = signals != NULL ? signals[i] :
			signal_of_metric(m->name);

		if (signal != SIGNAL_NONE)
			signals_tell(&heard, (enum signal)signal,
				&(struct signal_metric){ m->name, m->instance,
					metric_number(m) });
	}
	return signals_end(&heard);
}

/* What is not kept with the check, for its number, is found by name. */
static bool
tells(const struct check *c, const struct observation *ob)
{
	if (c->whole || metrics_n(&c->metrics) < METRICS_PER_CHECK)
		return c->metrics.shape != NULL && c->metrics.shape->tells;
	for (size_t i = 0; i < ob->n_metrics; i++)
		if (signal_of_metric(ob->metrics[i].name) != SIGNAL_NONE)
			return true;
	return false;
}

static uint32_t
small_count(const struct metric *m)
{
	double v = metric_number(m);

	return v >= 1 && v <= 1e6 ? (uint32_t)v : 0;
}

/* More processors are no anomaly: what was measured before is another past. */
static void
watch_shape(struct engine *en, struct host *h, const struct observation *ob)
{
	struct host_outlook *o;
	uint32_t cpus = 0;
	char body[128];

	for (size_t i = 0; i < ob->n_metrics; i++)
		if (strcmp(ob->metrics[i].name, "cpu_count") == 0)
			cpus = small_count(&ob->metrics[i]);
	o = cpus > 0 ? outlook_of(en, h, ob->at) : NULL;
	if (o == NULL)
		return;
	if (o->cpus > 0 && cpus != o->cpus) {
		signals_new_past(&o->signals);
		snprintf(body, sizeof(body), "{\"metric\":\"cpu_count\","
			"\"from\":%u,\"to\":%u}", (unsigned)o->cpus,
			(unsigned)cpus);
		say_event(en, "host.capacity", h->id, ob->at, body);
	}
	o->cpus = cpus;
}

void
outlook_hear(struct engine *en, struct check *c, const struct observation *ob,
	struct now now)
{
	struct host *h = check_host(c);
	bool rose;

	if (check_device(c) != NULL || check_unit(c) != NULL)
		return;
	if (c->kind->traits & KIND_CPU)
		watch_shape(en, h, ob);
	if (!tells(c, ob) || outlook_of(en, h, now.wall) == NULL)
		return;
	rose = hear_signals(&h->outlook->signals, c, ob);
	tend(en, h, rose, now.wall);
}

/* In a maintenance window, or while we doubt ourselves, nothing counts. */
void
outlook_convicted(struct engine *en, struct host *h, bool layer,
	struct wall at)
{
	if (h->rare->window != NULL || en->observer.suspect ||
	    h->disposition != DISPOSITION_IN_SERVICE ||
	    outlook_of(en, h, at) == NULL)
		return;
	signals_event(&h->outlook->signals, layer ? SIGNAL_FAILURES :
		SIGNAL_FLAPS, at);
	if (en->pack != NULL)
		judge(en, h, at);
	say_signals(en, h, at);
}

void
outlook_age(struct engine *en, struct host *h, struct now now)
{
	if (en->pack != NULL && h->outlook != NULL &&
	    h->outlook->signals.seen != 0)
		judge(en, h, now.wall);
}

struct host_own
outlook_own(const struct host *h)
{
	const struct host_outlook *o = h->outlook;

	if (o == NULL || !o->open || host_verdict(h) == NULL)
		return (struct host_own){ .any = false };
	return (struct host_own){ true, o->level, o->told->verdict->risk };
}

/* ---- coming back --------------------------------------------------------- */

int
outlook_restore(struct engine *en, struct host *h, const void *bytes, size_t n)
{
	if (h->outlook == NULL)
		h->outlook = slab_take(&en->outlooks);
	if (h->outlook == NULL)
		return TC_ENOMEM;
	signals_free(&h->outlook->signals);
	return signals_restore(bytes, n, &h->outlook->signals, NULL);
}

int
outlook_restore_prediction(struct engine *en, struct host *h,
	const struct change_prediction *p)
{
	enum level level;

	if (!level_from_name(p->level, strlen(p->level), &level))
		return TC_ECORRUPT;
	if (h->outlook == NULL)
		h->outlook = slab_take(&en->outlooks);
	if (h->outlook == NULL || told_of(h->outlook) == NULL)
		return TC_ENOMEM;
	h->outlook->level = level;
	h->outlook->told->prediction_id = p->id;
	h->outlook->told->level_since = p->since;
	return 0;
}
