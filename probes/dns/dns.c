/*
 * dns: asks a name server one question, and looks at the answer.
 *
 * Each run has a socket of its own, connected to the server: the kernel picks
 * a random port and drops what comes from elsewhere.  What does not repeat
 * the random id and the question is not an answer; the wait goes on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <tocsin/probe.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "probes/common/net.h"
#include "probes/dns/message.h"

#define MESSAGE_MAX 65535
#define DATAGRAMS 16		/* read in a row */
#define EXPECT_MAX 256

enum { OPT_NAME, OPT_TYPE, OPT_EXPECT, OPT_PORT, OPT_TCP, OPT_RECURSION,
	OPT_TRIES };

#define X(number, sym) "|" #sym
static const char type_choices[] = DNS_TYPE_TABLE(X);
#undef X
#define X(number, sym) (number),
static const uint16_t type_numbers[] = { DNS_TYPE_TABLE(X) };
#undef X
#define X(number, sym) #sym,
static const char *const type_names[] = { DNS_TYPE_TABLE(X) };
#undef X

static const struct tocsin_opt opts[] = {
	[OPT_NAME] = { "name", TOCSIN_OPT_STRING, .min = "1", .max = "254",
		.help = "The name to ask for." },
	[OPT_TYPE] = { "type", TOCSIN_OPT_ENUM, .dflt = "A",
		.choices = type_choices + 1,
		.help = "The type of record to ask for." },
	[OPT_EXPECT] = { "expect", TOCSIN_OPT_STRING, .dflt = "", .max = "255",
		.help = "One of the records must read so." },
	[OPT_PORT] = { "port", TOCSIN_OPT_INT, .dflt = "53", .min = "1",
		.max = "65535", .help = "The server's port." },
	[OPT_TCP] = { "tcp", TOCSIN_OPT_BOOL, .dflt = "false",
		.help = "Ask over TCP at once, not only after a cut answer." },
	[OPT_RECURSION] = { "recursion", TOCSIN_OPT_BOOL, .dflt = "true",
		.help = "Ask the server to ask others." },
	[OPT_TRIES] = { "tries", TOCSIN_OPT_INT, .dflt = "2", .min = "1",
		.max = "10", .unit = "datagrams",
		.help = "Datagrams sent within the timeout, evenly spaced." },
	{ .name = NULL },
};

enum { METRIC_QUERY, METRIC_ANSWERS, METRIC_TTL };
static const struct tocsin_metric metrics[] = {
	[METRIC_QUERY] = { "dns_query_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"from the first question to the answer" },
	[METRIC_ANSWERS] = { "dns_answers_count", TOCSIN_GAUGE, TOCSIN_COUNT,
		"records of the type that was asked for" },
	[METRIC_TTL] = { "dns_ttl_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"the least time to live of them" },
	{ .name = NULL },
};

struct dns {
	struct net_loop loop;
	uint8_t message[2 + MESSAGE_MAX + 1];
};

struct run {
	struct net_run net;
	struct dns_query query;
	char expect[EXPECT_MAX];
	const char *type;
	int fd;
	bool tcp;
	bool recursion;
	unsigned tries;		/* left */
	int64_t pace_ns;
	unsigned strange;	/* datagrams that were no answer */
	/* TCP: what is to be sent, then what has come */
	bool sent;
	size_t at;
	uint8_t *in;
	size_t in_cap;
};

/* ---- results ---- */

static unsigned
samples_of(struct dns *d, struct run *r, const struct dns_answer *a,
	struct tocsin_sample *s)
{
	int64_t took_ns = net_now(&d->loop) - r->net.begun_ns;

	net_sample(&s[0], metrics[METRIC_QUERY].name, (double)took_ns / 1e9);
	net_sample(&s[1], metrics[METRIC_ANSWERS].name, a->n);
	net_sample(&s[2], metrics[METRIC_TTL].name, a->ttl_seconds);
	return a->n > 0 ? 3 : 2;
}

static void
answered(struct dns *d, struct run *r, const struct dns_answer *a)
{
	struct tocsin_sample samples[ARRAY_LEN(metrics)];
	char text[NET_TEXT] = "";
	struct net_result res = { .text = text, .samples = samples,
		.why = TOCSIN_WHY_BAD_RESPONSE };
	const char *name = dns_rcode_name(a->rcode);

	res.n_samples = samples_of(d, r, a, samples);
	if (a->rcode == 3) {
		res.why = TOCSIN_WHY_NAME_UNKNOWN;
		snprintf(text, sizeof(text), "the server answers NXDOMAIN");
	} else if (a->rcode != 0 && name != NULL) {
		snprintf(text, sizeof(text), "the server answers %s", name);
	} else if (a->rcode != 0) {
		snprintf(text, sizeof(text), "the server answers error %u",
			a->rcode);
	} else if (a->n == 0) {
		snprintf(text, sizeof(text), "the name has no %s record",
			r->type);
	} else if (!a->met) {
		snprintf(text, sizeof(text), "answer: %u %s record%s, '%s' is "
			"not the expected '%.80s'", a->n, r->type,
			a->n > 1 ? "s, none" : "", a->first, r->expect);
	} else {
		res.why = TOCSIN_WHY_NONE;
	}
	net_finish(&d->loop, &r->net, &res);
}

static void
fail_errno(struct dns *d, struct run *r, int err, bool own)
{
	enum tocsin_reason why = own ? net_own_reason(err) :
		net_reason(&r->net.to, err);
	char text[NET_TEXT];

	/* Over UDP it is the host that says so, by ICMP. */
	if (err == ECONNREFUSED && !r->tcp)
		why = TOCSIN_WHY_PORT_UNREACHABLE;
	snprintf(text, sizeof(text), "%s: %s", r->tcp ? "TCP" : "UDP",
		strerrordesc_np(err));
	net_fail(&d->loop, &r->net, why, text);
}

/* ---- asking ---- */

static int
open_socket(struct dns *d, struct run *r)
{
	int type = r->tcp ? SOCK_STREAM : SOCK_DGRAM;

	if (r->fd >= 0)
		close(r->fd);
	r->fd = socket(r->net.to.any.sa_family,
		type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		return -errno;
	if (connect(r->fd, &r->net.to.any, net_addr_len(&r->net.to)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return net_watch(&d->loop, r->fd, net_key(&r->net),
		r->tcp ? EPOLLOUT : EPOLLIN, false);
}

static void
send_datagram(struct dns *d, struct run *r)
{
	ssize_t n = send(r->fd, r->query.bytes, r->query.n, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != ENOBUFS) {
		fail_errno(d, r, errno, errno != ECONNREFUSED);
		return;
	}
	r->tries--;
	net_wake(&d->loop, &r->net, r->tries > 0 ?
		net_now(&d->loop) + r->pace_ns : r->net.deadline_ns);
}

static void
dns_begin(struct net_loop *l, struct net_run *net)
{
	struct dns *d = CONTAINER_OF(l, struct dns, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);
	uint16_t id;
	int rc;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id)) {
		net_fail(l, net, TOCSIN_WHY_LOCAL_RESOURCE, "no random numbers");
		return;
	}
	dns_query_set(&r->query, id, r->recursion);
	r->pace_ns = (net->deadline_ns - net->begun_ns) / r->tries;
	rc = open_socket(d, r);
	if (rc < 0)
		fail_errno(d, r, -rc, true);
	else if (!r->tcp)
		send_datagram(d, r);
}

static void
turn_to_tcp(struct dns *d, struct run *r)
{
	int rc;

	r->tcp = true;
	net_wake(&d->loop, &r->net, r->net.deadline_ns);
	/* Another descriptor: what the old one had to say is void. */
	rc = open_socket(d, r);
	if (rc < 0)
		fail_errno(d, r, -rc, true);
}

/* ---- listening ---- */

/* True when the run is over, or goes on over TCP. */
static bool
take_message(struct dns *d, struct run *r, const uint8_t *p, size_t n)
{
	struct dns_answer a;

	switch (dns_answer_read(&r->query, p, n, r->expect, &a)) {
	case DNS_NOT_OURS:
		r->strange++;
		return false;
	case DNS_MALFORMED:
		net_fail(&d->loop, &r->net, TOCSIN_WHY_BAD_RESPONSE,
			"the answer cannot be read");
		return true;
	case DNS_TRUNCATED:
		if (r->tcp)
			net_fail(&d->loop, &r->net, TOCSIN_WHY_BAD_RESPONSE,
				"TCP: the answer says that it is cut");
		else
			turn_to_tcp(d, r);
		return true;
	case DNS_ANSWER:
		answered(d, r, &a);
		return true;
	}
	return false;
}

static void
read_datagrams(struct dns *d, struct run *r)
{
	for (int i = 0; i < DATAGRAMS; i++) {
		ssize_t n = recv(r->fd, d->message, MESSAGE_MAX, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			fail_errno(d, r, errno, false);
			return;
		}
		if (take_message(d, r, d->message, (size_t)n))
			return;
	}
}

static void
dns_due(struct net_loop *l, struct net_run *net)
{
	struct dns *d = CONTAINER_OF(l, struct dns, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);
	char text[NET_TEXT] = "no answer";
	uint64_t key = net_key(net);

	if (net_now(l) < net->deadline_ns && !r->tcp && r->tries > 0) {
		send_datagram(d, r);
		return;
	}
	/* The loop may be late: what has come in time counts. */
	if (!r->tcp) {
		read_datagrams(d, r);
		if (net_run_of(l, key) == NULL || r->tcp)
			return;
	}
	if (r->tcp)
		snprintf(text, sizeof(text), r->sent ?
			"TCP: connected, but no whole answer" :
			"TCP: no connection");
	else if (r->strange > 0)
		snprintf(text, sizeof(text),
			"no answer, only %u datagrams that are none", r->strange);
	net_fail(l, net, r->tcp && !r->sent ? TOCSIN_WHY_CONNECT_TIMEOUT :
		TOCSIN_WHY_RESPONSE_TIMEOUT, text);
}

static void
write_tcp(struct dns *d, struct run *r)
{
	uint8_t out[2 + DNS_QUERY_MAX];
	size_t size = 2 + r->query.n;
	ssize_t n;
	int rc;

	out[0] = (uint8_t)(r->query.n >> 8);
	out[1] = (uint8_t)r->query.n;
	memcpy(out + 2, r->query.bytes, r->query.n);
	n = send(r->fd, out + r->at, size - r->at, MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		fail_errno(d, r, errno, false);
		return;
	}
	r->at += (size_t)n;
	if (r->at < size)
		return;
	r->sent = true;
	r->at = 0;
	rc = net_watch(&d->loop, r->fd, net_key(&r->net), EPOLLIN, true);
	if (rc < 0)
		fail_errno(d, r, -rc, true);
}

/* True with a whole message, or a failure. */
static bool
keep_tcp(struct dns *d, struct run *r, size_t n)
{
	void *in = r->in;
	size_t want = 2;

	if (mem_grow(&in, &r->in_cap, r->at + n, 1) < 0) {
		net_fail(&d->loop, &r->net, TOCSIN_WHY_LOCAL_RESOURCE,
			"out of memory");
		return true;
	}
	r->in = in;
	memcpy(r->in + r->at, d->message, n);
	r->at += n;
	if (r->at >= 2)
		want += (size_t)r->in[0] << 8 | r->in[1];
	if (r->at < 2 || r->at < want)
		return false;
	if (!take_message(d, r, r->in + 2, want - 2))
		net_fail(&d->loop, &r->net, TOCSIN_WHY_BAD_RESPONSE,
			"TCP: the answer is to another question");
	return true;
}

static void
read_tcp(struct dns *d, struct run *r)
{
	ssize_t n = recv(r->fd, d->message, sizeof(d->message), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		fail_errno(d, r, errno, false);
	else if (n == 0)
		net_fail(&d->loop, &r->net, TOCSIN_WHY_BAD_RESPONSE,
			r->at > 0 ? "TCP: closed within the answer" :
			"TCP: closed without an answer");
	else
		keep_tcp(d, r, (size_t)n);
}

static void
dns_event(struct net_loop *l, uint64_t key, uint32_t events)
{
	struct dns *d = CONTAINER_OF(l, struct dns, loop);
	struct net_run *net = net_run_of(l, key);
	struct run *r;

	if (net == NULL)
		return;
	r = CONTAINER_OF(net, struct run, net);
	(void)events;	/* the calls tell what is wrong */
	if (!r->tcp)
		read_datagrams(d, r);
	else if (!r->sent)
		write_tcp(d, r);
	else
		read_tcp(d, r);
}

/* ---- starting ---- */

static bool
dns_take(struct net_loop *l, struct net_run *net, const struct tocsin_target *t,
	char error[NET_TEXT])
{
	struct run *r = CONTAINER_OF(net, struct run, net);
	const struct tocsin_value *v = t->opts;
	size_t type = (size_t)v[OPT_TYPE].i;

	(void)l;
	r->fd = -1;
	r->type = type_names[type];
	r->tcp = v[OPT_TCP].i != 0;
	r->recursion = v[OPT_RECURSION].i != 0;
	r->tries = (unsigned)v[OPT_TRIES].i;
	net_set_port(&net->to, (uint16_t)v[OPT_PORT].i);
	if (!dns_query_write(&r->query, v[OPT_NAME].s, type_numbers[type])) {
		snprintf(error, NET_TEXT, "option name: '%.60s' is not a name",
			v[OPT_NAME].s);
		return false;
	}
	if (!dns_expect(type_numbers[type], v[OPT_EXPECT].s, r->expect,
	    sizeof(r->expect))) {
		snprintf(error, NET_TEXT, "option expect: '%.60s' is not the "
			"text of a record of type %s", v[OPT_EXPECT].s, r->type);
		return false;
	}
	return true;
}

static void
dns_drop(struct net_loop *l, struct net_run *net)
{
	struct run *r = CONTAINER_OF(net, struct run, net);

	(void)l;
	if (r->fd >= 0)
		close(r->fd);
	mem_free(r->in);
}

static const struct net_ops ops = { .run_bytes = sizeof(struct run),
	.take = dns_take, .begin = dns_begin, .event = dns_event,
	.due = dns_due, .drop = dns_drop };

static int
dns_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct dns *d = MEM_NEW(struct dns);
	int rc;

	if (d == NULL) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	rc = net_open(&d->loop, ctx, &ops, error);
	if (rc < 0)
		mem_free(d);
	else
		*instance = d;
	return rc;
}

static void
dns_close(void *instance)
{
	struct dns *d = instance;

	net_close(&d->loop);
	mem_free(d);
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "dns",
	.help = "does a name server answer, and what",
	.opts = opts, .metrics = metrics, .open = dns_open, .close = dns_close,
	.start = net_start, .on_fd = net_on_fd, .on_timer = net_on_timer,
	.cancel = net_cancel,
};
