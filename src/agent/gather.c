#include "agent/gather.h"

#include <stdio.h>
#include <string.h>

#include "agent/pending.h"
#include "agent/self.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "probe/runner.h"

/* How long the first answer of a round waits for the others. */
#define FLUSH_AFTER dur_ms(2000)
/* Disks asleep or sick may take their time; the helper holds to its own. */
#define SMART_TIMEOUT dur_s(120)
/* A change of the disks brings SMART forward, but not more often than so. */
#define SMART_AGAIN dur_s(60)
#define OPTIONS_MAX 64

enum job_id { JOB_CPU, JOB_MEMORY, JOB_DISK, JOB_NET, JOB_BOOT, JOB_SMART,
	JOB_COUNT };

static const char *const job_probes[] = {
	[JOB_CPU] = "cpu", [JOB_MEMORY] = "memory", [JOB_DISK] = "disk",
	[JOB_NET] = "net", [JOB_BOOT] = "boot", [JOB_SMART] = "smart",
};

struct job {
	struct gather *gather;
	const char *probe;
	struct dur interval;
	struct dur timeout;
	struct sched_timer timer;
	struct mono started;	/* the last run; ns 0 = none yet */
	uint32_t seq;
	bool running;
	const struct tocsin_opt *rows;
	struct tocsin_value opts[OPTIONS_MAX];
};

struct gather {
	struct gather_conf conf;
	struct runner *runner;
	struct self self;
	struct self_sources sources;
	uint64_t phase;
	struct job jobs[JOB_COUNT];
	struct sched_timer flush;
	struct pending pending;
	bool disks_known;
	uint64_t disks;		/* what of the disks is a change when it differs */
	char boot_file[512];
};

struct mono
gather_next(struct mono now, struct dur every, uint64_t phase)
{
	int64_t shift = (int64_t)(phase % (uint64_t)every.ns);
	int64_t past = (now.ns - shift) % every.ns;

	if (past < 0)
		past += every.ns;
	return (struct mono){ now.ns - past + every.ns };
}

/* ---- batches ---- */

static int
put_batch(void *arg, const struct batch *b, const struct strbuf *text)
{
	struct gather *g = arg;
	struct clock *clock = g->conf.clock;
	struct tc_err e = {0};
	int rc;

	rc = spool_put(g->conf.spool, text, (uint32_t)b->n, clock->wall(clock),
		&e);
	if (rc == TC_EIO)
		log_at(WARN, "agent", "the spool's disk refuses, keeping it in "
			"memory: %s", e.text);
	else if (rc < 0)
		log_at(WARN, "agent", "a batch is lost: %s", e.text);
	return rc;
}

static void
flush(struct gather *g)
{
	struct clock *clock = g->conf.clock;

	sched_cancel(g->conf.sched, &g->flush);
	if (g->pending.n == 0)
		return;
	pending_flush(&g->pending, g->conf.agent->host, clock->wall(clock),
		put_batch, g);
	sender_wake(g->conf.sender);
}

static void
on_flush(void *arg, struct mono now)
{
	(void)now;
	flush(arg);
}

static bool
any_running(const struct gather *g, enum job_id below)
{
	for (size_t i = 0; i < below; i++) {
		if (g->jobs[i].running)
			return true;
	}
	return false;
}

static void
add_observation(struct gather *g, const struct observation *ob)
{
	struct clock *clock = g->conf.clock;

	if (pending_add(&g->pending, ob) < 0) {
		log_at(WARN, "agent", "out of memory: an observation of %s is "
			"lost", ob->probe);
		return;
	}
	if (!sched_armed(&g->flush))
		(void)sched_at(g->conf.sched, &g->flush,
			mono_add(clock->mono(clock), FLUSH_AFTER));
}

/* ---- runs ---- */

static void
start_job(struct gather *g, enum job_id id)
{
	struct job *job = &g->jobs[id];
	struct clock *clock = g->conf.clock;
	struct engine_run run = {
		.check = (uint32_t)id, .seq = ++job->seq, .probe = job->probe,
		.host = g->conf.agent->host, .address = "",
		.opt_rows = job->rows, .opts = job->rows ? job->opts : NULL,
		.timeout = job->timeout, .due = clock->mono(clock),
	};

	job->running = true;
	job->started = run.due;
	runner_start(g->runner, &run, 1);
}

static void
on_due(void *arg, struct mono now)
{
	struct job *job = arg;
	struct gather *g = job->gather;
	enum job_id id = (enum job_id)(job - g->jobs);

	(void)sched_at(g->conf.sched, &job->timer,
		gather_next(now, job->interval, g->phase));
	if (id == JOB_CPU) {
		struct observation ob;

		self_observe(&g->self, &g->sources, &ob);
		add_observation(g, &ob);
	}
	if (job->running)
		g->self.slots_missed++;
	else
		start_job(g, id);
}

/* Which disks there are, whether they are online, and their errors. */
static uint64_t
disks_digest(const struct observation *ob)
{
	uint64_t digest = 0;

	for (size_t i = 0; i < ob->n_metrics; i++) {
		const struct metric *m = &ob->metrics[i];
		double v = metric_number(m);

		if (strcmp(m->name, "disk_errors_total") != 0 &&
		    strcmp(m->name, "disk_timeouts_total") != 0 &&
		    strcmp(m->name, "disk_online") != 0 &&
		    strcmp(m->name, "disk_size_bytes") != 0)
			continue;
		digest = hash_bytes(m->name, strlen(m->name), digest);
		digest = hash_bytes(m->instance, strlen(m->instance), digest);
		digest = hash_bytes(&v, sizeof(v), digest);
	}
	return digest;
}

static void
look_at_disks(struct gather *g, const struct observation *ob)
{
	struct job *smart = &g->jobs[JOB_SMART];
	uint64_t digest = disks_digest(ob);
	struct mono soon;

	if (ob->outcome != TOCSIN_OK)
		return;
	if (g->disks_known && digest != g->disks) {
		soon = mono_add(smart->started, SMART_AGAIN);
		if (mono_before(soon, smart->timer.node.at ?
		    (struct mono){ smart->timer.node.key } : soon))
			(void)sched_at(g->conf.sched, &smart->timer, soon);
	}
	g->disks = digest;
	g->disks_known = true;
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct gather *g = arg;
	struct job *job = check < JOB_COUNT ? &g->jobs[check] : NULL;

	if (!job || seq != job->seq)
		return;
	add_observation(g, ob);
	if (check == JOB_DISK)
		look_at_disks(g, ob);
	if (!last)
		return;
	job->running = false;
	if (!any_running(g, JOB_SMART))
		flush(g);
	if (!any_running(g, JOB_COUNT) && g->conf.agent->once)
		g->conf.finished(g->conf.arg);
}

/* ---- set up ---- */

static int
set_option(struct gather *g, enum job_id id, const char *name,
	const char *text)
{
	struct job *job = &g->jobs[id];
	struct tc_err e = {0};

	for (size_t i = 0; job->rows && job->rows[i].name; i++) {
		if (strcmp(job->rows[i].name, name) != 0)
			continue;
		if (runner_opt_parse(&job->rows[i], text, &job->opts[i],
				     &e) < 0)
			break;
		return 0;
	}
	log_at(WARN, "agent", "probe %s takes no option %s='%s' %s", job->probe,
		name, text, e.text);
	return TC_EINVAL;
}

/* A probe that does not load is answered for by the runner, each time. */
static void
load_job(struct gather *g, enum job_id id)
{
	const struct agent_conf *agent = g->conf.agent;
	struct job *job = &g->jobs[id];
	const struct tocsin_value *defaults;
	struct tc_err e = {0};
	size_t n = 0;

	job->gather = g;
	job->probe = job_probes[id];
	job->interval = id == JOB_SMART ? agent->smart_interval :
		agent->interval;
	job->timeout = id == JOB_SMART ? SMART_TIMEOUT : agent->interval;
	sched_timer_init(&job->timer, on_due, job);
	if (runner_load(g->runner, job->probe, &e) < 0) {
		log_at(WARN, "agent", "%s", e.text);
		return;
	}
	job->rows = runner_opts(g->runner, job->probe);
	defaults = runner_defaults(g->runner, job->probe);
	while (job->rows && job->rows[n].name && n < OPTIONS_MAX)
		n++;
	if (n > 0)
		memcpy(job->opts, defaults, n * sizeof(*defaults));
	if (id != JOB_SMART)
		set_option(g, id, "root", agent->root);
	if (id == JOB_SMART && agent->smart_helper)
		set_option(g, id, "helper", agent->smart_helper);
	if (id == JOB_SMART && agent->smart_replay)
		set_option(g, id, "replay", agent->smart_replay);
	if (id == JOB_BOOT)
		set_option(g, id, "state", g->boot_file);
}

static void
begin(struct gather *g)
{
	const struct life *life = g->conf.life;
	struct mono now = g->conf.clock->mono(g->conf.clock);
	struct observation ob;
	char words[160];
	int n;

	g->self.started = now;
	g->self.unclean = life->before == LIFE_CRASHED ||
		life->before == LIFE_MACHINE_DOWN;
	life_words(life, words, sizeof(words));
	snprintf(g->self.version, sizeof(g->self.version), "version=\"%.50s\"",
		agent_program.version);
	n = snprintf(g->self.text, sizeof(g->self.text), "tocsin-agent %s",
		agent_program.version);
	snprintf(g->self.text + n, sizeof(g->self.text) - (size_t)n,
		", started; %s", words);
	self_observe(&g->self, &g->sources, &ob);
	add_observation(g, &ob);
	g->self.text[n] = '\0';
	log_at(INFO, "agent", "watching host=%s for %s; %s",
		g->conf.agent->host, g->conf.agent->server, words);
	for (size_t i = 0; i < JOB_COUNT; i++) {
		struct job *job = &g->jobs[i];

		start_job(g, (enum job_id)i);
		if (!g->conf.agent->once)
			(void)sched_at(g->conf.sched, &job->timer,
				gather_next(now, job->interval, g->phase));
	}
}

static void
release(struct gather *g)
{
	for (size_t i = 0; i < JOB_COUNT; i++)
		sched_cancel(g->conf.sched, &g->jobs[i].timer);
	sched_cancel(g->conf.sched, &g->flush);
	runner_free(g->runner);
	pending_free(&g->pending);
	mem_free(g);
}

int
gather_start(const struct gather_conf *conf, struct gather **out,
	struct tc_err *e)
{
	struct gather *g = MEM_NEW(struct gather);
	struct runner_conf rc = {
		.sched = conf->sched, .clock = conf->clock,
		.plugin_dir = conf->agent->plugin_dir,
		.on_result = on_result, .arg = g,
	};

	if (!g)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	g->conf = *conf;
	g->phase = hash_bytes(conf->agent->host, strlen(conf->agent->host), 0);
	sched_timer_init(&g->flush, on_flush, g);
	g->runner = runner_new(&rc, e);
	if (!g->runner) {
		mem_free(g);
		return e->code;
	}
	g->sources = (struct self_sources){ .spool = conf->spool,
		.sender = conf->sender, .runner = g->runner,
		.clock = conf->clock };
	snprintf(g->boot_file, sizeof(g->boot_file), "%s/boot",
		conf->agent->state_dir);
	for (size_t i = 0; i < JOB_COUNT; i++)
		load_job(g, (enum job_id)i);
	begin(g);
	*out = g;
	return 0;
}

void
gather_stop(struct gather *g, const char *reason)
{
	struct observation ob;
	char text[96];

	if (!g)
		return;
	self_observe(&g->self, &g->sources, &ob);
	snprintf(text, sizeof(text), "tocsin-agent %s, stopping: %s",
		agent_program.version, reason);
	ob.text = text;
	if (!g->conf.agent->once) {
		ob.outcome = TOCSIN_UNKNOWN;
		ob.reason = TOCSIN_WHY_REPORTED_EXIT;
	}
	add_observation(g, &ob);
	flush(g);
	release(g);
}
