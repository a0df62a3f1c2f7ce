#include "config/file_sd.h"

#include <string.h>

#include "config/partition.h"
#include "model/name.h"
#include "wire/json_read.h"

#define TARGETS_MAX 100000
#define LABELS_MAX_GROUP 64
#define TEXT_MAX 1024

struct target {
	const char *address;
	unsigned line;
};

struct sd_read {
	struct json_read r;
	struct arena *arena;
	const char *counted;	/* up to here, lines are counted */
	unsigned line;
	struct target *targets;	/* of the group at hand */
	size_t n_targets;
	size_t cap_targets;
	struct tag labels[LABELS_MAX_GROUP];
	size_t n_labels;
	const char *host;	/* the label, folded, or NULL */
	const char *parent;	/* the same */
	const char *vm, *role;	/* the same */
	enum unit_class cls;
	struct sd_unit *units;
	size_t n_units;
	size_t cap_units;
	struct sd_host *hosts;
	size_t n_hosts;
	size_t cap_hosts;
	struct hash by_name;	/* → index + 1 */
};

static unsigned
line_here(struct sd_read *in)
{
	for (; in->counted < in->r.mark; in->counted++)
		in->line += *in->counted == '\n';
	return in->line;
}

/* "10.0.0.1:9100", "[::1]:9100", "::1", "h1" → without the port. */
static void
strip_port(char *text)
{
	char *colon = strrchr(text, ':'), *bracket;

	if (text[0] == '[' && (bracket = strchr(text, ']')) != NULL) {
		*bracket = '\0';
		memmove(text, text + 1, strlen(text));
		return;
	}
	if (colon == NULL || strchr(text, ':') != colon ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return;
	*colon = '\0';
}

static void
read_target(struct sd_read *in)
{
	const char *text = json_get_cstr(&in->r, TEXT_MAX);
	void *items = in->targets;
	char *address;

	if (json_failed(&in->r))
		return;
	address = arena_strdup(in->arena, text);
	if (address == NULL || mem_grow(&items, &in->cap_targets,
		in->n_targets + 1, sizeof(*in->targets)) < 0) {
		json_fail_memory(&in->r);
		return;
	}
	in->targets = items;
	strip_port(address);
	if (address[0] == '\0' || !name_is_address(address))
		json_fail(&in->r, "'%.60s' is no address", text);
	else if (in->n_targets == TARGETS_MAX)
		json_fail(&in->r, "more than %d targets", TARGETS_MAX);
	else
		in->targets[in->n_targets++] = (struct target){ address,
			line_here(in) };
}

static void
read_targets(struct sd_read *in)
{
	json_enter_array(&in->r);
	while (json_next_item(&in->r))
		read_target(in);
}

/* The folded name in the arena, or NULL. */
static const char *
folded_name(struct sd_read *in, const char *text)
{
	char folded[NAME_MAX_BYTES + 1];
	const char *copy;
	struct tc_err e;

	if (name_fold(text, strlen(text), folded, &e) < 0) {
		json_fail(&in->r, "'%.60s' is no name: %s", text, e.text);
		return NULL;
	}
	copy = arena_strdup(in->arena, folded);
	if (copy == NULL)
		json_fail_memory(&in->r);
	return copy;
}

/* "" is as if it were not there: a relabelling may have emptied it. */
static const char *
optional_name(struct sd_read *in, const char *text)
{
	return text[0] == '\0' ? NULL : folded_name(in, text);
}

static void
read_class(struct sd_read *in, const char *text)
{
	if (strcmp(text, "stateless") == 0)
		in->cls = UNIT_STATELESS;
	else if (strcmp(text, "stateful") != 0)
		json_fail(&in->r, "'%.60s' is neither stateful nor stateless",
			text);
}

/* False when it is none of ours. */
static bool
read_own(struct sd_read *in, struct json_str key, const char *value)
{
	if (json_str_is(key, "host"))
		in->host = folded_name(in, value);
	else if (json_str_is(key, "__tocsin_parent"))
		in->parent = optional_name(in, value);
	else if (json_str_is(key, "__tocsin_vm"))
		in->vm = optional_name(in, value);
	else if (json_str_is(key, "__tocsin_role"))
		in->role = optional_name(in, value);
	else if (json_str_is(key, "__tocsin_class"))
		read_class(in, value);
	else
		return false;
	return true;
}

static void
read_labels(struct sd_read *in)
{
	struct json_str key;

	json_enter_object(&in->r);
	while (json_next_key(&in->r, &key)) {
		const char *value = json_get_cstr(&in->r, TEXT_MAX);

		if (json_failed(&in->r))
			break;
		if (key.n == 0 || key.n > 128 || strlen(key.p) != key.n)
			json_fail(&in->r, "not the name of a label");
		else if (read_own(in, key, value) ||
		    strncmp(key.p, "__", 2) == 0)
			continue;
		else if (in->n_labels == LABELS_MAX_GROUP)
			json_fail(&in->r, "more than %d labels",
				LABELS_MAX_GROUP);
		else
			in->labels[in->n_labels++] = (struct tag){ key.p,
				value };
	}
}

static bool
is_known(const struct sd_read *in, const char *name, const char *address)
{
	const struct target *t = hash_get_str(&in->by_name, name);

	return t != NULL && strcmp(t->address, address) == 0;
}

static void
add_host(struct sd_read *in, const struct target *t, const struct tag *tags)
{
	const char *name = in->host != NULL ? in->host :
		folded_name(in, t->address);
	void *items = in->hosts;
	struct target *kept;

	if (name == NULL || is_known(in, name, t->address))
		return;
	kept = arena_alloc(in->arena, sizeof(*kept));
	if (kept == NULL || mem_grow(&items, &in->cap_hosts, in->n_hosts + 1,
		sizeof(*in->hosts)) < 0) {
		json_fail_memory(&in->r);
		return;
	}
	*kept = *t;
	in->hosts = items;
	in->hosts[in->n_hosts++] = (struct sd_host){ .name = name,
		.address = t->address, .parent = in->parent, .tags = tags,
		.n_tags = in->n_labels, .line = t->line };
	if (hash_put_str(&in->by_name, name, kept) < 0)
		json_fail_memory(&in->r);
}

static void
add_unit(struct sd_read *in)
{
	void *items = in->units;

	if (in->host == NULL)
		json_fail(&in->r, "labels: a VM or a role needs host, where "
			"it runs");
	else if (in->n_targets != 1)
		json_fail(&in->r, "targets: a VM or a role has one");
	else if (mem_grow(&items, &in->cap_units, in->n_units + 1,
		sizeof(*in->units)) < 0)
		json_fail_memory(&in->r);
	if (json_failed(&in->r))
		return;
	in->units = items;
	in->units[in->n_units++] = (struct sd_unit){ .host = in->host,
		.vm = in->vm, .role = in->role, .cls = in->cls,
		.address = in->targets[0].address,
		.line = in->targets[0].line };
}

static void
read_group(struct sd_read *in)
{
	size_t bytes;
	struct json_str key;
	struct tag *tags;

	in->n_targets = in->n_labels = 0;
	in->host = in->parent = in->vm = in->role = NULL;
	in->cls = UNIT_STATEFUL;
	json_enter_object(&in->r);
	while (json_next_key(&in->r, &key)) {
		if (json_str_is(key, "targets"))
			read_targets(in);
		else if (json_str_is(key, "labels"))
			read_labels(in);
		else
			json_unknown(&in->r);
	}
	if (in->vm != NULL || in->role != NULL) {
		if (!json_failed(&in->r))
			add_unit(in);
		return;
	}
	bytes = in->n_labels * sizeof(*tags);
	tags = arena_alloc(in->arena, bytes);
	if (tags == NULL)
		json_fail_memory(&in->r);
	if (json_failed(&in->r))
		return;
	memcpy(tags, in->labels, bytes);
	for (size_t i = 0; i < in->n_targets; i++)
		add_host(in, &in->targets[i], tags);
}

static int
keep_hosts(const struct sd_read *in, struct sd_file *file, struct tc_err *e)
{
	size_t bytes = in->n_hosts * sizeof(*file->hosts);
	size_t unit_bytes = in->n_units * sizeof(*file->units);
	struct sd_host *hosts = arena_alloc(in->arena, bytes);
	struct sd_unit *units = arena_alloc(in->arena, unit_bytes);

	if (hosts == NULL || units == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (bytes != 0)
		memcpy(hosts, in->hosts, bytes);
	if (unit_bytes != 0)
		memcpy(units, in->units, unit_bytes);
	file->hosts = hosts;
	file->n = in->n_hosts;
	file->units = units;
	file->n_units = in->n_units;
	return 0;
}

int
sd_parse(char *text, size_t n, struct arena *arena, struct sd_file *file,
	struct tc_err *e)
{
	struct sd_read in = { .arena = arena, .counted = text, .line = 1 };
	int rc;

	json_open(&in.r, text, n);
	json_enter_array(&in.r);
	while (json_next_item(&in.r))
		read_group(&in);
	if ((rc = json_close(&in.r, e)) == 0)
		rc = keep_hosts(&in, file, e);
	hash_free(&in.by_name);
	mem_free(in.targets);
	mem_free(in.units);
	mem_free(in.hosts);
	return rc;
}
