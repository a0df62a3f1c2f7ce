/*
 * tocsin-sweep: one probe at many addresses, through the plugin host and
 * nothing else.  For benchmarks and for tests of probes; not installed.
 *
 *	tocsin-sweep [-d DIR] [-p PROBE] [-o KEY=VALUE]… [-t TIMEOUT]
 *		[-n SWEEPS] [-r RATE] [-u UID] [-v] [-f FILE | ADDRESS…]
 *	tocsin-sweep -l PORT
 *
 * -v: a line for each result; the last line always sums up.  -r: so many runs
 * a second, every 10 ms, as the engine has them; else all at once.  -u: gives
 * up root before the probe is opened.  -l: listens, accepts and closes, until it
 * is ended: a target for tcp.
 */
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "model/reason.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "t/bench/measure.h"

#define OPTIONS_MAX 16
#define PACE_MS 10

struct sweep {
	struct sched *s;
	struct runner *r;
	const char *dir;
	const char *probe;
	const char *options[OPTIONS_MAX];
	size_t n_options;
	struct dur timeout;
	unsigned sweeps;
	unsigned done;	/* sweeps */
	uint64_t rate;	/* 0 = all at once */
	struct sched_timer pace;
	struct mono began;
	size_t started;
	bool verbose;
	struct strbuf text;
	struct engine_run *runs;
	size_t n;
	size_t cap;
	size_t left;
	struct tocsin_value *opts;
	uint64_t by_outcome[3];
	double rtt_sum;
	uint64_t rtt_n;
};

static void
usage(void)
{
	fputs("usage: tocsin-sweep [-d DIR] [-p PROBE] [-o KEY=VALUE]... "
		"[-t TIMEOUT] [-n SWEEPS] [-r RATE] [-u UID] [-v] "
		"[-f FILE | ADDRESS...]\n"
		"       tocsin-sweep -l PORT\n", stderr);
	exit(2);
}

static void
fail(const char *what)
{
	fprintf(stderr, "tocsin-sweep: %s\n", what);
	exit(1);
}

static void
give_up_root(const char *uid)
{
	uint64_t id;

	if (u64_parse(uid, strlen(uid), &id) < 0)
		usage();
	if (setgroups(0, NULL) < 0 || setresgid((gid_t)id, (gid_t)id, (gid_t)id) < 0 ||
	    setresuid((uid_t)id, (uid_t)id, (uid_t)id) < 0)
		fail("cannot change the user");
}

/* Does not come back. */
static void
listen_at(const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t port;

	if (u64_parse(text, strlen(text), &port) < 0 || port > 65535)
		usage();
	at.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 4096) < 0)
		fail("cannot listen");
	puts("listening");
	fflush(stdout);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer >= 0)
			close(peer);
		else if (errno != EINTR && errno != ECONNABORTED)
			fail("cannot accept");
	}
}

static void
add_address(struct sweep *w, const char *address)
{
	void *runs = w->runs;

	if (mem_grow(&runs, &w->cap, w->n + 1, sizeof(*w->runs)) < 0)
		fail("out of memory");
	w->runs = runs;
	w->runs[w->n] = (struct engine_run){ .check = (uint32_t)w->n,
		.host = address, .address = address };
	w->n++;
}

static void
add_file(struct sweep *w, const char *path)
{
	struct tc_err e;
	char *save = NULL;

	if (file_slurp(path, 0, &w->text, &e) < 0)
		fail(e.text);
	for (char *word = strtok_r(w->text.p, " \t\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\n", &save))
		add_address(w, word);
}

static void
paced(void *arg, struct mono now)
{
	struct sweep *w = arg;
	size_t due = (size_t)(dur_to_seconds(mono_diff(now, w->began)) *
		(double)w->rate) + 1;

	if (due > w->n)
		due = w->n;
	if (due > w->started)
		runner_start(w->r, w->runs + w->started, due - w->started);
	w->started = due;
	if (due < w->n)
		sched_at(w->s, &w->pace, mono_add(now, dur_ms(PACE_MS)));
}

static void
start(struct sweep *w)
{
	w->left = w->n;
	w->started = 0;
	w->began = sched_now(w->s);
	if (w->rate == 0)
		runner_start(w->r, w->runs, w->n);
	else
		sched_at(w->s, &w->pace, w->began);
}

static void
print_result(const struct sweep *w, uint32_t check, const struct observation *ob)
{
	printf("%s %s %s", w->runs[check].address, outcome_id(ob->outcome),
		reason_id(ob->reason));
	for (size_t i = 0; i < ob->n_metrics; i++)
		printf(" %s=%.9g", ob->metrics[i].name,
			metric_number(&ob->metrics[i]));
	printf("%s%s\n", ob->text[0] != '\0' ? " # " : "", ob->text);
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct sweep *w = arg;

	(void)seq;
	w->by_outcome[ob->outcome]++;
	if (ob->outcome == TOCSIN_OK && ob->n_metrics > 0) {
		w->rtt_sum += metric_number(&ob->metrics[0]);
		w->rtt_n++;
	}
	if (w->verbose)
		print_result(w, check, ob);
	if (last && --w->left == 0) {
		if (++w->done < w->sweeps)
			start(w);
		else
			sched_stop(w->s);
	}
}

static void
set_options(struct sweep *w)
{
	const struct tocsin_opt *rows = runner_opts(w->r, w->probe);
	const struct tocsin_value *dflt = runner_defaults(w->r, w->probe);
	struct tc_err e;
	size_t n = 0;

	while (rows[n].name != NULL)
		n++;
	w->opts = mem_alloc_array(n + 1, sizeof(*w->opts));
	if (w->opts == NULL)
		fail("out of memory");
	memcpy(w->opts, dflt, n * sizeof(*w->opts));
	for (size_t i = 0; i < w->n_options; i++) {
		size_t len = strcspn(w->options[i], "="), at = 0;

		while (at < n && (strlen(rows[at].name) != len ||
		    strncmp(rows[at].name, w->options[i], len) != 0))
			at++;
		if (at == n || w->options[i][len] == '\0')
			fail("no such option");
		if (runner_opt_parse(&rows[at], w->options[i] + len + 1,
		    &w->opts[at], &e) < 0)
			fail(e.text);
	}
	for (size_t i = 0; i < w->n; i++) {
		w->runs[i].probe = w->probe;
		w->runs[i].opt_rows = rows;
		w->runs[i].opts = w->opts;
		w->runs[i].timeout = w->timeout;
	}
}

static void
open_all(struct sweep *w)
{
	struct runner_conf conf = { .clock = clock_system(),
		.plugin_dir = w->dir, .on_result = on_result, .arg = w };
	struct tc_err e;

	w->s = sched_new(&e);
	if (w->s == NULL)
		fail(e.text);
	conf.sched = w->s;
	w->r = runner_new(&conf, &e);
	if (w->r == NULL || runner_load(w->r, w->probe, &e) < 0)
		fail(e.text);
}

static void
sum_up(struct sweep *w, struct dur wall)
{
	uint64_t all = (uint64_t)w->n * w->sweeps;
	struct runner_stats stats;
	struct rusage ru;
	double cpu;

	getrusage(RUSAGE_SELF, &ru);
	runner_stats(w->r, &stats);
	cpu = measure_seconds(&ru);
	printf("recv=%llu fail=%llu unknown=%llu wall=%.6f cpu=%.6f "
		"cpu_per_1000=%.6f rtt_avg_us=%.1f call_max_us=%.1f "
		"maxrss_kb=%ld\n",
		(unsigned long long)w->by_outcome[TOCSIN_OK],
		(unsigned long long)w->by_outcome[TOCSIN_FAIL],
		(unsigned long long)w->by_outcome[TOCSIN_UNKNOWN],
		dur_to_seconds(wall), cpu, cpu * 1000.0 / (double)all,
		w->rtt_n > 0 ? w->rtt_sum * 1e6 / (double)w->rtt_n : 0.0,
		(double)stats.call_max_ns / 1e3, ru.ru_maxrss);
}

static void
read_arguments(struct sweep *w, int argc, char **argv)
{
	struct tc_err e;
	uint64_t n;
	int o;

	while ((o = getopt(argc, argv, "d:p:o:t:n:r:u:vf:l:")) > 0) {
		if (o == 'd')
			w->dir = optarg;
		else if (o == 'p')
			w->probe = optarg;
		else if (o == 'o' && w->n_options < OPTIONS_MAX)
			w->options[w->n_options++] = optarg;
		else if (o == 't' && dur_parse(optarg, &w->timeout, &e) == 0)
			continue;
		else if (o == 'n' && u64_parse(optarg, strlen(optarg), &n) == 0)
			w->sweeps = (unsigned)n;
		else if (o == 'r' && u64_parse(optarg, strlen(optarg), &n) == 0)
			w->rate = n;
		else if (o == 'u')
			give_up_root(optarg);
		else if (o == 'l')
			listen_at(optarg);
		else if (o == 'v')
			w->verbose = true;
		else if (o == 'f')
			add_file(w, optarg);
		else
			usage();
	}
	for (; optind < argc; optind++)
		add_address(w, argv[optind]);
	if (w->n == 0 || w->sweeps == 0)
		usage();
}

int
main(int argc, char **argv)
{
	struct sweep w = { .probe = "ping", .sweeps = 1,
		.timeout = dur_ms(1000) };
	struct mono from;

	w.dir = getenv("TOCSIN_PLUGIN_DIR");
	if (w.dir == NULL)
		w.dir = "probes/ping/.libs:probes/tcp/.libs";
	read_arguments(&w, argc, argv);
	open_all(&w);
	set_options(&w);
	sched_timer_init(&w.pace, paced, &w);
	from = sched_now(w.s);
	start(&w);
	sched_run(w.s);
	sum_up(&w, mono_diff(sched_now(w.s), from));
	runner_free(w.r);
	sched_free(w.s);
	mem_free(w.opts);
	mem_free(w.runs);
	strbuf_free(&w.text);
	return 0;
}
