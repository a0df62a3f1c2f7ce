#include "probe/runner.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "probe/builtin.h"
#include "probe/foreign.h"
#include "probe/parts.h"

#define SWEEP_TICK_NS INT64_C(100000000)
#define SLOT_BITS 20	/* of the id; the others count generations */
#define SLOT_MASK ((UINT32_C(1) << SLOT_BITS) - 1)

static const struct tocsin_probe *const builtins[] = { &probe_exec };

struct deferred {
	struct list link;
	struct arena mem;
	uint32_t check;
	uint32_t seq;
	bool last;
	struct observation ob;
};

/* ---- slots ---- */

static struct slot *
slot_new(struct runner *r, struct host *h, uint32_t check, uint32_t seq)
{
	struct slot *s = slab_take(&r->slots);

	if (s == NULL)
		return NULL;
	s->host = h;
	s->check = check;
	s->seq = seq;
	s->id = ++r->generation << SLOT_BITS | slab_index(&s->node);
	return s;
}

static void
slot_free(struct runner *r, struct slot *s)
{
	wheel_remove(&r->deadlines, &s->deadline);
	slab_give(&r->slots, s);
}

struct slot *
slot_of(struct runner *r, uint32_t id)
{
	struct slot *s = slab_get(&r->slots, id & SLOT_MASK);

	return s != NULL && s->id == id ? s : NULL;
}

void
slot_hold(struct runner *r, struct slot *s, struct mono due)
{
	int64_t look;

	wheel_remove(&r->deadlines, &s->deadline);
	wheel_add(&r->deadlines, &s->deadline, due.ns);
	look = s->deadline.tick * SWEEP_TICK_NS;
	if (!sched_armed(&r->sweep) || r->sweep.node.key > look)
		sched_at(r->conf.sched, &r->sweep, (struct mono){ look });
}

/* ---- answers ---- */

static bool
defer(struct runner *r, const struct deferred *what, const struct observation *ob)
{
	struct deferred *d = MEM_NEW(struct deferred);

	if (d == NULL)
		return false;
	*d = *what;
	if (!report_copy(&d->mem, ob, &d->ob) ||
	    sched_at(r->conf.sched, &r->later, (struct mono){ 0 }) < 0) {
		arena_free(&d->mem);
		mem_free(d);
		return false;
	}
	list_add_tail(&r->deferred, &d->link);
	return true;
}

/* False when it must come later and there is no memory to keep it. */
static bool
give(struct runner *r, const struct deferred *what, const struct observation *ob)
{
	if (r->closing)
		return true;
	if (r->starting && !defer(r, what, ob))
		return false;
	r->stats.results++;
	if (!r->starting)
		r->conf.on_result(r->conf.arg, what->check, what->seq, ob,
			what->last);
	return true;
}

void
slot_answer(struct runner *r, struct slot *s, const struct observation *ob,
	bool last)
{
	struct deferred what = { .check = s->check, .seq = s->seq, .last = last };

	if (!r->starting) {	/* free first: the callback may start runs */
		if (last)
			slot_free(r, s);
		give(r, &what, ob);
		return;
	}
	/* Without memory the run stays open until its deadline answers. */
	s->job = NULL;
	if (give(r, &what, ob) && last)
		slot_free(r, s);
}

void
slot_answer_own(struct runner *r, struct slot *s, enum tocsin_reason why,
	const char *text)
{
	struct observation ob;

	report_own(r->conf.clock, s->host->plugin->name, why, text, &ob);
	slot_answer(r, s, &ob, true);
}

static void
deliver_deferred(struct runner *r)
{
	struct list now;

	if (list_is_empty(&r->deferred))
		return;
	/* What is deferred meanwhile waits for the next turn. */
	list_init(&now);
	list_add_tail(&r->deferred, &now);
	list_remove(&r->deferred);
	while (!list_is_empty(&now)) {
		struct deferred *d = CONTAINER_OF(now.next, struct deferred, link);

		list_remove(&d->link);
		r->conf.on_result(r->conf.arg, d->check, d->seq, &d->ob, d->last);
		arena_free(&d->mem);
		mem_free(d);
	}
}

/* ---- jobs: runs that are kept ---- */

void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	if (j->lookup != NULL)
		sched_lookup_cancel(j->lookup);
	list_remove(&j->link);
	arena_free(&j->mem);
	mem_free(j->obs);
	mem_free(j);
}

static const struct tocsin_value *
copy_values(struct job *j, const struct tocsin_target *t)
{
	const struct tocsin_opt *rows = j->host->plugin->probe->opts;
	struct tocsin_value *v =
		arena_alloc(&j->mem, (t->n_opts + 1) * sizeof(*v));

	for (uint32_t i = 0; v != NULL && i < t->n_opts; i++) {
		v[i] = t->opts[i];
		if ((rows[i].type != TOCSIN_OPT_STRING &&
		     rows[i].type != TOCSIN_OPT_SECRET) || v[i].s == NULL)
			v[i].s = "";
		else if ((v[i].s = arena_strdup(&j->mem, v[i].s)) == NULL)
			return NULL;
	}
	return v;
}

static struct job *
job_new(struct slot *s, const struct tocsin_target *t, struct mono until)
{
	struct job *j = MEM_NEW(struct job);

	if (j == NULL)
		return NULL;
	list_init(&j->link);
	j->mem.limit = JOB_BYTES_MAX;
	j->host = s->host;
	j->slot = s->id;
	j->until = until;
	j->target = *t;
	j->target.host = arena_strdup(&j->mem, t->host);
	j->target.address = arena_strdup(&j->mem, t->address);
	j->target.opts = copy_values(j, t);
	if (j->target.host == NULL || j->target.address == NULL ||
	    j->target.opts == NULL) {
		job_free(j);
		return NULL;
	}
	s->job = j;
	return j;
}

/* ---- the way of a run ---- */

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
	struct deferred what = { .check = run->check, .seq = run->seq,
		.last = true };
	struct observation ob;

	report_own(r->conf.clock, run->probe, why, text, &ob);
	if (!give(r, &what, &ob))
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
	deliver_deferred(r);
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

/* ---- loading ---- */

/* The first DIR/NAME.so of the list; false when there is none. */
static bool
find_file(const char *dir, const char *name, char *path, size_t size)
{
	while (*dir != '\0') {
		size_t n = strcspn(dir, ":");
		int len = snprintf(path, size, "%.*s/%s.so", (int)n, dir, name);

		if (len > 0 && (size_t)len < size && access(path, F_OK) == 0)
			return true;
		dir += n;
		dir += *dir == ':';
	}
	return false;
}

static int
add_host(struct runner *r, struct plugin *p)
{
	struct host *h = MEM_NEW(struct host);
	void *hosts = r->hosts;

	if (h == NULL || mem_grow(&hosts, &r->cap_hosts, r->n_hosts + 1,
	    sizeof(*r->hosts)) < 0 || hash_put_str(&r->by_name, p->name, h) < 0) {
		mem_free(h);
		return TC_ENOMEM;
	}
	r->hosts = hosts;
	r->hosts[r->n_hosts++] = h;
	host_init(h, r, p);
	return 0;
}

int
runner_load(struct runner *r, const char *name, struct tc_err *e)
{
	struct plugin *p = NULL;
	char path[4096];
	int rc;

	if (hash_get_str(&r->by_name, name) != NULL)
		return 0;
	if (strchr(name, '/') != NULL)
		rc = TC_ENOENT;
	else if (find_file(r->dirs, name, path, sizeof(path)))
		rc = plugin_load(path, name, &p, e);
	else if (find_file(r->foreign_dirs, name, path, sizeof(path)))
		rc = foreign_load(r->worker, path, name, &p, e);
	else
		rc = TC_ENOENT;
	if (rc == TC_ENOENT)
		return tc_fail(e, rc, "no probe '%.64s' in %s%s%s", name,
			r->dirs, r->foreign_dirs[0] != '\0' ? ":" : "",
			r->foreign_dirs);
	if (rc < 0) {
		r->stats.refused_plugins++;
		return rc;
	}
	if ((rc = add_host(r, p)) < 0) {
		plugin_free(p);
		return tc_fail(e, rc, "out of memory");
	}
	return 0;
}

static int
load_builtins(struct runner *r, struct tc_err *e)
{
	struct plugin *p;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
		if ((rc = plugin_builtin(builtins[i], &p, e)) < 0)
			return tc_wrap(e, "%s", builtins[i]->name);
		if ((rc = add_host(r, p)) < 0) {
			plugin_free(p);
			return tc_fail(e, rc, "out of memory");
		}
	}
	return 0;
}

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

static void
load_dir(struct runner *r, const char *path)
{
	struct dirent *entry;
	struct tc_err e = { 0 };
	DIR *dir = opendir(path);

	if (dir == NULL) {
		log_at(WARN, "probe", "cannot read plugin_dir dir=%s errno=%d",
			path, errno);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char name[sizeof(entry->d_name)];
		size_t n = strlen(entry->d_name);

		if (n <= 3 || strcmp(entry->d_name + n - 3, ".so") != 0)
			continue;
		memcpy(name, entry->d_name, n - 3);
		name[n - 3] = '\0';
		if (runner_load(r, name, &e) < 0)
			log_at(ERROR, "probe", "refused: %s", e.text);
	}
	closedir(dir);
}

static void
load_dirs(struct runner *r, const char *list)
{
	char *dirs = mem_strdup(list), *at = dirs;

	while (at != NULL && *at != '\0') {
		char *end = strchr(at, ':');

		if (end != NULL)
			*end++ = '\0';
		load_dir(r, at);
		at = end;
	}
	mem_free(dirs);
}

size_t
runner_load_all(struct runner *r)
{
	load_dirs(r, r->dirs);
	load_dirs(r, r->foreign_dirs);
	return r->n_hosts - ARRAY_LEN(builtins);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

size_t
runner_probe_names(const struct runner *r, const char **names, size_t cap)
{
	size_t n = r->n_hosts < cap ? r->n_hosts : cap;

	for (size_t i = 0; i < n; i++)
		names[i] = r->hosts[i]->plugin->name;
	qsort(names, n, sizeof(*names), by_text);
	return r->n_hosts;
}

const struct tocsin_probe *
runner_probe(const struct runner *r, const char *name)
{
	const struct host *h = hash_get_str(&r->by_name, name);

	return h != NULL ? h->plugin->probe : NULL;
}

const struct tocsin_opt *
runner_opts(const struct runner *r, const char *name)
{
	static const struct tocsin_opt none[1];
	const struct tocsin_probe *p = runner_probe(r, name);

	if (p == NULL)
		return NULL;
	return p->opts != NULL ? p->opts : none;
}

const struct tocsin_value *
runner_defaults(const struct runner *r, const char *name)
{
	const struct host *h = hash_get_str(&r->by_name, name);

	return h != NULL ? h->plugin->defaults : NULL;
}

int
runner_opt_parse(const struct tocsin_opt *row, const char *text,
	struct tocsin_value *out, struct tc_err *e)
{
	return plugin_opt_parse(row, text, out, e);
}

void
runner_stats(struct runner *r, struct runner_stats *out)
{
	*out = r->stats;
	out->in_flight = r->slots.used;
	r->stats.call_max_ns = 0;
}

/* ---- life ---- */

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
	slab_init(&r->slots, sizeof(struct slot), SLOT_MASK);
	list_init(&r->deferred);
	list_init(&r->postponed);
	wheel_init(&r->deadlines, SWEEP_TICK_NS, sched_now(conf->sched).ns);
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
	    r->pool == NULL || load_builtins(r, e) < 0) {
		runner_free(r);
		return NULL;
	}
	return r;
}

static void
free_deferred(struct runner *r)
{
	while (!list_is_empty(&r->deferred)) {
		struct deferred *d =
			CONTAINER_OF(r->deferred.next, struct deferred, link);

		list_remove(&d->link);
		arena_free(&d->mem);
		mem_free(d);
	}
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
	free_deferred(r);
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
