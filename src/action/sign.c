#include "action/sign.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

void
sign_put(struct strbuf *out, const char *secret, struct wall at,
	const struct strbuf *body)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[2 * sizeof(mac) + 1], head[32];
	crypto_auth_hmacsha256_state st;
	int64_t seconds = at.ms / 1000;

	snprintf(head, sizeof(head), "%" PRId64 ".", seconds);
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret,
		strlen(secret));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)head,
		strlen(head));
	crypto_auth_hmacsha256_update(&st,
		(const unsigned char *)strbuf_str(body), body->n);
	crypto_auth_hmacsha256_final(&st, mac);
	sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
	strbuf_printf(out, "t=%" PRId64 ",v1=%s", seconds, hex);
	sodium_memzero(&st, sizeof(st));
}
