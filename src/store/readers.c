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
	_Atomic bool thawed;
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
make_ready(struct db *db, const char *path, struct tc_err *e)
{
	int rc;

	if ((rc = db_open(db, path, DB_READER, e)) < 0)
		return rc;
	if ((rc = db_settle(db, DB_READER, e)) < 0 ||
	    (rc = db_prepare(db, DB_READER, e)) < 0)
		db_close(db);
	return rc;
}

static int
open_one(struct readers *r, const char *path, struct tc_err *e)
{
	struct db *db = &r->all[r->n];
	int rc = make_ready(db, path, e);

	if (rc < 0)
		return rc;
	r->n++;
	return queue_push(r->free, db);
}

/* It sees the file as it was when nothing could be written. */
static bool
is_stale(const struct readers *r, const struct db *db)
{
	return db->frozen && atomic_load(&r->thawed);
}

static int
thaw(struct readers *r, struct db *db, struct tc_err *e)
{
	int rc;

	if (!is_stale(r, db))
		return 0;
	db_close(db);
	if ((rc = make_ready(db, r->path, e)) < 0)
		db->frozen = true;	/* the next one tries again */
	return rc;
}

static void
put_back(struct readers *r, struct db *db)
{
	if (is_stale(r, db))
		db_close(db);
	tc_bug_if(queue_push(r->free, db) < 0);
}

void
readers_thaw(struct readers *r)
{
	struct db *db;

	atomic_store(&r->thawed, true);
	for (unsigned i = 0; i < r->n; i++)
		if ((db = queue_try_pop(r->free)) != NULL)
			put_back(r, db);
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
	if ((rc = thaw(r, db, e)) < 0) {
		put_back(r, db);
		return rc;
	}
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
	/* A frozen one may see pages that are being replaced. */
	if (damage_is(db->fault) && !is_stale(r, db))
		note_damage(r);
	db->fault = SQLITE_OK;
	db_set_deadline(db, dur_ns(0));
	if (!sqlite3_get_autocommit(db->h))
		db_run(db, ST_READ_END, NULL);
	put_back(r, db);
}
