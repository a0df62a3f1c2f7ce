/*
 * What comes in about VMs, roles and agents: measurements from inside, the
 * words of hypervisors, heartbeats, and an agent's word about its own end.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/parents.h"
#include "health/load.h"
#include "engine/unit.h"
#include "model/name.h"
#include "wire/json_write.h"

/* ---- about whom ---- */

/* Where the hypervisor has it is where it is. */
static struct unit *
vm_of(struct engine *en, struct host *h, const struct observation *ob)
{
	struct unit *vm = vm_find(en, ob->vm);

	if (vm == NULL) {
		vm = unit_make(en, &(struct unit_birth){ true, ob->vm, h, NULL,
			0 });
		if (vm == NULL)
			return NULL;
		unit_say_subject(en, vm, false);
		say_event(en, "vm.added", vm->id, en->now.wall, "{}");
	} else if (vm->host != h && ob->run == VM_RUN_RUNNING) {
		vm_move(en, vm, h, en->now);
	}
	return vm;
}

struct unit *
unit_of_observation(struct engine *en, struct host *h, struct unit *guest,
	const struct observation *ob)
{
	struct unit *vm = guest, *role;

	if (ob->vm != NULL && guest == NULL)
		vm = vm_of(en, h, ob);
	if (ob->vm != NULL && vm == NULL)
		return NULL;
	if (ob->role == NULL)
		return vm;
	if (vm != NULL)
		h = vm->host;
	role = role_find(h, vm, ob->role);
	if (role != NULL)
		return role;
	role = unit_make(en, &(struct unit_birth){ false, ob->role, h, vm,
		0 });
	if (role == NULL)
		return NULL;
	role->cls = vm != NULL ? vm->cls : UNIT_STATEFUL;
	unit_say_subject(en, role, false);
	say_event(en, "role.added", role->id, en->now.wall, "{}");
	return role;
}

/* ---- what is said of it ---- */

static void
take_run(struct engine *en, struct unit *u, const struct observation *ob)
{
	struct mono now = awake_in(en, u->host->part, en->now);
	bool begins = ob->run == VM_RUN_RUNNING && u->run != VM_RUN_RUNNING &&
		u->run != VM_RUN_UNKNOWN && u->run != VM_RUN_PAUSED;

	u->run_at = now;
	if (u->run == ob->run)
		return;
	if (begins && u->beat.expected)
		beat_begin(&u->beat, now);
	u->run = ob->run;
	u->run_since = ob->at;
	say_event(en, "vm.run", u->id, ob->at, ob->run == VM_RUN_RUNNING ?
		"{\"run\":\"running\"}" : ob->run == VM_RUN_PAUSED ?
		"{\"run\":\"paused\"}" : ob->run == VM_RUN_CRASHED ?
		"{\"run\":\"crashed\"}" : "{\"run\":\"shut_off\"}");
	unit_save(en, u);
}

void
unit_busy(struct engine *en, struct unit *u, double ratio)
{
	u->busy = ratio >= u->rule.busy_ratio;
	u->busy_at = awake_in(en, u->host->part, en->now);
}

/* By what its agent tells, which knows its ratios. */
static void
take_busy(struct engine *en, struct unit *u, const struct observation *ob)
{
	struct load l;

	load_take(&l, ob);
	if (l.ratio >= 0)
		unit_busy(en, u, l.ratio);
}

void
unit_heard(struct engine *en, struct unit *u, struct now now)
{
	if (u->agent == AGENT_NONE)
		return;
	beat_take(&u->beat, &u->rule, awake_in(en, u->host->part, now));
	unit_fold(en, u, now.wall);
	unit_arm(en, u, now);
}

static struct check *
check_for(struct engine *en, struct unit *u, const struct observation *ob)
{
	char key[400];
	struct check *c;

	if (ob->device.kind[0] == '\0')
		snprintf(key, sizeof(key), "inside:%s", ob->probe);
	else
		snprintf(key, sizeof(key), "inside:%s:%.300s", ob->probe,
			ob->device.serial[0] != '\0' ? ob->device.serial :
			ob->device.kind);
	c = unit_check_find(u, key);
	if (c != NULL)
		return c;
	c = unit_check_add(en, u, key, ob->probe, 0);
	if (c != NULL)
		check_say_subject(en, c, false);
	return c;
}

void
unit_observe(struct engine *en, struct unit *u, const struct observation *ob,
	struct dur age)
{
	bool beats = strcmp(ob->probe, "heartbeat") == 0;
	struct check *c = NULL;

	if (u->is_vm && ob->role == NULL) {
		if (age.ns <= 2 * u->rule.heartbeat.ns) {
			take_busy(en, u, ob);
			if (ob->run != VM_RUN_UNKNOWN)
				take_run(en, u, ob);
			if (beats && ob->outcome == TOCSIN_OK)
				unit_heard(en, u, en->now);
		}
		if (beats || ob->run != VM_RUN_UNKNOWN) {
			unit_fold(en, u, ob->at);
			unit_arm(en, u, en->now);
			mark(en, u->host, DIRTY_COSMETIC);
			return;
		}
	}
	c = check_for(en, u, ob);
	if (c == NULL || !c->passive || ob->at.ms <= c->st.at.ms ||
	    age.ns > 2 * c->kind->rule.interval.ns)
		return;
	judge_observation(en, c, ob, en->now);
	run_schedule(en, c, en->now);
}

/* ---- the agent itself ---- */

static void
arm_watch(struct engine *en, struct watch *w, struct now now)
{
	struct mono due = beat_due(&w->beat, &w->rule,
		awake_in(en, w->host->part, now));

	heap_remove(&en->watch_due, &w->due);
	if (due.ns != INT64_MAX)
		(void)heap_push(&en->watch_due, &w->due, due.ns +
			gap_of(en, w->host->part));
}

static struct watch *
watch_of(struct engine *en, struct host *h)
{
	struct host_rare *own = host_rare(h);

	if (own == NULL || own->watch != NULL)
		return h->rare->watch;
	own->watch = MEM_NEW(struct watch);
	if (own->watch != NULL) {
		own->watch->host = h;
		own->watch->rule = en->unit_rule;
	}
	return own->watch;
}

static void
save_watch(struct engine *en, const struct watch *w)
{
	unsigned char bytes[BEAT_SAVED_BYTES];

	beat_save(&w->beat, awake_in(en, w->host->part, en->now), bytes);
	say_state(en, w->host->id, "agent", bytes, sizeof(bytes));
}

static void
say_end(struct engine *en, uint32_t subject, const struct observation *ob)
{
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "reason", reason_id(ob->reason));
	json_add_str(&w, "text", ob->text);
	json_put_end(&w);
	say_event(en, "agent.ended", subject, ob->at, strbuf_str(&body));
	strbuf_free(&body);
}

bool
agent_word(struct engine *en, struct host *h, struct unit *guest,
	const struct observation *ob)
{
	bool failed = ob->reason == TOCSIN_WHY_REPORTED_ERROR;
	struct mono now = awake_in(en, h->part, en->now);
	struct watch *w;

	if (strcmp(ob->probe, "agent") != 0 ||
	    (!failed && ob->reason != TOCSIN_WHY_REPORTED_EXIT))
		return false;
	if (guest == NULL && ob->vm != NULL)
		guest = vm_find(en, ob->vm);
	if (guest != NULL) {
		beat_end(&guest->beat, failed, now);
		say_end(en, guest->id, ob);
		unit_fold(en, guest, ob->at);
		unit_save(en, guest);
		unit_arm(en, guest, en->now);
		return true;
	}
	w = watch_of(en, h);
	if (w == NULL)
		return true;
	beat_end(&w->beat, failed, now);
	say_end(en, h->id, ob);
	save_watch(en, w);
	arm_watch(en, w, en->now);
	mark(en, h, DIRTY_URGENT);
	return true;
}

void
watch_heard(struct engine *en, struct host *h, struct now now)
{
	struct watch *w = h->rare->watch;
	bool silent;

	if (w == NULL)
		return;
	silent = w->beat.word != BEAT_HEARD || w->alarming;
	beat_take(&w->beat, &w->rule, awake_in(en, h->part, now));
	if (silent) {
		save_watch(en, w);
		mark(en, h, DIRTY_URGENT);
	}
	arm_watch(en, w, now);
}

int
watch_take_def(struct engine *en, struct host *h, enum unit_agent agent,
	const struct unit_rule *rule)
{
	struct watch *w;

	if (agent == AGENT_AUTO && h->rare->watch == NULL)
		return 0;
	if (agent == AGENT_NONE) {
		watch_free(en, h);
		return 0;
	}
	w = watch_of(en, h);
	if (w == NULL)
		return TC_ENOMEM;
	if (rule->heartbeat.ns > 0)
		w->rule = *rule;
	if (agent == AGENT_TOCSIN && !w->beat.expected &&
	    w->beat.word == BEAT_NEVER)
		beat_begin(&w->beat, awake_in(en, h->part, en->now));
	w->beat.expected = agent == AGENT_TOCSIN;
	arm_watch(en, w, en->now);
	return 0;
}

int
watch_restore(struct engine *en, struct host *h, const void *p, size_t n)
{
	struct watch *w = watch_of(en, h);

	if (w == NULL)
		return TC_ENOMEM;
	return beat_restore(p, n, (struct mono){ 0 }, &w->beat);
}

void
watch_wake(struct engine *en, struct host *h, struct now now)
{
	int64_t base = awake_in(en, h->part, now).ns;

	if (h->rare->watch == NULL)
		return;
	h->rare->watch->beat.from.ns += base;
	h->rare->watch->beat.ended.ns += base;
	h->rare->watch->alarming = beat_alarms(&h->rare->watch->beat,
		&h->rare->watch->rule, awake_in(en, h->part, now));
	arm_watch(en, h->rare->watch, now);
}

void
watches_tick(struct engine *en, struct now now)
{
	struct heap_node *top;

	while ((top = heap_peek(&en->watch_due)) != NULL &&
		top->key <= now.mono.ns) {
		struct watch *w = CONTAINER_OF(top, struct watch, due);

		heap_pop(&en->watch_due);
		parent_excuse_beat(en, w->host, &w->beat);
		save_watch(en, w);
		mark(en, w->host, DIRTY_URGENT);
		arm_watch(en, w, now);
	}
}

void
watch_free(struct engine *en, struct host *h)
{
	if (h->rare->watch == NULL)
		return;
	heap_remove(&en->watch_due, &h->rare->watch->due);
	mem_free(h->rare->watch);
	host_own_rare(h)->watch = NULL;
	host_calm(h);
}
