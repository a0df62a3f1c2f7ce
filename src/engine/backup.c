#include "engine/backup.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json_write.h"

#define KIND "host_backup_old"
#define DAY_S 86400.0

/* Seconds; < 0 = the observation does not say. */
static double
age_in(const struct observation *ob)
{
	double age = -1, one;

	for (size_t i = 0; i < ob->n_metrics; i++) {
		const char *name = ob->metrics[i].name;

		if (name[0] != 'b' || strcmp(name, "backup_age_seconds") != 0)
			continue;
		one = metric_number(&ob->metrics[i]);
		if (one > age)
			age = one;
	}
	return age;
}

static void
warn(struct engine *en, struct host *h, double age, struct wall at)
{
	struct strbuf body = { 0 };
	struct json_write w;
	char summary[400];

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_double(&w, "backup_age_seconds", age);
	json_add_double(&w, "policy_seconds",
		dur_to_seconds(en->backup_max_age));
	json_put_end(&w);
	snprintf(summary, sizeof(summary), "%s: the last good copy is %.1f "
		"days old", h->name, age / DAY_S);
	alert_raise(en, &(struct alert_wish){ KIND, SEVERITY_WARNING, h,
		h->part, summary, strbuf_str(&body) }, at);
	strbuf_free(&body);
}

void
backup_observe(struct engine *en, struct host *h, const struct observation *ob)
{
	double age = age_in(ob);

	if (age < 0)
		return;
	if (en->backup_max_age.ns > 0 &&
	    age > dur_to_seconds(en->backup_max_age))
		warn(en, h, age, ob->at);
	else
		alert_end(en, KIND, h->name, ob->at);
	mark(en, h, DIRTY_COSMETIC);
}

bool
backup_is_old(const struct engine *en, const struct host *h)
{
	char key[700];

	if (en->backup_max_age.ns <= 0 || en->alerts.n == 0)
		return false;
	snprintf(key, sizeof(key), KIND "/%s", h->name);
	return hash_get_str(&en->alerts, key) != NULL;
}
