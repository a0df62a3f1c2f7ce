#include "probes/http/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct tocsin_metric http_metrics[] = {
	[METRIC_CONNECT] = { "http_connect_seconds", TOCSIN_GAUGE,
		TOCSIN_SECONDS, "until the TCP connection stands" },
	[METRIC_TLS] = { "http_tls_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"of the TLS handshake" },
	[METRIC_FIRST_BYTE] = { "http_first_byte_seconds", TOCSIN_GAUGE,
		TOCSIN_SECONDS, "from the request to the answer's first byte" },
	[METRIC_TOTAL] = { "http_total_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"of everything, redirects included" },
	[METRIC_STATUS] = { "http_status_code", TOCSIN_GAUGE, TOCSIN_COUNT,
		"of the last answer" },
	[METRIC_BYTES] = { "http_response_bytes", TOCSIN_GAUGE, TOCSIN_BYTES,
		"of the body, as far as it was read" },
	[METRIC_EXPIRY] = { "tls_expiry_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"until the server's certificate expires" },
	[METRIC_COUNT] = { .name = NULL },
};

static int64_t
time_us(CURL *curl, CURLINFO info)
{
	curl_off_t us = 0;

	curl_easy_getinfo(curl, info, &us);
	return us;
}

static bool
is_tls(CURL *curl)
{
	const char *scheme = NULL;

	curl_easy_getinfo(curl, CURLINFO_SCHEME, &scheme);
	return scheme != NULL && (scheme[0] == 'H' || scheme[0] == 'h') &&
		strlen(scheme) == 5;
}

enum phase
phase_of(const struct seen *s)
{
	if (s->connect_ns == 0)
		return PHASE_CONNECT;
	/* Set when the request may be sent, so after the handshake. */
	if (is_tls(s->curl) &&
	    time_us(s->curl, CURLINFO_PRETRANSFER_TIME_T) == 0)
		return PHASE_TLS;
	if (time_us(s->curl, CURLINFO_STARTTRANSFER_TIME_T) == 0)
		return PHASE_ANSWER;
	return PHASE_BODY;
}

static const char *
phase_name(enum phase phase)
{
	switch (phase) {
	case PHASE_CONNECT:
		return "connect";
	case PHASE_TLS:
		return "tls";
	case PHASE_ANSWER:
		return "answer";
	case PHASE_BODY:
		return "body";
	}
	return "";
}

enum tocsin_reason
verdict_late(const struct seen *s, char text[NET_TEXT])
{
	switch (phase_of(s)) {
	case PHASE_CONNECT:
		snprintf(text, NET_TEXT, "connect: no answer in time");
		return TOCSIN_WHY_CONNECT_TIMEOUT;
	case PHASE_TLS:
		snprintf(text, NET_TEXT, "tls: connected, but no handshake "
			"in time");
		return TOCSIN_WHY_RESPONSE_TIMEOUT;
	case PHASE_ANSWER:
		snprintf(text, NET_TEXT, "answer: none to the request in time");
		return TOCSIN_WHY_RESPONSE_TIMEOUT;
	case PHASE_BODY:
		snprintf(text, NET_TEXT, "body: not at its end in time, "
			"%" PRIu64 " bytes have come", s->body_bytes);
		return TOCSIN_WHY_RESPONSE_TIMEOUT;
	}
	return TOCSIN_WHY_RESPONSE_TIMEOUT;
}

static int
errno_of(CURL *curl)
{
	long err = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &err);
	return (int)err;
}

static enum tocsin_reason
reason_of(CURL *curl, CURLcode code, const union net_addr *to)
{
	int err = errno_of(curl);

	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
		return net_reason(to, err);
	case CURLE_RECV_ERROR:	/* also for chunks that make no sense */
	case CURLE_SEND_ERROR:
		return err != 0 ? TOCSIN_WHY_CONNECT_RESET :
			TOCSIN_WHY_BAD_RESPONSE;
	case CURLE_SSL_CONNECT_ERROR:
		return err == ECONNRESET ? TOCSIN_WHY_CONNECT_RESET :
			TOCSIN_WHY_TLS_FAILED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return TOCSIN_WHY_CERT_INVALID;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_WRITE_ERROR:
	case CURLE_UNSUPPORTED_PROTOCOL:	/* HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return TOCSIN_WHY_BAD_RESPONSE;
	case CURLE_OPERATION_TIMEDOUT:
		return TOCSIN_WHY_RESPONSE_TIMEOUT;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_URL_MALFORMAT:
	case CURLE_COULDNT_RESOLVE_HOST:	/* a name is never asked for */
		return TOCSIN_WHY_UNSUPPORTED;
	case CURLE_OUT_OF_MEMORY:
		return TOCSIN_WHY_LOCAL_RESOURCE;
	default:
		return TOCSIN_WHY_PROBE_ERROR;
	}
}

enum tocsin_reason
verdict_of(const struct seen *s, CURLcode code, char text[NET_TEXT])
{
	int err = errno_of(s->curl);
	const char *phase = phase_name(phase_of(s));

	if (code == CURLE_COULDNT_CONNECT && err != 0)
		snprintf(text, NET_TEXT, "connect: %s", strerrordesc_np(err));
	else if ((code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) &&
	    err != 0)
		snprintf(text, NET_TEXT, "%s: %s", phase, strerrordesc_np(err));
	else if (code == CURLE_GOT_NOTHING)
		snprintf(text, NET_TEXT, "answer: closed without one");
	else
		snprintf(text, NET_TEXT, "%s: %.200s", phase, s->said[0] != '\0' ?
			s->said : curl_easy_strerror(code));
	return reason_of(s->curl, code, s->to);
}

/* "Expire date:Jan  1 00:00:00 2030 GMT" of the first certificate. */
static bool
expiry_of(CURL *curl, int64_t wall_ms, double *seconds)
{
	static const char key[] = "Expire date:";
	struct curl_certinfo *info = NULL;
	time_t at;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK ||
	    info == NULL || info->num_of_certs < 1)
		return false;
	for (const struct curl_slist *s = info->certinfo[0]; s != NULL; s = s->next) {
		if (strncmp(s->data, key, sizeof(key) - 1) != 0)
			continue;
		at = curl_getdate(s->data + sizeof(key) - 1, NULL);
		*seconds = (double)at - (double)wall_ms / 1e3;
		return at >= 0;
	}
	return false;
}

unsigned
verdict_samples(const struct seen *seen, struct tocsin_sample *s)
{
	CURL *curl = seen->curl;
	int64_t tls = time_us(curl, CURLINFO_APPCONNECT_TIME_T) -
		seen->connect_ns / 1000;
	int64_t ready = time_us(curl, CURLINFO_PRETRANSFER_TIME_T);
	int64_t first = time_us(curl, CURLINFO_STARTTRANSFER_TIME_T);
	double expiry;
	unsigned n = 0;
	long status = 0;

	if (seen->connect_ns > 0)
		net_sample(&s[n++], http_metrics[METRIC_CONNECT].name,
			(double)seen->connect_ns / 1e9);
	if (is_tls(curl) && tls > 0 && ready > 0)
		net_sample(&s[n++], http_metrics[METRIC_TLS].name,
			(double)tls / 1e6);
	if (first > 0)
		net_sample(&s[n++], http_metrics[METRIC_FIRST_BYTE].name,
			(double)(first - ready) / 1e6);
	net_sample(&s[n++], http_metrics[METRIC_TOTAL].name,
		(double)seen->total_ns / 1e9);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status > 0) {
		net_sample(&s[n++], http_metrics[METRIC_STATUS].name,
			(double)status);
		net_sample(&s[n++], http_metrics[METRIC_BYTES].name,
			(double)time_us(curl, CURLINFO_SIZE_DOWNLOAD_T));
	}
	if (is_tls(curl) && expiry_of(curl, seen->wall_ms, &expiry))
		net_sample(&s[n++], http_metrics[METRIC_EXPIRY].name, expiry);
	return n;
}
