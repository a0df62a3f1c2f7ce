/*
 * Whom to trust, and what is wrong with a certificate: an OpenSSL context for
 * each file of authorities, made anew when the file has changed.
 */
#ifndef TOCSIN_PROBES_TLS_TRUST_H
#define TOCSIN_PROBES_TLS_TRUST_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct trust;

/* NULL when out of memory. */
struct trust *trust_new(void);
void trust_free(struct trust *t);
/*
 * "" = the system's authorities, looked up one by one as they are needed.
 * NULL: the file cannot be used, `error` (of 256 bytes) says why.  The
 * context is the caller's: SSL_CTX_free().
 */
SSL_CTX *trust_context(struct trust *t, const char *ca_file, char *error);

/* What is wrong, as bits. */
enum cert_fault {
	CERT_EXPIRED = 1 << 0,
	CERT_NOT_YET = 1 << 1,
	CERT_SELF_SIGNED = 1 << 2,
	CERT_UNTRUSTED = 1 << 3,	/* signed by nobody that we know */
	CERT_WRONG_NAME = 1 << 4,
	CERT_REVOKED = 1 << 5,
	CERT_OTHER = 1 << 6,
};

/* All that was found in one handshake. */
struct cert_faults {
	unsigned bits;		/* enum cert_fault */
	int other;		/* X509_V_ERR_… behind CERT_OTHER */
};

/* Faults are noted and the handshake goes on; `f` outlives the connection. */
void trust_note_faults(SSL *ssl, struct cert_faults *f);

/*
 * "expired; made for a.test, not for b.test".  `name` is what was asked for,
 * `leaf` may be NULL.
 */
void cert_describe(const struct cert_faults *f, X509 *leaf, const char *name,
	char text[200]);
/*
 * Seconds until the first certificate of the checked chain expires (the leaf
 * alone when there is none), negative when it has; NaN when it cannot be told.
 */
double cert_expiry_seconds(const SSL *ssl, bool checked, int64_t wall_ms);

#endif
