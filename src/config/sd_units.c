#include "config/sd_units.h"

#include <string.h>

#include "base/mem.h"
#include "config/partition.h"
#include "config/units.h"

struct placing {
	const struct sd_place *p;
	const struct config_partition *part;	/* of the file at hand */
	const struct sd_file *file;
	struct hash vms;	/* name → struct host_def */
	struct check_def *vm_checks, *role_checks;	/* of part; NULL: none */
};

static void
warn(const struct placing *in, const struct sd_unit *u, const char *fmt,
	const char *what)
{
	const char *name = u->role != NULL ? u->role : u->vm;

	config_errors_add(in->p->errs, true,
		(struct opt_origin){ in->file->path, u->line },
		"%s '%s': %s%s; it is left out", u->role != NULL ? "role" :
		"vm", name, fmt, what);
}

/* Of those straight on the host, or of the VM at `parent`. */
static size_t
find_unit(const struct host_def *h, bool is_vm, const char *name,
	size_t parent)
{
	for (size_t i = 0; i < h->n_units; i++) {
		const struct unit_def *u = &h->units[i];

		if (u->is_vm == is_vm && u->parent == parent &&
		    strcmp(u->name, name) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* The list of a host may be the configuration's: it is copied to grow. */
static struct unit_def *
grow(const struct placing *in, struct host_def *h)
{
	struct unit_def *units = arena_alloc(in->p->arena,
		(h->n_units + 1) * sizeof(*units));

	if (units == NULL)
		return NULL;
	if (h->n_units != 0)
		memcpy(units, h->units, h->n_units * sizeof(*units));
	h->units = units;
	return &units[h->n_units++];
}

static int
add(const struct placing *in, struct host_def *h, const struct sd_unit *from,
	size_t parent, bool is_vm) /* lint: where and what */
{
	const struct config_checks *set = is_vm ? &in->part->vm_checks :
		&in->part->role_checks;
	struct unit_def *u = grow(in, h);

	if (u == NULL)
		return TC_ENOMEM;
	*u = (struct unit_def){ .is_vm = is_vm, .parent = parent,
		.name = is_vm ? from->vm : from->role,
		.address = from->address, .cls = from->cls,
		.checks = is_vm ? in->vm_checks : in->role_checks,
		.n_checks = set->n, .agent = AGENT_AUTO,
		.signals = set->n != 0 ? 1U << SIGNAL_OUTSIDE : 0,
		.rule = unit_rule_of(&in->part->unit_rule),
		.origin = { in->file->path, from->line } };
	if (set->n != 0)
		u->checks_origin = set->items[0].origin;
	return 0;
}

/* Where the VM is on this host; SIZE_MAX and 0 when it may not be. */
static int
need_vm(struct placing *in, struct host_def *h, const struct sd_unit *u,
	size_t *at)
{
	const struct host_def *other = hash_get_str(&in->vms, u->vm);
	int rc;

	*at = find_unit(h, true, u->vm, SIZE_MAX);
	if (*at != SIZE_MAX)
		return 0;
	if (other != NULL || hash_get_str(in->p->by_name, u->vm) != NULL) {
		warn(in, u, other != NULL ? "its VM is on host " :
			"a host has the VM's name: ", other != NULL ?
			other->name : u->vm);
		return 0;
	}
	if ((rc = add(in, h, u, SIZE_MAX, true)) < 0)
		return rc;
	*at = h->n_units - 1;
	return hash_put_str(&in->vms, u->vm, h);
}

static int
place(struct placing *in, const struct sd_unit *u)
{
	struct host_def *h = hash_get_str(in->p->by_name, u->host);
	size_t vm = SIZE_MAX;
	int rc;

	if (h == NULL || strcmp(h->partition, in->part->name) != 0) {
		warn(in, u, h == NULL ? "no host " : "another partition has "
			"host ", u->host);
		return 0;
	}
	if (u->role == NULL && find_unit(h, true, u->vm, SIZE_MAX) != SIZE_MAX) {
		warn(in, u, "it is known on host ", h->name);
		return 0;
	}
	if (u->vm != NULL) {
		if ((rc = need_vm(in, h, u, &vm)) < 0 || vm == SIZE_MAX ||
		    u->role == NULL)
			return rc;
	}
	if (find_unit(h, false, u->role, vm) != SIZE_MAX) {
		warn(in, u, "it is known on host ", h->name);
		return 0;
	}
	return add(in, h, u, vm, false);
}

/* VMs that the configuration has. */
static int
know_vms(struct placing *in)
{
	int rc = 0;

	for (size_t i = 0; i < in->p->n; i++) {
		struct host_def *h = &in->p->hosts[i];

		for (size_t k = 0; k < h->n_units && rc == 0; k++)
			if (h->units[k].is_vm)
				rc = hash_put_str(&in->vms,
					h->units[k].name, h);
	}
	return rc;
}

static int
make_checks(const struct placing *in, const struct config_checks *set,
	struct check_def **out)
{
	*out = arena_alloc(in->p->arena, set->n * sizeof(**out));
	if (*out == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < set->n; i++)
		(*out)[i] = check_def_of(&set->items[i], &in->part->rule);
	return 0;
}

static int
place_file(struct placing *in)
{
	int rc;

	if ((rc = make_checks(in, &in->part->vm_checks, &in->vm_checks)) < 0 ||
	    (rc = make_checks(in, &in->part->role_checks,
		    &in->role_checks)) < 0)
		return rc;
	for (size_t i = 0; i < in->file->n_units && rc == 0; i++)
		rc = place(in, &in->file->units[i]);
	return rc;
}

int
sd_units_place(const struct sd_place *p)
{
	struct placing in = { .p = p };
	bool any = false;
	int rc = 0;

	for (size_t f = 0; f < p->sd->n; f++)
		any = any || p->sd->files[f].n_units != 0;
	if (any)
		rc = know_vms(&in);
	for (size_t f = 0; any && f < p->sd->n && rc == 0; f++) {
		in.file = &p->sd->files[f];
		in.part = &p->cfg->partitions[in.file->partition];
		if (in.file->n_units != 0)
			rc = place_file(&in);
	}
	hash_free(&in.vms);
	return rc;
}
