/*
 * The engine as a whole: made, counted, ended.
 */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/climb.h"
#include "engine/doubt.h"
#include "engine/inside.h"
#include "engine/outlook.h"
#include "engine/notes.h"
#include "engine/strain.h"
#include "engine/trouble.h"
#include "engine/sweep.h"
#include "engine/unit.h"
#include "predict/peers.h"
#include "wire/json_write.h"

/* What a fleet that says nothing gets; the configuration always says. */
#define PASSIVE_INTERVAL_S 15
#define PASSIVE_FAIL_AFTER 3
#define PASSIVE_CLEAR_AFTER 2
#define PASSIVE_STALE_AFTER 3
#define SMART_INTERVAL_S 3600
#define LADDER_WAIT_S 60
#define LADDER_REBOOT_S 900
#define EVACUATION_S 1800
#define EVACUATION_RATE (100u << 20)
#define UNIT_GRACE_S 600
#define UNIT_NEVER_S 60
#define UNIT_GONE_S 30
#define UNIT_BUSY_RATIO 0.95

struct engine *
engine_new(const struct engine_conf *conf)
{
	struct engine *en = MEM_NEW(struct engine);

	if (en == NULL)
		return NULL;
	en->io = conf->io;
	en->pack = conf->pack;
	if (drive_rules_builtin(&en->states, NULL) < 0 ||
	    outlook_builtin(&en->outlook, NULL) < 0) {
		mem_free(en);
		return NULL;
	}
	en->version = conf->version;
	en->names.by_name.seed = conf->boot_seed;
	en->parts.seed = conf->boot_seed;
	en->hosts.seed = conf->boot_seed;
	en->devices.seed = conf->boot_seed;
	en->vms.seed = conf->boot_seed;
	en->alerts.seed = conf->boot_seed;
	en->shared = (struct shared){ .names = &en->names,
		.kinds.seed = conf->boot_seed,
		.shapes.seed = conf->boot_seed };
	slab_init(&en->checks, sizeof(struct check), UINT32_MAX / 4);
	slab_init(&en->outlooks, sizeof(struct host_outlook), UINT32_MAX / 4);
	wheel_init(&en->due, WHEEL_TICK_NS, 0);
	en->next_subject = 1;
	en->judged_day = INT32_MIN;
	en->passive = (struct check_rule){
		.interval = dur_s(PASSIVE_INTERVAL_S),
		.timeout = dur_s(PASSIVE_INTERVAL_S),
		.fail_after = PASSIVE_FAIL_AFTER,
		.clear_after = PASSIVE_CLEAR_AFTER,
		.stale_after = PASSIVE_STALE_AFTER };
	en->smart_interval = dur_s(SMART_INTERVAL_S);
	en->ladder = (struct ladder_rule){ dur_s(LADDER_WAIT_S),
		dur_s(LADDER_REBOOT_S) };
	en->leaving = (struct evacuation_pace){ dur_s(EVACUATION_S),
		EVACUATION_RATE };
	en->unit_rule = (struct unit_rule){
		.heartbeat = dur_s(PASSIVE_INTERVAL_S),
		.late_after = PASSIVE_FAIL_AFTER,
		.clear_after = PASSIVE_CLEAR_AFTER,
		.grace = dur_s(UNIT_GRACE_S), .lost = dur_s(UNIT_GRACE_S),
		.never = dur_s(UNIT_NEVER_S), .gone = dur_s(UNIT_GONE_S),
		.busy_ratio = UNIT_BUSY_RATIO };
	return en;
}

static void
part_free(struct engine *en, struct part *p)
{
	while (!list_is_empty(&p->sweeps)) {
		struct sweep *s = CONTAINER_OF(p->sweeps.next, struct sweep,
			link);

		list_remove(&s->link);
		sweep_free(en, s);
	}
	mem_free(p->name);
	mem_free(p->pace);
	mem_free(p);
}

void
engine_free(struct engine *en)
{
	size_t at = 0;
	void *p;

	if (en == NULL)
		return;
	chunks_free(en);
	change_set_free(en->facts);
	alerts_free(en);
	doubt_free(en);
	for (size_t i = 0; i < en->n_windows; i++)
		window_free(en->windows[i]);
	mem_free(en->windows);
	snap_windows_put(en->windows_shown);
	notes_free(en);
	mem_free(en->touched);
	mem_free(en->artifacts);
	while ((p = roster_next(en, &at)) != NULL)
		host_free(en, p);
	at = 0;
	while ((p = hash_next(&en->parts, &at)) != NULL)
		part_free(en, p);
	roster_free(&en->hosts);
	hash_free(&en->parts);
	hash_free(&en->devices);
	peers_free(en->peers);
	hash_free(&en->vms);
	climbs_free(en);
	strains_free(en);
	heap_free(&en->unit_due);
	heap_free(&en->watch_due);
	slab_free(&en->checks);
	slab_free(&en->outlooks);
	shared_free(&en->shared);
	intern_free(&en->names);
	mem_free(en->subject_kinds);
	mem_free(en->subjects);
	mem_free(en->sorted);
	mem_free(en->runs);
	mem_free(en->dirt);
	mem_free(en->stirred);
	mem_free(en->live.p);
	mem_free(en->chunks);
	mem_free(en);
}

void
engine_set_pack(struct engine *en, const struct pack *pack)
{
	en->pack = pack;
	en->judged_day = INT32_MIN;
}

uint32_t
engine_host_id(const struct engine *en, const char *name)
{
	const struct host *h = host_find(en, name);
	const struct unit *vm = vm_find(en, name);

	if (vm != NULL)
		return vm->id;
	return h != NULL ? h->id : 0;
}

uint32_t
engine_host_enrol(struct engine *en, const char *name, struct now now)
{
	struct host *h = host_find(en, name);
	const struct unit *vm = vm_find(en, name);
	struct part *p;

	if (vm != NULL)
		return vm->id;
	if (h != NULL)
		return h->id;
	en->now = now;
	p = part_get(en, "default");
	h = p != NULL ? host_make(en, name, p, 0) : NULL;
	if (h == NULL)
		return 0;
	h->owner = OWNER_AGENT;
	host_say_subject(en, h);
	say_event(en, "host.added", h->id, now.wall, "{}");
	facts_flush(en);
	return h->id;
}

bool
engine_changed(const struct engine *en)
{
	return en->changed || en->resort;
}

void
engine_set_degraded(struct engine *en, bool degraded, const char *why,
	struct now now)
{
	if (en->degraded == degraded)
		return;
	en->degraded = degraded;
	en->changed = true;
	snprintf(en->degraded_why, sizeof(en->degraded_why), "%s", why);
	say_event(en, degraded ? "server.degraded" : "server.recovered", 0,
		now.wall, "{}");
	if (degraded)
		alert_raise(en, &(struct alert_wish){ "store_degraded",
			SEVERITY_CRITICAL, NULL, NULL, en->degraded_why,
			"{}" }, now.wall);
	else
		alert_end(en, "store_degraded", "server", now.wall);
}

void
engine_set_trouble(struct engine *en, const struct engine_trouble *t,
	struct now now)
{
	if (t->summary == NULL)
		alert_end(en, t->kind, "server", now.wall);
	else
		alert_raise(en, &(struct alert_wish){ t->kind, t->severity,
			NULL, NULL, t->summary, "{}" }, now.wall);
}

void
engine_set_replaced(struct engine *en, const char *moved, const char *why,
	struct now now)
{
	struct strbuf body = { 0 }, summary = { 0 };
	struct json_write w;

	if (moved == NULL) {
		alert_end(en, "store_replaced", "server", now.wall);
		return;
	}
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "moved", moved);
	json_add_str(&w, "why", why);
	json_put_end(&w);
	strbuf_printf(&summary, "the store was damaged and begun anew; the old "
		"one is %s", moved);
	say_event(en, "server.store_replaced", 0, now.wall, strbuf_str(&body));
	alert_raise(en, &(struct alert_wish){ "store_replaced",
		SEVERITY_CRITICAL, NULL, NULL, strbuf_str(&summary),
		strbuf_str(&body) }, now.wall);
	en->changed = true;
	strbuf_free(&summary);
	strbuf_free(&body);
}

void
engine_counts(struct engine *en, struct engine_counts *out)
{
	*out = en->counts;
	en->counts.lateness_max_ns = 0;
}
