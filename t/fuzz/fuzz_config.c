/*
 * Any text as tocsin.yaml: faults or a config that can be shown.  file_sd
 * patterns are not followed: this reads no files.
 */
#include <stdint.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tocsin_opt tcp_rows[] = {
	{ "port", TOCSIN_OPT_INT, .min = "1", .max = "65535" },
	{ "token", TOCSIN_OPT_SECRET, .dflt = "" },
	{ NULL },
};

static const struct tocsin_opt *
probe_opts(void *arg, const char *probe)
{
	(void)arg;
	if (strcmp(probe, "tcp") == 0)
		return tcp_rows;
	return strcmp(probe, "ping") == 0 ? tcp_rows + 2 : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_lookup lookup = { NULL, probe_opts, NULL };
	struct config_errors errs = { 0 };
	struct strbuf text = { 0 };
	struct config *cfg = NULL;

	if (size > 65536)
		return 0;
	if (config_parse(&(struct config_text){ "t.yaml", (const char *)data,
		size }, &lookup, &cfg, &errs) == 0) {
		config_print(cfg, &text, true);
		config_free(cfg);
	}
	config_errors_print(&errs, &text);
	config_errors_fini(&errs);
	strbuf_free(&text);
	return 0;
}
