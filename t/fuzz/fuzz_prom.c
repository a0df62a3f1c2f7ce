/*
 * Any text as a page of Prometheus; every point lies inside of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/prom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	const char *p;
	size_t n;
};

static void
must_lie_inside(const struct text *t, const char *p, size_t n)
{
	if (p < t->p || n > t->n || p + n > t->p + t->n)
		abort();
}

static int
check_point(void *arg, const struct prom_point *point)
{
	const struct text *t = arg;

	must_lie_inside(t, point->name, point->name_n);
	for (size_t i = 0; i < point->n_labels; i++) {
		must_lie_inside(t, point->labels[i].key,
			point->labels[i].key_n);
		must_lie_inside(t, point->labels[i].value,
			point->labels[i].value_n);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);
	struct text t = { copy, size };

	if (copy == NULL)
		abort();
	if (size != 0)
		memcpy(copy, data, size);
	(void)prom_parse(copy, size, check_point, &t, NULL);
	free(copy);
	return 0;
}
