/*
 * ICMP echo packets as bytes: made, read, and what ICMP errors mean.  Pure.
 */
#ifndef TOCSIN_PROBES_PING_PACKET_H
#define TOCSIN_PROBES_PING_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#define PACKET_ICMP_BYTES 8
#define PACKET_MARK_BYTES 10

/* What every packet of ours carries behind the ICMP header. */
struct ping_mark {
	uint64_t cookie;
	uint16_t number;
};

struct packet_echo {
	uint16_t id;		/* network order */
	uint16_t seq;
	bool marked;		/* false: too short to have a mark */
	struct ping_mark mark;
};

/*
 * An echo request into p, which has room for the ICMP header and a mark; the
 * checksum is that of zeros behind it.  The sequence is the cookie's low half.
 */
void packet_fill(unsigned char *p, bool v4, uint16_t id,
	const struct ping_mark *mark);

/*
 * n bytes of an echo reply; `ip_header`: they begin with an IPv4 header.
 * False when they are none.
 */
bool packet_reply(const unsigned char *p, size_t n, bool v4, bool ip_header,
	struct packet_echo *out);
/* The request that an ICMP error quotes, from its ICMP header on. */
bool packet_quoted(const unsigned char *p, size_t n, bool v4,
	struct packet_echo *out);

/* What an ICMP message says about a target; NONE: nothing bad (a redirect). */
enum tocsin_reason packet_reason(bool v4, uint8_t type, uint8_t code);

#endif
