/*
 * Probes of the loop form against real peers on loopback: the plugin host,
 * one probe, one or many runs; and peers that are as rude as they please, each
 * a child of its own that dies with the test.
 */
#ifndef TOCSIN_T_LIB_NET_RIG_H
#define TOCSIN_T_LIB_NET_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/runner.h"

struct net_got {
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
	char text[256];
	size_t n;
	struct { char name[48]; double value; } metrics[16];
};

struct net_rig {
	const char *probe;
	struct sched *s;
	struct runner *r;
	struct sched_timer patience;
	struct net_got got;	/* the last result */
	size_t left;
	unsigned by_outcome[3];
	bool gave_up;
	int64_t timeout_ms;	/* of each run; 2 s unless changed */
	int64_t call_max_ns;
};

/* Loads probes/PROBE/.libs/PROBE.so of the build. */
void net_rig_open(struct net_rig *rig, const char *probe);
void net_rig_close(struct net_rig *rig);
/* Options "name=value", ends with NULL.  Waits for the results of n runs. */
void net_rig_run(struct net_rig *rig, const char *address, size_t n,
	const char *const *options);
/* Starts n runs and closes everything in the midst of them. */
void net_rig_drop(struct net_rig *rig, const char *address, size_t n,
	const char *const *options);

#define RUN(rig, ...) net_rig_run(rig, "127.0.0.1", 1, \
	(const char *const[]){ __VA_ARGS__, NULL })

/* NaN when it was not reported. */
double net_rig_value(const struct net_rig *rig, const char *name);

/* The last result, by text ids: "ok", "none", and a part of the text. */
void net_rig_expect(const struct net_rig *rig, const char *reason,
	const char *words);

/* "port=4711", in a buffer of the caller's. */
const char *net_option(char *buf, size_t size, const char *fmt, ...)
	TC_PRINTF(3, 4);

struct net_peer {
	pid_t pid;
	uint16_t port;
};

/* For each connection the handler is called in a child, with the socket. */
typedef void net_peer_fn(int fd, void *arg);
void net_peer_tcp(struct net_peer *p, net_peer_fn *handle, void *arg);
/* Called once, with the bound socket, which it may keep reading. */
void net_peer_udp(struct net_peer *p, net_peer_fn *handle, void *arg);
/* Handles UDP and TCP at the same port: `handle` for UDP, `also` for TCP. */
void net_peer_both(struct net_peer *p, net_peer_fn *handle, net_peer_fn *also,
	void *arg);
/* Listens, but its queue is full: nobody gets an answer to connect. */
void net_peer_full(struct net_peer *p);
/* A real program; the port is free when it is started. */
bool net_peer_program(struct net_peer *p, const char *const *argv);
uint16_t net_free_port(void);
/* Until the port takes connections; false when it does not within 10 s. */
bool net_peer_wait(const struct net_peer *p);
void net_peer_end(struct net_peer *p);

#endif
