#include "probes/ping/packet.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <string.h>

#include "base/macros.h"

/* RFC 1071 */
static uint16_t
checksum(const unsigned char *p, size_t n)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < n; i += 2) {
		memcpy(&word, p + i, 2);
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

void
packet_fill(unsigned char *p, bool v4, uint16_t id,
	const struct ping_mark *mark)
{
	uint16_t seq = htons((uint16_t)mark->cookie), sum;

	p[0] = v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST;
	memset(p + 1, 0, 3);
	memcpy(p + 4, &id, 2);
	memcpy(p + 6, &seq, 2);
	memcpy(p + 8, &mark->cookie, 8);
	memcpy(p + 16, &mark->number, 2);
	if (v4) {	/* IPv6's is the kernel's business */
		sum = checksum(p, PACKET_ICMP_BYTES + PACKET_MARK_BYTES);
		memcpy(p + 2, &sum, 2);
	}
}

static bool
read_echo(const unsigned char *p, size_t n, struct packet_echo *out)
{
	uint16_t seq;

	if (n < PACKET_ICMP_BYTES)
		return false;
	memcpy(&out->id, p + 4, 2);
	memcpy(&seq, p + 6, 2);
	out->seq = ntohs(seq);
	out->marked = n >= PACKET_ICMP_BYTES + PACKET_MARK_BYTES;
	if (out->marked) {
		memcpy(&out->mark.cookie, p + 8, 8);
		memcpy(&out->mark.number, p + 16, 2);
	}
	return true;
}

bool
packet_reply(const unsigned char *p, size_t n, bool v4, bool ip_header,
	struct packet_echo *out)
{
	size_t head = 0;

	if (ip_header && n > 0)
		head = (size_t)(p[0] & 15) * 4;
	if (n < head + PACKET_ICMP_BYTES ||
	    p[head] != (v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
		return false;
	return read_echo(p + head, n - head, out) && out->marked;
}

bool
packet_quoted(const unsigned char *p, size_t n, bool v4,
	struct packet_echo *out)
{
	return n > 0 && p[0] == (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) &&
		read_echo(p, n, out);
}

static enum tocsin_reason
reason_v4(uint8_t type, uint8_t code)
{
	static const uint8_t of_code[] = {
		[ICMP_NET_UNREACH] = TOCSIN_WHY_NET_UNREACHABLE,
		[ICMP_HOST_UNREACH] = TOCSIN_WHY_HOST_UNREACHABLE,
		[ICMP_PROT_UNREACH] = TOCSIN_WHY_PORT_UNREACHABLE,
		[ICMP_PORT_UNREACH] = TOCSIN_WHY_PORT_UNREACHABLE,
		/* our packet is too big for the path: not the target's fault */
		[ICMP_FRAG_NEEDED] = TOCSIN_WHY_LOCAL_RESOURCE,
		[ICMP_SR_FAILED] = TOCSIN_WHY_NET_UNREACHABLE,
		[ICMP_NET_UNKNOWN] = TOCSIN_WHY_NET_UNREACHABLE,
		[ICMP_HOST_UNKNOWN] = TOCSIN_WHY_HOST_UNREACHABLE,
		[ICMP_HOST_ISOLATED] = TOCSIN_WHY_HOST_UNREACHABLE,
		[ICMP_NET_ANO] = TOCSIN_WHY_ADMIN_PROHIBITED,
		[ICMP_HOST_ANO] = TOCSIN_WHY_ADMIN_PROHIBITED,
		[ICMP_NET_UNR_TOS] = TOCSIN_WHY_NET_UNREACHABLE,
		[ICMP_HOST_UNR_TOS] = TOCSIN_WHY_HOST_UNREACHABLE,
		[ICMP_PKT_FILTERED] = TOCSIN_WHY_ADMIN_PROHIBITED,
		[ICMP_PREC_VIOLATION] = TOCSIN_WHY_ADMIN_PROHIBITED,
		[ICMP_PREC_CUTOFF] = TOCSIN_WHY_ADMIN_PROHIBITED,
	};

	if (type == ICMP_TIME_EXCEEDED)
		return TOCSIN_WHY_TTL_EXCEEDED;
	if (type == ICMP_PARAMETERPROB)
		return TOCSIN_WHY_LOCAL_RESOURCE;
	if (type != ICMP_DEST_UNREACH)	/* a redirect: the packet went on */
		return TOCSIN_WHY_NONE;
	if (code >= ARRAY_LEN(of_code))
		return TOCSIN_WHY_HOST_UNREACHABLE;
	return (enum tocsin_reason)of_code[code];
}

static enum tocsin_reason
reason_v6(uint8_t type, uint8_t code)
{
	static const uint8_t of_code[] = {
		[ICMPV6_NOROUTE] = TOCSIN_WHY_NET_UNREACHABLE,
		[ICMPV6_ADM_PROHIBITED] = TOCSIN_WHY_ADMIN_PROHIBITED,
		[ICMPV6_NOT_NEIGHBOUR] = TOCSIN_WHY_NET_UNREACHABLE,
		[ICMPV6_ADDR_UNREACH] = TOCSIN_WHY_HOST_UNREACHABLE,
		[ICMPV6_PORT_UNREACH] = TOCSIN_WHY_PORT_UNREACHABLE,
		[ICMPV6_POLICY_FAIL] = TOCSIN_WHY_ADMIN_PROHIBITED,
		[ICMPV6_REJECT_ROUTE] = TOCSIN_WHY_ADMIN_PROHIBITED,
	};

	if (type == ICMPV6_TIME_EXCEED)
		return TOCSIN_WHY_TTL_EXCEEDED;
	if (type == ICMPV6_PKT_TOOBIG || type == ICMPV6_PARAMPROB)
		return TOCSIN_WHY_LOCAL_RESOURCE;
	if (type != ICMPV6_DEST_UNREACH)
		return TOCSIN_WHY_NONE;
	if (code >= ARRAY_LEN(of_code))
		return TOCSIN_WHY_HOST_UNREACHABLE;
	return (enum tocsin_reason)of_code[code];
}

enum tocsin_reason
packet_reason(bool v4, uint8_t type, uint8_t code)
{
	return v4 ? reason_v4(type, code) : reason_v6(type, code);
}
