#include "store/token.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "tcs_"
#define PREFIX_BYTES 4

void
token_make(char text[TOKEN_TEXT], unsigned char sha256[32])
{
	unsigned char secret[32];

	randombytes_buf(secret, sizeof(secret));
	memcpy(text, PREFIX, PREFIX_BYTES);
	sodium_bin2hex(text + PREFIX_BYTES, TOKEN_TEXT - PREFIX_BYTES, secret,
		sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	crypto_hash_sha256(sha256, (const unsigned char *)text,
		TOKEN_TEXT - 1);
}
