/*
 * tocsin repair: a host out of service and back, step by step, and what the
 * diagnosis found.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "wire/json_write.h"

static const char usage[] = "tocsin repair HOST STEP, such as quarantined, or "
	"HOST MEMBER=VALUE..., such as memory=bad result=repaired";

/* "memory=bad" as a member; false without '='. */
static bool
put_member(struct json_write *w, struct arena *a, const char *word)
{
	const char *eq = strchr(word, '=');
	const char *name = eq == NULL || eq == word ? NULL :
		arena_strndup(a, word, (size_t)(eq - word));

	if (name != NULL)
		json_add_str(w, name, eq + 1);
	return name != NULL;
}

static int
put_body(struct cli *c, bool is_step, struct strbuf *body, struct tc_err *e)
{
	struct json_write w;

	json_begin(&w, body);
	json_put_object(&w);
	if (is_step)
		json_add_str(&w, "disposition", c->rest.operands[1]);
	for (size_t i = 1; !is_step && i < c->rest.n; i++)
		if (!put_member(&w, &c->arena, c->rest.operands[i]))
			return tc_fail(e, TC_EINVAL, "%s", usage);
	json_put_end(&w);
	return 0;
}

static void
say_diagnosis(struct cli *c, const struct doc *d)
{
	static const char *const members[] = { "memory", "disk", "nic", "psu",
		"firmware", "result", "ticket", "note", "by" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		out_pair(&c->out, members[i], doc_text(d, members[i]));
}

int
verb_repair(struct cli *c, struct tc_err *e)
{
	const char *host = c->rest.operands[0];
	bool is_step = c->rest.n == 2 &&
		strchr(c->rest.operands[1], '=') == NULL;
	struct strbuf path = {0}, body = {0};
	struct doc *reply;
	int rc;

	strbuf_puts(&path, "/v1/hosts/");
	api_escape(&path, host);
	if (!is_step)
		strbuf_puts(&path, "/diagnosis");
	rc = put_body(c, is_step, &body, e);
	if (rc == 0)
		rc = api_send(c, "PATCH", strbuf_str(&path), &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		if (is_step)
			out_say(&c->out, "%s is %s\n", doc_text(reply, "name"),
				doc_text(reply, "disposition"));
		else
			say_diagnosis(c, doc_get(reply, "diagnosis"));
	}
	strbuf_free(&path);
	strbuf_free(&body);
	return rc;
}
