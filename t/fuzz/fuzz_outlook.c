/* Rules for hosts, saved signals and declared groups from anybody: refused with
 * a place, or usable.  The first byte says which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "predict/outlook.h"
#include "predict/redundancy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_rules(const char *text, size_t n, const struct signals *s)
{
	static struct outlook_pack pack;
	static struct verdict v, again;
	struct tc_err e = { 0 };

	if (outlook_parse(text, n, &pack, &e) < 0) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	outlook_judge(&pack, s, wall_from_days(20001), &v);
	if (outlook_recompute(&pack, &v, &again, &e) < 0 ||
	    again.level != v.level || again.score != v.score)
		abort();
}

static void
try_signals(const uint8_t *data, size_t size)
{
	struct strbuf out = { 0 };
	struct signals s = { 0 };

	if (signals_restore(data, size, &s, NULL) < 0)
		return;
	for (int i = 0; i < SIGNAL_N; i++)
		for (int k = 0; k < SIGNAL_STAT_N; k++)
			(void)signals_get(&s, (enum signal)i,
				(enum signal_stat)k, wall_from_days(20001));
	signals_event(&s, SIGNAL_FAILURES, wall_from_days(20001));
	if (signals_save(&s, &out) < 0)
		abort();
	strbuf_free(&out);
	signals_free(&s);
}

static void
try_groups(const char *text)
{
	struct redundancy r;
	struct tc_err e = { 0 };

	if (redundancy_parse(text, &r, &e) < 0) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	if (redundancy_group_of(&r, "S1", "5000C500") > REDUNDANCY_GROUPS_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signals s = { 0 };
	char *text;

	if (size == 0)
		return 0;
	text = mem_strndup((const char *)data + 1, size - 1);
	if (text == NULL)
		return 0;
	signals_event(&s, SIGNAL_FAILURES, wall_from_days(20000));
	if (data[0] == 'j')
		try_rules(text, size - 1, &s);
	else if (data[0] == 's')
		try_signals(data + 1, size - 1);
	else
		try_groups(text);
	mem_free(text);
	signals_free(&s);
	return 0;
}
