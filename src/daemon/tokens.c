/*
 * The tokens in force, by the hash of their text.  Only hashes are stored;
 * a token is shown once, when it is made.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "daemon/daemon.h"
#include "store/token.h"

_Static_assert(crypto_hash_sha256_BYTES == 32, "as in struct store_token");

struct token {
	uint32_t id;
	unsigned char sha256[32];
	enum http_role role;
	uint32_t host;
	char host_name[254];
	char name[64];
	struct wall created;
	struct wall until;	/* ms 0 = for ever */
	_Atomic int64_t used_ms;	/* since the start; 0 = not yet */
};

struct tokens {
	struct clock *clock;
	struct now began;
	pthread_rwlock_t lock;
	struct hash by_hash;
	uint32_t last_id;
};

struct tokens *
tokens_new(struct clock *clock)
{
	struct tokens *t = MEM_NEW(struct tokens);

	if (t == NULL)
		return NULL;
	t->clock = clock;
	t->began = (struct now){ clock->mono(clock), clock->wall(clock) };
	pthread_rwlock_init(&t->lock, NULL);
	randombytes_buf(&t->by_hash.seed, sizeof(t->by_hash.seed));
	return t;
}

void
tokens_free(struct tokens *t)
{
	size_t at = 0;
	struct token *token;

	if (t == NULL)
		return;
	while ((token = hash_next(&t->by_hash, &at)) != NULL)
		mem_free(token);
	hash_free(&t->by_hash);
	pthread_rwlock_destroy(&t->lock);
	mem_free(t);
}

int
tokens_put(struct tokens *t, const struct store_token *row)
{
	struct token *token = MEM_NEW(struct token);
	struct token *old;
	int rc = 0;

	if (token == NULL)
		return TC_ENOMEM;
	token->id = row->id;
	memcpy(token->sha256, row->sha256, sizeof(token->sha256));
	token->host = row->host;
	token->created = row->created;
	token->until = row->until;
	snprintf(token->host_name, sizeof(token->host_name), "%s",
		row->host_name);
	snprintf(token->name, sizeof(token->name), "%s", row->name);
	pthread_rwlock_wrlock(&t->lock);
	if (row->id > t->last_id)
		t->last_id = row->id;
	old = hash_remove(&t->by_hash, row->sha256, sizeof(row->sha256));
	if (row->revoked.ms != 0 ||
	    !http_role_parse(row->role, strlen(row->role), &token->role))
		mem_free(token);
	else
		rc = hash_put(&t->by_hash, token->sha256,
			sizeof(token->sha256), token);
	if (rc < 0)
		mem_free(token);
	mem_free(old);
	pthread_rwlock_unlock(&t->lock);
	return rc;
}

static struct token *
find_id(struct tokens *t, uint32_t id)
{
	size_t at = 0;
	struct token *token;

	while ((token = hash_next(&t->by_hash, &at)) != NULL)
		if (token->id == id)
			break;
	return token;
}

bool
tokens_revoke(struct tokens *t, uint32_t id)
{
	struct token *token;

	pthread_rwlock_wrlock(&t->lock);
	token = find_id(t, id);
	if (token != NULL)
		hash_remove(&t->by_hash, token->sha256,
			sizeof(token->sha256));
	pthread_rwlock_unlock(&t->lock);
	mem_free(token);
	return token != NULL;
}

/*
 * A wall clock that is set forward while we run ends no token: all agents
 * would fall silent at once.
 */
static struct wall
now_of(const struct tokens *t)
{
	struct wall now = t->clock->wall(t->clock);
	struct wall steady = wall_steady(t->began, t->clock->mono(t->clock));

	return now.ms < steady.ms ? now : steady;
}

void
tokens_ending(struct tokens *t, char *out, size_t size)
{
	const struct token *token, *first = NULL;
	struct wall now = now_of(t);
	char when[WALL_TEXT];
	size_t at = 0, n = 0;

	out[0] = '\0';
	pthread_rwlock_rdlock(&t->lock);
	while ((token = hash_next(&t->by_hash, &at)) != NULL) {
		if (!token_ends_soon(token->created, token->until, now))
			continue;
		n++;
		if (first == NULL || token->until.ms < first->until.ms ||
		    (token->until.ms == first->until.ms &&
			token->id < first->id))
			first = token;
	}
	if (first != NULL)
		snprintf(out, size, "token %u (%s%s%s) %s %s%s: make another "
			"and revoke it", first->id, http_role_id(first->role),
			first->host_name[0] != '\0' ? " of " : "",
			first->host_name, first->until.ms <= now.ms ?
			"ended" : "ends", wall_format(first->until, when,
				sizeof(when)), n > 1 ? ", others soon" : "");
	pthread_rwlock_unlock(&t->lock);
}

/*
 * The table is searched by the hash, of which a guesser controls nothing, so
 * the time tells nothing of the token.
 */
bool
tokens_find(struct tokens *t, const char *text, size_t n,
	struct http_principal *out)
{
	unsigned char sha256[32];
	struct wall now = now_of(t);
	struct token *token;
	bool good = false;

	crypto_hash_sha256(sha256, (const unsigned char *)text, n);
	pthread_rwlock_rdlock(&t->lock);
	token = hash_get(&t->by_hash, sha256, sizeof(sha256));
	if (token != NULL) {
		*out = (struct http_principal){ .role = token->role,
			.token_id = token->id, .host_id = token->host };
		memcpy(out->name, token->name, sizeof(out->name));
		out->expired = token->until.ms != 0 &&
			token->until.ms <= now.ms;
		good = !out->expired;
		if (good)
			token->used_ms = now.ms;
	}
	pthread_rwlock_unlock(&t->lock);
	return good;
}

static int
by_id(const void *a, const void *b)
{
	uint32_t x = (*(struct token *const *)a)->id;
	uint32_t y = (*(struct token *const *)b)->id;

	return (x > y) - (x < y);
}

int
tokens_each(struct tokens *t, http_token_sink *sink, void *arg)
{
	size_t at = 0, n = 0;
	struct token **sorted, *token;
	int rc = 0;

	pthread_rwlock_rdlock(&t->lock);
	sorted = mem_alloc_array(t->by_hash.n + 1, sizeof(*sorted));
	if (sorted == NULL)
		rc = TC_ENOMEM;
	while (rc == 0 && (token = hash_next(&t->by_hash, &at)) != NULL)
		sorted[n++] = token;
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), by_id);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = sink(arg, &(struct http_token){ .id = sorted[i]->id,
			.role = sorted[i]->role, .host = sorted[i]->host_name,
			.name = sorted[i]->name, .created = sorted[i]->created,
			.until = sorted[i]->until, .last_used = {
				sorted[i]->used_ms } });
	pthread_rwlock_unlock(&t->lock);
	mem_free(sorted);
	return rc;
}

uint32_t
tokens_next_id(struct tokens *t)
{
	uint32_t id;

	pthread_rwlock_wrlock(&t->lock);
	id = ++t->last_id;
	pthread_rwlock_unlock(&t->lock);
	return id;
}

void
tokens_reserve(struct tokens *t, uint32_t last_id)
{
	pthread_rwlock_wrlock(&t->lock);
	if (last_id > t->last_id)
		t->last_id = last_id;
	pthread_rwlock_unlock(&t->lock);
}

static bool
admin_file_is_in_force(struct daemon *d, const char *path)
{
	struct strbuf text = { 0 };
	struct http_principal who;
	bool good = false;

	if (file_slurp(path, 4096, &text, NULL) == 0) {
		size_t n = strcspn(strbuf_str(&text), "\r\n");

		good = tokens_find(d->tokens, strbuf_str(&text), n, &who) &&
			who.role == ROLE_ADMIN;
	}
	strbuf_free(&text);
	return good;
}

int
tokens_ensure_admin(struct daemon *d, struct tc_err *e)
{
	char path[4096], text[TOKEN_TEXT + 1];
	struct store_token row = { .role = http_role_id(ROLE_ADMIN),
		.host_name = "", .name = "admin.token",
		.created = d->clock->wall(d->clock) };
	int rc;

	snprintf(path, sizeof(path), "%s/admin.token", d->config->state_dir);
	if (admin_file_is_in_force(d, path))
		return 0;
	token_make(text, row.sha256);
	row.id = tokens_next_id(d->tokens);
	if ((rc = store_sqlite.token_put(d->store, &row, e)) < 0 ||
	    (rc = tokens_put(d->tokens, &row)) < 0)
		return tc_wrap(e, "admin token");
	text[TOKEN_TEXT - 1] = '\n';
	rc = file_write_atomic(path, text, TOKEN_TEXT, 0600, e);
	sodium_memzero(text, sizeof(text));
	return rc;
}
