#include "client/client.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "wire/json_read.h"

#define TOKEN_MAX_BYTES 4096
#define STREAM_SILENCE_S 45L	/* three heartbeats of a tocsind */

struct client {
	CURL *curl;
	char *url;		/* without the last '/' */
	char *authorization;	/* "Authorization: Bearer …" or NULL */
	struct dur timeout;
	size_t reply_max;
	_Atomic int64_t cut_ns;
	struct client_reply *reply;	/* of the request under way */
	const struct client_request *request;
	bool too_long;
	char error[CURL_ERROR_SIZE];
};

/* ---- opening ---- */

static int
check_url(const char *url, struct tc_err *e)
{
	const char *host;

	if (strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else
		return tc_fail(e, TC_EINVAL,
			"'%.100s': a URL begins with http:// or https://", url);
	if (*host == '\0' || *host == '/')
		return tc_fail(e, TC_EINVAL, "'%.100s': no host", url);
	if (strpbrk(host, "@?# \t\r\n\\"))
		return tc_fail(e, TC_EINVAL,
			"'%.100s': only scheme, host, port and path", url);
	return 0;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	long status = 0;

	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c->request->sink && status >= 200 && status <= 299)
		return c->request->sink(c->request->sink_arg, p, size * n) ==
			0 ? size * n : 0;
	if (c->reply->body.n + size * n > c->reply_max) {
		c->too_long = true;
		return 0;
	}
	strbuf_add(&c->reply->body, p, size * n);
	return c->reply->body.failed ? 0 : size * n;
}

/* True with the value's place when the line is this header. */
static bool
header_is(const char *line, size_t n, const char *name, const char **value,
	size_t *value_n)
{
	size_t k = strlen(name);

	if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
		return false;
	line += k + 1;
	n -= k + 1;
	while (n > 0 && (line[0] == ' ' || line[0] == '\t')) {
		line++;
		n--;
	}
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n' ||
	    line[n - 1] == ' '))
		n--;
	*value = line;
	*value_n = n;
	return true;
}

static size_t
take_header(char *p, size_t size, size_t count, void *arg)
{
	struct client *c = arg;
	struct client_reply *reply = c->reply;
	const char *v;
	size_t n = size * count, vn;
	uint64_t seconds;

	if (header_is(p, n, "content-type", &v, &vn)) {
		const char *semicolon = memchr(v, ';', vn);

		if (semicolon)
			vn = (size_t)(semicolon - v);
		if (vn >= sizeof(reply->type))
			vn = sizeof(reply->type) - 1;
		memcpy(reply->type, v, vn);
		reply->type[vn] = '\0';
	} else if (header_is(p, n, "retry-after", &v, &vn)) {
		if (u64_parse(v, vn, &seconds) == 0 && seconds < 86400)
			reply->retry_after = dur_s((int64_t)seconds);
	}
	return n;
}

static int
look_at_clock(void *arg, curl_off_t a, curl_off_t b, curl_off_t x, curl_off_t y)
{
	struct client *c = arg;
	int64_t cut = atomic_load(&c->cut_ns);
	struct clock *clock = clock_system();

	(void)a;
	(void)b;
	(void)x;
	(void)y;
	if (c->request->sink && c->request->sink(c->request->sink_arg, NULL,
			0) != 0)
		return 1;
	return cut != 0 && clock->mono(clock).ns >= cut;
}

static bool
set_up(struct client *c, const struct client_conf *conf)
{
	CURL *h = c->curl;
	struct dur connect = conf->connect_timeout;
	CURLcode bad = CURLE_OK;

	if (connect.ns == 0)
		connect = dur_s(5);
	bad |= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(h, CURLOPT_SSLVERSION,
		(long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(h, CURLOPT_HTTP_VERSION,
		(long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
		(long)dur_to_ms(connect));
	bad |= curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
	bad |= curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	bad |= curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	bad |= curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	bad |= curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	bad |= curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, look_at_clock);
	bad |= curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
	if (conf->user_agent)
		bad |= curl_easy_setopt(h, CURLOPT_USERAGENT, conf->user_agent);
	if (conf->ca_file)
		bad |= curl_easy_setopt(h, CURLOPT_CAINFO, conf->ca_file);
	return bad == CURLE_OK;
}

int
client_open(const struct client_conf *conf, struct client **out,
	struct tc_err *e)
{
	struct client *c;
	size_t n;
	int rc;

	if ((rc = check_url(conf->url, e)) < 0)
		return rc;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return tc_fail(e, TC_ENOMEM, "libcurl does not start");
	c = MEM_NEW(struct client);
	if (!c) {
		curl_global_cleanup();
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	c->timeout = conf->timeout.ns ? conf->timeout : dur_s(15);
	c->reply_max = conf->reply_max ? conf->reply_max : (size_t)16 << 20;
	n = strlen(conf->url);
	while (conf->url[n - 1] == '/')
		n--;
	c->url = mem_strndup(conf->url, n);
	c->curl = curl_easy_init();
	if (!c->url || !c->curl || !set_up(c, conf)) {
		client_close(c);
		return tc_fail(e, TC_ENOMEM, "libcurl takes no more clients");
	}
	*out = c;
	return 0;
}

void
client_close(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	curl_global_cleanup();
	mem_free(c->url);
	mem_free(c->authorization);
	mem_free(c);
}

int
client_set_token(struct client *c, const char *token, struct tc_err *e)
{
	struct strbuf sb = {0};

	if (token && *token) {
		for (const char *p = token; *p; p++) {
			if (*p <= ' ' || *p > '~')
				return tc_fail(e, TC_EINVAL,
					"a token has no blanks or controls");
		}
		strbuf_printf(&sb, "Authorization: Bearer %s", token);
		if (sb.failed)
			return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	mem_free(c->authorization);
	c->authorization = strbuf_take(&sb);
	return 0;
}

void
client_cut(struct client *c, struct mono when)
{
	atomic_store(&c->cut_ns, when.ns);
}

/* ---- a request ---- */

static int
explain(const struct client *c, CURLcode code, struct tc_err *e)
{
	const char *text = c->error[0] ? c->error : curl_easy_strerror(code);
	int rc = TC_EIO;

	if (c->too_long)
		return tc_fail(e, TC_EFULL, "%s: reply of more than %zu bytes",
			c->url, c->reply_max);
	if (c->request->sink && code == CURLE_WRITE_ERROR)
		code = CURLE_ABORTED_BY_CALLBACK;	/* the sink's wish */
	switch ((int)code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return tc_fail(e, TC_ECLOSED, "%s: called off", c->url);
	case CURLE_OPERATION_TIMEDOUT:
		rc = TC_ETIMEOUT;
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		rc = TC_EPERM;
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
	case CURLE_PARTIAL_FILE:
	case CURLE_BAD_CONTENT_ENCODING:
		rc = TC_EPROTO;
		break;
	case CURLE_OUT_OF_MEMORY:
		rc = TC_ENOMEM;
		break;
	}
	return tc_fail(e, rc, "%s: %s", c->url, text);
}

static bool
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

static struct curl_slist *
make_headers(const struct client *c, const struct client_request *q)
{
	struct curl_slist *list = NULL;
	struct strbuf accept = {0};
	bool ok;

	strbuf_printf(&accept, "Accept: %s",
		q->accept ? q->accept : "application/json");
	/* no "100-continue" dance: it costs a round trip, or a second */
	ok = !accept.failed && add_header(&list, "Expect:") &&
		add_header(&list, strbuf_str(&accept));

	if (c->authorization)
		ok = ok && add_header(&list, c->authorization);
	if (q->body)
		ok = ok && add_header(&list, "Content-Type: application/json");
	for (size_t i = 0; q->headers && q->headers[i]; i++)
		ok = ok && add_header(&list, q->headers[i]);
	strbuf_free(&accept);
	if (ok)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static CURLcode
perform(struct client *c, const struct client_request *q, const char *url,
	struct curl_slist *headers)
{
	struct dur timeout = q->timeout.ns ? q->timeout : c->timeout;
	CURL *h = c->curl;
	CURLcode bad = CURLE_OK;
	long ms = (long)dur_to_ms(timeout);

	bad |= curl_easy_setopt(h, CURLOPT_URL, url);
	bad |= curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	bad |= curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, q->sink ? 0 :
		ms > 0 ? ms : 1);
	bad |= curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, q->sink ? 1L : 0L);
	bad |= curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, q->sink ?
		STREAM_SILENCE_S : 0L);
	bad |= curl_easy_setopt(h, CURLOPT_HTTPGET, 1L);
	if (q->body) {
		bad |= curl_easy_setopt(h, CURLOPT_POSTFIELDS, q->body);
		bad |= curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)q->n);
	}
	bad |= curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
	return bad != CURLE_OK ? CURLE_OUT_OF_MEMORY : curl_easy_perform(h);
}

int
client_send(struct client *c, const struct client_request *request,
	struct client_reply *reply, struct tc_err *e)
{
	struct clock *clock = clock_system();
	struct mono start = clock->mono(clock);
	struct curl_slist *headers = NULL;
	struct strbuf url = {0};
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;
	int rc;

	strbuf_reset(&reply->body);
	*reply = (struct client_reply){ .body = reply->body };
	c->reply = reply;
	c->request = request;
	c->too_long = false;
	c->error[0] = '\0';
	strbuf_printf(&url, "%s%s", c->url, request->path);
	headers = make_headers(c, request);
	if (headers && !url.failed)
		code = perform(c, request, url.p, headers);
	reply->took = mono_diff(clock->mono(clock), start);
	if (code != CURLE_OK) {
		rc = explain(c, code, e);
		goto out;
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
	rc = 0;
out:
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	strbuf_free(&url);
	c->reply = NULL;
	c->request = NULL;
	return rc;
}

void
client_reply_free(struct client_reply *reply)
{
	strbuf_free(&reply->body);
}

/* ---- helpers around it ---- */

void
client_problem(const struct client_reply *reply, char *text, size_t size)
{
	struct strbuf copy = {0}, out = {0};
	struct json_read r;
	struct json_str key;

	strbuf_printf(&out, "HTTP %d", reply->status);
	strbuf_add(&copy, reply->body.p, reply->body.n);
	if (copy.n > 0 && !copy.failed &&
	    strcmp(reply->type, "application/problem+json") == 0) {
		json_open(&r, copy.p, copy.n);
		json_enter_object(&r);
		while (json_next_key(&r, &key)) {
			if (!json_str_is(key, "detail") &&
			    !json_str_is(key, "title")) {
				json_skip(&r);
				continue;
			}
			key = json_get_str(&r);
			if (json_failed(&r) || key.n == 0)
				continue;
			strbuf_printf(&out, ": %s", key.p);
		}
		(void)json_close(&r, NULL);
	}
	if (size > 0) {
		size_t n = out.n < size - 1 ? out.n : size - 1;

		memcpy(text, strbuf_str(&out), n);
		text[n] = '\0';
	}
	strbuf_free(&copy);
	strbuf_free(&out);
}

int
client_read_token(const char *path, struct strbuf *out, struct tc_err *e)
{
	int rc;
	size_t from = 0;

	strbuf_reset(out);
	if ((rc = file_slurp(path, TOKEN_MAX_BYTES, out, e)) < 0)
		return rc;
	while (out->n > 0 && strchr(" \t\r\n", out->p[out->n - 1]))
		out->p[--out->n] = '\0';
	while (from < out->n && strchr(" \t\r\n", out->p[from]))
		from++;
	if (from > 0) {
		memmove(out->p, out->p + from, out->n - from + 1);
		out->n -= from;
	}
	if (out->n == 0)
		return tc_fail(e, TC_EINVAL, "%s: no token in it", path);
	return 0;
}
