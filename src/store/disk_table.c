/*
 * The disks as a table for mining: what they are, where they are, and whether
 * they failed.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/disk_rows.h"
#include "store/tending.h"
#include "wire/json_read.h"

#define TAGS_MAX 12
#define BATCH_CHARS 4

struct table {
	struct strbuf *out;
	struct arena texts;	/* names of tags */
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

static int
learn_tag(struct table *t, struct json_str key)
{
	size_t i = 0;

	while (i < t->n_tags && strcmp(t->tags[i], key.p) != 0)
		i++;
	if (i < t->n_tags || i == TAGS_MAX || key.n == 0 || key.n > 60)
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

static int
write_row(struct table *t, sqlite3_stmt *st)
{
	char *device = text_at(st, 0), *host = text_at(st, 2);
	const char *name = (const char *)sqlite3_column_text(st, 1);

	t->partition = t->model = t->serial = "";
	for (size_t i = 0; i < t->n_tags; i++)
		t->values[i] = "";
	if (device && host && read_host(t, host, false) == 0) {
		read_device(t, device);
		put_field(t->out, t->serial);
		strbuf_putc(t->out, ',');
		put_field(t->out, name ? name : "");
		strbuf_putc(t->out, ',');
		put_field(t->out, t->model);
		strbuf_putc(t->out, ',');
		put_batch(t->out, t->serial);
		strbuf_putc(t->out, ',');
		put_field(t->out, t->partition);
		for (size_t i = 0; i < t->n_tags; i++) {
			strbuf_putc(t->out, ',');
			put_field(t->out, t->values[i]);
		}
		strbuf_printf(t->out, ",%d\n", sqlite3_column_int(st, 3));
	}
	mem_free(device);
	mem_free(host);
	return t->out->failed ? TC_ENOMEM : 0;
}

static int
each_disk(struct db *db, struct table *t, row_sink *sink, struct tc_err *e)
{
	static const char sql[] = "SELECT s.body, h.key, h.body, EXISTS ("
		"SELECT 1 FROM outcome o WHERE o.subject = s.id "
		"AND o.kind = 'failed') FROM subject s "
		"LEFT JOIN subject h ON h.id = s.parent WHERE s.kind = 5 "
		"ORDER BY s.id";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL), own = 0;

	while (rc == SQLITE_OK && own == 0 &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		own = sink(t, st);
		rc = SQLITE_OK;
	}
	if (own < 0)
		rc = tc_fail(e, own, "out of memory");
	else
		rc = rc == SQLITE_DONE ? 0 : db_fail(db, rc, e, "disks");
	sqlite3_finalize(st);
	return rc;
}

int
drives_table(const char *path, struct strbuf *out, struct tc_err *e)
{
	struct table t = { .out = out };
	struct db db = { 0 };
	int rc = tending_open(&db, path, e);

	if (rc < 0)
		return rc;
	if ((rc = each_disk(&db, &t, learn_row, e)) == 0) {
		strbuf_puts(out, "serial_number,host,model,batch,partition");
		for (size_t i = 0; i < t.n_tags; i++) {
			strbuf_putc(out, ',');
			put_field(out, t.tags[i]);
		}
		strbuf_puts(out, ",failure\n");
		rc = each_disk(&db, &t, write_row, e);
	}
	tending_close(&db);
	arena_free(&t.texts);
	return rc;
}
