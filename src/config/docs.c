/*
 * Documents from the rows: the example file and the man page's section.
 */
#include <string.h>

#include "config/config.h"
#include "config/schema.h"

static const struct section {
	const char *key;	/* "" = the top */
	const struct tocsin_opt *rows;
	const char *help;
} sections[] = {
	{ "", top_rows, "The server." },
	{ "tls", tls_rows, "With a certificate the API speaks HTTPS only." },
	{ "http", http_rows, "Bounds of the API." },
	{ "retention", retention_rows, "What is forgotten; read at the start." },
	{ "observer", observer_rows, "How Tocsin tells that it is itself cut "
		"off; witnesses: is a list of addresses far away." },
	{ "defaults", rule_rows, "How checks run and judge; a partition and a "
		"host may have their own defaults:, a check any of these." },
	{ "units", unit_rows, "How VMs and agents are judged; a partition, a "
		"host and a VM may have their own." },
	{ "passive", passive_rows, "What agents send by themselves." },
	{ "evacuate", evacuate_rows, "Nothing is moved unless armed." },
};

static const char man_head[] =
	".TH TOCSIN.YAML 5 2026\\-11\\-21 Tocsin\n.SH NAME\n"
	"tocsin.yaml \\- configuration of tocsind\n.SH DESCRIPTION\n"
	"YAML. A key that is not known is an error; all errors are reported\n"
	"at once, each with file and line, by\n"
	".BR \"tocsind \\-\\-check\\-config\" .\n"
	"SIGHUP swaps the configuration whole, or keeps the one that runs.\n"
	"Durations are written 250ms, 15s, 5m, 1h, 7d; sizes 512, 64KiB,\n"
	"1MiB. Anchors and aliases are taken, tags and merge keys are not.\n"
	".PP\nThe least of it:\n.PP\n.nf\n"
	"partitions:\n"
	"  \\- name: rack1\n"
	"    checks: [{probe: ping}, {probe: tcp, port: 8000}]\n"
	"    hosts:  [{name: h1, address: 192.0.2.1, tags: {team: web}}]\n"
	"    file_sd: [\"/etc/tocsin/sd/*.json\"]\n"
	".fi\n.SH OPTIONS\n";

static const char man_tail[] =
	".SH PLUGINS\n"
	"plugin_dirs: is a list of further directories with plugins; each of\n"
	"them runs in a process of its own.\n"
	".SH CHECKS\n"
	"A check is a map: probe (its name), name (what it is called; the\n"
	"probe, or PROBE:PORT), the options of section defaults, and those of\n"
	"the probe. A host's own check takes the place of the partition's\n"
	"check of the same name.\n"
	".SH VMS AND ROLES\n"
	"A host lists its vms: and its roles:, a VM its roles:. A partition\n"
	"may list vms: and roles: too, each with on: (a host; a role also a\n"
	"VM). Each has one place: a second one is an error. vm_checks: and\n"
	"role_checks: of the partition are for those without checks: of their\n"
	"own. On a host with a role that has checks of its own, only the\n"
	"pings of the partition's checks: are run.\n"
	".SH TAGS WITH A MEANING\n"
	"redundancy: which disks of the host stand for each other, as groups\n"
	"between blanks: \"mirror:S1+S2 raid6:S3+S4+S5+S6\", also raid5 and\n"
	"single; members are serials or WWNs, * is every disk that is left. A\n"
	"failing disk that others stand for is to be replaced; the host stays.\n"
	"evacuation_time: 2h, or evacuation_size: 3TiB, which evacuate: rate\n"
	"divides: how long it takes to leave the host, in place of evacuate:\n"
	"time. Set against the time that is left, it says how urgent a plan is.\n"
	"capacity: 256GiB and load: 96GiB, or plain numbers of anything: what\n"
	"the host may take in all, and what it takes now. A full host takes\n"
	"nobody's load; a host whose load does not fit into what the others\n"
	"have left, beside the loads that are to go there already, is held:\n"
	"no_capacity_in_partition. The load of a host with several VMs may be\n"
	"spread, any other goes to one host. Without capacity: no limit.\n"
	".SH FILE_SD\n"
	"Lists of files of Prometheus, JSON, with * and ?; relative to the\n"
	"configuration. A host's name is the label host, else the target\n"
	"without its port; other labels become tags. A broken file keeps its\n"
	"earlier hosts. A host of the configuration stays with that.\n"
	"With the label __tocsin_vm the target is that of a VM, with\n"
	"__tocsin_role that of a role, in the VM if both are given; host says\n"
	"where it runs, __tocsin_class whether it is stateful or stateless;\n"
	"the partition's vm_checks: and role_checks: are run on them. A VM\n"
	"that only its roles name is made with their address.\n"
	".SH ALERTS\n"
	"alerts: receivers: is a list of the maps above; routes: is a list of\n"
	"{match: {label: value}, to: [receiver]}, or contacts: [type] beside\n"
	"or in place of to:. contacts: names receivers by what concerns them,\n"
	"{ops: [a, b], security: [c, a], billing: [d, a]}; notices of\n"
	"maintenance, in advance and when a window is moved or called off, go\n"
	"to all of them, overruns and conflicts of windows to ops, each\n"
	"without a route. A type without anybody, or with one receiver alone\n"
	"that has no fallback:, is a warning.\n"
	".SH SEE ALSO\n.BR tocsind (8)\n";

static const struct section items[] = {
	{ "partitions: hosts", host_rows, "Also tags: {key: text}, checks: "
		"beside those of the partition, and defaults:." },
	{ "partitions: hosts: vms", vm_rows, "Also roles:, checks: in place of "
		"the partition's vm_checks:, and the options of units." },
	{ "partitions: hosts: roles", role_rows, "Also checks: in place of the "
		"partition's role_checks:, and signals: [outside, inside]." },
	{ "alerts: receivers", receiver_rows, "Also argv: for exec, to: for "
		"smtp." },
	{ "alerts: heartbeat", heartbeat_rows, "Also to: the receivers." },
	{ "evacuate: executor", executor_rows, "Also argv: for exec." },
};

static const char fleet_example[] =
	"##\n"
	"## The fleet. checks: are those of every host of the partition.\n"
	"#partitions:\n"
	"#  - name: rack1\n"
	"#    defaults: {interval: 15s}\n"
	"#    checks: [{probe: ping}, {probe: tcp, port: 8000}]\n"
	"#    hosts:\n"
	"#      - {name: h1, address: 192.0.2.1, tags: {team: web}}\n"
	"#      - {name: h2, address: 192.0.2.2, defaults: {interval: 1m}}\n"
	"#    file_sd: [\"/etc/tocsin/sd/*.json\"]\n"
	"##\n"
	"## Who is told.\n"
	"#alerts:\n"
	"#  receivers:\n"
	"#    - {name: ops, type: webhook, url: \"http://127.0.0.1:9000/hook\"}\n"
	"#  contacts: {ops: [ops], security: [ops], billing: [ops]}\n"
	"#  routes:\n"
	"#    - {match: {severity: critical}, to: [ops]}\n";

static const char plugins_example[] =
	"## Further directories with plugins. (list of paths)\n"
	"#plugin_dirs: []\n";

static const char witnesses_example[] =
	"##   Pinged besides: while one answers, the way out is open. (list)\n"
	"#  witnesses: []\n";

static const char executor_example[] =
	"#  executor: {type: exec, argv: [/usr/lib/tocsin/evacuate/hook]}\n";

static const char *
type_name(const struct tocsin_opt *row)
{
	switch (row->type) {
	case TOCSIN_OPT_BOOL:
		return "true or false";
	case TOCSIN_OPT_INT:
		return "number";
	case TOCSIN_OPT_DUR:
		return "duration";
	case TOCSIN_OPT_SIZE:
		return "size";
	case TOCSIN_OPT_FLOAT:
		return "number";
	case TOCSIN_OPT_STRING:
		return "text";
	case TOCSIN_OPT_SECRET:
		return "secret";
	case TOCSIN_OPT_ENUM:
		return row->choices;
	}
	return "";
}

static bool
is_text(const struct tocsin_opt *row)
{
	return row->type == TOCSIN_OPT_STRING || row->type == TOCSIN_OPT_SECRET;
}

static void
put_bounds(struct strbuf *out, const struct tocsin_opt *row)
{
	strbuf_puts(out, type_name(row));
	if (!is_text(row) && row->min != NULL && row->max != NULL)
		strbuf_printf(out, ", %s to %s", row->min, row->max);
}

/* ---- example ---- */

static void
example_row(struct strbuf *out, const char *indent,
	const struct tocsin_opt *row)
{
	const char *quote = is_text(row) ? "\"" : "";

	strbuf_printf(out, "## %s%s (", indent, row->help);
	put_bounds(out, row);
	strbuf_printf(out, ")\n#%s%s: %s%s%s\n", indent, row->name, quote,
		row->dflt, quote);
}

void
config_write_example(struct strbuf *out)
{
	strbuf_puts(out, "## Tocsin. What is commented out shows its default.\n"
		"## Durations: 250ms 15s 5m 1h 7d. Sizes: 512 64KiB 1MiB.\n");
	for (size_t s = 0; s < ARRAY_LEN(sections); s++) {
		const struct section *sec = &sections[s];
		const char *indent = sec->key[0] != '\0' ? "  " : "";

		if (strcmp(sec->key, "evacuate") == 0)
			strbuf_puts(out, fleet_example);
		strbuf_printf(out, "##\n## %s\n", sec->help);
		if (sec->key[0] != '\0')
			strbuf_printf(out, "#%s:\n", sec->key);
		for (const struct tocsin_opt *row = sec->rows;
		     row->name != NULL; row++)
			example_row(out, indent, row);
		if (sec->rows == top_rows)
			strbuf_puts(out, plugins_example);
		if (sec->rows == observer_rows)
			strbuf_puts(out, witnesses_example);
	}
	strbuf_puts(out, executor_example);
}

/* ---- man page ---- */

static void
put_roff(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '-')
			strbuf_putc(out, '\\');
		strbuf_putc(out, *text == '\\' ? 'e' : *text);
	}
}

static void
man_row(struct strbuf *out, const struct tocsin_opt *row)
{
	struct strbuf text = { 0 };

	put_bounds(&text, row);
	if (row->dflt == NULL)
		strbuf_puts(&text, "; required");
	else if (row->dflt[0] != '\0')
		strbuf_printf(&text, "; default %s", row->dflt);
	strbuf_puts(out, ".TP\n.B ");
	put_roff(out, row->name);
	strbuf_puts(out, "\n(");
	put_roff(out, strbuf_str(&text));
	strbuf_puts(out, ")\n.br\n");
	put_roff(out, row->help);
	strbuf_putc(out, '\n');
	strbuf_free(&text);
}

static void
man_section(struct strbuf *out, const struct section *sec)
{
	strbuf_puts(out, ".SS ");
	put_roff(out, sec->key[0] != '\0' ? sec->key : "top of the file");
	strbuf_putc(out, '\n');
	put_roff(out, sec->help);
	strbuf_putc(out, '\n');
	for (const struct tocsin_opt *row = sec->rows; row->name != NULL; row++)
		man_row(out, row);
}

void
config_write_man(struct strbuf *out)
{
	strbuf_puts(out, man_head);
	for (size_t s = 0; s < ARRAY_LEN(sections); s++)
		man_section(out, &sections[s]);
	for (size_t s = 0; s < ARRAY_LEN(items); s++)
		man_section(out, &items[s]);
	strbuf_puts(out, man_tail);
}
