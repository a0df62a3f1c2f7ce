/*
 * The default gateway, as the kernel's routes name it: whom to ping to tell
 * our own silence from the fleet's.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "daemon/daemon.h"

#define GATEWAY_TEXT 48
#define ROUTES_MAX_BYTES ((size_t)1 << 20)
/* RTF_UP and RTF_GATEWAY of linux/route.h */
#define UP_AND_GATEWAY 3U

/* /proc/net/route: addresses are the bytes in order, printed as one number. */
static bool
gateway_parse(const char *routes, char out[GATEWAY_TEXT])
{
	const char *line = strchr(routes, '\n');
	unsigned best = 0;
	bool found = false;

	for (; line != NULL; line = strchr(line + 1, '\n')) {
		unsigned to, via, flags, refs, used, metric, mask;
		struct in_addr a;

		if (sscanf(line + 1, "%*15s %8x %8x %8x %10u %10u %10u %8x",
			    &to, &via, &flags, &refs, &used, &metric,
			    &mask) != 7)
			continue;
		if (to != 0 || mask != 0 || via == 0 ||
		    (flags & UP_AND_GATEWAY) != UP_AND_GATEWAY ||
		    (found && metric >= best))
			continue;
		a.s_addr = via;
		inet_ntop(AF_INET, &a, out, GATEWAY_TEXT);
		best = metric;
		found = true;
	}
	return found;
}

void
gateway_look(struct daemon *d)
{
	struct strbuf routes = { 0 };
	char address[GATEWAY_TEXT];
	struct tc_err e;

	if (d->config->gateway && file_slurp("/proc/net/route",
		ROUTES_MAX_BYTES, &routes, &e) == 0 &&
	    gateway_parse(strbuf_str(&routes), address))
		engine_set_gateway(d->engine, address);
	strbuf_free(&routes);
}
