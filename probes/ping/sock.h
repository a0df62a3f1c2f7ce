/*
 * One ICMP echo socket of an address family: packets out and in, in batches,
 * with the kernel's receive times, and what routers say about them.
 */
#ifndef TOCSIN_PROBES_PING_SOCK_H
#define TOCSIN_PROBES_PING_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "probes/common/addr.h"
#include "probes/ping/packet.h"

#define SOCK_BATCH 64
#define SOCK_HEAD_BYTES 64	/* ICMP header and the first 56 bytes */
#define SOCK_PAYLOAD_MAX 8972	/* of a jumbo frame */

/* A packet that came in, or that somebody said something about. */
struct ping_event {
	union net_addr peer;	/* source of the reply; destination of ours */
	union net_addr by;	/* who says so; family 0 = not known */
	struct packet_echo echo;
	int64_t at_ns;		/* boot time: when it came in */
	enum tocsin_reason why;	/* NONE = echo reply */
	uint8_t type;		/* ICMP type and code of what was said */
	uint8_t code;
};

struct ping_sock;

/* DGRAM, then RAW; NULL with errno when neither may be opened. */
struct ping_sock *ping_sock_open(int family);
void ping_sock_close(struct ping_sock *s);

/*
 * Puts a packet at place `i` of the batch; payload_bytes ≥ 16, `to` is
 * borrowed until it was sent.
 */
void ping_sock_put(struct ping_sock *s, unsigned i, const union net_addr *to,
	const struct ping_mark *mark, size_t payload_bytes);
/* Sends places from … to−1; how many, or −errno for the first of them. */
int ping_sock_send(struct ping_sock *s, unsigned from, unsigned to);
/* Clears a pending error of an earlier packet. */
void ping_sock_clear(struct ping_sock *s);

/* Tells everything that waits, errors included; how many. */
unsigned ping_sock_receive(struct ping_sock *s, struct tocsin_ctx *ctx,
	void (*tell)(void *arg, const struct ping_event *ev), void *arg);

#endif
