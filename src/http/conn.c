/*
 * Connections: how many from where, and until when.  libmicrohttpd's own
 * time-out is one of inactivity, which a byte every few seconds defeats; the
 * sweeper shuts down what has passed an absolute deadline.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "http/server.h"

#define SWEEP_MS 250
#define GUESSES_PER_MINUTE 10
#define PEERS_MAX 65536

/* Into 16 bytes; true for loopback. */
static bool
peer_key(const struct sockaddr *addr, unsigned char key[16])
{
	static const unsigned char mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	memset(key, 0, 16);
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)addr;

		memcpy(key, mapped, 12);
		memcpy(key + 12, &in->sin_addr, 4);
	} else if (addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)addr;

		memcpy(key, &in6->sin6_addr, 16);
		if (IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
			return true;
	}
	if (memcmp(key, mapped, 12) == 0)
		return key[12] == 127;
	memset(key + 8, 0, 8);	/* who has one address of a /64 has all */
	return false;
}

/* With the lock held.  NULL when out of memory or too many. */
static struct peer *
peer_get(struct http *h, const unsigned char key[16])
{
	struct peer *p = hash_get(&h->peers, key, 16);

	if (p != NULL || h->peers.n >= PEERS_MAX)
		return p;
	p = MEM_NEW(struct peer);
	if (p == NULL)
		return NULL;
	memcpy(p->addr, key, 16);
	if (hash_put(&h->peers, p->addr, 16, p) < 0) {
		mem_free(p);
		return NULL;
	}
	return p;
}

/* With the lock held. */
static void
peer_release(struct http *h, struct peer *p, struct mono now)
{
	if (p->conns != 0)
		return;
	if (p->wrong != 0 && mono_before(now, mono_add(p->window, dur_s(60))))
		return;
	hash_remove(&h->peers, p->addr, 16);
	mem_free(p);
}

enum MHD_Result
conns_accept(void *arg, const struct sockaddr *addr, socklen_t len)
{
	struct http *h = arg;
	unsigned char key[16];
	enum MHD_Result ok = MHD_YES;
	struct peer *p;

	(void)len;
	if (h->stopping)
		return MHD_NO;
	if (peer_key(addr, key))
		return MHD_YES;
	pthread_mutex_lock(&h->conns_lock);
	p = hash_get(&h->peers, key, 16);
	if (p != NULL && p->conns >= h->conf.max_connections_per_ip)
		ok = MHD_NO;
	pthread_mutex_unlock(&h->conns_lock);
	if (ok == MHD_NO)
		log_at(WARN, "http", "too many connections from one address");
	return ok;
}

static struct conn *
conn_new(struct http *h, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *addr, *fd;
	struct conn *c = MEM_NEW(struct conn);
	unsigned char key[16];

	addr = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (c == NULL || addr == NULL || fd == NULL) {
		mem_free(c);
		return NULL;
	}
	c->fd = fd->connect_fd;
	c->req.h = h;
	c->req.conn = c;
	c->exempt = peer_key(addr->client_addr, key);
	http_set_deadline(&c->req, h->conf.head_deadline);
	pthread_mutex_lock(&h->conns_lock);
	c->peer = peer_get(h, key);
	if (c->peer != NULL)
		c->peer->conns++;
	list_add_tail(&h->conns, &c->link);
	pthread_mutex_unlock(&h->conns_lock);
	return c;
}

static void
conn_free(struct http *h, struct conn *c)
{
	struct mono now = h->io->clock->mono(h->io->clock);

	pthread_mutex_lock(&h->conns_lock);
	list_remove(&c->link);
	if (c->peer != NULL) {
		c->peer->conns--;
		peer_release(h, c->peer, now);
	}
	pthread_mutex_unlock(&h->conns_lock);
	request_fini(&c->req);
	mem_free(c);
}

void
conns_notify(void *arg, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *h = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = conn_new(h, mhd);
		return;
	}
	if (*context != NULL)
		conn_free(h, *context);
	*context = NULL;
}

void
http_set_deadline(struct request *r, struct dur after)
{
	struct clock *clock = r->h->io->clock;
	int64_t at = INT64_MAX;

	if (after.ns != 0)
		at = clock->mono(clock).ns + after.ns;
	atomic_store_explicit(&r->conn->deadline_ns, at, memory_order_relaxed);
}

void
http_shorten_deadline(struct request *r, struct dur after)
{
	int64_t had = atomic_load_explicit(&r->conn->deadline_ns,
		memory_order_relaxed);

	http_set_deadline(r, after);
	if (had < atomic_load_explicit(&r->conn->deadline_ns,
			memory_order_relaxed))
		atomic_store_explicit(&r->conn->deadline_ns, had,
			memory_order_relaxed);
}

bool
conns_wrong_guess(struct request *r)
{
	struct http *h = r->h;
	struct mono now = h->io->clock->mono(h->io->clock);
	struct peer *p = r->conn->peer;
	bool too_many;

	if (p == NULL)
		return true;
	pthread_mutex_lock(&h->conns_lock);
	if (p->wrong == 0 ||
	    !mono_before(now, mono_add(p->window, dur_s(60)))) {
		p->wrong = 0;
		p->window = now;
	}
	too_many = p->wrong >= GUESSES_PER_MINUTE;
	if (!too_many)
		p->wrong++;
	pthread_mutex_unlock(&h->conns_lock);
	return too_many;
}

/* With the lock held: forgets those whose minute is over, some a round. */
static void
sweep_peers(struct http *h, struct mono now)
{
	struct peer *old[64], *p;
	size_t at = 0, n = 0;

	while (n < ARRAY_LEN(old) && (p = hash_next(&h->peers, &at)) != NULL) {
		if (p->conns == 0)
			old[n++] = p;
	}
	while (n > 0)
		peer_release(h, old[--n], now);
}

/* The fd is closed only after its conn left the list: it is still ours. */
static void
sweep(struct http *h, struct mono now)
{
	pthread_mutex_lock(&h->conns_lock);
	for (struct list *l = h->conns.next; l != &h->conns; l = l->next) {
		struct conn *c = CONTAINER_OF(l, struct conn, link);

		if (atomic_load_explicit(&c->deadline_ns,
				memory_order_relaxed) <= now.ns) {
			shutdown(c->fd, SHUT_RDWR);
			atomic_store(&c->deadline_ns, INT64_MAX);
		}
	}
	sweep_peers(h, now);
	pthread_mutex_unlock(&h->conns_lock);
}

static void *
sweeper_main(void *arg)
{
	struct http *h = arg;

	while (!h->gone) {
		queue_pop(h->bell, dur_ms(SWEEP_MS));
		sweep(h, h->io->clock->mono(h->io->clock));
		waits_expire(h, false);
		streams_tend(h);
	}
	return NULL;
}

int
conns_init(struct http *h, struct tc_err *e)
{
	list_init(&h->conns);
	pthread_mutex_init(&h->conns_lock, NULL);
	h->bell = queue_new(4, NULL, NULL);
	if (h->bell == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (pthread_create(&h->sweeper, NULL, sweeper_main, h) != 0)
		return tc_fail(e, TC_EAGAIN, "cannot start a thread");
	h->has_sweeper = true;
	return 0;
}

/* All connections are closed by now. */
void
conns_fini(struct http *h)
{
	struct peer *p;
	size_t at = 0;

	if (h->bell == NULL)
		return;
	queue_close(h->bell);
	if (h->has_sweeper)
		pthread_join(h->sweeper, NULL);
	queue_free(h->bell, NULL);
	while ((p = hash_next(&h->peers, &at)) != NULL)
		mem_free(p);
	hash_free(&h->peers);
	pthread_mutex_destroy(&h->conns_lock);
}
