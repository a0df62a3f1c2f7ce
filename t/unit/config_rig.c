#include "t/unit/config_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"

static const struct tocsin_opt ping_rows[] = {
	{ "count", TOCSIN_OPT_INT, .dflt = "1", .min = "1", .max = "20" },
	{ NULL },
};
static const struct tocsin_opt tcp_rows[] = {
	{ "port", TOCSIN_OPT_INT, .min = "1", .max = "65535" },
	{ NULL },
};
static const struct tocsin_opt web_rows[] = {
	{ "token", TOCSIN_OPT_SECRET, .dflt = "" },
	{ "ratio", TOCSIN_OPT_FLOAT, .dflt = "0.5", .min = "0", .max = "1" },
	{ "follow", TOCSIN_OPT_BOOL, .dflt = "yes" },
	{ "limit", TOCSIN_OPT_SIZE, .dflt = "64KiB", .max = "1MiB" },
	{ NULL },
};
static const char *const probe_names[] = { "cpu", "ping", "tcp", "web",
	NULL };

static const struct tocsin_opt *
probe_opts(void *arg, const char *probe)
{
	static const struct tocsin_opt *const rows[] = { ping_rows + 1,
		ping_rows, tcp_rows, web_rows };

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(probe, probe_names[i]) == 0)
			return rows[i];
	return NULL;
}

static const char *
probe_name(void *arg, size_t i)
{
	(void)arg;
	return probe_names[i];
}

const struct config_lookup rig_lookup = { NULL, probe_opts,
	probe_name };

int
rig_parse(const char *text, struct config **cfg, struct config_errors *errs)
{
	*errs = (struct config_errors){ 0 };
	return config_parse(&(struct config_text){ "/etc/t/t.yaml", text,
		strlen(text) }, &rig_lookup, cfg, errs);
}

struct config *
rig_good(const char *text)
{
	struct config_errors errs;
	struct strbuf said = { 0 };
	struct config *cfg = NULL;
	int rc = rig_parse(text, &cfg, &errs);

	config_errors_print(&errs, &said);
	ck_assert_msg(rc == 0, "%s\n%s", strbuf_str(&said), text);
	config_errors_fini(&errs);
	strbuf_free(&said);
	return cfg;
}

struct config_fleet *
rig_fleet_of(const struct config *cfg)
{
	struct config_errors errs = { 0 };
	struct config_fleet *fleet;

	ck_assert_int_eq(config_fleet_load(cfg, NULL, &fleet, &errs), 0);
	config_errors_fini(&errs);
	return fleet;
}

/* ---- files ---- */

void
scene_put(const struct scene *s, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	ck_assert_int_eq(file_write_atomic(path, text, strlen(text), 0644,
		NULL), 0);
}

void
scene_open(struct scene *s, const char *yaml)
{
	char path[128];

	*s = (struct scene){ 0 };
	snprintf(s->dir, sizeof(s->dir), "/tmp/tocsin-config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	scene_put(s, "t.yaml", yaml);
	snprintf(path, sizeof(path), "%s/t.yaml", s->dir);
	ck_assert_int_eq(config_load(path, &rig_lookup, &s->cfg, &s->errs), 0);
}

void
scene_load(struct scene *s)
{
	struct config_fleet *fleet;

	config_errors_fini(&s->errs);
	ck_assert_int_eq(config_fleet_load(s->cfg, s->fleet, &fleet, &s->errs),
		0);
	config_fleet_free(s->fleet);
	s->fleet = fleet;
}

void
scene_close(struct scene *s, const char *const *files)
{
	char path[128];

	for (; *files != NULL; files++) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, *files);
		(void)unlink(path);
	}
	(void)rmdir(s->dir);
	config_errors_fini(&s->errs);
	config_fleet_free(s->fleet);
	config_free(s->cfg);
}
