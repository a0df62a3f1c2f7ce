/*
 * probe tls: a real server (openssl s_server) with certificates of each kind,
 * and peers that do not speak TLS.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "t/lib/certs.h"
#include "t/lib/net_rig.h"
#include "t/lib/scratch.h"
#include "t/lib/story.h"

static const struct cert_want wants[] = {
	{ "ca", NULL, NULL, -1, 3650, true, false },
	{ "good", "ca", "DNS:www.test,IP:127.0.0.1", -1, 30, false, false },
	{ "expired", "ca", "DNS:www.test", -30, -3, false, false },
	{ "early", "ca", "DNS:www.test", 2, 30, false, false },
	{ "self", NULL, "DNS:www.test", -1, 30, false, false },
	{ "stranger", NULL, NULL, -1, 3650, true, false },
	{ "strange", "stranger", "DNS:www.test", -1, 30, false, false },
	{ "awful", NULL, "DNS:other.test", -30, -3, false, false },
};

static char dir[64];
static char ca_file[128];

static void
make_all(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tocsin-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		cert_make(dir, &wants[i]);
	snprintf(ca_file, sizeof(ca_file), "ca_file=%s/ca.pem", dir);
}

static void
remove_all(void)
{
	scratch_remove(dir);
}

/* `old` = TLS 1.1 and nothing else. */
static bool
s_server(struct net_peer *p, const char *cert, bool old)
{
	char pem[128], key[128], port[16];
	const char *const argv[] = { "openssl", "s_server", "-quiet", "-accept",
		port, "-cert", pem, "-key", key, "-www", "-cipher", "ALL:@SECLEVEL=0",
		old ? "-tls1_1" : NULL, NULL };

	p->port = net_free_port();
	snprintf(pem, sizeof(pem), "%s/%s.pem", dir, cert);
	snprintf(key, sizeof(key), "%s/%s.key", dir, cert);
	snprintf(port, sizeof(port), "%u", p->port);
	return net_peer_program(p, argv) && net_peer_wait(p);
}

/* One check against a server with that certificate. */
static bool
meet(struct net_rig *rig, const char *cert, const char *option)
{
	struct net_peer server = { 0 };
	char port[32];
	bool met = s_server(&server, cert, false);

	if (met) {
		net_option(port, sizeof(port), "port=%u", server.port);
		RUN(rig, port, ca_file, "sni=www.test", option);
	}
	net_peer_end(&server);
	return met;
}

START_TEST(a_good_certificate_is_good)
{
	struct net_rig rig;

	make_all();
	net_rig_open(&rig, "tls");
	if (meet(&rig, "good", "verify=true")) {
		net_rig_expect(&rig, "none", "");
		ck_assert_double_eq(net_rig_value(&rig, "tls_version"), 1.3);
		ck_assert(net_rig_value(&rig, "tls_handshake_seconds") > 0.0);
		ck_assert_double_eq_tol(net_rig_value(&rig,
			"tls_expiry_seconds"), 30 * 86400.0, 60.0);
		meet(&rig, "good", "min_days=29");
		net_rig_expect(&rig, "none", "");
		meet(&rig, "good", "min_days=31");
		net_rig_expect(&rig, "threshold", "30.0 days left, below 31");
		ck_assert(net_rig_value(&rig, "tls_expiry_seconds") > 0.0);
		meet(&rig, "good", "sni=127.0.0.1");
		net_rig_expect(&rig, "none", "");
		meet(&rig, "good", "sni=");	/* the address, then */
		net_rig_expect(&rig, "none", "");
		meet(&rig, "good", "sni=127.0.0.2");
		net_rig_expect(&rig, "cert_invalid", "not for '127.0.0.2'");
	}
	net_rig_close(&rig);
	remove_all();
}
END_TEST

START_TEST(r133_bad_certificates_are_told_apart)
{
	struct net_rig rig;

	make_all();
	net_rig_open(&rig, "tls");
	if (meet(&rig, "expired", "verify=true")) {
		net_rig_expect(&rig, "cert_invalid", "certificate: expired on 20");
		ck_assert_double_eq_tol(net_rig_value(&rig,
			"tls_expiry_seconds"), -3 * 86400.0, 60.0);
		ck_assert_ptr_null(strstr(rig.got.text, ";"));
		meet(&rig, "early", "verify=true");
		net_rig_expect(&rig, "cert_invalid", "not valid before 20");
		meet(&rig, "self", "verify=true");
		net_rig_expect(&rig, "cert_invalid", "certificate: self-signed");
		meet(&rig, "strange", "verify=true");
		net_rig_expect(&rig, "cert_invalid",
			"certificate: issued by nobody that is trusted here");
		meet(&rig, "good", "sni=other.test");
		net_rig_expect(&rig, "cert_invalid",
			"certificate: made for 'www.test', not for 'other.test'");
		meet(&rig, "awful", "verify=true");
		net_rig_expect(&rig, "cert_invalid", "expired on");
		net_rig_expect(&rig, "cert_invalid", "self-signed");
		net_rig_expect(&rig, "cert_invalid", "made for 'other.test'");
		meet(&rig, "awful", "verify=false");
		net_rig_expect(&rig, "none", "");
		meet(&rig, "good", "ca_file=");
		net_rig_expect(&rig, "cert_invalid", "issued by nobody");
		meet(&rig, "good", "ca_file=/nonexistent");
		net_rig_expect(&rig, "unsupported",
			"/nonexistent: No such file");
	}
	net_rig_close(&rig);
	remove_all();
}
END_TEST

START_TEST(a_file_of_authorities_may_change)
{
	struct net_rig rig;
	char from[128], to[128], option[160];

	make_all();
	snprintf(from, sizeof(from), "%s/stranger.pem", dir);
	snprintf(to, sizeof(to), "%s/now.pem", dir);
	snprintf(option, sizeof(option), "ca_file=%s", to);
	ck_assert_int_eq(link(from, to), 0);
	net_rig_open(&rig, "tls");
	if (meet(&rig, "good", option)) {
		net_rig_expect(&rig, "cert_invalid", "issued by nobody");
		snprintf(from, sizeof(from), "%s/ca.pem", dir);
		ck_assert_int_eq(rename(from, to), 0);
		meet(&rig, "good", option);
		net_rig_expect(&rig, "none", "");
	}
	net_rig_close(&rig);
	remove_all();
}
END_TEST

START_TEST(old_protocols_are_refused_unless_allowed)
{
	struct net_peer server = { 0 };
	struct net_rig rig;
	char port[32];

	make_all();
	net_rig_open(&rig, "tls");
	if (s_server(&server, "good", true)) {
		net_option(port, sizeof(port), "port=%u", server.port);
		RUN(&rig, port, ca_file, "sni=www.test");
		net_rig_expect(&rig, "tls_failed", "handshake: ");
		net_rig_expect(&rig, "tls_failed", "protocol");
		RUN(&rig, port, ca_file, "sni=www.test", "min_version=1.0");
		net_rig_expect(&rig, "none", "");
		ck_assert_double_eq(net_rig_value(&rig, "tls_version"), 1.1);
	}
	net_peer_end(&server);
	net_rig_close(&rig);
	remove_all();
}
END_TEST

/* ---- those that speak no TLS ---- */

enum way { HANG, HANG_UP, SAY_HELLO, SAY_GARBAGE, RESET };

static void
rude(int fd, void *arg)
{
	static const unsigned char garbage[400] = { 22, 3, 3, 1, 0, 2 };
	struct linger reset = { 1, 0 };
	char buf[4096];

	if (*(enum way *)arg != HANG_UP)
		recv(fd, buf, sizeof(buf), 0);
	switch (*(enum way *)arg) {
	case HANG_UP:
		shutdown(fd, SHUT_WR);
		recv(fd, buf, sizeof(buf), MSG_WAITALL);
		return;
	case HANG:
		recv(fd, buf, sizeof(buf), MSG_WAITALL);
		return;
	case SAY_HELLO:
		send(fd, "220 mail.test ESMTP\r\n", 21, MSG_NOSIGNAL);
		recv(fd, buf, sizeof(buf), MSG_WAITALL);
		return;
	case SAY_GARBAGE:
		send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL);
		recv(fd, buf, sizeof(buf), MSG_WAITALL);
		return;
	case RESET:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return;
	}
}

static void
meet_rude(enum way way, const char *reason, const char *words)
{
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	net_peer_tcp(&peer, rude, &way);
	net_option(port, sizeof(port), "port=%u", peer.port);
	net_rig_open(&rig, "tls");
	rig.timeout_ms = way == HANG ? 200 : 5000;
	RUN(&rig, port);
	net_rig_expect(&rig, reason, words);
	net_rig_close(&rig);
	net_peer_end(&peer);
}

START_TEST(what_is_no_tls_is_told_apart)
{
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	meet_rude(HANG, "response_timeout", "handshake: connected, but not done");
	meet_rude(HANG_UP, "tls_failed", "handshake: closed by the server");
	meet_rude(SAY_HELLO, "tls_failed", "handshake: the answer is not TLS");
	meet_rude(SAY_GARBAGE, "tls_failed", "handshake: ");
	meet_rude(RESET, "connect_reset", "handshake: Connection reset");
	net_peer_full(&peer);
	net_rig_open(&rig, "tls");
	rig.timeout_ms = 200;
	net_option(port, sizeof(port), "port=%u", peer.port);
	RUN(&rig, port);
	net_rig_expect(&rig, "connect_timeout", "connect: no answer");
	net_peer_end(&peer);
	net_option(port, sizeof(port), "port=%u", net_free_port());
	RUN(&rig, port);
	net_rig_expect(&rig, "connect_refused", "connect: Connection refused");
	net_rig_close(&rig);
}
END_TEST

START_TEST(many_are_met_at_once_and_dropped_in_the_midst)
{
	struct net_peer server = { 0 };
	struct net_rig rig;
	char port[32];

	make_all();
	net_rig_open(&rig, "tls");
	if (s_server(&server, "good", false)) {
		const char *const options[] = { port, ca_file, "sni=www.test",
			NULL };

		net_option(port, sizeof(port), "port=%u", server.port);
		rig.timeout_ms = 120000;
		net_rig_run(&rig, "127.0.0.1", 200, options);
		ck_assert_uint_eq(rig.by_outcome[TOCSIN_OK], 200);
		net_rig_drop(&rig, "127.0.0.1", 200, options);
	} else {
		net_rig_close(&rig);
	}
	net_peer_end(&server);
	remove_all();
}
END_TEST

int
main(void)
{
	return STORIES("probe tls", a_good_certificate_is_good,
		r133_bad_certificates_are_told_apart, a_file_of_authorities_may_change,
		old_protocols_are_refused_unless_allowed,
		what_is_no_tls_is_told_apart,
		many_are_met_at_once_and_dropped_in_the_midst);
}
