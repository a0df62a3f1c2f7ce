/* Command lines as rows. */
#include <string.h>

#include "base/args.h"
#include "t/lib/story.h"

struct conf {
	const char *server;
	const char *host;
	struct dur interval;
	uint64_t size;
	uint64_t n;
	bool once;
	bool json;
	const char *files[2];
	struct arg_list data;
};

#define AT(field) offsetof(struct conf, field)
static const struct arg rows[] = {
	{ "server", ARG_STRING, AT(server), "URL", "http://x", "where it is" },
	{ "interval", ARG_DUR, AT(interval), "DUR", "15s", "how often" },
	{ "spool-max", ARG_SIZE, AT(size), "SIZE", "64MiB", "how much" },
	{ "once", ARG_FLAG, AT(once), NULL, NULL, "one round" },
	{ .name = NULL }
};
static const struct arg host_rows[] = {
	{ "host", ARG_STRING, AT(host), "NAME", NULL, "which" },
	{ "limit", ARG_COUNT, AT(n), "N", "100", "at most" },
	{ "data", ARG_LIST, AT(data), "FILE[:COLUMN[=VALUE]]", NULL,
		"what is read, one file after the other, each of them to its "
		"end, and then no more" },
	{ .name = NULL }
};
static const struct arg_verb verbs[] = {
	{ "status", "", 0, 0, "how it is", NULL },
	{ "explain", "HOST", 1, 1, "why", host_rows },
	{ .name = NULL }
};
static const struct arg_program plain = { .name = "plain", .section = 8,
	.version = "1", .date = "2026-01-01", .help = "does things",
	.about = "It does.", .rows = rows };
static const struct arg_program verbal = { .name = "verbal", .section = 1,
	.version = "1", .date = "2026-01-01", .help = "says things",
	.about = "First.\n\n.dot\n\nterm\tmeaning", .rows = rows,
	.verbs = verbs };

static int
parse(const struct arg_program *p, const char *line, struct conf *c,
	struct arg_rest *rest, struct tc_err *e)
{
	static char text[512];
	static char *argv[32];
	int argc = 0;
	char *save = NULL;

	*c = (struct conf){0};
	c->data = (struct arg_list){ c->files, 0, ARRAY_LEN(c->files) };
	memcpy(text, line, strlen(line) + 1);
	for (char *w = strtok_r(text, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return args_parse(p, argc, argv, c, rest, e);
}

START_TEST(rows_are_filled_by_name)
{
	struct conf c;
	struct arg_rest rest;
	struct tc_err e;

	ck_assert_int_eq(parse(&plain, "plain --once --interval 1m "
		"--server=http://h:1 --spool-max=1KiB", &c, &rest, &e), 0);
	ck_assert(c.once);
	ck_assert_int_eq(c.interval.ns, dur_s(60).ns);
	ck_assert_str_eq(c.server, "http://h:1");
	ck_assert_uint_eq(c.size, 1024);
	ck_assert_int_eq(parse(&plain, "plain", &c, &rest, &e), 0);
	ck_assert(!c.once);
	ck_assert_int_eq(c.interval.ns, dur_s(15).ns);
	ck_assert_str_eq(c.server, "http://x");
}
END_TEST

START_TEST(a_verb_brings_its_own_rows_and_operands)
{
	struct conf c;
	struct arg_rest rest;
	struct tc_err e;

	ck_assert_int_eq(parse(&verbal, "verbal --once explain h1 --limit 5 "
		"--server=z", &c, &rest, &e), 0);
	ck_assert_str_eq(rest.verb->name, "explain");
	ck_assert_uint_eq(rest.n, 1);
	ck_assert_str_eq(rest.operands[0], "h1");
	ck_assert_uint_eq(c.n, 5);
	ck_assert(c.once);
	ck_assert_int_eq(parse(&verbal, "verbal explain -- --once", &c, &rest,
		&e), 0);
	ck_assert_str_eq(rest.operands[0], "--once");
	ck_assert_int_eq(parse(&verbal, "verbal", &c, &rest, &e), 0);
	ck_assert_ptr_null(rest.verb);
}
END_TEST

START_TEST(a_list_grows_each_time_it_is_given)
{
	struct conf c;
	struct arg_rest rest;
	struct tc_err e;

	ck_assert_int_eq(parse(&verbal, "verbal explain --data a h1 --data=b",
		&c, &rest, &e), 0);
	ck_assert_uint_eq(c.data.n, 2);
	ck_assert_str_eq(c.data.items[0], "a");
	ck_assert_str_eq(c.data.items[1], "b");
	ck_assert_int_eq(parse(&verbal, "verbal explain h1", &c, &rest, &e), 0);
	ck_assert_uint_eq(c.data.n, 0);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	static const struct { const char *line; const char *want; } bad[] = {
		{ "verbal statsu", "statsu: no such command; status?" },
		{ "verbal frobnicate", "frobnicate: no such command" },
		{ "verbal status --serer=x", "--serer=x: no such option" },
		{ "verbal status --serve x", "--serve: no such option; "
			"--server?" },
		{ "verbal status --limit 5", "--limit: no such option" },
		{ "verbal status -x", "-x: no such option" },
		{ "verbal status h1", "h1: one word too many" },
		{ "verbal explain", "verbal explain needs HOST" },
		{ "verbal explain a b", "b: one word too many" },
		{ "verbal explain a --limit -1", "--limit: '-1' is no count" },
		{ "verbal --once=1 status", "--once takes no value" },
		{ "verbal status --server", "--server needs URL" },
		{ "verbal status --server=", "--server: empty" },
		{ "verbal status --interval 0", "--interval: must be more" },
		{ "verbal status --interval 5x", "--interval: " },
		{ "verbal explain a --data=", "--data: empty" },
		{ "verbal explain a --data b --data c --data d",
			"--data: at most 2" },
	};
	struct conf c;
	struct arg_rest rest;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tc_err e = {0};

		ck_assert_int_lt(parse(&verbal, bad[i].line, &c, &rest, &e), 0);
		ck_assert_msg(strstr(e.text, bad[i].want) != NULL,
			"%s: said '%s'", bad[i].line, e.text);
	}
}
END_TEST

START_TEST(help_manual_and_completion_come_from_the_rows)
{
	struct strbuf sb = {0};

	args_help(&verbal, NULL, &sb);
	ck_assert_ptr_nonnull(strstr(sb.p, "explain HOST  why\n"));
	ck_assert_ptr_nonnull(strstr(sb.p, "--interval DUR    how often (15s)"));
	strbuf_reset(&sb);
	args_help(&verbal, &verbs[1], &sb);
	ck_assert_ptr_nonnull(strstr(sb.p, "usage: verbal explain HOST"));
	ck_assert_ptr_nonnull(strstr(sb.p, "--limit N"));
	/* beside, in 80 columns; what is wide has it below */
	ck_assert_ptr_nonnull(strstr(sb.p, "  --data FILE[:COLUMN[=VALUE]]\n"
		"                           what is read, one file after the other, "
		"each of them\n"
		"                           to its end, and then no more\n"));
	strbuf_reset(&sb);
	args_man(&verbal, &sb);
	ck_assert_ptr_nonnull(strstr(sb.p, ".TH VERBAL 1 2026-01-01"));
	ck_assert_ptr_nonnull(strstr(sb.p, ".PP\n\\&.dot\n"));
	ck_assert_ptr_nonnull(strstr(sb.p, ".TP\n.B term\nmeaning\n"));
	ck_assert_ptr_nonnull(strstr(sb.p, ".B \\-\\-limit \\fIN\\fP"));
	strbuf_reset(&sb);
	args_completion(&verbal, &sb);
	ck_assert_ptr_nonnull(strstr(sb.p, "explain) words+=\" --host --limit --data\""));
	strbuf_free(&sb);
}
END_TEST

int
main(void)
{
	return STORIES("args", rows_are_filled_by_name,
		a_verb_brings_its_own_rows_and_operands,
		a_list_grows_each_time_it_is_given,
		what_is_wrong_is_said,
		help_manual_and_completion_come_from_the_rows);
}
