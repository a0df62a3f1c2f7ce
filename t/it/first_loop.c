/*
 * The real tocsind: what a new user tries first, and what must not break.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

#define FLEET 200

/* checks: YAML, "" = none. */
static void
write_fleet(struct it *it, int n, const char *checks)
{
	struct strbuf y = { 0 };

	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms, fail_after: 3,"
		" clear_after: 2}\n"
		"partitions:\n  - name: rack1\n    checks: [%s]\n    hosts:\n",
		it->dir, checks);
	for (int i = 1; i <= n; i++)
		strbuf_printf(&y, "      - {name: h%d, address: 127.1.%d.%d}\n",
			i, i / 256, i % 256);
	it_write(it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
}

START_TEST(one_stopped_listener_alone_is_convicted)
{
	struct it it;
	struct it_reply r;
	int fds[FLEET + 1];
	int port = it_free_port();
	char check[64];

	it_init(&it);
	for (int i = 1; i <= FLEET; i++)
		fds[i] = it_listen(0x7f010000U + (unsigned)i, port);
	(void)snprintf(check, sizeof(check), "{probe: tcp, port: %d}", port);
	write_fleet(&it, FLEET, check);
	it_start_server(&it);
	ck_assert(it_wait_text(&it, "/v1/summary", "state", "healthy", 20));
	it_get(&it, "/v1/summary", &r);
	ck_assert_double_eq(it_number(&r, "counts.healthy"), FLEET);
	it_reply_fini(&r);
	close(fds[7]);
	ck_assert(it_wait_text(&it, "/v1/hosts/h7", "state", "unhealthy", 10));
	it_get(&it, "/v1/hosts/h7", &r);
	ck_assert_str_eq(it_text(&r, "reason"), "connect_refused");
	it_reply_fini(&r);
	it_get(&it, "/v1/summary", &r);
	ck_assert_double_eq(it_number(&r, "counts.healthy"), FLEET - 1);
	ck_assert_double_eq(it_number(&r, "counts.unhealthy"), 1);
	it_reply_fini(&r);
	fds[7] = it_listen(0x7f010000U + (unsigned)7, port);
	ck_assert(it_wait_text(&it, "/v1/hosts/h7", "state", "healthy", 10));
	it_get(&it, "/v1/events?after=0&limit=1000", &r);
	ck_assert_uint_ge(json_array_size(it_at(r.json, "items")), 200);
	it_reply_fini(&r);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	it_fini(&it);
}
END_TEST

START_TEST(every_fault_of_the_file_is_named_with_its_line)
{
	struct it it;
	struct strbuf out = { 0 };
	char config[128];

	it_init(&it);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {intervall: 15s, timeout: 5 sek}\n"
		"partitions:\n"
		"  - name: rack1\n"
		"    checks: [{probe: pingg}]\n"
		"    hosts: [{name: 'no good', address: 127.0.0.1}]\n", it.dir);
	snprintf(config, sizeof(config), "%s/tocsin.yaml", it.dir);
	ck_assert_int_eq(it_run(&it, &out, (const char *[]){ it_tocsind(),
		"--config", config, "--plugin-dir", it_plugin_dir(),
		"--check-config", NULL }), 1);
	ck_assert_msg(strstr(out.p, "tocsin.yaml:3") != NULL, "%s", out.p);
	ck_assert_msg(strstr(out.p, "'interval'") != NULL, "%s", out.p);
	ck_assert_msg(strstr(out.p, "sek") != NULL, "%s", out.p);
	ck_assert_msg(strstr(out.p, "tocsin.yaml:6") != NULL, "%s", out.p);
	ck_assert_msg(strstr(out.p, "tocsin.yaml:7") != NULL, "%s", out.p);
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

START_TEST(sighup_takes_the_new_file_or_keeps_the_old_one)
{
	struct it it;
	struct it_reply r;
	char good[64] = "h3";

	it_init(&it);
	write_fleet(&it, 2, "");
	it_start_server(&it);
	it_write(&it, "tocsin.yaml", "partitions: [oops\n");
	kill(it.server, SIGHUP);
	it_get(&it, "/v1/hosts/h2", &r);
	ck_assert_int_eq(r.status, 200);
	it_reply_fini(&r);
	write_fleet(&it, 3, "");
	kill(it.server, SIGHUP);
	ck_assert(it_wait_text(&it, "/v1/hosts/h3", "name", good, 10));
	write_fleet(&it, 1, "");
	kill(it.server, SIGHUP);
	ck_assert(it_wait_text(&it, "/v1/hosts/h3", "title", "Not Found", 10) ||
		it_wait_text(&it, "/v1/hosts/h3", "state", "retired", 1));
	it_fini(&it);
}
END_TEST

START_TEST(hosts_come_and_go_with_a_file_sd_file)
{
	struct it it;

	it_init(&it);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\npartitions:\n  - name: rack1\n"
		"    file_sd: ['%s/*.json']\n", it.dir, it.dir);
	it_write(&it, "a.json", "[{\"targets\": [\"127.1.0.1:9100\"],"
		" \"labels\": {\"host\": \"sd1\", \"rack\": \"r1\"}}]");
	it_start_server(&it);
	ck_assert(it_wait_text(&it, "/v1/hosts/sd1", "address", "127.1.0.1", 5));
	it_write(&it, "b.json", "[{\"targets\": [\"127.1.0.2:9100\"]}]");
	ck_assert(it_wait_text(&it, "/v1/hosts/127.1.0.2", "name",
		"127.1.0.2", 15));
	it_write(&it, "b.json", "[{\"targets\": oops");
	it_write(&it, "c.json", "[{\"targets\": [\"127.1.0.3\"]}]");
	ck_assert(it_wait_text(&it, "/v1/hosts/127.1.0.3", "name",
		"127.1.0.3", 15));
	ck_assert(it_wait_text(&it, "/v1/hosts/127.1.0.2", "name",
		"127.1.0.2", 1));
	it_fini(&it);
}
END_TEST

static void
observation(char *out, size_t size, const char *host, int batch,
	int64_t at_ms)
{
	snprintf(out, size, "{\"host\":\"%s\",\"batch\":\"b%d\",\"sent_ms\":%lld,"
		"\"observations\":[{\"probe\":\"cpu\",\"at_ms\":%lld,"
		"\"outcome\":\"ok\",\"reason\":\"none\","
		"\"metrics\":{\"cpu_seconds_total\":{\"mode=\\\"idle\\\"\":12.5},"
		"\"load_1m\":%d}}]}", host, batch, (long long)at_ms,
		(long long)at_ms, batch);
}

static int64_t
wall_now(void)
{
	return clock_system()->wall(clock_system()).ms;
}

static void
token(struct it *it, const char *role, const char *host, char *out,
	size_t size)
{
	char body[256];
	struct it_reply r;

	snprintf(body, sizeof(body), host[0] != '\0' ?
		"{\"role\":\"%s\",\"host\":\"%s\"}" : "{\"role\":\"%s\"}", role,
		host);
	it_call(it, "POST /v1/tokens", NULL, body, &r);
	ck_assert_msg(r.status == 201, "%ld %s", r.status, strbuf_str(&r.text));
	snprintf(out, size, "%s", it_text(&r, "token"));
	it_reply_fini(&r);
}

static long
post(struct it *it, const char *as, const char *body, struct it_reply *r)
{
	it_call(it, "POST /v1/observations", as, body, r);
	return r->status;
}

START_TEST(an_agents_token_speaks_for_its_host_alone)
{
	struct it it;
	struct it_reply r;
	char agent[128], viewer[128], body[512];

	it_init(&it);
	write_fleet(&it, 2, "");
	it_start_server(&it);
	token(&it, "agent", "h1", agent, sizeof(agent));
	token(&it, "viewer", "", viewer, sizeof(viewer));
	observation(body, sizeof(body), "h1", 1, wall_now());
	ck_assert_int_eq(post(&it, agent, body, &r), 202);
	ck_assert_double_eq(it_number(&r, "accepted"), 1);
	it_reply_fini(&r);
	ck_assert_int_eq(post(&it, agent, body, &r), 202);
	ck_assert_double_eq(it_number(&r, "duplicates"), 1);
	it_reply_fini(&r);
	observation(body, sizeof(body), "H1", 2, wall_now());
	ck_assert_int_eq(post(&it, agent, body, &r), 202);
	it_reply_fini(&r);
	observation(body, sizeof(body), "h2", 3, wall_now());
	ck_assert_int_eq(post(&it, agent, body, &r), 403);
	it_reply_fini(&r);
	observation(body, sizeof(body), "nobody", 4, wall_now());
	ck_assert_int_eq(post(&it, agent, body, &r), 403);
	it_reply_fini(&r);
	ck_assert_int_eq(post(&it, viewer, body, &r), 403);
	it_reply_fini(&r);
	ck_assert_int_eq(post(&it, "", body, &r), 401);
	it_reply_fini(&r);
	ck_assert_int_eq(post(&it, NULL, body, &r), 202);
	it_reply_fini(&r);
	observation(body, sizeof(body), "h1", 5, wall_now() - 8LL * 86400000);
	ck_assert_int_eq(post(&it, NULL, body, &r), 422);
	it_reply_fini(&r);
	observation(body, sizeof(body), "h1", 6, wall_now() + 600000);
	ck_assert_int_eq(post(&it, NULL, body, &r), 422);
	it_reply_fini(&r);
	it_fini(&it);
}
END_TEST

START_TEST(a_bad_disk_flags_its_host_and_a_restart_changes_nothing)
{
	struct it it;
	struct it_reply r;
	char since[40];

	it_init(&it);
	write_fleet(&it, 1, "");
	it_start_server(&it);
	for (int day = 5; day >= 0; day--) {
		char body[1024];
		int64_t at = wall_now() - (int64_t)day * 86400000;

		snprintf(body, sizeof(body), "{\"host\":\"sto1\",\"observations\":"
			"[{\"probe\":\"smart\",\"at_ms\":%lld,\"outcome\":\"ok\","
			"\"reason\":\"none\",\"device\":{\"kind\":\"disk\","
			"\"model\":\"ST4000DM000\",\"serial\":\"Z1\"},\"metrics\":"
			"{\"smart_197_raw\":%d,\"smart_5_raw\":%d,"
			"\"smart_187_raw\":%d}}]}", (long long)at,
			(5 - day) * 24, (5 - day) * 64, 5 - day);
		ck_assert_msg(post(&it, NULL, body, &r) == 202, "%s",
			strbuf_str(&r.text));
		it_reply_fini(&r);
	}
	ck_assert(it_wait_text(&it, "/v1/hosts/sto1", "level", "imminent", 5));
	it_get(&it, "/v1/summary", &r);
	ck_assert_str_eq(it_text(&r, "at_risk.0.host"), "sto1");
	it_reply_fini(&r);
	it_get(&it, "/v1/predictions", &r);
	ck_assert_str_eq(it_text(&r, "items.0.device.serial"), "Z1");
	ck_assert_uint_ge(json_array_size(it_at(r.json, "items.0.evidence")), 1);
	snprintf(since, sizeof(since), "%s", it_text(&r, "items.0.since"));
	it_reply_fini(&r);
	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	it_start_server(&it);
	it_get(&it, "/v1/predictions", &r);
	ck_assert_str_eq(it_text(&r, "items.0.level"), "imminent");
	ck_assert_str_eq(it_text(&r, "items.0.since"), since);
	it_reply_fini(&r);
	it_get(&it, "/v1/series?host=sto1&device=Z1&metric=smart_197_raw", &r);
	ck_assert_msg(r.status == 200, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	it_fini(&it);
}
END_TEST

/* Kills while a client posts; every 202 must be there, once. */
START_TEST(kill_9_during_ingest_loses_nothing_acknowledged)
{
	enum { KILLS = 8, PER_LIFE = 40 };
	struct it it;
	struct it_reply r;
	int64_t begin = wall_now() - 3600000;
	int acked = 0, sent = 0;

	it_init(&it);
	write_fleet(&it, 1, "");
	for (int life = 0; life <= KILLS; life++) {
		it_start_server(&it);
		for (int i = 0; i < PER_LIFE && life < KILLS; i++, sent++) {
			char body[512];

			observation(body, sizeof(body), "led", sent,
				begin + sent * 1000);
			if (i == PER_LIFE - 1)
				kill(it.server, SIGKILL);
			acked += post(&it, NULL, body, &r) == 202;
			it_reply_fini(&r);
		}
		if (life < KILLS)
			it_end(&it.server, SIGKILL);
	}
	{
		char path[256], from[WALL_TEXT], to[WALL_TEXT];
		size_t points;

		wall_format((struct wall){ begin - 1000 }, from, sizeof(from));
		wall_format((struct wall){ wall_now() }, to, sizeof(to));
		snprintf(path, sizeof(path), "/v1/series?host=led&metric=load_1m"
			"&from=%s&to=%s&limit=10000", from, to);
		it_get(&it, path, &r);
		ck_assert_msg(r.status == 200, "%s", strbuf_str(&r.text));
		points = json_array_size(it_at(r.json, "series.0.points"));
		ck_assert_msg(points >= (size_t)acked && points <= (size_t)sent,
			"%zu points, %d acknowledged, %d sent", points, acked,
			sent);
		it_reply_fini(&r);
	}
	it_fini(&it);
}
END_TEST

START_TEST(a_second_server_on_the_same_state_is_refused)
{
	struct it it;
	char config[128];
	struct strbuf out = { 0 };

	it_init(&it);
	write_fleet(&it, 1, "");
	it_start_server(&it);
	snprintf(config, sizeof(config), "%s/tocsin.yaml", it.dir);
	ck_assert_int_eq(it_run(&it, &out, (const char *[]){ it_tocsind(),
		"--config", config, "--plugin-dir", it_plugin_dir(), NULL }),
		1);
	ck_assert_ptr_nonnull(strstr(out.p, "lock"));
	strbuf_free(&out);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("first_loop", one_stopped_listener_alone_is_convicted,
		every_fault_of_the_file_is_named_with_its_line,
		sighup_takes_the_new_file_or_keeps_the_old_one,
		hosts_come_and_go_with_a_file_sd_file,
		an_agents_token_speaks_for_its_host_alone,
		a_bad_disk_flags_its_host_and_a_restart_changes_nothing,
		kill_9_during_ingest_loses_nothing_acknowledged,
		a_second_server_on_the_same_state_is_refused);
}
