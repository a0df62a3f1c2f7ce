/*
 * The accidents of t/sim/scenarios, each a test of its own name; what a
 * fault in such a file says; and storms of accidents with a printed seed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "t/lib/story.h"
#include "t/sim/scenario.h"
#include "t/sim/sim.h"

#define FILES_MAX 64

static char files[FILES_MAX][64];
static size_t n_files;

static const char *
folder(void)
{
	static char path[4096];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof(path), "%s/t/sim/scenarios",
		top != NULL ? top : ".");
	return path;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
find_files(void)
{
	DIR *dir = opendir(folder());
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		size_t n = strlen(d->d_name);

		if (n < 5 || n >= sizeof(files[0]) || n_files == FILES_MAX ||
		    strcmp(d->d_name + n - 4, ".txt") != 0)
			continue;
		memcpy(files[n_files++], d->d_name, n + 1);
	}
	if (dir != NULL)
		closedir(dir);
	qsort(files, n_files, sizeof(files[0]), by_name);
}

START_TEST(a_scenario_goes_as_written)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", folder(), files[_i]);
	ck_assert_msg(file_slurp(path, 0, &text, &e) == 0, "%s", e.text);
	ck_assert_msg(scenario_run(files[_i], strbuf_str(&text), &e) == 0,
		"%s", e.text);
	strbuf_free(&text);
}
END_TEST

START_TEST(a_fault_is_told_with_its_line)
{
	static const struct { const char *text, *says; } wrong[] = {
		{ "hosts 0\n", "x:1: no number of hosts '0'" },
		{ "# well\nhsots 3\n", "x:2: what is 'hsots'" },
		{ "at 00:10 h9 ok\n", "x:1: nobody can 'h9'" },
		{ "at 10 h1 ok\n", "x:1: no time '10'" },
		{ "at 00:10 h1 maybe\n", "x:1: fail or ok is wanted" },
		{ "at 00:10 h1 fail badly\n", "x:1: no reason 'badly'" },
		{ "at 00:10 step wall 1d\n", "x:1: step wall +1d" },
		{ "at 00:10 sleep well\n", "x:1: no duration 'well'" },
		{ "at 01:00 kill\nat 00:10 kill\n", "x:2: earlier than" },
		{ "at 00:10 kill\nhosts 3\n", "x:2: too late for 'hosts'" },
		{ "begin 2027-02-29T00:00:00Z\n", "x:1: no time" },
		{ "expect 00:30 h1 unhealthy\n", "x:1: h1 is healthy" },
		{ "expect 00:30 events clock_step 1\n", "expected 1" },
		{ "expect 00:30 moves many\n", "x:1: no number 'many'" },
		{ "expect 00:30 rain\n", "x:1: nobody expects 'rain'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct tc_err e = { 0 };

		ck_assert_int_eq(scenario_run("x", wrong[i].text, &e),
			TC_EINVAL);
		ck_assert_msg(strstr(e.text, wrong[i].says) != NULL,
			"%s: %s", wrong[i].text, e.text);
	}
}
END_TEST

/* ---- storms ---- */

#define STORM_HOSTS 8
#define STORM_S 1800

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Which accidents of the observer befall the story. */
struct weather {
	bool kills;
	bool steps;
};

/* The same targets for the same seed, whatever befalls the observer. */
static char *
storm(uint64_t seed, struct weather w)
{
	struct sim *s = sim_new(STORM_HOSTS, NULL, 0);
	uint64_t world = seed, accidents = seed * 31 + 7;
	char *log;

	for (double at = 61; at < STORM_S; at += 20) {
		uint64_t r = next_random(&world);
		uint64_t a = next_random(&accidents);
		char host[8];

		snprintf(host, sizeof(host), "h%d", (int)(r % STORM_HOSTS));
		sim_set(s, host, r >> 8 & 1 ? "ping" : "tcp",
			r >> 9 & 1 ? TOCSIN_WHY_NONE :
			TOCSIN_WHY_CONNECT_REFUSED);
		sim_run_until(s, at + (double)(a % 1000) / 100);
		if (w.kills && (a >> 16) % 3 == 0)
			sim_restart(s);
		if (w.steps && (a >> 24) % 3 == 0)
			sim_step_wall(s, (int64_t)(a >> 32) % 86400000 *
				(a & 1 ? 1 : -1));
		sim_run_until(s, at + 20);
	}
	log = strdup(sim_log(s));
	sim_free(s);
	return log;
}

/* The lines of one host: hosts may change places, none may change its mind. */
static void
host_lines(const char *log, const char *host, char *out, size_t size)
{
	size_t n = strlen(host), used = 0;

	out[0] = '\0';
	for (const char *at = log; *at != '\0';) {
		size_t len = strcspn(at, "\n") + 1;

		if (strncmp(at, host, n) == 0 && at[n] == ' ' &&
		    used + len < size) {
			memcpy(out + used, at, len);
			used += len;
			out[used] = '\0';
		}
		at += len;
	}
}

static void
same_verdicts(struct weather w, const char *what)
{
	const char *fixed = getenv("TOCSIN_SEED");
	static char want[65536], got[65536];

	for (uint64_t i = 0; i < 20; i++) {
		uint64_t seed = fixed != NULL ? strtoull(fixed, NULL, 10) :
			UINT64_C(0x9e3779b97f4a7c15) * (i + 1) ^
			(uint64_t)(unsigned)getpid();
		char *calm = storm(seed, (struct weather){ 0 });
		char *rough = storm(seed, w);

		ck_assert(strstr(calm, "unhealthy") != NULL);
		for (int h = 0; h < STORM_HOSTS; h++) {
			char host[8];

			snprintf(host, sizeof(host), "h%d", h);
			host_lines(calm, host, want, sizeof(want));
			host_lines(rough, host, got, sizeof(got));
			ck_assert_msg(strcmp(want, got) == 0,
				"%s, TOCSIN_SEED=%llu, %s:\n%s\nbut calm:\n%s",
				what, (unsigned long long)seed, host, got,
				want);
		}
		free(calm);
		free(rough);
	}
}

START_TEST(r153_kills_at_random_ticks_move_no_verdict)
{
	same_verdicts((struct weather){ .kills = true }, "kills");
}
END_TEST

START_TEST(r132_random_steps_of_the_wall_clock_move_no_verdict)
{
	same_verdicts((struct weather){ .steps = true }, "steps");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scenarios");
	TCase *tc = tcase_create("scenarios");
	SRunner *sr;
	int failed;

	find_files();
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_fault_is_told_with_its_line);
	tcase_add_test(tc, r153_kills_at_random_ticks_move_no_verdict);
	tcase_add_test(tc, r132_random_steps_of_the_wall_clock_move_no_verdict);
	tcase_add_loop_test(tc, a_scenario_goes_as_written, 0, (int)n_files);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	for (size_t i = 0; i < n_files; i++)
		printf("%s\n", files[i]);
	return failed == 0 && n_files > 0 ? 0 : 1;
}
