/*
 * Tokens of a server that does not run: its store is opened here, under its
 * lock.  A host that the store does not know yet comes to be as it would by
 * the API, through the engine, so that its number is the server's.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/show.h"
#include "cli/token.h"
#include "model/name.h"
#include "store/token.h"

struct offline_tokens {
	struct offline at;
	struct cli *cli;
	struct table *table;	/* of a list, or NULL */
	bool known;		/* the token asked for is in force */
	uint32_t wanted;
	int rc;			/* of what the engine gave to the store */
};

static int
load_token(struct offline *at, const struct store_token *k)
{
	struct offline_tokens *o = CONTAINER_OF(at, struct offline_tokens, at);
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
	if (k->until.ms != 0)
		table_set(t, 5, wall_format(k->until, text, sizeof(text)),
			NULL);
	return 0;
}

static void
keep_facts(struct engine_io *io, struct change_set *cs)
{
	struct offline_tokens *o = CONTAINER_OF(io, struct offline_tokens,
		at.io);
	int rc = store_sqlite.submit(o->at.store, cs);

	if (rc < 0) {
		change_set_free(cs);
		o->rc = rc;
	}
}

static const struct offline_conf conf = { .keep = keep_facts,
	.token = load_token };

/* ---- the verbs ---- */

static int
enrol(struct offline_tokens *o, const char *host, uint32_t *id, struct tc_err *e)
{
	struct clock *clock = o->cli->clock;
	struct now now = { clock->mono(clock), clock->wall(clock) };
	int rc;

	*id = engine_host_enrol(o->at.engine, host, now);
	if (*id == 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	rc = store_sqlite.flush(o->at.store, dur_s(10));
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
put_token(struct offline_tokens *o, struct strbuf *token, struct tc_err *e)
{
	const struct cli_options *opt = &o->cli->opt;
	struct store_token row = { .id = o->at.last_token + 1, .role = opt->role,
		.host_name = "", .name = opt->name ? opt->name : "",
		.created = o->cli->clock->wall(o->cli->clock) };
	char host[NAME_MAX_BYTES + 1], text[TOKEN_TEXT];
	int rc;

	if ((rc = token_until(row.created, opt->valid, &row.until, e)) < 0)
		return tc_wrap(e, "--valid");
	if (!is_role(opt->role))
		return tc_fail(e, TC_EINVAL,
			"--role: agent, viewer, operator or admin");
	if (opt->host) {
		if ((rc = name_fold(opt->host, strlen(opt->host), host, e)) < 0)
			return tc_wrap(e, "--host");
		if (!opt->is_new &&
		    engine_host_known(o->at.engine, host, e) < 0) {
			tc_wrap(e, "--host");
			return token_say_new(e);
		}
		if ((rc = enrol(o, host, &row.host, e)) < 0)
			return rc;
		row.host_name = host;
	}
	token_make(text, row.sha256);
	if ((rc = store_sqlite.token_put(o->at.store, &row, e)) == 0)
		strbuf_puts(token, text);
	sodium_memzero(text, sizeof(text));
	return rc;
}

int
token_offline_create(struct cli *c, const char *state_dir,
	struct strbuf *token, struct tc_err *e)
{
	struct offline_tokens o = { .cli = c };
	int rc = offline_open(&o.at, &conf, state_dir, e);

	if (rc == 0)
		rc = put_token(&o, token, e);
	if (rc == 0 && c->out.format == OUT_JSON)
		strbuf_printf(&c->out.text, "{\"token\":\"%s\"}\n",
			strbuf_str(token));
	offline_close(&o.at);
	return rc;
}

int
token_offline_list(struct cli *c, const char *state_dir, struct table *t,
	struct tc_err *e)
{
	struct offline_tokens o = { .cli = c, .table = t };
	int rc = offline_open(&o.at, &conf, state_dir, e);

	offline_close(&o.at);
	return rc;
}

int
token_offline_revoke(struct cli *c, const char *state_dir, uint32_t id,
	struct tc_err *e)
{
	struct offline_tokens o = { .cli = c, .wanted = id };
	int rc = offline_open(&o.at, &conf, state_dir, e);

	if (rc == 0 && !o.known)
		rc = tc_fail(e, TC_ENOENT, "there is no token %u", id);
	if (rc == 0)
		rc = store_sqlite.token_revoke(o.at.store, id,
			c->clock->wall(c->clock), e);
	offline_close(&o.at);
	return rc;
}
