/*
 * The real tocsind for as long as one likes (TOCSIN_SOAK_SECONDS): hosts that
 * come and go, agents that deliver, listeners that die and return, windows,
 * tokens, reloads, streams and dashboards; and then it has no more memory, no
 * more files and no more threads than it had before.
 */
#include <dirent.h>
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

#define HOSTS 100
#define AGENTS 20
#define GUESTS 8	/* names of hosts that come and go, a new one each time */
#define LOOKS 10	/* of the server at its hosts, in a round: 200 ms */
/* What may be more at the end than after the first quarter. */
#define MORE_KIB 3072
#define MORE_FILES 12	/* connections that linger */

struct vitals {
	long rss_kib;
	long files;
	long threads;
};

struct soak {
	struct it it;
	struct fake_http *sink;
	int port;
	int listener;		/* of a quarter of the hosts; −1 = dead */
	int pace_port;
	int pace;		/* of half of them, always there */
	uint64_t round;
	unsigned guests;
	unsigned asked;
	unsigned bad;		/* replies that were neither 2xx nor expected */
	char why[256];		/* the first of them */
	char guest[GUESTS][32];
};

/* A round lasts until the server has looked so often at hosts that are well. */
static void
wait_for_looks(struct soak *s)
{
	for (int i = 0; i < LOOKS; i++) {
		struct pollfd p = { .fd = s->pace, .events = POLLIN };

		ck_assert_msg(poll(&p, 1, 20000) == 1, "nobody looks any more");
		close(accept(s->pace, NULL, NULL));
	}
}

static void
write_config(struct soak *s, int extra)
{
	struct strbuf y = { 0 };

	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms}\n"
		"alerts:\n  receivers: [{name: ops, type: webhook, "
		"url: \"%s/hook\"}]\n"
		"partitions:\n"
		"  - name: rack1\n    hosts:\n", s->it.dir,
		fake_http_url(s->sink));
	for (int i = 0; i < HOSTS * 3 / 4; i++)
		strbuf_printf(&y, "      - {name: h%d, address: 127.1.0.%d, "
			"checks: [{probe: tcp, port: %d}]}\n", i, i + 1,
			i < HOSTS / 2 ? s->pace_port : s->port);
	strbuf_puts(&y, "  - name: rack2\n    checks: [{probe: ping}]\n"
		"    hosts:\n");
	for (int i = HOSTS * 3 / 4; i < HOSTS + extra; i++)
		strbuf_printf(&y, "      - {name: h%d, address: 127.1.0.%d, "
			"tags: {team: t%d}}\n", i, i + 1, i % 7);
	it_write(&s->it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
}

static void
ask(struct soak *s, const char *what, const char *body)
{
	struct it_reply r;

	it_call(&s->it, what, NULL, body, &r);
	s->asked++;
	if (r.status < 200 || r.status > 299) {
		if (s->bad++ == 0)
			snprintf(s->why, sizeof(s->why), "%s → %ld %.160s",
				what, r.status, strbuf_str(&r.text));
	}
	it_reply_fini(&r);
}

/* One agent's batch: a disk that ages a little, and what a host counts. */
static void
deliver(struct soak *s, int host)
{
	int64_t at = clock_system()->wall(clock_system()).ms;
	struct strbuf b = { 0 };

	strbuf_printf(&b, "{\"host\":\"h%d\",\"batch\":\"s%d-%llu\","
		"\"sent_ms\":%lld,\"observations\":[{\"probe\":\"cpu\","
		"\"at_ms\":%lld,\"outcome\":\"ok\",\"metrics\":{\"load1\":%d",
		host, host, (unsigned long long)s->round, (long long)at,
		(long long)at, host);
	for (int i = 0; i < 60; i++)
		strbuf_printf(&b, ",\"soak_%d_total\":%llu", i,
			(unsigned long long)s->round * (unsigned)(i + 1));
	strbuf_printf(&b, "}},{\"probe\":\"smart\",\"at_ms\":%lld,"
		"\"outcome\":\"ok\",\"device\":{\"kind\":\"disk\","
		"\"model\":\"ST4000DM000\",\"serial\":\"Z%d\"},\"metrics\":{"
		"\"smart_5_raw\":0,\"smart_197_raw\":%llu,"
		"\"smart_9_raw\":%llu}}]}", (long long)at, host,
		(unsigned long long)(host == 0 ? s->round / 600 : 0),
		(unsigned long long)(1000 + s->round / 18000));
	ask(s, "POST /v1/observations", strbuf_str(&b));
	strbuf_free(&b);
}

/* A host that nobody has seen before; the oldest of them leaves. */
static void
change_guests(struct soak *s)
{
	char *name = s->guest[s->guests % GUESTS];
	char what[80];

	if (name[0] != '\0') {
		snprintf(what, sizeof(what), "DELETE /v1/hosts/%s", name);
		ask(s, what, NULL);
	}
	snprintf(name, sizeof(s->guest[0]), "guest-%u", s->guests++);
	snprintf(what, sizeof(what), "PUT /v1/hosts/%s", name);
	ask(s, what, "{\"partition\":\"rack2\",\"address\":\"127.1.0.250\","
		"\"tags\":{\"team\":\"guests\"}}");
}

static void
plan_and_forget(struct soak *s)
{
	char what[80], to[WALL_TEXT], body[200];
	struct it_reply r;

	wall_format((struct wall){ clock_system()->wall(clock_system()).ms +
		3600000 }, to, sizeof(to));
	snprintf(body, sizeof(body), "{\"hosts\":[\"h1\",\"h2\"],"
		"\"to\":\"%s\",\"reason\":\"soak\"}", to);
	it_call(&s->it, "POST /v1/maintenance", NULL, body, &r);
	snprintf(what, sizeof(what), "DELETE /v1/maintenance/%.0f",
		it_number(&r, "id"));
	ck_assert_msg(r.status == 201, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	ask(s, what, NULL);
	it_call(&s->it, "POST /v1/tokens", NULL,
		"{\"role\":\"viewer\",\"name\":\"soak\"}", &r);
	snprintf(what, sizeof(what), "DELETE /v1/tokens/%.0f",
		it_number(&r, "id"));
	ck_assert_msg(r.status == 201, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	ask(s, what, NULL);
}

static void
look(struct soak *s)
{
	static const char *const pages[] = { "GET /v1/summary",
		"GET /v1/hosts?limit=50", "GET /v1/hosts/h3",
		"GET /v1/hosts/h70/checks", "GET /v1/predictions",
		"GET /v1/evacuations", "GET /v1/alerts", "GET /metrics",
		"GET /v1/events?limit=50", "GET /v1/partitions",
		"GET /v1/series?host=h3&metric=soak_3_total",
		"GET /v1/tree?limit=20", "GET /v1/predictor/scorecard",
		"GET /v1/stats/mttx" };

	ask(s, pages[s->round % ARRAY_LEN(pages)], NULL);
}

static void
turn(struct soak *s)
{
	wait_for_looks(s);
	deliver(s, (int)(s->round % AGENTS));
	look(s);
	if (s->round % 25 == 0)
		change_guests(s);
	if (s->round % 60 == 0)
		plan_and_forget(s);
	if (s->round % 150 == 149) {
		write_config(s, (int)(s->round / 150 % 2));
		kill(s->it.server, SIGHUP);
	}
	if (s->round % 300 == 199 && s->listener >= 0) {
		close(s->listener);
		s->listener = -1;
	} else if (s->round % 300 == 299 && s->listener < 0) {
		s->listener = it_listen(INADDR_ANY, s->port);
	}
	s->round++;
}

static long
count_files(pid_t pid)
{
	char path[64];
	long n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static struct vitals
take_vitals(pid_t pid)
{
	struct vitals v = { .files = count_files(pid) };
	char path[64], line[200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "VmRSS: %ld", &v.rss_kib);
		(void)sscanf(line, "Threads: %ld", &v.threads);
	}
	fclose(f);
	return v;
}

static void
takes_all(void *arg, const struct fake_request *q, struct fake_reply *reply)
{
	(void)arg;
	(void)q;
	reply->status = 200;
}

static struct vitals
go_on(struct soak *s, struct dur lasting)
{
	struct clock *clock = clock_system();
	struct mono begin = clock->mono(clock), told = begin;
	struct mono end = mono_add(begin, lasting);
	struct vitals v;

	while (mono_before(clock->mono(clock), end)) {
		turn(s);
		if (mono_before(clock->mono(clock), told))
			continue;
		told = mono_add(clock->mono(clock), dur_s(60));
		v = take_vitals(s->it.server);
		printf("soak: %6.0f s  %6ld KiB  %3ld files  %2ld threads  "
			"%u requests, %u bad\n",
			dur_to_seconds(mono_diff(clock->mono(clock), begin)),
			v.rss_kib, v.files, v.threads, s->asked, s->bad);
		fflush(stdout);
	}
	return take_vitals(s->it.server);
}

static int64_t
seconds_wanted(void)
{
	const char *text = getenv("TOCSIN_SOAK_SECONDS");

	return text != NULL ? atoll(text) : 8;
}

START_TEST(nothing_grows_while_everything_changes)
{
	struct soak s = { .port = it_free_port(), .pace_port = it_free_port() };
	struct dur all = dur_s(seconds_wanted());
	struct vitals early, late;

	it_init(&s.it);
	s.sink = fake_http_start(0, takes_all, NULL);
	s.listener = it_listen(INADDR_ANY, s.port);
	s.pace = it_listen(INADDR_ANY, s.pace_port);
	write_config(&s, 0);
	it_start_server(&s.it);
	early = go_on(&s, dur_ns(all.ns / 4));
	late = go_on(&s, dur_ns(all.ns * 3 / 4));
	printf("soak: %ld to %ld KiB, %ld to %ld files, %ld to %ld threads, "
		"%u guests, %u requests\n", early.rss_kib, late.rss_kib,
		early.files, late.files, early.threads, late.threads, s.guests,
		s.asked);
	ck_assert_msg(s.bad == 0, "%u bad replies, the first: %s", s.bad, s.why);
	ck_assert_int_le(late.files, early.files + MORE_FILES);
	ck_assert_int_le(late.threads, early.threads + 1);
	/* a short run has not seen the size of its caches yet */
	if (all.ns >= dur_s(600).ns)
		ck_assert_int_le(late.rss_kib, early.rss_kib + MORE_KIB);
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	if (s.listener >= 0)
		close(s.listener);
	close(s.pace);
	it_fini(&s.it);
	fake_http_stop(s.sink);
}
END_TEST

int
main(void)
{
	return STORIES("soak", nothing_grows_while_everything_changes);
}
