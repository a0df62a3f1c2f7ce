#include "config/parents.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 300

/* Both kinds of hosts have a definition; `find` knows where. */
struct kin {
	const struct hash *names;
	const struct host_def *(*find)(const struct hash *names,
		const char *name);
};

enum fault { FAULT_NONE, FAULT_UNKNOWN, FAULT_SELF, FAULT_CYCLE, FAULT_LONG };

static bool
has_parent(const struct host_def *h)
{
	return h->parent != NULL && h->parent[0] != '\0';
}

static void
add_step(char path[PATH_BYTES], const char *name)
{
	size_t n = strlen(path);

	snprintf(path + n, PATH_BYTES - n, " > %s", name);
}

static bool
is_in_cycle(const struct kin *k, const struct host_def *h)
{
	const struct host_def *at = h;

	for (int i = 0; i <= FLEET_PARENTS_MOST && has_parent(at); i++) {
		at = k->find(k->names, at->parent);
		if (at == NULL || at == h)
			return at == h;
	}
	return false;
}

/*
 * A cycle is told once, of the one whose name comes first in it, with its
 * path; who only leads into it has no fault of his own.
 */
static enum fault
look(const struct kin *k, const struct host_def *h, char path[PATH_BYTES])
{
	const struct host_def *at = h;
	bool first = true;

	snprintf(path, PATH_BYTES, "%s", h->name);
	if (strcmp(h->parent, h->name) == 0)
		return FAULT_SELF;
	for (int i = 0; i <= FLEET_PARENTS_MOST; i++) {
		const struct host_def *up = k->find(k->names, at->parent);

		if (up == NULL)
			return at == h ? FAULT_UNKNOWN : FAULT_NONE;
		add_step(path, up->name);
		if (up == h)
			return first ? FAULT_CYCLE : FAULT_NONE;
		first = first && strcmp(h->name, up->name) < 0;
		if (!has_parent(up) && i < FLEET_PARENTS_MOST)
			return FAULT_NONE;
		if (!has_parent(up))
			return FAULT_LONG;
		at = up;
	}
	return is_in_cycle(k, at) ? FAULT_NONE : FAULT_LONG;
}

/* In a cycle that h is not of, or too far: it never ends. */
static bool
never_ends(const struct kin *k, const struct host_def *h)
{
	for (int i = 0; i <= FLEET_PARENTS_MOST; i++) {
		if (h == NULL || !has_parent(h))
			return false;
		h = k->find(k->names, h->parent);
	}
	return true;
}

static void
say(const struct host_def *h, enum fault f, const char *path, char *out,
	size_t size)
{
	switch (f) {
	case FAULT_NONE:
		out[0] = '\0';
		break;
	case FAULT_UNKNOWN:
		snprintf(out, size, "host '%s': parent: no host '%.60s'",
			h->name, h->parent);
		break;
	case FAULT_SELF:
		snprintf(out, size, "host '%s': parent: is the host itself",
			h->name);
		break;
	case FAULT_CYCLE:
		snprintf(out, size, "host '%s': parent: a cycle: %s", h->name,
			path);
		break;
	case FAULT_LONG:
		snprintf(out, size, "host '%s': parent: more than %d in a row: "
			"%s", h->name, FLEET_PARENTS_MOST, path);
		break;
	}
}

/* ---- as it was written ---- */

static const struct host_def *
find_written(const struct hash *names, const char *name)
{
	const struct config_host *h = hash_get_str(names, name);

	return h != NULL ? &h->def : NULL;
}

static bool
may_bring_more(const struct config *cfg)
{
	for (size_t p = 0; p < cfg->n_partitions; p++)
		if (cfg->partitions[p].file_sd.n > 0)
			return true;
	return false;
}

static void
check_host(struct reader *rd, const struct kin *k,
	const struct config_host *h, bool more)
{
	char path[PATH_BYTES], text[2 * PATH_BYTES];
	enum fault f = look(k, &h->def, path);

	if (f == FAULT_NONE || (f == FAULT_UNKNOWN && more))
		return;
	say(&h->def, f, path, text, sizeof(text));
	reader_fail(rd, h->parent_line, "%s", text);
}

void
parents_check(struct reader *rd, const struct config *cfg,
	const struct config_names *names)
{
	const struct kin k = { &names->hosts, find_written };
	bool more = may_bring_more(cfg);

	for (size_t p = 0; p < cfg->n_partitions; p++)
		for (size_t i = 0; i < cfg->partitions[p].n_hosts; i++) {
			const struct config_host *h =
				&cfg->partitions[p].hosts[i];

			if (has_parent(&h->def))
				check_host(rd, &k, h, more);
		}
}

/* ---- the whole fleet ---- */

static const struct host_def *
find_def(const struct hash *names, const char *name)
{
	return hash_get_str(names, name);
}

void
parents_link(struct host_def *hosts, size_t n, const struct hash *by_name,
	struct config_errors *errs)
{
	const struct kin k = { by_name, find_def };
	char path[PATH_BYTES], text[2 * PATH_BYTES];

	for (size_t i = 0; i < n; i++) {
		struct host_def *h = &hosts[i];
		enum fault f = has_parent(h) ? look(&k, h, path) : FAULT_NONE;

		if (f == FAULT_NONE)
			continue;
		say(h, f, path, text, sizeof(text));
		config_errors_add(errs, true, h->origin, "%s; it hangs on "
			"nothing", text);
		h->parent = NULL;
	}
	/* what is left leads into a chain that was cut, or does not end */
	for (size_t i = 0; i < n; i++)
		if (never_ends(&k, &hosts[i]))
			hosts[i].parent = NULL;
}
