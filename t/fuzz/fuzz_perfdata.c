/*
 * Any output of a plugin: what comes out is finite, named and text.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/name.h"
#include "wire/labels.h"
#include "wire/perfdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

struct names {
	struct strbuf name;
	struct strbuf instance;
};

static void
check_point(void *arg, const struct perf_point *point)
{
	struct names *n = arg;
	struct label labels[LABELS_MAX];

	must(point->unknown || isfinite(point->value));
	must(!isnan(point->warn.from) && !isnan(point->crit.to));
	must(point->label[0] != '\0');
	perf_metric("fuzz", point, &n->name, &n->instance);
	must(name_is_metric(strbuf_str(&n->name), n->name.n));
	if (n->instance.n > 0)
		must(labels_split(n->instance.p, n->instance.n, labels, NULL) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);
	struct names names = { { 0 }, { 0 } };
	struct perf_output out;

	must(copy != NULL);
	if (size != 0)
		memcpy(copy, data, size);
	perfdata_split(copy, size, &out);
	for (size_t i = 0; i < 2; i++)
		(void)perfdata_parse(out.data[i], check_point, &names);
	strbuf_free(&names.name);
	strbuf_free(&names.instance);
	free(copy);
	return 0;
}
