/*
 * VMs and roles: what may be said of them.  Hosts and partitions are units
 * too, but older than this file.
 */
#ifndef TOCSIN_MODEL_UNIT_H
#define TOCSIN_MODEL_UNIT_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers of these tables are stored. */

/* Whether its disk may be thrown away.  Unsaid is stateful: the safe one. */
#define UNIT_CLASS_TABLE(X)          \
	X(0, STATEFUL, "stateful")   \
	X(1, STATELESS, "stateless")

enum unit_class {
#define X(num, sym, id) UNIT_##sym = (num),
	UNIT_CLASS_TABLE(X)
#undef X
};

/* auto: nobody said; whoever speaks is listened to, nobody is missed. */
#define UNIT_AGENT_TABLE(X)       \
	X(0, AUTO, "auto")        \
	X(1, NONE, "none")        \
	X(2, TOCSIN, "tocsin")

enum unit_agent {
#define X(num, sym, id) AGENT_##sym = (num),
	UNIT_AGENT_TABLE(X)
#undef X
};

/* What the hypervisor says of a VM. */
#define VM_RUN_TABLE(X)               \
	X(0, UNKNOWN, "unknown")      \
	X(1, RUNNING, "running")      \
	X(2, PAUSED, "paused")        \
	X(3, CRASHED, "crashed")      \
	X(4, SHUT_OFF, "shut_off")

enum vm_run {
#define X(num, sym, id) VM_RUN_##sym = (num),
	VM_RUN_TABLE(X)
#undef X
};

/* Where a word about a unit comes from; each may convict by itself. */
#define SIGNAL_TABLE(X)               \
	X(0, OUTSIDE, "outside")      \
	X(1, INSIDE, "inside")        \
	X(2, EXTERNAL, "external")

enum signal_side {
#define X(num, sym, id) SIGNAL_##sym = (num),
	SIGNAL_TABLE(X)
#undef X
	SIGNAL_COUNT_,
};

/* Why a VM may be as it is; anything but unknown has positive evidence. */
#define CAUSE_TABLE(X)                \
	X(0, UNKNOWN, "unknown")      \
	X(1, MEMORY, "memory")        \
	X(2, DEVICE, "device")        \
	X(3, HOST_OS, "host_os")

enum cause_hint {
#define X(num, sym, id) CAUSE_##sym = (num),
	CAUSE_TABLE(X)
#undef X
};

const char *unit_class_id(enum unit_class c);
const char *unit_agent_id(enum unit_agent a);
const char *vm_run_id(enum vm_run r);
const char *signal_id(enum signal_side s);
const char *cause_id(enum cause_hint c);
bool unit_class_parse(const char *id, size_t n, enum unit_class *out);
bool unit_agent_parse(const char *id, size_t n, enum unit_agent *out);
/* "shut off", as libvirt says it, is taken too. */
bool vm_run_parse(const char *id, size_t n, enum vm_run *out);
bool signal_parse(const char *id, size_t n, enum signal_side *out);

#endif
