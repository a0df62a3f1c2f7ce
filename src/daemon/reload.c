/*
 * Configuration, rule pack and plugins: at the start, at SIGHUP, and when a
 * file_sd file changed.  Swapped whole, or the running one is kept.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "predict/builtin.h"

/* How often the file_sd files are looked at (stat only). */
#define WATCH_S 5

static const struct tocsin_opt *
probe_opts(void *arg, const char *probe)
{
	struct daemon *d = arg;

	return runner_opts(d->runner, probe);
}

static const char *
probe_name(void *arg, size_t i)
{
	struct daemon *d = arg;
	const char *names[64];
	size_t n = runner_probe_names(d->runner, names, ARRAY_LEN(names));

	return i < n && i < ARRAY_LEN(names) ? names[i] : NULL;
}

static void
print_errors(const struct config_errors *errs)
{
	struct strbuf text = { 0 };

	config_errors_print(errs, &text);
	fputs(strbuf_str(&text), stderr);
	strbuf_free(&text);
}

int
daemon_load_config(struct daemon *d, struct config **cfg,
	struct config_fleet **fleet)
{
	struct config_lookup lookup = { d, probe_opts, probe_name };
	struct config_errors *errs = MEM_NEW(struct config_errors);
	int rc;

	if (errs == NULL)
		return TC_ENOMEM;
	rc = config_load(d->config_path, &lookup, cfg, errs);
	if (rc == 0) {
		rc = config_fleet_load(*cfg, d->fleet, fleet, errs);
		if (rc < 0)
			config_free(*cfg);
	}
	print_errors(errs);
	config_errors_fini(errs);
	mem_free(errs);
	return rc;
}

int
daemon_load_pack(const struct config *cfg, struct pack **out,
	struct tc_err *e)
{
	struct strbuf text = { 0 };
	int rc;

	if (cfg->rules[0] == '\0')
		return pack_builtin(out, e);
	rc = file_slurp(cfg->rules, PACK_JSON_MAX, &text, e);
	if (rc == 0 && (rc = pack_parse(text.p, text.n, out, e)) < 0)
		tc_wrap(e, "%s", cfg->rules);
	strbuf_free(&text);
	return rc;
}

static void
swap_config(struct daemon *d, struct config *cfg, struct config_fleet *fleet)
{
	struct config *old = d->config;
	struct config_fleet *old_fleet = d->fleet;
	struct tc_err e = { 0 };

	if (engine_set_fleet(d->engine, &fleet->def, daemon_now(d), &e) < 0)
		log_at(ERROR, "config", "%s", e.text);
	config_fleet_taken(cfg, fleet);
	d->fleet = fleet;
	config_fleet_free(old_fleet);
	if (cfg != old) {
		d->config = cfg;
		if (alerts_setup(d, cfg, &e) < 0)
			log_at(ERROR, "config", "%s", e.text);
		config_free(old);
	}
	log_at(INFO, "config", "taken hosts=%zu", fleet->def.n_hosts);
	daemon_publish(d, true);
	daemon_tick_by(d, (struct mono){ 0 });
	d->trimmed = false;
}

static bool
needs_restart(const struct config *a, const struct config *b)
{
	return strcmp(a->listen, b->listen) != 0 ||
		strcmp(a->state_dir, b->state_dir) != 0;
}

void
daemon_reload(struct daemon *d)
{
	struct config *cfg;
	struct config_fleet *fleet;
	struct pack *pack, *old = d->pack;
	struct tc_err e = { 0 };

	if (daemon_load_config(d, &cfg, &fleet) < 0) {
		log_at(ERROR, "config", "not taken; the running one is kept");
		return;
	}
	if (needs_restart(d->config, cfg))
		log_at(WARN, "config",
			"listen and state_dir change with a restart only");
	if (daemon_load_pack(cfg, &pack, &e) == 0) {
		d->pack = pack;
		engine_set_pack(d->engine, pack);
		pack_free(old);
	} else {
		log_at(ERROR, "config", "rule pack kept as it was: %s", e.text);
	}
	log_set_level(cfg->log_level);
	swap_config(d, cfg, fleet);
}

static void
reload_fleet(struct daemon *d)
{
	struct config_errors *errs = MEM_NEW(struct config_errors);
	struct config_fleet *fleet;

	if (errs == NULL)
		return;
	if (config_fleet_load(d->config, d->fleet, &fleet, errs) == 0)
		swap_config(d, d->config, fleet);
	print_errors(errs);
	config_errors_fini(errs);
	mem_free(errs);
}

static void
look(void *arg, struct mono now)
{
	struct daemon *d = arg;

	/* The file's tree and the first facts were many times what is left. */
	if (!d->trimmed)
		mem_trim();
	d->trimmed = true;
	if (d->url_owed)
		daemon_write_url(d);
	if (config_fleet_is_stale(d->config, d->fleet))
		reload_fleet(d);
	gateway_look(d);
	sched_at(d->sched, &d->watch, mono_add(now, dur_s(WATCH_S)));
}

void
daemon_watch_files(struct daemon *d)
{
	sched_timer_init(&d->watch, look, d);
	gateway_look(d);
	sched_at(d->sched, &d->watch, mono_add(sched_now(d->sched),
		dur_s(WATCH_S)));
}
