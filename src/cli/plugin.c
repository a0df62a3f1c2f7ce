/*
 * tocsin plugin test PATH [OPTION=VALUE…]: does a plugin keep to the rules.
 */
#include "cli/cli.h"

#include <string.h>

#include "probe/kit.h"
#include "wire/json_write.h"

#define PATIENCE_S 120

struct trial {
	struct cli *cli;
	struct json_write json;
	unsigned n;
};

static void
tell(void *arg, const char *title, const char *what)
{
	struct trial *t = arg;
	struct out *o = &t->cli->out;

	t->n++;
	switch (o->format) {
	case OUT_TEXT:
		out_paint(o, what != NULL ? PAINT_BAD : PAINT_GOOD, "%-6s",
			what != NULL ? "wrong" : "good");
		out_say(o, "%s%s%s\n", title, what != NULL ? ": " : "",
			what != NULL ? what : "");
		return;
	case OUT_KV:
		out_pair(o, title, what != NULL ? what : "good");
		return;
	case OUT_JSON:
		json_put_object(&t->json);
		json_add_str(&t->json, "title", title);
		json_add_bool(&t->json, "good", what == NULL);
		if (what != NULL)
			json_add_str(&t->json, "what", what);
		json_put_end(&t->json);
		return;
	}
}

int
verb_plugin(struct cli *c, struct tc_err *e)
{
	struct trial t = { .cli = c };
	struct kit_conf conf = { .address = c->opt.address, .tell = tell,
		.arg = &t };
	int defects;

	if (strcmp(c->rest.operands[0], "test") != 0 || c->rest.n < 2)
		return tc_fail(e, TC_EINVAL, "plugin test PATH [OPTION=VALUE]");
	conf.path = c->rest.operands[1];
	conf.set = c->rest.operands + 2;
	conf.n_set = c->rest.n - 2;
	if (c->out.format == OUT_JSON) {
		json_begin(&t.json, &c->out.text);
		json_put_object(&t.json);
		json_add_array(&t.json, "items");
	}
	defects = kit_test_apart(&conf, PATIENCE_S, e);
	if (defects < 0)
		return defects;
	if (c->out.format == OUT_JSON) {
		json_put_end(&t.json);
		json_put_end(&t.json);
		strbuf_putc(&c->out.text, '\n');
	}
	out_say(&c->out, "%u tried, %d wrong\n", t.n, defects);
	return defects > 0 ? CLI_ERROR : CLI_OK;
}
