/*
 * The real tocsind at the size that a partition is promised: a
 * thousand hosts of three probes each, every 15 s, on one processor.  And a
 * tree of the fixture of R-001, and numbers that a reload changes.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "t/lib/it_schema.h"
#include "t/lib/story.h"

#define HOSTS 1000
#define INTERVAL_S 15
#define LISTS 300
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MOST_MIB 4096	/* shadow memory is not ours */
#define MOST_MS 1000
#else
#define MOST_MIB 64
#define MOST_MS 50
#endif

static double
number_in(const char *text, const char *name)
{
	const char *at = text;
	size_t n = strlen(name);

	while ((at = strstr(at, name)) != NULL &&
	       ((at != text && at[-1] != '\n') || at[n] != ' '))
		at += n;
	ck_assert_msg(at != NULL, "no %s", name);
	return strtod(at + n, NULL);
}

static double
metric(struct it *it, const char *name)
{
	struct it_reply r;
	double v;

	it_get(it, "/metrics", &r);
	v = number_in(strbuf_str(&r.text), name);
	it_reply_fini(&r);
	return v;
}

static bool
has_run(void *arg)
{
	/* two whole turns of all */
	return metric(arg, "tocsin_check_results_total") >= 2.0 * 3 * HOSTS;
}

static double
resident_mib(pid_t pid)
{
	char path[64], line[200];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	fclose(f);
	return (double)kib / 1024;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
on_one_processor(bool one)
{
	static cpu_set_t all;
	cpu_set_t set;

	if (one) {
		sched_getaffinity(0, sizeof(all), &all);
		CPU_ZERO(&set);
		for (size_t i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &all)) {
				CPU_SET(i, &set);
				break;
			}
		sched_setaffinity(0, sizeof(set), &set);
	} else {
		sched_setaffinity(0, sizeof(all), &all);
	}
}

/* The kernel keeps 1,024 that nobody took. */
static void *
take_calls(void *arg)
{
	const int *listener = arg;
	int fd;

	while ((fd = accept(*listener, NULL, NULL)) >= 0)
		close(fd);
	return NULL;
}

START_TEST(r021_a_thousand_hosts_of_three_probes_on_one_processor)
{
	static double took[LISTS];
	struct strbuf hosts = { 0 };
	int ports[2], fds[2];
	pthread_t threads[2];
	struct it it;
	double mib;

	it_init(&it);
	for (int i = 0; i < 2; i++) {
		ports[i] = it_free_port();
		fds[i] = it_listen(INADDR_ANY, ports[i]);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_calls,
			&fds[i]), 0);
	}
	for (int i = 0; i < HOSTS; i++)
		strbuf_printf(&hosts, "      - {name: n%04d, address: "
			"127.1.%d.%d}\n", i, i / 200, i % 200 + 1);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\ndefaults: {interval: %ds}\n"
		"partitions:\n  - name: rack1\n    checks: [{probe: ping}, "
		"{probe: tcp, port: %d}, {probe: tcp, port: %d}]\n"
		"    hosts:\n%s", it.dir, INTERVAL_S, ports[0], ports[1], strbuf_str(&hosts));
	on_one_processor(true);
	it_start_server(&it);
	on_one_processor(false);
	ck_assert(it_wait(has_run, &it, 6 * INTERVAL_S));
	for (size_t i = 0; i < LISTS; i++) {
		struct it_reply r;
		double from = it_now();

		it_get(&it, i % 2 == 0 ? "/v1/hosts?limit=100" :
			"/v1/hosts?limit=100&partition=rack1&cursor=", &r);
		took[i] = (it_now() - from) * 1e3;
		it_reply_fini(&r);
	}
	qsort(took, LISTS, sizeof(*took), by_size);
	mib = resident_mib(it.server);
	printf("R-021: %d hosts of 3 probes on one processor: %.0f slots "
		"missed, latest by %.0f ms; a page of 100 in %.1f ms, p99 "
		"%.1f; %.1f MiB\n", HOSTS,
		metric(&it, "tocsin_check_slots_missed_total"),
		metric(&it, "tocsin_check_lateness_seconds") * 1e3,
		took[LISTS / 2], took[LISTS * 99 / 100], mib);
	/* a slot that is a whole interval late is missed */
	ck_assert_double_eq(metric(&it, "tocsin_check_slots_missed_total"), 0);
	ck_assert_double_eq(metric(&it, "tocsin_check_results_dropped_total"),
		0);
	ck_assert_double_lt(took[LISTS * 99 / 100], MOST_MS);
	ck_assert(mib > 1 && mib < MOST_MIB);
	ck_assert(it_wait_text(&it, "/v1/summary", "state", "healthy", 5));
	shutdown(fds[0], SHUT_RDWR);
	shutdown(fds[1], SHUT_RDWR);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		close(fds[i]);
	}
	strbuf_free(&hosts);
	it_fini(&it);
}
END_TEST

/* ---- R-001 ---- */

static size_t
count_kind(json_t *nodes, const char *kind, const char *parent)
{
	json_t *node, *up;
	size_t i, n = 0;

	json_array_foreach(nodes, i, node) {
		const char *is = json_string_value(json_object_get(node,
			"kind"));

		up = json_object_get(node, "parent");
		if (strcmp(is, kind) == 0) {
			ck_assert_str_eq(json_string_value(json_object_get(up,
				"kind")), parent);
			n++;
		}
		n += count_kind(json_object_get(node, "children"), kind,
			parent);
	}
	return n;
}

START_TEST(r001_the_tree_of_one_partition_three_hosts_nine_vms_eighteen_roles)
{
	struct strbuf hosts = { 0 };
	struct it_reply r;
	struct it it;

	it_init(&it);
	for (int h = 0; h < 3; h++) {
		strbuf_printf(&hosts, "      - name: h%d\n"
			"        address: 127.0.0.1\n        vms:\n", h);
		for (int v = 0; v < 3; v++)
			strbuf_printf(&hosts, "          - {name: v%d, agent: "
				"none, roles: [{name: web}, {name: db}]}\n",
				h * 3 + v);
	}
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\npartitions:\n  - name: rack1\n"
		"    hosts:\n%s", it.dir, strbuf_str(&hosts));
	it_start_server(&it);
	it_get(&it, "/v1/tree", &r);
	ck_assert_int_eq(r.status, 200);
	it_fits(&it, "get", "/v1/tree", &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 3);
	ck_assert_uint_eq(count_kind(it_at(r.json, "items"), "host",
		"partition"), 3);
	ck_assert_uint_eq(count_kind(it_at(r.json, "items"), "vm", "host"), 9);
	ck_assert_uint_eq(count_kind(it_at(r.json, "items"), "role", "vm"),
		18);
	it_reply_fini(&r);
	strbuf_free(&hosts);
	it_fini(&it);
}
END_TEST

/* ---- R-004 ---- */

struct wish {
	struct it *it;
	double interval;
	double fail_after;
	const char *origin;	/* its end */
};

static bool
is_in_force(void *arg)
{
	struct wish *w = arg;
	struct it_reply r;
	const char *origin;
	size_t n = strlen(w->origin), m;
	bool so;

	it_get(w->it, "/v1/hosts/h1/effective-config", &r);
	origin = it_text(&r, "checks.0.origin");
	m = strlen(origin);
	so = it_number(&r, "checks.0.interval_seconds") == w->interval &&
		it_number(&r, "checks.0.fail_after") == w->fail_after &&
		m >= n && strcmp(origin + m - n, w->origin) == 0;
	it_reply_fini(&r);
	return so;
}

/* For all, for the group, for the host: the nearest is in force. */
START_TEST(r004_a_reload_changes_what_is_in_force_and_its_origin)
{
	static const struct {
		const char *group, *host, *origin;
		double interval, fail_after;
	} rows[] = {
		{ "[{probe: tcp, port: 9}]", "[]", "tocsin.yaml:5", 15, 4 },
		{ "[{probe: tcp, port: 9, interval: 20s}]", "[]",
			"tocsin.yaml:5", 20, 4 },
		{ "[{probe: tcp, port: 9, interval: 20s}]",
			"[{probe: tcp, port: 9, interval: 30s, fail_after: 7}]",
			"tocsin.yaml:6", 30, 7 },
		{ "[{probe: tcp, port: 9}]", "[]", "tocsin.yaml:5", 15, 4 },
	};
	pid_t server = 0;
	struct it it;

	it_init(&it);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wish w = { &it, rows[i].interval, rows[i].fail_after,
			rows[i].origin };

		it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
			"state_dir: %s/state\ndefaults: {fail_after: 4}\n"
			"partitions:\n  - {name: rack1, checks: %s,\n"
			"     hosts: [{name: h1, address: 127.0.0.1, checks: "
			"%s}]}\n", it.dir, rows[i].group, rows[i].host);
		if (i == 0) {
			it_start_server(&it);
			server = it.server;
		} else {
			kill(it.server, SIGHUP);
		}
		ck_assert_msg(it_wait(is_in_force, &w, 10), "row %zu", i);
	}
	ck_assert_int_eq(it.server, server);
	it_fini(&it);
}
END_TEST

/* ---- R-008 ---- */

START_TEST(r008_a_signal_without_a_token_is_refused_and_leaves_nothing)
{
	static const char body[] = "{\"host\":\"h1\",\"source\":\"lb\","
		"\"outcome\":\"fail\",\"text\":\"0 of 3 up\"}";
	struct it_reply r;
	struct it it;
	size_t before;

	it_init(&it);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\npartitions:\n  - name: rack1\n"
		"    hosts: [{name: h1, address: 127.0.0.1}]\n", it.dir);
	it_start_server(&it);
	it_get(&it, "/v1/audit", &r);
	before = json_array_size(it_at(r.json, "items"));
	it_reply_fini(&r);
	it_call(&it, "POST /v1/signals", "", body, &r);
	ck_assert_int_eq(r.status, 401);
	it_reply_fini(&r);
	it_call(&it, "POST /v1/signals", "nobody's", body, &r);
	ck_assert_int_eq(r.status, 401);
	it_reply_fini(&r);
	it_get(&it, "/v1/hosts/h1", &r);
	ck_assert_str_ne(it_text(&r, "state"), "unhealthy");
	ck_assert_uint_eq(json_array_size(it_at(r.json, "checks")), 0);
	it_reply_fini(&r);
	it_get(&it, "/v1/audit", &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), before);
	it_reply_fini(&r);
	it_get(&it, "/v1/events?after=0", &r);
	ck_assert_ptr_null(strstr(strbuf_str(&r.text), "0 of 3 up"));
	it_reply_fini(&r);
	/* with one it is evidence */
	it_call(&it, "POST /v1/signals", NULL, body, &r);
	ck_assert_int_eq(r.status, 200);
	it_reply_fini(&r);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", "unhealthy", 5));
	it_get(&it, "/v1/hosts/h1/checks", &r);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text), "0 of 3 up"));
	it_reply_fini(&r);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("thousand",
		r001_the_tree_of_one_partition_three_hosts_nine_vms_eighteen_roles,
		r004_a_reload_changes_what_is_in_force_and_its_origin,
		r008_a_signal_without_a_token_is_refused_and_leaves_nothing,
		r021_a_thousand_hosts_of_three_probes_on_one_processor);
}
