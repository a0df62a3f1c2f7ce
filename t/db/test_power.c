/*
 * The power goes at any moment, and syncs fail now and then: what was
 * acknowledged is in the file, whole and once, and the file is sound.
 * TOCSIN_CUTS sets how many moments are tried (400), TOCSIN_SEED which.
 */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/queue.h"
#include "t/db/ledger.h"
#include "t/db/power.h"
#include "t/lib/story.h"

#define BURST 6		/* sets at once */
#define LIFE 60		/* bursts between two starts */
#define LIVES 5
#define EACH_STORE 16	/* of the cuts is opened by the store itself */

struct sent {
	struct scene *s;
	uint32_t n;
	int rc;
};

struct scene {
	struct yard y;
	struct bad_disk disk;
	struct bad_orders orders;
	struct power_tape tape;
	struct power_cut cut;
	struct ledger ledger;	/* at the moment of the cut */
	struct queue *answers;
	struct sent sent[BURST];
	uint32_t next;
	unsigned seed;
	long sync_failures;
	bool packing;		/* hours are packed meanwhile */
	long packed;
};

/* ---- lives that are written down ---- */

static void
on_done(struct change_set *cs)
{
	struct sent *sent = cs->owner;

	sent->rc = cs->rc;
	if (cs->rc == 0)
		power_tape_ack(&sent->s->tape, sent->n);
	queue_push(sent->s->answers, sent);
	change_set_free(cs);
}

static void
send(struct scene *s, struct sent *sent)
{
	struct change_set *cs = ledger_set(sent->n);
	int rc;

	cs->done = on_done;
	cs->owner = sent;
	sent->s = s;
	rc = s->y.ops->submit(s->y.s, cs);
	if (rc < 0) {
		change_set_free(cs);
		sent->rc = rc;
		return;
	}
	ck_assert_ptr_eq(queue_pop(s->answers, dur_s(60)), sent);
}

/* Some at once; those that failed are sent again, as an agent would. */
static void
send_burst(struct scene *s)
{
	size_t n = 1 + s->next % BURST;

	for (size_t i = 0; i < n; i++) {
		s->sent[i].n = s->next++;
		send(s, &s->sent[i]);
	}
	for (size_t i = 0; i < n; i++) {
		while (s->sent[i].rc < 0) {
			ck_assert(store_may_retry(s->sent[i].rc));
			s->y.ops->flush(s->y.s, dur_s(10));
			send(s, &s->sent[i]);
		}
	}
}

static void
live(struct scene *s)
{
	struct bad_orders o = { .op = BAD_SYNC, .times = 1 };

	yard_open(&s->y);
	for (int i = 0; i < LIFE; i++) {
		if (i % 15 == 14) {
			o.skip = i % 4;
			bad_order(&s->orders, &o);
		}
		send_burst(s);
		if (s->packing && i % 8 == 7)
			s->packed += s->y.ops->compact(s->y.s,
				(struct wall){ T0 + INT64_C(864000000) },
				NULL) == 0;
		if (i % 15 == 3) {
			s->sync_failures += atomic_load(&s->orders.hits);
			bad_disarm(&s->orders);
		}
	}
	bad_disarm(&s->orders);
	yard_close(&s->y);
}

static void
scene_init(struct scene *s, bool packing)
{
	const char *seed = getenv("TOCSIN_SEED");

	memset(s, 0, sizeof(*s));
	s->packing = packing;
	s->seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) :
		(unsigned)getpid();
	printf("seed %u\n", s->seed);
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	ledger_init(&s->ledger);
	s->answers = queue_new(BURST, NULL, NULL);
	ck_assert_ptr_nonnull(s->answers);
	yard_init(&s->y, &store_sqlite);
	s->y.conf.retry_every = dur_ms(1);
	s->y.conf.commit_every = dur_ms(1);
	bad_disk_install(&s->disk, &s->orders);
	power_tape_begin(&s->tape, &s->disk, s->y.path);
	yard_open(&s->y);
	yard_hosts(&s->y, LEDGER_HOSTS);
	yard_close(&s->y);
	for (int i = 0; i < LIVES; i++)
		live(s);
	power_tape_end(&s->tape);
	bad_disk_remove(&s->disk);
	s->cut = (struct power_cut){ .tape = &s->tape, .seed = s->seed };
}

static void
scene_fini(struct scene *s)
{
	yard_fini(&s->y);
	power_cut_fini(&s->cut);
	power_tape_free(&s->tape);
	queue_free(s->answers, NULL);
	ledger_fini(&s->ledger);
}

/* ---- the power goes ---- */

static const char *
look(struct scene *s)
{
	const char *wrong = NULL;
	static char text[256];
	sqlite3 *db;

	if (sqlite3_open_v2(s->y.path, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		wrong = sqlite3_errmsg(db);
	else
		wrong = ledger_verify(&s->ledger, db, true);
	if (wrong != NULL)
		snprintf(text, sizeof(text), "%s (%s)", wrong,
			sqlite3_errmsg(db));
	sqlite3_close(db);
	return wrong != NULL ? text : NULL;
}

/* The server's next start: nothing is to be set aside, all goes on. */
static void
start(struct scene *s, long turn)
{
	struct change_set *cs;
	const char *wrong;

	yard_open(&s->y);
	wrong = ledger_verify_read(&s->ledger, &s->y);
	ck_assert_msg(wrong == NULL, "cut %ld at %zu of %zu: %s", turn,
		s->cut.next, s->tape.n, wrong);
	cs = set_new();
	set_subject(cs, 2000000, SUBJECT_PARTITION, 0, "after");
	ck_assert_int_eq(yard_put(&s->y, cs), 0);
	yard_close(&s->y);
}

static void
cut_here(struct scene *s, long turn)
{
	const char *wrong;

	power_lay_out(&s->cut, s->y.path);
	/* Before the first word was kept there may be nothing at all. */
	if (s->packing || turn % EACH_STORE == 0 || s->ledger.n == 0)
		start(s, turn);
	if (s->packing)
		return;
	wrong = look(s);
	ck_assert_msg(wrong == NULL, "cut %ld at %zu of %zu: %s", turn,
		s->cut.next, s->tape.n, wrong);
}

static void
cut_often(long n, bool packing)
{
	const struct power_entry *e;
	static struct scene s;
	long done = 0;

	scene_init(&s, packing);
	while ((e = power_step(&s.cut)) != NULL) {
		if (e->kind == POWER_ACK)
			ledger_note(&s.ledger, (uint32_t)e->at);
		for (; done < n * (long)s.cut.next / (long)s.tape.n; done++)
			cut_here(&s, done);
	}
	ck_assert_uint_eq(s.ledger.n, s.next);
	ck_assert(s.sync_failures > 0);
	printf("%ld cuts in %zu steps with %ld syncs that failed, %u sets "
		"acknowledged, packed %ld times\n", done, s.tape.n,
		s.sync_failures, s.next, s.packed);
	ck_assert(!packing || s.packed > 0);
	scene_fini(&s);
}

static long
cuts_wanted(void)
{
	const char *cuts = getenv("TOCSIN_CUTS");

	return cuts != NULL ? strtol(cuts, NULL, 10) : 400;
}

START_TEST(the_power_may_go_at_any_moment)
{
	cut_often(cuts_wanted(), false);
}
END_TEST

START_TEST(the_power_may_go_while_hours_are_packed)
{
	cut_often(cuts_wanted() / 4, true);
}
END_TEST

/* The instrument itself: without syncs the same cuts do lose things. */
START_TEST(a_disk_that_only_says_it_syncs_is_found_out)
{
	const struct power_entry *e;
	static struct scene s;
	long lost = 0, done = 0;

	scene_init(&s, false);
	for (size_t i = 0; i < s.tape.n; i++)
		if (s.tape.entries[i].kind == POWER_SYNC && i > s.tape.n / 2)
			s.tape.entries[i].kind = POWER_SYNC_FAILED;
	while ((e = power_step(&s.cut)) != NULL) {
		if (e->kind == POWER_ACK)
			ledger_note(&s.ledger, (uint32_t)e->at);
		for (; done < 100 * (long)s.cut.next / (long)s.tape.n; done++) {
			power_lay_out(&s.cut, s.y.path);
			lost += done >= 60 && look(&s) != NULL;
		}
	}
	ck_assert_int_gt(lost, 30);
	scene_fini(&s);
}
END_TEST

int
main(void)
{
	return STORIES("store: power cuts", the_power_may_go_at_any_moment,
		the_power_may_go_while_hours_are_packed,
		a_disk_that_only_says_it_syncs_is_found_out);
}
