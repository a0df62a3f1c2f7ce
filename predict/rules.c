/*
 * Asking a rule pack.
 */
#include "predict/rules.h"

#include <string.h>

#include "base/mem.h"

void
pack_free(struct pack *pack)
{
	mem_free(pack);
}

enum level
pack_level(const struct pack *pack, int32_t score)
{
	int level = LEVEL_N - 1;

	while (level > 0 && score < pack->level_from[level])
		level--;
	return (enum level)level;
}

const struct pack_calibration *
pack_calibrate(const struct pack *pack, int32_t score)
{
	uint32_t i = pack->n_calibration - 1;

	while (i > 0 && score < pack->calibration[i].from)
		i--;
	return &pack->calibration[i];
}

int32_t
pack_rule_weight(const struct pack_rule *rule, int64_t value)
{
	int32_t sum = 0;

	for (uint32_t i = 0; i < rule->n_bins && value >= rule->bins[i].ge; i++)
		sum += rule->bins[i].weight;
	return sum;
}

const struct pack_rule *
pack_rule_find(const struct pack *pack, const char *id)
{
	for (uint32_t i = 0; i < pack->n_rules; i++) {
		if (strcmp(pack->rules[i].id, id) == 0)
			return &pack->rules[i];
	}
	return NULL;
}

bool
pack_cond_holds(const struct pack_cond *c, int64_t value)
{
	return value >= c->ge && value < c->lt;
}

const struct pack_model *
pack_model_find(const struct pack *pack, const char *model)
{
	const struct pack_model *best = NULL;
	size_t longest = 0;

	for (uint32_t i = 0; i < pack->n_models; i++) {
		const char *name = pack->models[i].model;
		size_t n = strlen(name);

		if (n <= longest || strncmp(name, model, n) != 0)
			continue;
		if (model[n] == '\0' || model[n] == '-' || model[n] == ' ') {
			best = &pack->models[i];
			longest = n;
		}
	}
	return best;
}
