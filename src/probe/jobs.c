/*
 * Runs that are kept: with their own copy of the target, until a name is
 * known or a worker is free.
 */
#include "base/mem.h"
#include "probe/parts.h"

void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	if (j->lookup != NULL)
		sched_lookup_cancel(j->lookup);
	list_remove(&j->link);
	arena_free(&j->mem);
	mem_free(j->obs);
	mem_free(j);
}

static const struct tocsin_value *
copy_values(struct job *j, const struct tocsin_target *t)
{
	const struct tocsin_opt *rows = j->host->plugin->probe->opts;
	struct tocsin_value *v =
		arena_alloc(&j->mem, (t->n_opts + 1) * sizeof(*v));

	for (uint32_t i = 0; v != NULL && i < t->n_opts; i++) {
		v[i] = t->opts[i];
		if ((rows[i].type != TOCSIN_OPT_STRING &&
		     rows[i].type != TOCSIN_OPT_SECRET) || v[i].s == NULL)
			v[i].s = "";
		else if ((v[i].s = arena_strdup(&j->mem, v[i].s)) == NULL)
			return NULL;
	}
	return v;
}

struct job *
job_new(struct slot *s, const struct tocsin_target *t, struct mono until)
{
	struct job *j = MEM_NEW(struct job);

	if (j == NULL)
		return NULL;
	list_init(&j->link);
	j->mem.limit = JOB_BYTES_MAX;
	j->host = s->host;
	j->slot = s->id;
	j->until = until;
	j->target = *t;
	j->target.host = arena_strdup(&j->mem, t->host);
	j->target.address = arena_strdup(&j->mem, t->address);
	j->target.opts = copy_values(j, t);
	if (j->target.host == NULL || j->target.address == NULL ||
	    j->target.opts == NULL) {
		job_free(j);
		return NULL;
	}
	s->job = j;
	return j;
}
