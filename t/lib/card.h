/*
 * The additive card for tests: a pack whose every bin can be read on one page.
 */
#ifndef TOCSIN_T_LIB_CARD_H
#define TOCSIN_T_LIB_CARD_H

#include <check.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "predict/builtin.h"
#include "predict/rules.h"

static inline struct pack *
card_load_file(const char *file, struct strbuf *text)
{
	const char *src = getenv("top_srcdir");
	struct strbuf path = { 0 };
	struct pack *pack = NULL;
	struct tc_err e = { 0 };

	strbuf_printf(&path, "%s/%s", src ? src : ".", file);
	ck_assert_msg(file_slurp(strbuf_str(&path), 0, text, &e) == 0, "%s",
		e.text);
	ck_assert_msg(pack_parse(text->p, text->n, &pack, &e) == 0, "%s",
		e.text);
	strbuf_free(&path);
	return pack;
}

static inline struct pack *
card_load(struct strbuf *text)
{
	return card_load_file("predict/rules/additive-card.json", text);
}

/* Looks at weeks, peers and other counters. */
static inline struct pack *
card_beside(void)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load_file("t/fuzz/seeds/pack/beside.json",
		&text);

	strbuf_free(&text);
	return pack;
}

static inline struct pack *
card_new(void)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load(&text);

	strbuf_free(&text);
	return pack;
}

/* The card that is built in. */
static inline struct pack *
card_builtin(void)
{
	struct pack *pack = NULL;

	ck_assert_int_eq(pack_builtin(&pack, NULL), 0);
	return pack;
}

#endif
