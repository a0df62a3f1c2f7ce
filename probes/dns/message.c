#include "probes/dns/message.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

#define HEADER 12
#define LABEL_MAX 63
#define CLASS_IN 1
#define FLAG_RESPONSE 0x80
#define FLAG_OPCODE 0x78
#define FLAG_TRUNCATED 0x02
#define FLAG_RECURSION 0x01
#define RCODE 0x0f

/* ---- the question ---- */

bool
dns_query_write(struct dns_query *q, const char *name, uint16_t type)
{
	size_t len = strlen(name);
	uint8_t *at = q->bytes + HEADER;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len > DNS_NAME_MAX - 2)
		return false;
	while (len > 0) {
		const char *dot = memchr(name, '.', len);
		size_t label = dot != NULL ? (size_t)(dot - name) : len;

		if (label == 0 || label > LABEL_MAX || label + 1 == len)
			return false;
		*at++ = (uint8_t)label;
		memcpy(at, name, label);
		at += label;
		len -= label + (dot != NULL);
		name += label + (dot != NULL);
	}
	*at++ = 0;
	*at++ = (uint8_t)(type >> 8);
	*at++ = (uint8_t)type;
	*at++ = 0;
	*at++ = CLASS_IN;
	q->n = (size_t)(at - q->bytes);
	q->type = type;
	memset(q->bytes, 0, HEADER);
	q->bytes[5] = 1;
	return true;
}

void
dns_query_set(struct dns_query *q, uint16_t id, bool recursion)
{
	q->bytes[0] = (uint8_t)(id >> 8);
	q->bytes[1] = (uint8_t)id;
	q->bytes[2] = recursion ? FLAG_RECURSION : 0;
}

/* ---- reading ---- */

struct reader {
	const uint8_t *p;
	size_t n;
	size_t at;
	bool bad;
};

static unsigned
take_8(struct reader *r)
{
	if (r->at >= r->n) {
		r->bad = true;
		return 0;
	}
	return r->p[r->at++];
}

static unsigned
take_16(struct reader *r)
{
	unsigned high = take_8(r);

	return high << 8 | take_8(r);
}

static uint32_t
take_32(struct reader *r)
{
	uint32_t high = take_16(r);

	return high << 16 | take_16(r);
}

struct text {
	char *p;
	size_t n;
	size_t size;	/* with the NUL; what does not fit is cut */
};

static void
put_char(struct text *t, char c)
{
	if (t->n + 1 >= t->size)
		return;
	t->p[t->n++] = c;
	t->p[t->n] = '\0';
}

/* As master files have it: \. and \DDD (RFC 1035, 5.1). */
static void
put_byte(struct text *t, unsigned c, bool in_name)
{
	if (c == '\\' || (in_name && c == '.')) {
		put_char(t, '\\');
		put_char(t, (char)c);
	} else if (c < 0x20 || c > 0x7e) {
		put_char(t, '\\');
		put_char(t, (char)('0' + c / 100));
		put_char(t, (char)('0' + c / 10 % 10));
		put_char(t, (char)('0' + c % 10));
	} else {
		put_char(t, (char)c);
	}
}

static void
put_number(struct text *t, unsigned long v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lu ", v);
	for (const char *c = digits; *c != '\0'; c++)
		put_char(t, *c);
}

/* Where the name at r->at goes on; pointers only lead backwards. */
static bool
follow(struct reader *r, unsigned high, size_t *end, size_t *lowest)
{
	size_t to = (high & 0x3f) << 8 | take_8(r);

	if (r->bad || to >= *lowest)
		return false;
	if (*end == 0)
		*end = r->at;
	*lowest = to;
	r->at = to;
	return true;
}

/* Reads a name, perhaps compressed, to its text without the last dot. */
static void
take_name(struct reader *r, struct text *t)
{
	size_t end = 0, lowest = r->at, bytes = 1;
	unsigned len;

	while (!r->bad && (len = take_8(r)) != 0) {
		if (len >= 0xc0) {
			r->bad = !follow(r, len, &end, &lowest);
			continue;
		}
		bytes += len + 1;
		if (len > LABEL_MAX || bytes > DNS_NAME_MAX || len > r->n - r->at) {
			r->bad = true;
			return;
		}
		if (t->n > 0 && t->p[t->n - 1] != ' ')
			put_char(t, '.');
		for (; len > 0; len--)
			put_byte(t, take_8(r), true);
	}
	if (bytes == 1)
		put_char(t, '.');
	if (end != 0)
		r->at = end;
}

/* Steps over a name without looking where it leads to. */
static void
skip_name(struct reader *r)
{
	unsigned len;

	while (!r->bad && (len = take_8(r)) != 0) {
		if (len >= 0xc0) {
			take_8(r);
			return;
		}
		if (len > LABEL_MAX || len > r->n - r->at)
			r->bad = true;
		else
			r->at += len;
	}
}

static void
take_address(struct reader *r, int family, size_t size, struct text *t)
{
	char text[INET6_ADDRSTRLEN];

	if (r->n - r->at != size) {
		r->bad = true;
		return;
	}
	inet_ntop(family, r->p + r->at, text, sizeof(text));
	for (const char *c = text; *c != '\0'; c++)
		put_char(t, *c);
	r->at += size;
}

/* The strings of a TXT record belong together (RFC 7208, 3.3). */
static void
take_strings(struct reader *r, struct text *t)
{
	while (!r->bad && r->at < r->n) {
		unsigned len = take_8(r);

		if (len > r->n - r->at) {
			r->bad = true;
			return;
		}
		for (; len > 0; len--)
			put_byte(t, take_8(r), false);
	}
}

/* The data of a record; r ends where it ends. */
static void
take_data(struct reader *r, uint16_t type, struct text *t)
{
	switch ((enum dns_type)type) {
	case DNS_A:
		take_address(r, AF_INET, 4, t);
		return;
	case DNS_AAAA:
		take_address(r, AF_INET6, 16, t);
		return;
	case DNS_SRV:
		put_number(t, take_16(r));
		put_number(t, take_16(r));
		put_number(t, take_16(r));
		take_name(r, t);
		return;
	case DNS_MX:
		put_number(t, take_16(r));
		take_name(r, t);
		return;
	case DNS_CNAME:
	case DNS_NS:
	case DNS_PTR:
		take_name(r, t);
		return;
	case DNS_SOA:	/* the master's name and the serial number */
		take_name(r, t);
		skip_name(r);
		put_char(t, ' ');
		put_number(t, take_32(r));
		if (t->n > 0)
			t->p[--t->n] = '\0';
		take_32(r);
		take_32(r);
		take_32(r);
		take_32(r);
		return;
	case DNS_TXT:
		take_strings(r, t);
		return;
	}
}

static bool
take_record(struct reader *r, const struct dns_query *q, const char *expect,
	struct dns_answer *out)
{
	char words[DNS_TEXT_MAX] = "";
	struct text t = { words, 0, sizeof(words) };
	unsigned type, class, size;
	struct reader data;
	uint32_t ttl;

	skip_name(r);
	type = take_16(r);
	class = take_16(r);
	ttl = take_32(r);
	size = take_16(r);
	if (r->bad || size > r->n - r->at)
		return false;
	data = (struct reader){ r->p, r->at + size, r->at, false };
	r->at += size;
	if (type != q->type || class != CLASS_IN)
		return true;
	take_data(&data, q->type, &t);
	if (data.bad || data.at != data.n)
		return false;
	if (out->n == 0 || ttl < out->ttl_seconds)
		out->ttl_seconds = ttl;
	if (out->n++ == 0)
		snprintf(out->first, sizeof(out->first), "%.*s",
			(int)sizeof(out->first) - 1, words);
	if (q->type == DNS_TXT ? strcmp(words, expect) == 0 :
	    strcasecmp(words, expect) == 0)
		out->met = true;
	return true;
}

/* Names are compared without case; all that is no letter has no case. */
static bool
same_question(const struct dns_query *q, const uint8_t *p, size_t n)
{
	if (n < q->n - HEADER)
		return false;
	for (size_t i = 0; i < q->n - HEADER; i++) {
		unsigned a = q->bytes[HEADER + i], b = p[i];

		if (a >= 'A' && a <= 'Z')
			a += 'a' - 'A';
		if (b >= 'A' && b <= 'Z')
			b += 'a' - 'A';
		if (a != b)
			return false;
	}
	return true;
}

enum dns_verdict
dns_answer_read(const struct dns_query *q, const uint8_t *p, size_t n,
	const char *expect, struct dns_answer *out)
{
	struct reader r = { p, n, HEADER, false };
	unsigned questions, answers;

	*out = (struct dns_answer){ .met = expect[0] == '\0' };
	if (n < HEADER || memcmp(p, q->bytes, 2) != 0 ||
	    (p[2] & (FLAG_RESPONSE | FLAG_OPCODE)) != FLAG_RESPONSE)
		return DNS_NOT_OURS;
	out->rcode = p[3] & RCODE;
	questions = (unsigned)p[4] << 8 | p[5];
	answers = (unsigned)p[6] << 8 | p[7];
	/* Who refuses a message need not repeat it. */
	if (questions == 0 && out->rcode != 0 && answers == 0)
		return DNS_ANSWER;
	if (questions != 1 || !same_question(q, p + HEADER, n - HEADER))
		return DNS_NOT_OURS;
	if (p[2] & FLAG_TRUNCATED)
		return DNS_TRUNCATED;
	r.at += q->n - HEADER;
	for (; answers > 0; answers--) {
		if (!take_record(&r, q, expect, out))
			return DNS_MALFORMED;
	}
	return DNS_ANSWER;
}

/* ---- words ---- */

bool
dns_expect(uint16_t type, const char *text, char *out, size_t size)
{
	int family = type == DNS_A ? AF_INET : AF_INET6;
	uint8_t addr[16];
	size_t len = strlen(text);

	if (len >= size)
		return false;
	memcpy(out, text, len + 1);
	if (len == 0)
		return true;
	if (type == DNS_A || type == DNS_AAAA)
		return inet_pton(family, text, addr) == 1 &&
			inet_ntop(family, addr, out, (socklen_t)size) != NULL;
	if (type != DNS_TXT && len > 1 && out[len - 1] == '.')
		out[len - 1] = '\0';
	return true;
}

const char *
dns_rcode_name(unsigned rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL",
		"NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
		"NXRRSET", "NOTAUTH", "NOTZONE" };

	return rcode < ARRAY_LEN(names) ? names[rcode] : NULL;
}
