/*
 * Server, agent and command line together, as they are started by hand.
 */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

static void
write_config(struct it *it)
{
	it_write(it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms}\n"
		"partitions:\n  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.0.0.1}\n", it->dir);
}

/* tocsin WORD WORD… --state-dir …; the exit status. */
static int
tocsin(struct it *it, struct strbuf *out, const char *const *words)
{
	char state[128];
	const char *argv[16] = { it_cli() };
	size_t n = 1;

	snprintf(state, sizeof(state), "%s/state", it->dir);
	while (*words)
		argv[n++] = *words++;
	argv[n++] = "--state-dir";
	argv[n] = state;
	strbuf_reset(out);
	return it_run(it, out, argv);
}

static void
make_token(struct it *it)
{
	const char *words[] = { "token", "create", "--role", "agent", "--host",
		"H1", NULL };
	struct strbuf out = {0};

	ck_assert_int_eq(tocsin(it, &out, words), 0);
	ck_assert_uint_eq(out.n, 69);
	it_write(it, "token", "%s", strbuf_str(&out));
	strbuf_free(&out);
}

static pid_t
start_agent(struct it *it)
{
	char token[128], state[128];
	const char *argv[] = { it_agent(), "--server", it->url, "--token-file",
		token, "--state-dir", state, "--host", "h1", "--plugin-dir",
		it_plugin_dir(), "--smart-helper", it_smartd(),
		"--interval", "1s", NULL };

	snprintf(token, sizeof(token), "%s/token", it->dir);
	snprintf(state, sizeof(state), "%s/agent", it->dir);
	return it_spawn(it, "agent.log", argv);
}

START_TEST(a_token_made_before_the_first_start_is_good)
{
	struct it it;
	struct strbuf out = {0};
	pid_t agent;

	it_init(&it);
	write_config(&it);
	make_token(&it);
	it_start_server(&it);
	agent = start_agent(&it);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", "healthy", 20));
	ck_assert_int_eq(tocsin(&it, &out, (const char *[]){ "status",
		"--format", "kv", NULL }), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "state=healthy\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "hosts=1\n"));
	ck_assert_int_eq(tocsin(&it, &out, (const char *[]){ "host", "h1",
		"--format", "kv", NULL }), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "partition=rack1\n"));
	ck_assert_ptr_nonnull(strstr(out.p, "check=cpu health=healthy"));
	ck_assert_ptr_nonnull(strstr(out.p, "check=boot health=healthy"));
	ck_assert_int_eq(it_end(&agent, SIGTERM), 0);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1/checks", "items.0.reason",
		"reported_exit", 10));
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

START_TEST(a_running_server_is_asked_for_the_token)
{
	struct it it;
	struct strbuf out = {0};
	const char *list[] = { "token", "list", "--format", "kv", NULL };
	const char *revoke[] = { "token", "revoke", "2", NULL };

	it_init(&it);
	write_config(&it);
	it_start_server(&it);
	make_token(&it);
	ck_assert_int_eq(tocsin(&it, &out, list), 0);
	ck_assert_ptr_nonnull(strstr(out.p, "id=2 role=agent host=h1"));
	ck_assert_int_eq(tocsin(&it, &out, revoke), 0);
	ck_assert_int_eq(tocsin(&it, &out, list), 0);
	ck_assert_ptr_null(strstr(out.p, "host=h1"));
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

/* Seconds between neighbours of the series; the longest. */
static double
longest_gap(struct it *it, size_t *n)
{
	struct it_reply r;
	json_t *points;
	double gap = 0;

	it_get(it, "/v1/series?host=h1&metric=uptime_seconds", &r);
	points = it_at(r.json, "series.0.points");
	*n = json_array_size(points);
	for (size_t i = 1; i < *n; i++) {
		double a = json_number_value(json_array_get(
			json_array_get(points, i - 1), 0));
		double b = json_number_value(json_array_get(
			json_array_get(points, i), 0));

		gap = b - a > gap ? b - a : gap;
	}
	it_reply_fini(&r);
	return gap / 1e3;
}

struct kept {
	struct it *it;
	size_t least;
};

/* Observations of the uptime in the agent's spool. */
static size_t
kept_in_spool(struct it *it)
{
	static const char metric[] = "\"uptime_seconds\"";
	struct strbuf text = {0};
	char pattern[160];
	glob_t g;
	size_t n = 0;

	snprintf(pattern, sizeof(pattern), "%s/agent/spool/*.spool", it->dir);
	if (glob(pattern, 0, NULL, &g) != 0)
		return 0;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *at;

		strbuf_reset(&text);
		file_slurp(g.gl_pathv[i], 0, &text, NULL);
		at = text.p;
		while (at != NULL && (at = memmem(at,
				(size_t)(text.p + text.n - at), metric,
				sizeof(metric) - 1)) != NULL) {
			n++;
			at += sizeof(metric) - 1;
		}
	}
	globfree(&g);
	strbuf_free(&text);
	return n;
}

static bool
keeps_enough(void *arg)
{
	struct kept *k = arg;

	return kept_in_spool(k->it) >= k->least;
}

static bool
delivers_again(void *arg)
{
	struct strbuf out = {0};
	bool again;

	it_read(arg, "agent.log", &out);
	again = strstr(strbuf_str(&out), "delivering again") != NULL;
	strbuf_free(&out);
	return again;
}

START_TEST(a_server_that_was_away_misses_nothing)
{
	struct it it;
	struct kept kept = { .it = &it };
	char port[160];
	pid_t agent;
	size_t before, after;

	it_init(&it);
	write_config(&it);
	make_token(&it);
	it_start_server(&it);
	/* the same port again later */
	snprintf(port, sizeof(port), "listen: %.120s\n", it.url + 7);
	agent = start_agent(&it);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", "healthy", 20));
	longest_gap(&it, &before);
	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	kept.least = kept_in_spool(&it) + 4;	/* four intervals without it */
	ck_assert(it_wait(keeps_enough, &kept, 20));
	it_write(&it, "tocsin.yaml", "%sstate_dir: %s/state\n"
		"partitions:\n  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.0.0.1}\n", port, it.dir);
	it_start_server(&it);
	ck_assert(it_wait(delivers_again, &it, 20));
	ck_assert_int_eq(it_end(&agent, SIGTERM), 0);
	ck_assert_double_lt(longest_gap(&it, &after), 1.9);
	ck_assert_uint_ge(after, before + 4);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("together",
		a_token_made_before_the_first_start_is_good,
		a_running_server_is_asked_for_the_token,
		a_server_that_was_away_misses_nothing);
}
