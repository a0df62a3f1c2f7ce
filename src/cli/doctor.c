/*
 * tocsin doctor: does everything that Tocsin stands on work, here and now?
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"
#include "model/name.h"
#include "sched/child.h"
#include "wire/json_write.h"

#define SKEW_WARN_S 2.0
#define SKEW_FAIL_S 60.0

enum finding { FIND_OK, FIND_WARN, FIND_FAIL };

struct doctor {
	struct cli *cli;
	struct table table;
	struct json_write json;
	unsigned counts[3];
	struct doc *host;	/* this machine, as the server has it; or NULL */
};

static const struct column columns[] = {
	{ "status", "", false, true },
	{ "check", "", false, false },
	{ "text", "", false, false },
	{ "remedy", "", false, false },
};

static const char *const finding_ids[] = { "ok", "warn", "fail" };

static void tell(struct doctor *d, enum finding what, const char *check,
	const char *remedy, const char *fmt, ...) TC_PRINTF(5, 6);

static void
tell(struct doctor *d, enum finding what, const char *check,
	const char *remedy, const char *fmt, ...)
{
	struct cli *c = d->cli;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->counts[what]++;
	if (what == FIND_OK)
		remedy = "";
	out_paint(&c->out, out_paint_of(finding_ids[what]), "%-4s",
		finding_ids[what]);
	out_say(&c->out, "  %-8s %s\n", check, text);
	if (*remedy)
		out_say(&c->out, "      %-8s → %s\n", "", remedy);
	table_row(&d->table);
	table_set(&d->table, 0, finding_ids[what], NULL);
	table_set(&d->table, 1, check, NULL);
	table_set(&d->table, 2, text, NULL);
	table_set(&d->table, 3, remedy, NULL);
	if (c->out.format != OUT_JSON)
		return;
	json_put_object(&d->json);
	json_add_str(&d->json, "check", check);
	json_add_str(&d->json, "status", finding_ids[what]);
	json_add_str(&d->json, "text", text);
	json_add_str(&d->json, "remedy", remedy);
	json_put_end(&d->json);
}

/* ---- the server ---- */

static bool
check_server(struct doctor *d)
{
	struct cli *c = d->cli;
	struct tc_err e = {0};
	struct doc *reply;

	if (api_get(c, "/readyz", &reply, &e) == 0) {
		tell(d, FIND_OK, "server", "", "%s answers and is ready",
			c->url);
		return true;
	}
	if (c->reply.status == 503) {
		tell(d, FIND_FAIL, "server", "its log says more", "%s", e.text);
		return true;
	}
	tell(d, FIND_FAIL, "server", "is tocsind running, and is --server (or "
		"--state-dir) right?", "%s", e.text);
	return false;
}

static bool
check_token(struct doctor *d)
{
	struct cli *c = d->cli;
	struct tc_err e = {0};
	struct doc *s;

	if (api_get(c, "/v1/summary", &s, &e) < 0) {
		tell(d, FIND_FAIL, "token", "the admin's token is in "
			"STATE_DIR/admin.token: run as its owner, or give "
			"--state-dir or --token-file", "%s", e.text);
		return false;
	}
	tell(d, FIND_OK, "token", "", "the server takes our token");
	if (doc_true(s, "degraded"))
		tell(d, FIND_FAIL, "store", "health and alarms go on from "
			"memory; look at the disk of the state directory",
			"%s", doc_text(s, "degraded_why"));
	else
		tell(d, FIND_OK, "store", "", "the server can write");
	return true;
}

static void
tell_skew(struct doctor *d, const char *whose, double skew)
{
	double size = skew < 0 ? -skew : skew;
	enum finding what = size >= SKEW_FAIL_S ? FIND_FAIL :
		size >= SKEW_WARN_S ? FIND_WARN : FIND_OK;

	tell(d, what, "clock", "set up chrony or systemd-timesyncd on both "
		"sides", "the server's clock is %.1f s %s %s", size,
		skew < 0 ? "behind" : "ahead of", whose);
}

static void
check_clock(struct doctor *d)
{
	struct cli *c = d->cli;
	struct wall here = c->clock->wall(c->clock);

	tell_skew(d, "ours", (double)(c->now.ms - here.ms) / 1e3 +
		dur_to_seconds(c->reply.took) / 2);
}

/* ---- the agent of this machine ---- */

static bool
own_name(const struct cli *c, char name[NAME_MAX_BYTES + 1])
{
	char own[256] = "";
	const char *text = c->opt.host;

	if (!text) {
		if (gethostname(own, sizeof(own) - 1) < 0)
			return false;
		text = own;
	}
	return name_fold(text, strlen(text), name, NULL) == 0;
}

static void
find_host(struct doctor *d)
{
	struct strbuf path = {0};
	struct tc_err e = {0};
	char name[NAME_MAX_BYTES + 1];

	if (!own_name(d->cli, name)) {
		tell(d, FIND_WARN, "host", "name it with --host",
			"this machine has no name of its own");
		return;
	}
	strbuf_printf(&path, "/v1/hosts/%s", name);
	if (api_get(d->cli, strbuf_str(&path), &d->host, &e) < 0) {
		d->host = NULL;
		tell(d, FIND_WARN, "host", "add it to tocsin.yaml, or start "
			"tocsin-agent here with a token: tocsin token create "
			"--role agent --host NAME --new", "the server does not know "
			"%s: it is not watched", name);
	} else {
		tell(d, FIND_OK, "host", "", "%s is known and %s", name,
			doc_text(d->host, "state"));
	}
	strbuf_free(&path);
}

static const struct doc *
find_check(const struct doc *host, const char *key)
{
	const struct doc *checks = doc_get(host, "checks");

	for (const struct doc *k = checks ? checks->first : NULL; k;
	     k = k->next) {
		if (strcmp(doc_text(k, "key"), key) == 0 ||
		    strcmp(doc_text(k, "probe"), key) == 0)
			return k;
	}
	return NULL;
}

static void
check_agent(struct doctor *d)
{
	const struct doc *k = find_check(d->host, "agent");
	const struct doc *skew;
	struct wall at = doc_wall(k, "at");
	double interval = doc_number(k, "interval_seconds", 15);
	char words[WORDS_SIZE];

	if (!d->host)
		return;
	if (!k || at.ms == 0) {
		tell(d, FIND_WARN, "agent", "start tocsin-agent on it: CPU, "
			"memory, disks and SMART come from there",
			"no agent speaks for %s", doc_text(d->host, "name"));
		return;
	}
	words_age(at, d->cli->now, words);
	if (strcmp(doc_text(k, "reason"), "reported_exit") == 0)
		tell(d, FIND_WARN, "agent", "start it again", "%s, %s",
			doc_text(k, "text"), words);
	else if ((double)(d->cli->now.ms - at.ms) > 3e3 * interval)
		tell(d, FIND_FAIL, "agent", "is tocsin-agent running, and does "
			"its log say why it cannot deliver?",
			"was last heard %s", words);
	else
		tell(d, FIND_OK, "agent", "", "%s, heard %s",
			doc_text(k, "text"), words);
	skew = doc_get(doc_get(k, "metrics"), "agent_clock_skew_seconds");
	if (skew)
		tell_skew(d, "the agent's", skew->number);
}

/* ---- drives ---- */

static void
check_drives(struct doctor *d)
{
	const struct doc *devices = doc_get(d->host, "devices");
	size_t n = 0, blind = 0;
	char first[256] = "";

	if (!d->host)
		return;
	for (const struct doc *dev = devices ? devices->first : NULL; dev;
	     dev = dev->next) {
		if (strcmp(doc_text(dev, "kind"), "disk") != 0)
			continue;
		n++;
		if (doc_true(dev, "judged"))
			continue;
		if (blind++ == 0)
			show_device(dev, first, sizeof(first));
	}
	if (n == 0)
		tell(d, FIND_WARN, "drives", "virtual disks have no SMART; "
			"on real hardware look at the lines above and below",
			"no drive of %s is known: nothing predicts their end",
			doc_text(d->host, "name"));
	else if (blind > 0)
		tell(d, FIND_WARN, "drives", "a coverage gap is not health: "
			"RAID controllers and USB bridges hide SMART; "
			"smartctl --scan-open shows what could be asked",
			"%zu of %zu drives say nothing that could be judged "
			"(%s%s)", blind, n, first, blind > 1 ? ", …" : "");
	else
		tell(d, FIND_OK, "drives", "", "all %zu drives are judged", n);
}

struct helper {
	struct sched *sched;
	struct strbuf out;
	enum sched_child_end end;
	int code;
};

static void
helper_done(void *arg, const struct sched_child_result *r)
{
	struct helper *h = arg;

	h->end = r->end;
	h->code = r->code;
	strbuf_add(&h->out, r->out, r->n_out);
	sched_stop(h->sched);
}

/* Asks the helper for its drives, as the agent does; reads none of them. */
static int
ask_helper(struct helper *h, const char *path, struct tc_err *e)
{
	const char *const argv[] = { path, NULL };
	struct sched_child_conf conf = { .argv = argv, .input = "list\n",
		.n_input = 5, .deadline = dur_s(15), .done = helper_done,
		.arg = h };
	struct sched_children *children;
	int rc;

	h->sched = sched_new(e);
	if (!h->sched)
		return e->code;
	children = sched_children_new(h->sched, e);
	rc = children ? sched_child_start(children, &conf, NULL, e) : e->code;
	if (rc == 0)
		sched_run(h->sched);
	sched_children_free(children);
	sched_free(h->sched);
	return rc;
}

static void
judge_list(struct doctor *d, const struct doc *reply, const char *path)
{
	const struct doc *devices = doc_get(reply, "devices");
	size_t n = 0, refused = 0;

	for (const struct doc *dev = devices ? devices->first : NULL; dev;
	     dev = dev->next) {
		n++;
		refused += strcmp(doc_text(dev, "reason"), "open_failed") == 0;
	}
	if (refused > 0 || (n == 0 && geteuid() != 0))
		tell(d, FIND_WARN, "smart", "run tocsin-agent as root, or give "
			"the helper file capabilities: setcap "
			"cap_sys_rawio,cap_sys_admin,cap_dac_read_search+ep",
			"%s may not read %zu of %zu drives as this user", path,
			refused, n);
	else
		tell(d, FIND_OK, "smart", "", "%s sees %zu drive%s", path, n,
			n == 1 ? "" : "s");
}

static void
check_helper(struct doctor *d)
{
	static const char path[] = TOCSIN_LIBEXECDIR "/tocsin-smartd";
	struct helper h = {0};
	struct tc_err e = {0};
	struct doc *reply;
	char *end;

	if (access(path, X_OK) < 0) {
		tell(d, FIND_FAIL, "smart", "install Tocsin's files whole",
			"%s: %s", path, strerror(errno));
		return;
	}
	if (ask_helper(&h, path, &e) < 0) {
		tell(d, FIND_FAIL, "smart", "", "%s", e.text);
	} else if (h.end != CHILD_EXITED || h.code != 0) {
		tell(d, FIND_FAIL, "smart", "try it by hand: echo list | it",
			"%s ended with %d", path, h.code);
	} else {
		/* the reply is one line */
		end = memchr(strbuf_str(&h.out), '\n', h.out.n);
		if (end)
			h.out.n = (size_t)(end - h.out.p);
		if (doc_parse(&d->cli->arena, &h.out, &reply, &e) < 0)
			tell(d, FIND_FAIL, "smart", "", "%s: %s", path, e.text);
		else
			judge_list(d, reply, path);
	}
	strbuf_free(&h.out);
}

/* ---- the kernel ---- */

static bool
can_open(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void
check_ping(struct doctor *d)
{
	if (can_open(SOCK_DGRAM))
		tell(d, FIND_OK, "ping", "", "an ICMP socket opens without "
			"privileges");
	else if (can_open(SOCK_RAW))
		tell(d, FIND_OK, "ping", "", "a raw ICMP socket opens");
	else
		tell(d, FIND_WARN, "ping", "sysctl net.ipv4.ping_group_range="
			"\"0 2147483647\", or AmbientCapabilities=CAP_NET_RAW "
			"for tocsind", "no ICMP socket opens for this user: %s",
			strerror(errno));
}

static void
check_psi(struct doctor *d)
{
	struct strbuf text = {0};

	if (file_slurp("/proc/pressure/cpu", 4096, &text, NULL) == 0)
		tell(d, FIND_OK, "psi", "", "the kernel tells pressure");
	else
		tell(d, FIND_WARN, "psi", "boot with psi=1 (CONFIG_PSI)",
			"the kernel tells no pressure: overload is judged by "
			"less");
	strbuf_free(&text);
}

static int
finish(struct doctor *d)
{
	struct cli *c = d->cli;

	if (c->out.format == OUT_JSON) {
		json_put_end(&d->json);
		json_add_u64(&d->json, "ok", d->counts[FIND_OK]);
		json_add_u64(&d->json, "warn", d->counts[FIND_WARN]);
		json_add_u64(&d->json, "fail", d->counts[FIND_FAIL]);
		json_put_end(&d->json);
		strbuf_putc(&c->out.text, '\n');
	} else if (c->out.format == OUT_KV) {
		table_print(&d->table, &c->out);
	}
	out_say(&c->out, "\n%u good, %u to look at, %u broken\n",
		d->counts[FIND_OK], d->counts[FIND_WARN],
		d->counts[FIND_FAIL]);
	table_free(&d->table);
	return d->counts[FIND_FAIL] > 0 ? CLI_ERROR : CLI_OK;
}

int
verb_doctor(struct cli *c, struct tc_err *e)
{
	struct doctor d = { .cli = c, .table = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) } };
	int rc;

	if ((rc = api_open(c, e)) < 0)
		return rc;
	if (c->out.format == OUT_JSON) {
		json_begin(&d.json, &c->out.text);
		json_put_object(&d.json);
		json_add_array(&d.json, "items");
	}
	if (check_server(&d) && check_token(&d)) {
		check_clock(&d);
		find_host(&d);
		check_agent(&d);
		check_drives(&d);
	}
	check_helper(&d);
	check_ping(&d);
	check_psi(&d);
	return finish(&d);
}
