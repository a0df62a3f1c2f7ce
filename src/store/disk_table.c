/*
 * The disks, or the hosts, as a table for mining: what they are, where they
 * are, which firmware, kernel and agent they ran, and whether they failed.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/disk_rows.h"
#include "store/tending.h"
#include "wire/json_read.h"

#define TAGS_MAX 10
#define BATCH_CHARS 4

/* What a metric with a label tells of a subject; symbol, column, metric, label. */
#define INFO_TABLE(X)                                            \
	X(INFO_FIRMWARE, "firmware", "firmware_info", "version")  \
	X(INFO_KERNEL, "kernel", "kernel_info", "release")        \
	X(INFO_AGENT, "agent", "agent_info", "version")

enum info {
#define X(sym, column, metric, label) sym,
	INFO_TABLE(X)
#undef X
};
#define INFO_N 3

static const struct { const char *column, *metric, *label; } infos[] = {
#define X(sym, column, metric, label) [sym] = { column, metric, label },
	INFO_TABLE(X)
#undef X
};

/* It ran this from then on. */
struct ran {
	struct ran *next;
	enum info info;
	int64_t from_ms;
	const char *value;
};

struct ran_list {
	uint32_t subject;
	struct ran *first;
};

struct table {
	struct strbuf *out;
	bool hosts;		/* in place of disks */
	struct hash ran;	/* by subject: struct ran_list */
	struct arena texts;	/* names of tags, and all of `ran` */
	const char *tags[TAGS_MAX];
	size_t n_tags;
	const char *values[TAGS_MAX];	/* of the row at hand */
	const char *partition;
	const char *model;
	const char *serial;
};

/* One pass to learn the names of tags, one to write the rows. */
typedef int row_sink(struct table *t, sqlite3_stmt *st);

static void
put_field(struct strbuf *out, const char *text)
{
	strbuf_putc(out, '"');
	for (; *text; text++)
		if (*text != '"' && *text != '\n' && *text != '\r')
			strbuf_putc(out, *text);
	strbuf_putc(out, '"');
}

/* A tag of the name of a column that we know ourselves. */
static bool
is_ours(const char *name)
{
	static const char *const own[] = { "serial_number", "host", "model",
		"batch", "partition", "failure" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	for (int i = 0; i < INFO_N; i++)
		if (strcmp(name, infos[i].column) == 0)
			return true;
	return false;
}

static int
learn_tag(struct table *t, struct json_str key)
{
	size_t i = 0;

	while (i < t->n_tags && strcmp(t->tags[i], key.p) != 0)
		i++;
	if (i < t->n_tags || i == TAGS_MAX || key.n == 0 || key.n > 60 ||
	    is_ours(key.p))
		return 0;
	t->tags[i] = arena_strndup(&t->texts, key.p, key.n);
	if (!t->tags[i])
		return TC_ENOMEM;
	t->n_tags++;
	return 0;
}

static int
read_tags(struct table *t, struct json_read *r, bool learn)
{
	struct json_str key;
	int rc = 0;

	if (!json_enter_object(r))
		return 0;
	while (rc == 0 && json_next_key(r, &key)) {
		const char *value = json_get_cstr(r, 1024);

		if (learn)
			rc = learn_tag(t, key);
		for (size_t i = 0; !learn && i < t->n_tags; i++)
			if (strcmp(t->tags[i], key.p) == 0)
				t->values[i] = value;
	}
	return rc;
}

/* `text` is changed; what is read points into it. */
static int
read_host(struct table *t, char *text, bool learn)
{
	struct json_read r;
	struct json_str key;
	int rc = 0;

	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (rc == 0 && json_next_key(&r, &key)) {
			if (json_str_is(key, "partition"))
				t->partition = json_get_cstr(&r, 255);
			else if (json_str_is(key, "tags"))
				rc = read_tags(t, &r, learn);
			else
				json_skip(&r);
		}
	(void)json_close(&r, NULL);
	return rc;
}

static void
read_device(struct table *t, char *text)
{
	struct json_read r;
	struct json_str key;

	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "model"))
				t->model = json_get_cstr(&r, 255);
			else if (json_str_is(key, "serial"))
				t->serial = json_get_cstr(&r, 255);
			else
				json_skip(&r);
		}
	(void)json_close(&r, NULL);
}

static char *
text_at(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return mem_strdup(text ? text : "{}");
}

static int
learn_row(struct table *t, sqlite3_stmt *st)
{
	char *host = text_at(st, 2);
	int rc = host ? read_host(t, host, true) : TC_ENOMEM;

	mem_free(host);
	return rc;
}

/* ---- what they ran ---- */

/* The value of `label` in `a="1",release="6.1"`; NULL when it has none. */
static const char *
label_value(struct table *t, const char *instance, const char *label)
{
	size_t n = strlen(label);
	const char *p = instance, *end;

	while ((p = strstr(p, label)) != NULL) {
		bool begins = p == instance || p[-1] == ',';

		p += n;
		if (!begins || p[0] != '=' || p[1] != '"')
			continue;
		end = strchr(p + 2, '"');
		return end != NULL ? arena_strndup(&t->texts, p + 2,
			(size_t)(end - p - 2)) : NULL;
	}
	return NULL;
}

static struct ran_list *
ran_of(struct table *t, uint32_t subject)
{
	struct ran_list *l = hash_get(&t->ran, &subject, sizeof(subject));

	if (l != NULL)
		return l;
	l = arena_alloc(&t->texts, sizeof(*l));
	if (l == NULL)
		return NULL;
	*l = (struct ran_list){ .subject = subject };
	return hash_put(&t->ran, &l->subject, sizeof(l->subject), l) == 0 ? l :
		NULL;
}

/* subject, metric, instance, from */
static int
take_ran(struct table *t, sqlite3_stmt *st)
{
	const char *metric = (const char *)sqlite3_column_text(st, 1);
	const char *instance = (const char *)sqlite3_column_text(st, 2);
	struct ran_list *l = ran_of(t, (uint32_t)sqlite3_column_int64(st, 0));
	struct ran *one = arena_alloc(&t->texts, sizeof(*one));

	if (l == NULL || one == NULL)
		return TC_ENOMEM;
	for (int i = 0; metric != NULL && instance != NULL && i < INFO_N; i++) {
		if (strcmp(infos[i].metric, metric) != 0)
			continue;
		*one = (struct ran){ l->first, (enum info)i,
			sqlite3_column_int64(st, 3),
			label_value(t, instance, infos[i].label) };
		if (one->value != NULL)
			l->first = one;
	}
	return 0;
}

/*
 * A layout that holds such a metric with such a label says that whoever sent
 * it ran that; from its first row that is still there.
 */
static int
read_ran(struct db *db, struct table *t, struct tc_err *e)
{
	static const char sql[] =
		"WITH told(layout, metric, instance) AS (SELECT ls.layout, "
		"m.text, i.text FROM layout_series ls "
		"JOIN name m ON m.id = ls.metric "
		"JOIN name i ON i.id = ls.instance WHERE ls.subject IS NULL "
		"AND m.text IN ('firmware_info', 'kernel_info', 'agent_info')), "
		"fresh(subject, layout, at) AS (SELECT subject, layout, "
		"min(at_ms) FROM tick WHERE layout IN "
		"(SELECT layout FROM told) GROUP BY subject, layout) "
		"SELECT so.subject, told.metric, told.instance, ifnull("
		"(SELECT min(b.start_ms) FROM block b WHERE "
		"b.subject = so.subject AND b.probe = so.probe "
		"AND b.layout = so.layout), ifnull(fresh.at, 0)) "
		"FROM told JOIN source so ON so.layout = told.layout "
		"LEFT JOIN fresh ON fresh.subject = so.subject "
		"AND fresh.layout = so.layout";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL), own = 0;

	while (rc == SQLITE_OK && own == 0 &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		own = take_ran(t, st);
		rc = SQLITE_OK;
	}
	if (own < 0)
		rc = tc_fail(e, own, "out of memory");
	else
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, rc, e, "versions");
	sqlite3_finalize(st);
	return rc;
}

/* The last that began until then; "" when nobody knows. */
static const char *
ran_at(const struct table *t, uint32_t subject, enum info info, int64_t at_ms)
{
	const struct ran_list *l = hash_get(&t->ran, &subject, sizeof(subject));
	const struct ran *best = NULL;

	for (const struct ran *r = l != NULL ? l->first : NULL; r != NULL;
	     r = r->next)
		if (r->info == info && r->from_ms <= at_ms &&
		    (best == NULL || r->from_ms > best->from_ms))
			best = r;
	return best != NULL ? best->value : "";
}

/* ---- rows ---- */

/* Of one batch are those whose serial numbers begin alike. */
static void
put_batch(struct strbuf *out, const char *serial)
{
	char text[BATCH_CHARS + 1] = "";
	size_t n = strlen(serial);

	if (n > BATCH_CHARS)
		memcpy(text, serial, BATCH_CHARS);
	put_field(out, text);
}

static void
put_more(struct strbuf *out, const char *text)
{
	strbuf_putc(out, ',');
	put_field(out, text);
}

/* Columns: device, host's name, host, failed, id, host's id, when it failed. */
static void
put_common(struct table *t, sqlite3_stmt *st)
{
	uint32_t host = (uint32_t)sqlite3_column_int64(st, 5);
	int64_t at_ms = sqlite3_column_int(st, 3) != 0 ?
		sqlite3_column_int64(st, 6) : INT64_MAX;

	put_more(t->out, t->partition);
	put_more(t->out, ran_at(t, host, INFO_KERNEL, at_ms));
	put_more(t->out, ran_at(t, host, INFO_AGENT, at_ms));
	for (size_t i = 0; i < t->n_tags; i++)
		put_more(t->out, t->values[i]);
	strbuf_printf(t->out, ",%d\n", sqlite3_column_int(st, 3));
}

static int
write_disk(struct table *t, sqlite3_stmt *st)
{
	char *device = text_at(st, 0), *host = text_at(st, 2);
	const char *name = (const char *)sqlite3_column_text(st, 1);
	uint32_t id = (uint32_t)sqlite3_column_int64(st, 4);
	int64_t at_ms = sqlite3_column_int(st, 3) != 0 ?
		sqlite3_column_int64(st, 6) : INT64_MAX;

	t->partition = t->model = t->serial = "";
	for (size_t i = 0; i < t->n_tags; i++)
		t->values[i] = "";
	if (device && host && read_host(t, host, false) == 0) {
		read_device(t, device);
		put_field(t->out, t->serial);
		put_more(t->out, name ? name : "");
		put_more(t->out, t->model);
		put_more(t->out, ran_at(t, id, INFO_FIRMWARE, at_ms));
		strbuf_putc(t->out, ',');
		put_batch(t->out, t->serial);
		put_common(t, st);
	}
	mem_free(device);
	mem_free(host);
	return t->out->failed ? TC_ENOMEM : 0;
}

static int
write_host(struct table *t, sqlite3_stmt *st)
{
	char *host = text_at(st, 2);
	const char *name = (const char *)sqlite3_column_text(st, 1);

	t->partition = "";
	for (size_t i = 0; i < t->n_tags; i++)
		t->values[i] = "";
	if (host && read_host(t, host, false) == 0) {
		put_field(t->out, name ? name : "");
		put_common(t, st);
	}
	mem_free(host);
	return t->out->failed ? TC_ENOMEM : 0;
}

static const char disks_sql[] = "SELECT s.body, h.key, h.body, "
	"f.at_ms IS NOT NULL, s.id, ifnull(h.id, 0), ifnull(f.at_ms, 0) "
	"FROM subject s LEFT JOIN subject h ON h.id = s.parent "
	"LEFT JOIN (SELECT subject, min(at_ms) AS at_ms FROM outcome "
	"WHERE kind = 'failed' GROUP BY subject) f ON f.subject = s.id "
	"WHERE s.kind = 5 ORDER BY s.id";

/* A host failed when it was convicted outside of maintenance. */
static const char hosts_sql[] = "SELECT '', h.key, h.body, "
	"f.at_ms IS NOT NULL, h.id, h.id, ifnull(f.at_ms, 0) "
	"FROM subject h LEFT JOIN (SELECT subject, min(at_ms) AS at_ms "
	"FROM event WHERE kind = 'host.state' "
	"AND json_extract(body, '$.to') = 'unhealthy' "
	"AND json_extract(body, '$.from') IN ('healthy', 'suspect') "
	"AND json_extract(body, '$.window') IS NULL GROUP BY subject) f "
	"ON f.subject = h.id WHERE h.kind = 2 ORDER BY h.id";

static int
each_row(struct db *db, struct table *t, row_sink *sink, struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, t->hosts ? hosts_sql : disks_sql,
		-1, &st, NULL), own = 0;

	while (rc == SQLITE_OK && own == 0 &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		own = sink(t, st);
		rc = SQLITE_OK;
	}
	if (own < 0)
		rc = tc_fail(e, own, "out of memory");
	else
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, rc, e, t->hosts ?
			"hosts" : "disks");
	sqlite3_finalize(st);
	return rc;
}

static void
put_header(struct table *t)
{
	strbuf_puts(t->out, t->hosts ? "host" :
		"serial_number,host,model,firmware,batch");
	strbuf_puts(t->out, ",partition,kernel,agent");
	for (size_t i = 0; i < t->n_tags; i++)
		put_more(t->out, t->tags[i]);
	strbuf_puts(t->out, ",failure\n");
}

int
drives_table(const char *path, bool hosts, struct strbuf *out,
	struct tc_err *e)
{
	struct table t = { .out = out, .hosts = hosts };
	struct db db = { 0 };
	int rc = tending_open(&db, path, e);

	if (rc < 0)
		return rc;
	if ((rc = each_row(&db, &t, learn_row, e)) == 0 &&
	    (rc = read_ran(&db, &t, e)) == 0) {
		put_header(&t);
		rc = each_row(&db, &t, hosts ? write_host : write_disk, e);
	}
	tending_close(&db);
	hash_free(&t.ran);
	arena_free(&t.texts);
	return rc;
}
