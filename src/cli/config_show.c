/*
 * tocsin config: the effective configuration, or all that is wrong with it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/config.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "wire/json_write.h"

static const struct tocsin_opt *
probe_opts(void *arg, const char *probe)
{
	return runner_opts(arg, probe);
}

static const char *
probe_name(void *arg, size_t i)
{
	const char *names[256];
	size_t n = runner_probe_names(arg, names, 256);

	return i < n && i < 256 ? names[i] : NULL;
}

static void
no_result(void *arg, uint32_t check, uint32_t seq,
	const struct observation *ob, bool last)
{
	(void)arg;
	(void)check;
	(void)seq;
	(void)ob;
	(void)last;
}

/* --config, else STATE_DIR/tocsin.yaml where there is one, else /etc. */
static void
choose_file(const struct cli *c, char path[512])
{
	if (c->opt.config) {
		snprintf(path, 512, "%s", c->opt.config);
		return;
	}
	snprintf(path, 512, "%s/tocsin.yaml", c->opt.state_dir ?
		c->opt.state_dir : TOCSIN_STATEDIR);
	if (access(path, F_OK) == 0)
		return;
	snprintf(path, 512, "%s/tocsin.yaml", TOCSIN_SYSCONFDIR);
}

static void
print_json(struct cli *c, const char *path, const struct config_errors *errs,
	const struct strbuf *yaml)
{
	struct json_write w;

	json_begin(&w, &c->out.text);
	json_put_object(&w);
	json_add_str(&w, "path", path);
	json_add_bool(&w, "good", errs->errors == 0);
	json_add_array(&w, "errors");
	for (size_t i = 0; i < errs->n; i++) {
		json_put_object(&w);
		json_add_str(&w, "file", errs->items[i].file);
		json_add_u64(&w, "line", errs->items[i].line);
		json_add_bool(&w, "warning", errs->items[i].warning);
		json_add_str(&w, "text", errs->items[i].text);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_add_str(&w, "yaml", strbuf_str(yaml));
	json_put_end(&w);
	strbuf_putc(&c->out.text, '\n');
}

/* YAML is "key: value" lines by itself: text and kv are the same. */
static int
show(struct cli *c, struct runner *runner)
{
	struct config_lookup lookup = { .arg = runner,
		.probe_opts = probe_opts, .probe_name = probe_name };
	struct config_errors errs = {0};
	struct config *cfg = NULL;
	struct config_fleet *fleet = NULL;
	struct strbuf yaml = {0}, wrong = {0};
	char path[512];
	int rc;

	choose_file(c, path);
	rc = config_load(path, &lookup, &cfg, &errs);
	if (rc == 0)
		rc = config_fleet_load(cfg, NULL, &fleet, &errs);
	if (rc == 0)
		config_print(cfg, &yaml, c->opt.origins);
	config_errors_print(&errs, &wrong);
	if (c->out.format == OUT_JSON) {
		print_json(c, path, &errs, &yaml);
	} else {
		fputs(strbuf_str(&wrong), stderr);
		strbuf_add(&c->out.text, yaml.p, yaml.n);
	}
	config_fleet_free(fleet);
	config_free(cfg);
	config_errors_fini(&errs);
	strbuf_free(&yaml);
	strbuf_free(&wrong);
	return rc < 0 ? CLI_ERROR : CLI_OK;
}

int
verb_config(struct cli *c, struct tc_err *e)
{
	struct sched *sched = sched_new(e);
	struct runner_conf conf = { .sched = sched, .clock = c->clock,
		.plugin_dir = c->opt.plugin_dir, .on_result = no_result };
	struct runner *runner;
	int rc;

	if (!sched)
		return e->code;
	runner = runner_new(&conf, e);
	if (runner) {
		runner_load_all(runner);
		rc = show(c, runner);
		runner_free(runner);
	} else {
		rc = e->code;
	}
	sched_free(sched);
	return rc;
}
