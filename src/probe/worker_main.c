/*
 * tocsin-worker PATH NAME: one plugin that did not come with Tocsin, in a
 * process of its own.  Runs come over standard input, a socket; results go
 * back.  --describe prints the plugin's rows instead.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "probe/frames.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "wire/batch.h"

#define READ_BYTES 65536
#define SOCKET 0
/* The runner at the other end gives a run up a second after its timeout. */
#define OVERRUN dur_ms(500)

struct worker {
	struct sched *sched;
	struct runner *runner;
	const char *name;
	const struct tocsin_opt *rows;
	struct sched_fd *socket;
	struct strbuf in;
	struct strbuf out;
	size_t sent;
};

static void
flush(struct worker *w)
{
	while (w->sent < w->out.n) {
		ssize_t n = send(SOCKET, w->out.p + w->sent,
			w->out.n - w->sent, MSG_NOSIGNAL);

		if (n <= 0 && errno != EINTR)
			break;
		if (n > 0)
			w->sent += (size_t)n;
	}
	if (w->sent == w->out.n) {
		strbuf_reset(&w->out);
		w->sent = 0;
	}
	(void)sched_fd_set(w->socket, w->out.n > 0 ?
		SCHED_READ | SCHED_WRITE : SCHED_READ);
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct worker *w = arg;
	struct observation copy = *ob;
	struct batch b = { .host = "h", .id = "", .items = &copy, .n = 1 };
	struct strbuf text = { 0 };
	size_t begun;

	(void)seq;
	if (batch_write(&b, &text) == 0) {
		begun = frame_begin(&w->out, FRAME_RESULT);
		frame_put_u32(&w->out, check);
		frame_put_u32(&w->out, last);
		frame_put_text(&w->out, strbuf_str(&text));
		frame_end(&w->out, begun);
	}
	strbuf_free(&text);
	flush(w);
}

static bool
run(struct worker *w, struct frame *f)
{
	struct tocsin_value values[PLUGIN_OPTS_MAX] = { { 0 } };
	struct engine_run run = { .probe = w->name, .opts = values,
		.opt_rows = w->rows };
	uint32_t n;

	run.check = frame_u32(f);
	run.seq = run.check;
	run.timeout = dur_ns(frame_i64(f));
	run.host = frame_text(f);
	run.address = frame_text(f);
	n = frame_u32(f);
	if (n > PLUGIN_OPTS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		values[i].i = frame_i64(f);
		values[i].d = frame_f64(f);
		values[i].s = frame_text(f);
	}
	if (f->bad || run.host == NULL || run.address == NULL)
		return false;
	runner_start(w->runner, &run, 1);
	return true;
}

static void
on_socket(void *arg, int fd, unsigned events)
{
	struct worker *w = arg;
	char *to = strbuf_reserve(&w->in, READ_BYTES);
	ssize_t n = to != NULL ? read(fd, to, READ_BYTES) : 0;
	struct frame f;
	size_t at = 0;
	long len;

	if ((events & SCHED_WRITE) != 0)
		flush(w);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		sched_stop(w->sched);
		return;
	}
	w->in.n += (size_t)n;
	while ((len = frame_next(w->in.p + at, w->in.n - at, &f)) > 0) {
		at += (size_t)len;
		if (f.kind != FRAME_RUN || !run(w, &f))
			len = TC_EPROTO;
		if (len < 0)
			break;
	}
	if (len < 0)
		sched_stop(w->sched);
	memmove(w->in.p, w->in.p + at, w->in.n - at);
	w->in.n -= at;
}

static int
describe(struct worker *w)
{
	struct strbuf text = { 0 };
	size_t n;

	frame_put_plugin(&text, runner_probe(w->runner, w->name));
	n = text.failed ? 0 : fwrite(text.p, 1, text.n, stdout);
	strbuf_free(&text);
	return n > 0 && fflush(stdout) == 0 ? 0 : 1;
}

static int
serve(struct worker *w, struct tc_err *e)
{
	w->rows = runner_opts(w->runner, w->name);
	w->socket = sched_fd_open(w->sched, SOCKET, on_socket, w, e);
	if (w->socket == NULL)
		return 1;
	(void)sched_fd_set(w->socket, SCHED_READ);
	sched_run(w->sched);
	return 0;
}

static int
work(struct worker *w, const char *path, bool only_describe)
{
	struct runner_conf conf = { .clock = clock_system(),
		.on_result = on_result, .overrun = OVERRUN, .arg = w };
	struct tc_err e = { 0 };
	char dir[4096];
	const char *slash = strrchr(path, '/');
	int rc = 1;

	snprintf(dir, sizeof(dir), "%.*s", slash != NULL ?
		(int)(slash - path) : 1, slash != NULL ? path : ".");
	conf.plugin_dir = dir;
	conf.sched = w->sched = sched_new(&e);
	if (w->sched != NULL)
		w->runner = runner_new(&conf, &e);
	if (w->runner == NULL || runner_load(w->runner, w->name, &e) < 0)
		printf("%s\n", e.text);
	else
		rc = only_describe ? describe(w) : serve(w, &e);
	runner_free(w->runner);
	sched_fd_close(w->socket);
	sched_free(w->sched);
	strbuf_free(&w->in);
	strbuf_free(&w->out);
	return rc;
}

int
main(int argc, char **argv)
{
	bool only_describe = argc == 4 && strcmp(argv[1], "--describe") == 0;
	struct worker w = { .name = argv[argc - 1] };

	if (argc != 3 && !only_describe) {
		fprintf(stderr, "tocsin-worker is started by tocsind and "
			"tocsin-agent\n");
		return 2;
	}
	/* A stuck plugin does not notice that its runner has gone. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return work(&w, argv[argc - 2], only_describe);
}
