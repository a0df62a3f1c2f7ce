#include "probes/tls/trust.h"

#include <errno.h>
#include <math.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/mem.h"

#define CA_FILES_MAX 64

/* The authorities of one file, or the system's. */
struct authority {
	struct list link;
	char *file;
	SSL_CTX *ctx;
	struct timespec changed;
	ino_t inode;
};

struct trust {
	struct list files;
	size_t n;
};

struct trust *
trust_new(void)
{
	struct trust *t = MEM_NEW(struct trust);

	if (t != NULL)
		list_init(&t->files);
	return t;
}

static void
authority_free(struct trust *t, struct authority *a)
{
	list_remove(&a->link);
	t->n--;
	SSL_CTX_free(a->ctx);
	mem_free(a->file);
	mem_free(a);
}

void
trust_free(struct trust *t)
{
	while (t != NULL && !list_is_empty(&t->files))
		authority_free(t, CONTAINER_OF(t->files.next, struct authority,
			link));
	mem_free(t);
}

/* The text of OpenSSL's last error, which is the one that explains. */
static const char *
last_error(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return why != NULL ? why : "no certificate in it";
}

static SSL_CTX *
context_new(const char *ca_file, char *error)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int ok;

	ERR_clear_error();
	if (ctx == NULL) {
		snprintf(error, 256, "out of memory");
		return NULL;
	}
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* The folder by its hashes: the bundle takes 20 ms to read. */
	ok = ca_file[0] != '\0' ? SSL_CTX_load_verify_file(ctx, ca_file) :
		SSL_CTX_set_default_verify_dir(ctx);
	if (ok == 1)
		return ctx;
	snprintf(error, 256, "option ca_file: %.150s: %s", ca_file,
		last_error());
	SSL_CTX_free(ctx);
	return NULL;
}

static struct authority *
find(struct trust *t, const char *ca_file)
{
	for (struct list *at = t->files.next; at != &t->files; at = at->next) {
		struct authority *a = CONTAINER_OF(at, struct authority, link);

		if (strcmp(a->file, ca_file) == 0)
			return a;
	}
	return NULL;
}

static void
keep(struct trust *t, const char *ca_file, SSL_CTX *ctx, const struct stat *st)
{
	struct authority *a = t->n < CA_FILES_MAX ? MEM_NEW(struct authority) :
		NULL;

	if (a == NULL)
		return;		/* then it is read each time */
	a->file = mem_strdup(ca_file);
	if (a->file == NULL) {
		mem_free(a);
		return;
	}
	SSL_CTX_up_ref(ctx);
	a->ctx = ctx;
	a->changed = st->st_mtim;
	a->inode = st->st_ino;
	list_add_tail(&t->files, &a->link);
	t->n++;
}

SSL_CTX *
trust_context(struct trust *t, const char *ca_file, char *error)
{
	const char *path = ca_file[0] != '\0' ? ca_file :
		X509_get_default_cert_dir();
	struct authority *a = find(t, ca_file);
	struct stat st = { 0 };
	SSL_CTX *ctx;

	if (stat(path, &st) < 0 && ca_file[0] != '\0') {
		snprintf(error, 256, "option ca_file: %.150s: %s", ca_file,
			strerrordesc_np(errno));
		return NULL;
	}
	if (a != NULL && a->inode == st.st_ino &&
	    a->changed.tv_sec == st.st_mtim.tv_sec &&
	    a->changed.tv_nsec == st.st_mtim.tv_nsec) {
		SSL_CTX_up_ref(a->ctx);
		return a->ctx;
	}
	if (a != NULL)
		authority_free(t, a);
	ctx = context_new(ca_file, error);
	if (ctx != NULL)
		keep(t, ca_file, ctx, &st);
	return ctx;
}

/* ---- faults ---- */

static void
note(struct cert_faults *f, int err)
{
	switch (err) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		f->bits |= CERT_EXPIRED;
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		f->bits |= CERT_NOT_YET;
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		f->bits |= CERT_SELF_SIGNED;
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		f->bits |= CERT_UNTRUSTED;
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		f->bits |= CERT_WRONG_NAME;
		return;
	case X509_V_ERR_CERT_REVOKED:
		f->bits |= CERT_REVOKED;
		return;
	case X509_V_OK:
		return;
	default:	/* a few dozen more */
		f->bits |= CERT_OTHER;
		f->other = err;
		return;
	}
}

static int
on_verify(int ok, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx,
		SSL_get_ex_data_X509_STORE_CTX_idx());

	if (!ok)
		note(SSL_get_app_data(ssl), X509_STORE_CTX_get_error(ctx));
	return 1;
}

void
trust_note_faults(SSL *ssl, struct cert_faults *f)
{
	*f = (struct cert_faults){ 0 };
	SSL_set_app_data(ssl, f);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
}

/* The first name that the certificate is made for; "" when it has none. */
static void
cert_name(X509 *leaf, char name[64])
{
	GENERAL_NAMES *names = leaf != NULL ? X509_get_ext_d2i(leaf,
		NID_subject_alt_name, NULL, NULL) : NULL;
	const GENERAL_NAME *first = sk_GENERAL_NAME_num(names) > 0 ?
		sk_GENERAL_NAME_value(names, 0) : NULL;

	name[0] = '\0';
	if (first != NULL && first->type == GEN_DNS)
		snprintf(name, 64, "%.*s",
			ASN1_STRING_length(first->d.dNSName),
			(const char *)ASN1_STRING_get0_data(first->d.dNSName));
	else if (leaf != NULL && names == NULL)
		X509_NAME_get_text_by_NID(X509_get_subject_name(leaf),
			NID_commonName, name, 64);
	GENERAL_NAMES_free(names);
}

static void
add(char text[200], const char *words)
{
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%s%s", n > 0 ? "; " : "", words);
}

static void
cert_date(const ASN1_TIME *time, const char *words, char out[64])
{
	struct tm tm = { 0 };

	if (time != NULL && ASN1_TIME_to_tm(time, &tm) == 1)
		snprintf(out, 64, "%s %04d-%02d-%02d", words,
			1900 + tm.tm_year,	/* lint: only shown */
			tm.tm_mon + 1, tm.tm_mday);
	else
		snprintf(out, 64, "%s an unknown day", words);
}

void
cert_describe(const struct cert_faults *f, X509 *leaf, const char *name,
	char text[200])
{
	char words[160], made_for[64];

	text[0] = '\0';
	if (f->bits & CERT_EXPIRED) {
		/* it may be another of the chain that has */
		if (leaf != NULL && X509_cmp_current_time(
		    X509_get0_notAfter(leaf)) < 0)
			cert_date(X509_get0_notAfter(leaf), "expired on", words);
		else
			snprintf(words, sizeof(words),
				"an issuer's certificate has expired");
		add(text, words);
	}
	if (f->bits & CERT_NOT_YET) {
		cert_date(leaf != NULL ? X509_get0_notBefore(leaf) : NULL,
			"not valid before", words);
		add(text, words);
	}
	if (f->bits & CERT_SELF_SIGNED)
		add(text, "self-signed");
	else if (f->bits & CERT_UNTRUSTED)
		add(text, "issued by nobody that is trusted here");
	if (f->bits & CERT_WRONG_NAME) {
		cert_name(leaf, made_for);
		snprintf(words, sizeof(words), "made for '%.50s', not for '%.60s'",
			made_for, name);
		add(text, words);
	}
	if (f->bits & CERT_REVOKED)
		add(text, "revoked");
	if (f->bits & CERT_OTHER)
		add(text, X509_verify_cert_error_string(f->other));
}

static double
left_seconds(const X509 *cert, const ASN1_TIME *now)
{
	int days, seconds;

	if (cert == NULL || ASN1_TIME_diff(&days, &seconds, now,
	    X509_get0_notAfter(cert)) != 1)
		return (double)NAN;
	return days * 86400.0 + seconds;
}

double
cert_expiry_seconds(const SSL *ssl, bool checked, int64_t wall_ms)
{
	STACK_OF(X509) *chain = checked ? SSL_get0_verified_chain(ssl) : NULL;
	ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(wall_ms / 1000));
	double least = (double)NAN;

	if (now == NULL)
		return least;
	least = left_seconds(SSL_get0_peer_certificate(ssl), now);
	for (int i = 0; i < sk_X509_num(chain); i++)
		least = fmin(least, left_seconds(sk_X509_value(chain, i), now));
	ASN1_TIME_free(now);
	return least;
}
