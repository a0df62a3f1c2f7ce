#include "store/token.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "tcs_"
#define PREFIX_BYTES 4
#define DAY_MS INT64_C(86400000)
#define SOON_MS (30 * DAY_MS)
#define VALID_MIN_S 1
#define VALID_MAX_DAYS 36500

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

int
token_until(struct wall at, struct dur valid, struct wall *out,
	struct tc_err *e)
{
	char text[WALL_TEXT];
	struct wall until, back;

	if (valid.ns == 0) {
		out->ms = 0;
		return 0;
	}
	if (valid.ns < dur_s(VALID_MIN_S).ns ||
	    valid.ns > dur_s(VALID_MAX_DAYS * (DAY_MS / 1000)).ns)
		return tc_fail(e, TC_EINVAL, "not in %d s to %d days",
			VALID_MIN_S, VALID_MAX_DAYS);
	until = wall_add(at, valid);
	wall_format(until, text, sizeof(text));
	/* What cannot be read back would be refused by who checks it. */
	if (wall_parse(text, strlen(text), &back) < 0 || back.ms != until.ms ||
	    until.ms <= at.ms)
		return tc_fail(e, TC_EINVAL, "ends at no time: %s", text);
	*out = until;
	return 0;
}

bool
token_ends_soon(struct wall created, struct wall until, struct wall now)
{
	int64_t soon = (until.ms - created.ms) / 3;

	if (until.ms == 0)
		return false;
	return until.ms - now.ms < (soon < SOON_MS ? soon : SOON_MS);
}
