/*
 * R-059 with the real server: it lives in a network namespace of its own, its
 * hosts in another, and the link between them is cut, loses answers one way,
 * loses packets by chance, and flaps.  Nobody is convicted for it, each cut is
 * one alert, and who dies meanwhile is found after the return.
 *
 * UPLINK_CUTS, UPLINK_CUT and UPLINK_PAUSE (seconds) make it longer.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/it.h"
#include "t/lib/story.h"

#define HOSTS 200
#define EXIT_SKIP 77

static pid_t far;	/* the namespace where the hosts are */

/* "ip link set wire down", here or (with '@') where the hosts are. */
static bool
tell(const char *words)
{
	char line[300], command[400];

	snprintf(line, sizeof(line), "%s", words[0] == '@' ? words + 1 : words);
	if (words[0] == '@')
		snprintf(command, sizeof(command), "nsenter -t %d -n %s "
			"> /dev/null 2>&1", (int)far, line);
	else
		snprintf(command, sizeof(command), "%s > /dev/null 2>&1", line);
	return system(command) == 0;	/* lint: a test of our own words */
}

static bool
begin_far(void)
{
	int ready[2];
	char c;

	if (unshare(CLONE_NEWNET) < 0 || pipe(ready) < 0)
		return false;
	far = fork();
	if (far == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	return read(ready[0], &c, 1) == 1;
}

static bool
build_net(void)
{
	static const char *const steps[] = {
		"ip link set lo up", "@ip link set lo up",
		"ip addr add 10.8.0.2/24 dev wire",
		"@ip addr add 10.8.0.1/24 dev wire",
		"ip link set wire up", "@ip link set wire up",
		"ip route add default via 10.8.0.1",
		"@ip route add local 10.8.1.0/24 dev lo",
		"@iptables -w -A INPUT -i none0 -j DROP",
		"@iptables -w -A INPUT -i none0 -m statistic --mode random "
			"--probability 0.5 -j DROP",
	};
	char veth[120];

	snprintf(veth, sizeof(veth), "ip link add wire type veth peer name "
		"wire netns %d", (int)far);
	if (!tell(veth))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (!tell(steps[i])) {
			printf("cannot: %s\n", steps[i]);
			return false;
		}
	return true;
}

struct wish {
	struct it *it;
	const char *where;
	double want;
};

/* A number, or true and false as 1 and 0. */
static bool
is_so(void *arg)
{
	struct wish *w = arg;
	struct it_reply r;
	const json_t *v;
	bool so;

	it_get(w->it, "/v1/summary", &r);
	v = it_at(r.json, w->where);
	so = v != NULL && (int)(json_is_boolean(v) ? json_is_true(v) :
		json_number_value(v)) == (int)w->want;
	it_reply_fini(&r);
	return so;
}

static bool
summary_is(struct it *it, const char *where, double want, double seconds)
{
	struct wish w = { it, where, want };

	return it_wait(is_so, &w, seconds);
}

static void
begin(struct it *it)
{
	struct strbuf text = { 0 };

	it_init(it);
	tell("@iptables -w -F");
	tell("ip link set wire up");
	tell("@ip link set wire up");
	tell("ip route replace default via 10.8.0.1");
	strbuf_printf(&text, "listen: 127.0.0.1:%d\nstate_dir: %s/state\n"
		"defaults: {interval: 5s, timeout: 2s}\npartitions:\n"
		"  - name: far\n    checks: [{probe: ping}]\n    hosts:\n",
		it_free_port(), it->dir);
	for (int i = 1; i <= HOSTS; i++)
		strbuf_printf(&text, "      - {name: h%d, address: 10.8.1.%d}\n",
			i, i);
	it_write(it, "tocsin.yaml", "%s", strbuf_str(&text));
	strbuf_free(&text);
	it_start_server(it);
	ck_assert(summary_is(it, "counts.healthy", HOSTS, 30));
}

static size_t
count(struct it *it, const char *what)
{
	struct it_reply r;
	size_t n = 0;

	it_get(it, "/v1/events?after=0&limit=10000", &r);
	for (const char *p = strbuf_str(&r.text); (p = strstr(p, what)) != NULL;
	     p++)
		n++;
	it_reply_fini(&r);
	return n;
}

/* Each is told twice: of its check and of the host. */
static size_t
convicted(struct it *it)
{
	return count(it, "\"to\":\"unhealthy\"") / 2;
}

/* The log is as fast as the store commits; the states are not. */
static bool
both_are_told(void *arg)
{
	return convicted(arg) >= 2;
}

static bool
doubts(struct it *it, bool yes, double seconds)
{
	return summary_is(it, "observer_suspect", yes, seconds);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static double
seconds_of(const char *name, double otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtod(text, NULL) : otherwise;
}

START_TEST(r059_the_uplink_is_cut_again_and_again)
{
	int cuts = (int)seconds_of("UPLINK_CUTS", 3);
	double cut = seconds_of("UPLINK_CUT", 8);
	double pause_s = seconds_of("UPLINK_PAUSE", 22);
	struct it it;

	begin(&it);
	for (int i = 0; i < cuts; i++) {
		tell("@ip link set wire down");
		ck_assert(doubts(&it, true, 5));
		it_wait(never, NULL, cut);
		ck_assert_uint_eq(convicted(&it), 0);
		if (i + 1 == cuts) {
			tell("@iptables -w -A INPUT -d 10.8.1.17 -j DROP");
			tell("@iptables -w -A INPUT -d 10.8.1.80 -j DROP");
		}
		tell("@ip link set wire up");
		ck_assert(doubts(&it, false, 70));
		if (i + 1 < cuts)
			it_wait(never, NULL, pause_s);
		ck_assert_uint_eq(count(&it, "\"observer.suspect\""),
			(size_t)i + 1);
	}
	ck_assert(summary_is(&it, "counts.unhealthy", 2, 20));
	ck_assert(it_wait_text(&it, "/v1/hosts/h17", "state", "unhealthy", 1));
	ck_assert(it_wait_text(&it, "/v1/hosts/h80", "state", "unhealthy", 1));
	ck_assert(it_wait(both_are_told, &it, 20));
	ck_assert_uint_eq(convicted(&it), 2);
	printf("R-059: %d cuts of %.0f s of %d hosts: %d alerts of doubt, no "
		"conviction; two real deaths were found\n", cuts, cut, HOSTS,
		cuts);
	it_fini(&it);
}
END_TEST

START_TEST(r059_errors_of_our_own_link_are_named_so)
{
	struct it it;

	begin(&it);
	tell("ip link set wire down");
	ck_assert(doubts(&it, true, 5));
	it_wait(never, NULL, 6);
	ck_assert(it_wait_text(&it, "/v1/summary", "observer_reason",
		"local_errors", 1));
	tell("ip link set wire up");
	tell("ip route add default via 10.8.0.1");
	ck_assert(doubts(&it, false, 30));
	ck_assert_uint_eq(convicted(&it), 0);
	it_fini(&it);
}
END_TEST

START_TEST(r059_loss_on_our_own_way_convicts_nobody)
{
	static const char *const losses[] = { "0.05", "0.2", "0.6" };
	struct it it;

	begin(&it);
	/* one way: all answers are lost, nothing of what is asked */
	tell("@iptables -w -A OUTPUT -s 10.8.1.0/24 -j DROP");
	ck_assert(doubts(&it, true, 5));
	it_wait(never, NULL, 6);
	tell("@iptables -w -F OUTPUT");
	ck_assert(doubts(&it, false, 30));
	ck_assert_uint_eq(convicted(&it), 0);
	for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
		char rule[200];

		snprintf(rule, sizeof(rule), "@iptables -w -A INPUT -m "
			"statistic --mode random --probability %s -j DROP",
			losses[i]);
		tell(rule);
		it_wait(never, NULL, 15);
		printf("R-059: loss %s: convicted %zu\n", losses[i],
			convicted(&it));
		ck_assert_uint_eq(convicted(&it), 0);
		tell("@iptables -w -F INPUT");
	}
	ck_assert(doubts(&it, false, 90));
	/* a link that flaps */
	for (int i = 0; i < 4; i++) {
		tell("@ip link set wire down");
		it_wait(never, NULL, 2);
		tell("@ip link set wire up");
		it_wait(never, NULL, 2);
	}
	ck_assert(doubts(&it, false, 90));
	ck_assert_uint_eq(convicted(&it), 0);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("uplink");
	TCase *tc = tcase_create("uplink");
	SRunner *sr;
	int failed;

	if (geteuid() != 0 || !begin_far() || !build_net()) {
		printf("skipped: it takes root, network namespaces, ip, "
			"nsenter and iptables\n");
		return EXIT_SKIP;
	}
	tcase_set_timeout(tc, 7200);
	tcase_add_test(tc, r059_the_uplink_is_cut_again_and_again);
	tcase_add_test(tc, r059_errors_of_our_own_link_are_named_so);
	tcase_add_test(tc, r059_loss_on_our_own_way_convicts_nobody);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	kill(far, SIGKILL);
	waitpid(far, NULL, 0);
	return failed == 0 ? 0 : 1;
}
