/* The parts of the agent that need no machine. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/gather.h"
#include "agent/ident.h"
#include "agent/life.h"
#include "agent/pending.h"
#include "t/lib/story.h"
#include "wire/batch.h"

#define NOW (struct wall){ 1767225600123 }

START_TEST(runs_keep_their_place_on_the_clock)
{
	struct dur every = dur_s(15);
	struct mono at = { 0 };
	struct mono next = gather_next((struct mono){ 7 }, every, 12345);

	ck_assert_int_eq(next.ns % every.ns, 12345);
	for (int i = 0; i < 100; i++) {
		at = next;
		/* called late, by up to most of an interval */
		next = gather_next(mono_add(at, dur_ms(i * 149)), every, 12345);
		ck_assert_int_eq(next.ns - at.ns, every.ns);
	}
	/* exactly on time: not twice */
	ck_assert_int_eq(gather_next(at, every, 12345).ns, at.ns + every.ns);
	/* asleep for an hour: one run, not many */
	next = gather_next(mono_add(at, dur_s(3601)), every, 12345);
	ck_assert_int_gt(next.ns, at.ns + dur_s(3601).ns);
	ck_assert_int_le(next.ns, at.ns + dur_s(3616).ns);
	ck_assert_int_gt(gather_next((struct mono){ 0 }, every,
		UINT64_MAX).ns, 0);
}
END_TEST

START_TEST(numbers_of_batches_rise_and_differ)
{
	char a[IDENT_TEXT], b[IDENT_TEXT];

	ident_batch(NOW, a);
	ident_batch(NOW, b);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(strncmp(a, "019b76da-a87b-7", 15), 0);
	ck_assert_ptr_nonnull(strchr("89ab", a[19]));
	ident_batch(wall_add(NOW, dur_ms(1)), b);
	ck_assert_int_lt(strcmp(a, b), 0);
}
END_TEST

struct seen {
	size_t batches;
	size_t items;
	char last_id[IDENT_TEXT];
	int rc;
};

static int
take(void *arg, const struct batch *b, const struct strbuf *text)
{
	struct seen *seen = arg;
	struct batch back = {0};
	struct tc_err e = {0};

	ck_assert_str_ne(b->id, seen->last_id);
	memcpy(seen->last_id, b->id, IDENT_TEXT);
	seen->batches++;
	seen->items += b->n;
	ck_assert_uint_le(text->n, PENDING_BODY_MAX + 4096);
	ck_assert_msg(batch_parse(text->p, text->n, &back, &e) == 0, "%s",
		e.text);
	ck_assert_uint_eq(back.n, b->n);
	arena_free(&back.arena);
	return seen->rc;
}

static struct observation
observation(const char *text, const struct metric *metrics, size_t n)
{
	return (struct observation){ .probe = "cpu", .at = NOW, .text = text,
		.device = { "", "", "", "" }, .metrics = metrics,
		.n_metrics = n };
}

START_TEST(a_batch_holds_copies)
{
	struct pending p = {0};
	struct seen seen = {0};
	char text[] = "before";
	struct observation ob = observation(text, NULL, 0);

	ck_assert_int_eq(pending_add(&p, &ob), 0);
	memcpy(text, "after!", 6);
	ck_assert_str_eq(p.items[0].text, "before");
	ck_assert_uint_eq(pending_flush(&p, "h1", NOW, take, &seen), 0);
	ck_assert_uint_eq(seen.batches, 1);
	ck_assert_uint_eq(p.n, 0);
	ck_assert_uint_eq(pending_flush(&p, "h1", NOW, take, &seen), 0);
	ck_assert_uint_eq(seen.batches, 1);
	pending_free(&p);
}
END_TEST

START_TEST(much_becomes_several_batches)
{
	struct metric *m = calloc(4000, sizeof(*m));
	char (*label)[64] = calloc(4000, sizeof(*label));
	struct pending p = {0};
	struct seen seen = { .rc = -1 };
	struct observation ob = observation("", m, 4000);

	for (int i = 0; i < 4000; i++) {
		snprintf(label[i], sizeof(label[i]), "device=\"disk-%d\"", i);
		m[i] = (struct metric){ .name = "disk_read_seconds_total",
			.instance = label[i], .v.f64 = i + 0.123456789 };
	}
	for (int i = 0; i < 9; i++)
		ck_assert_int_eq(pending_add(&p, &ob), 0);
	ck_assert_uint_eq(pending_flush(&p, "h1", NOW, take, &seen),
		seen.batches);
	ck_assert_uint_gt(seen.batches, 1);
	ck_assert_uint_eq(seen.items, 9);
	pending_free(&p);
	free(label);
	free(m);
}
END_TEST

struct house {
	char dir[64];
	char state[96];
	struct tc_err e;
};

static struct house
house_new(void)
{
	struct house h = { .dir = "/tmp/tocsin-life-XXXXXX" };

	ck_assert_ptr_nonnull(mkdtemp(h.dir));
	snprintf(h.state, sizeof(h.state), "%s/agent.state", h.dir);
	return h;
}

static void
house_free(struct house *h)
{
	char path[96];

	unlink(h->state);
	snprintf(path, sizeof(path), "%s/agent.lock", h->dir);
	unlink(path);
	rmdir(h->dir);
}

START_TEST(an_end_without_a_goodbye_is_found)
{
	struct house h = house_new();
	struct life life;
	char words[128];

	ck_assert_int_eq(life_begin(&life, h.dir, NOW, &h.e), 0);
	ck_assert_int_eq(life.before, LIFE_NONE);
	ck_assert_int_eq(life_begin(&life, h.dir, NOW, &h.e), 0);
	ck_assert_int_eq(life.before, LIFE_CRASHED);
	ck_assert_int_eq(life_end(&life, "SIGTERM", NOW, &h.e), 0);
	ck_assert_int_eq(life_begin(&life, h.dir, NOW, &h.e), 0);
	ck_assert_int_eq(life.before, LIFE_STOPPED);
	ck_assert_str_eq(life.reason, "SIGTERM");
	life_words(&life, words, sizeof(words));
	ck_assert_str_eq(words, "the run before stopped: SIGTERM, "
		"2026-01-01T00:00:00.123Z");
	house_free(&h);
}
END_TEST

START_TEST(a_fall_of_the_machine_is_not_one_of_the_agent)
{
	static const struct { const char *text; enum life_before want; } rows[] = {
		{ "v1 running 00000000-0000-0000-0000-000000000000 5 -\n",
			LIFE_MACHINE_DOWN },
		{ "v1 stopped 00000000-0000-0000-0000-000000000000 5 once\n",
			LIFE_STOPPED },
		{ "v2 running x 5 -\n", LIFE_NONE },
		{ "v1 running", LIFE_NONE },
		{ "", LIFE_NONE },
		{ "\xff\xfe\x01", LIFE_NONE },
	};
	struct house h = house_new();
	struct life life;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *f = fopen(h.state, "w");

		fputs(rows[i].text, f);
		fclose(f);
		ck_assert_int_eq(life_begin(&life, h.dir, NOW, &h.e), 0);
		ck_assert_int_eq(life.before, rows[i].want);
	}
	house_free(&h);
}
END_TEST

START_TEST(one_state_one_agent)
{
	struct house h = house_new();
	int first, second;

	ck_assert_int_eq(life_lock(h.dir, &first, &h.e), 0);
	ck_assert_int_eq(life_lock(h.dir, &second, &h.e), TC_EBUSY);
	close(first);
	ck_assert_int_eq(life_lock(h.dir, &second, &h.e), 0);
	close(second);
	house_free(&h);
}
END_TEST

START_TEST(the_command_line_is_checked)
{
	static const struct { const char *argv[8]; const char *want; } bad[] = {
		{ { "a", NULL }, "--server is needed" },
		{ { "a", "--server", "http://x", NULL },
			"--token-file is needed" },
		{ { "a", "--server=http://x", "--token-file=f", "--host=a b",
			NULL }, "--host 'a b'" },
		{ { "a", "--server=http://x", "--token-file=f",
			"--interval=1ms", NULL }, "--interval: at least 100ms" },
		{ { "a", "--serve=x", NULL }, "--server?" },
	};
	const char *good[] = { "a", "--server=http://x", "--token-file=f",
		"--host=Node-7", NULL };
	struct agent_conf conf;
	struct tc_err e = {0};
	char *copy[8];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int argc = 0;

		while (bad[i].argv[argc])
			argc++;
		memcpy(copy, bad[i].argv, sizeof(copy));
		ck_assert_int_lt(agent_conf_parse(argc, copy, &conf, &e), 0);
		ck_assert_msg(strstr(e.text, bad[i].want), "%s", e.text);
	}
	memcpy(copy, good, sizeof(good));
	ck_assert_int_eq(agent_conf_parse(4, copy, &conf, &e), 0);
	ck_assert_str_eq(conf.host, "node-7");
	ck_assert_int_eq(conf.interval.ns, dur_s(15).ns);
	ck_assert_int_eq(conf.smart_interval.ns, dur_s(3600).ns);
}
END_TEST

int
main(void)
{
	return STORIES("agent parts", runs_keep_their_place_on_the_clock,
		numbers_of_batches_rise_and_differ, a_batch_holds_copies,
		much_becomes_several_batches,
		an_end_without_a_goodbye_is_found,
		a_fall_of_the_machine_is_not_one_of_the_agent,
		one_state_one_agent, the_command_line_is_checked);
}
