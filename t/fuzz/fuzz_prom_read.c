/*
 * Any text, read twice: it is taken or refused as prom_parse() does, with the
 * same samples, whether its series are new or known.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/prom_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	size_t n;
	uint64_t hash;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
add(struct sum *s, double v)
{
	s->n++;
	if (isnan(v))
		v = 0;
	s->hash = hash_bytes(&v, sizeof(v), s->hash);
}

static int
parsed(void *arg, const struct prom_point *p)
{
	add(arg, p->value);
	return 0;
}

static const void *
know(void *arg, struct arena *mem, const struct prom_point *p)
{
	(void)arg;
	must(p->name_n > 0);
	return arena_strndup(mem, p->name, p->name_n);
}

static void
take(void *arg, const void *known, double value)
{
	must(known != NULL && *(const char *)known != '\0');
	add(arg, value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);
	struct prom_memory m;
	struct sum want = { 0 };
	int rc;

	must(copy != NULL);
	if (size != 0)
		memcpy(copy, data, size);
	rc = prom_parse(copy, size, parsed, &want, NULL);
	prom_memory_init(&m, know, NULL, 1 << 20);
	for (int i = 0; i < 2; i++) {
		struct prom_piece piece = { copy, size, 0 };
		struct sum got = { 0 };
		int again = prom_read(&m, &piece, take, &got, NULL);

		must((rc < 0) == (again < 0));
		must(rc < 0 || (got.n == want.n && got.hash == want.hash));
	}
	prom_memory_free(&m);
	free(copy);
	return 0;
}
