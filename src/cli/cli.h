/*
 * The command line `tocsin`: what every verb has at hand.
 */
#ifndef TOCSIN_CLI_CLI_H
#define TOCSIN_CLI_CLI_H

#include <stdbool.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/out.h"
#include "cli/doc.h"
#include "client/client.h"

struct json_write;

enum cli_exit { CLI_OK = 0, CLI_ERROR = 1, CLI_USAGE = 2, CLI_AT_RISK = 3 };

struct cli_options {
	const char *server;	/* NULL = found by api_open() */
	const char *token_file;
	const char *ca_file;
	const char *state_dir;	/* NULL = TOCSIN_STATEDIR */
	const char *format;
	bool json;
	struct arg_asks asks;
	/* of single verbs */
	bool fail;
	bool follow;
	bool watch;
	bool origins;
	const char *level;
	const char *state;
	const char *partition;
	const char *tag;
	const char *match;
	const char *attribute;
	const char *role;
	bool is_new;
	struct dur valid;	/* of a token; 0 = for ever */
	const char *host;
	const char *name;
	const char *config;
	const char *plugin_dir;
	const char *address;
	const char *hosts;	/* "a,b" */
	const char *reason;
	const char *comment;
	const char *person;
	const char *severity;
	const char *from;
	const char *to;
	const char *type;
	const char *source;
	const char *outcome;
	const char *text;
	struct dur lasting;	/* --for */
	struct dur notice;
	const char *zone;
	const char *every;
	const char *on;
	const char *at;
	const char *until;
	const char *todo;
	bool accept_conflict;
	struct dur ttl;
	uint64_t limit;
	uint64_t after;
	const char *metric;
	struct dur older_than;
	const char *tier;
	uint64_t expected;	/* UINT64_MAX = not given */
	bool dry_run;
	uint64_t delta;
	const char *note;
	bool gone;
	const char *replay;
	struct arg_list data;
	struct arg_list by;
	const char *db;
	const char *emit;
	const char *pack;
	const char *fit;
	struct arg_list with;
	const char *against;
	const char *html;
	const char *failed;
	const char *id;
	bool single;
	bool shuffle;
	bool of_hosts;
};

struct cli {
	struct cli_options opt;
	struct arg_rest rest;
	struct clock *clock;
	struct out out;
	struct arena arena;	/* of trees and what is made of them */
	struct client *client;	/* NULL until api_open() */
	struct client_reply reply;
	char url[512];
	struct wall now;	/* of the server, when it last replied */
};

/* The exit status of the program. */
int cli_main(int argc, char **argv);

/* ---- api.c ---- */
/*
 * Finds the server and the token: --server, STATE_DIR/server.url,
 * $TOCSIN_SERVER, http://127.0.0.1:8420; --token-file, $TOCSIN_TOKEN,
 * STATE_DIR/admin.token.  No token is no error yet.
 */
int api_open(struct cli *c, struct tc_err *e);
/* A second connection as the same. */
int api_clone(struct cli *c, struct client **out, struct tc_err *e);
/* A reply that is not 2xx is an error in the problem's words. */
int api_get(struct cli *c, const char *path, struct doc **out,
	struct tc_err *e);
int api_send(struct cli *c, const char *method, const char *path,
	const struct strbuf *body, struct doc **out, struct tc_err *e); /* lint: a request is so */
/*
 * All pages of a list: the items as one tree array.  In JSON the lists are
 * put together in the reply's body.  `limit` 0 = all.
 */
int api_list(struct cli *c, const char *path, uint64_t limit,
	struct doc **out, struct tc_err *e);
/* "a b" → "a%20b" */
void api_escape(struct strbuf *out, const char *text);
/* path?name=value, path&name=value; nothing when the value is NULL. */
void api_filter(struct strbuf *path, const char *name, const char *value);
/* "name": ["a", "b"], of "a,b" */
void api_put_names(struct json_write *w, const char *key, const char *names);
/* "person": --person, else the login name of who sits there. */
void api_put_person(const struct cli *c, struct json_write *w);
/* The last reply as it came, with a newline; only with --json. */
void api_print(struct cli *c);

/* ---- verbs: an exit status, or an error ---- */
int verb_status(struct cli *c, struct tc_err *e);
int verb_hosts(struct cli *c, struct tc_err *e);
int verb_host(struct cli *c, struct tc_err *e);
int verb_risk(struct cli *c, struct tc_err *e);
int verb_explain(struct cli *c, struct tc_err *e);
int verb_events(struct cli *c, struct tc_err *e);
int verb_token(struct cli *c, struct tc_err *e);
int verb_config(struct cli *c, struct tc_err *e);
int verb_doctor(struct cli *c, struct tc_err *e);
int verb_plugin(struct cli *c, struct tc_err *e);
int verb_evacuations(struct cli *c, struct tc_err *e);
int verb_simulate(struct cli *c, struct tc_err *e);
int verb_import(struct cli *c, struct tc_err *e);
int verb_backtest(struct cli *c, struct tc_err *e);
int verb_mine(struct cli *c, struct tc_err *e);
int verb_accept(struct cli *c, struct tc_err *e);
int verb_repair(struct cli *c, struct tc_err *e);
int verb_artifact(struct cli *c, struct tc_err *e);
int verb_outcome(struct cli *c, struct tc_err *e);
int verb_scorecard(struct cli *c, struct tc_err *e);
int verb_stats(struct cli *c, struct tc_err *e);
int verb_brake(struct cli *c, struct tc_err *e);
int verb_alerts(struct cli *c, struct tc_err *e);
int verb_signal(struct cli *c, struct tc_err *e);
int verb_common_cause(struct cli *c, struct tc_err *e);
int verb_switches(struct cli *c, struct tc_err *e);
int verb_audit(struct cli *c, struct tc_err *e);
int verb_ack(struct cli *c, struct tc_err *e);
int verb_comment(struct cli *c, struct tc_err *e);
int verb_healthy_set(struct cli *c, struct tc_err *e);
/* people.c: `ack ID`, of two verbs */
int cli_ack(struct cli *c, const char *id, struct tc_err *e);
int verb_maintenance(struct cli *c, struct tc_err *e);
int verb_db(struct cli *c, struct tc_err *e);
int verb_selftest(struct cli *c, struct tc_err *e);
int verb_rehearse(struct cli *c, struct tc_err *e);
/* ---- db_drives.c ---- */
int db_export_drives(struct cli *c, const char *path, struct wall from,
	struct wall to, struct tc_err *e);
const char *db_state_dir(const struct cli *c);
/* ---- db_import.c ---- */
struct db_imported {
	size_t samples;		/* in the file */
	size_t known;		/* of them, that history had already */
};
int db_import(struct cli *c, const char *path, struct db_imported *out,
	struct tc_err *e);
/* db export, which has formats of its own */
bool db_is_export(const struct cli *c);

#endif
