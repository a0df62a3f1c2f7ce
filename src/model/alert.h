/*
 * Alerts: what people are told.  One alert is one trouble of one subject from
 * its begin to its end; its key says which, its id says which time.
 */
#ifndef TOCSIN_MODEL_ALERT_H
#define TOCSIN_MODEL_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/fleet.h"

/* Stored codes; the order is that of urgency. */
#define SEVERITY_TABLE(X)           \
	X(1, INFO, "info")          \
	X(2, WARNING, "warning")    \
	X(3, CRITICAL, "critical")

enum severity {
#define X(num, sym, id) SEVERITY_##sym = (num),
	SEVERITY_TABLE(X)
#undef X
};

/*
 * Kinds, stable text ids: host_unhealthy (critical), role_unhealthy
 * (critical), host_flapping (critical: in their place while it comes and
 * goes), host_stale (warning), host_at_risk (likely: warning, imminent:
 * critical), partition_outage (critical: four alerts or more), brake_latched,
 * store_degraded, store_replaced (critical: history begun anew),
 * store_damaged, backup_old (of the server's own file), host_backup_old,
 * token_expires (warning),
 * observer_suspect (critical), maintenance_overrun (critical),
 * maintenance_notice (info: a window comes), maintenance_conflict (warning: a
 * provider's windows leave nothing of a service),
 * acceptance_revoked (warning: a value that was accepted moved),
 * vm_unhealthy (critical; subject is the VM), agent_silent (of a host or a
 * VM: never heard of or ended with an error: critical; else warning),
 * device_replace (warning: a disk fails that others stand for).
 */
struct alert {
	uint64_t id;		/* rises, never reused */
	const char *key;	/* "host_unhealthy/h1" */
	const char *kind;
	enum severity severity;
	uint32_t subject;	/* host or partition; 0 = the server */
	const char *host;	/* "" when it is none's */
	const char *partition;
	const struct tag *tags;	/* of the host */
	size_t n_tags;
	bool firing;
	struct wall since;	/* never moves while it fires */
	struct wall ended;	/* ms 0 while it fires */
	const char *summary;	/* one line for people */
	const char *body;	/* JSON object: reason, evidence … */
	const char *acked_by;	/* "" = nobody */
	struct wall acked_until;	/* ms 0 = until it ends */
	/* Its acknowledgement ran out: people are told as of a new one. */
	bool again;
	/*
	 * Begun while its partition's partition_outage fired, or with its
	 * notify switched off: shown, but nobody is told of it apart.
	 * Not stored: a message that was never sent has no resolution.
	 */
	bool grouped;
};

const char *severity_id(enum severity s);
bool severity_parse(const char *id, size_t n, enum severity *out);

#endif
