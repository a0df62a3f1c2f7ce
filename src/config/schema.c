#include "config/schema.h"

#include <stddef.h>

const struct tocsin_opt top_rows[TOP_ROWS + 1] = {
	[TOP_LISTEN] = { "listen", TOCSIN_OPT_STRING, .dflt = "127.0.0.1:8420",
		.min = "3", .max = "300",
		.help = "Address and port of the API and the page." },
	[TOP_STATE_DIR] = { "state_dir", TOCSIN_OPT_STRING,
		.dflt = "/var/lib/tocsin", .min = "1", .max = "4000",
		.help = "Where tocsin.db, admin.token and export/ live." },
	[TOP_LOG_LEVEL] = { "log_level", TOCSIN_OPT_ENUM, .dflt = "info",
		.choices = "error|warn|info|debug",
		.help = "How much is written to stderr." },
	[TOP_RULES] = { "rules", TOCSIN_OPT_STRING, .dflt = "", .max = "4000",
		.help = "File of the rule pack; empty: the one installed." },
	[TOP_BACKUP_MAX_AGE] = { "backup_max_age", TOCSIN_OPT_DUR,
		.dflt = "0s", .min = "0s", .max = "3650d",
		.help = "Warn when the last tocsin db backup is older; 0: never." },
	[TOP_HOST_BACKUP_MAX_AGE] = { "host_backup_max_age", TOCSIN_OPT_DUR,
		.dflt = "0s", .min = "0s", .max = "3650d",
		.help = "Warn of a host whose backup_age_seconds is more, and "
		"hold what would destroy its data; 0: never." },
	[TOP_ROWS] = { NULL },
};

const struct tocsin_opt tls_rows[TLS_ROWS + 1] = {
	[TLS_CERTIFICATE] = { "certificate", TOCSIN_OPT_STRING, .dflt = "",
		.max = "4000", .help = "File with the certificate, PEM." },
	[TLS_KEY] = { "key", TOCSIN_OPT_STRING, .dflt = "", .max = "4000",
		.help = "File with its private key, PEM." },
	[TLS_CLIENT_CA] = { "client_ca", TOCSIN_OPT_STRING, .dflt = "",
		.max = "4000",
		.help = "File of the authorities of clients; empty: any." },
	[TLS_ROWS] = { NULL },
};

const struct tocsin_opt http_rows[HTTP_ROWS + 1] = {
	[HTTP_THREADS] = { "threads", TOCSIN_OPT_INT, .dflt = "0", .min = "0",
		.max = "64", .help = "Threads that serve; 0: by itself." },
	[HTTP_MAX_BODY] = { "max_body", TOCSIN_OPT_SIZE, .dflt = "1MiB",
		.min = "4KiB", .max = "64MiB",
		.help = "The longest body that is taken." },
	[HTTP_MAX_CONNECTIONS] = { "max_connections", TOCSIN_OPT_INT,
		.dflt = "4096", .min = "16", .max = "100000",
		.help = "Connections at a time." },
	[HTTP_ROWS] = { NULL },
};

const struct tocsin_opt observer_rows[OBSERVER_ROWS + 1] = {
	[OBSERVER_GATEWAY] = { "gateway", TOCSIN_OPT_BOOL, .dflt = "true",
		.help = "Ping the default gateway, found by itself, where hosts "
		"lie beyond it." },
	[OBSERVER_ROWS] = { NULL },
};

const struct tocsin_opt retention_rows[RETENTION_ROWS + 1] = {
	[RETENTION_RAW] = { "raw", TOCSIN_OPT_DUR, .dflt = "0s", .min = "0s",
		.max = "36500d", .help = "Raw history older than this goes, "
		"7d at least; 0: it is kept." },
	[RETENTION_M5] = { "rollups_5m", TOCSIN_OPT_DUR, .dflt = "0s",
		.min = "0s", .max = "36500d", .help = "The same for roll-ups "
		"of 5 minutes." },
	[RETENTION_H1] = { "rollups_1h", TOCSIN_OPT_DUR, .dflt = "0s",
		.min = "0s", .max = "36500d", .help = "Of an hour." },
	[RETENTION_D1] = { "rollups_1d", TOCSIN_OPT_DUR, .dflt = "0s",
		.min = "0s", .max = "36500d", .help = "Of a day." },
	[RETENTION_PACK_AFTER] = { "pack_after", TOCSIN_OPT_DUR,
		.dflt = "10m", .min = "0s", .max = "7d", .help = "How long "
		"after its end an hour of history is packed to a tenth of "
		"its size; 0: never." },
	[RETENTION_ALERTS] = { "alerts", TOCSIN_OPT_DUR, .dflt = "0s",
		.min = "0s", .max = "36500d", .help = "Alerts that ended so "
		"long ago go, with their messages; 0: they are kept." },
	[RETENTION_EVENTS] = { "events", TOCSIN_OPT_DUR, .dflt = "0s",
		.min = "0s", .max = "36500d", .help = "The same for events." },
	[RETENTION_AUDIT] = { "audit", TOCSIN_OPT_DUR, .dflt = "0s",
		.min = "0s", .max = "36500d", .help = "The same for the "
		"audit trail, which says so itself." },
	[RETENTION_ROWS] = { NULL },
};

const struct tocsin_opt rule_rows[RULE_ROWS + 1] = {
	[RULE_INTERVAL] = { "interval", TOCSIN_OPT_DUR, .dflt = "15s",
		.min = "100ms", .max = "1d", .help = "From run to run." },
	[RULE_TIMEOUT] = { "timeout", TOCSIN_OPT_DUR, .dflt = "5s",
		.min = "10ms", .max = "10m",
		.help = "How long a run may take; at most the interval." },
	[RULE_FAIL_AFTER] = { "fail_after", TOCSIN_OPT_INT, .dflt = "3",
		.min = "1", .max = "100",
		.help = "Failures in a row that make a unit unhealthy." },
	[RULE_CLEAR_AFTER] = { "clear_after", TOCSIN_OPT_INT, .dflt = "2",
		.min = "1", .max = "100",
		.help = "Successes in a row that make it healthy again." },
	[RULE_STALE_AFTER] = { "stale_after", TOCSIN_OPT_INT, .dflt = "3",
		.min = "1", .max = "1000",
		.help = "Intervals without data until it is stale." },
	[RULE_RECHECK] = { "recheck", TOCSIN_OPT_DUR, .dflt = "1s",
		.min = "0s", .max = "1h",
		.help = "After a first failure so soon again; off: never." },
	[RULE_RECHECK_TIMEOUT] = { "recheck_timeout", TOCSIN_OPT_DUR,
		.dflt = "2s", .min = "0s", .max = "10m",
		.help = "How long a recheck may take; 0s: the timeout." },
	[RULE_FAIL_WHEN] = { "fail_when", TOCSIN_OPT_STRING, .dflt = "",
		.max = "16", .help = "M of N: so many failures of the last so "
		"many runs make it unhealthy as well; empty: off." },
	[RULE_FLAP_AFTER] = { "flap_after", TOCSIN_OPT_INT, .dflt = "5",
		.min = "0", .max = "64", .help = "Changes of the verdict "
		"within flap_within that are flapping; 0: off." },
	[RULE_FLAP_WITHIN] = { "flap_within", TOCSIN_OPT_INT, .dflt = "60",
		.min = "1", .max = "64", .unit = "runs",
		.help = "How far back such changes count." },
	[RULE_FLAP_CLEAR] = { "flap_clear", TOCSIN_OPT_INT, .dflt = "20",
		.min = "1", .max = "64", .unit = "runs",
		.help = "Without a change for so many it flaps no more." },
	[RULE_ROWS] = { NULL },
};

const struct tocsin_opt passive_rows[PASSIVE_ROWS + 1] = {
	[PASSIVE_INTERVAL] = { "interval", TOCSIN_OPT_DUR, .dflt = "15s",
		.min = "1s", .max = "1d",
		.help = "How often agents are expected to send." },
	[PASSIVE_SMART_INTERVAL] = { "smart_interval", TOCSIN_OPT_DUR,
		.dflt = "1h", .min = "1m", .max = "7d",
		.help = "How often they are expected to read SMART." },
	[PASSIVE_FAIL_AFTER] = { "fail_after", TOCSIN_OPT_INT, .dflt = "3",
		.min = "1", .max = "100",
		.help = "Failures in a row that make a unit unhealthy." },
	[PASSIVE_CLEAR_AFTER] = { "clear_after", TOCSIN_OPT_INT, .dflt = "2",
		.min = "1", .max = "100",
		.help = "Successes in a row that make it healthy again." },
	[PASSIVE_STALE_AFTER] = { "stale_after", TOCSIN_OPT_INT, .dflt = "3",
		.min = "1", .max = "1000",
		.help = "Intervals without data until it is stale." },
	[PASSIVE_ROWS] = { NULL },
};

const struct tocsin_opt receiver_rows[RECEIVER_ROWS + 1] = {
	[RECEIVER_NAME] = { "name", TOCSIN_OPT_STRING, .min = "1", .max = "64",
		.help = "What routes call it." },
	[RECEIVER_TYPE] = { "type", TOCSIN_OPT_ENUM,
		.choices = "webhook|alertmanager|slack|pagerduty|smtp|exec",
		.help = "How it is reached." },
	[RECEIVER_URL] = { "url", TOCSIN_OPT_SECRET, .dflt = "", .max = "2000",
		.help = "http or https; shown without its path." },
	[RECEIVER_SECRET] = { "secret", TOCSIN_OPT_SECRET, .dflt = "",
		.max = "500", .help = "Signs webhooks; PagerDuty's key." },
	[RECEIVER_SERVER] = { "server", TOCSIN_OPT_STRING, .dflt = "",
		.max = "300", .help = "smtp: HOST:PORT of the mail server." },
	[RECEIVER_FROM] = { "from", TOCSIN_OPT_STRING, .dflt = "",
		.max = "300", .help = "smtp: the sender." },
	[RECEIVER_USER] = { "user", TOCSIN_OPT_STRING, .dflt = "",
		.max = "300", .help = "smtp: user name at the server." },
	[RECEIVER_PASSWORD] = { "password", TOCSIN_OPT_SECRET, .dflt = "",
		.max = "500", .help = "smtp: its password." },
	[RECEIVER_TIMEOUT] = { "timeout", TOCSIN_OPT_DUR, .dflt = "10s",
		.min = "1s", .max = "5m",
		.help = "How long one delivery may take." },
	[RECEIVER_FALLBACK] = { "fallback", TOCSIN_OPT_STRING, .dflt = "",
		.max = "64", .help = "A receiver told in its place while it "
		"cannot be reached." },
	[RECEIVER_FALLBACK_AFTER] = { "fallback_after", TOCSIN_OPT_DUR,
		.dflt = "1m", .min = "1s", .max = "1h",
		.help = "How long a message may wait before that." },
	[RECEIVER_ROWS] = { NULL },
};

const struct tocsin_opt heartbeat_rows[HEARTBEAT_ROWS + 1] = {
	[HEARTBEAT_EVERY] = { "every", TOCSIN_OPT_DUR, .dflt = "1m",
		.min = "1s", .max = "1d",
		.help = "How often a sign of life goes out." },
	[HEARTBEAT_ROWS] = { NULL },
};

const struct tocsin_opt evacuate_rows[EVACUATE_ROWS + 1] = {
	[EVACUATE_MODE] = { "mode", TOCSIN_OPT_ENUM, .dflt = "recommend",
		.choices = "recommend|armed",
		.help = "recommend: plans only; armed: plans are executed." },
	[EVACUATE_AT_ONCE] = { "at_once", TOCSIN_OPT_INT, .dflt = "0",
		.min = "0", .max = "500",
		.help = "Hosts of a partition recommended to be left at a "
		"time; 0: max(2, 3 %)." },
	[EVACUATE_PER_HOUR] = { "per_hour", TOCSIN_OPT_INT, .dflt = "0",
		.min = "0", .max = "500",
		.help = "The same in an hour; 0: max(2, 3 %)." },
	[EVACUATE_PER_DAY] = { "per_day", TOCSIN_OPT_INT, .dflt = "0",
		.min = "0", .max = "500",
		.help = "The same in a day; 0: twice that." },
	[EVACUATE_FLEET_AT_ONCE] = { "fleet_at_once", TOCSIN_OPT_INT, .dflt = "100",
		.min = "0", .max = "100000",
		.help = "Of all partitions together at a time; 0: no limit." },
	[EVACUATE_FLEET_PER_HOUR] = { "fleet_per_hour", TOCSIN_OPT_INT, .dflt = "100",
		.min = "0", .max = "100000",
		.help = "The same in an hour; 0: no limit." },
	[EVACUATE_FLEET_PER_DAY] = { "fleet_per_day", TOCSIN_OPT_INT, .dflt = "300",
		.min = "0", .max = "100000",
		.help = "The same in a day; 0: no limit." },
	[EVACUATE_WAIT] = { "wait", TOCSIN_OPT_DUR, .dflt = "60s",
		.min = "0s", .max = "1d",
		.help = "For the natural return of a convicted host." },
	[EVACUATE_REBOOT] = { "reboot_wait", TOCSIN_OPT_DUR, .dflt = "900s",
		.min = "1s", .max = "1d",
		.help = "For its return after a reboot; then it is left." },
	[EVACUATE_TIME] = { "time", TOCSIN_OPT_DUR, .dflt = "30m", .min = "1s",
		.max = "30d", .help = "How long leaving a host takes, unless "
			"its tag evacuation_time or evacuation_size says it." },
	[EVACUATE_RATE] = { "rate", TOCSIN_OPT_SIZE, .dflt = "100MiB",
		.min = "1KiB", .max = "1TiB",
		.help = "Bytes moved a second: for the tag evacuation_size." },
	[EVACUATE_ROWS] = { NULL },
};

const struct tocsin_opt executor_rows[EXECUTOR_ROWS + 1] = {
	[EXECUTOR_TYPE] = { "type", TOCSIN_OPT_ENUM,
		.choices = "exec|webhook", .help = "How a step is handed out." },
	[EXECUTOR_URL] = { "url", TOCSIN_OPT_SECRET, .dflt = "", .max = "2000",
		.help = "webhook: http or https; shown without its path." },
	[EXECUTOR_SECRET] = { "secret", TOCSIN_OPT_SECRET, .dflt = "",
		.max = "500", .help = "webhook: signs the requests." },
	[EXECUTOR_TIMEOUT] = { "timeout", TOCSIN_OPT_DUR, .dflt = "5m",
		.min = "1s", .max = "1d", .help = "How long a step may take." },
	[EXECUTOR_ROWS] = { NULL },
};

const struct tocsin_opt host_rows[HOST_ROWS + 1] = {
	[HOST_NAME] = { "name", TOCSIN_OPT_STRING, .min = "1", .max = "253",
		.help = "Unique in the fleet; letters, digits, . _ -" },
	[HOST_ADDRESS] = { "address", TOCSIN_OPT_STRING, .dflt = "",
		.max = "253",
		.help = "IP address or name; the host's name if not set." },
	[HOST_AGENT] = { "agent", TOCSIN_OPT_ENUM, .dflt = "auto",
		.choices = "auto|none|tocsin", .help = "tocsin: its agent is "
		"missed when it is silent." },
	[HOST_PARENT] = { "parent", TOCSIN_OPT_STRING, .dflt = "",
		.max = "253", .help = "Another host that this one hangs on, a "
		"switch or a storage head, in any partition: it is asked "
		"before this one is convicted, and while it is down this one "
		"is unreachable. At most 16 in a row." },
	[HOST_ROWS] = { NULL },
};

const struct tocsin_opt unit_rows[UNIT_ROWS + 1] = {
	[UNIT_HEARTBEAT] = { "heartbeat", TOCSIN_OPT_DUR, .dflt = "15s",
		.min = "1s", .max = "1h",
		.help = "How often an agent is expected to be heard of." },
	[UNIT_LATE_AFTER] = { "late_after", TOCSIN_OPT_INT, .dflt = "3",
		.min = "1", .max = "1000",
		.help = "Missed heartbeats: suspect, or overloaded when busy." },
	[UNIT_CLEAR_AFTER] = { "clear_after", TOCSIN_OPT_INT, .dflt = "2",
		.min = "1", .max = "100",
		.help = "Heartbeats that acquit a VM again." },
	[UNIT_GRACE] = { "grace", TOCSIN_OPT_DUR, .dflt = "600s",
		.min = "1s", .max = "1d",
		.help = "Silence that convicts a VM: it may be busy." },
	[UNIT_NEVER] = { "never_connected", TOCSIN_OPT_DUR, .dflt = "60s",
		.min = "1s", .max = "1d", .help = "Alarm: an agent was to "
		"begin and was never heard of." },
	[UNIT_LOST] = { "connection_lost", TOCSIN_OPT_DUR, .dflt = "600s",
		.min = "1s", .max = "7d",
		.help = "Alarm: an agent was heard of, then no more." },
	[UNIT_GONE] = { "reported_exit", TOCSIN_OPT_DUR, .dflt = "30s",
		.min = "0s", .max = "1d", .help = "Alarm: an agent said that "
		"it ends, and did not come back." },
	[UNIT_BUSY] = { "busy_ratio", TOCSIN_OPT_FLOAT, .dflt = "0.95",
		.min = "0.1", .max = "1",
		.help = "Of the processors: from here on late is not dead." },
	[UNIT_ROWS] = { NULL },
};

#define CLASS_ROW { "class", TOCSIN_OPT_ENUM, .dflt = "stateful", \
	.choices = "stateful|stateless", \
	.help = "stateless: a restart may begin with a fresh disk." }

const struct tocsin_opt vm_rows[VM_ROWS + 1] = {
	[VM_NAME] = { "name", TOCSIN_OPT_STRING, .min = "1", .max = "253",
		.help = "Unique among VMs and hosts." },
	[VM_ADDRESS] = { "address", TOCSIN_OPT_STRING, .dflt = "",
		.max = "253", .help = "What its checks ask; empty: its name." },
	[VM_CLASS] = CLASS_ROW,
	[VM_AGENT] = { "agent", TOCSIN_OPT_ENUM, .dflt = "auto",
		.choices = "auto|none|tocsin", .help = "none: its hypervisor "
		"speaks for it; tocsin: its agent is missed." },
	[VM_ON] = { "on", TOCSIN_OPT_STRING, .dflt = "", .max = "253",
		.help = "Its host, in the list of a partition." },
	[VM_ROWS] = { NULL },
};

const struct tocsin_opt role_rows[ROLE_ROWS + 1] = {
	[ROLE_NAME] = { "name", TOCSIN_OPT_STRING, .min = "1", .max = "253",
		.help = "Unique where it runs." },
	[ROLE_ADDRESS] = { "address", TOCSIN_OPT_STRING, .dflt = "",
		.max = "253",
		.help = "What its checks ask; empty: where it runs." },
	[ROLE_CLASS] = CLASS_ROW,
	[ROLE_ON] = { "on", TOCSIN_OPT_STRING, .dflt = "", .max = "253",
		.help = "Its VM or host, in the list of a partition." },
	[ROLE_ROWS] = { NULL },
};
