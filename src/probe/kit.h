/*
 * The conformance kit: a plugin is loaded, run, cancelled and closed under
 * the eyes of a host that trusts nothing.  It is called in a process of its
 * own, since the plugin may do anything to it.
 */
#ifndef TOCSIN_PROBE_KIT_H
#define TOCSIN_PROBE_KIT_H

#include <stddef.h>

#include "base/err.h"

struct kit_conf {
	const char *path;	/* …/NAME.so */
	const char *address;	/* "" = the machine itself */
	const char *const *set;	/* "option=value" */
	size_t n_set;
	/* Each thing tried, in turn; what = NULL: good. */
	void (*tell)(void *arg, const char *title, const char *what);
	void *arg;
};

/* How many defects were told; negative: nothing could be tried. */
int kit_test(const struct kit_conf *conf, struct tc_err *e);

/*
 * The same in a child, which is killed after `patience_s`: a crash and a hang
 * are defects too.  tell() is called in this process.
 */
int kit_test_apart(const struct kit_conf *conf, unsigned patience_s,
	struct tc_err *e);

#endif
