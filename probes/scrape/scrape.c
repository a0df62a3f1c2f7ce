/*
 * scrape: a page of Prometheus text over HTTP, taken as if our own agent had
 * measured it.  libcurl's multi interface on the loop; a page is read piece
 * by piece, so that no call takes long.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/probe.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/strbuf.h"
#include "probes/scrape/drives.h"
#include "probes/scrape/names.h"

#define NS_PER_MS INT64_C(1000000)
#define PIECE_BYTES ((size_t)16384)
#define SERIES_MAX 2000
#define OWN_SAMPLES 4
#define RUNS_MAX 4096
#define IDLE_CONNECTIONS 1024L
#define MEMORY_BYTES ((size_t)64 << 20)

enum { OPT_PORT, OPT_PATH, OPT_SCHEME, OPT_VERIFY, OPT_TOKEN, OPT_BODY_MAX };
enum { SCHEME_HTTP, SCHEME_HTTPS };

static const struct tocsin_opt opts[] = {
	[OPT_PORT] = { "port", TOCSIN_OPT_INT, .dflt = "9100", .min = "1",
		.max = "65535", .help = "The exporter's port." },
	[OPT_PATH] = { "path", TOCSIN_OPT_STRING, .dflt = "/metrics",
		.min = "1", .max = "1024", .help = "The page, with its query." },
	[OPT_SCHEME] = { "scheme", TOCSIN_OPT_ENUM, .dflt = "http",
		.choices = "http|https", .help = "How it is fetched." },
	[OPT_VERIFY] = { "verify", TOCSIN_OPT_BOOL, .dflt = "true",
		.help = "Whether the certificate must be good." },
	[OPT_TOKEN] = { "token", TOCSIN_OPT_SECRET, .dflt = "",
		.max = "1024", .help = "Bearer token to send." },
	[OPT_BODY_MAX] = { "body_max", TOCSIN_OPT_SIZE, .dflt = "8MiB",
		.min = "1KiB", .max = "64MiB", .help = "Largest page taken." },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "scrape_duration_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"time until the page was there" },
	{ "scrape_bytes", TOCSIN_GAUGE, TOCSIN_BYTES, "length of the page" },
	{ "scrape_series", TOCSIN_GAUGE, TOCSIN_COUNT, "series taken" },
	{ "scrape_series_dropped", TOCSIN_GAUGE, TOCSIN_COUNT,
		"series beyond the 2000 of a host" },
	{ "*", TOCSIN_GAUGE, TOCSIN_COUNT, "what the page says" },
	{ .name = NULL },
};

struct run {
	struct slab_node node;
	struct list link;	/* in scrape.pages once the page is there */
	struct scrape *scrape;
	uint32_t slot;
	int64_t started_ns;
	int64_t took_ns;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char error[CURL_ERROR_SIZE];
	size_t body_max;
	bool too_long;
	struct strbuf body;
	size_t read;		/* of the body */
	unsigned lines;
};

/* What the page at hand has said so far. */
struct page {
	uint64_t number;
	struct tocsin_sample items[SERIES_MAX + OWN_SAMPLES];
	uint32_t n;
	uint64_t dropped;
	struct drives drives;
};

struct scrape {
	struct tocsin_ctx *ctx;
	CURLM *multi;
	int64_t curl_due_ns;	/* 0 = none */
	struct slab runs;
	struct list pages;	/* waiting to be read; the first is at hand */
	struct names names;
	struct prom_memory memory;
	struct page page;
};

/* ---- the clockwork ---- */

static void
rearm(struct scrape *s)
{
	int64_t due = s->curl_due_ns;

	if (!list_is_empty(&s->pages))
		due = s->ctx->mono_ns(s->ctx);
	s->ctx->timer(s->ctx, due);
}

static int
on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct scrape *s = arg;

	(void)multi;
	s->curl_due_ns = timeout_ms < 0 ? 0 :
		s->ctx->mono_ns(s->ctx) + timeout_ms * NS_PER_MS;
	return 0;
}

static int
on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct scrape *s = arg;
	unsigned events = 0;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= TOCSIN_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= TOCSIN_WRITE;
	(void)s->ctx->watch(s->ctx, fd, events);
	return 0;
}

/* ---- ends ---- */

static void
run_free(struct run *r)
{
	struct scrape *s = r->scrape;

	if (r->easy != NULL) {
		curl_multi_remove_handle(s->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	curl_slist_free_all(r->headers);
	curl_slist_free_all(r->connect_to);
	strbuf_free(&r->body);
	list_remove(&r->link);
	slab_give(&s->runs, r);
}

static void
fail(struct run *r, enum tocsin_outcome outcome, enum tocsin_reason why,
	const char *text)
{
	struct scrape *s = r->scrape;
	struct tocsin_report rep = { .size = sizeof(rep),
		.outcome = (uint16_t)outcome, .reason = (uint16_t)why,
		.text = text };
	uint32_t slot = r->slot;
	char kept[CURL_ERROR_SIZE];

	snprintf(kept, sizeof(kept), "%s", text != NULL ? text : "");
	rep.text = kept;
	run_free(r);
	s->ctx->report(s->ctx, slot, &rep);
}

static void
fail_connect(struct run *r)
{
	long err = 0;

	curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &err);
	switch (err) {
	case ECONNREFUSED:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_CONNECT_REFUSED, NULL);
		return;
	case EHOSTUNREACH:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_HOST_UNREACHABLE, NULL);
		return;
	case ENETUNREACH:
		fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_LOCAL_NO_ROUTE, NULL);
		return;
	case EACCES:
	case EPERM:
		fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_LOCAL_PERMISSION, NULL);
		return;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
		fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_LOCAL_RESOURCE,
			strerrordesc_np((int)err));
		return;
	default:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_CONNECT_TIMEOUT, r->error);
	}
}

static void
fail_curl(struct run *r, CURLcode code)
{
	double connected = 0;

	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
		fail_connect(r);
		return;
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(r->easy, CURLINFO_CONNECT_TIME, &connected);
		fail(r, TOCSIN_FAIL, connected > 0 ?
			TOCSIN_WHY_RESPONSE_TIMEOUT : TOCSIN_WHY_CONNECT_TIMEOUT,
			NULL);
		return;
	case CURLE_SSL_CONNECT_ERROR:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_TLS_FAILED, r->error);
		return;
	case CURLE_PEER_FAILED_VERIFICATION:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_CERT_INVALID, r->error);
		return;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_CONNECT_RESET, r->error);
		return;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_LOCAL_RESOURCE, r->error);
		return;
	default:
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_BAD_RESPONSE, r->too_long ?
			"the page is too long" : r->error);
	}
}

/* ---- pages ---- */

static void
page_begin(struct scrape *s)
{
	s->page.number++;
	s->page.n = 0;
	s->page.dropped = 0;
	drives_free(&s->page.drives);
	prom_memory_trim(&s->memory);
}

static void
take(void *arg, const void *known, double value)
{
	const struct series *series = known;
	struct page *page = arg;
	struct measure *m;

	if (series->kind == SERIES_DROP)
		return;
	if (series->kind == SERIES_DRIVE) {
		drives_take(&page->drives, series, value);
		return;
	}
	value *= series->factor;
	m = series->measure;
	if (!isfinite(value))
		return;
	if (m->page == page->number) {
		page->items[m->at].v.f64 += value;
		return;
	}
	if (page->n == SERIES_MAX) {
		page->dropped++;
		return;
	}
	m->page = page->number;
	m->at = page->n;
	page->items[page->n++] = (struct tocsin_sample){
		.size = sizeof(page->items[0]), .type = TOCSIN_F64,
		.name = m->name, .instance = m->instance, .v.f64 = value };
}

static void
add_own(struct page *page, const char *name, double v)
{
	page->items[page->n++] = (struct tocsin_sample){
		.size = sizeof(page->items[0]), .type = TOCSIN_F64,
		.name = name, .v.f64 = v };
}

static void
page_report(struct run *r)
{
	struct scrape *s = r->scrape;
	struct page *page = &s->page;
	struct tocsin_report rep = { .size = sizeof(rep),
		.samples = page->items, .stride = sizeof(page->items[0]) };
	uint32_t slot = r->slot, n = page->n;
	char text[128];
	int len;

	add_own(page, "scrape_duration_seconds", (double)r->took_ns / 1e9);
	add_own(page, "scrape_bytes", (double)r->body.n);
	add_own(page, "scrape_series", n);
	add_own(page, "scrape_series_dropped", (double)page->dropped);
	len = snprintf(text, sizeof(text), "%u series", n);
	if (page->drives.n > 0)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
			", %zu drives", page->drives.n);
	if (page->dropped > 0)
		snprintf(text + len, sizeof(text) - (size_t)len,
			"; %llu beyond the %d of a host are left out",
			(unsigned long long)page->dropped, SERIES_MAX);
	rep.text = text;
	rep.n_samples = page->n;
	run_free(r);
	drives_report(&page->drives, s->ctx, slot);
	s->ctx->report(s->ctx, slot, &rep);
}

/* Whole lines; the last line needs no end. */
static size_t
piece_length(const struct run *r)
{
	size_t left = r->body.n - r->read;
	const char *end;

	if (left <= PIECE_BYTES)
		return left;
	end = memrchr(r->body.p + r->read, '\n', PIECE_BYTES);
	if (end == NULL)
		end = memchr(r->body.p + r->read, '\n', left);
	return end != NULL ? (size_t)(end - r->body.p) + 1 - r->read : left;
}

static void
read_piece(struct scrape *s)
{
	struct run *r = CONTAINER_OF(s->pages.next, struct run, link);
	struct prom_piece piece = { .n = piece_length(r), .lines = r->lines };
	struct tc_err e = { 0 };

	if (r->read == 0)
		page_begin(s);
	piece.text = r->body.p + r->read;
	if (piece.n > 0 &&
	    prom_read(&s->memory, &piece, take, &s->page, &e) < 0) {
		if (e.code == TC_ENOMEM)
			fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_LOCAL_RESOURCE, NULL);
		else
			fail(r, TOCSIN_FAIL, TOCSIN_WHY_BAD_RESPONSE, e.text);
		return;
	}
	r->read += piece.n;
	r->lines = piece.lines;
	if (r->read >= r->body.n)
		page_report(r);
}

/* ---- transfers ---- */

static void
fetched(struct run *r, CURLcode code)
{
	struct scrape *s = r->scrape;
	long status = 0;
	char text[64];

	if (code != CURLE_OK) {
		fail_curl(r, code);
		return;
	}
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		snprintf(text, sizeof(text), "HTTP %ld", status);
		fail(r, TOCSIN_FAIL, TOCSIN_WHY_BAD_RESPONSE, text);
		return;
	}
	r->took_ns = s->ctx->mono_ns(s->ctx) - r->started_ns;
	/* The connection goes back to the others. */
	curl_multi_remove_handle(s->multi, r->easy);
	curl_easy_cleanup(r->easy);
	r->easy = NULL;
	list_add_tail(&s->pages, &r->link);
}

static void
collect(struct scrape *s)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left)) != NULL) {
		char *private = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		fetched((void *)private, msg->data.result);
	}
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct run *r = arg;

	n *= size;
	if (n > r->body_max - r->body.n) {
		r->too_long = true;
		return 0;
	}
	strbuf_add(&r->body, bytes, n);
	return r->body.failed ? 0 : n;
}

static void
scrape_on_fd(void *instance, int fd, unsigned events)
{
	struct scrape *s = instance;
	int how = 0, running;

	if ((events & TOCSIN_READ) != 0)
		how |= CURL_CSELECT_IN;
	if ((events & TOCSIN_WRITE) != 0)
		how |= CURL_CSELECT_OUT;
	if ((events & TOCSIN_ERROR) != 0)
		how |= CURL_CSELECT_ERR;
	curl_multi_socket_action(s->multi, fd, how, &running);
	collect(s);
	rearm(s);
}

static void
scrape_on_timer(void *instance, int64_t now_ns)
{
	struct scrape *s = instance;
	int running;

	if (s->curl_due_ns != 0 && s->curl_due_ns <= now_ns) {
		s->curl_due_ns = 0;
		curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0,
			&running);
		collect(s);
	} else if (!list_is_empty(&s->pages)) {
		read_piece(s);
	}
	rearm(s);
}

/* ---- starting ---- */

/* The numeric address, in brackets where a URL wants them. */
static bool
numeric(const struct tocsin_target *t, char *out, size_t size)
{
	const struct sockaddr_in *in = (const void *)t->addr;
	const struct sockaddr_in6 *in6 = (const void *)t->addr;
	char text[INET6_ADDRSTRLEN];

	if (t->addr == NULL) {
		snprintf(out, size, "127.0.0.1");
		return t->address[0] == '\0';
	}
	if (t->addr->sa_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(out, size, "%s", text);
		return true;
	}
	inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	snprintf(out, size, "[%s]", text);
	return t->addr->sa_family == AF_INET6;
}

/* The name goes into Host and is what a certificate is held against. */
static int
set_url(struct run *r, const struct tocsin_target *t, const char *address)
{
	struct strbuf url = { 0 }, to = { 0 };
	long long port = (long long)t->opts[OPT_PORT].i;
	const char *path = t->opts[OPT_PATH].s;
	const char *name = t->address[0] != '\0' &&
		strpbrk(t->address, ":/?#@[]%") == NULL ? t->address : address;
	bool tls = t->opts[OPT_SCHEME].i == SCHEME_HTTPS;
	int rc = -1;

	strbuf_printf(&url, "%s://%s:%lld%s%s", tls ? "https" : "http", name,
		port, path[0] == '/' ? "" : "/", path);
	strbuf_printf(&to, "::%s:%lld", address, port);
	if (url.failed || to.failed)
		goto out;
	r->connect_to = curl_slist_append(NULL, to.p);
	if (r->connect_to != NULL &&
	    curl_easy_setopt(r->easy, CURLOPT_URL, url.p) == CURLE_OK)
		rc = 0;
out:
	strbuf_free(&url);
	strbuf_free(&to);
	return rc;
}

static int
set_headers(struct run *r, const char *token)
{
	struct strbuf line = { 0 };
	struct curl_slist *more;

	r->headers = curl_slist_append(NULL,
		"Accept: text/plain;version=0.0.4;q=0.9,*/*;q=0.1");
	if (r->headers == NULL)
		return -1;
	if (token[0] == '\0')
		return 0;
	strbuf_printf(&line, "Authorization: Bearer %s", token);
	more = line.failed ? NULL : curl_slist_append(r->headers, line.p);
	strbuf_free(&line);
	return more != NULL ? 0 : -1;
}

static int
set_options(struct run *r, const struct tocsin_target *t)
{
	long timeout_ms = (long)(t->timeout_ns / NS_PER_MS);
	long verify = (long)t->opts[OPT_VERIFY].i;
	CURL *c = r->easy;

	curl_easy_setopt(c, CURLOPT_PRIVATE, r);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "tocsin");
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 65536L);
	/* addresses are numbers; libcurl walks all it keeps at each transfer */
	curl_easy_setopt(c, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
		timeout_ms > 0 ? timeout_ms : 1);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, verify);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, verify != 0 ? 2L : 0L);
	curl_easy_setopt(c, CURLOPT_CONNECT_TO, r->connect_to);
	return curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers) == CURLE_OK ?
		0 : -1;
}

static void
start_one(struct scrape *s, const struct tocsin_target *t)
{
	struct tocsin_report no = { .size = sizeof(no),
		.outcome = TOCSIN_UNKNOWN,
		.reason = TOCSIN_WHY_LOCAL_RESOURCE };
	struct run *r = slab_take(&s->runs);
	char address[64];

	if (r == NULL) {
		s->ctx->report(s->ctx, t->slot, &no);
		return;
	}
	list_init(&r->link);
	r->scrape = s;
	r->slot = t->slot;
	r->started_ns = s->ctx->mono_ns(s->ctx);
	r->body_max = (size_t)t->opts[OPT_BODY_MAX].i;
	if (!numeric(t, address, sizeof(address))) {
		fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_UNSUPPORTED,
			"no address to connect to");
		return;
	}
	r->easy = curl_easy_init();
	if (r->easy == NULL || set_url(r, t, address) < 0 ||
	    set_headers(r, t->opts[OPT_TOKEN].s) < 0 || set_options(r, t) < 0 ||
	    curl_multi_add_handle(s->multi, r->easy) != CURLM_OK)
		fail(r, TOCSIN_UNKNOWN, TOCSIN_WHY_LOCAL_RESOURCE,
			"no transfer could be made");
}

static int
scrape_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct scrape *s = instance;
	const char *at = (const char *)targets;

	for (uint32_t i = 0; i < n; i++, at += stride)
		start_one(s, (const void *)at);
	rearm(s);
	return 0;
}

static void
scrape_cancel(void *instance, uint32_t slot)
{
	struct scrape *s = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&s->runs, &at)) != NULL) {
		if (r->slot == slot)
			run_free(r);
	}
	rearm(s);
}

static void
scrape_close(void *instance)
{
	struct scrape *s = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&s->runs, &at)) != NULL)
		run_free(r);
	curl_multi_cleanup(s->multi);
	curl_global_cleanup();
	slab_free(&s->runs);
	drives_free(&s->page.drives);
	names_forgotten(&s->names);
	prom_memory_free(&s->memory);
	mem_free(s);
}

static int
scrape_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct scrape *s = MEM_NEW(struct scrape);

	if (ctx->size < sizeof(*ctx) || s == NULL ||
	    curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (s->multi = curl_multi_init()) == NULL) {
		snprintf(error, 256, "libcurl does not start");
		mem_free(s);
		return -ENOMEM;
	}
	s->ctx = ctx;
	list_init(&s->pages);
	slab_init(&s->runs, sizeof(struct run), RUNS_MAX);
	prom_memory_init(&s->memory, names_know, &s->names, MEMORY_BYTES);
	s->memory.forgotten = names_forgotten;
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
	*instance = s;
	return 0;
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "scrape",
	.help = "a page of Prometheus text: node_exporter and others",
	.opts = opts, .metrics = metrics,
	.open = scrape_open, .close = scrape_close, .start = scrape_start,
	.on_fd = scrape_on_fd, .on_timer = scrape_on_timer,
	.cancel = scrape_cancel,
};
