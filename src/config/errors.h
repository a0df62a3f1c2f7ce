/*
 * What is wrong with a configuration: all of it, in the order of finding.
 */
#ifndef TOCSIN_CONFIG_ERRORS_H
#define TOCSIN_CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "model/opt.h"

#define CONFIG_ERRORS_MAX 100
struct config_error {
	const char *file;
	unsigned line;		/* 0 = the whole file */
	bool warning;		/* but the configuration is taken */
	const char *text;	/* "defaults: unknown key 'intervall'; …" */
};

/* {0} is empty. */
struct config_errors {
	struct arena arena;
	struct config_error items[CONFIG_ERRORS_MAX];
	size_t n;
	size_t errors;		/* all that were found, kept or not */
	size_t warnings;
};

/* A repeat of file, line and text is one. */
void config_errors_add(struct config_errors *errs, bool warning,
	struct opt_origin at, const char *fmt, ...) TC_PRINTF(4, 5);
/* "tocsin.yaml:12: …\n" for each, "and 7 more\n" at the end. */
void config_errors_print(const struct config_errors *errs,
	struct strbuf *out);
void config_errors_fini(struct config_errors *errs);

#endif
