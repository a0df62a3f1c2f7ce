/*
 * The memory of a host: what lies in its block, and what lies apart.
 */
#include "engine/host.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "engine/inside.h"

static const struct host_rare nothing_rare = {
	.risk.level = LEVEL_NONE,
	.risk.risk = { VERDICT_RISK_UNKNOWN, VERDICT_RISK_UNKNOWN,
		VERDICT_RISK_UNKNOWN },
};

bool
host_has_rare(const struct host *h)
{
	return h->rare != &nothing_rare;
}

struct host_rare *
host_rare(struct host *h)
{
	struct host_rare *own;

	if (h->rare != &nothing_rare)
		return host_own_rare(h);
	own = MEM_NEW(struct host_rare);
	if (own == NULL)
		return NULL;
	*own = nothing_rare;
	h->rare = own;
	return own;
}

static bool
same_risk(const struct host_risk *a, const struct host_risk *b)
{
	return a->level == b->level && a->spared == b->spared &&
		a->cause == b->cause && a->own == b->own &&
		a->device == b->device &&
		a->spared_device == b->spared_device &&
		a->n_blind == b->n_blind && a->risk.d7 == b->risk.d7 &&
		a->risk.d30 == b->risk.d30 && a->risk.d90 == b->risk.d90;
}

void
host_calm(struct host *h)
{
	const struct host_rare *r = h->rare;

	if (r == &nothing_rare || r->window != NULL || r->plan != NULL ||
	    r->diagnosis != NULL || r->units != NULL || r->watch != NULL ||
	    r->devices != NULL || r->parent != 0 || r->n_below != 0 ||
	    r->failed.ms != 0 ||
	    !same_risk(&r->risk, &nothing_rare.risk))
		return;
	mem_free(host_own_rare(h));
	h->rare = &nothing_rare;
}

void
host_set_risk(struct host *h, const struct host_risk *risk)
{
	struct host_rare *own;

	if (same_risk(&h->rare->risk, risk))
		return;
	own = host_rare(h);
	if (own != NULL)
		own->risk = *risk;
	host_calm(h);
}

int
host_set_address(struct host *h, const char *address)
{
	size_t n = strlen(address) + 1;
	bool far = n > HOST_NEAR_ADDRESS;
	char *was = h->far_away ? h->address.far : NULL;
	char *copy = far ? mem_strdup(address) : NULL;

	if (far && copy == NULL)
		return TC_ENOMEM;
	if (far)
		h->address.far = copy;
	else
		memmove(h->address.near, address, n);
	h->far_away = far;
	mem_free(was);
	return 0;
}

/* A power of two: the list has room when it is none yet. */
static bool
is_full(size_t n)
{
	return (n & (n - 1)) == 0;
}

int
host_put_check(struct host *h, struct check *c)
{
	size_t n = h->n_checks;
	bool near = n <= HOST_NEAR_CHECKS;
	struct check **list;

	if (n >= CHECKS_PER_HOST)
		return TC_ERANGE;
	if (n < HOST_NEAR_CHECKS) {
		h->checks.near[h->n_checks++] = c;
		return 0;
	}
	list = near || is_full(n) ? mem_resize_array(near ? NULL :
		h->checks.far, 2 * n, sizeof(*list)) : h->checks.far;
	if (list == NULL)
		return TC_ENOMEM;
	if (near)
		memcpy(list, h->checks.near, sizeof(h->checks.near));
	list[h->n_checks++] = c;
	h->checks.far = list;
	return 0;
}

/* The last one takes its place. */
void
host_take_check(struct host *h, size_t i)
{
	struct check **list = (struct check **)(uintptr_t)host_checks(h);
	size_t n = h->n_checks - (size_t)1;

	list[i] = list[n];
	if (h->worst == i + 1)
		h->worst = 0;
	else if (h->worst == n + 1)
		h->worst = (uint16_t)(i + 1);
	h->n_checks = (uint16_t)n;
	if (n != HOST_NEAR_CHECKS)
		return;
	memcpy(h->checks.near, list, sizeof(h->checks.near));
	mem_free(list);
}

void
host_set_worst(struct host *h, const struct check *c)
{
	uint16_t i = 0;

	while (c != NULL && i < h->n_checks && host_checks(h)[i] != c)
		i++;
	h->worst = c != NULL && i < h->n_checks ? (uint16_t)(i + 1) : 0;
}

int
host_device_room(struct host *h)
{
	struct host_rare *own = host_rare(h);
	struct device **list;

	if (own == NULL || own->n_devices >= DEVICES_PER_HOST)
		return TC_ENOMEM;
	list = list_room(own->devices, &own->cap_devices,
		own->n_devices + (size_t)1, sizeof(*list));
	if (list == NULL)
		return TC_ENOMEM;
	own->devices = list;
	return 0;
}

void
host_put_device(struct host *h, struct device *d)
{
	struct host_rare *own = host_own_rare(h);

	own->devices[own->n_devices++] = d;
}

void
host_drop_device(struct host *h, const struct device *d)
{
	struct host_rare *own = host_own_rare(h);

	for (size_t i = 0; i < own->n_devices; i++)
		if (own->devices[i] == d) {
			own->devices[i] = own->devices[--own->n_devices];
			break;
		}
}

struct host *
host_alloc(const char *name)
{
	size_t n = strlen(name) + 1;
	struct host *h = mem_alloc(sizeof(*h) + n);

	if (h == NULL)
		return NULL;
	memcpy(h->name, name, n);
	h->rare = &nothing_rare;
	return h;
}

void
host_release(struct host *h)
{
	if (h->n_checks > HOST_NEAR_CHECKS)
		mem_free(h->checks.far);
	if (h->far_away)
		mem_free(h->address.far);
	mem_free(h->tags);
	if (h->rare != &nothing_rare) {
		struct host_rare *own = host_own_rare(h);

		mem_free(own->devices);
		mem_free(own->diagnosis);
		mem_free(own->watch);
		mem_free(own);
	}
	mem_free(h);
}
