#include "probes/common/addr.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_FOR_OTHERS 256

bool
net_take_addr(union net_addr *out, const struct tocsin_target *t)
{
	if (t->addr == NULL || t->addr_len > sizeof(*out) ||
	    (t->addr->sa_family != AF_INET && t->addr->sa_family != AF_INET6))
		return false;
	memcpy(out, t->addr, t->addr_len);
	return true;
}

socklen_t
net_addr_len(const union net_addr *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

void
net_set_port(union net_addr *a, uint16_t port)
{
	if (a->any.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else
		a->in6.sin6_port = htons(port);
}

enum tocsin_reason
net_own_reason(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return TOCSIN_WHY_CONNECT_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EINVAL:		/* a blackhole route */
		return TOCSIN_WHY_LOCAL_NO_ROUTE;
	case EPERM:
	case EACCES:
		return TOCSIN_WHY_LOCAL_PERMISSION;
	case EAFNOSUPPORT:
		return TOCSIN_WHY_UNSUPPORTED;
	default:	/* EADDRNOTAVAIL, EMFILE, ENOBUFS … */
		return TOCSIN_WHY_LOCAL_RESOURCE;
	}
}

enum tocsin_reason
net_their_reason(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return TOCSIN_WHY_CONNECT_REFUSED;
	case ETIMEDOUT:
		return TOCSIN_WHY_CONNECT_TIMEOUT;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return TOCSIN_WHY_HOST_UNREACHABLE;
	case ENETUNREACH:
	case ENONET:
		return TOCSIN_WHY_NET_UNREACHABLE;
	case EACCES:
	case EPERM:
		return TOCSIN_WHY_ADMIN_PROHIBITED;
	case ENOPROTOOPT:
	case EPROTO:
		return TOCSIN_WHY_PORT_UNREACHABLE;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL:
		return TOCSIN_WHY_LOCAL_RESOURCE;
	default:	/* ECONNRESET, EPIPE … */
		return TOCSIN_WHY_CONNECT_RESET;
	}
}

/* A datagram socket's connect() sends nothing: it only looks up the route. */
enum tocsin_reason
net_reason(const union net_addr *to, int err)
{
	int fd, own = 0;

	if (err != ENETUNREACH && err != EHOSTUNREACH && err != EACCES &&
	    err != EPERM && err != EINVAL && err != ENETDOWN)
		return net_their_reason(err);
	fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return net_their_reason(err);
	if (connect(fd, &to->any, net_addr_len(to)) < 0)
		own = errno;
	close(fd);
	return own != 0 ? net_own_reason(own) : net_their_reason(err);
}

uint32_t
net_files_max(uint32_t most, uint32_t part)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
	    files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur >= most + FILES_FOR_OTHERS)
		return most;
	if (files.rlim_cur > 2 * FILES_FOR_OTHERS)
		return (uint32_t)files.rlim_cur - FILES_FOR_OTHERS;
	return (uint32_t)files.rlim_cur / part + 1;
}
