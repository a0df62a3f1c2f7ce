/*
 * POST /v1/observations: judged and committed before it is acknowledged.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "wire/batch.h"
#include "wire/json_write.h"
#include "wire/protocol.h"

/*
 * A host that this snapshot does not know may be known to the engine by now:
 * only what is surely another's is refused here.
 */
static bool
may_speak_for(struct request *r, const char *name)
{
	const struct snap_host *host;

	if (r->who.role != ROLE_AGENT)
		return true;
	host = snapshot_host(request_snapshot(r), name);
	return r->who.host_id != 0 &&
		(host == NULL || host->id == r->who.host_id);
}

/*
 * Before the body: that of a protocol to come may have another form.  It is
 * a conflict, which agents keep their batches over, as no 400 is.
 */
static int
check_protocol(const struct request *r, struct tc_err *e)
{
	const char *text = r->guard.protocol;
	uint64_t theirs;

	if (text == NULL)
		return 0;
	if (u64_parse(text, strlen(text), &theirs) < 0)
		return tc_fail(e, TC_EINVAL, PROTOCOL_HEADER ": '%.20s' is no "
			"number", text);
	if (theirs > PROTOCOL_NOW)
		return tc_fail(e, TC_EEXIST, PROTOCOL_CODE ": this server "
			"speaks protocol %u and %u, not %.20s: update it "
			"before its agents", PROTOCOL_NOW, PROTOCOL_OLDEST,
			text);
	return 0;
}

static void
check_times(struct request *r, struct http_command *cmd)
{
	struct clock *clock = r->h->io->clock;
	size_t bad;

	bad = batch_check_times(cmd->batch, clock->wall(clock),
		cmd->bad_index, ARRAY_LEN(cmd->bad_index));
	/* Our clock may have been set: no reason to be deaf to all. */
	if (bad != 0 && batch_check_times(cmd->batch, wall_steady(r->h->began,
		clock->mono(clock)), cmd->bad_index,
		ARRAY_LEN(cmd->bad_index)) == 0)
		bad = 0;
	if (bad == 0)
		return;
	cmd->n_bad = bad < ARRAY_LEN(cmd->bad_index) ?
		bad : ARRAY_LEN(cmd->bad_index);
	cmd->rc = tc_fail(&cmd->err, TC_ERANGE, "%zu observations are older "
		"than 7 days or more than 5 minutes ahead", bad);
}

void
observe(struct request *r)
{
	struct http_command *cmd = wait_command_new(r, COMMAND_OBSERVE);

	if (cmd == NULL)
		return;
	cmd->batch = MEM_NEW(struct batch);
	cmd->rc = cmd->batch != NULL ? check_protocol(r, &cmd->err) :
		tc_fail(&cmd->err, TC_ENOMEM, "out of memory");
	if (cmd->rc == 0)
		cmd->rc = batch_parse(strbuf_str(&r->body), r->body.n,
			cmd->batch, &cmd->err);
	strbuf_free(&r->body);
	if (cmd->rc == 0 && !may_speak_for(r, cmd->batch->host))
		cmd->rc = tc_fail(&cmd->err, TC_EPERM,
			"the token is bound to another host");
	if (cmd->rc == 0)
		check_times(r, cmd);
	wait_submit(r, cmd);
}

void
observed(struct request *r, const struct http_command *cmd)
{
	struct json_write w;

	reply_open(r, &w, NULL);
	json_add_u64(&w, "accepted", cmd->accepted);
	json_add_u64(&w, "duplicates", cmd->duplicates);
	json_add_u64(&w, "protocol", PROTOCOL_NOW);
	json_put_end(&w);
	r->reply.status = 202;
	r->reply.cache = "no-store";
}
