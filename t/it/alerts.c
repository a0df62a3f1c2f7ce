/*
 * The real tocsind tells a webhook sink and a real Alertmanager of a dead
 * listener and of its return, whatever happens in between.
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/fake_http.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

/* Of all listeners of a test; chosen by the first. */
static int fleet_port;

static int
listen_on(int i)
{
	if (fleet_port == 0)
		fleet_port = it_free_port();
	return it_listen(0x7f010000U + (unsigned)i, fleet_port);
}

/* Three hosts; receivers in YAML, `names` routed to; `more` of alerts. */
static void
write_config(struct it *it, const char *receivers, const char *names,
	const char *more)
{
	it_write(it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms, fail_after: 2,"
		" clear_after: 1, flap_after: 0}\n"
		"partitions:\n  - name: rack1\n"
		"    checks: [{probe: tcp, port: %d}]\n"
		"    hosts:\n"
		"      - {name: h1, address: 127.1.0.1, tags: {team: web}}\n"
		"      - {name: h2, address: 127.1.0.2}\n"
		"      - {name: h3, address: 127.1.0.3}\n"
		"alerts:\n  receivers: [%s]\n"
		"  routes: [{match: {severity: critical}, to: [%s]}]\n%s",
		it->dir, fleet_port, receivers, names, more);
}

static void
webhook_config(struct it *it, int port)
{
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "{name: ops, type: webhook, "
		"url: \"http://127.0.0.1:%d/hook\", secret: s3cret}", port);
	write_config(it, yaml, "ops", "");
}

static void
always_ok(void *arg, const struct fake_request *q, struct fake_reply *reply)
{
	(void)arg;
	(void)q;
	reply->status = 200;
}

/* As a text at a place of the JSON body of the i-th request. */
static const char *
said(struct fake_http *f, size_t i, const char *where)
{
	static char out[4][256];
	static size_t at;
	const struct fake_request *q = fake_http_request(f, i);
	json_t *j = q == NULL ? NULL : json_loads(q->body, 0, NULL);
	const char *text = json_string_value(json_object_get(j, where));
	char *copy = out[at++ % 4];

	snprintf(copy, sizeof(out[0]), "%s", text != NULL ? text : "");
	json_decref(j);
	return copy;
}

/* The number of the alert that the i-th message is about. */
static double
alert_of(struct fake_http *f, size_t i)
{
	json_t *j = json_loads(fake_http_request(f, i)->body, 0, NULL);
	double id = json_number_value(json_object_get(j, "alert"));

	json_decref(j);
	return id;
}

/* An event of this kind that is about the alert. */
static bool
is_on_record(struct it *it, const char *kind, double alert)
{
	struct it_reply r = { 0 };
	json_t *item;
	bool found = false;
	size_t i;

	it_get(it, "/v1/events?limit=1000", &r);
	json_array_foreach(it_at(r.json, "items"), i, item)
		found = found || (strcmp(json_string_value(json_object_get(
			item, "kind")), kind) == 0 && json_number_value(
			it_at(item, "body.id")) == alert);
	it_reply_fini(&r);
	return found;
}

static void
start_healthy(struct it *it)
{
	it_start_server(it);
	ck_assert(it_wait_text(it, "/v1/summary", "state", "healthy", 20));
}

START_TEST(r111_a_dead_listener_and_its_return_are_told_under_one_number)
{
	struct fake_http *sink = fake_http_start(0, always_ok, NULL);
	int h1 = listen_on(1), h2 = listen_on(2), h3 = listen_on(3);
	struct it it;

	it_init(&it);
	webhook_config(&it, fake_http_port(sink));
	start_healthy(&it);
	close(h1);
	ck_assert(fake_http_wait(sink, 1));
	ck_assert_str_eq(said(sink, 0, "status"), "firing");
	ck_assert_str_eq(said(sink, 0, "kind"), "role_unhealthy");
	ck_assert_str_eq(said(sink, 0, "host"), "h1");
	ck_assert_str_eq(said(sink, 0, "address"), "127.1.0.1");
	ck_assert_str_eq(said(sink, 0, "partition"), "rack1");
	ck_assert_ptr_nonnull(strcasestr(
		fake_http_request(sink, 0)->headers, "Tocsin-Signature: t="));
	ck_assert(is_on_record(&it, "alert.firing", alert_of(sink, 0)));
	h1 = listen_on(1);
	ck_assert(fake_http_wait(sink, 2));
	ck_assert_str_eq(said(sink, 1, "status"), "resolved");
	ck_assert_str_eq(said(sink, 1, "host"), "h1");
	ck_assert_str_ne(said(sink, 1, "ended"), "");
	ck_assert(alert_of(sink, 1) == alert_of(sink, 0));
	ck_assert(is_on_record(&it, "alert.resolved", alert_of(sink, 0)));
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	ck_assert_uint_eq(fake_http_count(sink), 2);
	it_fini(&it);
	fake_http_stop(sink);
	close(h1);
	close(h2);
	close(h3);
}
END_TEST

/* The number of the first request of this kind; waited for. */
static size_t
request_of(struct fake_http *f, const char *kind)
{
	for (size_t i = 0; i < 60; i++) {
		ck_assert_msg(fake_http_wait(f, i + 1), "no %s", kind);
		if (strcmp(said(f, i, "kind"), kind) == 0)
			return i;
	}
	ck_abort_msg("no %s among 60 messages", kind);
	return 0;
}

/*
 * Each type has its own receiver and no route names any of them: all are told
 * in advance, and again when the window is called off.
 */
START_TEST(r104_notices_reach_each_contact_without_a_route)
{
	static const char *const types[] = { "ops", "security", "billing" };
	struct fake_http *sinks[3], *routed = fake_http_start(0, always_ok, NULL);
	struct wall now = clock_system()->wall(clock_system());
	char body[300], yaml[1000], from[40], to[40];
	struct it_reply r;
	struct it it;
	int n;

	wall_format(wall_add(now, dur_s(3600)), from, sizeof(from));
	wall_format(wall_add(now, dur_s(7200)), to, sizeof(to));
	fleet_port = fleet_port != 0 ? fleet_port : it_free_port();
	n = snprintf(yaml, sizeof(yaml), "{name: hook, type: webhook, url: "
		"\"http://127.0.0.1:%d/\"}", fake_http_port(routed));
	for (size_t i = 0; i < 3; i++) {
		sinks[i] = fake_http_start(0, always_ok, NULL);
		n += snprintf(yaml + n, sizeof(yaml) - (size_t)n, ", {name: "
			"%s-desk, type: webhook, url: "
			"\"http://127.0.0.1:%d/\"}", types[i],
			fake_http_port(sinks[i]));
	}
	it_init(&it);
	write_config(&it, yaml, "hook", "  contacts: {ops: [ops-desk], "
		"security: [security-desk], billing: [billing-desk]}\n");
	it_start_server(&it);
	snprintf(body, sizeof(body), "{\"type\":\"power\",\"hosts\":[\"h1\"],"
		"\"from\":\"%s\",\"to\":\"%s\",\"reason\":\"new fuse\","
		"\"notice\":\"1d\",\"person\":\"Ada\"}", from, to);
	it_call(&it, "POST /v1/maintenance", NULL, body, &r);
	ck_assert_msg(r.status == 201, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_msg(fake_http_wait(sinks[i], 1), "%s", types[i]);
		ck_assert_str_eq(said(sinks[i], 0, "kind"),
			"maintenance_notice");
		ck_assert_ptr_nonnull(strstr(said(sinks[i], 0, "summary"),
			"new fuse"));
	}
	it_call(&it, "DELETE /v1/maintenance/1", NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	it_reply_fini(&r);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_msg(fake_http_wait(sinks[i], 2), "%s", types[i]);
		ck_assert_str_eq(said(sinks[i], 1, "status"), "resolved");
	}
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	for (size_t i = 0; i < fake_http_count(routed); i++)
		ck_assert_str_ne(said(routed, i, "kind"),
			"maintenance_notice");
	it_fini(&it);
	for (size_t i = 0; i < 3; i++)
		fake_http_stop(sinks[i]);
	fake_http_stop(routed);
}
END_TEST

START_TEST(r114_heartbeats_come_and_a_spare_channel_takes_over)
{
	struct fake_http *sink = fake_http_start(0, always_ok, NULL);
	int h1 = listen_on(1), h2 = listen_on(2), h3 = listen_on(3);
	char yaml[400];
	struct it it;
	size_t i;

	it_init(&it);
	snprintf(yaml, sizeof(yaml), "{name: ops, type: webhook, url: "
		"\"http://127.0.0.1:%d/\", fallback: spare, "
		"fallback_after: 1s}, {name: spare, type: webhook, url: "
		"\"http://127.0.0.1:%d/\"}", it_free_port(),
		fake_http_port(sink));
	write_config(&it, yaml, "ops",
		"  heartbeat: {every: 1s, to: [spare]}\n");
	start_healthy(&it);
	i = request_of(sink, "heartbeat");
	ck_assert_str_eq(said(sink, i, "severity"), "info");
	close(h1);
	i = request_of(sink, "role_unhealthy");
	ck_assert_str_eq(said(sink, i, "host"), "h1");
	it_fini(&it);
	fake_http_stop(sink);
	close(h2);
	close(h3);
}
END_TEST

START_TEST(a_receiver_down_meanwhile_is_told_after_its_return_once)
{
	struct fake_http *sink = fake_http_start(0, always_ok, NULL);
	int h1 = listen_on(1), h2 = listen_on(2), h3 = listen_on(3);
	int port = fake_http_port(sink);
	struct it it;

	fake_http_stop(sink);
	it_init(&it);
	webhook_config(&it, port);
	start_healthy(&it);
	close(h1);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", "unhealthy", 20));
	h1 = listen_on(1);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", "healthy", 20));
	sink = fake_http_start(port, always_ok, NULL);
	ck_assert(fake_http_wait(sink, 2));
	ck_assert_str_eq(said(sink, 0, "status"), "firing");
	ck_assert_str_eq(said(sink, 1, "status"), "resolved");
	ck_assert_str_eq(said(sink, 1, "alert"), said(sink, 0, "alert"));
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	ck_assert_uint_eq(fake_http_count(sink), 2);
	it_fini(&it);
	fake_http_stop(sink);
	close(h1);
	close(h2);
	close(h3);
}
END_TEST

/* The sink takes the request and says nothing: committed, not delivered. */
static void
says_nothing(void *arg, const struct fake_request *q, struct fake_reply *reply)
{
	_Atomic int *seen = arg;

	(void)q;
	reply->hang = (*seen)++ == 0;
	reply->status = reply->hang ? 0 : 200;
}

static bool
wait_for(_Atomic int *seen, int n)
{
	for (int i = 0; i < 1000 && *seen < n; i++)
		poll(NULL, 0, 20);
	return *seen >= n;
}

START_TEST(killed_before_the_answer_it_tells_again_with_the_same_key)
{
	_Atomic int seen = 0;
	struct fake_http *sink = fake_http_start(0, says_nothing, &seen);
	int h1 = listen_on(1), h2 = listen_on(2), h3 = listen_on(3);
	char first[256];
	struct it it;

	it_init(&it);
	webhook_config(&it, fake_http_port(sink));
	start_healthy(&it);
	close(h1);
	ck_assert(wait_for(&seen, 1));
	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	fake_http_release(sink);
	ck_assert(fake_http_wait(sink, 1));
	snprintf(first, sizeof(first), "%s", said(sink, 0, "id"));
	it_start_server(&it);
	ck_assert(fake_http_wait(sink, 2));
	ck_assert_str_eq(said(sink, 1, "id"), first);
	ck_assert_str_eq(said(sink, 1, "status"), "firing");
	ck_assert_str_eq(fake_http_request(sink, 1)->body,
		fake_http_request(sink, 0)->body);
	h1 = listen_on(1);
	ck_assert(fake_http_wait(sink, 3));
	ck_assert_str_eq(said(sink, 2, "status"), "resolved");
	ck_assert_str_ne(said(sink, 2, "id"), first);
	it_fini(&it);
	fake_http_stop(sink);
	close(h1);
	close(h2);
	close(h3);
}
END_TEST

START_TEST(r115_kill_9_again_and_again_loses_no_alert)
{
	enum { KILLS = 10 };
	struct fake_http *sink = fake_http_start(0, always_ok, NULL);
	int h1 = listen_on(1), h2 = listen_on(2), h3 = listen_on(3);
	struct it it;
	bool told = false;
	size_t i;

	it_init(&it);
	webhook_config(&it, fake_http_port(sink));
	start_healthy(&it);
	for (int k = 0; k < KILLS; k++) {
		const char *want = k % 2 == 0 ? "unhealthy" : "healthy";

		if (k % 2 == 0)
			close(h1);
		else
			h1 = listen_on(1);
		ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", want, 20));
		it_end(&it.server, SIGKILL);
		it_start_server(&it);
	}
	/* The last word about h1 is that it is well again, after the first. */
	for (int tries = 0; tries < 500 && !told; tries++) {
		size_t n = fake_http_count(sink);

		told = n > 0 && strcmp(said(sink, n - 1, "status"),
			"resolved") == 0;
		poll(NULL, 0, 20);
	}
	ck_assert(told);
	for (i = 0; i + 1 < fake_http_count(sink); i++) {
		/* in order; repeated at most, with the same key */
		bool repeat = strcmp(said(sink, i, "id"),
			said(sink, i + 1, "id")) == 0;
		bool turns = strcmp(said(sink, i, "status"),
			said(sink, i + 1, "status")) != 0;

		ck_assert_msg(repeat || turns, "message %zu", i + 1);
	}
	it_fini(&it);
	fake_http_stop(sink);
	close(h1);
	close(h2);
	close(h3);
}
END_TEST

/* ---- a real Alertmanager ---- */

static int
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* GET from another server than ours; the token is none of its business. */
static void
ask(const char *url, const char *path, struct it_reply *r)
{
	struct it other = { 0 };

	snprintf(other.url, sizeof(other.url), "%s", url);
	it_call(&other, path, "", NULL, r);
}

static bool
manager_says(const char *url, const char *what, const char *where,
	const char *want)
{
	for (int i = 0; i < 1000; i++) {
		struct it_reply r;
		bool same;

		ask(url, what, &r);
		same = r.status == 200 &&
			strcmp(it_text(&r, where), want) == 0;
		it_reply_fini(&r);
		if (same)
			return true;
		poll(NULL, 0, 20);
	}
	return false;
}

START_TEST(a_real_alertmanager_is_told_of_begin_and_end)
{
	static const char firing[] = "GET /api/v2/alerts?active=true";
	int h1, h2, h3, port = free_port();
	char url[64], listen_arg[64], config_arg[160], path_arg[160];
	char yaml[160];
	char program[256];
	pid_t manager;
	struct it it;
	struct it_reply r;

	/* Debian's opens it by this path: unpacked it does not start */
	if (!it_find("prometheus-alertmanager", program, sizeof(program)) ||
		access("/usr/share/prometheus/alertmanager/default.tmpl",
			R_OK) != 0) {
		printf("skipped: no prometheus-alertmanager\n");
		return;
	}
	h1 = listen_on(1);
	h2 = listen_on(2);
	h3 = listen_on(3);
	it_init(&it);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	snprintf(listen_arg, sizeof(listen_arg),
		"--web.listen-address=127.0.0.1:%d", port);
	snprintf(config_arg, sizeof(config_arg), "--config.file=%s/am.yml",
		it.dir);
	snprintf(path_arg, sizeof(path_arg), "--storage.path=%s/am", it.dir);
	it_write(&it, "am.yml", "route: {receiver: none}\n"
		"receivers: [{name: none}]\n");
	manager = it_spawn(&it, "am.log", (const char *[]){ program,
		config_arg, path_arg, listen_arg, "--cluster.listen-address=",
		NULL });
	snprintf(yaml, sizeof(yaml),
		"{name: am, type: alertmanager, url: \"%s\"}", url);
	write_config(&it, yaml, "am", "");
	start_healthy(&it);
	close(h1);
	ck_assert(manager_says(url, firing, "0.labels.host", "h1"));
	ask(url, firing, &r);
	ck_assert_str_eq(it_text(&r, "0.labels.alertname"), "role_unhealthy");
	ck_assert_str_eq(it_text(&r, "0.labels.severity"), "critical");
	ck_assert_str_eq(it_text(&r, "0.labels.partition"), "rack1");
	ck_assert_str_eq(it_text(&r, "0.labels.team"), "web");
	ck_assert_str_eq(it_text(&r, "0.annotations.address"), "127.1.0.1");
	it_reply_fini(&r);
	h1 = listen_on(1);
	ck_assert(manager_says(url, firing, "0.labels.host", ""));
	it_end(&it.server, SIGTERM);
	it_end(&manager, SIGTERM);
	it_fini(&it);
	close(h1);
	close(h2);
	close(h3);
}
END_TEST

int
main(void)
{
	return STORIES("alerts",
		r111_a_dead_listener_and_its_return_are_told_under_one_number,
		r104_notices_reach_each_contact_without_a_route,
		r114_heartbeats_come_and_a_spare_channel_takes_over,
		a_receiver_down_meanwhile_is_told_after_its_return_once,
		killed_before_the_answer_it_tells_again_with_the_same_key,
		r115_kill_9_again_and_again_loses_no_alert,
		a_real_alertmanager_is_told_of_begin_and_end);
}
