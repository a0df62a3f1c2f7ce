/*
 * Text files of the kernel below a root, so that tests bring their own tree,
 * read line by line and field by field.  What is not as expected is skipped:
 * /proc is written by many kernels.
 */
#ifndef TOCSIN_PROBES_COMMON_SYSFILE_H
#define TOCSIN_PROBES_COMMON_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* A piece of text, not terminated. */
struct span {
	const char *p;
	size_t n;
};

/* ROOT/PATH into `out` (emptied first), at most 1 MiB; 0 or −errno. */
int sysfile_read(const char *root, const char *path, struct strbuf *out);

/* The first word of a file; it stands in `text`.  False where there is none. */
bool sysfile_word(const char *root, const char *path, struct strbuf *text,
	struct span *word);

/* A directory, or a link to one. */
bool sysfile_is_dir(const char *root, const char *path);

/* A file that holds one number, "0x…" too. */
bool sysfile_u64(const char *root, const char *path, uint64_t *out);

/* Cuts the next line (without its end) off `rest`; false at the end. */
bool span_line(struct span *rest, struct span *line);
/* Cuts the next word off, blanks around it skipped; false at the end. */
bool span_word(struct span *rest, struct span *word);
bool span_is(struct span s, const char *text);
bool span_starts(struct span s, const char *text);
/* The next word as a number; false when there is none. */
bool span_u64(struct span *rest, uint64_t *out);
bool span_double(struct span *rest, double *out);

static inline struct span
span_of(const struct strbuf *sb)
{
	return (struct span){ strbuf_str(sb), sb->n };
}

/* Entries of ROOT/PATH whose names are sane, sorted. */
struct names {
	char (*items)[64];
	size_t n;
	size_t cap;
};

/* 0 or −errno; names_free() either way. */
int names_list(const char *root, const char *path, struct names *out);
void names_free(struct names *names);

/* sysfs names of disks, controllers…: [A-Za-z0-9!_.:-]+, ≤ 63 bytes. */
bool sysfile_name_ok(const char *name);

#endif
