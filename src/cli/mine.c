/*
 * tocsin mine: what goes with more failures than the rest of the fleet has.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "predict/mine.h"
#include "replay/stream.h"
#include "store/disk_rows.h"

#define FIELDS_MAX 2048
#define SHOWN 40
#define TEXT_MAX (UINT64_C(1) << 30)
#define NOWHERE UINT32_MAX

struct args {
	const char *data;
	size_t n_data;
	const char *db;		/* in place of data */
	const char *const *by;
	size_t n_by;
	const char *failed;
	const char *id;
	bool single;
	bool shuffle;
	bool hosts;		/* of --db: they, not the disks */
	bool json;
};

static int
check_args(const struct args *a, struct tc_err *e)
{
	if ((a->data == NULL) == (a->db == NULL))
		return tc_fail(e, TC_EINVAL, "--data or --db, one of them");
	if (a->hosts && a->db == NULL)
		return tc_fail(e, TC_EINVAL, "--of-hosts goes with --db");
	if (a->n_data > 1)
		return tc_fail(e, TC_EINVAL, "--data: one file");
	if (a->data != NULL && a->n_by == 0)
		return tc_fail(e, TC_EINVAL, "--by is missing");
	return 0;
}

/* ---- the table ----------------------------------------------------------- */

struct loaded {
	const struct args *args;
	const char *by_names[MINE_ATTRIBUTES_MAX];	/* --by, or all */
	size_t n_by;
	struct strbuf text;
	struct arena memory;
	char names[MINE_ATTRIBUTES_MAX][64];
	struct mine_attribute attributes[MINE_ATTRIBUTES_MAX];
	struct intern values[MINE_ATTRIBUTES_MAX];
	uint32_t by[MINE_ATTRIBUTES_MAX];	/* columns */
	uint32_t failed;
	uint32_t id;
	char failed_name[64];
	const char *failed_value;	/* NULL = all but 0 and "" */
	struct hash by_id;	/* → index + 1 into items, as a pointer */
	struct mine_item *items;
	size_t n;
	size_t cap;
};

static int
slurp(const char *path, struct strbuf *out, struct tc_err *e)
{
	struct stream *s = NULL;
	size_t got = 1;
	int rc = stream_open(path, &s, e);

	if (rc < 0)
		return rc;
	while (rc == 0 && got > 0) {
		char *p = strbuf_reserve(out, 65536);

		if (!p || out->n > TEXT_MAX)
			rc = tc_fail(e, TC_EFULL, "%s: too large", path);
		else if ((rc = stream_read(s, p, 65536, &got, e)) == 0)
			out->n += got;
	}
	stream_close(s);
	strbuf_putc(out, '\n');
	return rc;
}

/* The fields of a line, unquoted in place; *line is behind it. */
static size_t
split(char **line, char *end, const char *fields[FIELDS_MAX])
{
	char *p = *line, *to;
	size_t n = 0;
	bool quoted = false;

	fields[n++] = to = p;
	for (; p < end && (quoted || *p != '\n'); p++) {
		if (*p == '"') {
			quoted = !quoted;
		} else if (*p == ',' && !quoted) {
			*to++ = '\0';
			if (n < FIELDS_MAX)
				fields[n++] = to;
		} else if (*p != '\r') {
			*to++ = *p;
		}
	}
	*line = p < end ? p + 1 : end;
	*to = '\0';
	return n;
}

static bool
has_word(const char *name, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(name, *words))
			return true;
	return false;
}

static enum mine_class
class_of(const char *name)
{
	static const char *const software[] = { "agent", "kernel", "version",
		"app", "os_", "image", "software", NULL };
	static const char *const place[] = { "rack", "room", "row", "site",
		"place", "partition", NULL };

	if (has_word(name, software))
		return MINE_SOFTWARE;
	return has_word(name, place) ? MINE_PLACE : MINE_HARDWARE;
}

/* "agent:software" */
static int
set_attribute(struct loaded *l, size_t i, struct tc_err *e)
{
	const char *text = l->by_names[i], *colon = strchr(text, ':');
	struct mine_attribute *a = &l->attributes[i];
	int k = 0;

	(void)snprintf(l->names[i], sizeof(l->names[i]), "%.*s",
		colon ? (int)(colon - text) : 63, text);
	*a = (struct mine_attribute){ l->names[i], class_of(l->names[i]) };
	if (!colon)
		return 0;
	while (k <= MINE_PLACE && strcmp(mine_class_name((enum mine_class)k),
			colon + 1) != 0)
		k++;
	if (k > MINE_PLACE)
		return tc_fail(e, TC_EINVAL, "--by %s: no such class", text);
	a->class = (enum mine_class)k;
	return 0;
}

static int
find_column(const char *const *fields, size_t n, const char *name,
	uint32_t *out, struct tc_err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(fields[i], name) == 0) {
			*out = (uint32_t)i;
			return 0;
		}
	}
	return tc_fail(e, TC_EINVAL, "no column %s", name);
}

/* Of a table of ours, all that may be a cause. */
static void
choose_columns(struct loaded *l, const char *const *fields, size_t n)
{
	for (size_t i = 0; i < l->args->n_by; i++)
		l->by_names[i] = l->args->by[i];
	l->n_by = l->args->n_by;
	for (size_t i = 0; l->args->n_by == 0 && i < n &&
		l->n_by < MINE_ATTRIBUTES_MAX; i++)
		if (strcmp(fields[i], "serial_number") != 0 &&
		    strcmp(fields[i], "host") != 0 &&
		    strcmp(fields[i], "failure") != 0)
			l->by_names[l->n_by++] = fields[i];
}

static int
read_header(struct loaded *l, const char *const *fields, size_t n,
	struct tc_err *e)
{
	const char *failed = l->args->failed ? l->args->failed : "failure=1";
	const char *equals = strchr(failed, '=');
	int rc = 0;

	choose_columns(l, fields, n);
	for (size_t i = 0; i < l->n_by && rc == 0; i++) {
		if ((rc = set_attribute(l, i, e)) == 0)
			rc = find_column(fields, n, l->names[i], &l->by[i], e);
	}
	(void)snprintf(l->failed_name, sizeof(l->failed_name), "%.*s",
		equals ? (int)(equals - failed) : 63, failed);
	l->failed_value = equals ? equals + 1 : NULL;
	if (rc == 0)
		rc = find_column(fields, n, l->failed_name, &l->failed, e);
	l->id = NOWHERE;
	if (rc == 0 && l->args->id)
		rc = find_column(fields, n, l->args->id, &l->id, e);
	return rc;
}

static const char *
field(const char *const *fields, size_t n, uint32_t at)
{
	return at < n ? fields[at] : "";
}

/* The item of the row: a new one, or that of the same id. */
static struct mine_item *
item_of(struct loaded *l, const char *id)
{
	void *items = l->items, *seen = NULL;
	size_t n = strlen(id);
	char *key;

	if (id[0])
		seen = hash_get(&l->by_id, id, n);
	if (seen)
		return &l->items[(uintptr_t)seen - 1];
	if (mem_grow(&items, &l->cap, l->n + 1, sizeof(*l->items)) < 0)
		return NULL;
	l->items = items;
	memset(&l->items[l->n], 0, sizeof(*l->items));
	if (id[0]) {
		key = arena_strndup(&l->memory, id, n);
		if (!key || hash_put(&l->by_id, key, n,
				(void *)(uintptr_t)(l->n + 1)) < 0)
			return NULL;
	}
	return &l->items[l->n++];
}

static int
read_row(struct loaded *l, const char *const *fields, size_t n,
	struct tc_err *e)
{
	const char *failed = field(fields, n, l->failed);
	struct mine_item *item = item_of(l, field(fields, n, l->id));

	if (!item)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	item->failed |= l->failed_value ? strcmp(failed, l->failed_value) == 0 :
		failed[0] != '\0' && strcmp(failed, "0") != 0;
	for (size_t i = 0; i < l->n_by; i++) {
		const char *v = field(fields, n, l->by[i]);

		if (!v[0])
			continue;
		item->value[i] = intern_put(&l->values[i], v, strlen(v));
		if (item->value[i] == 0)
			return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	return 0;
}

static int
load(struct loaded *l, struct tc_err *e)
{
	const char **fields = mem_alloc_array(FIELDS_MAX, sizeof(*fields));
	char *p, *end;
	size_t n;
	int rc;

	if (!fields)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	rc = l->args->db ? drives_table(l->args->db, l->args->hosts, &l->text,
		e) : slurp(l->args->data, &l->text, e);
	if (rc < 0)
		goto out;
	p = l->text.p;
	end = p + l->text.n;
	n = split(&p, end, fields);
	rc = read_header(l, fields, n, e);
	while (rc == 0 && p < end) {
		n = split(&p, end, fields);
		if (n > 1 || fields[0][0])
			rc = read_row(l, fields, n, e);
	}
	if (rc < 0)
		rc = tc_wrap(e, "%s", l->args->db ? l->args->db :
			l->args->data);
out:
	mem_free(fields);
	return rc;
}

/* The same labels on other things; the same every time. */
static void
shuffle(struct loaded *l)
{
	for (size_t i = l->n; i > 1; i--) {
		size_t k = (size_t)(hash_bytes(&i, sizeof(i), 42) % i);
		bool failed = l->items[i - 1].failed;

		l->items[i - 1].failed = l->items[k].failed;
		l->items[k].failed = failed;
	}
}

/* ---- the report ---------------------------------------------------------- */

static void
put_name(struct strbuf *sb, const struct loaded *l,
	const struct mine_finding *f, int i)
{
	const char *value = intern_name(&l->values[f->attribute[i]],
		f->value[i]);

	strbuf_printf(sb, "%s%s=%.60s", i ? " and " : "",
		l->names[f->attribute[i]], value ? value : "");
}

static void
put_text(struct strbuf *sb, const struct loaded *l,
	const struct mine_report *r)
{
	strbuf_printf(sb, "%llu things, %llu failed (%.2f %%); %llu groups looked "
		"at\n", (unsigned long long)r->items,
		(unsigned long long)r->failed, r->items ? 100 *
		(double)r->failed / (double)r->items : 0.0,
		(unsigned long long)r->groups);
	if (r->n == 0)
		strbuf_puts(sb, "no pattern that chance would not make\n");
	else
		strbuf_printf(sb, "%15s %6s %17s %8s  %-8s %s\n", "failed of",
			"ratio", "(95 %)", "q", "class", "where");
	for (size_t i = 0; i < r->n && i < SHOWN; i++) {
		const struct mine_finding *f = &r->findings[i];

		strbuf_printf(sb, "%7llu/%-7llu %6.2f (%6.2f -%6.2f) %8.1e  %-8s ",
			(unsigned long long)f->failed,
			(unsigned long long)f->items, f->ratio, f->low,
			f->high, f->q, mine_class_name(f->class));
		put_name(sb, l, f, 0);
		if (f->attribute[1] != UINT32_MAX)
			put_name(sb, l, f, 1);
		strbuf_putc(sb, '\n');
	}
	if (r->n > SHOWN)
		strbuf_printf(sb, "and %zu more\n", r->n - SHOWN);
}

static void
json_text(struct strbuf *sb, const char *text)
{
	strbuf_putc(sb, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20)
			strbuf_printf(sb, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			strbuf_printf(sb, "\\%c", c);
		else
			strbuf_putc(sb, (char)c);
	}
	strbuf_putc(sb, '"');
}

static void
json_finding(struct strbuf *sb, const struct loaded *l,
	const struct mine_finding *f)
{
	strbuf_puts(sb, "{\"where\":{");
	for (int i = 0; i < 2 && f->attribute[i] != UINT32_MAX; i++) {
		const char *value = intern_name(&l->values[f->attribute[i]],
			f->value[i]);

		if (i)
			strbuf_putc(sb, ',');
		json_text(sb, l->names[f->attribute[i]]);
		strbuf_putc(sb, ':');
		json_text(sb, value ? value : "");
	}
	strbuf_printf(sb, "},\"class\":\"%s\",\"items\":%llu,\"failed\":%llu,"
		"\"ratio\":%.6g,\"low\":%.6g,\"high\":%.6g,\"p\":%.6g,"
		"\"q\":%.6g}", mine_class_name(f->class),
		(unsigned long long)f->items, (unsigned long long)f->failed,
		f->ratio, f->low, f->high, f->p, f->q);
}

static void
put_json(struct strbuf *sb, const struct loaded *l,
	const struct mine_report *r)
{
	strbuf_printf(sb, "{\"items\":%llu,\"failed\":%llu,\"groups\":%llu,"
		"\"findings\":[", (unsigned long long)r->items,
		(unsigned long long)r->failed, (unsigned long long)r->groups);
	for (size_t i = 0; i < r->n; i++) {
		if (i)
			strbuf_putc(sb, ',');
		json_finding(sb, l, &r->findings[i]);
	}
	strbuf_puts(sb, "]}\n");
}

static int
mine_and_print(struct loaded *l, struct tc_err *e)
{
	struct mine_input in = mine_defaults();
	struct mine_report r;
	struct strbuf sb = { 0 };
	int rc;

	in.attributes = l->attributes;
	in.n_attributes = l->n_by;
	in.items = l->items;
	in.n_items = l->n;
	in.pairs = !l->args->single;
	if ((rc = mine_run(&in, &r, e)) < 0)
		return rc;
	if (l->args->json)
		put_json(&sb, l, &r);
	else
		put_text(&sb, l, &r);
	if (sb.failed)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else if (fputs(strbuf_str(&sb), stdout) < 0 || fflush(stdout) != 0)
		rc = tc_fail_errno(e, errno, "standard output");
	strbuf_free(&sb);
	mine_free(&r);
	return rc;
}

static int
run(const struct args *a, struct tc_err *e)
{
	struct loaded *l = MEM_NEW(struct loaded);
	int rc;

	if (!l)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	l->args = a;
	if ((rc = load(l, e)) == 0) {
		if (a->shuffle)
			shuffle(l);
		rc = mine_and_print(l, e);
	}
	for (size_t i = 0; i < MINE_ATTRIBUTES_MAX; i++)
		intern_free(&l->values[i]);
	hash_free(&l->by_id);
	arena_free(&l->memory);
	strbuf_free(&l->text);
	mem_free(l->items);
	mem_free(l);
	return rc;
}

int
verb_mine(struct cli *c, struct tc_err *e)
{
	const struct cli_options *o = &c->opt;
	struct args a = { .data = o->data.n > 0 ? o->data.items[0] : NULL,
		.n_data = o->data.n, .db = o->db, .by = o->by.items, .n_by = o->by.n,
		.failed = o->failed, .id = o->id, .single = o->single,
		.shuffle = o->shuffle, .hosts = o->of_hosts,
		.json = c->out.format == OUT_JSON };
	int rc = check_args(&a, e);

	if (rc < 0)
		return rc;
	return run(&a, e) < 0 ? CLI_ERROR : CLI_OK;
}
