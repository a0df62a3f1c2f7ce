#include "health/observer.h"

#include <string.h>

#define NS_PER_S INT64_C(1000000000)

bool
observer_is_silence(enum tocsin_reason reason)
{
	switch ((unsigned)reason) {
	case TOCSIN_WHY_NO_REPLY:
	case TOCSIN_WHY_CONNECT_TIMEOUT:
	case TOCSIN_WHY_RESPONSE_TIMEOUT:
	case TOCSIN_WHY_LOCAL_RESOURCE:
	case TOCSIN_WHY_LOCAL_NO_ROUTE:
	case TOCSIN_WHY_RESOLVER_FAILED:
	/* A router near us says so as well as one near them. */
	case TOCSIN_WHY_HOST_UNREACHABLE:
	case TOCSIN_WHY_NET_UNREACHABLE:
		return true;
	default:
		return false;
	}
}

static size_t
slot(int64_t second)
{
	return (size_t)second % OBSERVER_RING;
}

/* Seconds that nothing was said in are forgotten. */
static void
advance(struct observer *o, int64_t second)
{
	if (second - o->second >= OBSERVER_RING) {
		memset(o->silent, 0, sizeof(o->silent));
		memset(o->heard, 0, sizeof(o->heard));
		o->second = second;
		return;
	}
	while (o->second < second) {
		o->second++;
		o->silent[slot(o->second)] = 0;
		o->heard[slot(o->second)] = 0;
	}
}

void
observer_note(struct observer *o, struct observer_mark *host,
	enum tocsin_reason reason, struct mono now)
{
	int64_t second = now.ns / NS_PER_S;

	advance(o, second);
	if (host->counted && second - host->second < OBSERVER_RING) {
		if (host->silent)
			o->silent[slot(host->second)]--;
		else
			o->heard[slot(host->second)]--;
	}
	*host = (struct observer_mark){ second, true,
		observer_is_silence(reason) };
	if (host->silent)
		o->silent[slot(second)]++;
	else
		o->heard[slot(second)]++;
}

bool
observer_has_ground(struct observer *o, struct mono now)
{
	int64_t second = now.ns / NS_PER_S;
	uint64_t silent = 0, heard = 0;

	advance(o, second);
	for (int64_t s = second - OBSERVER_WINDOW_S; s <= second; s++) {
		if (s < 0)
			continue;
		silent += o->silent[slot(s)];
		heard += o->heard[slot(s)];
	}
	return silent >= OBSERVER_LEAST_HOSTS && silent >= 2 * heard;
}

bool
observer_update(struct observer *o, struct mono now)
{
	int64_t second = now.ns / NS_PER_S;

	if (observer_has_ground(o, now)) {
		o->calm_since = 0;
		if (o->suspect)
			return false;
		o->suspect = true;
		return true;
	}
	if (!o->suspect)
		return false;
	if (o->calm_since == 0)
		o->calm_since = second;
	if (second - o->calm_since < OBSERVER_CALM_S)
		return false;
	o->suspect = false;
	return true;
}
