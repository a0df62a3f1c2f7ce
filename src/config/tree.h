/*
 * YAML as a tree of ours, where every node knows its line: libyaml's document
 * with what we do not take refused: tags, keys that are no words, a key
 * twice, NULs, a second document, too deep, too many nodes by aliases.
 */
#ifndef TOCSIN_CONFIG_TREE_H
#define TOCSIN_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	unsigned line;
	bool plain;		/* scalar: without quotes */
	const char *text;	/* scalar, NUL-terminated, no NUL inside */
	struct node **items;	/* list and map: the values */
	const char **keys;	/* map */
	unsigned *key_lines;	/* map */
	size_t n;
};

/*
 * The only document; an empty text is an empty map.  src->path must outlive
 * the tree's use.  TC_EINVAL with the faults in `errs`, TC_ENOMEM.
 */
struct tree_memory {
	struct arena *texts;	/* of scalars */
	struct arena *hosts;	/* those in `partitions: - hosts:` */
	struct arena *nodes;	/* all else; may go when the tree was read */
};
int tree_parse(const struct config_text *src, const struct tree_memory *in,
	struct node **out, struct config_errors *errs);

/* NULL when there is no such key. */
const struct node *node_get(const struct node *map, const char *key);
/* Nothing behind the colon, or ~ or null. */
bool node_is_null(const struct node *n);

#endif
