/*
 * The sections `alerts` and `evacuate`: read and checked whole.
 */
#ifndef TOCSIN_CONFIG_ALERTS_H
#define TOCSIN_CONFIG_ALERTS_H

#include "config/config.h"
#include "config/rows.h"

/* The receiver named at the line; NULL is an error with the nearest name. */
const struct config_receiver *alerts_want_receiver(struct reader *rd,
	const struct config *cfg, const char *name, unsigned line,
	const char *where); /* lint: name, line and where are one place */
void alerts_read(struct reader *rd, const struct node *root,
	struct config *cfg);
void evacuate_read(struct reader *rd, const struct node *root,
	struct config *cfg, struct config_values *mode);

#endif
