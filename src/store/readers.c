#include "store/readers.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "store/damage.h"

/* A short wait is better than a refusal, a long one holds up http. */
#define WAIT_MS 250

struct readers {
	const char *path;
	_Atomic bool damaged;
	struct queue *free;
	struct dur deadline;
	unsigned n;
	struct db all[];
};

void
readers_close(struct readers *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->n; i++)
		db_close(&r->all[i]);
	queue_free(r->free, NULL);
	mem_free(r);
}

static int
open_one(struct readers *r, const char *path, struct tc_err *e)
{
	struct db *db = &r->all[r->n];
	int rc = db_open(db, path, DB_READER, e);

	if (rc < 0)
		return rc;
	r->n++;
	if ((rc = db_settle(db, DB_READER, e)) < 0 ||
	    (rc = db_prepare(db, DB_READER, e)) < 0)
		return rc;
	return queue_push(r->free, db);
}

int
readers_open(const char *path, unsigned n, struct dur deadline,
	struct readers **out, struct tc_err *e)
{
	struct readers *r = mem_alloc(sizeof(*r) + n * sizeof(r->all[0]));
	int rc = 0;

	if (r == NULL)
		return tc_fail(e, TC_ENOMEM, "readers: out of memory");
	r->path = path;
	r->deadline = deadline;
	r->free = queue_new(n, NULL, NULL);
	if (r->free == NULL)
		rc = tc_fail(e, TC_ENOMEM, "readers: out of memory");
	while (rc == 0 && r->n < n)
		rc = open_one(r, path, e);
	if (rc < 0) {
		readers_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

int
readers_take(struct readers *r, bool limited, struct db **out,
	struct tc_err *e)
{
	struct db *db = queue_pop(r->free, dur_ms(WAIT_MS));
	int rc;

	if (db == NULL)
		return tc_fail(e, TC_EBUSY, "all readers are at work");
	db_set_deadline(db, limited ? r->deadline : dur_ns(0));
	if ((rc = db_run(db, ST_READ_BEGIN, e)) < 0) {
		readers_give(r, db);
		return rc;
	}
	*out = db;
	return 0;
}

/* Once: the next start looks at every page, and people are told. */
static void
note_damage(struct readers *r)
{
	if (atomic_exchange(&r->damaged, true))
		return;
	damage_note(r->path);
	log_at(ERROR, "store", "a page that was read is damaged");
}

bool
readers_met_damage(const struct readers *r)
{
	return atomic_load(&r->damaged);
}

void
readers_give(struct readers *r, struct db *db)
{
	if (damage_is(db->fault))
		note_damage(r);
	db->fault = SQLITE_OK;
	db_set_deadline(db, dur_ns(0));
	if (!sqlite3_get_autocommit(db->h))
		db_run(db, ST_READ_END, NULL);
	tc_bug_if(queue_push(r->free, db) < 0);
}
