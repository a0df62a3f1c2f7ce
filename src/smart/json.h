/*
 * A strict JSON walk over bytes in memory: no tree, no allocation.  Each leaf
 * and each bracket is one event with its path; the visitor takes what it
 * knows.  Refuses duplicate keys, nesting beyond 32, more than 4 MiB.
 */
#ifndef TOCSIN_SMART_JSON_H
#define TOCSIN_SMART_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SMART_JSON_MAX_BYTES = 4 << 20 };

enum smart_json_kind {
	SMART_JSON_OBJECT,	/* { */
	SMART_JSON_OBJECT_END,
	SMART_JSON_ARRAY,	/* [ */
	SMART_JSON_ARRAY_END,
	SMART_JSON_STRING,
	SMART_JSON_NUMBER,
	SMART_JSON_TRUE,
	SMART_JSON_FALSE,
	SMART_JSON_NULL,
};

struct smart_json_event {
	enum smart_json_kind kind;
	/*
	 * "ata_smart_attributes.table[].raw.value"; "" is the whole.  What is
	 * too long for us to know ends in "?".
	 */
	const char *path;
	/*
	 * STRING: decoded, what is not UTF-8 or printable became '?';
	 * NUMBER: as written.  NUL-terminated.  Gone after the call.
	 */
	const char *text;
	size_t n;
	bool cut;	/* the string went on beyond 1 KiB */
};

/* A negative return ends the walk. */
typedef int smart_json_visit(void *arg, const struct smart_json_event *ev,
	struct tc_err *e);

/*
 * 0; TC_EINVAL "line L column C: …" (syntax), TC_ERANGE (a limit), or what
 * the visitor returned.
 */
int smart_json_walk(const char *text, size_t n, smart_json_visit *visit,
	void *arg, struct tc_err *e);

#endif
