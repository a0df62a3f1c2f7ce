/*
 * Roles of tokens.
 */
#ifndef TOCSIN_HTTP_ROLE_H
#define TOCSIN_HTTP_ROLE_H

#include <stdbool.h>
#include <stddef.h>

enum http_role { ROLE_NONE, ROLE_AGENT, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };
const char *http_role_id(enum http_role r);
bool http_role_parse(const char *id, size_t n, enum http_role *out);

#endif
