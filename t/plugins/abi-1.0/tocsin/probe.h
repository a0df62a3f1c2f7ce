/*
 * Tocsin's plugin ABI, version 1: the one public header.
 *
 * A plugin measures.  It never judges, retries, logs a verdict or acts.  It is
 * one shared object NAME.so that exports one constant:
 *
 *	const struct tocsin_probe tocsin_probe_v1 = { … };
 *
 * Two forms, one or the other:
 *   run    blocking, in a worker thread, one target a call, with a deadline;
 *   start  non-blocking, on the loop, many targets a call; no call of the
 *          plugin may take longer than 1 ms.
 *
 * Growth: every struct begins with its size; what lies beyond the size that
 * the other side gave is absent.  Arrays carry a count and a stride.  A plugin
 * is loaded if its major equals ours and its minor is not above ours.
 *
 * Strings are UTF-8, NUL-terminated, borrowed for the length of the call.
 * Times are nanoseconds of CLOCK_BOOTTIME (…_ns) or UTC ms (…_ms).
 * This header is under the Apache Licence 2.0, as all of Tocsin.
 */
#ifndef TOCSIN_PROBE_1_0_H /* lint: the public header as it was, for a plugin of that time */
#define TOCSIN_PROBE_1_0_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define TOCSIN_ABI_MAJOR 1
#define TOCSIN_ABI_MINOR 0

enum tocsin_outcome {
	TOCSIN_OK = 0,		/* measured, and good */
	TOCSIN_FAIL = 1,	/* measured: the target misbehaved */
	TOCSIN_UNKNOWN = 2,	/* we could not measure: never the target's fault */
};

/*
 * Why.  Closed list: number (stored, never reused), symbol, text id (API),
 * the outcome it goes with, words for people.
 * 1–63 from probes; 64–95 from the runner; 96–127 from the judge only.
 */
#define TOCSIN_REASON_TABLE(X)                                                  \
	X(0, NONE, "none", OK, "nothing is wrong")                              \
	X(1, CONNECT_REFUSED, "connect_refused", FAIL, "connection refused")    \
	X(2, CONNECT_TIMEOUT, "connect_timeout", FAIL, "no answer to connect")  \
	X(3, CONNECT_RESET, "connect_reset", FAIL, "connection reset")          \
	X(4, HOST_UNREACHABLE, "host_unreachable", FAIL,                        \
		"a router says: host unreachable")                              \
	X(5, NET_UNREACHABLE, "net_unreachable", FAIL,                          \
		"a router says: network unreachable")                           \
	X(6, PORT_UNREACHABLE, "port_unreachable", FAIL,                        \
		"the host says: port or protocol unreachable")                  \
	X(7, ADMIN_PROHIBITED, "admin_prohibited", FAIL,                        \
		"a router says: prohibited")                                    \
	X(8, TTL_EXCEEDED, "ttl_exceeded", FAIL, "routing loop or TTL too low") \
	X(9, NO_REPLY, "no_reply", FAIL, "no echo reply")                       \
	X(10, NAME_UNKNOWN, "name_unknown", FAIL, "the name does not resolve")  \
	X(11, RESPONSE_TIMEOUT, "response_timeout", FAIL,                       \
		"connected, but no answer in time")                             \
	X(12, BAD_RESPONSE, "bad_response", FAIL, "the answer is wrong")        \
	X(13, TLS_FAILED, "tls_failed", FAIL, "TLS handshake failed")           \
	X(14, CERT_INVALID, "cert_invalid", FAIL, "certificate not valid")      \
	X(15, THRESHOLD, "threshold", FAIL, "a value is beyond its limit")      \
	X(16, REPORTED_WARNING, "reported_warning", OK,                         \
		"the check says warning")                                       \
	X(17, REPORTED_CRITICAL, "reported_critical", FAIL,                     \
		"the check says critical")                                      \
	X(18, DEVICE_FAILED, "device_failed", FAIL,                             \
		"the device itself says that it has failed")                    \
	X(32, LOCAL_RESOURCE, "local_resource", UNKNOWN,                        \
		"out of sockets, buffers or memory here")                       \
	X(33, LOCAL_NO_ROUTE, "local_no_route", UNKNOWN, "no route from here")  \
	X(34, LOCAL_PERMISSION, "local_permission", UNKNOWN,                    \
		"not permitted to measure")                                     \
	X(35, ICMP_UNAVAILABLE, "icmp_unavailable", UNKNOWN,                    \
		"no ICMP socket may be opened here")                            \
	X(36, RESOLVER_FAILED, "resolver_failed", UNKNOWN,                      \
		"the name service does not answer")                             \
	X(37, DEVICE_ASLEEP, "device_asleep", OK,                               \
		"asleep, and left asleep")                                      \
	X(38, DEVICE_UNREADABLE, "device_unreadable", UNKNOWN,                  \
		"the device could not be read")                                 \
	X(39, NO_SMART, "no_smart", UNKNOWN, "the device has no SMART data")    \
	X(40, UNSUPPORTED, "unsupported", UNKNOWN, "not available here")        \
	X(64, PROBE_ERROR, "probe_error", UNKNOWN, "the probe failed")          \
	X(65, PROBE_TIMEOUT, "probe_timeout", UNKNOWN,                          \
		"the probe passed its deadline")                                \
	X(66, PROBE_CRASHED, "probe_crashed", UNKNOWN, "the probe crashed")     \
	X(67, EXEC_FAILED, "exec_failed", UNKNOWN, "could not be executed")     \
	X(68, EXEC_SIGNAL, "exec_signal", UNKNOWN, "ended by a signal")         \
	X(69, EXEC_TIMEOUT, "exec_timeout", UNKNOWN, "killed at its deadline")  \
	X(70, EXEC_UNKNOWN, "exec_unknown", UNKNOWN, "the check says unknown")  \
	X(71, BAD_OUTPUT, "bad_output", UNKNOWN, "unreadable output")           \
	X(72, SLOT_MISSED, "slot_missed", UNKNOWN,                              \
		"the observer was late")                                        \
	X(73, CANCELLED, "cancelled", UNKNOWN, "called off")                    \
	X(96, STALE, "stale", UNKNOWN, "no data for three intervals")           \
	X(97, NEVER_CONNECTED, "never_connected", UNKNOWN,                      \
		"never heard of since it was expected")                         \
	X(98, CONNECTION_LOST, "connection_lost", UNKNOWN,                      \
		"was heard of, then fell silent")                               \
	X(99, REPORTED_EXIT, "reported_exit", UNKNOWN,                          \
		"the agent said that it was going away")                        \
	X(100, PARENT_DOWN, "parent_down", UNKNOWN,                             \
		"what it depends on is down")                                   \
	X(101, OBSERVER_SUSPECT, "observer_suspect", UNKNOWN,                   \
		"the observer itself is in doubt")                              \
	X(102, NO_CHECKS, "no_checks", UNKNOWN, "nothing watches it")           \
	X(103, PENDING, "pending", UNKNOWN, "not measured yet")

enum tocsin_reason {
#define X(num, sym, id, outcome, words) TOCSIN_WHY_##sym = (num),
	TOCSIN_REASON_TABLE(X)
#undef X
};

/* ---- options: rows; values arrive checked, in the order of the rows ---- */

enum tocsin_opt_type {
	TOCSIN_OPT_BOOL,	/* i: 0 or 1 */
	TOCSIN_OPT_INT,		/* i */
	TOCSIN_OPT_DUR,		/* i: nanoseconds; "15s" */
	TOCSIN_OPT_SIZE,	/* i: bytes; "64MiB" */
	TOCSIN_OPT_FLOAT,	/* d */
	TOCSIN_OPT_STRING,	/* s; "" when not set */
	TOCSIN_OPT_SECRET,	/* s; shown as *** */
	TOCSIN_OPT_ENUM,	/* i: index into `choices` "a|b|c" */
};

/* Ends with a row whose name is NULL. */
struct tocsin_opt {
	const char *name;
	enum tocsin_opt_type type;
	const char *dflt;	/* as written in YAML; NULL = required */
	const char *min;	/* NULL = no bound (of the length for strings) */
	const char *max;
	const char *choices;	/* ENUM only */
	const char *unit;	/* for the documents, or NULL */
	const char *help;	/* one sentence */
};

struct tocsin_value {
	int64_t i;
	double d;
	const char *s;
};

/* ---- metrics ---- */

enum tocsin_metric_kind { TOCSIN_GAUGE, TOCSIN_COUNTER };
enum tocsin_unit {
	TOCSIN_COUNT,
	TOCSIN_SECONDS,
	TOCSIN_BYTES,
	TOCSIN_CELSIUS,
	TOCSIN_RATIO,	/* 0…1 */
	TOCSIN_BOOLEAN,	/* 0 or 1 */
};

/* Ends with a NULL name.  One `*` in a name stands for [a-z0-9_]+. */
struct tocsin_metric {
	const char *name;
	enum tocsin_metric_kind kind;
	enum tocsin_unit unit;
	const char *help;
};

enum tocsin_sample_type { TOCSIN_F64 = 0, TOCSIN_U64 = 1, TOCSIN_I64 = 2 };

struct tocsin_sample {
	uint32_t size;
	uint32_t type;		/* enum tocsin_sample_type */
	const char *name;	/* must be declared */
	const char *instance;	/* sorted labels `cpu="0",mode="idle"`, or NULL */
	union {
		double f64;
		uint64_t u64;
		int64_t i64;
	} v;
};

/* A part of the host with an identity of its own.  NULL = not known. */
struct tocsin_device {
	uint32_t size;
	const char *kind;	/* disk dimm nic psu sensor */
	const char *model;
	const char *serial;
	const char *wwn;
	const char *path;	/* where it is now; no identity */
};

/* One observation. */
struct tocsin_report {
	uint32_t size;
	uint16_t outcome;	/* enum tocsin_outcome */
	uint16_t reason;	/* enum tocsin_reason, 0–95 */
	int64_t at_ns;		/* CLOCK_BOOTTIME; 0 = now */
	const char *text;	/* for people, ≤ 255 bytes, or NULL */
	const struct tocsin_device *device;	/* NULL = the target itself */
	const struct tocsin_sample *samples;
	uint32_t n_samples;	/* ≤ 4096 */
	uint32_t stride;	/* sizeof(struct tocsin_sample) of the plugin */
};

/* ---- targets ---- */

struct tocsin_target {
	uint32_t size;
	uint32_t slot;		/* names this run in report() and cancel() */
	const char *host;	/* its name in the inventory */
	const char *address;	/* as written; "" for the machine itself */
	const struct sockaddr *addr;	/* resolved by the host, or NULL */
	uint32_t addr_len;
	uint32_t n_opts;	/* = rows in opts */
	const struct tocsin_value *opts;
	int64_t timeout_ns;	/* from now; the plugin keeps to it itself */
};

/* ---- what the host offers; valid until close() returns ---- */

enum tocsin_watch { TOCSIN_READ = 1, TOCSIN_WRITE = 2, TOCSIN_ERROR = 4 };
enum tocsin_log { TOCSIN_LOG_ERROR, TOCSIN_LOG_WARN, TOCSIN_LOG_INFO,
	TOCSIN_LOG_DEBUG };

struct tocsin_ctx {
	uint32_t size;
	void *host;	/* the host's own */

	int64_t (*mono_ns)(struct tocsin_ctx *);
	int64_t (*wall_ms)(struct tocsin_ctx *);
	/*
	 * run: any number of reports a call (one per device), same thread;
	 * start: exactly one per slot, on the loop.  A wrong slot or an
	 * undeclared metric is dropped and counted.
	 */
	void (*report)(struct tocsin_ctx *, uint32_t slot,
		const struct tocsin_report *);
	void (*log)(struct tocsin_ctx *, enum tocsin_log, const char *text);

	/* start form only */
	/* events = 0 ends the watch; 0 or −errno. */
	int (*watch)(struct tocsin_ctx *, int fd, unsigned events);
	/* One timer: calls on_timer at or after due_ns; 0 = off. */
	void (*timer)(struct tocsin_ctx *, int64_t due_ns);
};

/* ---- the descriptor ---- */

struct tocsin_probe {
	uint32_t size;
	uint16_t abi_major;
	uint16_t abi_minor;
	const char *name;	/* = the file's name without .so */
	const char *help;	/* one line */
	const struct tocsin_opt *opts;
	const struct tocsin_metric *metrics;
	/*
	 * Once per process.  `error` takes a message of < 256 bytes.  0 or
	 * −errno; then close() is not called.  May be NULL, so may close.
	 */
	int (*open)(struct tocsin_ctx *, void **instance, char *error);
	void (*close)(void *instance);

	/*
	 * Worker form.  0, or −errno: reported as probe_error.  One instance
	 * is never called twice at once.
	 */
	int (*run)(void *instance, const struct tocsin_target *,
		struct tocsin_ctx *);

	/* Loop form.  `stride` bytes from target to target. */
	int (*start)(void *instance, const struct tocsin_target *targets,
		uint32_t n, uint32_t stride);
	void (*on_fd)(void *instance, int fd, unsigned events);
	void (*on_timer)(void *instance, int64_t now_ns);
	/* Forget the slot; it must not be reported afterwards. */
	void (*cancel)(void *instance, uint32_t slot);
};

#define TOCSIN_PROBE_ABI                                    \
	.size = (uint32_t)sizeof(struct tocsin_probe),      \
	.abi_major = TOCSIN_ABI_MAJOR, .abi_minor = TOCSIN_ABI_MINOR

#if defined(__GNUC__)
#define TOCSIN_EXPORT __attribute__((visibility("default")))
#else
#define TOCSIN_EXPORT
#endif

#endif
