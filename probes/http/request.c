#include "probes/http/request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/mem.h"

const struct tocsin_opt http_opts[] = {
	[OPT_URL] = { "url", TOCSIN_OPT_STRING, .dflt = "", .max = "2048",
		.help = "What to ask for, whole; the connection goes to the "
		"target all the same." },
	[OPT_PATH] = { "path", TOCSIN_OPT_STRING, .dflt = "/", .min = "1",
		.max = "1024", .help = "What to ask for, without url." },
	[OPT_PORT] = { "port", TOCSIN_OPT_INT, .dflt = "0", .min = "0",
		.max = "65535", .help = "Without url; 0 = 80, with tls 443." },
	[OPT_TLS] = { "tls", TOCSIN_OPT_BOOL, .dflt = "false",
		.help = "HTTPS, without url." },
	[OPT_METHOD] = { "method", TOCSIN_OPT_ENUM, .dflt = "GET",
		.choices = "GET|HEAD", .help = "The request's method." },
	[OPT_STATUS] = { "status", TOCSIN_OPT_STRING, .dflt = "200-299",
		.max = "255", .help = "Good answers, as 200-299,301." },
	[OPT_BODY] = { "body", TOCSIN_OPT_STRING, .dflt = "", .max = "255",
		.help = "Text that must be in the body." },
	[OPT_MATCH] = { "match", TOCSIN_OPT_STRING, .dflt = "", .max = "255",
		.help = "POSIX extended regular expression that a line of the "
		"body must match." },
	[OPT_JSON] = { "json", TOCSIN_OPT_STRING, .dflt = "", .max = "511",
		.help = "A value in the body, as /status=ok." },
	[OPT_REDIRECTS] = { "redirects", TOCSIN_OPT_INT, .dflt = "0",
		.min = "0", .max = "10",
		.help = "How many to follow, on the same host." },
	[OPT_HEADER] = { "header", TOCSIN_OPT_SECRET, .dflt = "",
		.max = "4096", .help = "Lines to send along, as Name: value." },
	[OPT_HOST_HEADER] = { "host_header", TOCSIN_OPT_STRING, .dflt = "",
		.max = "253", .help = "The name to ask for, in the Host line "
		"and in TLS; without url." },
	[OPT_VERIFY] = { "verify", TOCSIN_OPT_BOOL, .dflt = "true",
		.help = "The certificate must be valid for the name." },
	[OPT_CA_FILE] = { "ca_file", TOCSIN_OPT_STRING, .dflt = "",
		.max = "4095", .help = "PEM file of the authorities to trust "
		"instead of the system's." },
	[OPT_USER_AGENT] = { "user_agent", TOCSIN_OPT_STRING, .dflt = "tocsin",
		.max = "255", .help = "The request's User-Agent." },
	{ .name = NULL },
};

bool
request_take(struct request *q, const struct tocsin_target *t)
{
	const struct tocsin_value *v = t->opts;
	const struct { const char **to; const char *from; } texts[] = {
		{ &q->address, t->address }, { &q->url, v[OPT_URL].s },
		{ &q->path, v[OPT_PATH].s }, { &q->header, v[OPT_HEADER].s },
		{ &q->host_header, v[OPT_HOST_HEADER].s },
		{ &q->ca_file, v[OPT_CA_FILE].s },
		{ &q->user_agent, v[OPT_USER_AGENT].s },
		{ &q->want.status, v[OPT_STATUS].s },
		{ &q->want.body, v[OPT_BODY].s },
		{ &q->want.match, v[OPT_MATCH].s },
		{ &q->want.json, v[OPT_JSON].s },
	};
	size_t sizes[ARRAY_LEN(texts)], size = 0;
	char *at;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		size += sizes[i] = strlen(texts[i].from) + 1;
	at = q->block = mem_alloc(size);
	if (at == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		memcpy(at, texts[i].from, sizes[i]);
		*texts[i].to = at;
		at += sizes[i];
	}
	q->tls = v[OPT_TLS].i != 0;
	q->port = v[OPT_PORT].i > 0 ? v[OPT_PORT].i : q->tls ? 443 : 80;
	q->head = v[OPT_METHOD].i == 1;
	q->verify = v[OPT_VERIFY].i != 0;
	q->redirects = (unsigned)v[OPT_REDIRECTS].i;
	return true;
}

void
request_free(struct request *q)
{
	curl_slist_free_all(q->connect_to);
	curl_slist_free_all(q->headers);
	mem_free(q->block);
}

/* ---- the URL ---- */

static void
put_host(const struct request *q, char *host, size_t size)
{
	const char *name = q->host_header[0] != '\0' ? q->host_header :
		q->address;

	snprintf(host, size, strchr(name, ':') != NULL && name[0] != '[' ?
		"[%s]" : "%s", name);
}

/* http or https with a host, and nobody's password. */
static bool
look_at_url(const char *url, char host[HTTP_NAME_MAX])
{
	char *scheme = NULL, *name = NULL, *user = NULL;
	CURLU *u = curl_url();
	bool good = u != NULL &&
		curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
		(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
		strlen(name) < HTTP_NAME_MAX;

	if (good)
		memcpy(host, name, strlen(name) + 1);
	curl_free(scheme);
	curl_free(name);
	curl_free(user);
	curl_url_cleanup(u);
	return good;
}

static bool
put_url(struct request *q, char *url, char error[NET_TEXT])
{
	char host[HTTP_NAME_MAX + 2];

	if (q->url[0] != '\0') {
		snprintf(url, HTTP_URL_MAX, "%s", q->url);
	} else {
		put_host(q, host, sizeof(host));
		snprintf(url, HTTP_URL_MAX, "http%s://%s:%ld%s%s",
			q->tls ? "s" : "", host, q->port,
			q->path[0] == '/' ? "" : "/", q->path);
	}
	if (look_at_url(url, q->host))
		return true;
	snprintf(error, NET_TEXT, "'%.150s' is not a URL of http or https",
		url);
	return false;
}

/* ---- the handle ---- */

static bool
add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more == NULL)
		return false;
	*list = more;
	return true;
}

/* One Name: value a line; without a value it would remove one of curl's. */
static bool
put_headers(struct request *q, char error[NET_TEXT])
{
	const char *at = q->header;
	char line[4097];

	while (*at != '\0') {
		size_t n = strcspn(at, "\r\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, at);
		if (n > 0 && (strchr(line, ':') == NULL || line[0] == ':')) {
			snprintf(error, NET_TEXT, "option header: a line is not "
				"like 'Name: value'");
			return false;
		}
		if (n > 0 && !add_line(&q->headers, line)) {
			snprintf(error, NET_TEXT, "out of memory");
			return false;
		}
		at += n;
		at += strspn(at, "\r\n");
	}
	return true;
}

/* Whatever the URL says, the connection goes to the target; ports stay. */
static bool
put_target(struct request *q, const union net_addr *to)
{
	char addr[INET6_ADDRSTRLEN], line[INET6_ADDRSTRLEN + 24];

	if (to->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &to->in6.sin6_addr, addr, sizeof(addr));
		if (to->in6.sin6_scope_id != 0)
			snprintf(line, sizeof(line), "::[%s%%25%u]:", addr,
				to->in6.sin6_scope_id);
		else
			snprintf(line, sizeof(line), "::[%s]:", addr);
	} else {
		inet_ntop(AF_INET, &to->in.sin_addr, addr, sizeof(addr));
		snprintf(line, sizeof(line), "::%s:", addr);
	}
	return add_line(&q->connect_to, line);
}

bool
request_set(struct request *q, CURL *curl, const union net_addr *to,
	const char *ca_dir, char error[NET_TEXT])
{
	char url[HTTP_URL_MAX];

	if (!put_url(q, url, error) || !put_headers(q, error))
		return false;
	snprintf(error, NET_TEXT, "out of memory");
	if (!put_target(q, to) ||
	    curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK)
		return false;
	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, q->connect_to);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, q->headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, q->user_agent);
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(curl, CURLOPT_NOBODY, q->head ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, q->verify ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, q->verify ? 2L : 0L);
	if (q->ca_file[0] != '\0') {
		curl_easy_setopt(curl, CURLOPT_CAINFO, q->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	} else if (ca_dir != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(curl, CURLOPT_CAPATH, ca_dir);
	}
	return true;
}

bool
request_follow(struct request *q, CURL *curl)
{
	char host[HTTP_NAME_MAX], *url = NULL;

	curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &url);
	if (url == NULL || q->redirects == 0 || !look_at_url(url, host) ||
	    strcasecmp(host, q->host) != 0)
		return false;
	q->redirects--;
	/* curl owns the text that it gave: it copies before it frees. */
	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;
}
