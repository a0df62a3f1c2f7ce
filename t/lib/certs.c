#include "t/lib/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_S 86400L

/* Not with libcheck: a benchmark uses it, too. */
static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "certs: %s\n", what);
	abort();
}

static FILE *
file(const char *dir, const char *name, const char *end, const char *how)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, end);
	f = fopen(path, how);
	must(f != NULL, path);
	return f;
}

static void
write_files(const char *dir, const char *name, X509 *cert, EVP_PKEY *key)
{
	FILE *f = file(dir, name, "pem", "w");

	must(PEM_write_X509(f, cert) == 1, name);
	fclose(f);
	f = file(dir, name, "key", "w");
	must(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1,
		name);
	fclose(f);
}

static void
extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(ext != NULL, value);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static void
fill(X509 *cert, const struct cert_want *want, long serial)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), want->from_days * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(cert), want->to_days * DAY_S);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		(const unsigned char *)want->name, -1, -1, 0);
}

void
cert_make(const char *dir, const struct cert_want *want)
{
	static long serial;
	EVP_PKEY *key = EVP_EC_gen("P-256"), *signer = key;
	X509 *cert = X509_new(), *issuer = cert;
	FILE *f;

	must(key != NULL && cert != NULL, "out of memory");
	fill(cert, want, ++serial);
	X509_set_pubkey(cert, key);
	if (want->issuer != NULL) {
		f = file(dir, want->issuer, "pem", "r");
		issuer = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
		f = file(dir, want->issuer, "key", "r");
		signer = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
		must(issuer != NULL && signer != NULL, want->issuer);
	}
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	extend(cert, issuer, NID_basic_constraints, want->is_ca ?
		"critical,CA:TRUE" : "CA:FALSE");
	if (want->dns != NULL)
		extend(cert, issuer, NID_subject_alt_name, want->dns);
	must(X509_sign(cert, signer, want->weak ? EVP_sha1() : EVP_sha256()) > 0,
		want->name);
	write_files(dir, want->name, cert, key);
	if (issuer != cert) {
		X509_free(issuer);
		EVP_PKEY_free(signer);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
}
