/*
 * Tokens of a server that does not run: its store is opened here, under its
 * lock.  A host that the store does not know yet comes to be as it would by
 * the API, through the engine, so that its number is the server's.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "engine/engine.h"
#include "model/name.h"
#include "store/store.h"

#define TOKEN_PREFIX "tcs_"
#define TOKEN_SIZE (4 + 64 + 1)

struct offline {
	struct cli *cli;
	int lock;
	struct store *store;
	struct engine *engine;
	struct engine_io io;
	uint32_t last_token;
	struct table *table;	/* of a list, or NULL */
	bool known;		/* the token asked for is in force */
	uint32_t wanted;
	int rc;			/* of what the engine gave to the store */
};

/* ---- what the store has ---- */

static int
load_subject(void *arg, const struct change_subject *s)
{
	struct offline *o = arg;
	int rc = engine_restore_subject(o->engine, s);

	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_state(void *arg, const struct change_state *s)
{
	(void)arg;
	(void)s;
	return 0;
}

static int
load_prediction(void *arg, const struct change_prediction *p)
{
	(void)arg;
	(void)p;
	return 0;
}

static int
load_token(void *arg, const struct store_token *k)
{
	struct offline *o = arg;
	struct table *t = o->table;
	char text[WALL_TEXT];

	if (k->id == o->wanted && k->revoked.ms == 0)
		o->known = true;
	if (!t || k->revoked.ms != 0)
		return 0;
	table_row(t);
	snprintf(text, sizeof(text), "%u", k->id);
	table_set(t, 0, text, NULL);
	table_set(t, 1, k->role, NULL);
	table_set(t, 2, k->host_name, NULL);
	table_set(t, 3, k->name, NULL);
	wall_format(k->created, text, sizeof(text));
	table_set(t, 4, text, NULL);
	return 0;
}

static void
load_seq(void *arg, uint64_t event_seq, uint64_t prediction_id,	/* lint: struct store_loader */
	uint32_t subject_id, uint32_t token_id, bool clean)
{
	struct offline *o = arg;

	(void)subject_id;
	o->last_token = token_id;
	engine_restore_seq(o->engine, event_seq, prediction_id, clean);
}

static void
start_nothing(struct engine_io *io, const struct engine_run *runs, size_t n)
{
	(void)io;
	(void)runs;
	(void)n;
}

static void
keep_facts(struct engine_io *io, struct change_set *cs)
{
	struct offline *o = CONTAINER_OF(io, struct offline, io);
	int rc = store_sqlite.submit(o->store, cs);

	if (rc < 0) {
		change_set_free(cs);
		o->rc = rc;
	}
}

/* ---- open and close ---- */

static void
offline_close(struct offline *o)
{
	if (o->store)
		store_sqlite.close(o->store);
	engine_free(o->engine);
	if (o->lock >= 0)
		close(o->lock);
}

static int
offline_open(struct offline *o, const char *state_dir, struct tc_err *e)
{
	char path[512];
	struct store_conf conf = { .path = path };
	struct store_loader loader = { .arg = o, .subject = load_subject,
		.state = load_state, .prediction = load_prediction,
		.token = load_token, .seq = load_seq };
	struct engine_conf engine = { .io = &o->io,
		.version = TOCSIN_VERSION };
	int rc;

	o->lock = -1;
	o->io = (struct engine_io){ .start = start_nothing,
		.store = keep_facts };
	if (sodium_init() < 0)
		return tc_fail(e, TC_EIO, "libsodium does not start");
	if ((rc = file_make_dirs(state_dir, 0750, e)) < 0 ||
	    (rc = store_lock(state_dir, &o->lock, e)) < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/tocsin.db", state_dir);
	o->engine = engine_new(&engine);
	if (!o->engine)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if ((rc = store_sqlite.open(&conf, &o->store, e)) < 0 ||
	    (rc = store_sqlite.load(o->store, &loader, e)) < 0)
		return tc_wrap(e, "%s", path);
	return 0;
}

/* ---- the verbs ---- */

/* As tocsind makes them: 32 random bytes; only the hash is kept. */
static void
make_token(char text[TOKEN_SIZE], unsigned char sha256[32])
{
	unsigned char secret[32];

	randombytes_buf(secret, sizeof(secret));
	memcpy(text, TOKEN_PREFIX, 4);
	sodium_bin2hex(text + 4, TOKEN_SIZE - 4, secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	crypto_hash_sha256(sha256, (const unsigned char *)text,
		TOKEN_SIZE - 1);
}

static int
enrol(struct offline *o, const char *host, uint32_t *id, struct tc_err *e)
{
	struct clock *clock = o->cli->clock;
	struct now now = { clock->mono(clock), clock->wall(clock) };
	int rc;

	*id = engine_host_enrol(o->engine, host, now);
	if (*id == 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	rc = store_sqlite.flush(o->store, dur_s(10));
	if (rc == 0)
		rc = o->rc;
	return rc < 0 ? tc_fail(e, rc, "%s could not be stored", host) : 0;
}

static bool
is_role(const char *text)
{
	static const char *const roles[] = { "agent", "viewer", "operator",
		"admin" };

	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(roles[i], text) == 0)
			return true;
	}
	return false;
}

static int
put_token(struct offline *o, struct strbuf *token, struct tc_err *e)
{
	const struct cli_options *opt = &o->cli->opt;
	struct store_token row = { .id = o->last_token + 1, .role = opt->role,
		.host_name = "", .name = opt->name ? opt->name : "",
		.created = o->cli->clock->wall(o->cli->clock) };
	char host[NAME_MAX_BYTES + 1], text[TOKEN_SIZE];
	int rc;

	if (!is_role(opt->role))
		return tc_fail(e, TC_EINVAL,
			"--role: agent, viewer, operator or admin");
	if (opt->host) {
		if ((rc = name_fold(opt->host, strlen(opt->host), host, e)) < 0)
			return tc_wrap(e, "--host");
		if ((rc = enrol(o, host, &row.host, e)) < 0)
			return rc;
		row.host_name = host;
	}
	make_token(text, row.sha256);
	if ((rc = store_sqlite.token_put(o->store, &row, e)) == 0)
		strbuf_puts(token, text);
	sodium_memzero(text, sizeof(text));
	return rc;
}

int
token_offline_create(struct cli *c, const char *state_dir,
	struct strbuf *token, struct tc_err *e)
{
	struct offline o = { .cli = c };
	int rc = offline_open(&o, state_dir, e);

	if (rc == 0)
		rc = put_token(&o, token, e);
	if (rc == 0 && c->out.format == OUT_JSON)
		strbuf_printf(&c->out.text, "{\"token\":\"%s\"}\n",
			strbuf_str(token));
	offline_close(&o);
	return rc;
}

int
token_offline_list(struct cli *c, const char *state_dir, struct table *t,
	struct tc_err *e)
{
	struct offline o = { .cli = c, .table = t };
	int rc = offline_open(&o, state_dir, e);

	offline_close(&o);
	return rc;
}

int
token_offline_revoke(struct cli *c, const char *state_dir, uint32_t id,
	struct tc_err *e)
{
	struct offline o = { .cli = c, .wanted = id };
	int rc = offline_open(&o, state_dir, e);

	if (rc == 0 && !o.known)
		rc = tc_fail(e, TC_ENOENT, "there is no token %u", id);
	if (rc == 0)
		rc = store_sqlite.token_revoke(o.store, id,
			c->clock->wall(c->clock), e);
	offline_close(&o);
	return rc;
}
