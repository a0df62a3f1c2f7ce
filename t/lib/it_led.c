#include "t/lib/it_led.h"

#include <check.h>
#include <stdio.h>

#include "base/clock.h"

void
it_led_init(struct it_led *l, struct it *it)
{
	struct clock *clock = clock_system();

	*l = (struct it_led){ .it = it,
		.begin_ms = clock->wall(clock).ms - 3600000 };
}

long
it_led_post(struct it_led *l)
{
	long long at = l->begin_ms + l->sent * 1000LL;
	struct strbuf body = { 0 };
	struct it_reply r;
	long status;

	strbuf_printf(&body, "{\"host\":\"led\",\"batch\":\"b%d\",\"sent_ms\":%lld,"
		"\"observations\":[{\"probe\":\"cpu\",\"at_ms\":%lld,"
		"\"outcome\":\"ok\",\"reason\":\"none\",\"metrics\":{"
		"\"load_1m\":%d", l->sent, at, at, l->sent);
	for (int i = 0; i < l->ratios; i++)
		strbuf_printf(&body, ",\"m%d_ratio\":%.17g", i,
			1.0 / (l->sent * 41 + i + 3));
	strbuf_puts(&body, "}}]}");
	it_call(l->it, "POST /v1/observations", NULL, strbuf_str(&body), &r);
	status = r.status;
	it_reply_fini(&r);
	strbuf_free(&body);
	l->sent += status == 202 || !l->again;
	l->acked += status == 202;
	return status;
}

bool
it_led_is_taken(void *led)
{
	return it_led_post(led) == 202;
}

bool
it_led_is_refused(void *led)
{
	return it_led_post(led) == 503;
}

size_t
it_led_points(struct it_led *l)
{
	char path[256];
	struct it_reply r;
	size_t n;

	snprintf(path, sizeof(path), "/v1/series?host=led&metric=load_1m"
		"&from=%lld&to=%lld&limit=10000", (long long)l->begin_ms,
		(long long)l->begin_ms + l->sent * 1000LL);
	it_get(l->it, path, &r);
	ck_assert_msg(r.status == 200, "%s", strbuf_str(&r.text));
	n = json_array_size(it_at(r.json, "series.0.points"));
	it_reply_fini(&r);
	return n;
}
