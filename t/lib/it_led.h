/*
 * For tests with a real server: an agent that keeps the books of what was
 * acknowledged.  Its host is "led"; a batch a second, from `begin` on.
 */
#ifndef TOCSIN_T_LIB_IT_LED_H
#define TOCSIN_T_LIB_IT_LED_H

#include "t/lib/it.h"

struct it_led {
	struct it *it;
	int ratios;		/* beside load_1m: values that do not pack well */
	bool again;		/* what was refused is sent again, not the next */
	int64_t begin_ms;
	int sent;
	int acked;
};

/* From an hour ago on. */
void it_led_init(struct it_led *l, struct it *it);
/* One batch; the status. */
long it_led_post(struct it_led *l);
/* For it_wait(): posts one. */
bool it_led_is_taken(void *led);
bool it_led_is_refused(void *led);
/* How many of those that were sent the server has. */
size_t it_led_points(struct it_led *l);

#endif
