/*
 * The rows of the command line, and who does what.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "predict/features.h"
#include "predict/mine.h"

#define DATA_MAX 4096	/* --data of one backtest: years, a file a day */
#define AT(field) offsetof(struct cli_options, field)

static const struct arg common_rows[] = {
	{ "server", ARG_STRING, AT(server), "URL", NULL,
		"where tocsind is; else STATE_DIR/server.url, $TOCSIN_SERVER, "
		"http://127.0.0.1:8420" },
	{ "token-file", ARG_STRING, AT(token_file), "FILE", NULL,
		"who asks; else $TOCSIN_TOKEN, STATE_DIR/admin.token" },
	{ "state-dir", ARG_STRING, AT(state_dir), "DIR", NULL,
		"the server's state, when it runs here; else "
		TOCSIN_STATEDIR },
	{ "ca-file", ARG_STRING, AT(ca_file), "FILE", NULL,
		"certificates that the server's is checked against" },
	{ "json", ARG_FLAG, AT(json), NULL, NULL, "print JSON" },
	{ "format", ARG_STRING, AT(format), "text|kv|json", NULL,
		"for people, for scripts (key=value), or JSON" },
	ARG_ASKS_ROWS(AT(asks)),
	{ .name = NULL }
};

#define ROW_FAIL { "fail", ARG_FLAG, AT(fail), NULL, NULL, \
	"exit with 3 when something is at risk" }
#define ROW_PERSON { "person", ARG_STRING, AT(person), "NAME", NULL, \
	"who answers for it; else your login name" }
#define ROW_LIMIT { "limit", ARG_COUNT, AT(limit), "N", NULL, \
	"at most so many" }
#define ROW_LEVEL(help) { "level", ARG_STRING, AT(level), "LEVELS", NULL, \
	help }

static const struct arg status_rows[] = {
	ROW_FAIL,
	{ "watch", ARG_FLAG, AT(watch), NULL, NULL,
		"go on until stopped: redrawn on a terminal, else a line for "
		"each change" },
	{ .name = NULL }
};
static const struct arg explain_rows[] = { ROW_FAIL, { .name = NULL } };
static const struct arg risk_rows[] = {
	ROW_FAIL,
	ROW_LEVEL("only watch, likely or imminent ones"),
	ROW_LIMIT,
	{ .name = NULL }
};
static const struct arg hosts_rows[] = {
	{ "state", ARG_STRING, AT(state), "STATES", NULL,
		"only those that are healthy, suspect, unhealthy…" },
	ROW_LEVEL("only those of this outlook"),
	{ "partition", ARG_STRING, AT(partition), "NAME", NULL,
		"only those of this partition" },
	{ "tag", ARG_STRING, AT(tag), "KEY=VALUE", NULL,
		"only those with this tag" },
	{ "match", ARG_STRING, AT(match), "TEXT", NULL,
		"only those whose name or address has this in it" },
	ROW_LIMIT,
	{ .name = NULL }
};
static const struct arg events_rows[] = {
	ROW_LIMIT,
	{ "after", ARG_COUNT, AT(after), "SEQ", NULL,
		"those behind this number; else the last 50" },
	{ "follow", ARG_FLAG, AT(follow), NULL, NULL,
		"go on until stopped; --json: one a line" },
	{ .name = NULL }
};
static const struct arg token_rows[] = {
	{ "role", ARG_STRING, AT(role), "ROLE", NULL,
		"agent, viewer, operator or admin" },
	{ "host", ARG_STRING, AT(host), "HOST", NULL,
		"the host that an agent's token is bound to" },
	{ "new", ARG_FLAG, AT(is_new), NULL, NULL,
		"the host is not known yet, and comes to be" },
	{ "valid", ARG_DUR, AT(valid), "DURATION", NULL,
		"it ends after so long, such as 365d; else never" },
	{ "name", ARG_STRING, AT(name), "TEXT", NULL,
		"what the audit trail calls it" },
	{ .name = NULL }
};
static const struct arg config_rows[] = {
	{ "config", ARG_STRING, AT(config), "FILE", NULL,
		"this file; else STATE_DIR/tocsin.yaml, "
		TOCSIN_SYSCONFDIR "/tocsin.yaml" },
	{ "origins", ARG_FLAG, AT(origins), NULL, NULL,
		"say where each value comes from" },
	{ "plugin-dir", ARG_STRING, AT(plugin_dir), "DIRS", TOCSIN_PROBEDIR,
		"where the probes are" },
	{ .name = NULL }
};
static const struct arg import_rows[] = {
	{ "host", ARG_STRING, AT(host), "HOST", NULL,
		"whose drives a CSV file tells of" },
	{ .name = NULL }
};
static const struct arg doctor_rows[] = {
	{ "host", ARG_STRING, AT(host), "NAME", NULL,
		"this machine's name in the fleet" },
	{ .name = NULL }
};

#define ROW_DB { "db", ARG_STRING, AT(db), "FILE", NULL, \
	"the disks of the server's own file, beside a server that runs; " \
	"failed are those with that outcome" }

static const struct arg backtest_rows[] = {
	{ "data", ARG_LIST, AT(data), "FILE", NULL,
		"CSV as Backblaze publishes it, plain, .gz or .zst, sorted by "
		"drive or by date; again for the next file, - = standard "
		"input" },
	ROW_DB,
	{ "emit", ARG_STRING, AT(emit), "FILE", NULL,
		"write every change of level as CSV; - = standard output" },
	{ "pack", ARG_STRING, AT(pack), "FILE", NULL,
		"judge by this rule pack instead of the built-in one" },
	{ "fit", ARG_STRING, AT(fit), "FILE", NULL,
		"fit a pack to the data and write it; --pack is the one to "
		"beat, --emit gets the alarms out of fold" },
	{ "with", ARG_LIST, AT(with), "STATISTIC", NULL,
		"the fit may use it, too: rise_90d, accel_7d, recurrences, "
		"peers_below, pending_gap or unconfirmed_30d; again for the "
		"next" },
	{ "against", ARG_STRING, AT(against), "FILE", NULL,
		"judge by this pack as well: what appears, vanishes, comes "
		"earlier; built-in = the built-in one" },
	{ "html", ARG_STRING, AT(html), "FILE", NULL,
		"write the report with plots and a table by model" },
	{ .name = NULL }
};
static const struct arg mine_rows[] = {
	{ "data", ARG_LIST, AT(data), "FILE", NULL,
		"CSV, plain, .gz or .zst" },
	ROW_DB,
	{ "by", ARG_LIST, AT(by), "COLUMN[:CLASS]", NULL,
		"an attribute; again for the next; CLASS is hardware, software "
		"or place, else told from the name" },
	{ "failed", ARG_STRING, AT(failed), "COLUMN[=VALUE]", NULL,
		"what failed: without VALUE all but 0 and nothing; else "
		"failure=1" },
	{ "id", ARG_STRING, AT(id), "COLUMN", NULL,
		"rows of one id are one thing: its last values, failed if it "
		"ever did" },
	{ "of-hosts", ARG_FLAG, AT(of_hosts), NULL, NULL,
		"of --db: hosts that were convicted, in place of disks that "
		"failed" },
	{ "single", ARG_FLAG, AT(single), NULL, NULL, "no pairs" },
	{ "shuffle", ARG_FLAG, AT(shuffle), NULL, NULL,
		"deal the failures out anew: what is told then is chance" },
	{ .name = NULL }
};

static const struct arg evacuations_rows[] = {
	ROW_FAIL,
	{ "state", ARG_STRING, AT(state), "STATES", NULL,
		"only those that are recommended or held" },
	{ "partition", ARG_STRING, AT(partition), "NAME", NULL,
		"only those of this partition" },
	ROW_LIMIT,
	{ .name = NULL }
};
static const struct arg brake_rows[] = {
	ROW_FAIL,
	{ "reason", ARG_STRING, AT(reason), "TEXT", NULL,
		"of a release: what was found, why it is safe to go on" },
	ROW_PERSON,
	{ .name = NULL }
};
static const struct arg alerts_rows[] = {
	ROW_FAIL,
	{ "severity", ARG_STRING, AT(severity), "SEVERITIES", NULL,
		"only info, warning or critical ones" },
	{ "host", ARG_STRING, AT(host), "HOST", NULL, "only those of a host" },
	{ "comment", ARG_STRING, AT(comment), "TEXT", NULL,
		"of an ack: what you will do" },
	{ "for", ARG_DUR, AT(lasting), "DURATION", NULL,
		"of an ack: so long nobody is paged for it, should it come "
		"back too; else until it ends" },
	ROW_PERSON,
	ROW_LIMIT,
	{ .name = NULL }
};
static const struct arg ack_rows[] = {
	{ "comment", ARG_STRING, AT(comment), "TEXT", NULL,
		"what you will do" },
	{ "for", ARG_DUR, AT(lasting), "DURATION", NULL,
		"so long nobody is paged for it, should it come back too; "
		"else until it ends" },
	ROW_PERSON,
	{ .name = NULL }
};
static const struct arg comment_rows[] = {
	{ "host", ARG_STRING, AT(host), "HOST", NULL,
		"of a list: only those of a host" },
	{ "for", ARG_DUR, AT(lasting), "DURATION", NULL,
		"gone after this; else that of an alert ends with it" },
	ROW_PERSON,
	{ .name = NULL }
};
static const struct arg switches_rows[] = {
	{ "reason", ARG_STRING, AT(reason), "TEXT", NULL,
		"why it is turned" },
	ROW_PERSON,
	{ .name = NULL }
};
static const struct arg audit_rows[] = {
	ROW_LIMIT,
	{ "after", ARG_COUNT, AT(after), "SEQ", NULL,
		"those behind this number; else the last 50" },
	{ .name = NULL }
};
static const struct arg causes_rows[] = {
	{ "by", ARG_STRING, AT(attribute), "ATTRIBUTE", NULL,
		"partition, parent, agent, role, device_model or the key of a "
		"tag; else all" },
	{ "state", ARG_STRING, AT(state), "STATES", NULL,
		"who is affected; else the unhealthy, impaired, unreachable "
		"and flapping" },
	ROW_LEVEL("affected are those of this outlook too"),
	{ "partition", ARG_STRING, AT(partition), "NAME", NULL,
		"only hosts of this partition" },
	ROW_LIMIT,
	{ .name = NULL }
};
static const struct arg healthy_rows[] = { ROW_FAIL, { .name = NULL } };
static const struct arg maintenance_rows[] = {
	{ "hosts", ARG_STRING, AT(hosts), "A,B", NULL, "of these hosts" },
	{ "partition", ARG_STRING, AT(partition), "NAME", NULL,
		"of all hosts of a partition" },
	{ "from", ARG_STRING, AT(from), "TIME", NULL,
		"when it begins, such as 2026-05-01T22:00:00Z; else now" },
	{ "to", ARG_STRING, AT(to), "TIME", NULL, "when it ends" },
	{ "for", ARG_DUR, AT(lasting), "DURATION", NULL,
		"how long it lasts, such as 2h, in place of --to" },
	{ "type", ARG_STRING, AT(type), "TYPE", NULL,
		"instance_reboot, host_reboot, power or network" },
	{ "reason", ARG_STRING, AT(reason), "TEXT", NULL, "what is done" },
	{ "what-to-do", ARG_STRING, AT(todo), "TEXT", NULL,
		"what owners must do; else nothing" },
	{ "notice", ARG_DUR, AT(notice), "DURATION", NULL,
		"people are told so long before" },
	{ "zone", ARG_STRING, AT(zone), "ZONE", NULL,
		"people's time, such as Europe/Vienna; else UTC" },
	{ "every", ARG_STRING, AT(every), "day|week|month", NULL,
		"it comes again and again, from --from on, with --at and "
		"--for" },
	{ "on", ARG_STRING, AT(on), "DAYS", NULL,
		"of what comes again: mon,thu or 1,15,-1 (the last)" },
	{ "at", ARG_STRING, AT(at), "HH:MM", NULL,
		"of what comes again: when, in the zone" },
	{ "until", ARG_STRING, AT(until), "TIME", NULL,
		"of what comes again: none begins later" },
	{ "accept-conflict", ARG_FLAG, AT(accept_conflict), NULL, NULL,
		"although with another window it leaves nothing of a "
		"service" },
	ROW_PERSON,
	{ .name = NULL }
};
static const struct arg accept_rows[] = {
	{ "metric", ARG_STRING, AT(metric), "NAME", NULL,
		"which value, such as pending_sectors; else all that speaks "
		"against the device now" },
	{ "delta", ARG_COUNT, AT(delta), "N", NULL,
		"it may move by so much; else not at all" },
	{ "for", ARG_DUR, AT(lasting), "DURATION", NULL,
		"how long, such as 90d" },
	{ "to", ARG_STRING, AT(to), "TIME", NULL,
		"until when, in place of --for" },
	{ "reason", ARG_STRING, AT(reason), "TEXT", NULL, "why it may be" },
	{ .name = NULL }
};
static const struct arg outcome_rows[] = {
	{ "host", ARG_STRING, AT(host), "HOST", NULL,
		"of the host itself, not of a device" },
	{ "at", ARG_STRING, AT(at), "TIME", NULL,
		"when, such as 2026-05-01T22:00:00Z; healthy: until when; "
		"else now" },
	{ "gone", ARG_FLAG, AT(gone), NULL, NULL,
		"the device is not there any more" },
	{ "note", ARG_STRING, AT(note), "TEXT", NULL, "what was found" },
	{ "after", ARG_COUNT, AT(after), "ID", NULL,
		"of the list: those behind this number" },
	ROW_LIMIT,
	{ .name = NULL }
};
static const struct arg simulate_rows[] = {
	ROW_FAIL,
	{ "hosts", ARG_STRING, AT(hosts), "A,B", NULL, "that fail" },
	{ "partition", ARG_STRING, AT(partition), "NAME", NULL,
		"all of whose hosts fail" },
	{ .name = NULL }
};
static const struct arg signal_rows[] = {
	{ "source", ARG_STRING, AT(source), "NAME", NULL,
		"who says so, such as haproxy" },
	{ "outcome", ARG_STRING, AT(outcome), "OUTCOME", NULL,
		"ok, fail or unknown" },
	{ "text", ARG_STRING, AT(text), "TEXT", NULL, "in its own words" },
	{ "ttl", ARG_DUR, AT(ttl), "DURATION", NULL,
		"stale after this, 1s to 7d; else 1h" },
	{ .name = NULL }
};

static const struct arg plugin_rows[] = {
	{ "address", ARG_STRING, AT(address), "ADDRESS", "127.0.0.1",
		"what the plugin is to look at" },
	{ .name = NULL }
};

static const struct arg db_rows[] = {
	{ "host", ARG_STRING, AT(host), "HOST", NULL,
		"of an export: this host, with all that is part of it" },
	{ "metric", ARG_STRING, AT(metric), "NAME", NULL,
		"of an export; its --format is csv, ndjson or (all drives, "
		"no metric) backblaze" },
	{ "from", ARG_STRING, AT(from), "TIME", NULL,
		"of an export: from then on, such as 2026-05-01T22:00:00Z" },
	{ "to", ARG_STRING, AT(to), "TIME", NULL,
		"of an export: until then" },
	{ "older-than", ARG_DUR, AT(older_than), "DURATION", NULL,
		"of a prune: history older than this goes, such as 90d" },
	{ "tier", ARG_STRING, AT(tier), "TIER", NULL,
		"of a prune: raw (if not given), 5m, 1h, 1d" },
	{ "expected", ARG_COUNT, AT(expected), "N", NULL,
		"of a prune: only if exactly so many rows would go; needed "
		"when it is more than half" },
	{ "dry-run", ARG_FLAG, AT(dry_run), NULL, NULL,
		"of a prune: only count" },
	{ .name = NULL }
};

static const struct arg stats_rows[] = {
	{ "from", ARG_STRING, AT(from), "TIME", NULL,
		"failures from then on, such as 2026-05-01T22:00:00Z; if not "
		"given, of the last 90 days" },
	{ "to", ARG_STRING, AT(to), "TIME", NULL, "failures until then" },
	{ .name = NULL }
};

static const struct arg rehearse_rows[] = {
	{ "from", ARG_STRING, AT(from), "DATE", NULL,
		"the first day, such as 2028-02-28" },
	{ "to", ARG_STRING, AT(to), "DATE", NULL,
		"the day on which it ends, such as 2028-03-02" },
	{ "replay", ARG_STRING, AT(replay), "DB|FILE", NULL,
		"what was recorded: a server's file, or what db export "
		"--metric check_ok --json wrote; else the file of "
		"--state-dir" },
	{ .name = NULL }
};

static const struct arg_verb verbs[] = {
	{ "status", "", 0, 0, "the whole fleet in a few lines", status_rows },
	{ "hosts", "", 0, 0, "one line for each host", hosts_rows },
	{ "host", "HOST", 1, 1, "checks and devices of one host", NULL },
	{ "risk", "", 0, 0, "what will break next, the worst first",
		risk_rows },
	{ "explain", "HOST|DEVICE", 1, 1, "why: evidence, what is missing, what "
		"would change it", explain_rows },
	{ "evacuations", "[HOST]", 0, 1, "what should move, where it could go, "
		"and what holds it", evacuations_rows },
	{ "simulate", "", 0, 0, "were these hosts about to fail: what would be "
		"recommended, would the brake latch", simulate_rows },
	{ "brake", "[list|release PARTITION]", 0, 2, "what holds evacuations "
		"of a partition; a person releases it, with a reason",
		brake_rows },
	{ "maintenance", "[list|add|remove ID|impact [ID]|notice ID|import "
		"FILE]", 0, 2, "windows in which nothing is recommended and "
		"nobody is woken; impact without ID is of one that is not made "
		"yet", maintenance_rows },
	{ "accept", "[remove] DEVICE", 1, 2, "live with a static bad value of "
		"a device until it moves; then all are told", accept_rows },
	{ "repair", "HOST STEP|MEMBER=VALUE...", 2, 9, "a host out of trust "
		"and back: quarantined, diagnosing, probation, in_service or "
		"retired; or what its diagnosis found: memory, disk, nic, psu, "
		"firmware (good, bad, untested), result (repaired, "
		"no_fault_found, returned_to_vendor, scrapped), ticket, note",
		NULL },
	{ "outcome", "[list|failed|replaced|retired|healthy|wrong_alarm "
		"[DEVICE]]", 0, 2, "what became of a device or a host: it "
		"closes the predictions about it", outcome_rows },
	{ "scorecard", "", 0, 0, "how often our own predictions were right",
		NULL },
	{ "stats", "", 0, 0, "how long it took to notice failures and until "
		"they were repaired, foreseen or not", stats_rows },
	{ "artifact", "list HOST|put HOST FILE", 2, 3, "crash reports and logs, "
		"kept with a host; the oldest go", NULL },
	{ "alerts", "[list|ack ID]", 0, 2, "what people are told now, the "
		"worst first", alerts_rows },
	{ "ack", "ID", 1, 1, "you look after an alert: nobody is paged for it "
		"meanwhile", ack_rows },
	{ "comment", "[list|host HOST TEXT|alert ID TEXT|remove ID]", 0, 3,
		"what people say of hosts and alerts", comment_rows },
	{ "switches", "[list|on FUNCTION PARTITION|off FUNCTION PARTITION]", 0,
		3, "what a partition may do at all: recommend, notify, "
		"maintenance_edit",
		switches_rows },
	{ "audit", "", 0, 0, "who did what and why, the latest last",
		audit_rows },
	{ "common-cause", "", 0, 0, "what those in trouble have in common, and "
		"who is not affected", causes_rows },
	{ "healthy-set", "GROUP", 1, 1, "addresses that may be sent traffic, "
		"for load balancers and DNS; never none", healthy_rows },
	{ "signal", "HOST", 1, 1, "what another monitor says of a host, one "
		"word of which convicts or acquits", signal_rows },
	{ "events", "[HOST]", 0, 1, "what happened, the latest last; of a host, "
		"its VMs, roles and disks alone", events_rows },
	{ "token", "create|list|revoke [ID]", 1, 2, "who may; works on a "
		"server that runs and, with --state-dir, on one that does not",
		token_rows },
	{ "config", "", 0, 0, "the effective configuration, or all that is "
		"wrong with it", config_rows },
	{ "import", "FILE", 1, 1, "recorded history: Backblaze-format CSV, or "
		"batches as agents send them, one a line; older than 7 days "
		"only with the --state-dir of a server that does not run",
		import_rows },
	{ "doctor", "", 0, 0, "does everything that Tocsin stands on work",
		doctor_rows },
	{ "db", "backup FILE|verify [FILE]|restore FILE|stats|export|import FILE|"
		"prune",
		1, 2, "the server's file; all but restore and import work "
		"beside a server that runs", db_rows },
	{ "plugin", "test PATH [OPTION=VALUE]...", 2, 18, "does a plugin keep "
		"to the rules; it is run in a process of its own",
		plugin_rows },
	{ "selftest", "clock", 1, 1, "the engine over leap days, year ends, "
		"2038, a stepped clock, a sleep: does any verdict move", NULL },
	{ "rehearse", "", 0, 0, "what was recorded, once more in the days to "
		"come, such as a leap day: does any verdict differ from a "
		"plain day's", rehearse_rows },
	{ "backtest", "", 0, 0, "what the predictor would have said of "
		"recorded drives, without a look ahead", backtest_rows },
	{ "mine", "", 0, 0, "what goes with more failures than the rest has",
		mine_rows },
	{ .name = NULL }
};

static int (*const runs[])(struct cli *, struct tc_err *) = {
	verb_status, verb_hosts, verb_host, verb_risk, verb_explain,
	verb_evacuations, verb_simulate, verb_brake, verb_maintenance,
	verb_accept, verb_repair, verb_outcome, verb_scorecard, verb_stats,
	verb_artifact,
	verb_alerts, verb_ack, verb_comment, verb_switches, verb_audit,
	verb_common_cause, verb_healthy_set, verb_signal, verb_events, verb_token, verb_config,
	verb_import, verb_doctor, verb_db, verb_plugin, verb_selftest,
	verb_rehearse, verb_backtest, verb_mine,
};
_Static_assert(ARRAY_LEN(runs) + 1 == ARRAY_LEN(verbs), "one for each verb");

static const struct arg_section sections[] = {
	{ "EXIT STATUS",
		"0\tgood\n\n1\tan error\n\n2\twrong usage\n\n"
		"3\twith --fail: something is at risk" },
	{ "ENVIRONMENT",
		"TOCSIN_SERVER\twhere tocsind is\n\n"
		"TOCSIN_TOKEN\ta token\n\n"
		"NO_COLOR\tno colours, whatever its value" },
	{ "IMPORT",
		"A running server takes what is new: the batches are posted "
		"as observations of the last 7 days.  With --state-dir and "
		"no server running, history of any age goes into the store: "
		"the rows, the drives and what the predictor learns from "
		"them.  An import convicts nobody, raises no alert and plans "
		"nothing; the server judges when it starts.  A file is "
		"checked to its end first; importing it twice is harmless.  "
		"Failures are noted as outcomes: the drive is gone then." },
	{ "BACKTEST",
		"Recorded drives are replayed day by day, without a look "
		"ahead: how many failures would have been seen coming, how "
		"early, and how many good drives would have been accused.  A "
		"pack is shown on drives that its fit did not see before it "
		"is written." },
	{ "MINE",
		"Which values of the attributes, and which two together, go "
		"with more failures than the rest has: counts, the ratio of "
		"the rates (drawn to 1 where little was seen) with its 95 % "
		"interval, and q, the share of false discoveries up to that "
		"line." },
	{ "FILES",
		TOCSIN_STATEDIR "/admin.token\tan admin's token\n\n"
		TOCSIN_STATEDIR "/server.url\twhere the server listens" },
	{ "EXAMPLES",
		"tocsin explain h7\twhat ails h7, and what will\n\n"
		"tocsin hosts --state unhealthy,suspect --format kv\t"
		"for a script\n\n"
		"tocsin risk --fail > /dev/null || page-somebody\tin a cron "
		"job\n\n"
		"tocsin evacuations h7\twhere it could go, and what holds it"
		"\n\n"
		"tocsin brake release rack1 --reason 'one bad shelf, replaced'"
		"\tlet recommendations through again\n\n"
		"tocsin simulate --hosts h1,h2,h3\twould the brake latch\n\n"
		"tocsin maintenance add --hosts h1,h2 --for 2h --reason 'new "
		"PSU'\tnobody is woken for them\n\n"
		"tocsin accept Z300ABCD --metric crc_errors --for 365d "
		"--reason 'an old cable'\tquiet until it moves\n\n"
		"tocsin outcome failed Z300ABCD --gone --note 'head crash'\t"
		"so that the scorecard knows\n\n"
		"tocsin maintenance add --partition rack1 --every month --on 1 "
		"--at 02:00 --zone Europe/Vienna --for 2h --type power\t"
		"the first of every month\n\n"
		"tocsin ack 12 --for 4h --comment 'disk is on its way'\t"
		"it is yours\n\n"
		"tocsin switches off notify rack1 --reason drill\tnobody is "
		"told of rack1\n\n"
		"tocsin db backup /backup/tocsin-$(date +%F).db\ta copy of the "
		"server's file, while it runs\n\n"
		"tocsin db export --host h7 --metric cpu_seconds_total "
		"--format csv\tfor a spreadsheet\n\n"
		"tocsin db export --format backblaze\tall drives day by day, "
		"as tocsin import and others' tools read them\n\n"
		"tocsin token create --role agent --host h7 --state-dir "
		TOCSIN_STATEDIR "\ta token for the agent of h7\n\n"
		"tocsin token create --role agent --host h8 --new\th8 is "
		"watched from its agent's first word on\n\n"
		"tocsin token create --role viewer --name bob --valid 90d\t"
		"it ends by itself; a warning comes before" },
	{ "SEE ALSO", "tocsind(8), tocsin-agent(8), tocsin-smartd(8)" },
	{ NULL, NULL }
};

static const struct arg_program program = {
	.name = "tocsin", .section = 1, .version = TOCSIN_VERSION,
	.date = "2026-01-01", .help = "what is broken, what will break, why",
	.about = "Asks a tocsind and prints what it says: for people by "
		"default, key=value lines for scripts, or the server's JSON.",
	.rows = common_rows, .verbs = verbs, .more = sections,
};

static int
choose_format(struct cli *c, struct tc_err *e)
{
	static const char *const names[] = { "text", "kv", "json" };
	const char *term = getenv("TERM");

	c->out.format = c->opt.json ? OUT_JSON : OUT_TEXT;
	c->out.colour = c->out.format == OUT_TEXT && isatty(1) &&
		!getenv("NO_COLOR") && (!term || strcmp(term, "dumb") != 0);
	if (!c->opt.format)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(c->opt.format, names[i]) == 0) {
			c->out.format = (enum out_format)i;
			return 0;
		}
	}
	return tc_fail(e, TC_EINVAL, "--format: text, kv or json");
}

/* Errors of a verb that are the user's: no request was made for them. */
static int
exit_of(const struct cli *c, int rc)
{
	if (rc >= 0)
		return rc;
	return rc == TC_EINVAL && !c->client ? CLI_USAGE : CLI_ERROR;
}

static int
run(struct cli *c, struct tc_err *e)
{
	const struct arg_verb *verb = c->rest.verb;

	if (args_asks_any(&c->opt.asks)) {
		args_answer(&program, verb, &c->opt.asks, &c->out.text);
		return CLI_OK;
	}
	if (!verb)
		return tc_fail(e, TC_EINVAL, "what? try: tocsin status");
	if (!db_is_export(c) && choose_format(c, e) < 0)
		return TC_EINVAL;
	return runs[verb - verbs](c, e);
}

static int
print_out(struct cli *c)
{
	if (c->out.text.failed) {
		fprintf(stderr, "tocsin: out of memory\n");
		return CLI_ERROR;
	}
	return out_flush(&c->out) < 0 ? CLI_ERROR : CLI_OK;
}

static void
release(struct cli *c)
{
	client_close(c->client);
	client_reply_free(&c->reply);
	strbuf_free(&c->out.text);
	arena_free(&c->arena);
}

int
cli_main(int argc, char **argv)
{
	const char *data[DATA_MAX], *by[MINE_ATTRIBUTES_MAX], *with[STAT_N];
	struct cli c = { .clock = clock_system(),
		.opt = { .after = UINT64_MAX, .expected = UINT64_MAX,
			.data = { data, 0, ARRAY_LEN(data) },
			.by = { by, 0, ARRAY_LEN(by) },
			.with = { with, 0, ARRAY_LEN(with) } } };
	struct tc_err e = {0};
	int status;

	if (args_parse(&program, argc, argv, &c.opt, &c.rest, &e) < 0 &&
	    !c.opt.asks.help)	/* which tells what was missing */
		status = CLI_USAGE;
	else
		status = exit_of(&c, run(&c, &e));
	if (e.text[0] && status != CLI_OK && status != CLI_AT_RISK) {
		fprintf(stderr, "tocsin: %s\n", e.text);
		if (status == CLI_USAGE)
			fprintf(stderr, "try: tocsin --help\n");
	}
	if (print_out(&c) != CLI_OK)
		status = CLI_ERROR;
	release(&c);
	return status;
}
