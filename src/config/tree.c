#include "config/tree.h"

#include <string.h>
#include <yaml.h>

#include "base/hash.h"

#define DEPTH_MAX 32
/* Aliases may repeat nodes, but not explode: an anchor bomb ends here. */
#define NODES_SPARE 100000
#define NODES_FACTOR 4
#define HOSTS_DEPTH 2	/* partitions: [{hosts: …}] */

struct convert {
	yaml_document_t *doc;
	const char *file;
	struct arena *texts;
	struct arena *hosts;
	struct arena *nodes;
	bool in_partitions;
	struct config_errors *errs;
	size_t left;	/* nodes that may still be made */
	int rc;
};

static struct node *convert_node(struct convert *c, int index, int depth);

static void
refuse(struct convert *c, unsigned line, const char *what)
{
	config_errors_add(c->errs, false,
		(struct opt_origin){ c->file, line }, "%s", what);
	c->rc = TC_EINVAL;
}

static void *
take(struct convert *c, size_t n, size_t size)
{
	void *p = n <= SIZE_MAX / size ? arena_alloc(c->nodes, n * size) : NULL;

	if (p == NULL)
		c->rc = TC_ENOMEM;
	return p;
}

static const char *
take_text(struct convert *c, struct arena *to, const yaml_node_t *y,
	unsigned line)
{
	const char *text = (const char *)y->data.scalar.value;
	const char *copy;

	if (strlen(text) != y->data.scalar.length)
		refuse(c, line, "a NUL character in a text");
	copy = arena_strdup(to, text);
	if (copy == NULL)
		c->rc = TC_ENOMEM;
	return copy;
}

static void
convert_list(struct convert *c, const yaml_node_t *y, struct node *n,
	int depth)
{
	const yaml_node_item_t *from = y->data.sequence.items.start;
	size_t count = (size_t)(y->data.sequence.items.top - from);

	n->items = take(c, count, sizeof(*n->items));
	for (size_t i = 0; i < count && n->items != NULL; i++) {
		struct node *item = convert_node(c, from[i], depth + 1);

		if (item == NULL)
			return;
		n->items[n->n++] = item;
	}
}

static bool
take_key(struct convert *c, const yaml_node_pair_t *pair, struct node *n)
{
	const yaml_node_t *key = yaml_document_get_node(c->doc, pair->key);
	unsigned line = (unsigned)key->start_mark.line + 1;

	if (key->type != YAML_SCALAR_NODE) {
		refuse(c, line, "a key must be a word");
		return false;
	}
	n->keys[n->n] = take_text(c, c->nodes, key, line);
	n->key_lines[n->n] = line;
	return n->keys[n->n] != NULL;
}

/* Those of hosts go when the engine has them, so they lie apart. */
static struct node *
convert_value(struct convert *c, int index, const char *key, int depth)
{
	struct arena *around = c->texts;
	struct node *n;

	if (depth == 0)
		c->in_partitions = strcmp(key, "partitions") == 0;
	if (c->in_partitions && depth == HOSTS_DEPTH &&
	    strcmp(key, "hosts") == 0)
		c->texts = c->hosts;
	n = convert_node(c, index, depth + 1);
	c->texts = around;
	return n;
}

static void
convert_map(struct convert *c, const yaml_node_t *y, struct node *n, int depth)
{
	const yaml_node_pair_t *from = y->data.mapping.pairs.start;
	size_t count = (size_t)(y->data.mapping.pairs.top - from);
	struct hash seen = { 0 };

	n->items = take(c, count, sizeof(*n->items));
	n->keys = take(c, count, sizeof(*n->keys));
	n->key_lines = take(c, count, sizeof(*n->key_lines));
	for (size_t i = 0; i < count && c->rc != TC_ENOMEM; i++) {
		if (!take_key(c, &from[i], n))
			continue;
		if (hash_get_str(&seen, n->keys[n->n]) != NULL) {
			config_errors_add(c->errs, false, (struct opt_origin)
				{ c->file, n->key_lines[n->n] },
				"the key '%.60s' twice", n->keys[n->n]);
			c->rc = TC_EINVAL;
			continue;
		}
		if (hash_put_str(&seen, n->keys[n->n], n) < 0)
			c->rc = TC_ENOMEM;
		n->items[n->n] = convert_value(c, from[i].value, n->keys[n->n],
			depth);
		if (n->items[n->n] == NULL)
			break;
		n->n++;
	}
	hash_free(&seen);
}

static bool
tag_is_plain(const yaml_node_t *y)
{
	const char *tag = (const char *)y->tag;

	return tag == NULL || strcmp(tag, YAML_STR_TAG) == 0 ||
		strcmp(tag, YAML_SEQ_TAG) == 0 ||
		strcmp(tag, YAML_MAP_TAG) == 0;
}

static struct node *
convert_node(struct convert *c, int index, int depth)
{
	const yaml_node_t *y = yaml_document_get_node(c->doc, index);
	unsigned line = (unsigned)y->start_mark.line + 1;
	struct node *n;

	if (depth > DEPTH_MAX || c->left == 0) {
		refuse(c, line, depth > DEPTH_MAX ? "nested too deeply" :
			"aliases repeat too much");
		return NULL;
	}
	c->left--;
	if (!tag_is_plain(y))
		refuse(c, line, "tags such as !this are not taken");
	n = take(c, 1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->line = line;
	switch (y->type) {
	case YAML_SCALAR_NODE:
		n->kind = NODE_SCALAR;
		n->plain = y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		n->text = take_text(c, c->texts, y, line);
		break;
	case YAML_SEQUENCE_NODE:
		n->kind = NODE_LIST;
		convert_list(c, y, n, depth);
		break;
	case YAML_MAPPING_NODE:
		n->kind = NODE_MAP;
		convert_map(c, y, n, depth);
		break;
	case YAML_NO_NODE:
		refuse(c, line, "nothing where a value is expected");
		break;
	}
	return c->rc == TC_ENOMEM ? NULL : n;
}

/* From 1; of a byte that is no character the parser knows no more. */
static unsigned
line_at(const struct config_text *src, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < src->n; i++)
		line += src->text[i] == '\n';
	return line;
}

/* A tab before the place is what most of these are about. */
static bool
line_has_tab(const struct config_text *src, size_t line)
{
	const char *p = src->text, *end = src->text + src->n;

	for (; line > 0 && p != NULL; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p != NULL)
			p++;
	}
	if (p == NULL)
		return false;
	while (p < end && *p == ' ')
		p++;
	return p < end && *p == '\t';
}

static int
syntax_error(const yaml_parser_t *p, const struct config_text *src,
	struct config_errors *errs)
{
	struct opt_origin at = { src->path,
		(unsigned)p->problem_mark.line + 1 };

	if (p->error == YAML_MEMORY_ERROR)
		return TC_ENOMEM;
	if (p->error == YAML_READER_ERROR)
		at.line = line_at(src, p->problem_offset);
	if (p->error == YAML_READER_ERROR)
		config_errors_add(errs, false, at, "%s (byte %zu)",
			p->problem, p->problem_offset);
	else if (line_has_tab(src, at.line - 1))
		config_errors_add(errs, false, at,
			"a tab may not indent: %s", p->problem);
	else if (p->context != NULL)
		config_errors_add(errs, false, at, "%s (%s)", p->problem,
			p->context);
	else
		config_errors_add(errs, false, at, "%s",
			p->problem != NULL ? p->problem : "not YAML");
	return TC_EINVAL;
}

static int
convert_document(struct convert *c, struct node **out)
{
	size_t nodes = (size_t)(c->doc->nodes.top - c->doc->nodes.start);

	c->left = nodes * NODES_FACTOR + NODES_SPARE;
	if (nodes != 0) {
		*out = convert_node(c, 1, 0);
		return c->rc;
	}
	*out = take(c, 1, sizeof(**out));
	if (*out != NULL) {
		(*out)->kind = NODE_MAP;
		(*out)->line = 1;
	}
	return c->rc;
}

/* What follows the first document must be the end. */
static int
expect_end(yaml_parser_t *p, const struct config_text *src, struct convert *c)
{
	yaml_document_t more;
	const yaml_node_t *root;
	int rc = 0;

	if (!yaml_parser_load(p, &more))
		return syntax_error(p, src, c->errs);
	root = yaml_document_get_root_node(&more);
	if (root != NULL) {
		refuse(c, (unsigned)root->start_mark.line + 1,
			"a second document");
		rc = TC_EINVAL;
	}
	yaml_document_delete(&more);
	return rc;
}

static void
set_input(yaml_parser_t *p, const struct config_text *src)
{
	yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(p,
		(const unsigned char *)(src->n != 0 ? src->text : ""), src->n);
}

/* +1, −1 or 0; *more = false at the end. */
static int
step_of(const yaml_event_t *event, bool *more)
{
	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return 1;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return -1;
	case YAML_STREAM_END_EVENT:
		*more = false;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_ALIAS_EVENT:
	case YAML_SCALAR_EVENT:
		break;
	}
	return 0;
}

/*
 * libyaml's time grows with the square of the depth (60 KB of '[' take it
 * 10 s), so the depth is looked at first.  Faults of the syntax are left to
 * the second reading.
 */
static int
check_depth(const struct config_text *src, struct config_errors *errs)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;
	int depth = 0;

	if (!yaml_parser_initialize(&parser))
		return TC_ENOMEM;
	set_input(&parser, src);
	while (more && depth <= DEPTH_MAX &&
	       yaml_parser_parse(&parser, &event)) {
		depth += step_of(&event, &more);
		if (depth > DEPTH_MAX)
			config_errors_add(errs, false, (struct opt_origin)
				{ src->path, (unsigned)
				  event.start_mark.line + 1 },
				"nested too deeply");
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return depth > DEPTH_MAX ? TC_EINVAL : 0;
}

int
tree_parse(const struct config_text *src, const struct tree_memory *in,
	struct node **out, struct config_errors *errs)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct convert c = { .doc = &doc, .file = src->path,
		.texts = in->texts, .hosts = in->hosts, .nodes = in->nodes,
		.errs = errs };
	int rc = check_depth(src, errs);

	if (rc < 0)
		return rc;
	if (!yaml_parser_initialize(&parser))
		return TC_ENOMEM;
	set_input(&parser, src);
	if (!yaml_parser_load(&parser, &doc)) {
		rc = syntax_error(&parser, src, errs);
		goto out;
	}
	rc = convert_document(&c, out);
	if (rc != TC_ENOMEM && doc.nodes.top != doc.nodes.start &&
	    expect_end(&parser, src, &c) < 0)
		rc = TC_EINVAL;
	yaml_document_delete(&doc);
out:
	yaml_parser_delete(&parser);
	return rc;
}

const struct node *
node_get(const struct node *map, const char *key)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i], key) == 0)
			return map->items[i];
	return NULL;
}

bool
node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain && (n->text[0] == '\0' ||
		strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}
