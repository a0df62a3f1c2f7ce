/*
 * Signs of life, on the way of every alert: whoever misses two of them knows
 * that something between the loop and the receiver does not work.
 */
#include "action/parts.h"

size_t
action_heartbeat(struct action *a, struct change_set *cs, const char *body)
{
	struct alert al = { .key = "heartbeat", .kind = "heartbeat",
		.severity = SEVERITY_INFO, .host = "", .partition = "",
		.firing = true, .since = a->conf.clock->wall(a->conf.clock),
		.summary = "Tocsin watches, stores and delivers", .body = body,
		.acked_by = "" };
	size_t n = 0;

	for (size_t i = 0; i < a->n_heartbeat_to; i++) {
		struct outlet *o = action_outlet(a, a->heartbeat_to[i]);

		if (o == NULL)
			continue;
		outlet_drop_heartbeats(o);
		n += message_add(o, cs, &al) ? 1 : 0;
	}
	return n;
}
