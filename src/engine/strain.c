#include "engine/strain.h"

#include <string.h>

#include "base/le.h"
#include "engine/inside.h"
#include "engine/unit.h"
#include "health/busy.h"
#include "health/load.h"

/* A word that only repeats is written down so often, not each time. */
#define SAVE_EVERY_NS INT64_C(60000000000)
/* Counters are compared over so many intervals of their check at most. */
#define LOAD_INTERVALS 2

struct strain {
	uint32_t host_id;
	struct host *host;
	struct mono told;	/* that it is busy; awake time, as the others */
	struct mono failing;	/* something is forgiven since; 0 = nothing */
	struct mono saved;
	struct heap_node due;
};

static struct strain *
strain_of(const struct engine *en, const struct host *h)
{
	return en->strains.n == 0 ? NULL :
		hash_get(&en->strains, &h->id, sizeof(h->id));
}

static const struct unit_rule *
rule_of(const struct engine *en, const struct host *h)
{
	return h->rare->watch != NULL ? &h->rare->watch->rule : &en->unit_rule;
}

/* ---- saved: version, three free, then the age of the word, of the failing */

#define SAVED_VERSION 1
#define SAVED_BYTES (4 + 8 + 8)

static void
save(struct engine *en, struct strain *s)
{
	struct mono now = awake_in(en, s->host->part, en->now);
	unsigned char b[SAVED_BYTES] = { SAVED_VERSION, 0 };

	s->saved = now;
	le_put(b + 4, (uint64_t)(now.ns - s->told.ns), 8);
	le_put(b + 12, s->failing.ns != 0 ?
		(uint64_t)(now.ns - s->failing.ns) : UINT64_MAX, 8);
	say_state(en, s->host_id, "strain", b, sizeof(b));
}

/* ---- from its begin to its end ---- */

static struct strain *
begin(struct engine *en, struct host *h)
{
	struct strain *s = strain_of(en, h);

	if (s != NULL)
		return s;
	s = MEM_NEW(struct strain);
	if (s == NULL)
		return NULL;
	s->host = h;
	s->host_id = h->id;
	if (hash_put(&en->strains, &s->host_id, sizeof(s->host_id), s) == 0)
		return s;
	mem_free(s);
	return NULL;
}

static void
end(struct engine *en, struct strain *s)
{
	struct host *h = s->host;

	hash_remove(&en->strains, &s->host_id, sizeof(s->host_id));
	heap_remove(&en->strain_due, &s->due);
	say_state(en, s->host_id, "strain", NULL, 0);
	mem_free(s);
	if (h->present)
		fold_host(en, h, en->now.wall);
}

static bool
echoes(const struct host *h)
{
	for (size_t i = 0; i < h->n_checks; i++)
		if (!host_checks(h)[i]->passive && is_host_layer(host_checks(h)[i]) &&
		    host_checks(h)[i]->st.health == HEALTH_HEALTHY)
			return true;
	return false;
}

static struct busy_view
view(const struct engine *en, const struct strain *s)
{
	struct mono now = awake_in(en, s->host->part, en->now);

	return (struct busy_view){ .told = mono_diff(now, s->told),
		.failing = dur_ns(s->failing.ns != 0 ?
			now.ns - s->failing.ns : 0),
		.echoes = echoes(s->host) };
}

static void
arm(struct engine *en, struct strain *s)
{
	const struct unit_rule *rule = rule_of(en, s->host);
	struct busy_view v = view(en, s);
	struct dur left = busy_due(&v, rule);

	/* what a kill may take of the grace */
	if (s->failing.ns != 0 && rule->heartbeat.ns < left.ns)
		left = rule->heartbeat;
	heap_remove(&en->strain_due, &s->due);
	if (left.ns != INT64_MAX)
		(void)heap_push(&en->strain_due, &s->due,
			en->now.mono.ns + left.ns);
}

/* What it told last, and when it was told: kept by who tells counters only. */
struct told {
	uint32_t check_id;
	struct load load;
};

/* Without memory it is unknown, as at first. */
static void
keep_load(struct engine *en, const struct check *c, struct told *t,
	const struct load *l)
{
	if (t == NULL) {
		t = MEM_NEW(struct told);
		if (t == NULL)
			return;
		t->check_id = c->id;
		if (hash_put(&en->loads, &t->check_id, sizeof(t->check_id),
			t) < 0) {
			mem_free(t);
			return;
		}
	}
	t->load = *l;
}

static double
busiest_of(struct engine *en, const struct check *c,
	const struct observation *ob)
{
	struct told *t = hash_get(&en->loads, &c->id, sizeof(c->id));
	struct load l;
	double busiest;

	load_take(&l, ob);
	busiest = load_busiest(&l, t != NULL ? &t->load : NULL,
		dur_ns(LOAD_INTERVALS * c->kind->rule.interval.ns));
	if (load_has_counters(&l))
		keep_load(en, c, t, &l);
	return busiest;
}

void
strain_forget(struct engine *en, const struct check *c)
{
	mem_free(hash_remove(&en->loads, &c->id, sizeof(c->id)));
}

void
strain_hear(struct engine *en, struct check *c, const struct observation *ob,
	struct now now)
{
	struct host *h = check_host(c);
	double busiest = busiest_of(en, c, ob);
	struct strain *s;

	if (busiest < 0)
		return;
	if (check_unit(c) != NULL) {
		unit_busy(en, check_unit(c), busiest);
		return;
	}
	if (busiest < rule_of(en, h)->busy_ratio) {
		s = strain_of(en, h);
		if (s != NULL)
			end(en, s);
		return;
	}
	s = begin(en, h);
	if (s == NULL)
		return;
	s->told = awake_in(en, h->part, now);
	if (s->saved.ns == 0 || s->failing.ns != 0 ||
	    s->told.ns - s->saved.ns >= SAVE_EVERY_NS)
		save(en, s);
	arm(en, s);
}

/* ---- what is forgiven ---- */

static bool
is_wrong(const struct check *c)
{
	return c->st.health == HEALTH_UNHEALTHY || c->st.health == HEALTH_STALE;
}

static enum tocsin_reason
why_wrong(const struct check *c)
{
	return (enum tocsin_reason)c->st.reason;
}

static bool
all_forgiven(const struct host *h, const struct busy_view *v,
	const struct unit_rule *rule)
{
	bool any = false;

	for (size_t i = 0; i < h->n_checks; i++) {
		const struct check *c = host_checks(h)[i];

		if (!is_wrong(c))
			continue;
		/* what was convicted, and then fell silent, is no lateness */
		if ((c->st.health == HEALTH_STALE &&
			c->st.behind == HEALTH_UNHEALTHY) ||
		    !busy_forgives(v, rule, c->passive, why_wrong(c)))
			return false;
		any = true;
	}
	return any;
}

bool
strain_forgives(struct engine *en, struct host *h)
{
	struct strain *s = strain_of(en, h);
	struct busy_view v;
	bool forgiven;

	if (s == NULL || h->health == HEALTH_UNHEALTHY)
		return false;
	v = view(en, s);
	forgiven = all_forgiven(h, &v, rule_of(en, h));
	if (forgiven && s->failing.ns == 0) {
		s->failing = awake_in(en, h->part, en->now);
		save(en, s);
		arm(en, s);
	}
	return forgiven;
}

bool
strain_excuses(const struct engine *en, const struct check *c)
{
	const struct strain *s = strain_of(en, check_host(c));
	struct busy_view v;

	if (s == NULL)
		return false;
	v = view(en, s);
	return busy_forgives(&v, rule_of(en, check_host(c)), c->passive,
		why_wrong(c));
}

/* ---- time alone ---- */

static bool
is_over(const struct engine *en, const struct strain *s)
{
	return view(en, s).told.ns >= rule_of(en, s->host)->grace.ns;
}

void
strains_tick(struct engine *en, struct now now)
{
	struct heap_node *top;

	while ((top = heap_peek(&en->strain_due)) != NULL &&
		top->key <= now.mono.ns) {
		struct strain *s = CONTAINER_OF(top, struct strain, due);

		heap_pop(&en->strain_due);
		if (is_over(en, s) || !s->host->present) {
			end(en, s);
			continue;
		}
		if (s->failing.ns != 0)
			save(en, s);
		arm(en, s);
		fold_host(en, s->host, now.wall);
	}
}

void
strain_settled(struct engine *en, struct host *h)
{
	struct strain *s = strain_of(en, h);

	if (s == NULL || s->failing.ns == 0)
		return;
	s->failing.ns = 0;
	save(en, s);
	arm(en, s);
}

void
strains_free(struct engine *en)
{
	struct strain *s;
	size_t at = 0;

	while ((s = hash_next(&en->strains, &at)) != NULL)
		mem_free(s);
	hash_free(&en->strains);
	heap_free(&en->strain_due);
	hash_free(&en->loads);
}

int
strain_restore(struct engine *en, struct host *h, const void *p, size_t n)
{
	const unsigned char *b = p;
	const struct mono now = { 0 };
	struct strain *s;
	int64_t failing;

	if (n != SAVED_BYTES || b[0] != SAVED_VERSION)
		return TC_ECORRUPT;
	s = begin(en, h);
	if (s == NULL)
		return TC_ENOMEM;
	failing = (int64_t)le_get(b + 12, 8);
	s->told = mono_ago(now, (int64_t)le_get(b + 4, 8));
	/* an age of zero would mean that nothing fails */
	s->failing.ns = failing < 0 ? 0 :
		mono_ago(now, failing > 0 ? failing : 1).ns;
	return 0;
}

/* The ages are from now on; time that nobody watched is no grace. */
void
strains_wake(struct engine *en, struct now now)
{
	struct strain *s;
	size_t at = 0;

	while ((s = hash_next(&en->strains, &at)) != NULL) {
		int64_t base = awake_in(en, s->host->part, now).ns;

		s->told.ns += base;
		s->failing.ns += s->failing.ns != 0 ? base : 0;
		s->saved.ns = base;
		arm(en, s);
	}
}
