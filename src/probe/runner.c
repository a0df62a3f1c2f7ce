/*
 * The way of a run: from the engine to a batch or a worker, and its deadline.
 */
#include "probe/runner.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "probe/parts.h"

/* The target is ready: to the batch or to a worker. */
static void
place(struct runner *r, struct slot *s, const struct tocsin_target *t,
	const struct sched_addr *addr)
{
	struct job *j = s->job;

	if (s->host->plugin->probe->start != NULL) {
		s->job = NULL;
		host_add(s->host, t, addr);
		return;
	}
	if (j == NULL)
		j = job_new(s, t, (struct mono){ 0 });
	if (j == NULL) {
		slot_answer_own(r, s, TOCSIN_WHY_LOCAL_RESOURCE, "out of memory");
		return;
	}
	j->addr = *addr;
	if (addr->len > 0) {
		j->target.addr = &j->addr.sa.any;
		j->target.addr_len = addr->len;
	}
	pool_add(r, j);
}

static void
answer_unresolved(struct runner *r, struct slot *s, int rc)
{
	slot_answer_own(r, s, rc == TC_ENOENT ? TOCSIN_WHY_NAME_UNKNOWN :
		TOCSIN_WHY_RESOLVER_FAILED,
		rc == TC_ETIMEOUT ? "no answer from the name service" : NULL);
}

static void
resolved(void *arg, const struct sched_addr *answer)
{
	struct job *j = arg;
	struct host *h = j->host;
	struct runner *r = h->r;
	struct slot *s = slot_of(r, j->slot);
	int64_t left_ns = mono_diff(j->until, sched_now(r->conf.sched)).ns;
	bool loop_form = h->plugin->probe->start != NULL;

	j->lookup = NULL;
	if (answer->rc != 0) {
		answer_unresolved(r, s, answer->rc);
		job_free(j);
		return;
	}
	j->target.timeout_ns = left_ns > 1000000 ? left_ns : 1000000;
	r->starting = true;
	place(r, s, &j->target, answer);
	if (loop_form) {
		host_flush(h);
		job_free(j);
	}
	r->starting = false;
}

static void
resolve(struct runner *r, struct slot *s, const struct tocsin_target *t,
	struct mono until)
{
	struct job *j = job_new(s, t, until);
	struct sched_question q = { .name = t->address, .deadline = until,
		.fn = resolved, .arg = j };

	if (j != NULL)
		j->state = JOB_RESOLVING;
	if (j == NULL || (j->lookup = sched_resolve(r->resolver, &q)) == NULL) {
		slot_answer_own(r, s, TOCSIN_WHY_LOCAL_RESOURCE,
			"too many names to resolve");
		job_free(j);
	}
}

static void
route(struct runner *r, struct slot *s, const struct tocsin_target *t,
	struct mono until)
{
	const struct sched_addr *known;
	struct sched_addr addr = { 0 };

	if (t->address[0] == '\0' || sched_addr_parse(t->address, &addr)) {
		place(r, s, t, &addr);
		return;
	}
	known = sched_resolver_cached(r->resolver, t->address);
	if (known == NULL)
		resolve(r, s, t, until);
	else if (known->rc != 0)
		answer_unresolved(r, s, known->rc);
	else
		place(r, s, t, known);
}

/* The values of the run, or NULL with the reason why there are none. */
static const struct tocsin_value *
values_of(const struct host *h, const struct engine_run *run, const char **why)
{
	const struct plugin *p = h->plugin;

	if (p->n_opts == 0)
		return p->defaults;
	if (run->opts != NULL && run->opt_rows == p->probe->opts)
		return run->opts;
	if (run->opts != NULL && run->opt_rows != NULL) {
		*why = "the options belong to another probe";
		return NULL;
	}
	for (size_t i = 0; i < p->n_opts; i++) {
		if (p->probe->opts[i].dflt == NULL) {
			*why = "a required option is missing";
			return NULL;
		}
	}
	return p->defaults;
}

static struct host *
find(struct runner *r, const char *name)
{
	if (r->last == NULL || strcmp(r->last->plugin->name, name) != 0)
		r->last = hash_get_str(&r->by_name, name);
	return r->last;
}

/* A run that never gets a slot. */
static void
refuse(struct runner *r, const struct engine_run *run, enum tocsin_reason why,
	const char *text)
{
	struct observation ob;

	report_own(r->conf.clock, run->probe, why, text, &ob);
	if (!slots_refuse(r, run, &ob))
		log_at(ERROR, "probe", "a result is lost: out of memory");
}

static void
start_one(struct runner *r, const struct engine_run *run, struct mono now)
{
	struct host *h = find(r, run->probe);
	const struct tocsin_value *opts;
	const char *why = NULL;
	struct tocsin_target t;
	struct mono until = mono_add(now, run->timeout);
	struct slot *s;

	r->stats.runs++;
	if (h == NULL) {
		refuse(r, run, TOCSIN_WHY_PROBE_ERROR, "no such probe is loaded");
		return;
	}
	opts = values_of(h, run, &why);
	s = opts != NULL ? slot_new(r, h, run->check, run->seq) : NULL;
	if (s == NULL) {
		refuse(r, run, opts == NULL ? TOCSIN_WHY_PROBE_ERROR :
			TOCSIN_WHY_LOCAL_RESOURCE,
			why != NULL ? why : "too many runs under way");
		return;
	}
	slot_hold(r, s, mono_add(until, r->conf.overrun));
	t = (struct tocsin_target){
		.size = sizeof(t),
		.slot = s->id,
		.host = run->host != NULL ? run->host : "",
		.address = run->address != NULL ? run->address : "",
		.opts = opts,
		.n_opts = (uint32_t)h->plugin->n_opts,
		.timeout_ns = run->timeout.ns,
	};
	/* From within a probe's own call back: when that call is over. */
	if (r->depth > 0) {
		struct job *j = job_new(s, &t, until);

		if (j == NULL) {
			slot_answer_own(r, s, TOCSIN_WHY_LOCAL_RESOURCE, NULL);
			return;
		}
		list_add_tail(&r->postponed, &j->link);
		sched_at(r->conf.sched, &r->later, (struct mono){ 0 });
		return;
	}
	route(r, s, &t, until);
}

static void
flush_all(struct runner *r)
{
	for (size_t i = 0; i < r->n_hosts; i++)
		host_flush(r->hosts[i]);
}

void
runner_start(struct runner *r, const struct engine_run *runs, size_t n)
{
	struct mono now = sched_now(r->conf.sched);
	bool outer = r->starting;

	r->starting = true;
	for (size_t i = 0; i < n; i++)
		start_one(r, &runs[i], now);
	if (r->depth == 0)
		flush_all(r);
	r->starting = outer;
}

static void
start_postponed(struct runner *r)
{
	struct list now;

	if (list_is_empty(&r->postponed))
		return;
	list_init(&now);
	list_add_tail(&r->postponed, &now);
	list_remove(&r->postponed);
	r->starting = true;
	while (!list_is_empty(&now)) {
		struct job *j = CONTAINER_OF(now.next, struct job, link);
		struct slot *s = slot_of(r, j->slot);

		tc_bug_if(s == NULL);	/* who ends a slot frees its job */
		list_remove(&j->link);
		s->job = NULL;
		route(r, s, &j->target, j->until);
		flush_all(r);
		job_free(j);
	}
	r->starting = false;
}

static void
do_later(void *arg, struct mono now)
{
	struct runner *r = arg;

	(void)now;
	start_postponed(r);
	slots_deliver(r);
}

/* ---- deadlines ---- */

static void
overdue(struct runner *r, struct slot *s)
{
	struct job *j = s->job;

	if (j == NULL) {
		r->stats.timeouts++;
		host_cancel(s->host, s->id);
		slot_answer_own(r, s, TOCSIN_WHY_PROBE_TIMEOUT,
			"the probe did not answer in time");
		return;
	}
	if (j->state == JOB_WAITING || j->state == JOB_RUNNING) {
		pool_overdue(r, s);
		return;
	}
	answer_unresolved(r, s, TC_ETIMEOUT);
	job_free(j);
}

static void
sweep(void *arg, struct mono now)
{
	struct runner *r = arg;
	struct wheel_node *node;

	while ((node = wheel_take(&r->deadlines, now.ns)) != NULL)
		overdue(r, CONTAINER_OF(node, struct slot, deadline));
	if (r->deadlines.n > 0)
		sched_at(r->conf.sched, &r->sweep,
			(struct mono){ wheel_next(&r->deadlines) });
}

void
runner_stats(struct runner *r, struct runner_stats *out)
{
	*out = r->stats;
	out->in_flight = r->slots.used;
	r->stats.call_max_ns = 0;
}

/* ---- life ---- */

struct sched_children *
runner_children(struct runner *r, struct tc_err *e)
{
	if (r->children != NULL)
		return r->children;
	r->children = sched_children_new(r->conf.sched, e);
	if (r->children != NULL && sched_children_adopt(r->children) < 0)
		log_at(WARN, "probe", "what escapes from plugins is not found");
	return r->children;
}

struct runner *
runner_new(const struct runner_conf *conf, struct tc_err *e)
{
	struct runner *r = MEM_NEW(struct runner);

	if (r == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	r->conf = *conf;
	if (r->conf.workers == 0)
		r->conf.workers = 2;
	if (r->conf.overrun.ns == 0)
		r->conf.overrun = dur_s(1);
	slots_init(r);
	list_init(&r->postponed);
	wheel_init(&r->deadlines, RUNNER_SWEEP_NS, sched_now(conf->sched).ns);
	sched_timer_init(&r->sweep, sweep, r);
	sched_timer_init(&r->later, do_later, r);
	r->dirs = mem_strdup(conf->plugin_dir);
	r->foreign_dirs = mem_strdup(conf->foreign_dir != NULL ?
		conf->foreign_dir : "");
	r->worker = mem_strdup(conf->worker != NULL ? conf->worker : "");
	r->resolver = sched_resolver_new(conf->sched, e);
	if (r->dirs != NULL && r->resolver != NULL)
		r->pool = pool_new(r, e);
	if (r->dirs == NULL || r->foreign_dirs == NULL || r->worker == NULL ||
	    r->pool == NULL || runner_load_builtins(r, e) < 0) {
		runner_free(r);
		return NULL;
	}
	return r;
}

/* Jobs that no thread holds. */
static void
free_jobs(struct runner *r)
{
	struct slot *s;
	uint32_t at = 0;

	while ((s = slab_next(&r->slots, &at)) != NULL) {
		if (s->job != NULL && s->job->state != JOB_RUNNING)
			job_free(s->job);
	}
}

void
runner_free(struct runner *r)
{
	if (r == NULL)
		return;
	r->closing = true;
	pool_free(r->pool);
	free_jobs(r);
	slots_forget(r);
	sched_cancel(r->conf.sched, &r->sweep);
	sched_cancel(r->conf.sched, &r->later);
	for (size_t i = 0; i < r->n_hosts; i++) {
		if (r->hosts[i]->running == NULL)
			host_fini(r->hosts[i]);
	}
	sched_children_free(r->children);
	sched_resolver_free(r->resolver);
	slab_free(&r->slots);
	mem_free(r->hosts);
	hash_free(&r->by_name);
	arena_free(&r->scratch);
	mem_free(r->dirs);
	mem_free(r->foreign_dirs);
	mem_free(r->worker);
	mem_free(r);
}
