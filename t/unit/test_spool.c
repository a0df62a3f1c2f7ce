/* The spool: in order, through restarts, damage and full disks. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/frame.h"
#include "agent/spool.h"
#include "t/lib/scratch.h"
#include "t/lib/story.h"

#define NOW (struct wall){ 1767225600000 }

struct world {
	char dir[64];
	struct spool *sp;
	struct spool_conf conf;
	struct strbuf body;
	uint64_t seq;
	struct tc_err e;
};

static void
reopen(struct world *w)
{
	spool_close(w->sp);
	w->sp = NULL;
	ck_assert_msg(spool_open(&w->conf, NOW, &w->sp, &w->e) == 0, "%s",
		w->e.text);
}

static struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/tocsin-spool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	w->conf.dir = w->dir;
	reopen(w);
	return w;
}

static void
world_free(struct world *w)
{
	spool_close(w->sp);
	strbuf_free(&w->body);
	scratch_remove(w->dir);
	free(w);
}

static int
spool_text(struct world *w, const char *text, struct wall now)
{
	struct strbuf sb = {0};
	int rc;

	strbuf_puts(&sb, text);
	rc = spool_put(w->sp, &sb, 3, now, &w->e);
	strbuf_free(&sb);
	return rc;
}

static void
put(struct world *w, const char *text)
{
	ck_assert_msg(spool_text(w, text, NOW) == 0, "%s", w->e.text);
}

static void
put_big(struct world *w, int number, size_t n)
{
	char *text = malloc(n + 1);

	memset(text, 'x', n);
	text[n] = '\0';
	snprintf(text, n, "%d", number);
	text[strlen(text)] = ' ';
	spool_put(w->sp, &(struct strbuf){ .p = text, .n = n }, 3, NOW, &w->e);
	free(text);
}

/* The oldest text, or "" when there is none. */
static const char *
next(struct world *w)
{
	strbuf_reset(&w->body);
	if (spool_next(w->sp, &w->body, &w->seq) < 0)
		return "";
	return strbuf_str(&w->body);
}

static uint64_t
number(struct world *w)
{
	return strtoul(next(w), NULL, 10);
}

static struct spool_counts
counts(struct world *w)
{
	struct spool_counts c;

	spool_counts(w->sp, &c);
	return c;
}

/* The n-th file, in order; false when there are fewer. */
static bool
nth_file(const struct world *w, size_t n, char path[400])
{
	struct dirent **names;
	int count = scandir(w->dir, &names, NULL, alphasort);
	bool found = false;

	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.' && n-- == 0) {
			snprintf(path, 400, "%s/%s", w->dir, names[i]->d_name);
			found = true;
		}
		free(names[i]);
	}
	free(names);
	return found;
}

START_TEST(batches_come_out_in_order_and_once)
{
	struct world *w = world_new();

	ck_assert_str_eq(next(w), "");
	put(w, "one");
	put(w, "two");
	ck_assert_str_eq(next(w), "one");
	ck_assert_str_eq(next(w), "one");	/* until it is acknowledged */
	spool_ack(w->sp, w->seq);
	ck_assert_str_eq(next(w), "two");
	put(w, "three");
	spool_ack(w->sp, w->seq);
	ck_assert_str_eq(next(w), "three");
	spool_ack(w->sp, w->seq);
	ck_assert_str_eq(next(w), "");
	ck_assert_uint_eq(counts(w).batches, 0);
	world_free(w);
}
END_TEST

START_TEST(a_restart_goes_on_where_it_was)
{
	struct world *w = world_new();

	put(w, "one");
	put(w, "two");
	put(w, "three");
	next(w);
	spool_ack(w->sp, w->seq);
	for (int i = 0; i < 3; i++) {
		reopen(w);
		ck_assert_str_eq(next(w), "two");
		ck_assert_uint_eq(counts(w).batches, 2);
	}
	spool_ack(w->sp, w->seq);
	reopen(w);
	reopen(w);
	ck_assert_str_eq(next(w), "three");
	put(w, "four");
	spool_ack(w->sp, w->seq);
	reopen(w);
	ck_assert_str_eq(next(w), "four");
	spool_ack(w->sp, w->seq);
	reopen(w);
	ck_assert_str_eq(next(w), "");
	ck_assert_uint_eq(counts(w).damaged, 0);
	world_free(w);
}
END_TEST

START_TEST(what_is_acknowledged_leaves_the_disk)
{
	struct world *w = world_new();
	char path[400];

	w->conf.max_bytes = 1 << 20;
	reopen(w);
	for (int i = 0; i < 2000; i++) {
		put_big(w, i, 1000);
		next(w);
		spool_ack(w->sp, w->seq);
	}
	ck_assert_uint_le(counts(w).bytes, 2 * (1 << 16));
	ck_assert(!nth_file(w, 1, path));
	ck_assert_uint_eq(counts(w).dropped_batches, 0);
	world_free(w);
}
END_TEST

START_TEST(beyond_its_size_the_oldest_goes_and_is_counted)
{
	struct world *w = world_new();
	struct spool_counts c;
	uint64_t left = 0;

	w->conf.max_bytes = 1 << 20;
	reopen(w);
	for (int i = 0; i < 3000; i++)
		put_big(w, i, 1000);
	c = counts(w);
	ck_assert_uint_le(c.bytes, 1 << 20);
	ck_assert_uint_eq(c.batches + c.dropped_batches, 3000);
	ck_assert_uint_eq(c.dropped_items, 3 * c.dropped_batches);
	ck_assert_uint_gt(c.batches, 900);
	ck_assert_uint_eq(number(w), c.dropped_batches);
	reopen(w);
	ck_assert_uint_eq(number(w), c.dropped_batches);
	while (*next(w)) {
		ck_assert_uint_eq(strtoul(w->body.p, NULL, 10),
			c.dropped_batches + left);
		spool_ack(w->sp, w->seq);
		left++;
	}
	ck_assert_uint_eq(left, c.batches);
	world_free(w);
}
END_TEST

START_TEST(beyond_its_age_the_oldest_goes_and_is_counted)
{
	struct world *w = world_new();
	struct wall later = wall_add(NOW, dur_s(86400 + 60));

	put(w, "old");
	spool_text(w, "new", wall_add(NOW, dur_s(120)));
	spool_age(w->sp, later);
	ck_assert_str_eq(next(w), "new");
	ck_assert_uint_eq(counts(w).dropped_batches, 1);
	ck_assert_uint_eq(counts(w).dropped_items, 3);
	world_free(w);
}
END_TEST

/* Copies the only file away, and back changed. */
static unsigned char *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	unsigned char *p = malloc(1 << 20);

	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

static void
spill(const char *path, const unsigned char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	fclose(f);
}

START_TEST(a_file_cut_off_anywhere_keeps_what_was_whole)
{
	struct world *w = world_new();
	char path[400];
	unsigned char *p;
	size_t n;

	put(w, "one");
	put(w, "two");
	spool_close(w->sp);
	w->sp = NULL;
	ck_assert(nth_file(w, 0, path));
	p = slurp(path, &n);
	for (size_t cut = 0; cut < n; cut++) {
		size_t whole = cut < n - FRAME_HEAD_BYTES - 3 ? 0 : 1;
		char other[400];

		while (nth_file(w, 0, other))
			unlink(other);
		spill(path, p, cut);
		reopen(w);
		ck_assert_uint_eq(counts(w).batches, whole);
		put(w, "three");
		ck_assert_str_eq(next(w), whole ? "one" : "three");
	}
	free(p);
	world_free(w);
}
END_TEST

START_TEST(a_bit_flipped_anywhere_costs_one_batch)
{
	struct world *w = world_new();
	char path[400];
	unsigned char *p;
	size_t n;

	put(w, "one");
	put(w, "two");
	put(w, "three");
	spool_close(w->sp);
	w->sp = NULL;
	ck_assert(nth_file(w, 0, path));
	p = slurp(path, &n);
	for (size_t bit = 0; bit < n * 8; bit++) {
		char other[400];

		while (nth_file(w, 0, other))
			unlink(other);
		p[bit / 8] ^= (unsigned char)(1 << bit % 8);
		spill(path, p, n);
		p[bit / 8] ^= (unsigned char)(1 << bit % 8);
		reopen(w);
		ck_assert_uint_ge(counts(w).batches, 2);
		ck_assert_uint_ge(counts(w).damaged, 1);
	}
	free(p);
	world_free(w);
}
END_TEST

START_TEST(strange_files_are_left_alone)
{
	struct world *w = world_new();
	char path[400];

	snprintf(path, sizeof(path), "%s/README", w->dir);
	spill(path, (const unsigned char *)"hello", 5);
	snprintf(path, sizeof(path), "%s/0000000000000001.spool~", w->dir);
	spill(path, (const unsigned char *)"hello", 5);
	snprintf(path, sizeof(path), "%s/00000000000000ff.spool", w->dir);
	spill(path, (const unsigned char *)"", 0);
	reopen(w);
	ck_assert_str_eq(next(w), "");
	put(w, "one");
	reopen(w);
	ck_assert_str_eq(next(w), "one");
	snprintf(path, sizeof(path), "%s/README", w->dir);
	ck_assert_int_eq(access(path, F_OK), 0);
	world_free(w);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_costs_itself_only)
{
	struct world *w = world_new();
	char path[400];

	put(w, "one");
	spool_close(w->sp);
	w->sp = NULL;
	snprintf(path, sizeof(path), "%s/00000000000000fe.spool", w->dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/00000000000000ff.spool", w->dir);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	reopen(w);
	ck_assert_uint_eq(counts(w).damaged, 2);
	ck_assert_str_eq(next(w), "one");
	put(w, "two");
	reopen(w);
	ck_assert_uint_eq(counts(w).batches, 2);
	ck_assert_int_eq(access(path, F_OK), 0);
	world_free(w);
}
END_TEST

START_TEST(nothing_is_dropped_for_want_of_a_descriptor)
{
	struct world *w = world_new();
	struct rlimit none = { 0, RLIM_INFINITY }, before;

	put(w, "one");
	put(w, "two");
	reopen(w);	/* no copies are in memory */
	getrlimit(RLIMIT_NOFILE, &before);
	none.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(spool_next(w->sp, &w->body, &w->seq), TC_EFULL);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_uint_eq(counts(w).damaged, 0);
	ck_assert_uint_eq(counts(w).batches, 2);
	ck_assert_str_eq(next(w), "one");
	world_free(w);
}
END_TEST

START_TEST(a_full_disk_falls_back_to_memory)
{
	struct world *w = world_new();
	struct rlimit small = { 0, RLIM_INFINITY }, before;
	char text[600];
	struct strbuf sb = { .p = text, .n = sizeof(text) };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int rc;

	sigaction(SIGXFSZ, &ignore, NULL);
	w->conf.memory_max_bytes = 1000;
	reopen(w);
	put(w, "on disk");
	getrlimit(RLIMIT_FSIZE, &before);
	setrlimit(RLIMIT_FSIZE, &small);
	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(spool_put(w->sp, &sb, 3, NOW, &w->e), TC_EIO);
	ck_assert_str_eq(next(w), "on disk");
	ck_assert_uint_eq(counts(w).batches, 2);
	text[0] = 'b';
	ck_assert_int_eq(spool_put(w->sp, &sb, 3, NOW, &w->e), TC_EIO);
	ck_assert_uint_eq(counts(w).batches, 2);
	ck_assert_uint_eq(counts(w).dropped_batches, 1);
	ck_assert_uint_ge(counts(w).refused, 2);
	spool_ack(w->sp, w->seq);
	ck_assert_uint_eq((unsigned char)next(w)[0], 'b');
	spool_ack(w->sp, w->seq);
	ck_assert_str_eq(next(w), "");
	/* the disk is well again */
	before.rlim_cur = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &before);
	put(w, "back");
	reopen(w);
	ck_assert_str_eq(next(w), "back");
	/* what neither disk nor memory takes is too much, not want of memory */
	w->conf.memory_max_bytes = sizeof(text) - 1;
	reopen(w);
	setrlimit(RLIMIT_FSIZE, &small);
	rc = spool_put(w->sp, &sb, 3, NOW, &w->e);
	setrlimit(RLIMIT_FSIZE, &before);
	ck_assert_int_eq(rc, TC_EFULL);
	ck_assert_ptr_nonnull(strstr(w->e.text, w->dir));
	world_free(w);
}
END_TEST

START_TEST(a_batch_beyond_all_bounds_is_refused)
{
	struct world *w = world_new();
	char *huge = calloc(1, 3 << 20);

	struct strbuf sb = { .p = huge, .n = 3 << 20 };

	ck_assert_int_eq(spool_put(w->sp, &sb, 1, NOW, &w->e), TC_EFULL);
	sb.n = 0;
	ck_assert_int_eq(spool_put(w->sp, &sb, 1, NOW, &w->e), TC_EFULL);
	free(huge);
	world_free(w);
}
END_TEST

int
main(void)
{
	return STORIES("spool", batches_come_out_in_order_and_once,
		a_restart_goes_on_where_it_was,
		what_is_acknowledged_leaves_the_disk,
		beyond_its_size_the_oldest_goes_and_is_counted,
		beyond_its_age_the_oldest_goes_and_is_counted,
		a_file_cut_off_anywhere_keeps_what_was_whole,
		a_bit_flipped_anywhere_costs_one_batch,
		strange_files_are_left_alone,
		a_file_that_cannot_be_read_costs_itself_only,
		nothing_is_dropped_for_want_of_a_descriptor,
		a_full_disk_falls_back_to_memory,
		a_batch_beyond_all_bounds_is_refused);
}
