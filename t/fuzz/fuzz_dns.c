/*
 * Any bytes as the answer to a question of each type (the first byte picks
 * it): nothing is read beyond them, and no name leads round.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "probes/dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define X(number, sym) (number),
static const uint16_t types[] = { DNS_TYPE_TABLE(X) };
#undef X

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_query q;
	struct dns_answer a;
	uint8_t *p;

	if (size < 1 || !dns_query_write(&q, "a.test", types[data[0] %
	    ARRAY_LEN(types)]))
		return 0;
	data++;
	size--;
	p = malloc(size > 0 ? size : 1);
	if (p == NULL)
		return 0;
	if (size > 0)
		memcpy(p, data, size);
	/* the input need not guess what is checked first */
	if (size > 2)
		p[2] = (uint8_t)(p[2] | 0x80) & 0x87;
	if (size >= q.n) {
		memcpy(p + 12, q.bytes + 12, q.n - 12);
		memset(p, 0, 2);
		p[4] = 0;
		p[5] = 1;
	}
	if (dns_answer_read(&q, p, size, "x", &a) == DNS_ANSWER &&
	    (strlen(a.first) >= sizeof(a.first) || (a.met && a.n == 0)))
		abort();
	free(p);
	return 0;
}
