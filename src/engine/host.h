/*
 * A host, for src/engine alone.  There are thousands: small things lie
 * together, what few have lies apart (struct host_rare), and the usual
 * address and list of checks lie in the same block.
 */
#ifndef TOCSIN_ENGINE_HOST_H
#define TOCSIN_ENGINE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "health/observer.h"
#include "model/reason.h"
#include "model/state.h"
#include "model/unit.h"
#include "plan/choose.h"
#include "plan/urgency.h"
#include "predict/host.h"

/* Room in the host's own block: an IPv4 address, ping and one service. */
#define HOST_NEAR_ADDRESS 16
#define HOST_NEAR_CHECKS 2

/* Those without any of it share one that says so: see host_rare(). */
struct host_rare {
	struct host_risk risk;
	struct window *window;	/* that covers it now, or NULL */
	struct host_plan *plan;	/* NULL = nothing to do */
	struct diagnosis *diagnosis;	/* of this time out, or NULL */
	struct unit *units;	/* VMs and roles on it; NULL = none */
	struct watch *watch;	/* of its agent; NULL = not missed */
	struct device **devices;
	uint32_t n_devices;
	uint32_t cap_devices;
	uint32_t parent;	/* host that it hangs on, 0 = none: parents.h */
	uint32_t n_below;	/* hosts that hang on it, in the end */
	struct wall failed;	/* while convicted: first evidence; ms 0 = none */
};

struct host {
	uint32_t id;
	enum host_owner owner : 8;
	enum health health : 8;
	enum health host_health : 8;	/* of the host layer alone */
	enum disposition disposition : 8;
	enum tocsin_reason reason : 16;
	bool present : 1;
	bool claimed : 1;
	bool bad : 1;		/* counted in part->n_bad */
	bool touched : 1;	/* in engine.touched */
	bool down : 1;		/* as a parent: none of its checks answers */
	bool awaited : 1;	/* by hosts that wait for its answer */
	bool guests_wait : 1;	/* VMs and roles on it do */
	unsigned flags : 2;	/* enum unit_flag */
	enum target_state takes : 4;	/* when it was last asked */
	bool far_away : 1;	/* its address lies apart */
	uint16_t n_checks;
	uint16_t worst;		/* host_worst() */
	unsigned why_not;
	uint32_t place;		/* in engine.sorted */
	uint32_t n_tags;
	struct observer_mark heard;	/* of the checks from here */
	struct part *part;
	struct tag *tags;	/* one block with their text; NULL = none */
	union {
		struct check *near[HOST_NEAR_CHECKS];
		struct check **far;
	} checks;		/* host_checks() */
	struct wall since;
	struct host_outlook *outlook;	/* NULL = none yet */
	const struct host_rare *rare;	/* never NULL */
	union {
		char near[HOST_NEAR_ADDRESS];
		char *far;
	} address;		/* host_address() */
	char name[];
};

/* What is recommended for a host. */
struct host_plan {
	uint64_t id;
	enum plan_action action;
	enum plan_state state;
	bool predicted;
	bool paced;		/* was recommended before: counted once */
	struct plan_urgency urgency;	/* when predicted */
	struct wall since;
	unsigned why_not;
};

/* ---- host.c ---- */
/* Its own, to be written; NULL = no memory. */
struct host_rare *host_rare(struct host *h);
/* The same once it has one of its own: who reads something there writes. */
static inline struct host_rare *
host_own_rare(struct host *h)
{
	return (struct host_rare *)(uintptr_t)h->rare;
}
bool host_has_rare(const struct host *h);
/* Back to the shared one when there is nothing in its own any more. */
void host_calm(struct host *h);
/* Without memory the host has no risk that anybody knows. */
void host_set_risk(struct host *h, const struct host_risk *risk);
static inline const char *
host_address(const struct host *h)
{
	return h->far_away ? h->address.far : h->address.near;
}

/* 0 or TC_ENOMEM; then nothing changed. */
int host_set_address(struct host *h, const char *address);
static inline struct check *const *
host_checks(const struct host *h)
{
	return h->n_checks > HOST_NEAR_CHECKS ? h->checks.far :
		h->checks.near;
}

/* The last in the list, and out of it; 0, TC_ENOMEM or TC_ERANGE. */
int host_put_check(struct host *h, struct check *c);
void host_take_check(struct host *h, size_t i);

/* What its health is of; NULL while healthy. */
static inline struct check *
host_worst(const struct host *h)
{
	return h->worst > 0 ? host_checks(h)[h->worst - 1] : NULL;
}
void host_set_worst(struct host *h, const struct check *c);
/* Room for one more device, which host_put_device() then has. */
int host_device_room(struct host *h);
void host_put_device(struct host *h, struct device *d);
void host_drop_device(struct host *h, const struct device *d);
/* Memory of a new one with this name, all else unset; NULL = none. */
struct host *host_alloc(const char *name);
/* Its block and those that are its alone; its plan has gone already. */
void host_release(struct host *h);

#endif
