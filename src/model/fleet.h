/*
 * The fleet as configuration and file_sd describe it: immutable input of the
 * engine.  All pointers lie in one arena that the maker owns; the engine
 * copies what it keeps.
 */
#ifndef TOCSIN_MODEL_FLEET_H
#define TOCSIN_MODEL_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/clock.h"
#include "model/opt.h"
#include "model/plan.h"
#include "model/unit.h"

/* Times and counts of judging; every one has an origin. */
struct check_rule {
	struct dur interval;
	struct dur timeout;
	struct dur recheck;	/* 0 = off: after a first failure, so soon again */
	struct dur recheck_timeout;	/* 0 = timeout */
	unsigned fail_after;	/* consecutive failures that convict */
	unsigned clear_after;	/* consecutive successes that acquit */
	unsigned stale_after;	/* missed intervals */
	/* So many failures of the last so many measurements; 0 of 0 = off. */
	uint8_t fail_some;
	uint8_t fail_of;
	/* So many changes of verdict within so many measurements; 0 = off. */
	uint8_t flap_after;
	uint8_t flap_within;
	uint8_t flap_clear;	/* measurements without a change that end it */
};

/* Windows of measurements are kept as bits. */
#define RULE_WINDOW_MAX 64

struct check_def {
	const char *key;	/* unique in its host: "ping", "tcp:8000", or `name:` */
	const char *probe;
	struct check_rule rule;
	const struct tocsin_opt *opt_rows;	/* NULL for a passive check */
	const struct tocsin_value *opts;	/* one for each row */
	struct opt_origin origin;
};

struct tag {
	const char *key;
	const char *value;
};

/* How VMs and agents are judged; every one has an origin. */
struct unit_rule {
	struct dur heartbeat;	/* of the agent inside */
	unsigned late_after;	/* missed ones: it is late */
	unsigned clear_after;	/* heartbeats that acquit */
	struct dur grace;	/* silence that convicts a VM */
	/* Three silences of an agent, three alarms. */
	struct dur never;	/* it began, and was never heard of */
	struct dur lost;	/* it was heard of, then no more */
	struct dur gone;	/* it said that it ends */
	double busy_ratio;	/* of the processors: late is not dead */
};

/* A VM, or a role of a VM or of the host itself. */
struct unit_def {
	bool is_vm;
	const char *name;
	const char *address;	/* "" = not probed from here */
	size_t parent;		/* of the host's units; SIZE_MAX = the host */
	enum unit_class cls;
	enum unit_agent agent;
	unsigned signals;	/* expected ones; bits by enum signal_side */
	const struct check_def *checks;
	size_t n_checks;
	bool own_checks;	/* or those of the partition */
	struct unit_rule rule;
	struct opt_origin origin;
	struct opt_origin checks_origin;	/* of the set that applies */
};

/* Of what a host hangs on, and that on, and so on. */
#define FLEET_PARENTS_MOST 16

enum host_owner { OWNER_CONFIG, OWNER_FILE_SD, OWNER_API, OWNER_AGENT };
const char *host_owner_id(enum host_owner o);	/* "config" "file_sd" … */

struct host_def {
	const char *name;
	const char *partition;
	const char *address;	/* "" = not probed from here */
	const char *parent;	/* host that it hangs on; NULL or "" = none */
	enum host_owner owner;
	const struct tag *tags;
	size_t n_tags;
	const struct check_def *checks;	/* the partition's are already merged */
	size_t n_checks;
	struct opt_origin origin;
	enum unit_agent agent;	/* tocsin: one is missed */
	struct unit_rule unit_rule;	/* of its agent */
	const struct unit_def *units;	/* a VM before its roles */
	size_t n_units;
};

struct partition_def {
	const char *name;
	struct check_rule rule;	/* for checks that come by themselves */
	struct opt_origin origin;
};

/* How long it takes to leave a host that does not say it itself. */
struct evacuation_pace {
	struct dur estimate;
	uint64_t bytes_a_second;	/* for hosts that say their size */
};

struct fleet_def {
	const struct partition_def *partitions;
	size_t n_partitions;
	const struct host_def *hosts;	/* at most one of a name */
	size_t n_hosts;
	/* What tells our own silence from the fleet's: pinged besides. */
	const char *const *witnesses;	/* addresses far away */
	size_t n_witnesses;
	bool gateway;	/* the default one, wherever it is */
	/* Rule of passive checks by probe (what agents send): smart 1 h. */
	struct check_rule passive;
	struct dur passive_smart_interval;
	struct evacuation_pace leaving;	/* {0} = the engine's own */
	struct dur backup_max_age;	/* of protected hosts; 0 = any */
	struct unit_rule units;	/* of those that nobody declared */
	struct pace_limits pace;	/* of each partition */
	struct pace_limits pace_fleet;	/* of all together */
	struct ladder_rule ladder;
};

#endif
