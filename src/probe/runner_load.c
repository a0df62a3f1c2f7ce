/*
 * Which probes there are: our own, the plugins of the directories.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "probe/builtin.h"
#include "probe/foreign.h"
#include "probe/parts.h"

static const struct tocsin_probe *const builtins[] = { &probe_exec };

/* The first DIR/NAME.so of the list; false when there is none. */
static bool
find_file(const char *dir, const char *name, char *path, size_t size)
{
	while (*dir != '\0') {
		size_t n = strcspn(dir, ":");
		int len = snprintf(path, size, "%.*s/%s.so", (int)n, dir, name);

		if (len > 0 && (size_t)len < size && access(path, F_OK) == 0)
			return true;
		dir += n;
		dir += *dir == ':';
	}
	return false;
}

static int
add_host(struct runner *r, struct plugin *p)
{
	struct host *h = MEM_NEW(struct host);
	void *hosts = r->hosts;

	if (h == NULL || mem_grow(&hosts, &r->cap_hosts, r->n_hosts + 1,
	    sizeof(*r->hosts)) < 0 || hash_put_str(&r->by_name, p->name, h) < 0) {
		mem_free(h);
		return TC_ENOMEM;
	}
	r->hosts = hosts;
	r->hosts[r->n_hosts++] = h;
	host_init(h, r, p);
	return 0;
}

int
runner_load(struct runner *r, const char *name, struct tc_err *e)
{
	struct plugin *p = NULL;
	char path[4096];
	int rc;

	if (hash_get_str(&r->by_name, name) != NULL)
		return 0;
	if (strchr(name, '/') != NULL)
		rc = TC_ENOENT;
	else if (find_file(r->dirs, name, path, sizeof(path)))
		rc = plugin_load(path, name, &p, e);
	else if (find_file(r->foreign_dirs, name, path, sizeof(path)))
		rc = foreign_load(r->worker, path, name, &p, e);
	else
		rc = TC_ENOENT;
	if (rc == TC_ENOENT)
		return tc_fail(e, rc, "no probe '%.64s' in %s%s%s", name,
			r->dirs, r->foreign_dirs[0] != '\0' ? ":" : "",
			r->foreign_dirs);
	if (rc < 0) {
		r->stats.refused_plugins++;
		return rc;
	}
	if ((rc = add_host(r, p)) < 0) {
		plugin_free(p);
		return tc_fail(e, rc, "out of memory");
	}
	return 0;
}

int
runner_load_builtins(struct runner *r, struct tc_err *e)
{
	struct plugin *p;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
		if ((rc = plugin_builtin(builtins[i], &p, e)) < 0)
			return tc_wrap(e, "%s", builtins[i]->name);
		if ((rc = add_host(r, p)) < 0) {
			plugin_free(p);
			return tc_fail(e, rc, "out of memory");
		}
	}
	return 0;
}

static void
load_dir(struct runner *r, const char *path)
{
	struct dirent *entry;
	struct tc_err e = { 0 };
	DIR *dir = opendir(path);

	if (dir == NULL) {
		log_at(WARN, "probe", "cannot read plugin_dir dir=%s errno=%d",
			path, errno);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char name[sizeof(entry->d_name)];
		size_t n = strlen(entry->d_name);

		if (n <= 3 || strcmp(entry->d_name + n - 3, ".so") != 0)
			continue;
		memcpy(name, entry->d_name, n - 3);
		name[n - 3] = '\0';
		if (runner_load(r, name, &e) < 0)
			log_at(ERROR, "probe", "refused: %s", e.text);
	}
	closedir(dir);
}

static void
load_dirs(struct runner *r, const char *list)
{
	char *dirs = mem_strdup(list), *at = dirs;

	while (at != NULL && *at != '\0') {
		char *end = strchr(at, ':');

		if (end != NULL)
			*end++ = '\0';
		load_dir(r, at);
		at = end;
	}
	mem_free(dirs);
}

size_t
runner_load_all(struct runner *r)
{
	load_dirs(r, r->dirs);
	load_dirs(r, r->foreign_dirs);
	return r->n_hosts - ARRAY_LEN(builtins);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

size_t
runner_probe_names(const struct runner *r, const char **names, size_t cap)
{
	size_t n = r->n_hosts < cap ? r->n_hosts : cap;

	for (size_t i = 0; i < n; i++)
		names[i] = r->hosts[i]->plugin->name;
	qsort(names, n, sizeof(*names), by_text);
	return r->n_hosts;
}

const struct tocsin_probe *
runner_probe(const struct runner *r, const char *name)
{
	const struct host *h = hash_get_str(&r->by_name, name);

	return h != NULL ? h->plugin->probe : NULL;
}

const struct tocsin_opt *
runner_opts(const struct runner *r, const char *name)
{
	static const struct tocsin_opt none[1];
	const struct tocsin_probe *p = runner_probe(r, name);

	if (p == NULL)
		return NULL;
	return p->opts != NULL ? p->opts : none;
}

const struct tocsin_value *
runner_defaults(const struct runner *r, const char *name)
{
	const struct host *h = hash_get_str(&r->by_name, name);

	return h != NULL ? h->plugin->defaults : NULL;
}

int
runner_opt_parse(const struct tocsin_opt *row, const char *text,
	struct tocsin_value *out, struct tc_err *e)
{
	return plugin_opt_parse(row, text, out, e);
}
