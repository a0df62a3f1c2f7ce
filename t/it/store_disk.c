/*
 * The real tocsind on a file system of its own, in a mount namespace of its
 * own: full, and turned read-only by the kernel.  It judges and alerts from
 * memory, names its own trouble, answers, goes on by itself where it can, and
 * loses nothing that it acknowledged.  And how long nothing is measured when
 * the server is replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/fake_http.h"
#include "t/lib/it_led.h"
#include "t/lib/story.h"

struct scene {
	struct it it;
	char state[80];
	int port;		/* of the service that is watched */
	int service;		/* its socket */
	struct fake_http *hook;
	struct it_led led;
};

static void
take_all(void *arg, const struct fake_request *q, struct fake_reply *r)
{
	(void)arg;
	(void)q;
	r->status = 200;
}

/* api 0: whatever is free, as it says itself when it can. */
static void
configure(struct scene *s, int api)
{
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:%d\n"
		"state_dir: %s\ndefaults: {interval: 1s, timeout: 500ms,"
		" fail_after: 3, clear_after: 2}\npartitions:\n"
		"  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.1.1.1,"
		" checks: [{probe: tcp, port: %d}]}\n"
		"alerts:\n  receivers: [{name: ops, type: webhook,"
		" url: \"%s\"}]\n  routes: [{match: {}, to: [ops]}]\n",
		api, s->state, s->port, fake_http_url(s->hook));
}

static void
scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	it_init(&s->it);
	snprintf(s->state, sizeof(s->state), "%.63s/state", s->it.dir);
	s->port = it_free_port();
	s->service = it_listen(0x7f010101U, s->port);
	s->hook = fake_http_start(0, take_all, NULL);
	ck_assert_ptr_nonnull(s->hook);
	it_led_init(&s->led, &s->it);
	s->led.ratios = 40;
	configure(s, 0);
}

static void
scene_fini(struct scene *s)
{
	it_end(&s->it.server, SIGKILL);
	fake_http_stop(s->hook);
	if (s->service >= 0)
		close(s->service);
	umount2(s->state, MNT_DETACH);
	it_fini(&s->it);
}

/* False where we may not: the test is skipped then, and says so. */
static bool
mount_own(const struct scene *s, const char *options)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    (mkdir(s->state, 0700) < 0 && errno != EEXIST) ||
	    mount("none", s->state, "tmpfs", 0, options) < 0) {
		printf("skipped, no mount of our own: %s\n", strerror(errno));
		return false;
	}
	return true;
}

/* Is one of the messages about this, as JSON text says it? */
static bool
was_told(struct scene *s, const char *words)
{
	for (size_t i = 0; i < fake_http_count(s->hook); i++)
		if (strstr(fake_http_request(s->hook, i)->body, words) != NULL)
			return true;
	return false;
}

struct telling {
	struct scene *s;
	const char *words;
};

static bool
is_told(void *arg)
{
	struct telling *t = arg;

	return was_told(t->s, t->words);
}

static bool
hears(struct scene *s, const char *words)
{
	struct telling t = { s, words };

	return it_wait(is_told, &t, 30);
}

/* Its trouble has a name, it answers, and it finds what breaks meanwhile. */
static void
goes_on_from_memory(struct scene *s)
{
	static const char *const paths[] = { "/healthz", "/v1/summary",
		"/v1/hosts", "/v1/alerts", "/metrics" };

	ck_assert(it_wait_text(&s->it, "/v1/alerts?kind=store_degraded",
		"items.0.state", "firing", 30));
	ck_assert(hears(s, "store_degraded"));
	close(s->service);
	s->service = -1;
	ck_assert(it_wait_text(&s->it, "/v1/hosts/h1", "state", "unhealthy",
		20));
	ck_assert(hears(s, "h1"));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct it_reply r;

		it_get(&s->it, paths[i], &r);
		ck_assert_msg(r.status == 200, "%s: %ld", paths[i], r.status);
		it_reply_fini(&r);
	}
}

static bool
fires_not(void *arg)
{
	struct scene *s = arg;
	struct it_reply r;
	bool over;

	it_get(&s->it, "/v1/alerts?kind=store_degraded", &r);
	over = r.status == 200 &&
		strcmp(it_text(&r, "items.0.state"), "firing") != 0;
	it_reply_fini(&r);
	return over;
}

static void
is_well_again(struct scene *s)
{
	double since = it_now();

	ck_assert(it_wait(it_led_is_taken, &s->led, 30));
	printf("taken again after %.1f s\n", it_now() - since);
	ck_assert(it_wait(fires_not, s, 30));
	ck_assert_uint_ge(it_led_points(&s->led), (size_t)s->led.acked);
}

/* A kill, and the file is sound and has it all. */
static void
has_lost_nothing(struct scene *s)
{
	const char *argv[] = { it_cli(), "db", "verify", "--state-dir",
		s->state, NULL };

	it_end(&s->it.server, SIGKILL);
	ck_assert_int_eq(it_run(&s->it, NULL, argv), 0);
	it_start_server(&s->it);
	ck_assert_uint_ge(it_led_points(&s->led), (size_t)s->led.acked);
	ck_assert(it_wait_text(&s->it, "/v1/hosts/h1", "state", "unhealthy",
		20));
}

/* Writes until there is no room; what the system calls it. */
static int
fill(const struct scene *s)
{
	static const char zeros[65536];
	char path[128];
	int fd, why = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/ballast", s->state);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	for (size_t size = sizeof(zeros); size > 0; size /= 2) {
		while ((n = write(fd, zeros, size)) > 0)
			;
		why = errno;
	}
	close(fd);
	return why;
}

/* There is no room: until there is again. */
static void
fills_up_and_empties(struct scene *s)
{
	char ballast[128];

	while (s->led.sent < 3000 && !it_led_is_refused(&s->led))
		;
	ck_assert_int_lt(s->led.sent, 3000);
	goes_on_from_memory(s);
	snprintf(ballast, sizeof(ballast), "%s/ballast", s->state);
	ck_assert_int_eq(unlink(ballast), 0);
	is_well_again(s);
	has_lost_nothing(s);
}

START_TEST(a_full_disk_stops_neither_judging_nor_alerts_and_loses_nothing)
{
	struct scene s;

	scene_init(&s);
	if (!mount_own(&s, "size=32m")) {
		scene_fini(&s);
		return;
	}
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	ck_assert_int_eq(fill(&s), ENOSPC);
	fills_up_and_empties(&s);
	scene_fini(&s);
}
END_TEST

/* Quotas bind those who may not pass over them: neither us nor our children. */
static bool
be_bound(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps) < 0)
		return false;
	caps[0].effective &= ~(1U << CAP_SYS_RESOURCE);
	caps[0].permitted &= ~(1U << CAP_SYS_RESOURCE);
	caps[0].inheritable &= ~(1U << CAP_SYS_RESOURCE);
	return prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) == 0 &&
		syscall(SYS_capset, &head, caps) == 0;
}

/* https://docs.kernel.org/filesystems/tmpfs.html, since Linux 6.6. */
START_TEST(a_quota_that_is_used_up_is_like_a_full_disk)
{
	struct scene s;

	scene_init(&s);
	if (!mount_own(&s, "size=64m,usrquota,usrquota_block_hardlimit=24m") ||
	    !be_bound()) {
		printf("skipped, no quotas on tmpfs here; store_own has a disk "
			"that says EDQUOT\n");
		scene_fini(&s);
		return;
	}
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	ck_assert_int_eq(fill(&s), EDQUOT);
	fills_up_and_empties(&s);
	scene_fini(&s);
}
END_TEST

/* In our mount namespace; true when it went well. */
static bool
shell(struct scene *s, const char *line)
{
	const char *argv[] = { "/bin/sh", "-c", line, NULL };

	setenv("STATE", s->state, 1);
	setenv("IMAGE", s->it.dir, 1);
	return it_run(&s->it, NULL, argv) == 0;
}

/* As mounted by most: at its first error the kernel lets no more be written. */
#define MOUNT "mount -o loop,errors=remount-ro $IMAGE/image $STATE"
#define MAKE "PATH=$PATH:/sbin:/usr/sbin; mkdir -p $STATE && " \
	"truncate -s 32M $IMAGE/image && mkfs.ext4 -q -F $IMAGE/image && " MOUNT
#define FAIL "d=$(findmnt -n -o SOURCE $STATE) && " \
	"echo 1 > /sys/fs/ext4/${d#/dev/}/trigger_fs_error"

START_TEST(a_disk_that_turns_read_only_stops_neither_and_loses_nothing)
{
	struct scene s;

	scene_init(&s);
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    !shell(&s, MAKE)) {
		printf("skipped, no file system in a file here\n");
		scene_fini(&s);
		return;
	}
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	for (int i = 0; i < 50; i++)
		ck_assert(it_led_is_taken(&s.led));
	ck_assert(shell(&s, FAIL));
	ck_assert(it_wait(it_led_is_refused, &s.led, 20));
	goes_on_from_memory(&s);
	/* The kernel lets go of it only when nobody has it open any more. */
	it_end(&s.it.server, SIGTERM);
	ck_assert(shell(&s, "umount $STATE && " MOUNT));
	it_start_server(&s.it);
	is_well_again(&s);
	has_lost_nothing(&s);
	it_end(&s.it.server, SIGKILL);
	ck_assert(shell(&s, "umount $STATE"));
	scene_fini(&s);
}
END_TEST

static bool
remount(const struct scene *s, unsigned long flags)
{
	return mount(NULL, s->state, NULL, MS_REMOUNT | flags, NULL) == 0;
}

struct url_file {
	const struct scene *s;
	ino_t was;
};

static ino_t
url_inode(const struct scene *s)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/server.url", s->state);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* What could not be written at the start. */
static bool
tells_where_it_is(void *arg)
{
	const struct url_file *f = arg;
	ino_t is = url_inode(f->s);

	return is != 0 && is != f->was;
}

/* `signum` ended the last run: with SIGKILL the log is there yet. */
static void
begins_where_nothing_can_be_written(int signum)
{
	struct scene s;
	struct url_file url = { .s = &s };

	scene_init(&s);
	if (!mount_own(&s, "size=32m")) {
		scene_fini(&s);
		return;
	}
	configure(&s, it_free_port());
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	for (int i = 0; i < 20; i++)
		ck_assert(it_led_is_taken(&s.led));
	it_end(&s.it.server, signum);
	ck_assert(remount(&s, MS_RDONLY));
	url.was = url_inode(&s);
	it_start_degraded(&s.it);
	/* What was kept can be read, and nothing more is acknowledged. */
	ck_assert_uint_ge(it_led_points(&s.led), (size_t)s.led.acked);
	ck_assert(it_led_is_refused(&s.led));
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	goes_on_from_memory(&s);
	ck_assert(remount(&s, 0));
	is_well_again(&s);
	has_lost_nothing(&s);
	ck_assert(it_wait(tells_where_it_is, &url, 20));
	scene_fini(&s);
}

START_TEST(a_start_on_a_read_only_disk_watches_and_says_that_nothing_is_kept)
{
	begins_where_nothing_can_be_written(SIGTERM);
}
END_TEST

START_TEST(a_start_on_a_read_only_disk_after_a_crash_does_so_too)
{
	begins_where_nothing_can_be_written(SIGKILL);
}
END_TEST

/* ---- replaced ---- */

struct count {
	struct scene *s;
	int64_t from_ms;
	size_t want;		/* points from there on */
	int64_t gap_ms;		/* the longest between two of all */
	size_t n;
};

/* Of what the server itself measures of h1. */
static bool
has_measured(void *arg)
{
	struct count *c = arg;
	struct it_reply r;
	int64_t before = 0;
	json_t *p;
	char path[200];
	size_t i;

	snprintf(path, sizeof(path), "/v1/series?host=h1&"
		"metric=tcp_connect_seconds&from=%lld&limit=10000",
		(long long)c->s->led.begin_ms);
	it_get(&c->s->it, path, &r);
	c->n = 0;
	c->gap_ms = 0;
	json_array_foreach(it_at(r.json, "series.0.points"), i, p) {
		int64_t at = json_integer_value(json_array_get(p, 0));

		if (before != 0 && at - before > c->gap_ms)
			c->gap_ms = at - before;
		before = at;
		c->n += at >= c->from_ms;
	}
	it_reply_fini(&r);
	return c->n >= c->want;
}

START_TEST(r153_a_restart_leaves_a_gap_of_less_than_fifteen_seconds)
{
	static const int ways[] = { SIGTERM, SIGKILL };
	struct clock *clock = clock_system();
	struct count c = { .want = 3 };
	struct it_reply r;
	struct scene s;
	char since[64];

	scene_init(&s);
	c.s = &s;
	it_start_server(&s.it);
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "healthy", 20));
	it_get(&s.it, "/v1/hosts/h1", &r);
	snprintf(since, sizeof(since), "%s", it_text(&r, "since"));
	it_reply_fini(&r);
	ck_assert(it_wait(has_measured, &c, 20));
	for (size_t i = 0; i < 2; i++) {
		double stopped = it_now();

		it_end(&s.it.server, ways[i]);
		it_start_server(&s.it);
		printf("R-153: signal %d, ready again after %.2f s\n", ways[i],
			it_now() - stopped);
		c.from_ms = clock->wall(clock).ms;
		ck_assert(it_wait(has_measured, &c, 20));
		printf("R-153: the longest gap in what is measured each second "
			"is %.2f s\n", (double)c.gap_ms / 1000);
		ck_assert_int_lt(c.gap_ms, 15000);
		it_get(&s.it, "/v1/hosts/h1", &r);
		ck_assert_str_eq(it_text(&r, "state"), "healthy");
		ck_assert_str_eq(it_text(&r, "since"), since);
		it_reply_fini(&r);
	}
	scene_fini(&s);
}
END_TEST

int
main(void)
{
	return STORIES("store_disk",
		a_full_disk_stops_neither_judging_nor_alerts_and_loses_nothing,
		a_quota_that_is_used_up_is_like_a_full_disk,
		a_disk_that_turns_read_only_stops_neither_and_loses_nothing,
		a_start_on_a_read_only_disk_watches_and_says_that_nothing_is_kept,
		a_start_on_a_read_only_disk_after_a_crash_does_so_too,
		r153_a_restart_leaves_a_gap_of_less_than_fifteen_seconds);
}
