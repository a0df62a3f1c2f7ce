#include "probes/ping/sock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"

#define RECEIVE_BYTES 96	/* IPv4 header with options, ICMP, the mark */
#define CONTROL_BYTES 128
#define ERRORS_BATCH 16
#define BUFFER_BYTES (4 << 20)
#define ROUNDS_MAX 64		/* of receiving, before others get their turn */
#define NS_PER_S INT64_C(1000000000)

struct ping_sock {
	int fd;
	int family;
	bool raw;
	uint16_t id;	/* network order; the kernel sets its own with DGRAM */
	struct mmsghdr out[SOCK_BATCH];
	struct iovec out_iov[SOCK_BATCH][2];
	unsigned char head[SOCK_BATCH][SOCK_HEAD_BYTES];
	struct mmsghdr in[SOCK_BATCH];
	struct iovec in_iov[SOCK_BATCH];
	unsigned char in_bytes[SOCK_BATCH][RECEIVE_BYTES];
	_Alignas(8) unsigned char in_control[SOCK_BATCH][CONTROL_BYTES];
	union net_addr in_from[SOCK_BATCH];
};

static const unsigned char filler[SOCK_PAYLOAD_MAX];

/* ---- opening ---- */

/* Raw sockets see all ICMP of the machine: let pass echo replies to us. */
static int
filter_raw(struct ping_sock *s)
{
	struct sock_filter v4[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(s->id), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(s->id), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { ARRAY_LEN(v4), v4 };
	struct icmp_filter replies = { ~(UINT32_C(1) << ICMP_ECHOREPLY) };
	struct icmp6_filter replies6;

	if (s->family == AF_INET) {
		if (setsockopt(s->fd, SOL_RAW, ICMP_FILTER, &replies,
		    sizeof(replies)) < 0)
			return -1;
	} else {
		prog = (struct sock_fprog){ ARRAY_LEN(v6), v6 };
		memset(&replies6, 0xff, sizeof(replies6));	/* 1 = block */
		replies6.data[ICMPV6_ECHO_REPLY / 32] &=
			~(UINT32_C(1) << ICMPV6_ECHO_REPLY % 32);
		if (setsockopt(s->fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &replies6,
		    sizeof(replies6)) < 0)
			return -1;
	}
	return setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		sizeof(prog));
}

static void
set_options(struct ping_sock *s)
{
	int yes = 1, bytes = BUFFER_BYTES;

	/* Without these it works too, only less well. */
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
	    sizeof(bytes)) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
	    sizeof(bytes)) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes));
	if (s->family == AF_INET)
		setsockopt(s->fd, SOL_IP, IP_RECVERR, &yes, sizeof(yes));
	else
		setsockopt(s->fd, SOL_IPV6, IPV6_RECVERR, &yes, sizeof(yes));
}

static void
prepare_batches(struct ping_sock *s)
{
	for (unsigned i = 0; i < SOCK_BATCH; i++) {
		s->out_iov[i][0].iov_base = s->head[i];
		s->out_iov[i][1].iov_base = (void *)(uintptr_t)filler;
		s->out[i].msg_hdr.msg_iov = s->out_iov[i];
		s->in_iov[i] = (struct iovec){ s->in_bytes[i], RECEIVE_BYTES };
		s->in[i].msg_hdr = (struct msghdr){
			.msg_name = &s->in_from[i],
			.msg_iov = &s->in_iov[i],
			.msg_iovlen = 1,
			.msg_control = s->in_control[i],
		};
	}
}

struct ping_sock *
ping_sock_open(int family)
{
	int protocol = family == AF_INET ? (int)IPPROTO_ICMP :
		(int)IPPROTO_ICMPV6;
	int flags = SOCK_CLOEXEC | SOCK_NONBLOCK, err;
	struct ping_sock *s = MEM_NEW(struct ping_sock);

	if (s == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	s->family = family;
	s->fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (s->fd < 0) {
		s->raw = true;
		s->fd = socket(family, SOCK_RAW | flags, protocol);
	}
	if (s->fd < 0 || getrandom(&s->id, sizeof(s->id), 0) < 0 ||
	    (s->raw && filter_raw(s) < 0)) {
		err = errno;
		ping_sock_close(s);
		errno = err;
		return NULL;
	}
	set_options(s);
	prepare_batches(s);
	return s;
}

void
ping_sock_close(struct ping_sock *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	mem_free(s);
}

/* ---- out ---- */

void
ping_sock_put(struct ping_sock *s, unsigned i, const union net_addr *to,
	const struct ping_mark *mark, size_t payload_bytes)
{
	size_t bytes = PACKET_ICMP_BYTES + payload_bytes;
	size_t in_head = bytes < SOCK_HEAD_BYTES ? bytes : SOCK_HEAD_BYTES;
	struct msghdr *msg = &s->out[i].msg_hdr;

	packet_fill(s->head[i], s->family == AF_INET, s->id, mark);
	s->out_iov[i][0].iov_len = in_head;
	s->out_iov[i][1].iov_len = bytes - in_head;
	msg->msg_iovlen = bytes > in_head ? 2 : 1;
	msg->msg_name = (void *)(uintptr_t)to;
	msg->msg_namelen = net_addr_len(to);
}

int
ping_sock_send(struct ping_sock *s, unsigned from, unsigned to)
{
	int n;

	do
		n = sendmmsg(s->fd, s->out + from, to - from, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void
ping_sock_clear(struct ping_sock *s)
{
	int err;
	socklen_t n = sizeof(err);

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &n);
}

/* ---- in ---- */

static int64_t
real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts); /* lint: the clock of SCM_TIMESTAMPNS */
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static const void *
control(struct msghdr *msg, int level, int type, size_t bytes)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == level && c->cmsg_type == type &&
		    c->cmsg_len >= CMSG_LEN(bytes))
			return CMSG_DATA(c);
	}
	return NULL;
}

/* When it came in, on the boot clock; `ahead_ns` = real time − boot time. */
static int64_t
arrived(struct msghdr *msg, int64_t now_ns, int64_t ahead_ns)
{
	const void *data = control(msg, SOL_SOCKET, SCM_TIMESTAMPNS,
		sizeof(struct timespec));
	struct timespec ts;
	int64_t at_ns;

	if (data == NULL)
		return now_ns;
	memcpy(&ts, data, sizeof(ts));
	at_ns = (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec - ahead_ns;
	/* The wall clock may have been set in between. */
	return at_ns > now_ns || at_ns < now_ns - NS_PER_S ? now_ns : at_ns;
}

static bool
read_reply(struct ping_sock *s, unsigned i, struct ping_event *ev)
{
	bool v4 = s->family == AF_INET;
	size_t n = s->in[i].msg_len;

	ev->peer = s->in_from[i];
	return packet_reply(s->in_bytes[i],
		n < RECEIVE_BYTES ? n : RECEIVE_BYTES, v4, v4 && s->raw,
		&ev->echo);
}

/* One message of the error queue: whose packet, who says what. */
static bool
read_error(struct ping_sock *s, struct msghdr *msg, size_t n,
	struct ping_event *ev)
{
	bool v4 = s->family == AF_INET;
	const void *data = control(msg, v4 ? SOL_IP : SOL_IPV6,
		v4 ? IP_RECVERR : IPV6_RECVERR, sizeof(struct sock_extended_err));
	struct sock_extended_err ee;
	union net_addr by;

	if (data == NULL || msg->msg_namelen == 0)
		return false;
	memcpy(&ee, data, sizeof(ee));
	memcpy(&by, (const char *)data + sizeof(ee),
		v4 ? sizeof(by.in) : sizeof(by.in6));
	if (!packet_quoted(msg->msg_iov->iov_base, n, v4, &ev->echo) ||
	    (s->raw && ev->echo.id != s->id))
		return false;
	memcpy(&ev->peer, msg->msg_name, v4 ? sizeof(ev->peer.in) :
		sizeof(ev->peer.in6));
	ev->type = ee.ee_type;
	ev->code = ee.ee_code;
	ev->why = TOCSIN_WHY_LOCAL_RESOURCE;
	if (ee.ee_origin == SO_EE_ORIGIN_ICMP ||
	    ee.ee_origin == SO_EE_ORIGIN_ICMP6)
		ev->why = packet_reason(v4, ee.ee_type, ee.ee_code);
	if (ee.ee_origin != SO_EE_ORIGIN_LOCAL)
		ev->by = by;
	return ev->why != TOCSIN_WHY_NONE;
}

static unsigned
receive_errors(struct ping_sock *s, int64_t now_ns,
	void (*tell)(void *, const struct ping_event *), void *arg)
{
	_Alignas(8) unsigned char ctl[512];
	unsigned char bytes[SOCK_HEAD_BYTES];
	unsigned told = 0;

	for (int i = 0; i < ROUNDS_MAX * ERRORS_BATCH; i++) {
		union net_addr to = { .any.sa_family = AF_UNSPEC };
		struct iovec iov = { bytes, sizeof(bytes) };
		struct msghdr msg = { .msg_name = &to,
			.msg_namelen = sizeof(to), .msg_iov = &iov,
			.msg_iovlen = 1, .msg_control = ctl,
			.msg_controllen = sizeof(ctl) };
		struct ping_event ev = { .at_ns = now_ns };
		ssize_t n = recvmsg(s->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (n < 0)
			break;
		told++;
		if (read_error(s, &msg, (size_t)n, &ev))
			tell(arg, &ev);
	}
	return told;
}

static int
receive_batch(struct ping_sock *s)
{
	int n;

	for (unsigned i = 0; i < SOCK_BATCH; i++) {
		s->in[i].msg_hdr.msg_namelen = sizeof(s->in_from[i]);
		s->in[i].msg_hdr.msg_controllen = CONTROL_BYTES;
	}
	do
		n = recvmmsg(s->fd, s->in, SOCK_BATCH, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

unsigned
ping_sock_receive(struct ping_sock *s, struct tocsin_ctx *ctx,
	void (*tell)(void *, const struct ping_event *), void *arg)
{
	unsigned told = 0;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		int n = receive_batch(s);
		int64_t now_ns = ctx->mono_ns(ctx);
		int64_t ahead_ns = n > 0 ? real_ns() - now_ns : 0;

		if (n == -EAGAIN)
			break;
		/* Any other error is one of the error queue, told here. */
		if (n < 0) {
			told += receive_errors(s, now_ns, tell, arg);
			continue;
		}
		for (unsigned i = 0; i < (unsigned)n; i++) {
			struct ping_event ev = { .why = TOCSIN_WHY_NONE };

			ev.at_ns = arrived(&s->in[i].msg_hdr, now_ns, ahead_ns);
			if (read_reply(s, i, &ev))
				tell(arg, &ev);
		}
		told += (unsigned)n;
		if ((unsigned)n < SOCK_BATCH)
			break;
	}
	return told;
}
