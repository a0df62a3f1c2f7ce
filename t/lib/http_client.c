#include "t/lib/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"

#define WAIT_MS 10000

void
answer_free(struct answer *a)
{
	mem_free(a->head);
	mem_free(a->body);
	*a = (struct answer){ 0 };
}

const char *
answer_header(const struct answer *a, const char *name)
{
	static char value[2048];
	size_t n = strlen(name);
	const char *line = a->head;

	while (line != NULL && (line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " ");
		snprintf(value, sizeof(value), "%.*s",
			(int)strcspn(line, "\r"), line);
		return value;
	}
	return NULL;
}

int
client_open(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool
client_send(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

long
client_poll(int fd, void *p, size_t n, int timeout_ms)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	ssize_t k;

	if (poll(&in, 1, timeout_ms) <= 0)
		return -1;
	k = recv(fd, p, n, 0);
	return k > 0 ? (long)k : 0;
}

bool
client_is_closed(int fd, int timeout_ms)
{
	char buf[4096];
	long k;

	while ((k = client_poll(fd, buf, sizeof(buf), timeout_ms)) > 0)
		;
	return k == 0;
}

/* Byte by byte: what follows stays in the socket. */
static bool
read_head(int fd, struct strbuf *head)
{
	char c;

	while (head->n < 65536) {
		if (client_poll(fd, &c, 1, WAIT_MS) <= 0)
			return false;
		strbuf_putc(head, c);
		if (head->n >= 4 &&
		    memcmp(head->p + head->n - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

struct answer
client_read(int fd, bool head_only)
{
	struct strbuf head = { 0 }, body = { 0 };
	struct answer a = { 0 };
	const char *length;
	size_t want = 0;
	char buf[65536];

	if (!read_head(fd, &head) || strncmp(head.p, "HTTP/1.", 7) != 0) {
		strbuf_free(&head);
		return a;
	}
	a.head = strbuf_take(&head);
	a.status = (int)strtol(a.head + 9, NULL, 10);
	if (a.status == 100) {
		answer_free(&a);
		return client_read(fd, head_only);
	}
	length = answer_header(&a, "Content-Length");
	if (length != NULL && !head_only && a.status != 304)
		want = strtoul(length, NULL, 10);
	while (body.n < want) {
		size_t room = want - body.n;
		long k = client_poll(fd, buf,
			room < sizeof(buf) ? room : sizeof(buf), WAIT_MS);

		if (k <= 0)
			break;
		strbuf_add(&body, buf, (size_t)k);
	}
	a.n = body.n;
	a.body = strbuf_take(&body);
	return a;
}

struct answer
client_ask(int fd, const struct ask *ask)
{
	const char *method = ask->method;
	struct strbuf text = { 0 };
	struct answer a = { 0 };

	if (method == NULL)
		method = ask->body != NULL ? "POST" : "GET";
	strbuf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method,
		ask->target);
	if (ask->token != NULL)
		strbuf_printf(&text, "Authorization: Bearer %s\r\n",
			ask->token);
	if (ask->headers != NULL)
		strbuf_puts(&text, ask->headers);
	if (ask->body != NULL)
		strbuf_printf(&text, "Content-Length: %zu\r\n",
			strlen(ask->body));
	strbuf_puts(&text, "\r\n");
	if (ask->body != NULL)
		strbuf_puts(&text, ask->body);
	if (client_send(fd, text.p, text.n))
		a = client_read(fd, strcmp(method, "HEAD") == 0);
	strbuf_free(&text);
	return a;
}

struct answer
client_once(const struct ask *ask)
{
	int fd = client_open(ask->port);
	struct answer a = { 0 };

	if (fd < 0)
		return a;
	a = client_ask(fd, ask);
	close(fd);
	return a;
}
