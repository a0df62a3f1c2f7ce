#include "t/db/power.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const suffixes[POWER_FILES] = { "", "-wal", "-journal" };

static void *
grown(void *items, size_t *cap, size_t n, size_t size)
{
	if (n <= *cap)
		return items;
	*cap = n * 2 + 16;
	items = realloc(items, *cap * size);
	ck_assert_ptr_nonnull(items);
	return items;
}

/* ---- the tape ---- */

/* POWER_FILES = none of ours. */
static enum power_file
file_of(const struct power_tape *t, const char *name)
{
	size_t n = strlen(t->path);
	int file = 0;

	if (name == NULL || strncmp(name, t->path, n) != 0)
		return POWER_FILES;
	while (file < POWER_FILES && strcmp(name + n, suffixes[file]) != 0)
		file++;
	return (enum power_file)file;
}

static void
add(struct power_tape *t, const struct power_entry *e)
{
	t->entries = grown(t->entries, &t->cap, t->n + 1, sizeof(*e));
	t->entries[t->n] = *e;
	if (e->data != NULL) {
		t->entries[t->n].data = malloc(e->n);
		ck_assert_ptr_nonnull(t->entries[t->n].data);
		memcpy(t->entries[t->n].data, e->data, e->n);
	}
	t->n++;
}

static void
on_note(void *arg, const struct bad_note *note)
{
	struct power_tape *t = arg;
	struct power_entry e = { .file = file_of(t, note->name),
		.at = note->at };

	if (e.file == POWER_FILES)
		return;
	if (note->op == BAD_SYNC)
		e.kind = note->rc == SQLITE_OK ? POWER_SYNC : POWER_SYNC_FAILED;
	else if (note->rc != SQLITE_OK)
		return;
	else if (note->op == BAD_OPEN)
		e.kind = POWER_CREATE;
	else if (note->op == BAD_DELETE)
		e.kind = POWER_DELETE;
	else if (note->op == BAD_TRUNCATE)
		e.kind = POWER_TRUNCATE;
	else
		e.kind = POWER_WRITE;
	e.data = (unsigned char *)(uintptr_t)note->data;
	e.n = (size_t)note->n;
	add(t, &e);
}

void
power_tape_begin(struct power_tape *t, struct bad_disk *disk, const char *path)
{
	*t = (struct power_tape){ .path = path, .disk = disk };
	disk->note_arg = t;
	disk->note = on_note;
}

void
power_tape_end(struct power_tape *t)
{
	t->disk->note = NULL;
}

void
power_tape_free(struct power_tape *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->entries[i].data);
	free(t->entries);
}

void
power_tape_ack(struct power_tape *t, uint32_t n)
{
	pthread_mutex_lock(&t->disk->lock);
	add(t, &(struct power_entry){ .kind = POWER_ACK, .at = n });
	pthread_mutex_unlock(&t->disk->lock);
}

/* ---- what is on the disk ---- */

unsigned
power_random(struct power_cut *c, unsigned below)
{
	c->seed = c->seed * 1103515245u + 12345u;
	return (c->seed >> 8) % below;
}

static void
set_size(struct power_bytes *b, size_t n)
{
	b->p = grown(b->p, &b->cap, n, 1);
	if (n > b->n)
		memset(b->p + b->n, 0, n - b->n);
	b->n = n;
}

static void
put_bytes(struct power_bytes *b, size_t at, const unsigned char *from,
	size_t n)
{
	if (at + n > b->n)
		set_size(b, at + n);
	memcpy(b->p + at, from, n);
}

static void
apply_whole(struct power_bytes *b, const struct power_entry *e)
{
	if (e->kind == POWER_TRUNCATE)
		set_size(b, (size_t)e->at);
	else
		put_bytes(b, (size_t)e->at, e->data, e->n);
}

/* Room was made for it, and no more. */
static void
put_junk(struct power_bytes *b, size_t at, size_t end)
{
	set_size(b, end);
	memset(b->p + at, 0x5a, end - at);
}

enum luck { LOSE, KEEP, EITHER, JUNK };

/* A sector of it at a time. */
static void
apply_torn(struct power_cut *c, struct power_bytes *b,
	const struct power_entry *e, size_t sector, enum luck luck)
{
	size_t begin = (size_t)e->at, end = begin + e->n, next;

	if (e->kind == POWER_TRUNCATE) {
		if (power_random(c, 2) > 0)
			set_size(b, (size_t)e->at);
		return;
	}
	for (size_t at = begin; at < end; at = next) {
		next = (at / sector + 1) * sector;
		if (next > end)
			next = end;
		if (power_random(c, 2) > 0)
			put_bytes(b, at, e->data + (at - begin), next - at);
		else if (luck == JUNK && at >= b->n)
			put_junk(b, at, next);
	}
}

/* The last ones before `end` of those that are not promised, by chance. */
static void
apply_pending(struct power_cut *c, struct power_bytes *b,
	const struct power_life *life, enum luck luck)
{
	size_t sector = power_random(c, 2) > 0 ? 512 : 4096;
	size_t n = life->n - life->first;
	size_t from = 0, to = n;

	if (luck == LOSE || n == 0)
		return;
	if (power_random(c, 2) > 0)	/* as if they went in order */
		to = 1 + power_random(c, (unsigned)n);
	if (power_random(c, 3) == 0)	/* or the last ones first */
		from = power_random(c, (unsigned)to);
	for (size_t i = from; i < to; i++) {
		const struct power_entry *e =
			&c->tape->entries[life->pending[life->first + i]];

		if (luck == KEEP && i + 1 < to)
			apply_whole(b, e);
		else
			apply_torn(c, b, e, sector, luck);
	}
}

/* ---- as time goes ---- */

static void
promise_names(struct power_cut *c)
{
	for (size_t i = 0; i < c->n_names; i++)
		c->promised[c->names[i].file] = c->names[i].life;
	c->n_names = 0;
}

static void
add_name(struct power_cut *c, enum power_file file, struct power_life *life)
{
	c->names = grown(c->names, &c->cap_names, c->n_names + 1,
		sizeof(*c->names));
	c->names[c->n_names++] = (struct power_name){ file, life };
	c->lives[file] = life;
}

static struct power_life *
life_of(struct power_cut *c, enum power_file file)
{
	struct power_life *life = c->lives[file];

	if (life == NULL) {
		life = calloc(1, sizeof(*life));
		ck_assert_ptr_nonnull(life);
		life->fresh = true;
		add_name(c, file, life);
		c->all = grown(c->all, &c->cap_all, c->n_all + 1,
			sizeof(*c->all));
		c->all[c->n_all++] = life;
	}
	return life;
}

static void
synced(struct power_cut *c, struct power_life *life, bool well)
{
	for (size_t i = life->first; i < life->n; i++) {
		const struct power_entry *e =
			&c->tape->entries[life->pending[i]];

		if (well)
			apply_whole(&life->kept, e);
		else	/* decided here and now, whoever asks again */
			apply_torn(c, &life->kept, e, 512, EITHER);
	}
	life->first = life->n;
	if (well && life->fresh) {
		life->fresh = false;
		promise_names(c);	/* SQLite syncs the directory too */
	}
}

static void
pend(struct power_cut *c, struct power_life *life)
{
	life->pending = grown(life->pending, &life->cap, life->n + 1,
		sizeof(*life->pending));
	life->pending[life->n++] = c->next;
}

const struct power_entry *
power_step(struct power_cut *c)
{
	const struct power_entry *e = &c->tape->entries[c->next];

	if (c->next == c->tape->n)
		return NULL;
	switch (e->kind) {
	case POWER_CREATE:
		(void)life_of(c, e->file);
		break;
	case POWER_DELETE:
		add_name(c, e->file, NULL);
		if (e->at != 0)
			promise_names(c);
		break;
	case POWER_WRITE:
	case POWER_TRUNCATE:
		pend(c, life_of(c, e->file));
		break;
	case POWER_SYNC:
	case POWER_SYNC_FAILED:
		synced(c, life_of(c, e->file), e->kind == POWER_SYNC);
		break;
	case POWER_ACK:
		break;
	}
	c->next++;
	return e;
}

/* ---- laying out ---- */

static void
write_out(const char *path, const struct power_bytes *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	if (b->n > 0)
		ck_assert_int_eq(write(fd, b->p, b->n), (ssize_t)b->n);
	close(fd);
}

static void
lay_out_one(struct power_cut *c, const char *path,
	const struct power_life *life)
{
	static const enum luck lucks[] = { LOSE, KEEP, EITHER, EITHER, JUNK };

	set_size(&c->scratch, 0);
	if (life->kept.n > 0)
		put_bytes(&c->scratch, 0, life->kept.p, life->kept.n);
	apply_pending(c, &c->scratch, life, lucks[power_random(c, 5)]);
	write_out(path, &c->scratch);
}

void
power_lay_out(struct power_cut *c, const char *path)
{
	struct power_life *lives[POWER_FILES];
	size_t names = power_random(c, (unsigned)c->n_names + 1);
	char name[512];

	memcpy(lives, c->promised, sizeof(lives));
	for (size_t i = 0; i < names; i++)
		lives[c->names[i].file] = c->names[i].life;
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	for (int file = 0; file < POWER_FILES; file++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[file]);
		unlink(name);
		if (lives[file] != NULL)
			lay_out_one(c, name, lives[file]);
	}
}

void
power_cut_fini(struct power_cut *c)
{
	for (size_t i = 0; i < c->n_all; i++) {
		free(c->all[i]->kept.p);
		free(c->all[i]->pending);
		free(c->all[i]);
	}
	free(c->all);
	free(c->names);
	free(c->scratch.p);
}
