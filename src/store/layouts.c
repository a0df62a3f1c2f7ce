/*
 * Layouts are interned: by the keyed sum of the row's canonical bytes in
 * memory, by their hash in the file.  The bytes, dozens for each series, are
 * not kept.
 */
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "store/scribe.h"

/* Beyond this the memory is dropped and filled again from the file. */
#define LAYOUTS_KEPT 16384

static void
forget_layouts(struct scribe *s)
{
	struct layout *l;
	size_t at = 0;

	while ((l = hash_next(&s->layouts, &at)) != NULL)
		mem_free(l);
	hash_free(&s->layouts);
}

void
scribe_forget(struct scribe *s)
{
	forget_layouts(s);
	idmap_free(&s->sources);
	idmap_free(&s->batches);
	s->knows_marks = false;
}

void
scribe_fini(struct scribe *s)
{
	scribe_forget(s);
	strbuf_free(&s->key);
	strbuf_free(&s->row);
	block_get_free(&s->block);
	mem_free(s->times);
	s->times = NULL;
	s->cap_times = 0;
	db_close(&s->db);
}

int64_t
scribe_name(struct scribe *s, const char *text, struct tc_err *e)
{
	int64_t id;
	int rc;

	db_bind_text(&s->db, ST_NAME_GET, 1, text);
	rc = db_step(&s->db, ST_NAME_GET, e);
	if (rc == 1) {
		id = db_i64(&s->db, ST_NAME_GET, 0);
		db_reset(&s->db, ST_NAME_GET);
		return id;
	}
	if (rc < 0)
		return 0;
	db_bind_text(&s->db, ST_NAME_PUT, 1, text);
	if (db_run(&s->db, ST_NAME_PUT, e) < 0)
		return 0;
	return sqlite3_last_insert_rowid(s->db.h);
}

/* A series of the row's own subject is the same however it was named. */
static uint32_t
foreign_subject(const struct change_history *c, size_t i)
{
	uint32_t subject = c->series[i].subject;

	return subject == c->subject ? 0 : subject;
}

/*
 * probe NUL, then for each series: subject and type (5 bytes), name NUL,
 * instance NUL.  Written by hand: it is done for every row.
 */
static int
make_key(struct scribe *s, const struct change_history *c, struct tc_err *e)
{
	strbuf_reset(&s->key);
	strbuf_add(&s->key, c->probe, strlen(c->probe) + 1);
	for (size_t i = 0; i < c->n; i++) {
		const struct change_series *from = &c->series[i];
		const char *instance = from->instance != NULL ?
			from->instance : "";
		size_t name_n = strlen(from->name) + 1;
		size_t instance_n = strlen(instance) + 1;
		uint32_t subject = foreign_subject(c, i);
		char *to = strbuf_reserve(&s->key, 5 + name_n + instance_n);

		if (to == NULL)
			break;
		memcpy(to, &subject, 4);
		to[4] = (char)from->type;
		memcpy(to + 5, from->name, name_n);
		memcpy(to + 5 + name_n, instance, instance_n);
		s->key.n += 5 + name_n + instance_n;
	}
	return s->key.failed ? tc_fail(e, TC_ENOMEM, "layout: out of memory") : 0;
}

static int
put_series(struct scribe *s, const struct change_history *c, uint32_t layout,
	struct tc_err *e)
{
	struct db *db = &s->db;

	for (size_t i = 0; i < c->n; i++) {
		const struct change_series *from = &c->series[i];
		int64_t name, instance;
		int rc;

		if ((name = scribe_name(s, from->name, e)) == 0)
			return e->code;
		instance = scribe_name(s,
			from->instance != NULL ? from->instance : "", e);
		if (instance == 0)
			return e->code;
		db_bind_i64(db, ST_LAYOUT_SERIES_PUT, 1, layout);
		db_bind_i64(db, ST_LAYOUT_SERIES_PUT, 2, (int64_t)i);
		db_bind_id(db, ST_LAYOUT_SERIES_PUT, 3, foreign_subject(c, i));
		db_bind_i64(db, ST_LAYOUT_SERIES_PUT, 4, name);
		db_bind_i64(db, ST_LAYOUT_SERIES_PUT, 5, instance);
		db_bind_i64(db, ST_LAYOUT_SERIES_PUT, 6, from->type);
		if ((rc = db_run(db, ST_LAYOUT_SERIES_PUT, e)) < 0)
			return rc;
	}
	return 0;
}

static int
put_layout(struct scribe *s, const struct change_history *c,
	const unsigned char *hash, struct layout *l, struct tc_err *e)
{
	struct db *db = &s->db;
	int rc;

	if ((l->probe = scribe_name(s, c->probe, e)) == 0)
		return e->code;
	db_bind_i64(db, ST_LAYOUT_PUT, 1, l->probe);
	db_bind_i64(db, ST_LAYOUT_PUT, 2, (int64_t)c->n);
	db_bind_blob(db, ST_LAYOUT_PUT, 3, hash, crypto_hash_sha256_BYTES);
	if ((rc = db_run(db, ST_LAYOUT_PUT, e)) < 0)
		return rc;
	l->id = (uint32_t)sqlite3_last_insert_rowid(db->h);
	return put_series(s, c, l->id, e);
}

static int
find_or_put(struct scribe *s, const struct change_history *c,
	struct layout *l, struct tc_err *e)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct db *db = &s->db;
	int rc;

	crypto_hash_sha256(hash, (const unsigned char *)s->key.p, s->key.n);
	db_bind_blob(db, ST_LAYOUT_GET, 1, hash, sizeof(hash));
	rc = db_step(db, ST_LAYOUT_GET, e);
	if (rc == 0)
		return put_layout(s, c, hash, l, e);
	if (rc < 0)
		return rc;
	l->id = (uint32_t)db_i64(db, ST_LAYOUT_GET, 0);
	l->probe = db_i64(db, ST_LAYOUT_GET, 1);
	db_reset(db, ST_LAYOUT_GET);
	return 0;
}

/* The key is secret: nobody can name his series so that two sums are one. */
static void
sum_key(struct scribe *s, unsigned char sum[LAYOUT_SUM_BYTES])
{
	_Static_assert(LAYOUT_SUM_BYTES == crypto_shorthash_siphashx24_BYTES &&
		sizeof(s->layouts_key) ==
			crypto_shorthash_siphashx24_KEYBYTES, "sums");
	if (s->layouts.n == 0)
		randombytes_buf(s->layouts_key, sizeof(s->layouts_key));
	crypto_shorthash_siphashx24(sum, (const unsigned char *)s->key.p,
		s->key.n, s->layouts_key);
}

const struct layout *
scribe_layout(struct scribe *s, const struct change_history *c,
	struct tc_err *e)
{
	unsigned char sum[LAYOUT_SUM_BYTES];
	struct layout *l;

	if (make_key(s, c, e) < 0)
		return NULL;
	sum_key(s, sum);
	l = hash_get(&s->layouts, sum, sizeof(sum));
	if (l != NULL)
		return l;
	if (s->layouts.n >= LAYOUTS_KEPT)
		forget_layouts(s);
	l = MEM_NEW(struct layout);
	if (l == NULL) {
		tc_fail(e, TC_ENOMEM, "layout: out of memory");
		return NULL;
	}
	memcpy(l->sum, sum, sizeof(sum));
	if (find_or_put(s, c, l, e) < 0)
		goto fail;
	if (hash_put(&s->layouts, l->sum, sizeof(l->sum), l) < 0) {
		tc_fail(e, TC_ENOMEM, "layout: out of memory");
		goto fail;
	}
	return l;
fail:
	mem_free(l);
	return NULL;
}
