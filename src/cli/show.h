/*
 * Pieces that several verbs show.
 */
#ifndef TOCSIN_CLI_SHOW_H
#define TOCSIN_CLI_SHOW_H

#include "cli/cli.h"

/* "ST4000DM000 Z300XXXX": of a device object {kind, model, serial, wwn}. */
void show_device(const struct doc *device, char *text, size_t size);
/* As it stands behind "h1 is": "in maintenance", "healthy". */
const char *show_state(const char *id);
/* The words of a reason id; "" for "none". */
const char *show_reason(const char *id);
/*
 * In text only: "the brake of rack1 is latched for 5 min: 40 of 1000 hosts…";
 * an item of /v1/brakes, or of the summary's brakes.
 */
void show_brake(struct cli *c, const struct doc *brake);
/* In text only: the words of each why_not, a line each, behind `head`. */
void show_why_not(struct cli *c, const struct doc *why_not, const char *head);
/* "h1, h2 and 7 more" */
void show_names(const struct doc *names, size_t max, char *text, size_t size);
/* In kv only: "key=h1,h2" */
void show_pair_names(struct cli *c, const char *key, const struct doc *names);
/* A cell with the names: all of them in kv, the first `max` in text. */
void show_name_list(struct table *t, size_t column, const struct doc *names,
	size_t max);
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
