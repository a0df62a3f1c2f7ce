/*
 * The real tocsind when its file can no longer grow: it answers 503, judges
 * from memory, goes on by itself, and loses nothing.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "t/lib/it_led.h"
#include "t/lib/story.h"

#define MOST 3000	/* batches, a second apart: below the hour kept */

struct scene {
	struct it it;
	struct it_led led;
};

static void
limit_file(const struct scene *s, rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	ck_assert_int_eq(prlimit(s->it.server, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void
start(struct scene *s, int port)
{
	it_init(&s->it);
	it_led_init(&s->led, &s->it);
	s->led.ratios = 40;
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\ndefaults: {interval: 1s, timeout: 500ms,"
		" fail_after: 3, clear_after: 2}\npartitions:\n"
		"  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.1.1.1,"
		" checks: [{probe: tcp, port: %d}]}\n", s->it.dir, port);
	it_start_server(&s->it);
}

START_TEST(a_store_that_cannot_grow_stops_nothing)
{
	struct scene s;
	int port = it_free_port();
	int fd = it_listen(0x7f010101U, port);
	struct it_reply r;
	char since[64];
	long status = 202;

	start(&s, port);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	limit_file(&s, 1 << 20);
	while (status == 202 && s.led.sent < MOST)
		status = it_led_post(&s.led);
	ck_assert_int_eq(status, 503);
	close(fd);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "unhealthy", 20));
	limit_file(&s, RLIM_INFINITY);
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	ck_assert_uint_ge(it_led_points(&s.led), (size_t)s.led.acked);
	it_get(&s.it, "/v1/hosts/h1", &r);
	snprintf(since, sizeof(since), "%s", it_text(&r, "since"));
	it_reply_fini(&r);
	/* What was judged meanwhile is durable too. */
	it_end(&s.it.server, SIGKILL);
	it_start_server(&s.it);
	it_get(&s.it, "/v1/hosts/h1", &r);
	ck_assert_str_eq(it_text(&r, "state"), "unhealthy");
	ck_assert_str_eq(it_text(&r, "since"), since);
	it_reply_fini(&r);
	ck_assert_uint_ge(it_led_points(&s.led), (size_t)s.led.acked);
	it_fini(&s.it);
}
END_TEST
static const char *
kept_file(struct scene *s)
{
	static char found[300];
	char dir[128];
	struct dirent *entry;
	DIR *d;

	found[0] = '\0';
	snprintf(dir, sizeof(dir), "%s/state", s->it.dir);
	d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, "tocsin.db.corrupt-", 18) == 0)
			snprintf(found, sizeof(found), "state/%s",
				entry->d_name);
	closedir(d);
	return found;
}

START_TEST(a_damaged_store_is_begun_anew_and_people_are_told)
{
	struct scene s;
	int port = it_free_port();
	int fd = it_listen(0x7f010101U, port);
	struct strbuf kept = { 0 };
	char path[400];

	start(&s, port);
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	it_write(&s.it, "state/tocsin.db", "SQLite format 3, or it was once");
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/alerts?kind=store_replaced",
		"items.0.severity", "critical", 10));
	it_read(&s.it, kept_file(&s), &kept);
	ck_assert_str_eq(strbuf_str(&kept), "SQLite format 3, or it was once");
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	/* It fires until the file was looked at, and is out of the way. */
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/alerts?kind=store_replaced",
		"items.0.state", "firing", 10));
	snprintf(path, sizeof(path), "%s/%s", s.it.dir, kept_file(&s));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/alerts?kind=store_replaced",
		"items.0.state", "resolved", 10) ||
		it_wait_text(&s.it, "/v1/alerts?kind=store_replaced",
		"items.0.state", "", 5));
	strbuf_free(&kept);
	close(fd);
	it_fini(&s.it);
}
END_TEST

int
main(void)
{
	return STORIES("store_full", a_store_that_cannot_grow_stops_nothing,
		a_damaged_store_is_begun_anew_and_people_are_told);
}
