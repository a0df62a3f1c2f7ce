/*
 * A host in a snapshot.  There are thousands, and of most there is nothing to
 * tell: what few have lies apart (struct snap_rare).
 */
#ifndef TOCSIN_ENGINE_SHOWN_HOST_H
#define TOCSIN_ENGINE_SHOWN_HOST_H

#include <stdint.h>

#include "base/clock.h"
#include "model/fleet.h"
#include "model/level.h"
#include "model/reason.h"
#include "model/state.h"
#include "model/unit.h"

struct snap_check;
struct snap_device;
struct snap_outlook;
struct snap_unit;
struct snap_watch;

/* What a host hangs on, and what hangs on it. */
struct snap_kin {
	const char *parent;	/* "" = on nothing */
	const char *behind;	/* the one that is down; "" = none is */
	uint32_t n_below;
};

/* Healthy hosts without devices, units and the like share snap_rare_none. */
struct snap_rare {
	const char *reason_check;	/* its key; "" when healthy */
	const char *reason_text;
	double risk;		/* 30 days */
	const char *risk_reason;	/* one line for people; "" at none */
	uint32_t risk_device;	/* snap_device.id, 0 = none */
	uint32_t replace_device;	/* failing, spared by others; 0 = none */
	uint32_t n_devices;
	uint32_t n_units;
	const struct snap_outlook *outlook;	/* NULL = no evidence */
	const struct snap_device *devices;
	const struct snap_unit *units;	/* a VM before its roles */
	const struct snap_watch *watch;	/* NULL: nobody is missed */
	uint64_t plan_id;	/* of snap_plan, 0 = none */
	uint64_t window_id;	/* of the maintenance window it is in, 0 = none */
	const char *diagnosis;	/* JSON object; NULL = none */
	const struct snap_kin *kin;	/* NULL = it stands alone */
};

extern const struct snap_rare snap_rare_none;

struct snap_host {
	uint32_t id;
	enum host_owner owner : 8;
	enum unit_state state : 8;
	enum health health : 8;
	enum disposition disposition : 8;
	enum tocsin_reason reason : 16;	/* of the worst check */
	enum level level : 8;	/* worst device, or the host's own signals */
	enum cause_hint cause : 8;	/* what seems at fault */
	unsigned why_not;	/* bits by enum why_not; 0 = it has a plan to do */
	uint32_t n_tags;
	uint16_t n_checks;
	uint8_t flags;		/* enum unit_flag */
	const char *name;
	const char *partition;
	const char *address;
	const struct tag *tags;
	const struct snap_check *checks;
	struct wall since;
	const struct snap_rare *rare;	/* never NULL */
};

#endif
