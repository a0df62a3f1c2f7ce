/*
 * The sections `alerts` and `evacuate`: read and checked whole.
 */
#ifndef TOCSIN_CONFIG_ALERTS_H
#define TOCSIN_CONFIG_ALERTS_H

#include "config/config.h"
#include "config/rows.h"

void alerts_read(struct reader *rd, const struct node *root,
	struct config *cfg);
void evacuate_read(struct reader *rd, const struct node *root,
	struct config *cfg, struct config_values *mode);

#endif
