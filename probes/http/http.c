/*
 * http: one request, one look at the answer.  curl's multi interface on an
 * epoll set of our own, which the loop watches as one descriptor.
 *
 * curl never asks a name server (the target's address is given to it) and
 * never sees a clock of ours: the deadlines are the clockwork's.
 */
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <tocsin/probe.h>

#include "base/macros.h"
#include "base/mem.h"
#include "probes/common/net.h"
#include "probes/http/request.h"
#include "probes/http/verdict.h"
#include "probes/http/want.h"

#define HANDLES_KEPT 64
#define HEADERS_MAX_BYTES (256 << 10)
#define CA_DIR "/etc/ssl/certs"
#define CA_CACHE_S 60L
#define NS_PER_MS INT64_C(1000000)

struct http {
	struct net_loop loop;
	CURLM *multi;
	CURL *kept[HANDLES_KEPT];
	size_t n_kept;
	struct want_cache wants;
	const char *ca_dir;
	int64_t curl_ns;	/* when curl wants to be called; 0 = never */
	struct list paused;	/* runs whose share of time was over */
};

struct run {
	struct net_run net;
	struct http *http;
	struct request request;
	struct want *want;
	CURL *curl;
	struct list paused;
	struct body body;
	size_t header_bytes;
	int fd;			/* of the connection under way, or −1 */
	int64_t hop_ns;		/* when this request began */
	int64_t connected_ns;	/* 0 = not yet */
	bool spoilt;		/* curl keeps its errno beyond a reset */
	bool enough;		/* we ended it: nothing more is needed */
	bool flooded;		/* header without end */
	char said[CURL_ERROR_SIZE];
};

static void call_at(struct http *h, int64_t due_ns);

/* ---- what curl calls ---- */

static int
on_socket(CURL *curl, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http *h = arg;
	uint32_t events = 0;
	char *run = NULL;
	struct run *r;

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(h->loop.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	curl_easy_getinfo(curl, CURLINFO_PRIVATE, &run);
	r = (struct run *)(void *)run;
	if (r == NULL || net_watch(&h->loop, fd, net_key(&r->net), events,
	    known != NULL) < 0)
		return -1;
	r->fd = fd;
	/* While it connects curl waits to write, and for nothing else. */
	if (r->connected_ns == 0 && what & CURL_POLL_IN)
		r->connected_ns = net_now(&h->loop);
	curl_multi_assign(h->multi, fd, h);
	return 0;
}

static int
on_curl_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	h->curl_ns = 0;
	if (ms >= 0)
		h->curl_ns = net_now(&h->loop) + ms * NS_PER_MS;
	call_at(h, h->curl_ns);
	return 0;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct run *r = arg;
	struct http *h = r->http;
	long status = 0;

	/* The last chunk was long: the others of the loop come first. */
	if (net_is_spent(&h->loop)) {
		list_remove(&r->paused);
		list_add_tail(&h->paused, &r->paused);
		call_at(h, 1);
		return CURL_WRITEFUNC_PAUSE;
	}
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	/* Of a redirect that will be followed nothing is looked at. */
	if (r->request.redirects > 0 && status >= 300 && status < 400)
		return size * n;
	r->enough = !body_take(&r->body, r->want, p, size * n);
	return r->enough ? 0 : size * n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct run *r = arg;

	(void)p;
	r->header_bytes += size * n;
	r->flooded = r->header_bytes > HEADERS_MAX_BYTES;
	return r->flooded ? 0 : size * n;
}

/* ---- handles ---- */

static CURL *
handle_take(struct http *h)
{
	CURL *curl = h->n_kept > 0 ? h->kept[--h->n_kept] : curl_easy_init();

	if (curl == NULL)
		return NULL;
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	return curl;
}

static void
handle_give(struct http *h, CURL *curl, bool spoilt)
{
	curl_easy_reset(curl);
	if (h->n_kept < HANDLES_KEPT && !spoilt)
		h->kept[h->n_kept++] = curl;
	else
		curl_easy_cleanup(curl);
}

static void
http_drop(struct net_loop *l, struct net_run *net)
{
	struct http *h = CONTAINER_OF(l, struct http, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);

	if (r->curl != NULL) {
		curl_multi_remove_handle(h->multi, r->curl);
		handle_give(h, r->curl, r->spoilt);
		list_remove(&r->paused);
	}
	want_put(r->want);
	body_free(&r->body);
	request_free(&r->request);
}

/* ---- results ---- */

static struct seen
seen_by(const struct http *h, const struct run *r)
{
	int64_t now_ns = net_now(&h->loop);

	return (struct seen){ .curl = r->curl, .to = &r->net.to,
		.said = r->said, .body_bytes = r->body.bytes,
		.total_ns = now_ns - r->net.begun_ns,
		.connect_ns = r->connected_ns > 0 ?
			r->connected_ns - r->hop_ns : 0,
		.wall_ms = h->loop.ctx->wall_ms(h->loop.ctx) };
}

static void
finish(struct http *h, struct run *r, enum tocsin_reason why, const char *text)
{
	struct tocsin_sample samples[METRIC_COUNT];
	struct net_result res = { .why = why, .text = text, .samples = samples };
	struct seen seen = seen_by(h, r);

	if (why < TOCSIN_WHY_LOCAL_RESOURCE)
		res.n_samples = verdict_samples(&seen, samples);
	net_finish(&h->loop, &r->net, &res);
}

static void
judge(struct http *h, struct run *r)
{
	char text[NET_TEXT] = "", what[200];
	long status = 0;
	char *to = NULL;

	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->curl, CURLINFO_REDIRECT_URL, &to);
	if (r->body.failed) {
		finish(h, r, TOCSIN_WHY_LOCAL_RESOURCE, "out of memory");
		return;
	}
	if (!want_has_status(r->want, status)) {
		snprintf(text, sizeof(text), "answer: status %ld, expected %.60s%s"
			"%.100s", status, r->request.want.status,
			to != NULL ? ", leads to " : r->body.shown[0] != '\0' ?
			": " : "", to != NULL ? to : r->body.shown);
		finish(h, r, TOCSIN_WHY_BAD_RESPONSE, text);
		return;
	}
	if (!r->request.head && !body_is_met(&r->body, r->want, what)) {
		snprintf(text, sizeof(text), "body: %.200s", what);
		finish(h, r, TOCSIN_WHY_BAD_RESPONSE, text);
		return;
	}
	finish(h, r, TOCSIN_WHY_NONE, NULL);
}

/* The same handle again, to where the answer leads. */
static bool
follow(struct http *h, struct run *r)
{
	long status = 0;

	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 300 || status >= 400 ||
	    !request_follow(&r->request, r->curl))
		return false;
	curl_multi_remove_handle(h->multi, r->curl);
	body_free(&r->body);
	r->header_bytes = 0;
	r->fd = -1;
	r->hop_ns = net_now(&h->loop);
	r->connected_ns = 0;
	return curl_multi_add_handle(h->multi, r->curl) == CURLM_OK;
}

static void
done(struct http *h, struct run *r, CURLcode code)
{
	struct seen seen = seen_by(h, r);
	char text[NET_TEXT];
	enum tocsin_reason why;

	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && r->enough)) {
		if (!follow(h, r))
			judge(h, r);
		return;
	}
	r->spoilt = true;
	if (code == CURLE_WRITE_ERROR && r->flooded) {
		finish(h, r, TOCSIN_WHY_BAD_RESPONSE,
			"answer: more than 256 KiB of header");
		return;
	}
	why = verdict_of(&seen, code, text);
	finish(h, r, why, text);
}

static void
take_done(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		char *run = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &run);
		done(h, (struct run *)(void *)run, m->data.result);
	}
}

/* ---- the clockwork ---- */

static void
call_at(struct http *h, int64_t due_ns)
{
	h->loop.also_ns = due_ns;
	/* the paused ones are the next turn's */
	if (!list_is_empty(&h->paused))
		h->loop.also_ns = 1;
}

static void
act(struct http *h, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(h->multi, fd, what, &running);
	take_done(h);
}

static void
http_event(struct net_loop *l, uint64_t key, uint32_t events)
{
	struct http *h = CONTAINER_OF(l, struct http, loop);
	struct net_run *net = net_run_of(l, key);
	struct run *r;
	int what = 0;

	if (net == NULL)
		return;
	r = CONTAINER_OF(net, struct run, net);
	if (r->connected_ns == 0 && !(events & (EPOLLERR | EPOLLHUP)))
		r->connected_ns = net_now(l);
	if (events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	act(h, r->fd, what);
}

static void
http_also(struct net_loop *l)
{
	struct http *h = CONTAINER_OF(l, struct http, loop);

	while (!list_is_empty(&h->paused) && !net_is_spent(l)) {
		struct run *r = CONTAINER_OF(h->paused.next, struct run, paused);

		list_remove(&r->paused);
		curl_easy_pause(r->curl, CURLPAUSE_CONT);
		take_done(h);
	}
	if (h->curl_ns != 0 && h->curl_ns <= net_now(l) && !net_is_spent(l)) {
		h->curl_ns = 0;
		act(h, CURL_SOCKET_TIMEOUT, 0);
	}
	call_at(h, h->curl_ns);
}

static void
http_begin(struct net_loop *l, struct net_run *net)
{
	struct http *h = CONTAINER_OF(l, struct http, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);
	char error[NET_TEXT] = "out of memory";
	enum tocsin_reason why = TOCSIN_WHY_UNSUPPORTED;

	r->want = want_get(&h->wants, &r->request.want, error);
	if (r->want != NULL && (r->curl = handle_take(h)) != NULL &&
	    request_set(&r->request, r->curl, &net->to, h->ca_dir, error)) {
		curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, r->said);
		curl_easy_setopt(r->curl, CURLOPT_PRIVATE, r);
		curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
		curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
		if (curl_multi_add_handle(h->multi, r->curl) == CURLM_OK) {
			r->hop_ns = net->begun_ns;
			/* now, and not with all the others in one call */
			act(h, CURL_SOCKET_TIMEOUT, 0);
			return;
		}
		snprintf(error, sizeof(error), "out of memory");
	}
	if (strcmp(error, "out of memory") == 0)
		why = TOCSIN_WHY_LOCAL_RESOURCE;
	net_fail(l, net, why, error);
}

static void
http_due(struct net_loop *l, struct net_run *net)
{
	struct http *h = CONTAINER_OF(l, struct http, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);
	struct seen seen = seen_by(h, r);
	char text[NET_TEXT];
	enum tocsin_reason why = verdict_late(&seen, text);

	r->spoilt = true;

	finish(h, r, why, text);
}

static bool
http_take(struct net_loop *l, struct net_run *net,
	const struct tocsin_target *t, char error[NET_TEXT])
{
	struct http *h = CONTAINER_OF(l, struct http, loop);
	struct run *r = CONTAINER_OF(net, struct run, net);

	r->http = h;
	r->fd = -1;
	list_init(&r->paused);
	if (request_take(&r->request, t))
		return true;
	snprintf(error, NET_TEXT, "out of memory");
	return false;
}

static const struct net_ops ops = { .run_bytes = sizeof(struct run),
	.take = http_take, .begin = http_begin, .event = http_event,
	.due = http_due, .drop = http_drop, .also = http_also };

/* ---- open and close ---- */

/*
 * Reading the system's bundle takes 20 ms; looked up in a folder by their
 * hashes, only the authorities that are needed are read.
 */
static const char *
find_ca_dir(void)
{
	DIR *d = opendir(CA_DIR);
	const char *found = NULL;
	struct dirent *e;

	while (d != NULL && found == NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n == 10 && strcmp(e->d_name + 8, ".0") == 0)
			found = CA_DIR;
	}
	if (d != NULL)
		closedir(d);
	return found;
}

static bool
multi_open(struct http *h)
{
	/* Counted, so that others of the process may do the same. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	h->multi = curl_multi_init();
	if (h->multi == NULL) {
		curl_global_cleanup();
		return false;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return true;
}

static void
multi_close(struct http *h)
{
	while (h->n_kept > 0)
		curl_easy_cleanup(h->kept[--h->n_kept]);
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
}

static int
http_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct http *h = MEM_NEW(struct http);
	int rc;

	snprintf(error, 256, "out of memory");
	if (h == NULL)
		return -ENOMEM;
	list_init(&h->paused);
	h->ca_dir = find_ca_dir();
	rc = multi_open(h) ? net_open(&h->loop, ctx, &ops, error) : -ENOMEM;
	if (rc == 0) {
		*instance = h;
		return 0;
	}
	if (h->multi != NULL)
		multi_close(h);
	mem_free(h);
	return rc;
}

static void
http_close(void *instance)
{
	struct http *h = instance;

	net_drop_all(&h->loop);
	multi_close(h);
	net_close(&h->loop);
	want_cache_free(&h->wants);
	mem_free(h);
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "http",
	.help = "does a web server answer, and what",
	.opts = http_opts, .metrics = http_metrics,
	.open = http_open, .close = http_close,
	.start = net_start, .on_fd = net_on_fd, .on_timer = net_on_timer,
	.cancel = net_cancel,
};
