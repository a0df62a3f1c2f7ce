/*
 * ping: packets as bytes.  Real packets: t/it/net-probes.sh.
 */
#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "model/reason.h"
#include "probes/ping/packet.h"
#include "t/lib/story.h"

#define BYTES (PACKET_ICMP_BYTES + PACKET_MARK_BYTES)

static uint32_t
sum_of(const unsigned char *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

START_TEST(a_request_has_a_right_checksum_and_comes_back_as_itself)
{
	struct ping_mark mark = { 0x0123456789abcdef, 77 };
	unsigned char p[20 + BYTES] = { 0x45 };	/* an IPv4 header of 20 */
	struct packet_echo echo;

	packet_fill(p + 20, true, htons(4711), &mark);
	ck_assert_uint_eq(p[20], 8);
	ck_assert_uint_eq(sum_of(p + 20, BYTES), 0xffff);
	ck_assert(packet_quoted(p + 20, BYTES, true, &echo));
	ck_assert(echo.marked);
	ck_assert_uint_eq(echo.mark.cookie, mark.cookie);
	ck_assert_uint_eq(echo.mark.number, 77);
	ck_assert_uint_eq(echo.seq, 0xcdef);
	ck_assert_uint_eq(echo.id, htons(4711));
	ck_assert(!packet_reply(p, sizeof(p), true, true, &echo));
	p[20] = 0;	/* the reply differs in its type */
	ck_assert(packet_reply(p, sizeof(p), true, true, &echo));
	ck_assert_uint_eq(echo.mark.cookie, mark.cookie);
	ck_assert(packet_reply(p + 20, BYTES, true, false, &echo));
}
END_TEST

START_TEST(a_version_6_request_leaves_the_checksum_to_the_kernel)
{
	struct ping_mark mark = { 1, 0 };
	unsigned char p[BYTES];
	struct packet_echo echo;

	packet_fill(p, false, 0, &mark);
	ck_assert_uint_eq(p[0], 128);
	ck_assert_uint_eq(p[2] | p[3], 0);
	ck_assert(packet_quoted(p, BYTES, false, &echo));
	ck_assert(!packet_quoted(p, BYTES, true, &echo));
	p[0] = 129;
	ck_assert(packet_reply(p, BYTES, false, false, &echo));
}
END_TEST

/* RFC 792 quotes 8 bytes of ours: type, id and sequence, but no cookie. */
START_TEST(a_short_quotation_still_names_the_packet)
{
	struct ping_mark mark = { 0xfffff, 3 };
	unsigned char p[BYTES];
	struct packet_echo echo;

	packet_fill(p, true, 0, &mark);
	ck_assert(packet_quoted(p, 8, true, &echo));
	ck_assert(!echo.marked);
	ck_assert_uint_eq(echo.seq, 0xffff);
	for (size_t n = 0; n < 8; n++)
		ck_assert(!packet_quoted(p, n, true, &echo));
	p[0] = 0;
	for (size_t n = 0; n < BYTES; n++)
		ck_assert(!packet_reply(p, n, true, false, &echo));
}
END_TEST

START_TEST(every_error_of_a_router_has_its_reason)
{
	static const struct {
		bool v4;
		uint8_t type, code;
		enum tocsin_reason why;
	} cases[] = {
		{ true, 3, 0, TOCSIN_WHY_NET_UNREACHABLE },
		{ true, 3, 1, TOCSIN_WHY_HOST_UNREACHABLE },
		{ true, 3, 2, TOCSIN_WHY_PORT_UNREACHABLE },
		{ true, 3, 3, TOCSIN_WHY_PORT_UNREACHABLE },
		{ true, 3, 4, TOCSIN_WHY_LOCAL_RESOURCE },
		{ true, 3, 9, TOCSIN_WHY_ADMIN_PROHIBITED },
		{ true, 3, 10, TOCSIN_WHY_ADMIN_PROHIBITED },
		{ true, 3, 13, TOCSIN_WHY_ADMIN_PROHIBITED },
		{ true, 11, 0, TOCSIN_WHY_TTL_EXCEEDED },
		{ true, 3, 200, TOCSIN_WHY_HOST_UNREACHABLE },
		{ true, 12, 0, TOCSIN_WHY_LOCAL_RESOURCE },
		{ true, 4, 0, TOCSIN_WHY_NONE },	/* source quench */
		{ true, 5, 1, TOCSIN_WHY_NONE },	/* redirect */
		{ false, 1, 0, TOCSIN_WHY_NET_UNREACHABLE },
		{ false, 1, 1, TOCSIN_WHY_ADMIN_PROHIBITED },
		{ false, 1, 3, TOCSIN_WHY_HOST_UNREACHABLE },
		{ false, 1, 4, TOCSIN_WHY_PORT_UNREACHABLE },
		{ false, 2, 0, TOCSIN_WHY_LOCAL_RESOURCE },
		{ false, 3, 0, TOCSIN_WHY_TTL_EXCEEDED },
		{ false, 4, 9, TOCSIN_WHY_LOCAL_RESOURCE },
		{ false, 137, 0, TOCSIN_WHY_NONE },	/* redirect */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(packet_reason(cases[i].v4, cases[i].type,
			cases[i].code) == cases[i].why, "type %d code %d",
			cases[i].type, cases[i].code);
	/* Codes that are not known yet are errors all the same. */
	for (int code = 0; code < 256; code++) {
		ck_assert_int_ne(packet_reason(true, 3, (uint8_t)code),
			TOCSIN_WHY_NONE);
		ck_assert_int_ne(packet_reason(false, 1, (uint8_t)code),
			TOCSIN_WHY_NONE);
	}
}
END_TEST

int
main(void)
{
	return STORIES("ping",
		a_request_has_a_right_checksum_and_comes_back_as_itself,
		a_version_6_request_leaves_the_checksum_to_the_kernel,
		a_short_quotation_still_names_the_packet,
		every_error_of_a_router_has_its_reason);
}
