/*
 * What the views share: pieces of JSON, and text kept with chunks.
 */
#ifndef TOCSIN_HTTP_VIEW_H
#define TOCSIN_HTTP_VIEW_H

#include "http/request.h"
#include "wire/json_write.h"

#define LIST_LIMIT 100
#define LIST_LIMIT_MAX 10000

/* null when ms is 0. */
void add_time(struct json_write *w, const char *key, struct wall at);
/* null when negative. */
void add_probability(struct json_write *w, const char *key, double p);
/* null when 0. */
void add_id(struct json_write *w, const char *key, uint64_t id);
/* {"team": "web"} */
void add_tags(struct json_write *w, const struct snap_host *h);
/* "team", "team=web" or "team:web" */
bool host_has_tag(const struct snap_host *h, const char *tag);
/*
 * What the summary would be if there were but the hosts with the tag: numbers
 * and names alone, borrowed from `s`.
 */
void part_of_tag(const struct snapshot *s, const char *tag,
	struct snapshot *part);
/* `in` is where their hosts lie. */
void put_check(struct json_write *w, const struct snap_chunk *in,
	const struct snap_check *c);
/* Of a device, with nothing to say included. */
void put_evidence(struct json_write *w, const struct snap_device *d);
/* "accepted": [… */
void add_accepted(struct json_write *w, const struct snap_device *d);
void put_device(struct json_write *w, const struct snap_chunk *in,
	const struct snap_device *d);
/* An item of /v1/predictions. */
/* Of the host's own signals; there must be one. */
void put_own_prediction(struct json_write *w, const struct snap_host *h);
void put_prediction(struct json_write *w, const struct snap_host *h,
	const struct snap_device *d);

/* An event as one object: an item of the list, or the data of a frame. */
void event_write(struct json_write *w, const struct http_event *ev);

/* Members of an open object. */
void add_brake(struct json_write *w, const struct snap_partition *p);
/* Bits by enum why_not. */
void add_why_not(struct json_write *w, unsigned why);
/* Who may take it, and why the others of the partition may not. */
void add_targets(struct json_write *w, const char *const *names, size_t n,
	const size_t counts[TARGET_COUNT_]);

enum chunk_text { TEXT_ROWS = 0, TEXT_HOSTS = 1 };
/*
 * The hosts of a chunk as objects, each followed by a comma; made by the first
 * who asks.  NULL when out of memory.
 */
const struct snap_text *chunk_text(struct snap_chunk *c, enum chunk_text what);

/*
 * The host that {h} names; NULL after having set 404 or 400.
 */
const struct snap_host *find_host(struct request *r, struct snap_chunk **chunk,
	size_t *at);

/* The folded name that a parameter gives; *out is NULL when it is absent. */
int read_name(const struct target *t, const char *param, char *to,
	const char **out, struct tc_err *e);
/* Every word of the list must be known: a typing error is no empty list. */
int check_words(const char *name, const char *list,
	bool (*knows)(const char *, size_t), struct tc_err *e);
bool knows_level(const char *id, size_t n);

/* The partition with the smallest name above `after`; NULL at the end. */
const struct snap_partition *next_partition(const struct snapshot *s,
	const char *after);

/* As a path or query takes it. */
void put_escaped(struct strbuf *out, const char *text);
/* view_units.c; members of an open object */
void add_unit_head(struct json_write *w, const struct snap_unit *u);
void add_unit_url(struct json_write *w, const char *key, uint32_t id);
void add_unit(struct json_write *w, const struct snap_whose *of,
	const struct snap_unit *u);
void add_host_units(struct json_write *w, const struct snap_chunk *in,
	const struct snap_host *h);
void add_unit_sets(struct json_write *w, const struct snap_host *h);
void add_layers(struct json_write *w, const struct snapshot *s);
void add_ladder(struct json_write *w, const struct snap_plan *p);
/* view_deeds.c: the rule of a check in force */
void put_rule(struct json_write *w, const struct snap_check *c);

/*
 * Ends "items" and says where the list goes on: a cursor of this kind and key
 * (NULL = nowhere), in the body and as Link: rel="next"; or, of lists from
 * the store, the number behind which (0 = nowhere).
 */
void list_end(struct request *r, struct json_write *w, char kind,
	const char *key);
void list_end_seq(struct json_write *w, uint64_t after);

#endif
