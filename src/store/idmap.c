#include "store/idmap.h"

#include "base/err.h"
#include "base/mem.h"

static size_t
home_of(uint64_t key, size_t cap)
{
	key *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(key ^ (key >> 32)) & (cap - 1);
}

static size_t
find(const struct idmap *m, uint64_t key)
{
	size_t i = home_of(key, m->cap);

	while (m->keys[i] != 0 && m->keys[i] != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

void
idmap_free(struct idmap *m)
{
	mem_free(m->keys);
	mem_free(m->values);
	*m = (struct idmap){ 0 };
}

uint32_t *
idmap_get(const struct idmap *m, uint64_t key)
{
	size_t i;

	if (m->n == 0)
		return NULL;
	i = find(m, key);
	return m->keys[i] == key ? &m->values[i] : NULL;
}

static int
grow(struct idmap *m)
{
	struct idmap bigger = { .cap = m->cap == 0 ? 64 : m->cap * 2,
		.n = m->n };

	bigger.keys = mem_alloc_array(bigger.cap, sizeof(*bigger.keys));
	bigger.values = mem_alloc_array(bigger.cap, sizeof(*bigger.values));
	if (bigger.keys == NULL || bigger.values == NULL) {
		idmap_free(&bigger);
		return TC_ENOMEM;
	}
	for (size_t i = 0; i < m->cap; i++) {
		size_t to;

		if (m->keys[i] == 0)
			continue;
		to = find(&bigger, m->keys[i]);
		bigger.keys[to] = m->keys[i];
		bigger.values[to] = m->values[i];
	}
	idmap_free(m);
	*m = bigger;
	return 0;
}

int
idmap_put(struct idmap *m, uint64_t key, uint32_t value)
{
	size_t i;

	tc_bug_if(key == 0);
	if ((m->n + 1) * 4 > m->cap * 3 && grow(m) < 0)
		return TC_ENOMEM;
	i = find(m, key);
	if (m->keys[i] == 0)
		m->n++;
	m->keys[i] = key;
	m->values[i] = value;
	return 0;
}
