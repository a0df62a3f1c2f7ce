#include "t/sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "t/sim/sim.h"

#define WORDS_MAX 6
#define HOSTS_MAX 1000
#define PARENTS_MAX 32
#define BEGIN_MS INT64_C(1767225600000)	/* of sim.c */

struct play {
	struct sim *sim;	/* NULL until the first line that needs it */
	size_t hosts;
	int recheck;
	struct wall begin;
	double now;
	size_t moves_before;
	char parents[PARENTS_MAX][2][16];	/* whom, who */
	size_t n_parents;
	char *word[WORDS_MAX];
	size_t n;
	struct tc_err *e;
};

static int
fault(struct play *p, const char *what, const char *word)
{
	return tc_fail(p->e, TC_EINVAL, "%s '%s'", what, word);
}

static const char *
word(const struct play *p, size_t i)
{
	return i < p->n ? p->word[i] : "";
}

static bool
is(const struct play *p, size_t i, const char *text)
{
	return strcmp(word(p, i), text) == 0;
}

/* ---- words ---- */

/* "1:02:03" or "02:03" as seconds; false when it is no time. */
static bool
read_time(const char *text, double *out)
{
	double total = 0;
	int parts = 0;
	char *end;

	do {
		if (*text < '0' || *text > '9')
			return false;
		total = total * 60 + strtod(text, &end);
		text = end + 1;
		parts++;
	} while (*end == ':');
	*out = total;
	return *end == '\0' && parts >= 2 && parts <= 3;
}

static bool
read_reason(const char *text, enum tocsin_reason *out)
{
	for (int r = 0; r < 256; r++)
		if (reason_is_known((unsigned)r) &&
		    strcmp(reason_id((enum tocsin_reason)r), text) == 0) {
			*out = (enum tocsin_reason)r;
			return true;
		}
	return false;
}

static bool
is_one(const struct play *p, const char *text, char last, char **end)
{
	return text[0] == 'h' && text[1] >= '0' && text[1] <= '9' &&
		strtoul(text + 1, end, 10) < p->hosts && **end == last;
}

static bool
is_host(const struct play *p, const char *text)
{
	char *end;

	return is_one(p, text, '\0', &end);
}

/* "h3" or "h1-h40" */
static bool
is_hosts(const struct play *p, const char *text)
{
	char *end;

	return is_host(p, text) || (is_one(p, text, '-', &end) &&
		is_host(p, end + 1));
}

/* The i-th of them; false when there are no more. */
static bool
pick(const char *range, size_t i, char name[16])
{
	const char *dash = strchr(range, '-');
	unsigned long first = strtoul(range + 1, NULL, 10);
	unsigned long last = dash != NULL ? strtoul(dash + 2, NULL, 10) : first;

	snprintf(name, 16, "h%lu", first + (unsigned long)i);
	return first + i <= last;
}

/* "+1d", "-30s" */
static bool
read_step(const char *text, int64_t *ms)
{
	struct dur d;

	if ((text[0] != '+' && text[0] != '-') ||
	    dur_parse(text + 1, &d, NULL) < 0)
		return false;
	*ms = dur_to_ms(d) * (text[0] == '-' ? -1 : 1);
	return true;
}

/* ---- what is done ---- */

/* h3 [ping|tcp] fail [REASON] | ok */
static int
do_host(struct play *p)
{
	char host[16];
	size_t at = is(p, 3, "ping") || is(p, 3, "tcp") ? 4 : 3;
	enum tocsin_reason why = TOCSIN_WHY_NONE;

	if (!is(p, at, "fail") && !is(p, at, "ok"))
		return fault(p, "fail or ok is wanted, not", word(p, at));
	if (is(p, at, "fail"))
		why = TOCSIN_WHY_CONNECT_REFUSED;
	if (p->n > at + 1 && (!is(p, at, "fail") ||
		!read_reason(word(p, at + 1), &why)))
		return fault(p, "no reason", word(p, at + 1));
	for (size_t i = 0; pick(word(p, 2), i, host); i++) {
		if (at == 3 || is(p, 3, "ping"))
			sim_set(p->sim, host, "ping", why);
		if (at == 3 || is(p, 3, "tcp"))
			sim_set(p->sim, host, "tcp", why);
	}
	return 0;
}

static int
do_window(struct play *p)
{
	char body[256], from[WALL_TEXT], to[WALL_TEXT];
	struct snapshot *snap;
	struct wall now;
	struct dur d;

	if (!is_host(p, word(p, 3)) || dur_parse(word(p, 4), &d, NULL) < 0)
		return fault(p, "window HOST DURATION, not", word(p, 3));
	snap = sim_snapshot(p->sim);
	now = snap->at;
	snapshot_put(snap);
	snprintf(body, sizeof(body), "{\"type\":\"power\",\"hosts\":[\"%s\"],"
		"\"reason\":\"scenario\",\"from\":\"%s\",\"to\":\"%s\"}",
		word(p, 3), wall_format(now, from, sizeof(from)),
		wall_format(wall_add(now, d), to, sizeof(to)));
	if (sim_order(p->sim, ORDER_WINDOW_CREATE, "", body) < 0)
		return fault(p, "window:", sim_said(p->sim));
	return 0;
}

static int
do_clock(struct play *p)
{
	struct dur d;
	int64_t ms;

	if (is(p, 2, "step")) {
		if (!is(p, 3, "wall") || !read_step(word(p, 4), &ms))
			return fault(p, "step wall +1d, not", word(p, 4));
		sim_step_wall(p->sim, ms);
		return 0;
	}
	if (dur_parse(word(p, 3), &d, NULL) < 0)
		return fault(p, "no duration", word(p, 3));
	sim_sleep(p->sim, dur_to_seconds(d));
	p->now += dur_to_seconds(d);
	return 0;
}

static int
do_at(struct play *p)
{
	if (is_hosts(p, word(p, 2)))
		return do_host(p);
	if (is(p, 2, "step") || is(p, 2, "sleep"))
		return do_clock(p);
	if (is(p, 2, "window"))
		return do_window(p);
	if (is(p, 2, "kill"))
		sim_restart(p->sim);
	else if (is(p, 2, "mute") || is(p, 2, "unmute"))
		sim_mute(p->sim, is(p, 2, "mute"));
	else if (is(p, 2, "cut") || is(p, 2, "uncut"))
		sim_cut(p->sim, is(p, 2, "cut"));
	else if (is(p, 2, "without") && is_host(p, word(p, 3)))
		sim_without(p->sim, word(p, 3));
	else
		return fault(p, "nobody can", word(p, 2));
	return 0;
}

/* ---- what is expected ---- */

static int
expect_count(struct play *p, size_t got, const char *want)
{
	char *end;
	unsigned long n = strtoul(want, &end, 10);

	if (*want == '\0' || *end != '\0')
		return fault(p, "no number", want);
	if (got != n)
		return tc_fail(p->e, TC_EINVAL, "%s %s: %zu, expected %lu\n%s",
			word(p, 2), p->n > 4 ? word(p, 3) : "", got, n,
			sim_log(p->sim));
	return 0;
}

static int
expect_host(struct play *p)
{
	enum tocsin_reason known;
	char host[16];

	if (p->n > 4 && !read_reason(word(p, 4), &known))
		return fault(p, "no reason", word(p, 4));
	for (size_t i = 0; pick(word(p, 2), i, host); i++) {
		const char *state = state_id(sim_state(p->sim, host));
		const char *why = reason_id(sim_reason(p->sim, host));

		if (!is(p, 3, state) || (p->n > 4 && !is(p, 4, why)))
			return tc_fail(p->e, TC_EINVAL, "%s is %s %s, expected "
				"%s %s\n%s", host, state, why, word(p, 3),
				word(p, 4), sim_log(p->sim));
	}
	return 0;
}

/* Moves to unhealthy in the log. */
static size_t
convicted(const struct play *p)
{
	const char *at = sim_log(p->sim);
	size_t n = 0;

	while ((at = strstr(at, ">unhealthy")) != NULL) {
		at++;
		n++;
	}
	return n;
}

static int
do_expect(struct play *p)
{
	size_t moves = sim_events(p->sim, "host.state");
	size_t before = p->moves_before;

	if (is_hosts(p, word(p, 2)))
		return expect_host(p);
	if (is(p, 2, "convicted"))
		return expect_count(p, convicted(p), word(p, 3));
	if (is(p, 2, "events"))
		return expect_count(p, sim_events(p->sim, word(p, 3)),
			word(p, 4));
	if (is(p, 2, "alerts"))
		return expect_count(p, sim_alerts(p->sim, word(p, 3)),
			word(p, 4));
	if (!is(p, 2, "moves"))
		return fault(p, "nobody expects", word(p, 2));
	p->moves_before = moves;
	return expect_count(p, moves - before, word(p, 3));
}

/* ---- lines ---- */

static int
set_parent(struct play *p)
{
	if (!is_host(p, word(p, 1)) || !is_hosts(p, word(p, 2)) ||
	    p->n_parents == PARENTS_MAX)
		return fault(p, "parent HOST HOSTS, not", word(p, 2));
	for (int i = 0; i < 2; i++)
		snprintf(p->parents[p->n_parents][i],
			sizeof(p->parents[0][0]), "%s", word(p, (size_t)i + 1));
	p->n_parents++;
	return 0;
}

static void
hang(struct play *p)
{
	for (size_t i = 0; i < p->n_parents; i++) {
		const char *who = p->parents[i][1], *dash = strchr(who, '-');

		sim_parent(p->sim, who, dash != NULL ? dash + 1 : who,
			p->parents[i][0]);
	}
}

static int
set_up(struct play *p)
{
	char *end;

	if (p->sim != NULL)
		return fault(p, "too late for", word(p, 0));
	if (is(p, 0, "begin"))
		return wall_parse(word(p, 1), strlen(word(p, 1)), &p->begin) < 0 ?
			fault(p, "no time", word(p, 1)) : 0;
	if (is(p, 0, "parent"))
		return set_parent(p);
	if (is(p, 0, "recheck")) {
		p->recheck = 0;
		return is(p, 1, "off") ? 0 : fault(p, "off, not", word(p, 1));
	}
	if (!is(p, 0, "hosts"))
		return fault(p, "what is", word(p, 0));
	p->hosts = strtoul(word(p, 1), &end, 10);
	return *end == '\0' && p->hosts > 0 && p->hosts <= HOSTS_MAX ? 0 :
		fault(p, "no number of hosts", word(p, 1));
}

static int
do_line(struct play *p)
{
	bool expects = is(p, 0, "expect");
	double at;

	if (!expects && !is(p, 0, "at"))
		return set_up(p);
	if (!read_time(word(p, 1), &at))
		return fault(p, "no time", word(p, 1));
	if (at < p->now)
		return fault(p, "earlier than the line before:", word(p, 1));
	if (p->sim == NULL) {
		p->sim = sim_new(p->hosts, NULL, p->recheck);
		sim_step_wall(p->sim, p->begin.ms - BEGIN_MS);
		hang(p);
	}
	sim_run_until(p->sim, at);
	p->now = at;
	return expects ? do_expect(p) : do_at(p);
}

static void
split(struct play *p, char *line)
{
	char *save = NULL;

	line[strcspn(line, "#")] = '\0';
	p->n = 0;
	for (char *w = strtok_r(line, " \t\r", &save); w != NULL &&	/* lint: our own copy */
		p->n < WORDS_MAX; w = strtok_r(NULL, " \t\r", &save))	/* lint: our own copy */
		p->word[p->n++] = w;
}

int
scenario_run(const char *name, const char *text, struct tc_err *e)
{
	struct play p = { .hosts = 5, .recheck = 1, .begin = { BEGIN_MS },
		.e = e };
	char *copy = mem_strdup(text), *at = copy;
	unsigned line = 1;
	int rc = copy != NULL ? 0 : TC_ENOMEM;

	for (; rc == 0 && *at != '\0'; line++) {
		size_t n = strcspn(at, "\n");
		char *next = at + n + (at[n] == '\n');

		at[n] = '\0';
		split(&p, at);
		if (p.n > 0 && (rc = do_line(&p)) < 0)
			tc_wrap(e, "%s:%u", name, line);
		at = next;
	}
	if (p.sim != NULL)
		sim_free(p.sim);
	mem_free(copy);
	return rc;
}
