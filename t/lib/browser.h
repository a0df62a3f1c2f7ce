/*
 * A real browser for the tests: Chromium, headless, driven through
 * chromedriver (W3C WebDriver over loopback).
 */
#ifndef TOCSIN_T_LIB_BROWSER_H
#define TOCSIN_T_LIB_BROWSER_H

#include <jansson.h>
#include <stdbool.h>

#include "t/lib/it.h"

struct browser {
	struct it *it;
	pid_t driver;
	char log[32];		/* of the driver */
	char url[256];		/* of the session */
};

/* Chromium and its driver are installed. */
bool browser_is_there(void);
void browser_start(struct browser *b, struct it *it);
void browser_end(struct browser *b);

void browser_go(struct browser *b, const char *url);
void browser_resize(struct browser *b, int width, int height);
/* The body of a function; what it returns, to be given to json_decref. */
json_t *browser_run(struct browser *b, const char *script);
/* The script's value is true within so many seconds; else the test fails. */
void browser_wait(struct browser *b, const char *script, double seconds);
bool browser_true(struct browser *b, const char *script);
/* A PNG of the whole page, into the file. */
void browser_shoot(struct browser *b, const char *path);
/* The browser's complaints (errors, violations of the policy) since last. */
void browser_no_complaints(struct browser *b);
/* A key as WebDriver has it: "/", "\uE006" … to what has the focus. */
void browser_key(struct browser *b, const char *key);
/* A DevTools command; params is JSON text. */
void browser_tell(struct browser *b, const char *cmd, const char *params);
/* The same, with its answer; to be given to json_decref. */
json_t *browser_ask(struct browser *b, const char *cmd, const char *params);

#endif
