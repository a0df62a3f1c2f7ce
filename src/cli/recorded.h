/*
 * What checks answered once, to be answered again: of a server's file, or of
 * lines as db export --metric check_ok --json writes them.
 */
#ifndef TOCSIN_CLI_RECORDED_H
#define TOCSIN_CLI_RECORDED_H

#include "base/hash.h"
#include "base/mem.h"
#include "cli/virtual.h"

struct recorded_point {
	int64_t at_ms;
	float ok;		/* 1, 0, or NaN */
};

struct recorded_check {
	char *host;
	char *key;
	struct recorded_point *points;	/* by time */
	size_t n, cap;
};

struct recorded {
	struct recorded_check *checks;	/* by host */
	size_t n, cap;
	size_t hosts;
	int64_t from_ms, to_ms;		/* the first point, behind the last */
	struct virtual_check *plan;	/* the same, as virtual_new() wants it */
	struct arena texts;
};

/* TC_EINVAL with the line, TC_ENOENT when nothing was recorded. */
int recorded_load(const char *path, struct recorded *out, struct tc_err *e);
void recorded_free(struct recorded *r);
/* A struct virtual_plan's answer; `arg` is a struct recorded. */
enum tocsin_reason recorded_answer(void *arg, size_t i, struct dur since);

#endif
