/*
 * One main for every unit test:
 *
 *	int main(void) { return STORIES("base", one_test, another_test); }
 */
#ifndef TOCSIN_T_LIB_STORY_H
#define TOCSIN_T_LIB_STORY_H

#include <check.h>
#include <stddef.h>

/* AddressSanitizer takes the place of malloc, and of the signal of a crash. */
#if defined(__SANITIZE_ADDRESS__)
#define STORY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STORY_ASAN 1
#endif
#endif
#ifndef STORY_ASAN
#define STORY_ASAN 0
#endif

static inline int
story_run(const char *suite, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(suite);
	TCase *tc = tcase_create(suite);
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 120);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

#define STORIES(suite, ...)                                             \
	story_run(suite, (const TTest *const[]){ __VA_ARGS__ },         \
		sizeof((const TTest *const[]){ __VA_ARGS__ }) /         \
			sizeof(const TTest *))

#endif
