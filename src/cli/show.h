/*
 * Pieces that several verbs show.
 */
#ifndef TOCSIN_CLI_SHOW_H
#define TOCSIN_CLI_SHOW_H

#include "cli/cli.h"

/* "ST4000DM000 Z300XXXX": of a device object {kind, model, serial, wwn}. */
void show_device(const struct doc *device, char *text, size_t size);
/* The words of a reason id; "" for "none". */
const char *show_reason(const char *id);
/* Sets a cell to an age in words, raw as it came. */
void show_age(struct cli *c, struct table *t, size_t column,
	const struct doc *from, const char *key);
/* Sets a cell to a probability. */
void show_share(struct table *t, size_t column, const struct doc *from,
	const char *key);
void show_text(struct table *t, size_t column, const struct doc *from,
	const char *key);
/* The strongest rows of evidence in words: "16 pending sectors, …". */
void show_because(const struct doc *evidence, size_t max, char *text,
	size_t size);

#endif
