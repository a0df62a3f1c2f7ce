/*
 * tocsind tells systemd what it does, and stops feeding the watchdog when its
 * loop stands still.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "t/lib/it.h"
#include "t/lib/story.h"

/* Where systemd would listen. */
static int
manager(const char *dir)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/notify", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", sa.sun_path, 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "600000", 1), 0);
	return fd;
}

/* The next message within the time; "" = none. */
static const char *
heard(int fd, int ms)
{
	static char text[256];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&p, 1, ms) == 1)
		n = recv(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
want(int fd, const char *text)
{
	for (int i = 0; i < 100; i++)
		if (strcmp(heard(fd, 10000), text) == 0)
			return;
	ck_abort_msg("never heard %s", text);
}

START_TEST(systemd_hears_of_the_beginning_the_work_and_the_end)
{
	struct it it;
	int fd;

	it_init(&it);
	fd = manager(it.dir);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n", it.dir);
	it_start_server(&it);
	want(fd, "READY=1");
	want(fd, "WATCHDOG=1");
	want(fd, "WATCHDOG=1");
	ck_assert_int_eq(kill(it.server, SIGHUP), 0);
	want(fd, "RELOADING=1");
	want(fd, "READY=1");
	/* standing still: what was sent before is heard, then no more */
	ck_assert_int_eq(kill(it.server, SIGSTOP), 0);
	for (int i = 0; i < 5 && heard(fd, 700)[0] != '\0'; i++)
		ck_assert_int_lt(i, 4);
	ck_assert_int_eq(kill(it.server, SIGCONT), 0);
	want(fd, "WATCHDOG=1");
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	want(fd, "STOPPING=1");
	it_fini(&it);
	close(fd);
}
END_TEST

START_TEST(without_systemd_or_with_a_wrong_address_nothing_happens)
{
	struct it it;

	it_init(&it);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "nowhere", 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "-1", 1), 0);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n", it.dir);
	it_start_server(&it);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("notify",
		systemd_hears_of_the_beginning_the_work_and_the_end,
		without_systemd_or_with_a_wrong_address_nothing_happens);
}
