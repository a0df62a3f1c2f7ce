#include "agent/agent.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/gather.h"
#include "agent/goodbye.h"
#include "agent/life.h"
#include "agent/sender.h"
#include "agent/spool.h"
#include "base/file.h"
#include "base/log.h"
#include "sched/sched.h"

/*
 * How long the last batch may take.  A request under way may end a second
 * later: libcurl looks at the clock that often.
 */
#define LAST_BATCH dur_ms(900)
#define ONCE_BATCH dur_s(30)

struct agent {
	const struct agent_conf *conf;
	struct clock *clock;
	struct sched *sched;
	struct spool *spool;
	struct sender *sender;
	struct gather *gather;
	struct life life;
	int lock;
	struct sched_signal *signals[2];
	const char *reason;
};

static void
on_signal(void *arg, int signum)
{
	struct agent *a = arg;

	a->reason = signum == SIGINT ? "SIGINT" : "SIGTERM";
	sched_stop(a->sched);
}

static void
on_finished(void *arg)
{
	struct agent *a = arg;

	a->reason = "once";
	sched_stop(a->sched);
}

static int
open_state(struct agent *a, struct tc_err *e)
{
	const char *dir = a->conf->state_dir;
	struct wall now = a->clock->wall(a->clock);
	char spool_dir[512];
	struct spool_conf conf = { .dir = spool_dir,
		.max_bytes = a->conf->spool_max };
	int rc;

	snprintf(spool_dir, sizeof(spool_dir), "%s/spool", dir);
	if ((rc = file_make_dirs(dir, 0700, e)) < 0 ||
	    (rc = life_lock(dir, &a->lock, e)) < 0)
		return tc_wrap(e, "--state-dir");
	if ((rc = life_begin(&a->life, dir, now, e)) < 0)
		log_at(WARN, "agent", "%s", e->text);
	return spool_open(&conf, now, &a->spool, e);
}

static int
open_loop(struct agent *a, struct tc_err *e)
{
	static const int signums[] = { SIGTERM, SIGINT };

	a->sched = sched_new(e);
	if (!a->sched)
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(signums); i++) {
		a->signals[i] = sched_signal_open(a->sched, signums[i],
			on_signal, a, e);
		if (!a->signals[i])
			return e->code;
	}
	return 0;
}

static int
start(struct agent *a, struct tc_err *e)
{
	char name[64];
	struct sender_conf sender = {
		.url = a->conf->server, .token_file = a->conf->token_file,
		.ca_file = a->conf->ca_file, .user_agent = name,
		.spool = a->spool, .clock = a->clock,
	};
	struct gather_conf gather = {
		.agent = a->conf, .life = &a->life, .clock = a->clock,
		.spool = a->spool, .finished = on_finished, .arg = a,
	};
	int rc;

	snprintf(name, sizeof(name), "%s/%s", agent_program.name,
		agent_program.version);
	if ((rc = open_loop(a, e)) < 0 ||
	    (rc = sender_start(&sender, &a->sender, e)) < 0)
		return rc;
	gather.sched = a->sched;
	gather.sender = a->sender;
	return gather_start(&gather, &a->gather, e);
}

/* The last batch; then what is left stays in the spool. */
static int
finish(struct agent *a)
{
	struct spool_counts left = {0};
	struct tc_err e = {0};
	struct mono until = mono_add(a->clock->mono(a->clock),
		a->conf->once ? ONCE_BATCH : LAST_BATCH);

	gather_stop(a->gather, a->reason);
	sender_stop(a->sender, until);
	a->gather = NULL;
	a->sender = NULL;
	if (life_end(&a->life, a->reason, a->clock->wall(a->clock), &e) < 0)
		log_at(WARN, "agent", "%s", e.text);
	spool_counts(a->spool, &left);
	log_at(INFO, "agent", "stopped: %s, waiting=%llu", a->reason,
		(unsigned long long)left.batches);
	return a->conf->once && left.batches > 0 ? 1 : 0;
}

/* For the supervisor, after the agent is gone: its lock is free. */
static int
report_exit(struct agent *a)
{
	char spool_dir[512];
	struct spool_conf conf = { .dir = spool_dir,
		.max_bytes = a->conf->spool_max };
	struct tc_err e = {0};

	if (strncmp(a->conf->report_exit, "success", 7) == 0)
		return 0;
	snprintf(spool_dir, sizeof(spool_dir), "%s/spool", a->conf->state_dir);
	if (file_make_dirs(a->conf->state_dir, 0700, &e) < 0 ||
	    life_lock(a->conf->state_dir, &a->lock, &e) < 0 ||
	    spool_open(&conf, a->clock->wall(a->clock), &a->spool, &e) < 0) {
		log_at(ERROR, "agent", "%s", e.text);
	} else {
		goodbye_send(a->conf, a->spool, a->clock,
			a->conf->report_exit);
		spool_close(a->spool);
	}
	if (a->lock >= 0)
		close(a->lock);
	return e.code == 0 ? 0 : 1;
}

int
agent_run(const struct agent_conf *conf)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct agent a = { .conf = conf, .clock = clock_system(), .lock = -1 };
	struct tc_err e = {0};
	int status = 1;

	log_set_level(conf->verbose ? LOG_LVL_DEBUG : LOG_LVL_INFO);
	sigaction(SIGPIPE, &ignore, NULL);
	if (conf->report_exit)
		return report_exit(&a);
	if (open_state(&a, &e) < 0 || start(&a, &e) < 0) {
		log_at(ERROR, "agent", "%s", e.text);
		sender_stop(a.sender, a.clock->mono(a.clock));
		a.sender = NULL;
		if (a.spool)
			goodbye_send(conf, a.spool, a.clock, e.text);
		goto out;
	}
	sched_run(a.sched);
	status = finish(&a);
out:
	/* only what a failed start has left */
	sender_stop(a.sender, a.clock->mono(a.clock));
	for (size_t i = 0; i < ARRAY_LEN(a.signals); i++)
		sched_signal_close(a.signals[i]);
	sched_free(a.sched);
	spool_close(a.spool);
	if (a.lock >= 0)
		close(a.lock);
	return status;
}
