/*
 * tocsin, the program, against canned replies: what it prints, to the byte,
 * and how it ends.  TOCSIN_GOLDEN=write makes the expected texts anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "t/lib/fake_http.h"
#include "t/lib/scratch.h"
#include "t/lib/story.h"

struct world {
	struct fake_http *server;
	char dir[64];
	char state[96];
	struct strbuf body;	/* of the reply under way */
	_Atomic int status;	/* 0: as the canned file */
	const char *_Atomic problem;
	const char *_Atomic summary;
	struct strbuf out;
	struct strbuf err;
};

static const char *
source(void)
{
	const char *dir = getenv("top_srcdir");

	return dir ? dir : ".";
}

static void
canned(struct world *w, const char *name)
{
	char path[512];
	struct tc_err e = {0};

	snprintf(path, sizeof(path), "%s/t/data/cli/%s", source(), name);
	strbuf_reset(&w->body);
	if (file_slurp(path, 0, &w->body, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
}

static bool
is_path(const struct fake_request *q, const char *path)
{
	size_t n = strlen(path);

	return strncmp(q->path, path, n) == 0 && strchr("?", q->path[n]);
}

static bool
canned_deed(struct world *w, const struct fake_request *q)
{
	static const struct { const char *path; const char *file; } rows[] = {
		{ "/v1/hosts/store-1", "host-new.json" },
		{ "/v1/hosts/store-1/evidence", "evidence-none.json" },
		{ "/v1/hosts/store-1/why-not", "why-not-none.json" },
		{ "/v1/hosts/store-2/why-not", "why-not.json" },
		{ "/v1/evacuations", "evacuations.json" },
		{ "/v1/evacuations/3", "evacuation.json" },
		{ "/v1/simulate", "simulation.json" },
		{ "/v1/brakes", "brakes.json" },
		{ "/v1/brakes/rack1/release", "released.json" },
		{ "/v1/alerts", "alerts.json" },
		{ "/v1/alerts/12/ack", "acked.json" },
		{ "/v1/alerts/12/comments", "id.json" },
		{ "/v1/hosts/h2/comments", "id.json" },
		{ "/v1/comments/12", "id.json" },
		{ "/v1/comments", "comments.json" },
		{ "/v1/audit", "audit.json" },
		{ "/v1/healthy-set", "healthy.json" },
		{ "/v1/maintenance/impact", "impact-new.json" },
		{ "/v1/maintenance/import", "imported.json" },
		{ "/v1/maintenance/1/notice", "notice.json" },
		{ "/v1/maintenance", "windows.json" },
		{ "/v1/maintenance/12", "id.json" },
		{ "/v1/maintenance/1/impact", "impact.json" },
		{ "/v1/signals", "signal.json" },
		{ "/v1/devices/Z3/accept", "accepted.json" },
		{ "/v1/predictor/scorecard", "scorecard.json" },
		{ "/v1/outcomes", "outcome.json" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_path(q, rows[i].path)) {
			canned(w, rows[i].file);
			return true;
		}
	}
	return false;
}

static void
answer(void *arg, const struct fake_request *q, struct fake_reply *r)
{
	struct world *w = arg;

	r->status = w->status ? w->status : 200;
	if (w->problem) {
		r->type = "application/problem+json";
		r->body = w->problem;
		return;
	}
	if (is_path(q, "/v1/summary"))
		canned(w, w->summary ? w->summary : "summary.json");
	else if (strstr(q->path, "cursor=aG9zdA"))
		canned(w, "hosts-2.json");
	else if (is_path(q, "/v1/hosts"))
		canned(w, "hosts-1.json");
	else if (is_path(q, "/v1/hosts/store-2"))
		canned(w, "host.json");
	else if (is_path(q, "/v1/hosts/store-2/evidence"))
		canned(w, "evidence.json");
	else if (strcmp(q->method, "GET") != 0 && is_path(q, "/v1/maintenance"))
		canned(w, "window.json");
	else if (is_path(q, "/v1/switches"))
		canned(w, strcmp(q->method, "GET") == 0 ? "switches.json" :
			"switch.json");
	else if (canned_deed(w, q))
		;
	else if (is_path(q, "/v1/predictions"))
		canned(w, strstr(q->path, "level=likely") ? "empty.json" :
			"predictions.json");
	else if (is_path(q, "/v1/tokens") && strcmp(q->method, "GET") == 0)
		canned(w, "tokens.json");
	else if (strncmp(q->path, "/v1/events?after=", 17) == 0)
		canned(w, strtoul(q->path + 17, NULL, 10) >= 42 ? "empty.json" :
			"events.json");
	else
		r->status = 404;
	r->body = strbuf_str(&w->body);
}

static struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/tocsin-cli-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
	w->server = fake_http_start(0, answer, w);
	setenv("TOCSIN_SERVER", fake_http_url(w->server), 1);
	setenv("TOCSIN_TOKEN", "tok-1", 1);
	return w;
}

static void
world_free(struct world *w)
{
	if (w->server)
		fake_http_stop(w->server);
	scratch_remove(w->dir);
	strbuf_free(&w->body);
	strbuf_free(&w->out);
	strbuf_free(&w->err);
	free(w);
}

static void
read_back(const char *path, struct strbuf *to)
{
	strbuf_reset(to);
	ck_assert_int_eq(file_slurp(path, 0, to, NULL), 0);
}

/* Runs `tocsin WORDS…` (blanks part words); its exit status. */
static int
tocsin(struct world *w, const char *words)
{
	extern char **environ;
	const char *build = getenv("top_builddir");
	char program[512], text[512], out[128], err[128];
	char *argv[24] = { program }, *save = NULL;
	posix_spawn_file_actions_t files;
	int argc = 1, status;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/tocsin", build ? build : ".");
	snprintf(text, sizeof(text), "%s", words);
	snprintf(out, sizeof(out), "%s/out", w->dir);
	snprintf(err, sizeof(err), "%s/err", w->dir);
	for (char *p = strtok_r(text, " ", &save); p && argc < 23;
	     p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, out,
		O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_addopen(&files, 2, err,
		O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(posix_spawn(&pid, program, &files, NULL, argv,
		environ), 0);
	posix_spawn_file_actions_destroy(&files);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	read_back(out, &w->out);
	read_back(err, &w->err);
	return WEXITSTATUS(status);
}

/* The port differs from run to run. */
static void
mask_url(struct world *w)
{
	const char *url = fake_http_url(w->server);
	struct strbuf masked = {0};
	const char *at = strbuf_str(&w->out), *hit;

	while ((hit = strstr(at, url)) != NULL) {
		strbuf_add(&masked, at, (size_t)(hit - at));
		strbuf_puts(&masked, "URL");
		at = hit + strlen(url);
	}
	strbuf_puts(&masked, at);
	strbuf_free(&w->out);
	w->out = masked;
}

static void
same_as(struct world *w, const char *golden)
{
	struct strbuf want = {0};
	const char *mode = getenv("TOCSIN_GOLDEN");
	char path[512];

	mask_url(w);
	snprintf(path, sizeof(path), "%s/t/data/cli/%s", source(), golden);
	if (mode && strcmp(mode, "write") == 0)
		ck_assert_int_eq(file_write_atomic(path, strbuf_str(&w->out),
			w->out.n, 0644, NULL), 0);
	ck_assert_int_eq(file_slurp(path, 0, &want, NULL), 0);
	ck_assert_msg(strcmp(strbuf_str(&want), strbuf_str(&w->out)) == 0,
		"%s: expected\n%s\nprinted\n%s", golden, strbuf_str(&want),
		strbuf_str(&w->out));
	strbuf_free(&want);
}

START_TEST(each_verb_prints_what_it_did_before)
{
	static const struct { const char *words; const char *golden;
		int status; } rows[] = {
		{ "status", "status.txt", 0 },
		{ "status --fail", "status.txt", 3 },
		{ "status --format kv", "status.kv", 0 },
		{ "hosts", "hosts.txt", 0 },
		{ "hosts --limit 1", "hosts-one.txt", 0 },
		{ "hosts --format kv", "hosts.kv", 0 },
		{ "hosts --json", "hosts.out.json", 0 },
		{ "host store-2", "host.txt", 0 },
		{ "host store-2 --format kv", "host.kv", 0 },
		{ "risk", "risk.txt", 0 },
		{ "risk --fail", "risk.txt", 3 },
		{ "risk --format=kv", "risk.kv", 0 },
		{ "risk --level likely --fail", "risk-none.txt", 0 },
		{ "explain store-2", "explain.txt", 0 },
		{ "explain store-2 --fail", "explain.txt", 3 },
		{ "explain store-2 --format kv", "explain.kv", 0 },
		{ "host store-1", "host-new.txt", 0 },
		{ "explain store-1", "explain-new.txt", 0 },
		{ "explain store-2 --json", "explain.out.json", 0 },
		{ "explain store-2 --json --fail", "explain.out.json", 3 },
		{ "evacuations", "evacuations.txt", 0 },
		{ "evacuations --fail --format kv", "evacuations.kv", 3 },
		{ "evacuations store-2", "evacuation.txt", 0 },
		{ "evacuations store-2 --format kv", "evacuation.kv", 0 },
		{ "evacuations store-2 --json", "evacuation.out.json", 0 },
		{ "evacuations store-1 --fail", "evacuation-none.txt", 0 },
		{ "simulate --hosts a,b", "simulation.txt", 0 },
		{ "simulate --partition p --fail --format kv", "simulation.kv",
			3 },
		{ "brake", "brakes.txt", 0 },
		{ "brake list --fail --format kv", "brakes.kv", 3 },
		{ "brake release rack1 --reason shelf", "released.txt", 0 },
		{ "alerts", "alerts.txt", 0 },
		{ "alerts list --format kv", "alerts.kv", 0 },
		{ "alerts ack 12 --comment mine", "ack.txt", 0 },
		{ "maintenance", "windows.txt", 0 },
		{ "maintenance --format kv", "windows.kv", 0 },
		{ "maintenance add --hosts a,b --for 2h", "window.txt", 0 },
		{ "maintenance remove 12", "window-gone.txt", 0 },
		{ "outcome failed Z3", "outcome.txt", 0 },
		{ "scorecard", "scorecard.txt", 0 },
		{ "accept Z3 --for 90d --reason cable", "accepted.txt", 0 },
		{ "maintenance impact 1", "impact.txt", 0 },
		{ "maintenance impact --hosts a --for 1h", "impact-new.txt", 0 },
		{ "maintenance notice 1", "notice.txt", 0 },
		{ "maintenance notice 1 --format kv", "notice.kv", 0 },
		{ "switches", "switches.txt", 0 },
		{ "switches off notify rack1 --reason x", "switch.txt", 0 },
		{ "audit", "audit.txt", 0 },
		{ "audit --after 6 --format kv", "audit.kv", 0 },
		{ "ack 12", "ack.txt", 0 },
		{ "comment", "comments.txt", 0 },
		{ "comment host h2 moved", "comment.txt", 0 },
		{ "comment remove 12", "comment-gone.txt", 0 },
		{ "healthy-set web", "healthy.txt", 0 },
		{ "signal store-2 --source haproxy --outcome fail",
			"signal.txt", 0 },
		{ "events", "events.txt", 0 },
		{ "events --format kv --after 3", "events.kv", 0 },
		{ "events --after 99", "events-none.txt", 0 },
		{ "token list", "tokens.txt", 0 },
	};
	struct world *w = world_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = tocsin(w, rows[i].words);

		ck_assert_msg(status == rows[i].status, "%s: ends with %d: %s",
			rows[i].words, status, strbuf_str(&w->err));
		ck_assert_str_eq(strbuf_str(&w->err), "");
		same_as(w, rows[i].golden);
		ck_assert_msg(!strchr(strbuf_str(&w->out), '\033'),
			"%s: what hosts say steers the terminal",
			rows[i].words);
	}
	w->summary = "summary-degraded.json";
	ck_assert_int_eq(tocsin(w, "status"), 0);
	same_as(w, "status-degraded.txt");
	w->summary = "summary-new.json";
	ck_assert_int_eq(tocsin(w, "status"), 0);
	same_as(w, "status-new.txt");
	w->summary = "summary-braked.json";
	ck_assert_int_eq(tocsin(w, "status"), 0);
	same_as(w, "status-braked.txt");
	world_free(w);
}
END_TEST

START_TEST(json_is_the_servers_own)
{
	struct world *w = world_new();
	struct strbuf want = {0};
	char path[512];

	ck_assert_int_eq(tocsin(w, "status --json"), 0);
	snprintf(path, sizeof(path), "%s/t/data/cli/summary.json", source());
	ck_assert_int_eq(file_slurp(path, 0, &want, NULL), 0);
	ck_assert_str_eq(strbuf_str(&w->out), strbuf_str(&want));
	strbuf_free(&want);
	world_free(w);
}
END_TEST

START_TEST(filters_are_escaped_and_the_token_is_sent)
{
	struct world *w = world_new();
	const struct fake_request *q;

	ck_assert_int_eq(tocsin(w, "hosts --match a&b=c --state suspect"), 0);
	q = fake_http_request(w->server, 0);
	ck_assert_str_eq(q->path,
		"/v1/hosts?state=suspect&q=a%26b%3Dc&limit=1000");
	ck_assert(fake_request_has(q, "Authorization: Bearer tok-1\r\n"));
	world_free(w);
}
END_TEST

/* What the last request asked for. */
static void
sent(struct world *w, const char *method, const char *path, const char *body)
{
	const struct fake_request *q = fake_http_request(w->server,
		fake_http_count(w->server) - 1);

	ck_assert_str_eq(q->method, method);
	ck_assert_str_eq(q->path, path);
	ck_assert_str_eq(q->body, body);
}

START_TEST(orders_say_exactly_what_was_typed)
{
	struct world *w = world_new();

	ck_assert_int_eq(tocsin(w, "brake release rack1 --reason shelf "
		"--person ada"), 0);
	sent(w, "POST", "/v1/brakes/rack1/release", "{\"reason\":\"shelf\","
		"\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "simulate --hosts a,b --partition p"), 0);
	sent(w, "POST", "/v1/simulate",
		"{\"hosts\":[\"a\",\"b\"],\"partition\":\"p\"}");
	ck_assert_int_eq(tocsin(w, "alerts ack 12 --person ada"), 0);
	sent(w, "POST", "/v1/alerts/12/ack", "{\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "ack 12 --person ada --for 4h --comment "
		"mine"), 0);
	sent(w, "POST", "/v1/alerts/12/ack", "{\"comment\":\"mine\","
		"\"for\":\"4h\",\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "comment host h2 moved --person ada"), 0);
	sent(w, "POST", "/v1/hosts/h2/comments",
		"{\"text\":\"moved\",\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "switches off notify rack1 --reason drill "
		"--person ada"), 0);
	sent(w, "PUT", "/v1/switches", "{\"function\":\"notify\","
		"\"partition\":\"rack1\",\"on\":false,\"reason\":\"drill\","
		"\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "maintenance create --partition rack1 "
		"--every month --on 1,-1 --at 02:30 --for 2h --zone "
		"Europe/Vienna --notice 1d --person ada"), 0);
	sent(w, "POST", "/v1/maintenance", "{\"repeat\":{\"every\":\"month\","
		"\"on\":[1,-1],\"at\":\"02:30\",\"for\":\"2h\"},"
		"\"partition\":\"rack1\",\"notice\":\"1d\","
		"\"zone\":\"Europe/Vienna\",\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "maintenance add --hosts a,b --type power "
		"--from 2026-05-01T22:00:00Z --for 2h --reason psu --person "
		"ada"), 0);
	sent(w, "POST", "/v1/maintenance", "{\"from\":"
		"\"2026-05-01T22:00:00.000Z\",\"to\":"
		"\"2026-05-02T00:00:00.000Z\",\"type\":\"power\","
		"\"reason\":\"psu\",\"hosts\":[\"a\",\"b\"],"
		"\"person\":\"ada\"}");
	ck_assert_int_eq(tocsin(w, "accept Z3 --metric crc_errors --delta 2 "
		"--to 2036-05-01T22:00:00Z --reason cable"), 0);
	sent(w, "POST", "/v1/devices/Z3/accept", "{\"metric\":"
		"\"crc_errors\",\"delta\":2,\"until\":"
		"\"2036-05-01T22:00:00.000Z\",\"reason\":\"cable\"}");
	ck_assert_int_eq(tocsin(w, "outcome failed Z3 --gone --note x "
		"--at 2026-02-01T22:00:00Z"), 0);
	sent(w, "POST", "/v1/outcomes", "{\"outcome\":\"failed\","
		"\"device\":\"Z3\",\"at\":\"2026-02-01T22:00:00.000Z\","
		"\"note\":\"x\",\"gone\":true}");
	ck_assert_int_eq(tocsin(w, "outcome healthy --host h1"), 0);
	sent(w, "POST", "/v1/outcomes", "{\"outcome\":\"healthy\","
		"\"host\":\"h1\"}");
	ck_assert_int_eq(tocsin(w, "accept remove Z3"), 0);
	sent(w, "DELETE", "/v1/devices/Z3/accept", "");
	ck_assert_int_eq(tocsin(w, "maintenance remove 12"), 0);
	sent(w, "DELETE", "/v1/maintenance/12", "");
	ck_assert_int_eq(tocsin(w, "signal h1 --source lb --outcome ok "
		"--ttl 90s"), 0);
	sent(w, "POST", "/v1/signals", "{\"host\":\"h1\",\"source\":\"lb\","
		"\"outcome\":\"ok\",\"ttl\":\"90s\"}");
	world_free(w);
}
END_TEST

START_TEST(orders_that_say_too_little_are_not_sent)
{
	static const char *const rows[] = {
		"brake release rack1", "brake release", "brake open rack1",
		"alerts ack", "alerts ack x", "alerts drop 1",
		"maintenance add --for 2h", "maintenance add --hosts a",
		"maintenance add --hosts a --partition p --for 2h",
		"maintenance add --hosts a --for 2h --to 2026-05-01T22:00:00Z",
		"maintenance add --hosts a --to tomorrow",
		"maintenance add --hosts a --to 2020-05-01T22:00:00Z",
		"maintenance remove x", "maintenance move 1",
		"accept", "accept Z3 --for 2h", "accept Z3 --reason x",
		"accept Z3 --reason x --for 2h --to 2036-05-01T22:00:00Z",
		"outcome failed", "outcome lost Z3", "outcome failed Z3 --host h",
		"outcome failed Z3 --at soon", "outcome list Z3",
		"accept drop Z3", "accept Z3 --reason x --to soon",
		"import", "simulate", "signal h1 --source lb", "signal h1 --outcome ok",
		"signal h1 --source lb --outcome bad",
	};
	struct world *w = world_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(tocsin(w, rows[i]) == 2, "%s", rows[i]);
	ck_assert_uint_eq(fake_http_count(w->server), 0);
	world_free(w);
}
END_TEST

START_TEST(errors_are_sentences_and_say_how_they_end)
{
	struct world *w = world_new();

	ck_assert_int_eq(tocsin(w, "statu"), 2);
	ck_assert_ptr_nonnull(strstr(w->err.p, "no such command; status?"));
	ck_assert_int_eq(tocsin(w, ""), 2);
	ck_assert_int_eq(tocsin(w, "host"), 2);
	ck_assert_ptr_nonnull(strstr(w->err.p, "needs HOST"));
	ck_assert_int_eq(tocsin(w, "status --format xml"), 2);
	ck_assert_int_eq(tocsin(w, "token create"), 2);
	ck_assert_int_eq(tocsin(w, "token create --role agent"), 2);
	ck_assert_int_eq(tocsin(w, "token revoke x"), 2);
	ck_assert_int_eq(tocsin(w, "token steal"), 2);
	ck_assert_int_eq(tocsin(w, "host nobody"), 1);
	ck_assert_int_eq(tocsin(w, "status --server ftp://x"), 2);
	w->status = 401;
	w->problem = "{\"title\":\"Unauthorized\",\"detail\":\"no token\"}";
	ck_assert_int_eq(tocsin(w, "status"), 1);
	ck_assert_ptr_nonnull(strstr(w->err.p, "no token"));
	ck_assert_ptr_nonnull(strstr(w->err.p, "--token-file"));
	w->status = 200;
	w->problem = "<html>";
	ck_assert_int_eq(tocsin(w, "status"), 1);
	ck_assert_ptr_nonnull(strstr(w->err.p, "is this a tocsind?"));
	ck_assert_int_eq(tocsin(w, "status --server http://127.0.0.1:1"), 1);
	ck_assert_ptr_nonnull(strstr(w->err.p, "connect"));
	world_free(w);
}
END_TEST

START_TEST(help_version_manual_and_completion_need_no_server)
{
	struct world *w = world_new();

	ck_assert_int_eq(tocsin(w, "--help"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "usage: tocsin COMMAND"));
	ck_assert_int_eq(tocsin(w, "explain --help"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "usage: tocsin explain HOST"));
	ck_assert_int_eq(tocsin(w, "status --help"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "--fail"));
	ck_assert_int_eq(tocsin(w, "--version"), 0);
	ck_assert_int_eq(tocsin(w, "--man"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, ".TH TOCSIN 1"));
	ck_assert_int_eq(tocsin(w, "--completion"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "complete -o filenames"));
	ck_assert_int_eq(tocsin(w, "backtest --help"), 0);
	ck_assert_uint_eq(fake_http_count(w->server), 0);
	world_free(w);
}
END_TEST

/* tocsin with --state-dir of its own, no server there. */
static int
offline(struct world *w, const char *words)
{
	char all[512];

	snprintf(all, sizeof(all), "%s --state-dir %s", words, w->state);
	return tocsin(w, all);
}

START_TEST(tokens_are_made_where_no_server_runs)
{
	struct world *w = world_new();

	ck_assert_int_eq(offline(w, "token create --role agent --host H1"), 0);
	ck_assert_uint_eq(w->out.n, 4 + 64 + 1);
	ck_assert_int_eq(strncmp(w->out.p, "tcs_", 4), 0);
	/* a slip of the pen makes no host */
	ck_assert_int_eq(offline(w, "token create --role agent --host h11"), 1);
	ck_assert_ptr_nonnull(strstr(w->err.p, "no host 'h11'; near it: 'h1' "
		"(--new for one that is new)"));
	ck_assert_int_eq(offline(w, "token create --role admin --name me "
		"--json"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "{\"token\":\"tcs_"));
	ck_assert_int_eq(offline(w, "token create --role king"), 2);
	ck_assert_int_eq(offline(w, "token list --format kv"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "id=1 role=agent host=h1 "));
	ck_assert_ptr_nonnull(strstr(w->out.p, "id=2 role=admin host=\"\" "
		"name=me "));
	ck_assert_int_eq(offline(w, "token revoke 1"), 0);
	ck_assert_int_eq(offline(w, "token revoke 1"), 1);
	ck_assert_int_eq(offline(w, "token list --format kv"), 0);
	ck_assert_ptr_null(strstr(w->out.p, "host=h1"));
	/* numbers are never used again */
	ck_assert_int_eq(offline(w, "token create --role viewer"), 0);
	ck_assert_int_eq(offline(w, "token list --format kv"), 0);
	ck_assert_ptr_nonnull(strstr(w->out.p, "id=3 role=viewer"));
	ck_assert_uint_eq(fake_http_count(w->server), 0);
	world_free(w);
}
END_TEST

START_TEST(the_doctor_finds_what_is_missing)
{
	struct world *w = world_new();

	w->problem = "{\"detail\":\"first tick not done\"}";
	w->status = 503;
	ck_assert_int_eq(tocsin(w, "doctor --json"), 1);
	ck_assert_ptr_nonnull(strstr(w->out.p, "{\"check\":\"server\","
		"\"status\":\"fail\""));
	ck_assert_ptr_nonnull(strstr(w->out.p, "first tick not done"));
	ck_assert_int_eq(tocsin(w, "doctor --server http://127.0.0.1:1"), 1);
	ck_assert_ptr_nonnull(strstr(w->out.p, "is tocsind running"));
	world_free(w);
}
END_TEST

int
main(void)
{
	unsetenv("NO_COLOR");
	return STORIES("tocsin", each_verb_prints_what_it_did_before,
		json_is_the_servers_own,
		filters_are_escaped_and_the_token_is_sent,
		orders_say_exactly_what_was_typed,
		orders_that_say_too_little_are_not_sent,
		errors_are_sentences_and_say_how_they_end,
		help_version_manual_and_completion_need_no_server,
		tokens_are_made_where_no_server_runs,
		the_doctor_finds_what_is_missing);
}
