/*
 * DNS messages (RFC 1035), as far as a check needs them: writes one question,
 * reads what claims to be its answer.  Any bytes may be read.
 */
#ifndef TOCSIN_PROBES_DNS_MESSAGE_H
#define TOCSIN_PROBES_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX 255	/* bytes on the wire, the root's included */
#define DNS_QUERY_MAX (12 + DNS_NAME_MAX + 4)
#define DNS_TEXT_MAX 1100	/* a name of 255 bytes, each as \DDD */

/* number, symbol; the order of the option's choices */
#define DNS_TYPE_TABLE(X) \
	X(1, A) X(28, AAAA) X(5, CNAME) X(15, MX) X(2, NS) X(12, PTR) \
	X(6, SOA) X(33, SRV) X(16, TXT)

enum dns_type {
#define X(number, sym) DNS_##sym = (number),
	DNS_TYPE_TABLE(X)
#undef X
};

struct dns_query {
	uint8_t bytes[DNS_QUERY_MAX];
	size_t n;
	uint16_t type;
};

/* "example.org", with or without the last dot; false: not a name. */
bool dns_query_write(struct dns_query *q, const char *name, uint16_t type);
void dns_query_set(struct dns_query *q, uint16_t id, bool recursion);

enum dns_verdict {
	DNS_NOT_OURS,	/* another id, another question, not an answer */
	DNS_MALFORMED,	/* an answer to us that cannot be read */
	DNS_TRUNCATED,	/* ask again over TCP */
	DNS_ANSWER,
};

struct dns_answer {
	unsigned rcode;
	unsigned n;		/* records of the type that was asked for */
	uint32_t ttl_seconds;	/* the least of theirs */
	char first[64];		/* the first of them as text, perhaps cut */
	bool met;		/* one of them has the text that is expected */
};

/*
 * `expect` as dns_expect() left it, or "".  Records of other types and
 * sections are stepped over.
 */
enum dns_verdict dns_answer_read(const struct dns_query *q, const uint8_t *p,
	size_t n, const char *expect, struct dns_answer *out);

/* Brings an expected text into our form; false: it can never be met. */
bool dns_expect(uint16_t type, const char *text, char *out, size_t size);

/* "NXDOMAIN"; NULL when it has no name. */
const char *dns_rcode_name(unsigned rcode);

#endif
