#include "health/unit.h"

#include <string.h>

#include "base/le.h"

/* ---- the heartbeat ---- */

void
beat_begin(struct beat *b, struct mono now)
{
	*b = (struct beat){ .expected = true, .word = BEAT_NEVER, .from = now };
}

void
beat_take(struct beat *b, const struct unit_rule *rule, struct mono now)
{
	b->word = BEAT_HEARD;
	b->excused = false;
	b->from = now;
	if (!b->convicted)
		return;
	if (++b->regained < rule->clear_after)
		return;
	b->convicted = false;
	b->regained = 0;
}

/*
 * An agent that is started again and again, and ends each time, ended when
 * it did so first: the alarm must come.
 */
void
beat_end(struct beat *b, bool failed, struct mono now)
{
	bool again = b->word == BEAT_ENDED || b->word == BEAT_FAILED;

	b->word = failed ? BEAT_FAILED : BEAT_ENDED;
	if (!again)
		b->ended = now;
}

static enum tocsin_reason
why_silent(const struct beat *b)
{
	switch ((enum beat_word)b->word) {
	case BEAT_NEVER:
		return TOCSIN_WHY_NEVER_CONNECTED;
	case BEAT_HEARD:
		return TOCSIN_WHY_CONNECTION_LOST;
	case BEAT_ENDED:
		return TOCSIN_WHY_REPORTED_EXIT;
	case BEAT_FAILED:
		return TOCSIN_WHY_REPORTED_ERROR;
	}
	return TOCSIN_WHY_CONNECTION_LOST;
}

static int64_t
late_ns(const struct unit_rule *rule)
{
	return rule->heartbeat.ns * (int64_t)rule->late_after;
}

/* What it said itself explains the silence: no conviction by time. */
static bool
says_why(const struct beat *b)
{
	return b->word == BEAT_ENDED || b->word == BEAT_FAILED;
}

enum beat_is
beat_judge(struct beat *b, const struct unit_rule *rule, struct mono now,
	enum tocsin_reason *why)
{
	int64_t silent = now.ns - b->from.ns;

	*why = TOCSIN_WHY_NONE;
	if (!b->expected && b->word == BEAT_NEVER)
		return BEAT_IS_NONE;
	*why = why_silent(b);
	if (b->convicted)
		return BEAT_IS_DEAD;
	if (says_why(b))
		return BEAT_IS_LATE;
	if (silent >= rule->grace.ns) {
		b->convicted = true;
		b->regained = 0;
		return BEAT_IS_DEAD;
	}
	if (silent >= late_ns(rule))
		return BEAT_IS_LATE;
	if (b->excused) {
		*why = TOCSIN_WHY_PENDING;
		return BEAT_IS_AWAITED;
	}
	*why = b->word == BEAT_NEVER ? TOCSIN_WHY_PENDING : TOCSIN_WHY_NONE;
	return b->word == BEAT_NEVER ? BEAT_IS_AWAITED : BEAT_IS_FINE;
}

/* When its alarm is due; INT64_MAX = it is not silent at all. */
static int64_t
alarm_at(const struct beat *b, const struct unit_rule *rule)
{
	switch ((enum beat_word)b->word) {
	case BEAT_NEVER:
		return b->expected ? b->from.ns + rule->never.ns : INT64_MAX;
	case BEAT_HEARD:
		return b->expected ? b->from.ns + rule->lost.ns : INT64_MAX;
	case BEAT_ENDED:
		return b->expected ? b->ended.ns + rule->gone.ns : INT64_MAX;
	case BEAT_FAILED:
		return b->ended.ns + rule->gone.ns;
	}
	return INT64_MAX;
}

bool
beat_alarms(const struct beat *b, const struct unit_rule *rule,
	struct mono now)
{
	return now.ns >= alarm_at(b, rule);
}

struct mono
beat_due(const struct beat *b, const struct unit_rule *rule, struct mono now)
{
	const int64_t at[] = { b->from.ns + late_ns(rule),
		b->from.ns + rule->grace.ns, alarm_at(b, rule) };
	int64_t next = INT64_MAX;

	if (!b->expected && b->word == BEAT_NEVER)
		return (struct mono){ INT64_MAX };
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] > now.ns && at[i] < next)
			next = at[i];
	return (struct mono){ next };
}

/* version, expected and excused, convicted, word, then silence and age of the end in ns */
#define SAVED_VERSION 1

void
beat_save(const struct beat *b, struct mono now,
	unsigned char out[BEAT_SAVED_BYTES])
{
	out[0] = SAVED_VERSION;
	out[1] = (unsigned char)(b->expected | b->excused << 1);
	out[2] = b->convicted;
	out[3] = b->word;
	le_put(out + 4, (uint64_t)(now.ns - b->from.ns), 8);
	le_put(out + 12, (uint64_t)(now.ns - b->ended.ns), 8);
}

/* What cannot have been is taken as just now: nothing fires on load. */
struct mono
mono_ago(struct mono now, int64_t ns)
{
	int64_t most = INT64_C(10) * 366 * 86400 * 1000000000;

	return (struct mono){ ns < 0 || ns > most ? now.ns : now.ns - ns };
}

int
beat_restore(const void *p, size_t n, struct mono now, struct beat *out)
{
	const unsigned char *in = p;

	if (n != BEAT_SAVED_BYTES || in[0] != SAVED_VERSION ||
	    in[3] > BEAT_FAILED)
		return TC_ECORRUPT;
	*out = (struct beat){ .expected = (in[1] & 1) != 0,
		.excused = in[1] >> 1 != 0, .convicted = in[2] != 0,
		.word = in[3],
		.from = mono_ago(now, (int64_t)le_get(in + 4, 8)),
		.ended = mono_ago(now, (int64_t)le_get(in + 12, 8)) };
	return 0;
}

/* ---- a VM ---- */

bool
health_is_bad(enum health h)
{
	switch (h) {
	case HEALTH_UNHEALTHY:
	case HEALTH_UNREACHABLE:
	case HEALTH_IMPAIRED:
		return true;
	case HEALTH_UNKNOWN:
	case HEALTH_HEALTHY:
	case HEALTH_SUSPECT:
	case HEALTH_OVERLOADED:
	case HEALTH_STALE:
		return false;
	}
	return false;
}

static struct unit_verdict
plain(enum health health, enum tocsin_reason reason)
{
	return (struct unit_verdict){ .health = health, .reason = reason };
}

static struct unit_verdict
convict(enum health health, enum tocsin_reason reason, enum signal_side by)
{
	return (struct unit_verdict){ health, reason, 1U << by, true };
}

/* The hypervisor knows that it does not run. */
static bool
is_stopped(const struct vm_view *v, enum tocsin_reason *why)
{
	switch (v->run) {
	case VM_RUN_PAUSED:
		*why = TOCSIN_WHY_VM_PAUSED;
		return true;
	case VM_RUN_CRASHED:
		*why = TOCSIN_WHY_VM_CRASHED;
		return true;
	case VM_RUN_SHUT_OFF:
		*why = TOCSIN_WHY_VM_SHUT_OFF;
		return true;
	case VM_RUN_UNKNOWN:
	case VM_RUN_RUNNING:
		break;
	}
	return false;
}

/* Something but its own answer shows that it runs. */
static bool
surely_runs(const struct vm_view *v)
{
	return v->run == VM_RUN_RUNNING || v->beat == BEAT_IS_FINE ||
		v->reach == REACH_PART;
}

/* Nothing, or not all, answers from outside. */
static struct unit_verdict
judge_reach(const struct vm_view *v)
{
	if (v->busy && !v->reach_overdue)
		return plain(HEALTH_OVERLOADED, TOCSIN_WHY_BUSY);
	if (surely_runs(v))
		return convict(HEALTH_IMPAIRED, v->reach == REACH_PART ?
			v->reach_why : TOCSIN_WHY_RUNS_UNREACHABLE,
			SIGNAL_OUTSIDE);
	if (v->reach_overdue)
		return convict(HEALTH_UNHEALTHY, v->reach_why, SIGNAL_OUTSIDE);
	return plain(HEALTH_SUSPECT, v->reach_why);
}

/*
 * Silence inside.  While it answers from outside the agent is in trouble,
 * not the VM: that has an alarm of its own.
 */
static struct unit_verdict
judge_silence(const struct vm_view *v)
{
	if (v->beat == BEAT_IS_DEAD && v->reach != REACH_FULL)
		return convict(HEALTH_UNHEALTHY, v->beat_why, SIGNAL_INSIDE);
	if (v->busy && v->beat == BEAT_IS_LATE)
		return plain(HEALTH_OVERLOADED, TOCSIN_WHY_BUSY);
	return plain(HEALTH_SUSPECT, v->beat_why);
}

static bool
is_silent(const struct vm_view *v)
{
	return v->beat == BEAT_IS_LATE || v->beat == BEAT_IS_DEAD;
}

/* Nobody speaks against it; who speaks for it? */
static struct unit_verdict
judge_calm(const struct vm_view *v)
{
	if (v->inside == HEALTH_UNHEALTHY)
		return (struct unit_verdict){ HEALTH_UNHEALTHY, v->inside_why,
			1U << SIGNAL_INSIDE, false };
	if (v->reach == REACH_DOUBT)
		return plain(HEALTH_SUSPECT, v->reach_why);
	if (v->inside == HEALTH_SUSPECT)
		return plain(HEALTH_SUSPECT, v->inside_why);
	if (v->beat == BEAT_IS_FINE || v->reach == REACH_FULL ||
	    v->run == VM_RUN_RUNNING)
		return plain(HEALTH_HEALTHY, TOCSIN_WHY_NONE);
	if (v->run_silent)
		return plain(HEALTH_STALE, TOCSIN_WHY_STALE);
	return plain(HEALTH_UNKNOWN, v->beat == BEAT_IS_NONE ?
		TOCSIN_WHY_NO_CHECKS : TOCSIN_WHY_PENDING);
}

struct unit_verdict
vm_judge(const struct vm_view *v)
{
	struct unit_verdict out;
	enum tocsin_reason why;

	if (is_stopped(v, &why))
		out = convict(HEALTH_UNHEALTHY, why, SIGNAL_EXTERNAL);
	else if (v->external == HEALTH_UNHEALTHY)
		out = convict(HEALTH_UNHEALTHY, v->external_why,
			SIGNAL_EXTERNAL);
	else if (v->beat == BEAT_IS_DEAD && v->reach != REACH_FULL &&
		v->reach != REACH_PART)
		out = judge_silence(v);
	else if (v->reach == REACH_NONE || v->reach == REACH_PART)
		out = judge_reach(v);
	else if (is_silent(v))
		out = judge_silence(v);
	else
		out = judge_calm(v);
	if (is_silent(v) && (out.by & 1U << SIGNAL_OUTSIDE) != 0 &&
	    v->beat == BEAT_IS_DEAD)
		out.by |= 1U << SIGNAL_INSIDE;
	if (out.health == HEALTH_UNHEALTHY && v->reach == REACH_NONE)
		out.by |= 1U << SIGNAL_OUTSIDE;
	if (v->parent_down && out.health != HEALTH_HEALTHY &&
	    out.by != 1U << SIGNAL_EXTERNAL)
		return plain(HEALTH_UNREACHABLE, TOCSIN_WHY_PARENT_DOWN);
	return out;
}

/* ---- a role ---- */

static enum health
side_health(const struct side_view *s)
{
	bool hidden = s->health == HEALTH_STALE || s->health == HEALTH_UNKNOWN;

	return hidden && s->behind == HEALTH_UNHEALTHY ? HEALTH_UNHEALTHY :
		s->health;
}

/* Who is silent says nothing while another side speaks. */
static bool
outweighs(enum health a, enum health b)
{
	bool speaks_a = a != HEALTH_STALE && a != HEALTH_UNKNOWN;
	bool speaks_b = b != HEALTH_STALE && b != HEALTH_UNKNOWN;

	return speaks_a != speaks_b ? speaks_a : health_worse(a, b);
}

struct unit_verdict
role_judge(const struct role_view *v)
{
	struct unit_verdict out = plain(HEALTH_UNKNOWN,
		TOCSIN_WHY_NO_CHECKS);
	bool any = false;

	for (int i = 0; i < SIGNAL_COUNT_; i++) {
		enum health is = side_health(&v->sides[i]);

		if (v->sides[i].reason == TOCSIN_WHY_NO_CHECKS)
			continue;
		if (is == HEALTH_UNHEALTHY)
			out.by |= 1U << i;
		if (any && !outweighs(is, out.health))
			continue;
		any = true;
		out.health = is;
		out.reason = is == HEALTH_HEALTHY ? TOCSIN_WHY_NONE :
			v->sides[i].reason;
	}
	out.dead = out.by != 0;
	if (v->parent_down && any && out.health != HEALTH_HEALTHY)
		return plain(HEALTH_UNREACHABLE, TOCSIN_WHY_PARENT_DOWN);
	return out;
}
