#include <string.h>

#include "base/file.h"
#include "config/file_sd.h"
#include "config/parents.h"
#include "config/partition.h"
#include "config/sd_units.h"
#include "config/units.h"

#define FILE_MAX_BYTES ((size_t)32 << 20)

struct build {
	const struct config *cfg;
	struct config_fleet *fleet;
	struct config_errors *errs;
	struct hash by_name;	/* → struct host_def */
	struct host_def *hosts;
	size_t n;
	struct config_sd sd;
};

/* ---- files ---- */

static int
copy_tags(struct arena *a, const struct sd_host *from, struct sd_host *to)
{
	struct tag *tags = arena_alloc(a, from->n_tags * sizeof(*tags));

	if (tags == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < from->n_tags; i++) {
		tags[i].key = arena_strdup(a, from->tags[i].key);
		tags[i].value = arena_strdup(a, from->tags[i].value);
		if (tags[i].key == NULL || tags[i].value == NULL)
			return TC_ENOMEM;
	}
	to->tags = tags;
	to->n_tags = from->n_tags;
	return 0;
}

static int
keep_units(struct arena *a, const struct sd_file *from, struct sd_file *to)
{
	to->units = arena_alloc(a, from->n_units * sizeof(*to->units));
	if (to->units == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < from->n_units; i++) {
		const struct sd_unit *u = &from->units[i];
		struct sd_unit *copy = &to->units[i];

		*copy = *u;
		copy->host = arena_strdup(a, u->host);
		copy->address = arena_strdup(a, u->address);
		copy->vm = u->vm != NULL ? arena_strdup(a, u->vm) : NULL;
		copy->role = u->role != NULL ? arena_strdup(a, u->role) : NULL;
		if (copy->host == NULL || copy->address == NULL ||
		    (u->vm != NULL && copy->vm == NULL) ||
		    (u->role != NULL && copy->role == NULL))
			return TC_ENOMEM;
	}
	to->n_units = from->n_units;
	return 0;
}

/* What an earlier fleet had of the file, in our arena. */
static int
keep_earlier(struct arena *a, const struct sd_file *from, struct sd_file *to)
{
	to->hosts = arena_alloc(a, from->n * sizeof(*to->hosts));
	if (to->hosts == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < from->n; i++) {
		const struct sd_host *h = &from->hosts[i];
		struct sd_host *copy = &to->hosts[i];

		copy->name = arena_strdup(a, h->name);
		copy->address = arena_strdup(a, h->address);
		copy->line = h->line;
		copy->parent = h->parent != NULL ?
			arena_strdup(a, h->parent) : NULL;
		if (copy->name == NULL || copy->address == NULL ||
		    (h->parent != NULL && copy->parent == NULL) ||
		    copy_tags(a, h, copy) < 0)
			return TC_ENOMEM;
	}
	to->n = from->n;
	return keep_units(a, from, to);
}

static const struct sd_file *
find_earlier(const struct config_fleet *earlier, const char *path)
{
	for (size_t i = 0; earlier != NULL && i < earlier->sd->n; i++)
		if (strcmp(earlier->sd->files[i].path, path) == 0)
			return &earlier->sd->files[i];
	return NULL;
}

static int
parse_file(struct build *b, struct sd_file *file, struct tc_err *e)
{
	struct strbuf text = { 0 };
	char *copy;
	int rc = file_slurp(file->path, FILE_MAX_BYTES, &text, e);

	if (rc == 0) {
		copy = arena_strndup(&b->fleet->arena, strbuf_str(&text),
			text.n);
		rc = copy != NULL ? sd_parse(copy, text.n, &b->fleet->arena,
			file, e) : TC_ENOMEM;
	}
	strbuf_free(&text);
	return rc;
}

static int
read_file(struct build *b, struct sd_file *file,
	const struct config_fleet *earlier)
{
	const struct sd_file *before = find_earlier(earlier, file->path);
	struct tc_err e = { 0 };
	int rc = parse_file(b, file, &e);

	if (rc == 0 || rc == TC_ENOMEM)
		return rc;
	config_errors_add(b->errs, true, (struct opt_origin){ file->path, 0 },
		"%s; %s", e.text, before != NULL && before->n + before->n_units != 0 ?
		"its earlier hosts stay" :
		"none of its hosts is taken");
	return before != NULL ?
		keep_earlier(&b->fleet->arena, before, file) : 0;
}

/* ---- hosts ---- */

static int
take_host(struct build *b, const struct host_def *h)
{
	const struct host_def *first = hash_get_str(&b->by_name, h->name);
	struct host_def *kept = &b->hosts[b->n];

	if (first != NULL) {
		config_errors_add(b->errs, true, h->origin, "host '%s' stays "
			"with %s:%u", h->name, first->origin.file,
			first->origin.line);
		return 0;
	}
	*kept = *h;
	b->n++;
	return hash_put_str(&b->by_name, kept->name, kept);
}

static int
take_config_hosts(struct build *b)
{
	int rc = 0;

	for (size_t p = 0; p < b->cfg->n_partitions; p++) {
		const struct config_partition *part = &b->cfg->partitions[p];

		for (size_t i = 0; i < part->n_hosts && rc == 0; i++)
			rc = take_host(b, &part->hosts[i].def);
	}
	return rc;
}

static int
take_file_hosts(struct build *b)
{
	int rc = 0;

	for (size_t f = 0; f < b->sd.n; f++) {
		const struct sd_file *file = &b->sd.files[f];
		const struct config_partition *part =
			&b->cfg->partitions[file->partition];

		for (size_t i = 0; i < file->n && rc == 0; i++) {
			const struct sd_host *h = &file->hosts[i];
			const struct host_def def = { .name = h->name,
				.partition = part->name, .address = h->address,
				.owner = OWNER_FILE_SD, .parent = h->parent,
				.tags = h->tags, .n_tags = h->n_tags, .checks = part->defs,
				.n_checks = part->checks.n,
				.unit_rule = unit_rule_of(&part->unit_rule),
				.origin = { file->path, h->line } };

			rc = take_host(b, &def);
		}
	}
	return rc;
}

static size_t
count_hosts(const struct build *b)
{
	size_t n = 0;

	for (size_t p = 0; p < b->cfg->n_partitions; p++)
		n += b->cfg->partitions[p].n_hosts;
	for (size_t f = 0; f < b->sd.n; f++)
		n += b->sd.files[f].n;
	return n;
}

static int
make_def(struct build *b)
{
	struct fleet_def *def = &b->fleet->def;
	const struct config *cfg = b->cfg;
	struct partition_def *parts = arena_alloc(&b->fleet->arena,
		cfg->n_partitions * sizeof(*parts));
	int rc;

	b->hosts = mem_alloc_array(count_hosts(b), sizeof(*b->hosts));
	b->fleet->hosts = b->hosts;
	if (parts == NULL || b->hosts == NULL)
		return TC_ENOMEM;
	for (size_t p = 0; p < cfg->n_partitions; p++)
		parts[p] = (struct partition_def){
			.name = cfg->partitions[p].name,
			.rule = rule_of(&cfg->partitions[p].rule),
			.origin = cfg->partitions[p].origin };
	if ((rc = take_config_hosts(b)) < 0 || (rc = take_file_hosts(b)) < 0)
		return rc;
	parents_link(b->hosts, b->n, &b->by_name, b->errs);
	rc = sd_units_place(&(struct sd_place){ .cfg = cfg, .sd = &b->sd,
		.arena = &b->fleet->arena, .hosts = b->hosts, .n = b->n,
		.by_name = &b->by_name, .errs = b->errs });
	if (rc < 0)
		return rc;
	def->partitions = parts;
	def->n_partitions = cfg->n_partitions;
	def->hosts = b->hosts;
	def->n_hosts = b->n;
	def->gateway = cfg->gateway;
	def->witnesses = cfg->witnesses.items;
	def->n_witnesses = cfg->witnesses.n;
	def->passive = cfg->passive;
	def->passive_smart_interval = cfg->passive_smart_interval;
	def->leaving = cfg->leaving;
	def->backup_max_age = cfg->host_backup_max_age;
	def->units = cfg->units;
	def->pace = cfg->pace;
	def->pace_fleet = cfg->pace_fleet;
	def->ladder = cfg->ladder;
	return 0;
}

/* The list moves into the fleet, for the next time. */
static int
keep_files(struct build *b)
{
	size_t bytes = b->sd.n * sizeof(*b->sd.files);
	struct config_sd *sd = arena_alloc(&b->fleet->arena, sizeof(*sd));
	struct sd_file *files = arena_alloc(&b->fleet->arena, bytes);

	if (sd == NULL || files == NULL)
		return TC_ENOMEM;
	if (bytes != 0)
		memcpy(files, b->sd.files, bytes);
	*sd = (struct config_sd){ .files = files, .n = b->sd.n };
	b->fleet->sd = sd;
	return 0;
}

int
config_fleet_load(const struct config *cfg, const struct config_fleet *earlier,
	struct config_fleet **out, struct config_errors *errs)
{
	struct build b = { .cfg = cfg, .errs = errs,
		.fleet = MEM_NEW(struct config_fleet) };
	int rc = TC_ENOMEM;

	if (b.fleet == NULL)
		goto out;
	rc = sd_list(cfg, &b.fleet->arena, &b.sd, errs);
	for (size_t i = 0; i < b.sd.n && rc == 0; i++)
		rc = read_file(&b, &b.sd.files[i], earlier);
	if (rc < 0 || (rc = make_def(&b)) < 0 || (rc = keep_files(&b)) < 0)
		goto out;
	*out = b.fleet;
	b.fleet = NULL;
out:
	hash_free(&b.by_name);
	mem_free(b.sd.files);
	config_fleet_free(b.fleet);
	return rc;
}

static void
drop_list(struct config_fleet *fleet)
{
	mem_free(fleet->hosts);
	fleet->hosts = NULL;
	fleet->def.hosts = NULL;
}

void
config_fleet_free(struct config_fleet *fleet)
{
	if (fleet == NULL)
		return;
	drop_list(fleet);
	arena_free(&fleet->arena);
	mem_free(fleet);
}

void
config_fleet_taken(struct config *cfg, struct config_fleet *fleet)
{
	drop_list(fleet);
	for (size_t p = 0; p < cfg->n_partitions; p++)
		if (cfg->partitions[p].file_sd.n != 0)
			return;
	for (size_t p = 0; p < cfg->n_partitions; p++) {
		cfg->partitions[p].hosts = NULL;
		cfg->partitions[p].n_hosts = 0;
	}
	arena_free(&cfg->hosts);
}

bool
config_fleet_is_stale(const struct config *cfg,
	const struct config_fleet *fleet)
{
	struct arena arena = { 0 };
	struct config_sd now;
	bool stale = false;

	if (sd_list(cfg, &arena, &now, NULL) < 0)
		return false;
	if (now.n != fleet->sd->n)
		stale = true;
	for (size_t i = 0; i < now.n && !stale; i++) {
		const struct sd_file *a = &now.files[i];
		const struct sd_file *b = &fleet->sd->files[i];

		stale = strcmp(a->path, b->path) != 0 ||
			a->mtime_ns != b->mtime_ns ||
			a->size_bytes != b->size_bytes || a->inode != b->inode;
	}
	mem_free(now.files);
	arena_free(&arena);
	return stale;
}
