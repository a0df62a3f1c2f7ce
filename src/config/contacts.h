/*
 * Contacts by type: whom a matter concerns, each type a list of receivers.
 * Notices go to them without a route; a route may name them.
 */
#ifndef TOCSIN_CONFIG_CONTACTS_H
#define TOCSIN_CONFIG_CONTACTS_H

#include "config/config.h"
#include "config/rows.h"

/* Symbol, id, what it is for. */
#define CONTACT_TABLE(X)                                       \
	X(OPS, "ops", "those who run the machines")            \
	X(SECURITY, "security", "those who answer for safety") \
	X(BILLING, "billing", "those whom customers and money concern")

enum contact {
#define X(sym, id, words) CONTACT_##sym,
	CONTACT_TABLE(X)
#undef X
	CONTACT_COUNT_,
};

struct config_contacts {
	struct config_list of[CONTACT_COUNT_];	/* receivers, the first first */
	struct opt_origin origin;
};

const char *contact_id(enum contact type);
bool contact_parse(const char *id, enum contact *out);

/* `contacts:` of the map `alerts`, after its receivers. */
void contacts_read(struct reader *rd, const struct node *alerts,
	struct config *cfg);
/*
 * Of what is good so far: a type without anybody, or with one whom nobody
 * stands in for, is a warning.
 */
void contacts_lint(struct reader *rd, const struct node *alerts,
	const struct config *cfg);
/* The types that a route names; what is no type is an error. */
void contacts_check(struct reader *rd, const struct config_list *types,
	const struct config *cfg);

#endif
