/*
 * What agents send: judged at arrival, once, and written down as it came.
 */
#include <stdio.h>
#include <string.h>

#include "engine/devices.h"
#include "engine/backup.h"
#include "engine/inside.h"
#include "engine/strain.h"
#include "engine/unit.h"

/* The device by its identity; one that moved between hosts keeps its past. */
static struct device *
device_of(struct engine *en, struct host *h, const struct observation *ob)
{
	const struct device_id *ident = &ob->device;
	char key[1024];
	struct device *d;

	device_key(ident, h, key, sizeof(key));
	d = hash_get_str(&en->devices, key);
	if (d == NULL) {
		d = device_add(en, h, ident, 0);
		if (d != NULL) {
			d->first = ob->at;
			device_say_subject(en, d);
		}
		return d;
	}
	if (d->gone && ob->at.ms > d->gone_at.ms)
		device_return(en, d);
	if (d->host == h)
		return d;
	if (host_device_room(h) < 0)
		return d;
	host_drop_device(d->host, d);
	risk_fold(en, d->host);
	mark(en, d->host, DIRTY_URGENT);
	d->host = h;
	host_put_device(h, d);
	device_say_subject(en, d);
	mark(en, h, DIRTY_URGENT);
	return d;
}

static struct check *
check_of(struct engine *en, struct host *h, const struct observation *ob,
	struct device *d)
{
	char key[1200];
	struct check *c;

	if (d == NULL)
		snprintf(key, sizeof(key), "%s", ob->probe);
	else
		snprintf(key, sizeof(key), "%s:%s", ob->probe,
			d->ident.serial[0] != '\0' ? d->ident.serial : d->key);
	c = check_find(h, key);
	if (c == NULL) {
		c = check_add(en, h, key, ob->probe, 0);
		if (c == NULL)
			return NULL;
		if (strcmp(ob->probe, "smart") == 0)
			(void)check_set_interval(en, c, en->smart_interval);
		check_set_device(c, d);
		check_say_subject(en, c, false);
		mark(en, h, DIRTY_URGENT);
	}
	if (d != NULL)
		check_set_device(c, d);
	return c;
}

static struct dur
age_of(const struct batch *b, const struct observation *ob, struct now now)
{
	struct wall sent = b->sent.ms != 0 ? b->sent : now.wall;

	return dur_ms(sent.ms > ob->at.ms ? sent.ms - ob->at.ms : 0);
}

/*
 * Of a VM or a role; else of the host.  Its agent's last word is its check's,
 * too, unless it is the first word ever.
 */
static bool
take_unit(struct engine *en, struct host *h, struct unit *guest,	/* lint: whose, and what of it */
	const struct batch *b, const struct observation *ob, bool *ends)
{
	struct unit *u = unit_of_observation(en, h, guest, ob);
	bool word = agent_word(en, h, guest, ob);

	*ends |= word;
	if (u == NULL && guest == NULL && ob->vm == NULL && ob->role == NULL &&
	    (!word || check_find(h, ob->probe) != NULL))
		return false;
	en->counts.observations++;
	en->counts.samples += ob->n_metrics;
	say_observation(en->lent, u != NULL ? u->id : h->id, ob);
	if (u != NULL && !word)
		unit_observe(en, u, ob, age_of(b, ob, en->now));
	return true;
}

static void
take(struct engine *en, struct host *h, const struct batch *b,
	const struct observation *ob, struct now now)
{
	struct device *d = ob->device.kind[0] == '\0' ? NULL :
		device_of(en, h, ob);
	struct check *c = check_of(en, h, ob, d);

	en->counts.observations++;
	en->counts.samples += ob->n_metrics;
	say_observation(en->lent, d != NULL ? d->id : h->id, ob);
	if (d != NULL)
		risk_observe(en, d, ob, now);
	backup_observe(en, h, ob);
	/* An active check is judged by its own runs only. */
	if (c == NULL || !c->passive || ob->at.ms <= c->st.at.ms)
		return;
	if (age_of(b, ob, now).ns > 2 * c->kind->rule.interval.ns)
		return;
	if (d == NULL)
		strain_hear(en, c, ob, now);
	judge_observation(en, c, ob, now);
	run_schedule(en, c, now);
}

void
engine_part(struct engine *en, uint32_t check, uint32_t seq,
	const struct observation *ob, struct now now)
{
	struct check *from = subject_get(en, check, SUBJECT_CHECK), *c;
	struct device *d;

	if (from == NULL || from->passive || !from->in_flight ||
	    from->seq != seq || ob->device.kind[0] == '\0') {
		en->counts.results_late++;
		return;
	}
	en->now = now;
	d = device_of(en, check_host(from), ob);
	c = d != NULL ? check_of(en, check_host(from), ob, d) : NULL;
	if (c == NULL || !c->passive)
		return;
	say_observation(facts(en), d->id, ob);
	risk_observe(en, d, ob, now);
	(void)check_set_interval(en, c, from->kind->rule.interval);
	judge_observation(en, c, ob, now);
	run_schedule(en, c, now);
}

enum engine_batch_refusal
engine_batch(struct engine *en, const struct batch *b, bool may_create,
	struct now now, struct change_set *cs)
{
	struct unit *guest = vm_find(en, b->host);
	struct host *h = guest != NULL ? guest->host :
		host_find(en, b->host);
	bool ends = false, sorted = !en->resort;

	if (h == NULL && !may_create)
		return BATCH_HOST_UNKNOWN;
	if (h != NULL && !h->present && !may_create)
		return BATCH_HOST_RETIRED;
	en->now = now;
	en->lent = cs;
	if (h == NULL) {
		struct part *p = part_get(en, "default");

		h = p != NULL ? host_make(en, b->host, p, 0) : NULL;
		if (h != NULL)
			host_say_subject(en, h);
	}
	if (h == NULL) {
		en->lent = NULL;
		return BATCH_NO_MEMORY;
	}
	if (!h->present) {
		h->present = true;
		en->resort = true;
		host_say_subject(en, h);
	}
	if (sorted && en->resort)
		fleet_enter(en, h);
	cs->batch_host = guest != NULL ? guest->id : h->id;
	cs->batch_id = b->id[0] != '\0' ? fact_text(cs, b->id) : NULL;
	for (size_t i = 0; i < b->n; i++)
		if (!take_unit(en, h, guest, b, &b->items[i], &ends))
			take(en, h, b, &b->items[i], now);
	/* Whose batch says that it ends is not there any more. */
	if (!ends && guest != NULL)
		unit_heard(en, guest, now);
	else if (!ends)
		watch_heard(en, h, now);
	fold_host(en, h, now.wall);
	step(en, now);
	en->lent = NULL;
	return BATCH_TAKEN;
}
