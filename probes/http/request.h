/*
 * A request: the options of a run, copied, and what they make of a curl
 * handle.
 */
#ifndef TOCSIN_PROBES_HTTP_REQUEST_H
#define TOCSIN_PROBES_HTTP_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <tocsin/probe.h>

#include "probes/common/net.h"
#include "probes/http/want.h"

enum { OPT_URL, OPT_PATH, OPT_PORT, OPT_TLS, OPT_METHOD, OPT_STATUS, OPT_BODY,
	OPT_MATCH, OPT_JSON, OPT_REDIRECTS, OPT_HEADER, OPT_HOST_HEADER,
	OPT_VERIFY, OPT_CA_FILE, OPT_USER_AGENT };
extern const struct tocsin_opt http_opts[];

#define HTTP_URL_MAX 2300
#define HTTP_NAME_MAX 256

/* Strings lie in `block`. */
struct request {
	char *block;
	const char *address;
	const char *url;
	const char *path;
	const char *header;
	const char *host_header;
	const char *ca_file;
	const char *user_agent;
	struct want_text want;
	long port;
	bool tls;
	bool head;
	bool verify;
	unsigned redirects;	/* left */
	char host[HTTP_NAME_MAX];	/* of the URL: redirects stay with it */
	struct curl_slist *connect_to;
	struct curl_slist *headers;
};

/* False: out of memory. */
bool request_take(struct request *q, const struct tocsin_target *t);
void request_free(struct request *q);
/*
 * Everything that differs from run to run; `ca_dir` = where the system's
 * authorities lie by their hashes, or NULL.
 */
bool request_set(struct request *q, CURL *curl, const union net_addr *to,
	const char *ca_dir, char error[NET_TEXT]);
/* Where the answer leads to is on the same host: there the handle goes. */
bool request_follow(struct request *q, CURL *curl);

#endif
