/*
 * tocsin artifact: crash reports and logs, kept with a host.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"

#define FILE_MAX (UINT64_C(64) << 20)	/* the server says what it takes */

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void
path_of(struct strbuf *path, const char *host)
{
	strbuf_puts(path, "/v1/hosts/");
	api_escape(path, host);
	strbuf_puts(path, "/artifacts");
}

static int
put(struct cli *c, const char *host, const char *file, struct tc_err *e)
{
	struct strbuf path = {0}, body = {0};
	const struct doc *gone;
	struct doc *r;
	int rc = file_slurp(file, FILE_MAX, &body, e);

	if (rc == 0) {
		path_of(&path, host);
		strbuf_puts(&path, "?name=");
		api_escape(&path, base_of(file));
		rc = api_send(c, "POST", strbuf_str(&path), &body, &r, e);
	}
	strbuf_free(&path);
	strbuf_free(&body);
	if (rc < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "kept as artifact %s of %s, sha256 %s\n",
		doc_text(r, "id"), doc_text(r, "host"), doc_text(r, "sha256"));
	gone = doc_get(r, "removed");
	for (const struct doc *id = gone ? gone->first : NULL; id;
	     id = id->next)
		out_say(&c->out, "artifact %s went to make room\n", id->text);
	out_pair(&c->out, "id", doc_text(r, "id"));
	out_pair(&c->out, "sha256", doc_text(r, "sha256"));
	return CLI_OK;
}

static int
list(struct cli *c, const char *host, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "id", "ID", true, false },
		{ "at", "WHEN", false, false },
		{ "bytes", "BYTES", true, false },
		{ "name", "NAME", false, false },
		{ "by", "BY", false, false },
		{ "sha256", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	struct strbuf path = {0};
	const struct doc *items;
	struct doc *r;
	int rc;

	path_of(&path, host);
	rc = api_get(c, strbuf_str(&path), &r, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	items = doc_get(r, "items");
	for (const struct doc *a = items ? items->first : NULL; a;
	     a = a->next) {
		table_row(&t);
		show_text(&t, 0, a, "id");
		show_age(c, &t, 1, a, "at");
		show_text(&t, 2, a, "bytes");
		show_text(&t, 3, a, "name");
		show_text(&t, 4, a, "by");
		show_text(&t, 5, a, "sha256");
	}
	table_print(&t, &c->out);
	if (!items || items->n == 0)
		out_say(&c->out, "%s has no artifacts\n", host);
	table_free(&t);
	return CLI_OK;
}

int
verb_artifact(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.operands[0];

	if (strcmp(what, "list") == 0 && c->rest.n == 2)
		return list(c, c->rest.operands[1], e);
	if (strcmp(what, "put") == 0 && c->rest.n == 3)
		return put(c, c->rest.operands[1], c->rest.operands[2], e);
	return tc_fail(e, TC_EINVAL, "tocsin artifact list HOST, or put HOST "
		"FILE");
}
