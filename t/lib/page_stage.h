/*
 * A stage for the page: hosts that answer on loopback, a real tocsind, a real
 * Chromium, and the hands of a person.
 */
#ifndef TOCSIN_T_LIB_PAGE_STAGE_H
#define TOCSIN_T_LIB_PAGE_STAGE_H

#include <pthread.h>
#include <stdint.h>

#include "t/lib/browser.h"
#include "t/lib/story.h"

struct stage {
	struct it it;
	struct browser b;
	int listener;		/* answers for all of 127.0.0.0/8 */
	int port;
	pthread_t server;
};

/* The hosts answer; the test writes tocsin.yaml next. */
void stage_init(struct stage *s);
/* Server and browser; the page is not opened yet. */
void stage_start(struct stage *s);
/*
 * The same, with so many racks "r0", "r1"… of 1,000 hosts "n0-000"…; every
 * third has a check, which fails.
 */
void stage_start_racks(struct stage *s, int n);
void stage_end(struct stage *s);

int64_t stage_wall(void);
/* "POST /v1/signals" with the body as an admin; the status must be so. */
void stage_call(struct stage *s, const char *what, const char *body,
	long status);
/* Six days of a disk that gets worse, so many sectors a day. */
void stage_feed_disk(struct stage *s, const char *host, const char *serial,
	int a_day);

/* As a person does it: the dialog asks, the token is given. */
void stage_enter(struct stage *s);
/* The hash of a view. */
void stage_visit(struct stage *s, const char *hash);
/* The element says so, within 15 s. */
void stage_wait_text(struct stage *s, const char *where, const char *text);
void stage_click(struct stage *s, const char *selector);
/* A field of the dialog. */
void stage_type(struct stage *s, const char *name, const char *text);
/* A field of the form on the page, as a hand would fill it. */
void stage_fill(struct stage *s, const char *name, const char *text);
void stage_run(struct stage *s, const char *script);

/* t/shots/NAME-WIDTH.png in the build folder, to be looked at. */
void stage_shoot(struct stage *s, const char *name, int width);
/* Nothing is wider than the window, at any of three widths; shoots each. */
void stage_widths(struct stage *s, const char *name);

#endif
