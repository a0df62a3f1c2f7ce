/*
 * A real Prometheus scrapes tocsind by the sample configuration, and every
 * query of the Grafana dashboard finds something in it; check_tocsin says the
 * same to Nagios.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/file.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

struct stage {
	struct it it;
	pid_t prometheus;
	char url[128];		/* of Prometheus */
};

static void
source(const char *name, struct strbuf *out)
{
	const char *top = getenv("top_srcdir");
	struct tc_err e = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top != NULL ? top : ".", name);
	ck_assert_msg(file_slurp(path, 0, out, &e) == 0, "%s", e.text);
}

/* The sample, but for the addresses, the pace and who is told. */
static void
write_samples(struct it *it)
{
	struct strbuf rules = { 0 };

	source("contrib/prometheus/tocsin.rules.yml", &rules);
	it_write(it, "tocsin.rules.yml", "%s", strbuf_str(&rules));
	strbuf_free(&rules);
	it_write(it, "tocsin.token", "%s\n", it->admin);
	it_write(it, "prometheus.yml", "global: {scrape_interval: 1s,"
		" evaluation_interval: 1s}\n"
		"rule_files: [tocsin.rules.yml]\n"
		"scrape_configs:\n"
		"  - job_name: tocsin\n"
		"    authorization: {type: Bearer,"
		" credentials_file: tocsin.token}\n"
		"    honor_labels: true\n"
		"    static_configs: [{targets: ['%s']}]\n",
		strstr(it->url, "//") + 2);
}

static bool
is_listening(void *arg)
{
	static const char says[] = "msg=\"Listening on\" address=";
	struct stage *s = arg;
	struct strbuf log = { 0 };
	const char *at;

	it_read(&s->it, "prometheus.log", &log);
	at = strstr(strbuf_str(&log), says);
	if (at != NULL) {
		at += strlen(says);
		snprintf(s->url, sizeof(s->url), "http://%.*s",
			(int)strcspn(at, " \n"), at);
	}
	strbuf_free(&log);
	return at != NULL;
}

static void
start_prometheus(struct stage *s, const char *program)
{
	char config[128], data[128];
	const char *argv[] = { program, config, data,
		"--web.listen-address=127.0.0.1:0", NULL };
	struct strbuf log = { 0 };

	snprintf(config, sizeof(config), "--config.file=%s/prometheus.yml",
		s->it.dir);
	snprintf(data, sizeof(data), "--storage.tsdb.path=%s/tsdb",
		s->it.dir);
	s->prometheus = it_spawn(&s->it, "prometheus.log", argv);
	if (!it_wait(is_listening, s, 20)) {
		it_read(&s->it, "prometheus.log", &log);
		ck_abort_msg("no Prometheus:\n%s", strbuf_str(&log));
	}
}

/* The reply's data.result of an instant query; NULL when it is refused. */
static json_t *
query(struct stage *s, const char *expr)
{
	struct it prometheus = { 0 };
	char *escaped = curl_easy_escape(NULL, expr, 0);
	struct strbuf path = { 0 };
	struct it_reply r;
	json_t *result;

	snprintf(prometheus.url, sizeof(prometheus.url), "%s", s->url);
	strbuf_printf(&path, "GET /api/v1/query?query=%s", escaped);
	it_call(&prometheus, strbuf_str(&path), "", NULL, &r);
	result = json_incref(it_at(r.json, "data.result"));
	it_reply_fini(&r);
	strbuf_free(&path);
	curl_free(escaped);
	return result;
}

struct wanted {
	struct stage *s;
	const char *expr;
};

static bool
finds_some(void *arg)
{
	struct wanted *w = arg;
	json_t *result = query(w->s, w->expr);
	bool yes = json_array_size(result) > 0;

	json_decref(result);
	return yes;
}

static void
begin(struct stage *s)
{
	char body[512];
	struct it_reply r;

	*s = (struct stage){ 0 };
	it_init(&s->it);
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms}\n"
		"partitions:\n  - name: rack1\n    hosts:\n"
		"      - {name: gone, address: 127.1.0.1,"
		" checks: [{probe: tcp, port: 1}]}\n", s->it.dir);
	it_start_server(&s->it);
	for (int day = 5; day >= 0; day--) {
		snprintf(body, sizeof(body), "{\"host\":\"sto1\","
			"\"observations\":[{\"probe\":\"smart\",\"at_ms\":%lld,"
			"\"outcome\":\"ok\",\"device\":{\"kind\":\"disk\","
			"\"model\":\"ST4000DM000\",\"serial\":\"Z1\"},"
			"\"metrics\":{\"smart_197_raw\":%d,\"smart_5_raw\":%d,"
			"\"smart_187_raw\":%d}}]}", (long long)(
			clock_system()->wall(clock_system()).ms -
			(int64_t)day * 86400000), (5 - day) * 24,
			(5 - day) * 64, 5 - day);
		it_call(&s->it, "POST /v1/observations", NULL, body, &r);
		ck_assert_int_eq(r.status, 202);
		it_reply_fini(&r);
	}
	ck_assert(it_wait_text(&s->it, "/v1/hosts/gone", "state", "unhealthy",
		20));
}

static void
end(struct stage *s)
{
	if (s->prometheus != 0)
		it_end(&s->prometheus, SIGKILL);
	it_fini(&s->it);
}

static void
all_found(struct stage *s, const char *expr)
{
	struct wanted w = { s, expr };

	ck_assert_msg(it_wait(finds_some, &w, 30), "nothing for: %s", expr);
}

START_TEST(prometheus_scrapes_it_and_the_dashboard_finds_all)
{
	struct stage s;
	struct strbuf text = { 0 };
	json_t *dashboard, *panel, *target;
	size_t i, k, n = 0;
	char program[256];

	if (!it_find("prometheus", program, sizeof(program))) {
		printf("prometheus: not installed: skipped\n");
		return;
	}
	begin(&s);
	write_samples(&s.it);
	start_prometheus(&s, program);
	all_found(&s, "up{job=\"tocsin\"} == 1");
	source("contrib/grafana/tocsin.json", &text);
	dashboard = json_loadb(strbuf_str(&text), text.n, 0, NULL);
	ck_assert_ptr_nonnull(dashboard);
	json_array_foreach(json_object_get(dashboard, "panels"), i, panel)
		json_array_foreach(json_object_get(panel, "targets"), k,
			target) {
			all_found(&s, json_string_value(json_object_get(target,
				"expr")));
			n++;
		}
	ck_assert_uint_ge(n, 10);
	all_found(&s, "ALERTS{alertname=\"HostWillBreak\",host=\"sto1\"}");
	all_found(&s, "ALERTS{alertname=\"HostBroken\"}");
	json_decref(dashboard);
	strbuf_free(&text);
	end(&s);
}
END_TEST

START_TEST(the_metrics_are_as_prometheus_wants_them)
{
	struct stage s;
	struct it_reply r;
	struct strbuf said = { 0 };
	char program[256], command[512];

	if (!it_find("promtool", program, sizeof(program))) {
		printf("promtool: not installed: skipped\n");
		return;
	}
	begin(&s);
	it_get(&s.it, "/metrics", &r);
	ck_assert_int_eq(r.status, 200);
	it_write(&s.it, "metrics", "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	snprintf(command, sizeof(command), "%s check metrics < %s/metrics",
		program, s.it.dir);
	ck_assert_msg(it_run(&s.it, &said, (const char *[]){ "/bin/sh", "-c",
		command, NULL }) == 0 && said.n == 0, "%s", strbuf_str(&said));
	strbuf_free(&said);
	end(&s);
}
END_TEST

/* Runs check_tocsin; its exit status, and the line. */
static int
nagios(struct stage *s, const char *option, const char *value,
	struct strbuf *line)
{
	const char *top = getenv("top_builddir");
	char path[512], token[128];

	strbuf_reset(line);
	snprintf(path, sizeof(path), "%s/check_tocsin",
		top != NULL ? top : ".");
	snprintf(token, sizeof(token), "%s/state/admin.token", s->it.dir);
	return it_run(&s->it, line, (const char *[]){ path, "--server",
		s->it.url, "--token-file", token, option, value, NULL });
}

static void
says(const struct strbuf *line, const char *text)
{
	ck_assert_msg(strstr(strbuf_str(line), text) != NULL, "no '%s' in: %s",
		text, strbuf_str(line));
}

START_TEST(nagios_is_told_in_one_line)
{
	struct stage s;
	struct strbuf line = { 0 };

	begin(&s);
	ck_assert_int_eq(nagios(&s, NULL, NULL, &line), 2);
	says(&line, "TOCSIN CRITICAL: 1 of 2 hosts broken, 1 at risk");
	says(&line, " | broken=1;;0;0;2 at_risk=1;0;;0;2 ");
	ck_assert_int_eq(nagios(&s, "--host", "gone", &line), 2);
	says(&line, "gone is unhealthy: tcp:1 connection refused");
	ck_assert_int_eq(nagios(&s, "--host", "sto1", &line), 1);
	says(&line, "failure imminent");
	says(&line, " | risk=0.");
	ck_assert_int_eq(nagios(&s, "--host", "nobody", &line), 3);
	says(&line, "TOCSIN UNKNOWN: ");
	ck_assert_int_eq(nagios(&s, "--level", "lots", &line), 3);
	it_end(&s.it.server, SIGKILL);
	ck_assert_int_eq(nagios(&s, "--timeout", "2s", &line), 3);
	strbuf_free(&line);
	end(&s);
}
END_TEST

int
main(void)
{
	return STORIES("prometheus",
		prometheus_scrapes_it_and_the_dashboard_finds_all,
		the_metrics_are_as_prometheus_wants_them,
		nagios_is_told_in_one_line);
}
