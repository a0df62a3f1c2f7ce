/*
 * For who reads windows within other JSON.
 */
#ifndef TOCSIN_PLAN_WINDOW_JSON_H
#define TOCSIN_PLAN_WINDOW_JSON_H

#include "plan/window.h"
#include "wire/json_read.h"

/* One member of it; false when the key is none of a window's. */
bool window_get(struct json_read *r, struct json_str key, struct window *w);

/* A copy of the name at the end of the list; TC_ENOMEM. */
int window_add_name(char ***names, size_t *n, size_t *cap, const char *name);

#endif
