/*
 * The file of the server: copies, checks, figures, export and pruning.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/units.h"
#include "cli/cli.h"
#include "store/store.h"
#include "store/tend.h"
#include "wire/json_write.h"
#include "wire/sample_text.h"

/* What is written at once. */
#define SPILL_BYTES 65536
#define PRUNE_LOOK_MS 200	/* how far a server is */
#define PRUNE_QUIET 300		/* looks without a row less */

const char *
db_state_dir(const struct cli *c)
{
	return c->opt.state_dir ? c->opt.state_dir : TOCSIN_STATEDIR;
}

static int
db_path(const struct cli *c, char *out, size_t size, struct tc_err *e)
{
	int n = snprintf(out, size, "%s/tocsin.db", db_state_dir(c));

	if (n < 0 || (size_t)n >= size)
		return tc_fail(e, TC_ERANGE, "--state-dir: too long");
	return 0;
}

/* ---- progress, on a terminal only ---- */

static void
say_progress(void *arg, uint64_t done, uint64_t all)
{
	unsigned percent = all > 0 ? (unsigned)(done * 100 / all) : 100;

	fprintf(stderr, "\r%s: %u %%%s", (const char *)arg, percent,
		done >= all ? "\n" : "");
}

static struct tend_progress
progress_of(const struct cli *c, const char *what)
{
	struct tend_progress p = { NULL, (void *)(uintptr_t)what };

	if (c->out.format == OUT_TEXT && isatty(2))
		p.say = say_progress;
	return p;
}

/* ---- pairs, in all three formats ---- */

struct pairs {
	struct cli *c;
	struct json_write json;
};

static void
pairs_begin(struct pairs *p, struct cli *c)
{
	p->c = c;
	if (c->out.format != OUT_JSON)
		return;
	json_begin(&p->json, &c->out.text);
	json_put_object(&p->json);
}

static void
pair_text(struct pairs *p, const char *key, const char *value)
{
	if (p->c->out.format == OUT_JSON)
		json_add_str(&p->json, key, value);
	out_pair(&p->c->out, key, value);
	out_say(&p->c->out, "%-14s %s\n", key, value);
}

static void
pair_number(struct pairs *p, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	if (p->c->out.format == OUT_JSON)
		json_add_u64(&p->json, key, value);
	out_pair(&p->c->out, key, text);
	out_say(&p->c->out, "%-14s %s\n", key, text);
}

static void
pairs_end(struct pairs *p)
{
	if (p->c->out.format != OUT_JSON)
		return;
	json_put_end(&p->json);
	strbuf_puts(&p->c->out.text, "\n");
}

/* ---- backup, verify, restore ---- */

static int
backup(struct cli *c, const char *path, struct tc_err *e)
{
	struct tend_progress progress = progress_of(c, "backup");
	const char *to = c->rest.n > 1 ? c->rest.operands[1] : NULL;
	struct pairs p;
	struct stat st = { 0 };
	int rc;

	if (!to)
		return tc_fail(e, TC_EINVAL, "db backup needs a FILE");
	if ((rc = tend_backup(path, to, &progress, e)) < 0)
		return rc;
	(void)stat(to, &st);
	pairs_begin(&p, c);
	pair_text(&p, "file", to);
	pair_number(&p, "bytes", (uint64_t)st.st_size);
	pairs_end(&p);
	return CLI_OK;
}

static int
verify(struct cli *c, const char *path, struct tc_err *e)
{
	const char *file = c->rest.n > 1 ? c->rest.operands[1] : path;
	struct tend_sound sound;
	struct pairs p;
	char hash[65];
	int rc = tend_verify(file, &sound, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < 32; i++)
		snprintf(hash + 2 * i, 3, "%02x", sound.audit_last[i]);
	pairs_begin(&p, c);
	pair_text(&p, "file", file);
	pair_text(&p, "sound", "yes");
	pair_number(&p, "schema", (uint64_t)sound.schema);
	pair_number(&p, "bytes", sound.bytes);
	pair_number(&p, "audit_rows", sound.audit_rows);
	pair_text(&p, "audit_last", hash);
	pairs_end(&p);
	return CLI_OK;
}

static int
restore(struct cli *c, const char *path, struct tc_err *e)
{
	struct tend_progress progress = progress_of(c, "restore");
	struct tend_restore r = { .path = path };
	struct pairs p;
	int rc, lock = -1;

	if (c->rest.n < 2)
		return tc_fail(e, TC_EINVAL, "db restore needs a FILE");
	r.from = c->rest.operands[1];
	if ((rc = store_lock(db_state_dir(c), &lock, e)) < 0)
		return tc_wrap(e, "stop tocsind first");
	rc = tend_restore(&r, &progress, e);
	close(lock);
	if (rc < 0)
		return rc;
	pairs_begin(&p, c);
	pair_text(&p, "restored", r.from);
	pair_text(&p, "kept_aside", r.aside);
	pairs_end(&p);
	return CLI_OK;
}

/* ---- stats ---- */

/* Of each tier: blocks, rows, samples, bytes, bytes per sample. */
static void
pair_tiers(struct pairs *p, const struct tend_figures *f)
{
	static const char *const what[] = { "blocks", "rows", "samples",
		"bytes" };
	char key[40], ratio[24];

	for (size_t i = 0; i < TEND_TIERS; i++) {
		const struct tend_tier_figures *t = &f->tiers[i];
		uint64_t n[] = { t->blocks, t->rows, t->samples, t->bytes };

		if (t->rows == 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(what); k++) {
			snprintf(key, sizeof(key), "tier_%s_%s", t->name,
				what[k]);
			pair_number(p, key, n[k]);
		}
		snprintf(key, sizeof(key), "tier_%s_bytes_per_sample",
			t->name);
		snprintf(ratio, sizeof(ratio), "%.3f", t->samples == 0 ? 0 :
			(double)t->bytes / (double)t->samples);
		pair_text(p, key, ratio);
	}
}

static int
stats(struct cli *c, const char *path, struct tc_err *e)
{
	char oldest[WALL_TEXT] = "", newest[WALL_TEXT] = "";
	struct tend_figures f;
	struct pairs p;
	int rc = tend_figures(path, &f, e);

	if (rc < 0)
		return rc;
	if (f.history_rows > 0) {
		wall_format(f.oldest, oldest, sizeof(oldest));
		wall_format(f.newest, newest, sizeof(newest));
	}
	pairs_begin(&p, c);
	pair_text(&p, "file", path);
	pair_number(&p, "schema", (uint64_t)f.schema);
	pair_number(&p, "bytes", f.file_bytes);
	pair_number(&p, "log_bytes", f.log_bytes);
	pair_number(&p, "free_bytes", f.free_bytes);
	pair_number(&p, "hosts", f.hosts);
	pair_number(&p, "subjects", f.subjects);
	pair_number(&p, "names", f.names);
	pair_number(&p, "layouts", f.layouts);
	pair_number(&p, "history_rows", f.history_rows);
	pair_tiers(&p, &f);
	pair_text(&p, "oldest", oldest);
	pair_text(&p, "newest", newest);
	pair_number(&p, "events", f.events);
	pair_number(&p, "predictions", f.predictions);
	pair_number(&p, "alerts", f.alerts);
	pair_number(&p, "audit_rows", f.audit_rows);
	pairs_end(&p);
	return CLI_OK;
}

/* ---- export ---- */

bool
db_is_export(const struct cli *c)
{
	return strcmp(c->rest.verb->name, "db") == 0 &&
		strcmp(c->rest.operands[0], "export") == 0;
}

struct exporting {
	struct cli *c;
	bool csv;
	bool broken;		/* nobody reads any more */
};

static int
put_sample(void *arg, const struct tend_sample *s)
{
	struct exporting *x = arg;
	struct strbuf *out = &x->c->out.text;
	struct sample_text text = { .at = s->at, .host = s->host,
		.device = s->device, .metric = x->c->opt.metric,
		.instance = s->instance, .type = s->type, .bits = s->bits };

	if (x->csv)
		sample_csv_put(out, &text);
	else
		sample_json_put(out, &text);
	if (out->failed)
		return 1;
	if (out->n < SPILL_BYTES)
		return 0;
	x->broken = fwrite(out->p, 1, out->n, stdout) != out->n;
	strbuf_reset(out);
	return x->broken;
}

static int
read_time(const char *option, const char *text, struct wall *out,
	struct tc_err *e)
{
	if (text && wall_parse(text, strlen(text), out) < 0)
		return tc_fail(e, TC_EINVAL,
			"%s: a time such as 2026-05-01T22:00:00Z", option);
	return 0;
}

static int
export(struct cli *c, const char *path, struct tc_err *e)
{
	struct exporting x = { .c = c, .csv = !c->opt.json };
	struct tend_export q = { .host = c->opt.host, .metric = c->opt.metric,
		.sink = put_sample, .arg = &x };
	int rc;

	if ((rc = read_time("--from", c->opt.from, &q.from, e)) < 0 ||
	    (rc = read_time("--to", c->opt.to, &q.to, e)) < 0)
		return rc;
	if (c->opt.format && strcmp(c->opt.format, "backblaze") == 0)
		return db_export_drives(c, path, q.from, q.to, e);
	if (!q.host || !q.metric)
		return tc_fail(e, TC_EINVAL,
			"db export needs --host and --metric");
	if (c->opt.format && strcmp(c->opt.format, "csv") != 0) {
		x.csv = false;
		if (strcmp(c->opt.format, "ndjson") != 0)
			return tc_fail(e, TC_EINVAL,
				"--format: csv, ndjson or backblaze");
	}
	if (x.csv)
		strbuf_puts(&c->out.text, SAMPLE_CSV "\n");
	if ((rc = tend_export(path, &q, e)) < 0)
		return rc;
	if (x.broken)
		return tc_fail(e, TC_EIO, "standard output is closed");
	return CLI_OK;
}

static int
import(struct cli *c, const char *path, struct tc_err *e)
{
	struct db_imported done;
	struct pairs p;
	int rc = db_import(c, path, &done, e);

	if (rc < 0)
		return rc;
	pairs_begin(&p, c);
	pair_text(&p, "file", c->rest.operands[1]);
	pair_number(&p, "samples", done.samples);
	pair_number(&p, "taken", done.samples - done.known);
	pair_number(&p, "known", done.known);
	pairs_end(&p);
	return CLI_OK;
}

/* ---- prune ---- */

/* More than half at once is an accident until the count is confirmed. */
static int
check_prune(const struct cli *c, const struct tend_prune *p, struct tc_err *e)
{
	unsigned long long rows = p->rows, all = p->all;

	if (c->opt.expected != UINT64_MAX && c->opt.expected != p->rows)
		return tc_fail(e, TC_EPERM, "%llu rows would go, not the %llu "
			"expected; nothing was touched", rows,
			(unsigned long long)c->opt.expected);
	if (c->opt.expected == UINT64_MAX && rows > all - rows)
		return tc_fail(e, TC_EPERM, "%llu of %llu rows would go; if "
			"that is meant: --expected %llu", rows, all, rows);
	return 0;
}

/* The writer drops them bit by bit; until none is left, or none goes. */
static int
wait_for_prune(const char *path, struct tend_prune *p,
	const struct tend_progress *progress, struct tc_err *e)
{
	struct tend_prune left = *p;
	uint64_t before = UINT64_MAX;
	int quiet = 0, rc;

	while ((rc = tend_prune_count(path, &left, e)) == 0 && left.rows > 0) {
		quiet = left.rows < before ? 0 : quiet + 1;
		before = left.rows;
		if (quiet == PRUNE_QUIET)
			return tc_fail(e, TC_ETIMEOUT, "%llu rows are still "
				"there; the server goes on with it",
				(unsigned long long)left.rows);
		if (progress->say)
			progress->say(progress->arg, p->rows - left.rows,
				p->rows);
		poll(NULL, 0, PRUNE_LOOK_MS);
	}
	return rc;
}

/* A server runs: it is asked, and does it beside all else. */
static int
prune_asked(struct cli *c, const char *path, struct tend_prune *p,
	const struct tend_progress *progress, struct tc_err *e)
{
	struct strbuf body = {0};
	struct json_write w;
	struct doc *reply;
	int rc;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "tier", p->tier ? p->tier : "raw");
	json_add_wall(&w, "before", p->before);
	json_add_bool(&w, "meant", c->opt.expected != UINT64_MAX);
	json_put_end(&w);
	rc = api_send(c, "POST", "/v1/prune", &body, &reply, e);
	strbuf_free(&body);
	return rc < 0 ? rc : wait_for_prune(path, p, progress, e);
}

static int
prune_locked(struct cli *c, const char *path, struct tend_prune *p,
	struct tc_err *e)
{
	struct tend_progress progress = progress_of(c, "prune");
	int rc, lock = -1;

	rc = store_lock(db_state_dir(c), &lock, e);
	if (rc == TC_EBUSY) {
		*e = (struct tc_err){0};
		return prune_asked(c, path, p, &progress, e);
	}
	if (rc < 0)
		return rc;
	rc = tend_prune(path, p, &progress, e);
	close(lock);
	return rc;
}

static int
prune(struct cli *c, const char *path, struct tc_err *e)
{
	struct wall now = c->clock->wall(c->clock);
	struct tend_prune p = { .tier = c->opt.tier };
	struct pairs pairs;
	char before[WALL_TEXT];
	int rc;

	if (c->opt.older_than.ns <= 0)
		return tc_fail(e, TC_EINVAL, "db prune needs --older-than");
	p.before = wall_add(now, dur_ns(-c->opt.older_than.ns));
	if ((rc = tend_prune_count(path, &p, e)) < 0)
		return rc;
	pairs_begin(&pairs, c);
	pair_text(&pairs, "before",
		wall_format(p.before, before, sizeof(before)));
	pair_number(&pairs, "rows", p.rows);
	pair_number(&pairs, "of", p.all);
	if (!c->opt.dry_run && (rc = check_prune(c, &p, e)) == 0 &&
	    (rc = prune_locked(c, path, &p, e)) == 0)
		pair_number(&pairs, "pruned", p.rows);
	pairs_end(&pairs);
	return rc;
}

int
verb_db(struct cli *c, struct tc_err *e)
{
	static const struct {
		const char *word;
		unsigned most;	/* operands */
		int (*run)(struct cli *, const char *, struct tc_err *);
	} words[] = {
		{ "backup", 2, backup }, { "verify", 2, verify },
		{ "restore", 2, restore }, { "stats", 1, stats },
		{ "export", 1, export }, { "import", 2, import },
		{ "prune", 1, prune },
	};
	char path[4200];
	int rc = db_path(c, path, sizeof(path), e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].word, c->rest.operands[0]) != 0)
			continue;
		if (c->rest.n > words[i].most)
			return tc_fail(e, TC_EINVAL, "db %s takes no FILE",
				words[i].word);
		return words[i].run(c, path, e);
	}
	return rc < 0 ? rc : tc_fail(e, TC_EINVAL, "tocsin db backup FILE, "
		"verify [FILE], restore FILE, stats, export, import FILE or "
		"prune");
}
