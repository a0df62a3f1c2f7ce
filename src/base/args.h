/*
 * Command lines as rows.  The rows are parsed, and the help, the manual page
 * and the shell's completion are written from them.
 *
 *	--name VALUE, --name=VALUE, --flag, `--` ends the options.
 */
#ifndef TOCSIN_BASE_ARGS_H
#define TOCSIN_BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

enum arg_type {
	ARG_FLAG,	/* bool */
	ARG_STRING,	/* const char *, borrowed from argv */
	ARG_DUR,	/* struct dur, > 0 */
	ARG_SIZE,	/* uint64_t, bytes */
	ARG_COUNT,	/* uint64_t */
	ARG_LIST,	/* struct arg_list: each time it is given, one more */
};

struct arg_list {
	const char **items;	/* the caller's; the texts are borrowed */
	size_t n;
	size_t max;
};

/* Ends with a row whose name is NULL. */
struct arg {
	const char *name;	/* without the dashes */
	enum arg_type type;
	size_t at;		/* offset in the struct that is filled */
	const char *value;	/* "URL" in the help; NULL for a flag */
	const char *dflt;	/* parsed when not given; NULL = left as it is */
	const char *help;	/* one sentence, lower case, no full stop */
};

/* What any program tells of itself when it is asked. */
struct arg_asks {
	bool help, version, man, completion;
};

/* Their rows; `at` is the offset of the struct arg_asks. */
#define ARG_ASKS_ROWS(at)                                                    \
	{ "help", ARG_FLAG, (at) + offsetof(struct arg_asks, help),          \
		NULL, NULL, "print this" },                                  \
	{ "version", ARG_FLAG, (at) + offsetof(struct arg_asks, version),    \
		NULL, NULL, "print the version" },                           \
	{ "man", ARG_FLAG, (at) + offsetof(struct arg_asks, man),            \
		NULL, NULL, "print the manual page, for man(1) to format" }, \
	{ "completion", ARG_FLAG,                                            \
		(at) + offsetof(struct arg_asks, completion), NULL, NULL,    \
		"print the completion for bash" }

/* Ends with a row whose name is NULL. */
struct arg_verb {
	const char *name;
	const char *operands;	/* "HOST", "[HOST]"; "" = none */
	unsigned min;		/* operands wanted */
	unsigned max;
	const char *help;
	const struct arg *rows;	/* beside those of the program; or NULL */
};

struct arg_section {
	const char *title;	/* "FILES"; NULL ends */
	const char *text;	/* paragraphs, "\n\n" between; "TERM\tmeaning" */
};

struct arg_program {
	const char *name;
	int section;		/* of the manual */
	const char *version;
	const char *date;	/* of the manual page, ISO 8601 */
	const char *help;	/* one line */
	const char *about;	/* a paragraph or more */
	const struct arg *rows;
	const struct arg_verb *verbs;	/* NULL = none */
	const struct arg_section *more;	/* of the manual page; or NULL */
};

struct arg_rest {
	const struct arg_verb *verb;	/* NULL = none given */
	const char *const *operands;
	unsigned n;
};

/*
 * Fills *into by the rows (and those of the verb).  argv is reordered: what
 * is no option comes last.  TC_EINVAL with a sentence for the user.
 */
int args_parse(const struct arg_program *p, int argc, char **argv, void *into,
	struct arg_rest *rest, struct tc_err *e); /* lint: argc and argv are one thing */

bool args_asks_any(const struct arg_asks *asks);
/* Writes what was asked for; with help that of one verb, or of all (NULL). */
void args_answer(const struct arg_program *p, const struct arg_verb *verb,
	const struct arg_asks *asks, struct strbuf *out);
/* The same, to `to`, flushed: the exit status, 0 or 1. */
int args_print(const struct arg_program *p, const struct arg_asks *asks,
	FILE *to);

/* What --help prints; of one verb, or of the program (NULL). */
void args_help(const struct arg_program *p, const struct arg_verb *verb,
	struct strbuf *out);
/* The manual page, man(7). */
void args_man(const struct arg_program *p, struct strbuf *out);
/* Completion for bash. */
void args_completion(const struct arg_program *p, struct strbuf *out);

#endif
