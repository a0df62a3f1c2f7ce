/*
 * tls: connects, shakes hands, looks at the certificate, says goodbye.
 *
 * Faults of a certificate do not end the handshake: all of them are
 * collected, so that the text can name each, and the days left are known of a
 * bad certificate too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <tocsin/probe.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "probes/common/net.h"
#include "probes/tls/trust.h"

#define SNI_MAX 256
#define DAY_S 86400.0

enum { OPT_PORT, OPT_SNI, OPT_VERIFY, OPT_MIN_DAYS, OPT_MIN_VERSION,
	OPT_CA_FILE };

static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
	TLS1_3_VERSION };

static const struct tocsin_opt opts[] = {
	[OPT_PORT] = { "port", TOCSIN_OPT_INT, .dflt = "443", .min = "1",
		.max = "65535", .help = "The port to connect to." },
	[OPT_SNI] = { "sni", TOCSIN_OPT_STRING, .dflt = "", .max = "253",
		.help = "The name to ask for; the target's address if not set." },
	[OPT_VERIFY] = { "verify", TOCSIN_OPT_BOOL, .dflt = "true",
		.help = "The certificate must be valid for that name." },
	[OPT_MIN_DAYS] = { "min_days", TOCSIN_OPT_FLOAT, .dflt = "0",
		.min = "0", .max = "3650", .unit = "days",
		.help = "The certificate must be valid that much longer." },
	[OPT_MIN_VERSION] = { "min_version", TOCSIN_OPT_ENUM, .dflt = "1.2",
		.choices = "1.0|1.1|1.2|1.3",
		.help = "The oldest version of the protocol to accept." },
	[OPT_CA_FILE] = { "ca_file", TOCSIN_OPT_STRING, .dflt = "",
		.max = "4095", .help = "PEM file of the authorities to trust "
		"instead of the system's." },
	{ .name = NULL },
};

enum { METRIC_CONNECT, METRIC_HANDSHAKE, METRIC_EXPIRY, METRIC_VERSION };
static const struct tocsin_metric metrics[] = {
	[METRIC_CONNECT] = { "tls_connect_seconds", TOCSIN_GAUGE,
		TOCSIN_SECONDS, "until the TCP connection stands" },
	[METRIC_HANDSHAKE] = { "tls_handshake_seconds", TOCSIN_GAUGE,
		TOCSIN_SECONDS, "from there to the end of the handshake" },
	[METRIC_EXPIRY] = { "tls_expiry_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"until the first certificate of the chain expires" },
	[METRIC_VERSION] = { "tls_version", TOCSIN_GAUGE, TOCSIN_COUNT,
		"of the protocol: 1.2, 1.3" },
	{ .name = NULL },
};

struct tls {
	struct net_loop loop;
	struct trust *trust;
};

struct run {
	struct net_run net;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;		/* NULL while it connects */
	struct cert_faults faults;
	int64_t connected_ns;
	bool verify;
	int version;
	double min_days;
	char name[SNI_MAX];	/* asked for; a name or an address */
};

/* ---- results ---- */

static unsigned
samples_of(struct tls *t, const struct run *r, double expiry,
	struct tocsin_sample *s)
{
	static const double numbers[] = { 1.0, 1.1, 1.2, 1.3 };
	unsigned n = 0;

	net_sample(&s[n++], metrics[METRIC_CONNECT].name,
		(double)(r->connected_ns - r->net.begun_ns) / 1e9);
	net_sample(&s[n++], metrics[METRIC_HANDSHAKE].name,
		(double)(net_now(&t->loop) - r->connected_ns) / 1e9);
	if (!isnan(expiry))
		net_sample(&s[n++], metrics[METRIC_EXPIRY].name, expiry);
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		if (SSL_version(r->ssl) == versions[i])
			net_sample(&s[n++], metrics[METRIC_VERSION].name,
				numbers[i]);
	}
	return n;
}

static void
succeed(struct tls *t, struct run *r)
{
	struct tocsin_sample samples[ARRAY_LEN(metrics)];
	int64_t wall_ms = t->loop.ctx->wall_ms(t->loop.ctx);
	double expiry = cert_expiry_seconds(r->ssl, r->faults.bits == 0, wall_ms);
	struct net_result res = { .samples = samples,
		.n_samples = samples_of(t, r, expiry, samples) };
	char text[NET_TEXT] = "", faults[200];

	if (r->verify && r->faults.bits != 0) {
		res.why = TOCSIN_WHY_CERT_INVALID;
		cert_describe(&r->faults, SSL_get0_peer_certificate(r->ssl),
			r->name, faults);
		snprintf(text, sizeof(text), "certificate: %s", faults);
	} else if (r->min_days > 0.0 && !(expiry >= r->min_days * DAY_S)) {
		res.why = TOCSIN_WHY_THRESHOLD;
		snprintf(text, sizeof(text), "certificate: %.1f days left, "
			"below %g", expiry / DAY_S, r->min_days);
	}
	res.text = text;
	/* One message of goodbye, for the log of the other side. */
	SSL_shutdown(r->ssl);
	net_finish(&t->loop, &r->net, &res);
}

static void
fail_connect(struct tls *t, struct run *r, int err, bool own)
{
	char text[NET_TEXT];

	snprintf(text, sizeof(text), "connect: %s", strerrordesc_np(err));
	net_fail(&t->loop, &r->net, own ? net_own_reason(err) :
		net_reason(&r->net.to, err), text);
}

static void
fail_handshake(struct tls *t, struct run *r, int kind, int err)
{
	unsigned long code = ERR_peek_error();
	const char *why = ERR_reason_error_string(code);
	char text[NET_TEXT];

	if (kind == SSL_ERROR_SYSCALL && err != 0) {
		snprintf(text, sizeof(text), "handshake: %s",
			strerrordesc_np(err));
		net_fail(&t->loop, &r->net, net_their_reason(err), text);
		return;
	}
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) ==
	    SSL_R_UNEXPECTED_EOF_WHILE_READING)
		why = "closed by the server";
	else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) ==
	    SSL_R_WRONG_VERSION_NUMBER)
		why = "the answer is not TLS";
	snprintf(text, sizeof(text), "handshake: %s",
		why != NULL ? why : "closed by the server");
	net_fail(&t->loop, &r->net, ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ?
		TOCSIN_WHY_LOCAL_RESOURCE : TOCSIN_WHY_TLS_FAILED, text);
}

/* ---- the way ---- */

static bool
is_address(const char *name)
{
	uint8_t addr[16];

	return inet_pton(AF_INET, name, addr) == 1 ||
		inet_pton(AF_INET6, name, addr) == 1;
}

static bool
set_name(const struct run *r)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(r->ssl);

	if (is_address(r->name))
		return X509_VERIFY_PARAM_set1_ip_asc(param, r->name) == 1;
	return SSL_set1_host(r->ssl, r->name) == 1 &&
		SSL_set_tlsext_host_name(r->ssl, r->name) == 1;
}

static bool
ssl_begin(struct run *r)
{
	r->ssl = SSL_new(r->ctx);
	if (r->ssl == NULL || SSL_set_fd(r->ssl, r->fd) != 1 ||
	    SSL_set_min_proto_version(r->ssl, r->version) != 1 || !set_name(r))
		return false;
	/* Security levels refuse what the option allows. */
	if (r->version < TLS1_2_VERSION)
		SSL_set_security_level(r->ssl, 0);
	trust_note_faults(r->ssl, &r->faults);
	SSL_set_connect_state(r->ssl);
	return true;
}

static void
shake(struct tls *t, struct run *r)
{
	int rc, kind;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(r->ssl);
	if (rc == 1) {
		succeed(t, r);
		return;
	}
	kind = SSL_get_error(r->ssl, rc);
	if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE) {
		fail_handshake(t, r, kind, errno);
		return;
	}
	rc = net_watch(&t->loop, r->fd, net_key(&r->net),
		kind == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT, true);
	if (rc < 0)
		fail_connect(t, r, -rc, true);
}

static void
connected(struct tls *t, struct run *r)
{
	socklen_t n = sizeof(int);
	int err = 0;

	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
		err = errno;
	if (err != 0) {
		fail_connect(t, r, err, false);
		return;
	}
	r->connected_ns = net_now(&t->loop);
	if (ssl_begin(r))
		shake(t, r);
	else
		net_fail(&t->loop, &r->net, TOCSIN_WHY_LOCAL_RESOURCE,
			"no TLS connection could be set up");
}

static void
tls_event(struct net_loop *l, uint64_t key, uint32_t events)
{
	struct tls *t = CONTAINER_OF(l, struct tls, loop);
	struct net_run *net = net_run_of(l, key);
	struct run *r;

	(void)events;	/* the calls tell what is wrong */
	if (net == NULL)
		return;
	r = CONTAINER_OF(net, struct run, net);
	if (r->ssl == NULL)
		connected(t, r);
	else
		shake(t, r);
}

static void
tls_begin(struct net_loop *l, struct net_run *net)
{
	struct tls *t = CONTAINER_OF(l, struct tls, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);
	int rc = 0;

	r->fd = socket(net->to.any.sa_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || (connect(r->fd, &net->to.any, net_addr_len(&net->to)) < 0
	    && errno != EINPROGRESS))
		rc = -errno;
	else
		rc = net_watch(l, r->fd, net_key(net), EPOLLOUT, false);
	if (rc < 0)
		fail_connect(t, r, -rc, true);
}

static void
tls_due(struct net_loop *l, struct net_run *net)
{
	struct run *r = CONTAINER_OF(net, struct run, net);

	if (r->ssl == NULL)
		net_fail(l, net, TOCSIN_WHY_CONNECT_TIMEOUT,
			"connect: no answer in time");
	else
		net_fail(l, net, TOCSIN_WHY_RESPONSE_TIMEOUT,
			"handshake: connected, but not done in time");
}

/* ---- starting ---- */

static bool
tls_take(struct net_loop *l, struct net_run *net, const struct tocsin_target *target,
	char error[NET_TEXT])
{
	struct tls *t = CONTAINER_OF(l, struct tls, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);
	const struct tocsin_value *v = target->opts;

	r->fd = -1;
	r->verify = v[OPT_VERIFY].i != 0;
	r->min_days = v[OPT_MIN_DAYS].d;
	r->version = versions[v[OPT_MIN_VERSION].i];
	snprintf(r->name, sizeof(r->name), "%s", v[OPT_SNI].s[0] != '\0' ?
		v[OPT_SNI].s : target->address);
	net_set_port(&net->to, (uint16_t)v[OPT_PORT].i);
	r->ctx = trust_context(t->trust, v[OPT_CA_FILE].s, error);
	return r->ctx != NULL;
}

static void
tls_drop(struct net_loop *l, struct net_run *net)
{
	struct run *r = CONTAINER_OF(net, struct run, net);

	(void)l;
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	if (r->fd >= 0)
		close(r->fd);
}

static const struct net_ops ops = { .run_bytes = sizeof(struct run),
	.take = tls_take, .begin = tls_begin, .event = tls_event,
	.due = tls_due, .drop = tls_drop };

static int
tls_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct tls *t = MEM_NEW(struct tls);
	int rc = -ENOMEM;

	snprintf(error, 256, "out of memory");
	if (t == NULL || (t->trust = trust_new()) == NULL)
		goto out;
	rc = net_open(&t->loop, ctx, &ops, error);
	if (rc == 0)
		*instance = t;
out:
	if (rc < 0 && t != NULL) {
		trust_free(t->trust);
		mem_free(t);
	}
	return rc;
}

static void
tls_close(void *instance)
{
	struct tls *t = instance;

	net_close(&t->loop);
	trust_free(t->trust);
	mem_free(t);
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "tls",
	.help = "does a port speak TLS, with a valid certificate",
	.opts = opts, .metrics = metrics, .open = tls_open, .close = tls_close,
	.start = net_start, .on_fd = net_on_fd, .on_timer = net_on_timer,
	.cancel = net_cancel,
};
