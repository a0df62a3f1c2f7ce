/*
 * The rows of every section of tocsin.yaml.  An option is added here, and in
 * the enum beside its rows; the parser, the example, the man page and the
 * print-out follow.
 */
#ifndef TOCSIN_CONFIG_SCHEMA_H
#define TOCSIN_CONFIG_SCHEMA_H

#include <tocsin/probe.h>

enum top_row { TOP_LISTEN, TOP_STATE_DIR, TOP_LOG_LEVEL, TOP_RULES,
	TOP_BACKUP_MAX_AGE, TOP_HOST_BACKUP_MAX_AGE, TOP_ROWS };
enum tls_row { TLS_CERTIFICATE, TLS_KEY, TLS_CLIENT_CA, TLS_ROWS };
enum http_row { HTTP_THREADS, HTTP_MAX_BODY, HTTP_MAX_CONNECTIONS, HTTP_ROWS };
enum rule_row { RULE_INTERVAL, RULE_TIMEOUT, RULE_FAIL_AFTER,
	RULE_CLEAR_AFTER, RULE_STALE_AFTER, RULE_RECHECK,
	RULE_RECHECK_TIMEOUT, RULE_FAIL_WHEN, RULE_FLAP_AFTER,
	RULE_FLAP_WITHIN, RULE_FLAP_CLEAR, RULE_ROWS };
enum passive_row { PASSIVE_INTERVAL, PASSIVE_SMART_INTERVAL,
	PASSIVE_FAIL_AFTER, PASSIVE_CLEAR_AFTER, PASSIVE_STALE_AFTER,
	PASSIVE_ROWS };
enum receiver_row { RECEIVER_NAME, RECEIVER_TYPE, RECEIVER_URL,
	RECEIVER_SECRET, RECEIVER_SERVER, RECEIVER_FROM, RECEIVER_USER,
	RECEIVER_PASSWORD, RECEIVER_TIMEOUT, RECEIVER_FALLBACK,
	RECEIVER_FALLBACK_AFTER, RECEIVER_ROWS };
enum heartbeat_row { HEARTBEAT_EVERY, HEARTBEAT_ROWS };
enum receiver_type { RECEIVER_WEBHOOK, RECEIVER_ALERTMANAGER, RECEIVER_SLACK,
	RECEIVER_PAGERDUTY, RECEIVER_SMTP, RECEIVER_EXEC };
enum evacuate_row { EVACUATE_MODE, EVACUATE_AT_ONCE, EVACUATE_PER_HOUR,
	EVACUATE_PER_DAY, EVACUATE_FLEET_AT_ONCE, EVACUATE_FLEET_PER_HOUR,
	EVACUATE_FLEET_PER_DAY, EVACUATE_WAIT, EVACUATE_REBOOT, EVACUATE_TIME,
	EVACUATE_RATE, EVACUATE_ROWS };
enum executor_row { EXECUTOR_TYPE, EXECUTOR_URL, EXECUTOR_SECRET,
	EXECUTOR_TIMEOUT, EXECUTOR_ROWS };
enum executor_type { EXECUTOR_EXEC, EXECUTOR_WEBHOOK };
enum observer_row { OBSERVER_GATEWAY, OBSERVER_ROWS };
enum retention_row { RETENTION_RAW, RETENTION_M5, RETENTION_H1, RETENTION_D1,
	RETENTION_PACK_AFTER, RETENTION_ALERTS, RETENTION_EVENTS,
	RETENTION_AUDIT, RETENTION_ROWS };
enum host_row { HOST_NAME, HOST_ADDRESS, HOST_AGENT, HOST_PARENT, HOST_ROWS };
enum unit_row { UNIT_HEARTBEAT, UNIT_LATE_AFTER, UNIT_CLEAR_AFTER, UNIT_GRACE,
	UNIT_NEVER, UNIT_LOST, UNIT_GONE, UNIT_BUSY, UNIT_ROWS };
enum vm_row { VM_NAME, VM_ADDRESS, VM_CLASS, VM_AGENT, VM_ON, VM_ROWS };
enum role_row { ROLE_NAME, ROLE_ADDRESS, ROLE_CLASS, ROLE_ON, ROLE_ROWS };

extern const struct tocsin_opt top_rows[TOP_ROWS + 1];
extern const struct tocsin_opt tls_rows[TLS_ROWS + 1];
extern const struct tocsin_opt http_rows[HTTP_ROWS + 1];
extern const struct tocsin_opt rule_rows[RULE_ROWS + 1];
extern const struct tocsin_opt passive_rows[PASSIVE_ROWS + 1];
extern const struct tocsin_opt receiver_rows[RECEIVER_ROWS + 1];
extern const struct tocsin_opt heartbeat_rows[HEARTBEAT_ROWS + 1];
extern const struct tocsin_opt evacuate_rows[EVACUATE_ROWS + 1];
extern const struct tocsin_opt executor_rows[EXECUTOR_ROWS + 1];
extern const struct tocsin_opt observer_rows[OBSERVER_ROWS + 1];
extern const struct tocsin_opt retention_rows[RETENTION_ROWS + 1];
extern const struct tocsin_opt host_rows[HOST_ROWS + 1];
extern const struct tocsin_opt unit_rows[UNIT_ROWS + 1];
extern const struct tocsin_opt vm_rows[VM_ROWS + 1];
extern const struct tocsin_opt role_rows[ROLE_ROWS + 1];

#endif
