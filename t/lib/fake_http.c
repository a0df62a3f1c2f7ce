#include "t/lib/fake_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define MAX_REQUESTS 20000
#define WAIT_S 20

struct fake_http {
	int listener;
	int wake;	/* readable: stop */
	int port;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void (*handle)(void *, const struct fake_request *,
		struct fake_reply *);
	void *arg;
	struct fake_request *requests[MAX_REQUESTS];
	size_t n;
	size_t released;
	bool stopping;
};

/* More bytes, or false: the peer is gone or we are to stop. */
static bool
get_more(struct fake_http *f, int fd, char **p, size_t *n)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN }, { .fd = f->wake, .events = POLLIN },
	};
	char *bigger = realloc(*p, *n + 65537);
	ssize_t got;

	if (!bigger)
		abort();
	*p = bigger;
	poll(fds, 2, -1);
	if (fds[1].revents)
		return false;
	got = recv(fd, *p + *n, 65536, 0);
	if (got <= 0)
		return false;
	*n += (size_t)got;
	(*p)[*n] = '\0';
	return true;
}

static size_t
content_length(const char *headers)
{
	const char *at = strcasestr(headers, "\r\ncontent-length:");

	return at ? strtoul(at + 17, NULL, 10) : 0;
}

static struct fake_request *
read_request(struct fake_http *f, int fd)
{
	struct fake_request *q = calloc(1, sizeof(*q));
	char *text = NULL, *end = NULL;
	size_t n = 0, head = 0;

	while (q && !end) {
		if (!get_more(f, fd, &text, &n))
			goto fail;
		end = strstr(text, "\r\n\r\n");
	}
	head = (size_t)(end - text) + 4;
	text[head - 2] = '\0';
	q->n_body = content_length(text);
	while (n < head + q->n_body) {
		if (!get_more(f, fd, &text, &n))
			goto fail;
	}
	if (sscanf(text, "%15s %511s", q->method, q->path) != 2)
		goto fail;
	q->headers = strdup(text);
	q->body = calloc(1, q->n_body + 1);
	memcpy(q->body, text + head, q->n_body);
	free(text);
	return q;
fail:
	free(text);
	free(q);
	return NULL;
}

static void
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

static void
send_reply(int fd, const struct fake_reply *r)
{
	const char *body = r->body ? r->body : "{}";
	char head[1024];
	int n;

	if (r->raw) {
		send_all(fd, r->raw, strlen(r->raw));
		return;
	}
	if (r->status == 0)
		return;
	n = snprintf(head, sizeof(head), "HTTP/1.1 %d Fake\r\n"
		"Content-Type: %s\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n%s\r\n", r->status,
		r->type ? r->type : "application/json", strlen(body),
		r->headers ? r->headers : "");
	send_all(fd, head, (size_t)n);
	send_all(fd, body, strlen(body));
}

static void
hang(struct fake_http *f)
{
	size_t before;

	pthread_mutex_lock(&f->lock);
	before = f->released;
	while (f->released == before && !f->stopping)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

static void
serve(struct fake_http *f, int fd)
{
	struct fake_request *q = read_request(f, fd);
	struct fake_reply reply = { .status = 200 };

	if (!q)
		return;
	f->handle(f->arg, q, &reply);
	if (reply.hang)
		hang(f);
	/* kept before it is answered: who has the answer finds the request */
	pthread_mutex_lock(&f->lock);
	if (f->n < MAX_REQUESTS)
		f->requests[f->n++] = q;
	pthread_mutex_unlock(&f->lock);
	send_reply(fd, &reply);
	pthread_mutex_lock(&f->lock);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void *
run(void *arg)
{
	struct fake_http *f = arg;
	struct pollfd fds[2] = {
		{ .fd = f->listener, .events = POLLIN },
		{ .fd = f->wake, .events = POLLIN },
	};

	for (;;) {
		int fd;

		poll(fds, 2, -1);
		if (fds[1].revents)
			return NULL;
		fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		serve(f, fd);
		close(fd);
	}
}

struct fake_http *
fake_http_start(int port, void (*handle)(void *, const struct fake_request *,
	struct fake_reply *), void *arg)
{
	struct fake_http *f = calloc(1, sizeof(*f));
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	f->handle = handle;
	f->arg = arg;
	f->wake = eventfd(0, EFD_CLOEXEC);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(f->listener, (struct sockaddr *)&a, len) < 0 ||
	    listen(f->listener, 64) < 0 ||
	    getsockname(f->listener, (struct sockaddr *)&a, &len) < 0) {
		perror("fake_http");
		abort();
	}
	f->port = ntohs(a.sin_port);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", f->port);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	pthread_create(&f->thread, NULL, run, f);
	return f;
}

void
fake_http_stop(struct fake_http *f)
{
	uint64_t one = 1;

	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	if (write(f->wake, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(f->thread, NULL);
	close(f->listener);
	close(f->wake);
	for (size_t i = 0; i < f->n; i++) {
		free(f->requests[i]->headers);
		free(f->requests[i]->body);
		free(f->requests[i]);
	}
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	free(f);
}

int
fake_http_port(const struct fake_http *f)
{
	return f->port;
}

const char *
fake_http_url(const struct fake_http *f)
{
	return f->url;
}

bool
fake_http_wait(struct fake_http *f, size_t n)
{
	struct timespec until = {0};
	bool there;

	until.tv_sec = clock_system()->wall(clock_system()).ms / 1000 + WAIT_S;
	pthread_mutex_lock(&f->lock);
	while (f->n < n) {
		if (pthread_cond_timedwait(&f->changed, &f->lock, &until) ==
		    ETIMEDOUT)
			break;
	}
	there = f->n >= n;
	pthread_mutex_unlock(&f->lock);
	return there;
}

size_t
fake_http_count(struct fake_http *f)
{
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = f->n;
	pthread_mutex_unlock(&f->lock);
	return n;
}

const struct fake_request *
fake_http_request(struct fake_http *f, size_t i)
{
	const struct fake_request *q;

	pthread_mutex_lock(&f->lock);
	q = i < f->n ? f->requests[i] : NULL;
	pthread_mutex_unlock(&f->lock);
	return q;
}

void
fake_http_release(struct fake_http *f)
{
	pthread_mutex_lock(&f->lock);
	f->released++;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

bool
fake_request_has(const struct fake_request *q, const char *line)
{
	return strcasestr(q->headers, line) != NULL;
}
