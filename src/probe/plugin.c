#include "probe/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/units.h"

#define NAME_MAX_BYTES_OF_PLUGIN 63

/* ---- values ---- */

static int
parse_bool(const char *text, struct tocsin_value *out, struct tc_err *e)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			out->i = (int64_t)(i % 2);
			return 0;
		}
	}
	return tc_fail(e, TC_EINVAL, "'%s' is neither true nor false", text);
}

static int
parse_choice(const char *choices, const char *text, struct tocsin_value *out,
	struct tc_err *e)
{
	size_t n = strlen(text);
	const char *at = choices;

	for (int64_t i = 0; at != NULL; i++) {
		size_t len = strcspn(at, "|");

		if (len == n && memcmp(at, text, n) == 0) {
			out->i = i;
			return 0;
		}
		at = at[len] == '|' ? at + len + 1 : NULL;
	}
	return tc_fail(e, TC_EINVAL, "'%s' is none of %s", text, choices);
}

static int
parse_bare(const struct tocsin_opt *row, const char *text,
	struct tocsin_value *out, struct tc_err *e)
{
	struct dur dur;
	uint64_t size;
	int rc;

	*out = (struct tocsin_value){ .s = "" };
	switch (row->type) {
	case TOCSIN_OPT_BOOL:
		return parse_bool(text, out, e);
	case TOCSIN_OPT_INT:
		if (i64_parse(text, strlen(text), &out->i) < 0)
			return tc_fail(e, TC_EINVAL, "'%s' is no number", text);
		return 0;
	case TOCSIN_OPT_DUR:
		if ((rc = dur_parse(text, &dur, e)) == 0)
			out->i = dur.ns;
		return rc;
	case TOCSIN_OPT_SIZE:
		if ((rc = size_parse(text, &size, e)) < 0)
			return rc;
		if (size > INT64_MAX)
			return tc_fail(e, TC_ERANGE, "'%s' is too much", text);
		out->i = (int64_t)size;
		return 0;
	case TOCSIN_OPT_FLOAT:
		if (double_parse(text, strlen(text), &out->d) < 0 ||
		    !isfinite(out->d))
			return tc_fail(e, TC_EINVAL, "'%s' is no number", text);
		return 0;
	case TOCSIN_OPT_STRING:
	case TOCSIN_OPT_SECRET:
		out->s = text;
		return 0;
	case TOCSIN_OPT_ENUM:
		return parse_choice(row->choices, text, out, e);
	}
	return tc_fail(e, TC_EINVAL, "unknown type %d", (int)row->type);
}

static int
bound(const struct tocsin_opt *row, const char *text, double *out,
	struct tc_err *e)
{
	struct tocsin_value v;
	struct tocsin_opt plain = *row;
	int rc;

	if (row->type == TOCSIN_OPT_STRING || row->type == TOCSIN_OPT_SECRET)
		plain.type = TOCSIN_OPT_INT;
	if ((rc = parse_bare(&plain, text, &v, e)) < 0)
		return rc;
	*out = row->type == TOCSIN_OPT_FLOAT ? v.d : (double)v.i;
	return 0;
}

int
plugin_opt_parse(const struct tocsin_opt *row, const char *text,
	struct tocsin_value *out, struct tc_err *e)
{
	struct tocsin_value v;
	double value, edge;
	int rc;

	if ((rc = parse_bare(row, text, &v, e)) < 0)
		return rc;
	value = row->type == TOCSIN_OPT_FLOAT ? v.d : (double)v.i;
	if (row->type == TOCSIN_OPT_STRING || row->type == TOCSIN_OPT_SECRET)
		value = (double)strlen(text);
	if (row->min != NULL) {
		if ((rc = bound(row, row->min, &edge, e)) < 0)
			return rc;
		if (value < edge)
			return tc_fail(e, TC_ERANGE, "'%s' is below %s", text,
				row->min);
	}
	if (row->max != NULL) {
		if ((rc = bound(row, row->max, &edge, e)) < 0)
			return rc;
		if (value > edge)
			return tc_fail(e, TC_ERANGE, "'%s' is above %s", text,
				row->max);
	}
	*out = v;
	return 0;
}

/* ---- rows ---- */

/* [a-z][a-z0-9_]*, and `stars` times `*` at most. */
static bool
name_is_sane(const char *name, int stars)
{
	size_t n = 0;

	if (name[0] < 'a' || name[0] > 'z')
		return false;
	for (const char *p = name; *p != '\0'; p++, n++) {
		if (*p == '*' && stars-- > 0)
			continue;
		if ((*p < 'a' || *p > 'z') && (*p < '0' || *p > '9') && *p != '_')
			return false;
	}
	return n <= 127;
}

static int
check_opt(const struct tocsin_opt *row, const struct tocsin_opt *first,
	struct tocsin_value *dflt, struct tc_err *e)
{
	int rc;

	if (!name_is_sane(row->name, 0))
		return tc_fail(e, TC_EINVAL, "bad name");
	for (const struct tocsin_opt *o = first; o < row; o++) {
		if (strcmp(o->name, row->name) == 0)
			return tc_fail(e, TC_EINVAL, "declared twice");
	}
	if ((unsigned)row->type > TOCSIN_OPT_ENUM)
		return tc_fail(e, TC_EINVAL, "unknown type %d", (int)row->type);
	if ((row->type == TOCSIN_OPT_ENUM) != (row->choices != NULL))
		return tc_fail(e, TC_EINVAL, "choices belong to an enum");
	if (row->help == NULL)
		return tc_fail(e, TC_EINVAL, "has no help");
	*dflt = (struct tocsin_value){ .s = "" };
	if (row->dflt == NULL)
		return 0;
	if ((rc = plugin_opt_parse(row, row->dflt, dflt, e)) < 0)
		tc_wrap(e, "default");
	return rc;
}

static int
check_opts(struct plugin *p, struct tc_err *e)
{
	const struct tocsin_opt *rows = p->probe->opts;

	while (rows != NULL && rows[p->n_opts].name != NULL) {
		if (++p->n_opts > PLUGIN_OPTS_MAX)
			return tc_fail(e, TC_EFULL, "more than %d options",
				PLUGIN_OPTS_MAX);
	}
	p->defaults = mem_alloc_array(p->n_opts + 1, sizeof(*p->defaults));
	if (p->defaults == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (size_t i = 0; i < p->n_opts; i++) {
		if (check_opt(&rows[i], rows, &p->defaults[i], e) < 0)
			return tc_wrap(e, "option '%s'", rows[i].name);
	}
	return 0;
}

static int
check_metric(const struct tocsin_metric *m, const struct tocsin_metric *first,
	struct tc_err *e)
{
	if (!name_is_sane(m->name, 1) && strcmp(m->name, "*") != 0)
		return tc_fail(e, TC_EINVAL, "bad name");
	for (const struct tocsin_metric *o = first; o < m; o++) {
		if (strcmp(o->name, m->name) == 0)
			return tc_fail(e, TC_EINVAL, "declared twice");
	}
	if ((unsigned)m->kind > TOCSIN_COUNTER)
		return tc_fail(e, TC_EINVAL, "unknown kind %d", (int)m->kind);
	if ((unsigned)m->unit > TOCSIN_BOOLEAN)
		return tc_fail(e, TC_EINVAL, "unknown unit %d", (int)m->unit);
	if (m->help == NULL)
		return tc_fail(e, TC_EINVAL, "has no help");
	return 0;
}

static int
check_metrics(struct plugin *p, struct tc_err *e)
{
	const struct tocsin_metric *rows = p->probe->metrics;

	for (; rows != NULL && rows[p->n_metrics].name != NULL; p->n_metrics++) {
		const struct tocsin_metric *m = &rows[p->n_metrics];

		if (p->n_metrics == PLUGIN_METRICS_MAX)
			return tc_fail(e, TC_EFULL, "more than %d metrics",
				PLUGIN_METRICS_MAX);
		if (check_metric(m, rows, e) < 0)
			return tc_wrap(e, "metric '%s'", m->name);
		p->open |= strcmp(m->name, "*") == 0;
	}
	return 0;
}

static int
check_forms(const struct tocsin_probe *probe, struct tc_err *e)
{
	bool run = probe->run != NULL, start = probe->start != NULL;

	if (run == start)
		return tc_fail(e, TC_EINVAL, "must have one of run and start");
	if (start && probe->cancel == NULL)
		return tc_fail(e, TC_EINVAL, "start without cancel");
	if (run && (probe->on_fd != NULL || probe->on_timer != NULL))
		return tc_fail(e, TC_EINVAL, "run with on_fd or on_timer");
	return 0;
}

int
plugin_check(const struct tocsin_probe *probe, const char *name,
	struct plugin *out, struct tc_err *e)
{
	int rc;

	/* The head first: what lies behind it depends on the version. */
	if (probe->abi_major != TOCSIN_ABI_MAJOR ||
	    probe->abi_minor > TOCSIN_ABI_MINOR)
		return tc_fail(e, TC_ENEWER, "is for ABI %u.%u, this is %u.%u",
			probe->abi_major, probe->abi_minor, TOCSIN_ABI_MAJOR,
			TOCSIN_ABI_MINOR);
	if (probe->size < sizeof(*probe))
		return tc_fail(e, TC_EINVAL,
			"its descriptor has %u bytes, not %zu", probe->size,
			sizeof(*probe));
	if (probe->name == NULL || strcmp(probe->name, name) != 0)
		return tc_fail(e, TC_EINVAL, "calls itself '%.64s'",
			probe->name != NULL ? probe->name : "");
	if (!name_is_sane(name, 0) || strlen(name) > NAME_MAX_BYTES_OF_PLUGIN)
		return tc_fail(e, TC_EINVAL, "bad name");
	if (probe->help == NULL)
		return tc_fail(e, TC_EINVAL, "has no help");
	out->probe = probe;
	if ((rc = check_forms(probe, e)) < 0 || (rc = check_opts(out, e)) < 0 ||
	    (rc = check_metrics(out, e)) < 0)
		return rc;
	return 0;
}

/* ---- files ---- */

/* What others may write is not loaded into a process that may be root. */
static int
check_file(const char *path, struct tc_err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return tc_fail_errno(e, errno, "cannot load");
	if (!S_ISREG(st.st_mode))
		return tc_fail(e, TC_EINVAL, "is not a file");
	if ((st.st_mode & S_IWOTH) != 0)
		return tc_fail(e, TC_EPERM, "may be written by everybody");
	return 0;
}

static int
load_file(struct plugin *p, const char *path, struct tc_err *e)
{
	const char *why;
	void *symbol;
	int rc;

	if ((rc = check_file(path, e)) < 0)
		return rc;
	p->dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (p->dl == NULL) {
		why = dlerror();
		return tc_fail(e, TC_EINVAL, "%s", why != NULL ? why : "dlopen");
	}
	symbol = dlsym(p->dl, "tocsin_probe_v1");
	if (symbol == NULL)
		return tc_fail(e, TC_EINVAL,
			"is no probe of ABI 1: no tocsin_probe_v1");
	return plugin_check(symbol, p->name, p, e);
}

int
plugin_load(const char *path, const char *name, struct plugin **out,
	struct tc_err *e)
{
	struct plugin *p = MEM_NEW(struct plugin);
	int rc;

	if (p == NULL || (p->name = mem_strdup(name)) == NULL) {
		mem_free(p);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	if ((rc = load_file(p, path, e)) < 0) {
		tc_wrap(e, "%s", path);
		plugin_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int
plugin_builtin(const struct tocsin_probe *probe, struct plugin **out,
	struct tc_err *e)
{
	struct plugin *p = MEM_NEW(struct plugin);
	int rc;

	if (p == NULL || (p->name = mem_strdup(probe->name)) == NULL) {
		mem_free(p);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	p->open = true;
	if ((rc = plugin_check(probe, p->name, p, e)) < 0) {
		plugin_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
plugin_free(struct plugin *p)
{
	if (p == NULL)
		return;
	if (p->dl != NULL)
		dlclose(p->dl);
	arena_free(&p->mem);
	mem_free(p->defaults);
	mem_free(p->path);
	mem_free(p->name);
	mem_free(p);
}

/* ---- metrics ---- */

/* One `*` stands for [a-z0-9_]+. */
static bool
matches(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');
	size_t head, tail, n = strlen(name);

	if (star == NULL)
		return strcmp(pattern, name) == 0;
	head = (size_t)(star - pattern);
	tail = strlen(star + 1);
	if (n <= head + tail || memcmp(pattern, name, head) != 0 ||
	    memcmp(star + 1, name + n - tail, tail) != 0)
		return false;
	return name_is_sane(name, 0);
}

bool
plugin_takes(const struct plugin *p, const char *name)
{
	return plugin_metric(p, name) != NULL ||
		(p->open && name_is_sane(name, 0));
}

const struct tocsin_metric *
plugin_metric(const struct plugin *p, const char *name)
{
	const struct tocsin_metric *rows = p->probe->metrics;

	for (size_t i = 0; i < p->n_metrics; i++) {
		if (rows[i].name == name)	/* the usual case */
			return &rows[i];
	}
	for (size_t i = 0; i < p->n_metrics; i++) {
		if (matches(rows[i].name, name))
			return &rows[i];
	}
	return NULL;
}
