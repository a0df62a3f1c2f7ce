/*
 * Certificates for tests, written as PEM: right ones, and wrong ones of each
 * kind.
 */
#ifndef TOCSIN_T_LIB_CERTS_H
#define TOCSIN_T_LIB_CERTS_H

#include <stdbool.h>

struct cert_want {
	const char *name;	/* files DIR/NAME.pem and DIR/NAME.key */
	const char *issuer;	/* another one's name; NULL = itself */
	const char *dns;	/* subjectAltName, "DNS:a.test,IP:127.0.0.1" */
	long from_days;		/* from today */
	long to_days;
	bool is_ca;
	bool weak;		/* signed with SHA-1 */
};

/* Aborts when it cannot. */
void cert_make(const char *dir, const struct cert_want *want);

#endif
