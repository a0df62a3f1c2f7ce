/*
 * probe dns: a real server (dnsmasq), and servers that lie.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "probes/dns/message.h"
#include "t/lib/net_rig.h"
#include "t/lib/story.h"

/* ---- messages ---- */

START_TEST(a_question_is_written_as_the_rfc_has_it)
{
	static const uint8_t want[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
		1, 'a', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 28, 0, 1 };
	struct dns_query q;

	ck_assert(dns_query_write(&q, "a.example.", DNS_AAAA));
	dns_query_set(&q, 0x1234, true);
	ck_assert_uint_eq(q.n, sizeof(want));
	ck_assert_mem_eq(q.bytes, want, sizeof(want));
	ck_assert(dns_query_write(&q, ".", DNS_NS));
	ck_assert_uint_eq(q.n, 17);
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
	char label[65], name[300] = "";
	struct dns_query q;

	memset(label, 'a', 64);
	label[64] = '\0';
	ck_assert(!dns_query_write(&q, "a..b", DNS_A));
	ck_assert(!dns_query_write(&q, ".a", DNS_A));
	ck_assert(!dns_query_write(&q, "..", DNS_A));
	ck_assert(!dns_query_write(&q, label, DNS_A));
	ck_assert(dns_query_write(&q, label + 1, DNS_A));
	for (int i = 0; i < 127; i++)
		strncat(name, "a.", sizeof(name) - strlen(name) - 1);
	ck_assert(dns_query_write(&q, name, DNS_A));
	ck_assert_uint_eq(q.n, DNS_QUERY_MAX);
	strncat(name, "a", sizeof(name) - strlen(name) - 1);
	ck_assert(!dns_query_write(&q, name, DNS_A));
}
END_TEST

/* An answer to `q` with one record, as bytes behind its header and question. */
static size_t
answer(const struct dns_query *q, const void *record, size_t n, uint8_t *out)
{
	memcpy(out, q->bytes, q->n);
	out[2] |= 0x80;
	out[7] = 1;
	memcpy(out + q->n, record, n);
	return q->n + n;
}

static const uint8_t mx[] = { 0xc0, 12, 0, 15, 0, 1, 0, 0, 1, 0, 0, 9,
	0, 10, 4, 'm', 'a', 'i', 'l', 0xc0, 12 };

START_TEST(a_compressed_answer_is_read)
{
	struct dns_query q;
	struct dns_answer a;
	uint8_t buf[512];
	size_t n;

	ck_assert(dns_query_write(&q, "example.org", DNS_MX));
	n = answer(&q, mx, sizeof(mx), buf);
	buf[13] = 'E';	/* a server may answer in another case */
	ck_assert_int_eq(dns_answer_read(&q, buf, n, "10 MAIL.example.org", &a),
		DNS_ANSWER);
	ck_assert(a.met);
	ck_assert_str_eq(a.first, "10 mail.Example.org");
	ck_assert_uint_eq(a.ttl_seconds, 256);
	/* cut anywhere, it is no answer */
	for (size_t i = 0; i < n; i++)
		ck_assert_int_ne(dns_answer_read(&q, buf, i, "", &a), DNS_ANSWER);
}
END_TEST

START_TEST(pointers_that_go_round_are_refused)
{
	static const uint8_t to_itself[] = { 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1,
		0, 2, 0xc0, 41 };
	static const uint8_t forward[] = { 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1,
		0, 2, 0xc0, 60 };
	struct dns_query q;
	struct dns_answer a;
	uint8_t buf[512];
	size_t n;

	ck_assert(dns_query_write(&q, "example.org", DNS_CNAME));
	n = answer(&q, to_itself, sizeof(to_itself), buf);
	ck_assert_uint_eq(q.n + 12, 41);
	ck_assert_int_eq(dns_answer_read(&q, buf, n, "", &a), DNS_MALFORMED);
	n = answer(&q, forward, sizeof(forward), buf);
	ck_assert_int_eq(dns_answer_read(&q, buf, n, "", &a), DNS_MALFORMED);
}
END_TEST

/* ---- a real server ---- */

static bool
dnsmasq(struct net_peer *p)
{
	static char txt[3000] = "--txt-record=long.test";
	char port[32];
	const char *const argv[] = { "dnsmasq", "--no-daemon", "--conf-file=/dev/null",
		"--no-resolv", "--no-hosts", "--bind-interfaces",
		"--listen-address=127.0.0.1", "--user=root", "--pid-file=",
		port, "--local=/test/",
		"--host-record=www.test,192.0.2.7,2001:db8::7",
		"--address=/many.test/192.0.2.1", "--cname=alias.test,www.test",
		"--mx-host=test,mail.test,5", "--srv-host=_s._tcp.test,www.test,99",
		"--ptr-record=7.2.0.192.in-addr.arpa,www.test",
		"--txt-record=txt.test,Hello world", txt, NULL };

	/* beyond 512 bytes: cut over UDP */
	for (int i = 0; i < 8 && strlen(txt) < 1000; i++)
		snprintf(txt + strlen(txt), sizeof(txt) - strlen(txt),
			",%0200d", i);
	p->port = net_free_port();
	snprintf(port, sizeof(port), "--port=%u", p->port);
	return net_peer_program(p, argv) && net_peer_wait(p);
}

START_TEST(a_real_server_is_asked)
{
	struct net_peer server = { 0 };
	struct net_rig rig;
	char port[32], expect[400];

	if (!dnsmasq(&server))
		return;
	net_option(port, sizeof(port), "port=%u", server.port);
	net_rig_open(&rig, "dns");
	RUN(&rig, port, "name=www.test", "expect=192.0.2.7");
	net_rig_expect(&rig, "none", "");
	ck_assert(net_rig_value(&rig, "dns_query_seconds") > 0.0);
	ck_assert_double_eq(net_rig_value(&rig, "dns_answers_count"), 1.0);
	RUN(&rig, port, "name=www.test", "type=AAAA",
		"expect=2001:DB8:0:0::7");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=www.test", "expect=192.0.2.8");
	net_rig_expect(&rig, "bad_response",
		"'192.0.2.7' is not the expected '192.0.2.8'");
	RUN(&rig, port, "name=alias.test", "expect=192.0.2.7");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=alias.test", "type=CNAME", "expect=www.test.");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=test", "type=MX", "expect=5 mail.test");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=_s._tcp.test", "type=SRV",
		"expect=0 0 99 www.test");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=7.2.0.192.in-addr.arpa", "type=PTR",
		"expect=www.test");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=txt.test", "type=TXT", "expect=Hello world");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=txt.test", "type=TXT", "expect=hello world");
	net_rig_expect(&rig, "bad_response", "'Hello world'");
	RUN(&rig, port, "name=absent.test");
	net_rig_expect(&rig, "name_unknown", "NXDOMAIN");
	RUN(&rig, port, "name=www.test", "type=MX");
	net_rig_expect(&rig, "bad_response", "no MX record");
	RUN(&rig, port, "name=elsewhere.example");
	net_rig_expect(&rig, "bad_response", "REFUSED");
	/* cut, so asked again over TCP; and over TCP at once */
	snprintf(expect, sizeof(expect), "name=long.test");
	RUN(&rig, port, expect, "type=TXT");
	net_rig_expect(&rig, "none", "");
	RUN(&rig, port, "name=www.test", "tcp=true", "expect=192.0.2.7");
	net_rig_expect(&rig, "none", "");
	net_rig_run(&rig, "127.0.0.1", 1000,
		(const char *const[]){ port, "name=www.test", NULL });
	ck_assert_uint_eq(rig.by_outcome[TOCSIN_OK], 1000);
	net_rig_close(&rig);
	net_peer_end(&server);
}
END_TEST

/* ---- servers that lie ---- */

enum lie { SILENT, WRONG_ID, WRONG_NAME, NOT_AN_ANSWER, GARBAGE, LIES_THEN_TRUTH,
	ODD_RCODE, BARE_SERVFAIL, LOST_FIRST, LOOPING, CUT };

static size_t
truth(const uint8_t *q, size_t n, uint8_t *out)
{
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4,
		192, 0, 2, 1 };

	memcpy(out, q, n);
	out[2] |= 0x80;
	out[7] = 1;
	memcpy(out + n, a, sizeof(a));
	return n + sizeof(a);
}

static size_t
lie_of(enum lie lie, const uint8_t *q, size_t n, uint8_t *out)
{
	size_t size = truth(q, n, out);

	switch (lie) {
	case SILENT:
		return 0;
	case LIES_THEN_TRUTH:
	case LOST_FIRST:
		return size;
	case WRONG_ID:
		out[0] ^= 1;
		return size;
	case WRONG_NAME:
		out[13] ^= 2;
		return size;
	case NOT_AN_ANSWER:
		out[2] &= 0x7f;
		return size;
	case GARBAGE:
		memset(out + 12, 0xff, 200);
		return 212;
	case ODD_RCODE:
		out[3] = (uint8_t)((out[3] & 0xf0) | 13);
		return size;
	case BARE_SERVFAIL:
		out[3] = 2;
		out[5] = out[7] = 0;
		return 12;
	case LOOPING:
		out[n] = 0xc0;
		out[n + 1] = (uint8_t)n;
		out[n + 3] = 5;
		return size;
	case CUT:
		out[2] |= 2;
		return n;
	}
	return 0;
}

static void
lie_udp(int fd, void *arg)
{
	enum lie lie = *(enum lie *)arg;
	struct sockaddr_storage from;
	uint8_t q[1024], out[4096];

	for (unsigned i = 0;; i++) {
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(fd, q, sizeof(q), 0,
			(struct sockaddr *)&from, &len);
		size_t n;

		if (got < 12 || (lie == LOST_FIRST && i == 0))
			continue;
		for (int k = 0; lie == LIES_THEN_TRUTH && k < 100; k++) {
			n = lie_of((enum lie)(WRONG_ID + k % 3), q, (size_t)got,
				out);
			sendto(fd, out, n, 0, (struct sockaddr *)&from, len);
		}
		n = lie_of(lie, q, (size_t)got, out);
		if (n > 0)
			sendto(fd, out, n, 0, (struct sockaddr *)&from, len);
	}
}

static void
meet(enum lie lie, const char *reason, const char *words)
{
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	net_peer_udp(&peer, lie_udp, &lie);
	net_option(port, sizeof(port), "port=%u", peer.port);
	net_rig_open(&rig, "dns");
	rig.timeout_ms = 300;
	RUN(&rig, port, "name=www.test");
	net_rig_expect(&rig, reason, words);
	net_rig_close(&rig);
	net_peer_end(&peer);
}

START_TEST(what_is_no_answer_is_waited_past)
{
	meet(SILENT, "response_timeout", "no answer");
	meet(WRONG_ID, "response_timeout", "2 datagrams that are none");
	meet(WRONG_NAME, "response_timeout", "2 datagrams that are none");
	meet(NOT_AN_ANSWER, "response_timeout", "2 datagrams that are none");
	meet(GARBAGE, "response_timeout", "2 datagrams that are none");
	meet(LIES_THEN_TRUTH, "none", "");
	meet(LOST_FIRST, "none", "");
}
END_TEST

START_TEST(bad_answers_are_told_apart)
{
	meet(ODD_RCODE, "bad_response", "error 13");
	meet(BARE_SERVFAIL, "bad_response", "SERVFAIL");
	meet(LOOPING, "bad_response", "no A record");
}
END_TEST

/* ---- over TCP ---- */

enum tcp_way { TCP_CLOSES, TCP_HALF, TCP_OTHER, TCP_HANGS, TCP_DRIPS, TCP_CUT };
struct cut { enum lie lie; enum tcp_way way; };

static void
cut_udp(int fd, void *arg)
{
	lie_udp(fd, &((struct cut *)arg)->lie);
}

static void
cut_tcp(int fd, void *arg)
{
	enum tcp_way way = ((struct cut *)arg)->way;
	uint8_t q[1024], out[1024];
	ssize_t got = recv(fd, q, sizeof(q), 0);
	size_t n;

	if (got < 14 || way == TCP_CLOSES)
		return;
	n = truth(q + 2, (size_t)got - 2, out + 2);
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	if (way == TCP_OTHER)
		out[2] ^= 1;
	if (way == TCP_CUT)
		out[4] |= 2;
	if (way == TCP_HANGS)
		recv(fd, q, sizeof(q), 0);
	for (size_t i = 0; way == TCP_DRIPS && i < n + 2; i++)
		send(fd, out + i, 1, MSG_NOSIGNAL);
	if (way != TCP_DRIPS)
		send(fd, out, way == TCP_HALF ? n / 2 : n + 2, MSG_NOSIGNAL);
}

static void
meet_tcp(enum tcp_way way, const char *reason, const char *words)
{
	struct cut cut = { CUT, way };
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	net_peer_both(&peer, cut_udp, cut_tcp, &cut);
	net_option(port, sizeof(port), "port=%u", peer.port);
	net_rig_open(&rig, "dns");
	rig.timeout_ms = way == TCP_HANGS ? 300 : 2000;
	RUN(&rig, port, "name=www.test");
	net_rig_expect(&rig, reason, words);
	net_rig_close(&rig);
	net_peer_end(&peer);
}

START_TEST(a_cut_answer_is_asked_for_over_tcp)
{
	meet_tcp(TCP_DRIPS, "none", "");
	meet_tcp(TCP_CLOSES, "bad_response", "closed without an answer");
	meet_tcp(TCP_HALF, "bad_response", "closed within the answer");
	meet_tcp(TCP_OTHER, "bad_response", "another question");
	meet_tcp(TCP_CUT, "bad_response", "says that it is cut");
	meet_tcp(TCP_HANGS, "response_timeout", "no whole answer");
}
END_TEST

START_TEST(nobody_there_is_told_apart)
{
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	net_peer_full(&peer);
	net_rig_open(&rig, "dns");
	rig.timeout_ms = 200;
	net_option(port, sizeof(port), "port=%u", peer.port);
	RUN(&rig, port, "name=www.test", "tcp=true");
	net_rig_expect(&rig, "connect_timeout", "TCP: no connection");
	net_peer_end(&peer);
	net_option(port, sizeof(port), "port=%u", net_free_port());
	RUN(&rig, port, "name=www.test");
	net_rig_expect(&rig, "port_unreachable", "UDP: Connection refused");
	RUN(&rig, port, "name=www.test", "tcp=true");
	net_rig_expect(&rig, "connect_refused", "TCP: Connection refused");
	RUN(&rig, port, "name=a..b");
	net_rig_expect(&rig, "unsupported", "'a..b' is not a name");
	RUN(&rig, port, "name=a.b", "expect=not an address");
	net_rig_expect(&rig, "unsupported", "'not an address'");
	net_rig_close(&rig);
}
END_TEST

START_TEST(it_can_be_closed_in_the_midst)
{
	enum lie lie = SILENT;
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	net_peer_udp(&peer, lie_udp, &lie);
	net_option(port, sizeof(port), "port=%u", peer.port);
	net_rig_open(&rig, "dns");
	net_rig_drop(&rig, "127.0.0.1", 300,
		(const char *const[]){ port, "name=www.test", NULL });
	net_peer_end(&peer);
}
END_TEST

int
main(void)
{
	return STORIES("probe dns", a_question_is_written_as_the_rfc_has_it,
		what_is_no_name_is_refused, a_compressed_answer_is_read,
		pointers_that_go_round_are_refused, a_real_server_is_asked,
		what_is_no_answer_is_waited_past, bad_answers_are_told_apart,
		a_cut_answer_is_asked_for_over_tcp, nobody_there_is_told_apart,
		it_can_be_closed_in_the_midst);
}
