/*
 * The conformance kit finds what is wrong with a plugin, and nothing wrong
 * with a good one.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "probe/kit.h"
#include "t/lib/story.h"

struct told {
	const char *want;	/* a title, or NULL */
	bool found;
	char title[64];
	char what[256];
	int n;
};

static void
tell(void *arg, const char *title, const char *what)
{
	struct told *t = arg;

	t->n++;
	/* On a busy machine calls may be slow besides. */
	if (what != NULL && t->want != NULL && strcmp(title, t->want) == 0)
		t->found = true;
	if (what == NULL || t->title[0] != '\0')
		return;
	snprintf(t->title, sizeof(t->title), "%s", title);
	snprintf(t->what, sizeof(t->what), "%s", what);
}

static int
try(const char *dir, const char *name, struct told *t)
{
	const char *build = getenv("top_builddir");
	struct kit_conf conf = { .address = "127.0.0.1", .tell = tell,
		.arg = t };
	struct tc_err e = { 0 };
	char path[4096];
	int rc;

	*t = (struct told){ .want = t->want };
	snprintf(path, sizeof(path), "%s/%s/.libs/%s.so",
		build != NULL ? build : ".", dir, name);
	conf.path = path;
	rc = kit_test_apart(&conf, 8, &e);
	ck_assert_msg(rc >= 0, "%s: %s", name, e.text);
	return rc;
}

START_TEST(every_seeded_defect_is_found)
{
	static const struct {
		const char *name, *title;
	} cases[] = {
		{ "kit_undeclared", "metrics" }, { "kit_wrong_slot", "reports" },
		{ "kit_twice", "reports" }, { "kit_silent", "reports" },
		{ "kit_blocks", "calls on the loop" },
		{ "kit_burns", "calls on the loop" },
		{ "kit_leaks_fd", "descriptors" },
		{ "kit_leaks_thread", "threads" },
		{ "kit_leaks_memory", "memory" },
		{ "kit_after_cancel", "cancel" }, { "kit_mismatch", "outcomes" },
		{ "kit_reason", "outcomes" }, { "kit_stale", "reports" },
		{ "kit_crashes", "survival" }, { "kit_exits", "survival" },
		{ "kit_hangs", "survival" }, { "kit_signals", "the process" },
		{ "kit_leftover", "close" }, { "kit_infinite", "metrics" },
		{ "kit_everything", "descriptor" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct told t = { .want = cases[i].title };
		int n = try("t/plugins/kit", cases[i].name, &t);

		/* What it allocates the kit cannot see there. */
		if (STORY_ASAN &&
		    strcmp(cases[i].name, "kit_leaks_memory") == 0)
			continue;
		ck_assert_msg(n > 0 && t.found,
			"%s: %d defects, %s: %s", cases[i].name, n, t.title,
			t.what);
	}
}
END_TEST

START_TEST(what_cannot_be_loaded_is_a_defect)
{
	static const char *const names[] = { "bad_major", "bad_minor",
		"bad_size", "bad_name", "bad_form", "bad_option", "bad_metric",
		"bad_symbol" };
	struct told t;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		t.want = NULL;
		ck_assert_int_eq(try("t/plugins", names[i], &t), 1);
		ck_assert_str_eq(t.title, "descriptor");
	}
}
END_TEST

/*
 * A plugin of ABI 1.0 is sound here; one of an ABI to come is refused by its
 * version, before anything else of it is read.
 */
START_TEST(r152_an_old_plugin_conforms_and_a_newer_one_is_refused_by_version)
{
	struct told t = { .want = NULL };
	int n = 1;

	for (int tries = 0; n != 0 && tries < 5; tries++)
		n = try("t/plugins/kit", "kit_old", &t);
	ck_assert_msg(n == 0, "%s: %s", t.title, t.what);
	ck_assert_int_ge(t.n, 10);
	ck_assert_int_eq(try("t/plugins", "bad_minor", &t), 1);
	ck_assert_msg(strstr(t.what, "is for ABI 1.2, this is 1.1") != NULL,
		"%s", t.what);
	ck_assert_int_eq(try("t/plugins", "bad_major", &t), 1);
	ck_assert_msg(strstr(t.what, "is for ABI 2.0") != NULL, "%s", t.what);
}
END_TEST

START_TEST(good_plugins_have_no_defects)
{
	static const struct { const char *dir, *name; } cases[] = {
		{ "t/plugins/kit", "kit_good" }, { "probes/tcp", "tcp" },
		{ "probes/cpu", "cpu" }, { "probes/memory", "memory" },
		{ "probes/net", "net" }, { "probes/disk", "disk" },
	};
	struct told t;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int n = 1;

		/* Others may hold the processor while a call is timed. */
		t.want = NULL;
		for (int tries = 0; n != 0 && tries < 5; tries++)
			n = try(cases[i].dir, cases[i].name, &t);

		ck_assert_msg(n == 0, "%s: %s: %s", cases[i].name, t.title,
			t.what);
		ck_assert_int_ge(t.n, 10);
	}
}
END_TEST

int
main(void)
{
	return STORIES("kit", every_seeded_defect_is_found,
		what_cannot_be_loaded_is_a_defect,
		r152_an_old_plugin_conforms_and_a_newer_one_is_refused_by_version,
		good_plugins_have_no_defects);
}
